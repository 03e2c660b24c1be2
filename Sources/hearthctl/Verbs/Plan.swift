// hearthctl plan: a patient's limits: check a file, see what is in force, try a draft, bring one into force.

import Readings
import ControlProtocol
import JSON
import Monitoring
import Platform
import Settings
import ZoneFiles

enum PlanVerb {
  static let verb = Verb(
    name: "plan", summary: "patients' plans: check, show, explain, try, set",
    usage: """
      check FILE | show PATIENT | explain PATIENT [--days N]
             | try FILE --patient PATIENT [--days N] [--other] [--new]
             | set FILE [--new]   [--json]
      """,
    text: """
      check finds every fault of a file, without the daemon. show says in plain words
      what is watched; explain also shows what was measured lately (30 days) and how
      the plan judged it. try holds a draft against what was measured and lists what
      it would have raised: too much of it, and nobody listens any more. The draft of
      another patient is refused unless --other says that it is meant. set brings a
      plan into force, whole or not at all; its version must rise.

      \(PatientCheck.help)

      examples:
        hearthctl plan check p-7f3a.json
        hearthctl plan try draft.json --patient p-7f3a --days 90
        sudo hearthctl plan set p-7f3a.json
      """, options: ["--days", "--patient"], flags: ["--new", "--other"], takesWords: true,
    methods: ["plan.show", "plan.explain", "plan.try", "plan.set", "patient.known"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        65 a fault in the file, or another patient may be meant,
        69 no such file or patient,
        75 try again later, 77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(2)
    guard let action = arguments.words.first else {
      throw Failure.usage("expected check, show, explain, try or set", hint: "hearthctl plan --help")
    }
    guard arguments.words.count == 2 else {
      let what = action == "show" || action == "explain" ? "a patient" : "a file"
      throw Failure.usage("plan \(action): expected \(what)", hint: "hearthctl plan --help")
    }
    let word = arguments.words[1]
    switch action {
    case "check":
      try arguments.only([], for: "plan check")
      return try check(word, arguments)
    case "show":
      try arguments.only([], for: "plan show")
      return try explain("plan.show", ["patient": .string(word)], arguments)
    case "explain":
      try arguments.only(["--days"], for: "plan explain")
      return try explain(
        "plan.explain", ["patient": .string(word), "days": .int(try DaysOption.read(arguments))], arguments)
    case "try": return try tryDraft(word, arguments)
    case "set":
      try arguments.only(["--new"], for: "plan set")
      return try set(word, arguments)
    default:
      throw Failure.usage("\"\(action)\" is nothing that plan can do", hint: "known: check, show, explain, try, set")
    }
  }

  /// The octets of a file that holds no fault.
  private static func read(_ path: String) throws(Failure) -> [UInt8] {
    try InputFile.read(path, atMost: 1 << 20, hint: "name the file of a plan, at most 1 MiB")
  }

  /// All that is wrong with a plan: in its text, and that this machine does not know its time zone.
  private static func faults(_ text: [UInt8]) -> [JSONError] {
    PlanFile.faults(text) { name in
      do throws(ZoneError) {
        _ = try ZoneDatabase.rules(of: name)
        return nil
      } catch { return error.message }
    }
  }

  private static func good(_ path: String) throws(Failure) -> String {
    let text = try read(path)
    let faults = faults(text)
    guard faults.isEmpty else {
      throw Failure(
        status: 65, code: "bad-plan",
        message: faults.map { $0.description(file: path) }.joined(separator: "; "), hint: "hearthctl plan check \(path)"
      )
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func check(_ path: String, _ arguments: Arguments) throws(Failure) -> Int32 {
    let faults = faults(try read(path))
    if arguments.isJSON {
      let list = faults.map { fault -> JSONValue in
        [
          "file": .string(path), "line": .int(fault.place.line), "column": .int(fault.place.column),
          "path": .string(fault.path), "message": .string(fault.message),
        ]
      }
      Terminal.line(["good": .bool(faults.isEmpty), "faults": .array(list)])
    } else if faults.isEmpty {
      Terminal.out("\(path): good\n")
    } else {
      for fault in faults { Terminal.out(Terminal.clean(fault.description(file: path)) + "\n") }
    }
    return faults.isEmpty ? 0 : 65
  }

  private static func explain(_ method: String, _ parameters: JSONValue, _ arguments: Arguments) throws(Failure)
    -> Int32
  {
    var client = try DaemonClient(arguments)
    let plan = try client.list(method, parameters, of: "rules").whole
    if arguments.isJSON {
      Terminal.line(plan)
      return 0
    }
    let language = Show.text(plan["language"])
    let names = [
      "plan of \(Show.text(plan["patient"]))", "version \(Show.text(plan["version"]))", Show.text(plan["timezone"]),
      language,
    ]
    Terminal.out(Show.paragraph("", names.joined(separator: ", ")) + "\n")
    if let author = plan["set_by"]?.string {
      Terminal.out(Show.paragraph("", "set by \(author), \(Show.time(plan["set_at"]))") + "\n")
    }
    Terminal.out("\n")
    for rule in plan["rules"]?.array ?? [] {
      Terminal.out("\(Show.text(rule["id"]))\n" + Show.paragraph("  ", rule["says"]?.string ?? "") + "\n")
    }
    guard let judged = plan["judged"]?.array else { return 0 }
    Terminal.out("\nthe last \(plan["days"]?.int == 1 ? "day" : "\(Show.text(plan["days"])) days"), judged by it:\n\n")
    if judged.isEmpty { Terminal.out("nothing was measured\n") }
    var table = Table(["TAKEN", "VALUES", "ZONE", "RULES"], leaving: ["RULES", "ZONE"], wrapping: "VALUES")
    for row in judged {
      let values = (row["values"]?.object?.members ?? []).map { value($0.key, $0.value.string ?? "") }
      table.rows.append([
        Show.time(row["at"]), values.joined(separator: ", "), Show.text(row["zone"]),
        (row["rules"]?.array ?? []).map(Show.text).joined(separator: " "),
      ])
    }
    if !judged.isEmpty { Terminal.out(table.text()) }
    told(plan["told"]?.array ?? [])
    return 0
  }

  /// `weight 72.15 kg`, `pulse 65/min`.
  private static func value(_ measure: String, _ text: String) -> String {
    guard let unit = Measure(rawValue: measure)?.unit else { return "\(measure) \(text)" }
    let name = unit == .millimetreOfMercury ? "mmHg" : unit == .degreeCelsius ? "°C" : unit.rawValue
    return "\(measure) \(text)\(name.hasPrefix("/") ? "" : " ")\(name)"
  }

  private static func told(_ events: [JSONValue]) {
    Terminal.out("\n\(Count.of(events.count, "notification"))\n")
    guard !events.isEmpty else { return }
    var table = Table(["WHEN", "RULE", "EVENT", "ZONE"], leaving: ["ZONE", "EVENT"])
    for event in events {
      let count = event["count"].map { " (\(Show.text($0)))" } ?? ""
      table.rows.append([
        Show.time(event["at"]), Show.text(event["rule"]), Show.text(event["event"]) + count, Show.text(event["zone"]),
      ])
    }
    Terminal.out(table.text())
  }

  private static func tryDraft(_ path: String, _ arguments: Arguments) throws(Failure) -> Int32 {
    guard let patient = arguments.value("--patient") else {
      throw Failure.usage("plan try: expected --patient PATIENT: whose measurements it is held against")
    }
    let text = try good(path)
    let days = try DaysOption.read(arguments)
    var client = try DaemonClient(arguments)
    let check = try PatientCheck(patient, arguments, &client)
    let owner = (try? PlanFile.read(Array(text.utf8)).patient) ?? patient
    guard owner == patient || arguments.has("--other") else {
      throw Failure(
        status: 65, code: "plan.other-patient",
        message: "\(path) is a plan of \(owner), and --patient says \(patient)",
        hint: "--patient \(owner), or --other if it is to be held against what \(patient) measured")
    }
    let answer = try client.list(
      "plan.try", ["plan": .string(text), "patient": .string(patient), "days": .int(days)], of: "told")
    if arguments.isJSON {
      Terminal.line(check.marked(answer.whole))
      return 0
    }
    Terminal.out(
      "\(Count.of(answer.whole["readings"]?.int ?? 0, "reading")) of the last \(days == 1 ? "day" : "\(days) days"); "
        + "the draft would have told\n")
    told(answer.items)
    check.tell()
    return 0
  }

  private static func set(_ path: String, _ arguments: Arguments) throws(Failure) -> Int32 {
    let text = try good(path)
    var client = try DaemonClient(arguments)
    let patient = (try? PlanFile.read(Array(text.utf8)).patient) ?? ""
    let check = try PatientCheck(patient, arguments, &client)
    let answer = check.marked(try client.call("plan.set", ["plan": .string(text)]))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      Terminal.out("version \(Show.text(answer["version"])) of \(Show.text(answer["patient"])) is in force\n")
      check.tell()
    }
    return 0
  }
}
