// hearthctl doctor: what is wrong and what to do, also when the daemon does not run.

import Glibc
import JSON
import Platform

enum DoctorVerb {
  static let verb = Verb(
    name: "doctor", summary: "what is wrong, and what to do", usage: "[--json]",
    text: """
      Asks the daemon; when it does not run, looks at what keeps it from running. Exit 0 when everything is good, else 1.

      examples:
        hearthctl doctor
        sudo hearthctl doctor --json
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var checks: [JSONValue]
    do throws(Failure) {
      var client = try DaemonClient(arguments)
      checks = [check("daemon", true, "the daemon runs", "", "")]
      checks += try client.call("doctor")["checks"]?.array ?? []
    } catch {
      checks = [check("daemon", false, "", error.message, error.hint ?? "systemctl status hearthd")] + alone(arguments)
    }
    if arguments.isJSON {
      Terminal.line(["checks": .array(checks)])
    } else {
      for item in checks { Terminal.out(line(item)) }
    }
    return checks.allSatisfy { $0["state"]?.string == "ok" } ? 0 : 1
  }

  private static func line(_ item: JSONValue) -> String {
    let isGood = item["state"]?.string == "ok"
    let mark = isGood ? "ok  " : "FAIL"
    var text = "\(mark)  \(Show.text(item["id"])): \(Show.text(item["message"]))\n"
    if !isGood, let hint = item["hint"]?.string { text += "      what to do: \(Terminal.clean(hint))\n" }
    return text
  }

  private static func check(_ id: String, _ isGood: Bool, _ good: String, _ bad: String, _ hint: String) -> JSONValue {
    isGood
      ? ["id": .string(id), "state": "ok", "message": .string(good)]
      : ["id": .string(id), "state": "failed", "message": .string(bad), "hint": .string(hint)]
  }

  /// What can be seen without the daemon.
  private static func alone(_ arguments: Arguments) -> [JSONValue] {
    let socket = DaemonClient.path(arguments)
    let configuration = "/etc/hearth/hearth.json"
    let state = Environment.get("STATE_DIRECTORY") ?? "/var/lib/hearth"
    return [
      check(
        "socket", access(socket, F_OK) == 0, "\(socket) is there", "\(socket) is not there",
        "systemctl start hearthd.socket, or name another with --socket"),
      check(
        "configuration", access(configuration, R_OK) == 0, "\(configuration) can be read",
        "\(configuration) cannot be read",
        "use sudo, or write it; then hearthd --check tells whether it is good"),
      check(
        "state-directory", access(state, F_OK) == 0, "\(state) is there", "\(state) is not there",
        "systemctl start hearthd makes it"),
      check(
        "clock", Clocks.isSynchronised(), "the hub's clock is synchronised", "the hub's clock is not synchronised",
        "check systemd-timesyncd and the network"),
    ]
  }
}
