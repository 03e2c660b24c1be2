// hearthctl readings, watch, assign: what was measured, whose it is.

import ControlProtocol
import JSON

enum ReadingsVerb {
  static let verb = Verb(
    name: "readings", summary: "stored readings, and new ones as they come",
    usage: """
      [--since WHEN] [--until WHEN] [--patient REF]
             [--device ID] [--kind KIND] [--zone ZONE[,ZONE]] [--parked]
             [--limit N] [--follow]
             [--json | --csv | --fhir [--patient-system URI]]
             hearthctl readings park READING | accept READING   [--json]
      """,
    text: """
      WHEN is how long ago (30m, 24h, 7d), today, yesterday, a date (2026-11-01), or a
      time ("2026-11-01 08:00", 2026-11-21T08:00:00+01:00). A date is its midnight by
      the clock of the hub. It is about the measurement, where its time is known, else
      about the reception. ZONE is green, yellow or red. The newest 50 are shown, or
      the newest N, in the order in which they were taken and by the clock of the hub.
      --parked shows what waits for a patient. --follow goes on with new readings
      until it is interrupted.

      With --json each reading is one line; with --csv each value is one, behind a
      line of names; with --fhir all are one Bundle of Observations (FHIR R4, type
      collection), patients as identifiers of URI. Readings without patient are left
      out of a Bundle, and told.

      park takes a reading from its patient: it waits for one again, and backends
      that have it are told. hearthctl assign gives it to the right one. accept says
      that a reading which the hub calls implausible, or perhaps somebody else's, is
      the patient's and right: it is judged again. What the device itself doubts stays
      in doubt. The first six letters of an id are enough when one reading has them.

      examples:
        hearthctl readings --since yesterday
        hearthctl readings --patient p-7f3a --zone yellow,red --since 30d --csv
        hearthctl readings --patient p-7f3a --since 7d --limit 1000 --fhir
        hearthctl readings --follow --patient p-7f3a
        hearthctl readings park 67997cb9
      """,
    options: ["--since", "--until", "--patient", "--device", "--kind", "--zone", "--limit", "--patient-system"],
    flags: ["--follow", "--parked", "--csv", "--fhir"], takesWords: true,
    methods: ["readings", "readings.follow", "reading.park", "reading.accept"], exit: exit, run: run)

  /// A filter may name what there is not.
  static let exit = """
    0 done, 1 the daemon answered with an error, 64 usage,
      69 no such patient or device, 75 try again later, 77 not permitted,
      111 the daemon is not running
    """

  /// Corrects a stored reading.
  private static func correct(_ word: String, _ arguments: Arguments) throws(Failure) -> Int32 {
    guard word == "park" || word == "accept" else {
      throw Failure.usage("\"\(word)\" is nothing that readings can do", hint: "known: park, accept")
    }
    try arguments.only([], for: "readings \(word)")
    try arguments.atMost(2)
    guard arguments.words.count == 2 else {
      throw Failure.usage("readings \(word): expected a reading's id", hint: "hearthctl readings shows the ids")
    }
    var client = try DaemonClient(arguments)
    let answer = try client.call("reading.\(word)", ["reading": .string(arguments.words[1])])
    guard !arguments.isJSON else {
      Terminal.line(answer)
      return 0
    }
    let (id, patient) = (String(Show.text(answer["id"]).prefix(8)), Show.text(answer["patient"]))
    Terminal.out(
      word == "park"
        ? "\(id) is \(patient)'s no more, and backends are told; hearthctl assign \(id) PATIENT gives it to another\n"
        : "\(id) counts as \(patient)'s, and is judged again\n")
    return 0
  }

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    if let word = arguments.words.first { return try correct(word, arguments) }
    let forms =
      [arguments.isJSON ? "--json" : nil, arguments.has("--csv") ? "--csv" : nil]
      .compactMap { $0 } + (arguments.has("--fhir") ? ["--fhir"] : [])
    guard forms.count <= 1 else { throw Failure.usage("\(forms[0]) and \(forms[1]) exclude each other") }
    guard !arguments.has("--fhir") || !arguments.has("--follow") else {
      throw Failure.usage("--fhir is one Bundle: it cannot follow", hint: "--follow goes with --json and --csv")
    }
    guard arguments.has("--fhir") || arguments.value("--patient-system") == nil else {
      throw Failure.usage("--patient-system means nothing without --fhir")
    }
    let parameters = try filter(arguments)
    let zones = try zones(arguments)
    var client = try DaemonClient(arguments)
    let (whole, readings) = try client.list("readings", .object(parameters), of: "readings")
    let clock = HubClock(whole["timezone"]?.string)
    switch forms.first {
    case "--csv": Terminal.out(ReadingsCSV.heading + readings.map(ReadingsCSV.lines).joined())
    case "--fhir": return try export(readings, arguments, &client)
    default: show(readings, clock, arguments)
    }
    guard arguments.has("--follow") else { return 0 }
    var following = JSONObject()
    if let patient = arguments.value("--patient") { following["patient"] = .string(patient) }
    _ = try client.call("readings.follow", .object(following))
    while true {
      let (method, reading) = try client.notification()
      guard method == "reading", isWanted(reading, arguments, zones) else { continue }
      if arguments.has("--csv") {
        Terminal.out(ReadingsCSV.lines(reading))
      } else {
        arguments.isJSON ? Terminal.line(reading) : Terminal.out(line(reading, clock) + "\n")
      }
    }
  }

  private static func filter(_ arguments: Arguments) throws(Failure) -> JSONObject {
    var parameters = JSONObject()
    for name in ["since", "until", "patient", "device", "kind"] {
      if let text = arguments.value("--\(name)") { parameters[name] = .string(text) }
    }
    if arguments.has("--parked") { parameters["parked"] = true }
    let zones = try zones(arguments)
    if !zones.isEmpty { parameters["zones"] = .array(zones.map { .string($0) }) }
    if let limit = try arguments.number("--limit", of: "readings", "limit") { parameters["limit"] = .int(limit) }
    return parameters
  }

  private static func zones(_ arguments: Arguments) throws(Failure) -> [String] {
    let zones = (arguments.value("--zone") ?? "").split(separator: ",", omittingEmptySubsequences: false).map(
      String.init)
    guard arguments.value("--zone") != nil else { return [] }
    if let wrong = zones.first(where: { !["green", "yellow", "red"].contains($0) }) {
      throw Failure.usage("--zone: \"\(wrong)\" is no zone", hint: "known: green, yellow, red")
    }
    return zones
  }

  /// What is followed is chosen as what was stored is.
  private static func isWanted(_ reading: JSONValue, _ arguments: Arguments, _ zones: [String]) -> Bool {
    if let kind = arguments.value("--kind"), reading["kind"]?.string != kind { return false }
    if let device = arguments.value("--device"), reading["device"]?["id"]?.string != device { return false }
    if arguments.has("--parked"), reading["patient"]?.string != nil { return false }
    return zones.isEmpty || zones.contains(reading["evaluation"]?["zone"]?.string ?? "")
  }

  private static func export(
    _ readings: [JSONValue], _ arguments: Arguments, _ client: inout DaemonClient
  ) throws(Failure) -> Int32 {
    let hub = try client.call("version")["hub_id"]?.string ?? ""
    var plans: [JSONValue] = []
    for patient in Set(readings.compactMap { $0["patient"]?.string }).sorted() {
      // A patient without a plan has no limits that could travel along.
      do throws(Failure) {
        plans.append(try client.call("plan.show", ["patient": .string(patient)]))
      } catch {
        guard error.code == "not-found" else { throw error }
      }
    }
    let made = ReadingsFHIR.bundle(
      readings, plans: plans, hub: hub, system: arguments.value("--patient-system") ?? ReadingsFHIR.usualSystem)
    Terminal.line(json: String(decoding: made.bundle, as: UTF8.self))
    for (id, reason) in made.leftOut.sorted(by: { $0.key < $1.key }) {
      Terminal.note("\(id) is left out: \(reason)")
    }
    return 0
  }

  private static func show(_ readings: [JSONValue], _ clock: HubClock, _ arguments: Arguments) {
    if arguments.isJSON { return readings.forEach(Terminal.line) }
    guard !readings.isEmpty else { return Terminal.out("no readings\n") }
    let taken = "TAKEN" + clock.suffix
    // Who gives parked readings to patients needs their ID.
    let leaving =
      arguments.has("--parked")
      ? ["ZONE", "PATIENT", "REMARKS", "DEVICE", taken] : ["REMARKS", "DEVICE", "ID", "PATIENT", "ZONE"]
    var table = Table([taken, "PATIENT", "DEVICE", "VALUES", "ZONE", "REMARKS", "ID"], leaving: leaving)
    for reading in clock.sorted(readings) {
      table.rows.append([
        clock.time(reading["taken_at"]), reading["patient"]?.string ?? "(parked)", Show.text(reading["device"]?["id"]),
        values(reading), reading["evaluation"]?["zone"]?.string ?? "-",
        remarks(reading),
        String(Show.text(reading["id"]).prefix(8)),
      ])
    }
    Terminal.out(table.text())
  }

  /// What the device or the hub says of a reading, and that its time is not sure.
  private static func remarks(_ reading: JSONValue) -> String {
    let isUnsure = ["received-unsynced", "unplaced"].contains(reading["time_quality"]?.string ?? "")
    return ((reading["flags"]?.array ?? []).map(Show.text) + (isUnsure ? ["time uncertain"] : [])).joined(
      separator: " ")
  }

  /// `128/82 mm[Hg], 70 /min`.
  static func values(_ reading: JSONValue) -> String {
    var parts: [String] = []
    var observations = reading["observations"]?.array ?? []
    func take(_ code: String) -> JSONValue? {
      guard let index = observations.firstIndex(where: { $0["code"]?.string == code }) else { return nil }
      return observations.remove(at: index)
    }
    if let systolic = take("MDC_PRESS_BLD_NONINV_SYS"), let diastolic = take("MDC_PRESS_BLD_NONINV_DIA") {
      parts.append("\(number(systolic))/\(number(diastolic)) mmHg")
      _ = take("MDC_PRESS_BLD_NONINV_MEAN")
    }
    for observation in observations {
      let unit = observation["unit"]?.string.map { Terminal.clean($0.hasPrefix("/") ? $0 : " " + $0) } ?? ""
      parts.append(number(observation) + unit)
    }
    return parts.joined(separator: ", ")
  }

  private static func number(_ observation: JSONValue) -> String {
    observation["value"]?.string.map(Terminal.clean) ?? "(\(Show.text(observation["absent"])))"
  }

  static func line(_ reading: JSONValue, _ clock: HubClock = HubClock(nil)) -> String {
    let parts = [
      clock.time(reading["taken_at"]), Terminal.clean(reading["patient"]?.string ?? "(parked)"),
      Show.text(reading["device"]?["id"]), values(reading),
      Terminal.zone(Show.text(reading["evaluation"]?["zone"])),
    ]
    return parts.joined(separator: "  ")
  }
}

enum WatchVerb {
  static let verb = Verb(
    name: "watch", summary: "readings and events as they happen", usage: "[--patient REF] [--json]",
    text: """
      Goes on until it is interrupted. Events say what a patient's limits led to, and
      what a device or the hub needs. With --patient only what concerns this patient
      is shown.

      examples:
        hearthctl watch
        hearthctl watch --patient p-7f3a
        hearthctl watch --json | jq 'select(.type == "threshold")'
      """, options: ["--patient"], methods: ["watch"], exit: ReadingsVerb.exit, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    var parameters = JSONObject()
    if let patient = arguments.value("--patient") { parameters["patient"] = .string(patient) }
    _ = try client.call("watch", .object(parameters))
    if !arguments.isJSON { Terminal.out("watching; Ctrl-C ends it\n") }
    while true {
      let (method, value) = try client.notification()
      if arguments.isJSON {
        Terminal.line(value)
      } else if method == "reading" {
        Terminal.out(ReadingsVerb.line(value) + "\n")
      } else {
        Terminal.out(line(value) + "\n")
      }
    }
  }

  /// An event: what a rule did, or the words of the hub or a device.
  private static func line(_ event: JSONValue) -> String {
    let at = Show.time(event["at"])
    guard event["rule"] != nil else {
      let state = event["state"]?.string == "cleared" ? " (over)" : ""
      let whose = Show.text(event["device"] ?? event["patient"] ?? "hub")
      return "\(at)  \(whose)  \(Show.text(event["code"]))\(state): \(Show.text(event["message"]))"
    }
    var what = [Show.text(event["rule"]), Show.text(event["event"])]
    if let count = event["repeat"]?.int {
      what.append("again (repeat \(count)\(event["escalate"]?.bool == true ? ", the last" : ""))")
    }
    if let because = event["because"] { what.append("(\(Show.text(because)))") }
    what.append(Terminal.zone(Show.text(event["zone"])))
    return "\(at)  \(Show.text(event["patient"]))  \(what.joined(separator: " "))"
  }
}
