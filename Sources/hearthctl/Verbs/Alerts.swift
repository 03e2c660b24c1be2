// hearthctl alerts: what patients' plans raised, and who has taken notice.

import ControlProtocol
import JSON

enum AlertsVerb {
  static let verb = Verb(
    name: "alerts", summary: "what patients' plans raised, and who has taken notice",
    usage: "[list] [--patient REF] [--json]\n       hearthctl alerts ack PATIENT RULE [--note TEXT] [--json]",
    text: """
      What is raised stays until a reading is within the limits again. ack says that
      somebody has taken notice: it is kept, and told to every backend. TEXT has at
      most \(ControlParameter.longestNote) characters.

      These are notifications, no alarms: nobody may rely on them to be in time.

      examples:
        hearthctl alerts
        hearthctl alerts ack p-7f3a bp.extreme --note "called, new cuff tomorrow"
      """, options: ["--patient", "--note"], takesWords: true,
    methods: ["alerts", "alerts.ack"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        69 nothing raised so, or no such patient, 75 try again later,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    switch arguments.words.first ?? "list" {
    case "list":
      try arguments.only(["--patient"], for: "alerts list")
      try arguments.atMost(1)
      return try list(arguments)
    case "ack":
      try arguments.only(["--note"], for: "alerts ack")
      return try acknowledge(arguments)
    case let word:
      throw Failure.usage("\"\(word)\" is nothing that alerts can do", hint: "known: list, ack")
    }
  }

  private static func list(_ arguments: Arguments) throws(Failure) -> Int32 {
    var parameters = JSONObject()
    if let patient = arguments.value("--patient") { parameters["patient"] = .string(patient) }
    var client = try DaemonClient(arguments)
    let (whole, alerts) = try client.list("alerts", .object(parameters), of: "alerts")
    if arguments.isJSON {
      Terminal.line(whole)
      return 0
    }
    guard !alerts.isEmpty else {
      Terminal.out("nothing is raised\n")
      return 0
    }
    var table = Table(
      ["ZONE", "PATIENT", "RULE", "STATE", "SINCE", "TOLD", "ACKNOWLEDGED"],
      leaving: ["TOLD", "STATE", "ACKNOWLEDGED", "SINCE"], wrapping: "ACKNOWLEDGED")
    for alert in alerts {
      let word = alert["acknowledged"]
      table.rows.append([
        Show.text(alert["zone"]), Show.text(alert["patient"]), Show.text(alert["rule"]), Show.text(alert["state"]),
        Show.time(alert["since"]), Show.time(alert["told_at"]),
        word.map { "\(Show.time($0["at"])) \(Show.text($0["by"])) \($0["note"]?.string ?? "")" } ?? "-",
      ])
    }
    Terminal.out(table.text())
    return 0
  }

  private static func acknowledge(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(3)
    guard arguments.words.count == 3 else {
      throw Failure.usage("expected a patient and a rule", hint: "hearthctl alerts lists what is raised")
    }
    var parameters = JSONObject()
    parameters["patient"] = .string(arguments.words[1])
    parameters["rule"] = .string(arguments.words[2])
    if let note = arguments.value("--note") { parameters["note"] = .string(note) }
    var client = try DaemonClient(arguments)
    let answer = try client.call("alerts.ack", .object(parameters))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      Terminal.out("acknowledged; it is told to every backend\n")
    }
    return 0
  }
}
