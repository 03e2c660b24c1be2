// hearthctl alerts: what patients' plans raised, and who has taken notice.

import ControlProtocol
import JSON
import Monitoring
import Readings
import Reports

enum AlertsVerb {
  static let verb = Verb(
    name: "alerts", summary: "what patients' plans raised, and who has taken notice",
    usage: """
      [list] [--patient REF] [--all] [--json]
             hearthctl alerts ack PATIENT RULE [--episode ID] [--note TEXT] [--json]
      """,
    text: """
      What is raised stays until a reading is within the limits again. ack says that
      somebody has taken notice: it is kept, and told to every backend. TEXT has at
      most \(ControlParameter.longestNote) characters. With --episode no other episode
      is acknowledged. --all also lists the rules that do not judge, and why.

      These are notifications, no alarms: nobody may rely on them to be in time.

      examples:
        hearthctl alerts
        hearthctl alerts ack p-7f3a bp.extreme --note "called, new cuff tomorrow"
      """, options: ["--patient", "--note", "--episode"], flags: ["--all"], takesWords: true,
    methods: ["alerts", "alerts.ack"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        69 nothing raised so, or no such patient, 75 try again later,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    switch arguments.words.first ?? "list" {
    case "list":
      try arguments.only(["--patient", "--all"], for: "alerts list")
      try arguments.atMost(1)
      return try list(arguments)
    case "ack":
      try arguments.only(["--note", "--episode"], for: "alerts ack")
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
    if alerts.isEmpty {
      Terminal.out("nothing is raised\n")
    } else {
      var table = Table(
        ["ZONE", "PATIENT", "RULE", "STATE", "VALUE", "SINCE", "TOLD", "AGAIN", "ACKNOWLEDGED"],
        leaving: ["AGAIN", "TOLD", "STATE", "ACKNOWLEDGED", "SINCE"], wrapping: "ACKNOWLEDGED")
      for alert in alerts {
        let word = alert["acknowledged"]
        table.rows.append([
          Show.text(alert["zone"]), Show.text(alert["patient"]), Show.text(alert["rule"]), Show.text(alert["state"]),
          value(alert), Show.time(alert["since"]), Show.time(alert["told_at"]), again(alert),
          word.map { "\(Show.time($0["at"])) \(Show.text($0["by"])) \($0["note"]?.string ?? "")" } ?? "-",
        ])
      }
      Terminal.out(table.text())
    }
    guard arguments.has("--all") else { return 0 }
    let refused = whole["not_judged"]?.array ?? []
    let nobody = whole["watch_nobody"]?.array ?? []
    for patient in nobody {
      Terminal.out(
        "\nthe plan of \(Show.text(patient)) judges nothing: no device, no slot and no reading is of this patient\n")
    }
    guard !refused.isEmpty else {
      if nobody.isEmpty { Terminal.out("\nevery rule judges\n") }
      return 0
    }
    Terminal.out("\nrules that do not judge\n")
    var table = Table(["PATIENT", "RULE", "BECAUSE", "SINCE", "READINGS"], leaving: ["READINGS", "SINCE"])
    for item in refused {
      table.rows.append([
        Show.text(item["patient"]), Show.text(item["rule"]), Show.text(item["because"]), Show.time(item["since"]),
        Show.text(item["count"]),
      ])
    }
    Terminal.out(table.text())
    return 0
  }

  /// The value of an event or an alert, with its unit and side: `192 mm[Hg] high`.
  static func value(_ item: JSONValue) -> String {
    var words: [String] = []
    if let comparator = item["comparator"]?.string { words.append(comparator == "<" ? "LO" : "HI") }
    // In another unit than the measure's its places say nothing of what was measured.
    let measure = item["measure"]?.string.flatMap(Measure.init(rawValue:)).flatMap {
      $0.unit.rawValue == item["unit"]?.string ? $0 : nil
    }
    if let told = item["value"]?.string {
      let value = measure.map { ReportNumber.text(told, $0, .english) } ?? told
      words.append(value + (item["unit"]?.string.map { " \(UCUM(rawValue: $0)?.symbol ?? $0)" } ?? ""))
    }
    if let direction = item["direction"]?.string { words.append(direction) }
    return words.isEmpty ? "-" : words.joined(separator: " ")
  }

  /// What is awaited or was told again.
  private static func again(_ alert: JSONValue) -> String {
    var words: [String] = []
    if let until = alert["repeat_until"] {
      let isUnasked = alert["repeat_asked"]?.bool == false
      let about = alert["repeat_of"].map { " about \(value($0))" } ?? ""
      words.append(
        isUnasked
          ? "a repeat\(about) is awaited until \(Show.time(until)), not asked again"
          : "asked\(about) until \(Show.time(until))")
    }
    if let count = alert["repeat"]?.int { words.append("told again \(count) \(count == 1 ? "time" : "times")") }
    if let next = alert["repeat_at"] { words.append("told again at \(Show.time(next))") }
    if let held = alert["held"]?.int {
      let until = alert["held_until"].map { " until \(Show.time($0))" } ?? ""
      let why =
        switch alert["held_by"]?.string {
        case "flapping": "held as it comes and goes"
        case "doubt": "held as doubt is told once an hour"
        default: "held while quiet"
        }
      words.append("\(held) \(why)\(until)")
    }
    if let missed = alert["count"]?.int { words.append("\(missed) more missed") }
    return words.isEmpty ? "-" : words.joined(separator: ", ")
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
    if let episode = arguments.value("--episode") { parameters["episode"] = .string(episode) }
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
