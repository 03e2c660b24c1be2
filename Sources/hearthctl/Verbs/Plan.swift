// hearthctl plan: a patient's limits: check a file, see what is in force, try a draft, bring one into force.

import ControlProtocol
import Glibc
import JSON
import Monitoring
import Platform
import Readings
import Reports
import Settings
import ZoneFiles

enum PlanVerb {
  static let verb = Verb(
    name: "plan", summary: "patients' plans: check, rehearse, show, try, set, pause",
    usage: """
      check FILE | show PATIENT | explain PATIENT [--days N]
             | try FILE --patient PATIENT [--days N] [--against] [--other]
               [--new]
             | set FILE [--new] | rehearse FILE
             | pause PATIENT --from DATE --to DATE [--rule RULE] [--note TEXT]
             | resume PATIENT   [--json]
      """,
    text: """
      check finds every fault of a file, also without the daemon; with it, also that
      others stand on the patient's scale. show says in plain words what is watched;
      explain also shows what was measured lately (30 days) and how the plan judged
      it. try holds a draft against what was measured and lists what it would have
      raised: too much of it, and nobody listens any more; --against compares it with
      the plan in force. The draft of another patient is refused unless --other says
      that it is meant. set brings a plan into force, whole or not at all; its
      version must rise.
      rehearse plays written stories through the gateway, without the daemon: what
      would be told, and where that differs from what a story expects (status 65).
      pause says that nothing is expected on some dates, both inside; resume ends it.

      \(PatientCheck.help)

      examples:
        hearthctl plan check p-7f3a.json
        hearthctl plan try draft.json --patient p-7f3a --days 90
        sudo hearthctl plan set p-7f3a.json
        hearthctl plan rehearse stories.jsonl
        hearthctl plan pause p-7f3a --from 2026-12-20 --to 2027-01-03 --note "away"
      """, options: ["--days", "--patient", "--from", "--to", "--rule", "--note"],
    flags: ["--new", "--against", "--other"],
    takesWords: true,
    methods: ["plan.show", "plan.explain", "plan.try", "plan.set", "plan.pause", "plan.resume", "patient.known"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        65 a fault in the file, a story that differs, or another patient may be meant,
        69 no such file or patient,
        75 try again later, 77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(2)
    guard let action = arguments.words.first else {
      throw Failure.usage(
        "expected check, rehearse, show, explain, try, set, pause or resume", hint: "hearthctl plan --help")
    }
    guard arguments.words.count == 2 else {
      let what = ["show", "explain", "pause", "resume"].contains(action) ? "a patient" : "a file"
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
    case "rehearse":
      try arguments.only([], for: "plan rehearse")
      return try RehearseVerb.run(word, isJSON: arguments.isJSON)
    case "pause":
      try arguments.only(["--from", "--to", "--rule", "--note"], for: "plan pause")
      return try pause(word, arguments)
    case "resume":
      try arguments.only([], for: "plan resume")
      return try resume(word, arguments)
    case "try": return try tryDraft(word, arguments)
    case "set":
      try arguments.only(["--new"], for: "plan set")
      return try set(word, arguments)
    default:
      throw Failure.usage(
        "\"\(action)\" is nothing that plan can do",
        hint: "known: check, rehearse, show, explain, try, set, pause, resume")
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
    let text = try read(path)
    let faults = faults(text)
    let advice = faults.isEmpty ? PlanFile.advice(text, sharesScale: sharesScale(text, arguments), today: today) : []
    if arguments.isJSON {
      func list(_ faults: [JSONError]) -> [JSONValue] {
        faults.map { fault -> JSONValue in
          [
            "file": .string(path), "line": .int(fault.place.line), "column": .int(fault.place.column),
            "path": .string(fault.path), "message": .string(fault.message),
          ]
        }
      }
      Terminal.line([
        "good": .bool(faults.isEmpty), "faults": .array(list(faults)), "advice": .array(list(advice)),
      ])
    } else if faults.isEmpty {
      Terminal.out("\(path): good\n")
      tell(advice, of: path)
    } else {
      for fault in faults { Terminal.out(Terminal.clean(fault.description(file: path)) + "\n") }
    }
    return faults.isEmpty ? 0 : 65
  }

  /// What the hub knows of the scale of a plan's patient, where it answers.
  private static func sharesScale(_ text: [UInt8], _ arguments: Arguments) -> Bool {
    guard let patient = try? PlanFile.read(text).patient else { return false }
    return PatientCheck.sharesScale(patient, arguments)
  }

  /// Today's date by this machine's clock, in days since 1970.
  private static var today: Int64 { Int64(time(nil)) / 86_400 }

  private static func tell(_ advice: [JSONError], of path: String) {
    for fault in advice {
      Terminal.out(Show.paragraph("", "advice: " + Terminal.clean(fault.description(file: path))) + "\n")
    }
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
    for pause in plan["pauses"]?.array ?? [] {
      let rules = (pause["rules"]?.array ?? []).map(Show.text)
      let what = rules.isEmpty ? "" : " (\(rules.joined(separator: ", ")))"
      let author = pause["set_by"]?.string.map { ", set by \($0)" } ?? ""
      let note = pause["note"]?.string.map { ": \($0)" } ?? ""
      let text = "paused from \(Show.text(pause["from"])) to \(Show.text(pause["to"]))\(what)\(author)\(note)"
      Terminal.out(Show.paragraph("", text) + "\n")
    }
    if let author = plan["written_by"]?.string {
      Terminal.out(Show.paragraph("", "written by \(Terminal.clean(author))") + "\n")
    }
    if let day = plan["valid_from"]?.string {
      Terminal.out(Show.paragraph("", "meant to be valid from \(day); a plan that is set is in force at once") + "\n")
    }
    if let window = plan["live_window_seconds"]?.int, window != 7200 {
      Terminal.out(
        Show.paragraph("", "a value older than \(window / 60) minutes when it comes is told as an old one") + "\n")
    }
    if plan["single_user"]?.bool ?? false { Terminal.out("nobody else stands on the patient's scale\n") }
    if let review = plan["review_by"]?.string { Terminal.out("to be reviewed by \(review)\n") }
    Terminal.out("\n")
    for rule in plan["rules"]?.array ?? [] {
      Terminal.out("\(Show.text(rule["id"]))\n" + Show.paragraph("  ", rule["says"]?.string ?? "") + "\n")
    }
    guard let judged = plan["judged"]?.array else { return 0 }
    Terminal.out("\nthe last \(plan["days"]?.int == 1 ? "day" : "\(Show.text(plan["days"])) days"), judged by it:\n\n")
    if judged.isEmpty { Terminal.out("nothing was measured\n") }
    var table = Table(["TAKEN", "VALUES", "ZONE", "RULES"], leaving: ["RULES", "ZONE"], wrapping: "VALUES")
    for row in judged {
      table.rows.append([
        Show.time(row["at"]), [values(row), refused(row)].filter { !$0.isEmpty }.joined(separator: "; "),
        Show.text(row["zone"]),
        (row["rules"]?.array ?? []).map(Show.text).joined(separator: " "),
      ])
    }
    if !judged.isEmpty { Terminal.out(table.text()) }
    told(plan["told"]?.array ?? [])
    return 0
  }

  /// `weight 80.0 kg, body-fat 21.5 %`.
  private static func values(_ row: JSONValue) -> String {
    (row["values"]?.object?.members ?? []).map { member in
      let text = member.value.string ?? ""
      guard let measure = Measure(rawValue: member.key), text != "HI", text != "LO" else {
        return "\(member.key) \(text)"
      }
      let unit = measure.unit.symbol
      return "\(member.key) \(ReportNumber.text(text, measure, .english))\(unit.hasPrefix("/") ? "" : " ")\(unit)"
    }.joined(separator: ", ")
  }

  /// `not judged by bp.week: too few measurements`.
  private static func refused(_ row: JSONValue) -> String {
    (row["not_judged"]?.array ?? []).map { item in
      "not judged by \(Show.text(item["rule"])): \(PlanText.reason(Show.text(item["because"]), .english))"
    }.joined(separator: "; ")
  }

  private static func told(_ events: [JSONValue]) {
    Terminal.out("\n\(Count.of(events.count, "notification"))\n")
    guard !events.isEmpty else { return }
    var table = Table(["WHEN", "RULE", "EVENT", "ZONE", "VALUE", "WHY"], leaving: ["WHY", "VALUE", "ZONE", "EVENT"])
    for event in events {
      let count = event["count"].map { " (\(Show.text($0)))" } ?? ""
      let again = event["repeat"]?.int.map { "told again (\($0))" }
      table.rows.append([
        Show.time(event["at"]), Show.text(event["rule"]), Show.text(event["event"]) + count, Show.text(event["zone"]),
        AlertsVerb.value(event), event["because"]?.string ?? again ?? "-",
      ])
    }
    Terminal.out(table.text())
  }

  /// The numbers of a draft, beside those of the plan in force.
  private static func summary(_ draft: JSONValue?, _ against: JSONValue?) {
    guard let draft, draft != .null else { return }
    let other = against?["summary"]
    var table = Table(["", "DRAFT"] + (other == nil ? [] : ["IN FORCE"]), leaving: [])
    func row(_ name: String, _ key: String, _ show: (JSONValue?) -> String = { Show.text($0) }) {
      table.rows.append([name, show(draft[key])] + (other.map { [show($0[key])] } ?? []))
    }
    func length(_ value: JSONValue?) -> String {
      let hours = (value?.int ?? 0) / 3600
      return hours >= 48 ? "\(hours / 24) days" : "\(hours) h"
    }
    row("notifications a week", "told_a_week")
    row("raised", "raised")
    row("  of them red", "red")
    row("told again", "retold")
    row("not confirmed", "unconfirmed")
    row("asked to measure again", "asked")
    row("cleared", "cleared")
    row("late", "late")
    row("missing", "missing")
    row("longest time without a word", "longest_silence_seconds", length)
    row("readings without a zone", "not_judged")
    row("not judged, because", "because") { value in
      let reasons = (value?.object?.members ?? []).map { "\(PlanText.reason($0.key, .english)) \($0.value.int ?? 0)" }
      return reasons.isEmpty ? "-" : reasons.joined(separator: ", ")
    }
    Terminal.out("\n" + table.text())
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
    var parameters = JSONObject()
    parameters["plan"] = .string(text)
    parameters["patient"] = .string(patient)
    parameters["days"] = .int(days)
    if arguments.has("--against") { parameters["against"] = true }
    let answer = try client.list("plan.try", .object(parameters), of: "told")
    if arguments.isJSON {
      Terminal.line(check.marked(answer.whole))
      return 0
    }
    Terminal.out(
      "\(Count.of(answer.whole["readings"]?.int ?? 0, "reading")) of the last \(days == 1 ? "day" : "\(days) days"); "
        + "the draft would have told\n")
    told(answer.items)
    summary(answer.whole["summary"], answer.whole["against"])
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
      tell(PlanFile.advice(Array(text.utf8), sharesScale: check.sharesScale, today: today), of: path)
      check.tell()
    }
    return 0
  }

  // MARK: Pauses

  private static func pause(_ patient: String, _ arguments: Arguments) throws(Failure) -> Int32 {
    guard let from = arguments.value("--from"), let to = arguments.value("--to") else {
      throw Failure.usage(
        "plan pause: expected --from and --to", hint: "both are dates such as 2026-12-20; the pause holds on both")
    }
    var parameters = JSONObject()
    for (key, value) in [("patient", patient), ("from", from), ("to", to)] { parameters[key] = .string(value) }
    if let rule = arguments.value("--rule") { parameters["rule"] = .string(rule) }
    if let note = arguments.value("--note") { parameters["note"] = .string(note) }
    var client = try DaemonClient(arguments)
    let answer = try client.call("plan.pause", .object(parameters))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      if let rule = arguments.value("--rule") {
        Terminal.out("\(rule) judges nothing from \(from) to \(to), both dates inside\n")
        Terminal.out("all other rules judge as ever; hearthctl plan resume \(patient) ends it\n")
      } else {
        Terminal.out("paused from \(from) to \(to), both dates inside: no measurement is called missing\n")
        Terminal.out("values are judged as ever; hearthctl plan resume \(patient) ends it\n")
      }
    }
    return 0
  }

  private static func resume(_ patient: String, _ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let answer = try client.call("plan.resume", ["patient": .string(patient)])
    if arguments.isJSON { Terminal.line(answer) } else { Terminal.out("the pauses of \(patient) are ended\n") }
    return 0
  }
}
