// hearthctl readings, watch, assign: what was measured, whose it is.

import ControlProtocol
import JSON

enum ReadingsVerb {
  static let verb = Verb(
    name: "readings", summary: "stored readings, and new ones as they come",
    usage: """
      [--since WHEN] [--patient REF] [--kind KIND]
             [--parked] [--limit N] [--follow] [--json|--csv]
      """,
    text: """
      WHEN is a time (2026-11-21T08:00:00+01:00) or how long ago (30m, 24h, 7d).
      --parked shows what waits for a patient. --follow goes on with new readings
      until it is interrupted. With --json each reading is one line; with --csv each
      value is one, behind a line of names.

      examples:
        hearthctl readings --since 24h
        hearthctl readings --follow --patient p-7f3a
      """, options: ["--since", "--patient", "--kind", "--limit"], flags: ["--follow", "--parked", "--csv"], run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var parameters = JSONObject()
    if let since = arguments.value("--since") { parameters["since"] = .string(since) }
    if let patient = arguments.value("--patient") { parameters["patient"] = .string(patient) }
    if let kind = arguments.value("--kind") { parameters["kind"] = .string(kind) }
    if arguments.has("--parked") { parameters["parked"] = true }
    if let text = arguments.value("--limit") {
      guard let limit = Int(text), limit > 0 else {
        throw Failure.usage("--limit needs a number above zero, not \"\(text)\"")
      }
      parameters["limit"] = .int(limit)
    }
    let isCSV = arguments.has("--csv")
    guard !isCSV || !arguments.isJSON else { throw Failure.usage("--csv and --json exclude each other") }
    var client = try DaemonClient(arguments)
    let readings = try client.list("readings", .object(parameters), of: "readings").items
    if isCSV {
      Terminal.out(ReadingsCSV.heading + readings.map(ReadingsCSV.lines).joined())
    } else {
      show(readings, arguments.isJSON)
    }
    guard arguments.has("--follow") else { return 0 }
    var filter = JSONObject()
    if let patient = arguments.value("--patient") { filter["patient"] = .string(patient) }
    _ = try client.call("readings.follow", .object(filter))
    while true {
      let (method, reading) = try client.notification()
      guard method == "reading" else { continue }
      if isCSV {
        Terminal.out(ReadingsCSV.lines(reading))
      } else {
        arguments.isJSON ? Terminal.line(reading) : Terminal.out(line(reading) + "\n")
      }
    }
  }

  private static func show(_ readings: [JSONValue], _ asJSON: Bool) {
    if asJSON { return readings.forEach(Terminal.line) }
    guard !readings.isEmpty else { return Terminal.out("no readings\n") }
    var table = Table(["TAKEN", "PATIENT", "DEVICE", "VALUES", "ZONE", "REMARKS", "ID"])
    for reading in readings {
      table.rows.append([
        Show.time(reading["taken_at"]), reading["patient"]?.string ?? "(parked)", Show.text(reading["device"]?["id"]),
        values(reading), reading["evaluation"]?["zone"]?.string ?? "-",
        (reading["flags"]?.array ?? []).map(Show.text).joined(separator: " "),
        String(Show.text(reading["id"]).prefix(8)),
      ])
    }
    Terminal.out(table.text())
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

  static func line(_ reading: JSONValue) -> String {
    let parts = [
      Show.time(reading["taken_at"]), Terminal.clean(reading["patient"]?.string ?? "(parked)"),
      Show.text(reading["device"]?["id"]), values(reading),
      Terminal.zone(Show.text(reading["evaluation"]?["zone"])),
    ]
    return parts.joined(separator: "  ")
  }
}

enum WatchVerb {
  static let verb = Verb(
    name: "watch", summary: "readings and events as they happen", usage: "[--json]",
    text: """
      Goes on until it is interrupted. Events say what a patient's limits led to.

      examples:
        hearthctl watch
        hearthctl watch --json | jq 'select(.type == "threshold")'
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    _ = try client.call("watch")
    if !arguments.isJSON { Terminal.out("watching; Ctrl-C ends it\n") }
    while true {
      let (method, value) = try client.notification()
      if arguments.isJSON {
        Terminal.line(value)
      } else if method == "reading" {
        Terminal.out(ReadingsVerb.line(value) + "\n")
      } else {
        let what = [Show.text(value["rule"]), Show.text(value["event"]), Terminal.zone(Show.text(value["zone"]))]
        let parts = [Show.time(value["at"]), Show.text(value["patient"]), what.joined(separator: " ")]
        Terminal.out(parts.joined(separator: "  ") + "\n")
      }
    }
  }
}

enum AssignVerb {
  static let verb = Verb(
    name: "assign", summary: "give a parked reading, or a device's user slot, to a patient",
    usage: "READING PATIENT | --device DEVICE [--user SLOT] PATIENT",
    text: """
      A reading whose user is unknown waits and is sent to no backend until a
      technician says whose it is. The first eight letters of its id are enough.
      With --device the slot belongs to the patient from now on, and what waits of
      that slot is given too.

      examples:
        hearthctl readings --parked
        hearthctl assign 67997cb9 p-7f3a
        hearthctl assign --device scale --user 2 p-81c2
      """, options: ["--device", "--user"], takesWords: true,
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        69 no such reading or device, 75 try again later, 77 not permitted,
        111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var parameters = JSONObject()
    if let device = arguments.value("--device") {
      try arguments.atMost(1)
      guard arguments.words.count == 1 else {
        throw Failure.usage("expected one patient", hint: "hearthctl assign --help")
      }
      parameters["device"] = .string(device)
      if let text = arguments.value("--user") {
        guard let user = UInt8(text) else {
          throw Failure.usage("--user needs a number from 0 to 255, not \"\(text)\"")
        }
        parameters["user"] = .int(user)
      }
      parameters["patient"] = .string(arguments.words[0])
    } else {
      try arguments.only([], for: "assign without --device")
      try arguments.atMost(2)
      guard arguments.words.count == 2 else {
        throw Failure.usage("expected a reading and a patient", hint: "hearthctl readings --parked lists what waits")
      }
      parameters["reading"] = .string(arguments.words[0])
      parameters["patient"] = .string(arguments.words[1])
    }
    var client = try DaemonClient(arguments)
    let answer = try client.call("assign", .object(parameters))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      let count = answer["readings"]?.int.map { ", and \($0) waiting readings" } ?? ""
      Terminal.out("assigned to \(Terminal.clean(arguments.words.last ?? ""))\(count)\n")
    }
    return 0
  }
}
