// hearthctl doctor: what is wrong and what to do, also when the daemon does not run.

import JSON

enum DoctorVerb {
  static let verb = Verb(
    name: "doctor", summary: "what is wrong, and what to do", usage: "[--config FILE] [--state-directory DIR] [--json]",
    text: """
      Asks the daemon; when it does not answer, looks at what keeps it from running,
      or you from it: the unit and what it said last, the configuration, the socket,
      your groups, the state directory, the disk, the clock. Where Bluetooth does not
      work: the adapter, the radio's block, bluetoothd, the daemon's capability, the
      kernel.

      examples:
        hearthctl doctor
        sudo hearthctl doctor --json
      """, options: ["--config", "--state-directory"],
    methods: ["doctor"],
    exit: """
      0 nothing failed, 1 something failed, 64 usage, 75 try again later,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var checks: [JSONValue]
    var status: Int32 = 0
    do throws(Failure) {
      var client = try DaemonClient(arguments)
      let answer = try client.list("doctor", of: "checks").items
      checks = [json(Check(id: "daemon", state: .ok, message: "the daemon runs"))] + answer
      // What the daemon sees from inside is often explained from outside.
      if answer.contains(where: { $0["id"]?.string == "bluetooth" && $0["state"]?.string != "ok" }) {
        let known = answer.compactMap { $0["id"]?.string }
        checks += BluetoothChecks.all().filter { $0.state != .ok && !known.contains($0.id) }.map(json)
      }
      if checks.contains(where: { $0["state"]?.string == "failed" }) { status = 1 }
    } catch {
      let hint = error.status == 111 ? "see what is said below" : error.hint ?? "systemctl status hearthd"
      let daemon = Check(id: "daemon", state: .failed, message: error.message, hint: hint)
      checks = ([daemon] + LocalChecks.all(Places(arguments))).map(json)
      status = error.status
    }
    if arguments.isJSON {
      Terminal.line(["checks": .array(checks)])
    } else {
      for item in checks { Terminal.out(text(item)) }
    }
    return status
  }

  private static func json(_ check: Check) -> JSONValue {
    var object = JSONObject()
    object["id"] = .string(check.id)
    object["state"] = .string(check.state.rawValue)
    object["message"] = .string(check.message)
    if let hint = check.hint { object["hint"] = .string(hint) }
    return .object(object)
  }

  private static func text(_ item: JSONValue) -> String {
    let state = Check.State(rawValue: item["state"]?.string ?? "") ?? .unknown
    let mark =
      switch state {
      case .ok: "ok    "
      case .warning: "warn  "
      case .failed: "FAIL  "
      case .unknown: "?     "
      }
    let paragraph = Show.paragraph("      ", "\(Show.text(item["id"])): \(Show.text(item["message"]))")
    var text = mark + paragraph.dropFirst(6) + "\n"
    if state != .ok, let hint = item["hint"]?.string { text += Show.paragraph("      ", "what to do: " + hint) + "\n" }
    return text
  }
}
