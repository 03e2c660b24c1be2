// hearthctl doctor: what systemd knows of the daemon, what the daemon said last, and whether its configuration is good.

import Glibc
import Platform

enum ServiceChecks {
  private static let properties = [
    "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "UnitFileState",
  ]

  static func unit() -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "unit", state: state, message: message, hint: hint)
    }
    guard let known = HelperProgram.properties("hearthd.service", properties) else {
      return check(.unknown, "systemd cannot be asked here", "without systemd, start hearthd by hand")
    }
    switch known["LoadState"] {
    case "loaded": break
    case "not-found":
      return check(.failed, "hearthd.service is not installed", "install the package hearth, or start hearthd by hand")
    case "masked": return check(.failed, "hearthd.service is masked", "sudo systemctl unmask --now hearthd")
    case let state?:
      return check(.failed, "systemd cannot load hearthd.service: \(state)", "systemd-analyze verify hearthd.service")
    case nil: return check(.unknown, "systemd says nothing of hearthd.service", "systemctl status hearthd")
    }
    let isEnabled = known["UnitFileState"] != "disabled"
    let more = "journalctl -u hearthd -n 50 tells more"
    switch (known["ActiveState"] ?? "", known["SubState"] ?? "") {
    case ("active", _):
      guard isEnabled else {
        return check(.warning, "hearthd runs, but not after a restart of the hub", "sudo systemctl enable hearthd")
      }
      return check(.ok, "systemd says that hearthd runs")
    case ("failed", _):
      return check(
        .failed, "systemd says that hearthd failed (\(end(known)))" + lastWords(),
        "correct the reason, then sudo systemctl restart hearthd; \(more)")
    case ("activating", "auto-restart"), ("activating", "auto-restart-queued"):
      return check(
        .failed, "hearthd ends and is started again and again (\(end(known)))" + lastWords(),
        "correct the reason; \(more)")
    case ("inactive", _):
      return check(
        .failed, "hearthd is installed, but does not run" + lastWords(),
        isEnabled ? "sudo systemctl start hearthd" : "sudo systemctl enable --now hearthd")
    case (let state, _):
      return check(.warning, "systemd says that hearthd is \(state)", "try again in a moment; \(more)")
    }
  }

  private static func end(_ known: [String: String]) -> String {
    let result = known["Result"] ?? "unknown"
    guard result == "exit-code", let status = known["ExecMainStatus"] else { return result }
    return "exit status \(status)"
  }

  /// What the daemon itself complained of last since the hub started; nothing when that cannot be read.
  private static func lastWords() -> String {
    let question = [
      "_SYSTEMD_UNIT=hearthd.service", "--boot", "--priority=warning", "--lines=3", "--output=cat", "--no-pager",
      "--quiet",
    ]
    guard let (status, text) = HelperProgram.run("journalctl", question), status == 0 else { return "" }
    let lines = text.split(whereSeparator: \.isNewline).suffix(3)
    return lines.isEmpty ? "" : "; it said last: " + lines.joined(separator: " / ")
  }

  /// `hearthd --check` knows best; it is taken from beside this program, else from where the package puts it.
  static func configuration(_ path: String?) -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "configuration", state: state, message: message, hint: hint)
    }
    let own = realpath("/proc/self/exe", nil).map { path in
      defer { free(path) }
      return String(cString: path)
    }
    let folder = own.flatMap { own in own.lastIndex(of: "/").map { String(own[..<$0]) } }
    let places = [folder, "/usr/bin"].compactMap { $0.map { $0 + "/hearthd" } }
    let arguments = ["--check"] + (path.map { ["--config", $0] } ?? [])
    guard let hearthd = places.first(where: { access($0, X_OK) == 0 }),
      let (status, text) = HelperProgram.run(hearthd, arguments)
    else { return check(.unknown, "hearthd --check could not be run", "is the package hearth installed?") }
    let said = text.split(whereSeparator: \.isNewline).prefix(3).joined(separator: " / ")
    if status == 0 { return check(.ok, said) }
    if said.hasSuffix("Permission denied"), geteuid() != 0 { return check(.unknown, said, "sudo hearthctl doctor") }
    return check(
      .failed, said.isEmpty ? "hearthd --check ends with \(status)" : said,
      "correct it until hearthd --check finds it good, then sudo systemctl restart hearthd")
  }
}
