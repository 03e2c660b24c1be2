// hearthctl assign: whose a parked reading is, or what a device's user slot measures from now on.

import ControlProtocol
import JSON

enum AssignVerb {
  static let verb = Verb(
    name: "assign", summary: "give a parked reading, or a device's user slot, to a patient",
    usage: """
      READING PATIENT | --device DEVICE [--user SLOT] PATIENT
             [--new] [--json]
             hearthctl assign --device DEVICE [--user SLOT] --nobody [--json]
      """,
    text: """
      A reading whose user is unknown waits and is sent to no backend until a
      technician says whose it is. The first six letters of its id are enough.
      With --device the slot belongs to the patient from now on, and what waits of
      that slot is given too; without --user all of the device does, but for slots
      that are given to somebody. A device whose patient stands in hearth.json is not
      assigned: it is changed there. hearthctl readings park READING takes a reading
      back.

      With --nobody the device is nobody's from now on, with --user that slot alone:
      what it measures waits, or belongs to whom hearthctl session start names.
      Readings that are somebody's stay so.

      \(PatientCheck.help)

      examples:
        hearthctl readings --parked
        hearthctl assign 67997cb9 p-7f3a
        hearthctl assign --device cuff --user 2 p-81c2
        hearthctl assign --device scale --nobody
      """, options: ["--device", "--user"], flags: ["--new", "--nobody"], takesWords: true,
    methods: ["assign", "assign.nobody", "patient.known"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        65 the patient is unknown and another may be meant,
        69 no such reading or device, 75 try again later, 77 not permitted,
        111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var parameters = JSONObject()
    if arguments.has("--nobody") { return try takeBack(arguments) }
    if let device = arguments.value("--device") {
      try arguments.atMost(1)
      guard arguments.words.count == 1 else {
        throw Failure.usage("expected one patient", hint: "hearthctl assign --help")
      }
      parameters["device"] = .string(device)
      if let user = try arguments.number("--user", of: "assign", "user") { parameters["user"] = .int(user) }
      parameters["patient"] = .string(arguments.words[0])
    } else {
      try arguments.only(["--new"], for: "assign without --device")
      try arguments.atMost(2)
      guard arguments.words.count == 2 else {
        throw Failure.usage("expected a reading and a patient", hint: "hearthctl readings --parked lists what waits")
      }
      parameters["reading"] = .string(arguments.words[0])
      parameters["patient"] = .string(arguments.words[1])
    }
    var client = try DaemonClient(arguments)
    let patient = arguments.words.last ?? ""
    let check = try PatientCheck(patient, arguments, &client)
    let answer = check.marked(try client.call("assign", .object(parameters)))
    guard !arguments.isJSON else {
      Terminal.line(answer)
      return 0
    }
    let waiting = answer["readings"]?.int ?? 0
    // They move one after the other; a newer assignment decides for those that are left.
    let moving = Count.of(waiting, "waiting reading is", plural: "waiting readings are")
    Terminal.out("assigned to \(Terminal.clean(patient))\(waiting == 0 ? "" : "; \(moving) on the way there")\n")
    check.tell()
    if let before = answer["previous"]?.string.map(Terminal.clean) {
      Terminal.out("it was \(before)'s: readings that are theirs already stay so\n")
    }
    return 0
  }

  /// A device is nobody's from now on.
  private static func takeBack(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(0)
    try arguments.only(["--device", "--user", "--nobody"], for: "assign --nobody")
    guard let device = arguments.value("--device") else {
      throw Failure.usage(
        "--nobody needs --device DEVICE", hint: "hearthctl readings park READING takes a reading back")
    }
    var parameters = JSONObject()
    parameters["device"] = .string(device)
    if let user = try arguments.number("--user", of: "assign.nobody", "user") { parameters["user"] = .int(user) }
    var client = try DaemonClient(arguments)
    let answer = try client.call("assign.nobody", .object(parameters))
    guard !arguments.isJSON else {
      Terminal.line(answer)
      return 0
    }
    for item in answer["taken"]?.array ?? [] {
      let what = item["user"]?.int.map { "user \($0) of \(Terminal.clean(device))" } ?? Terminal.clean(device)
      Terminal.out("\(what) is \(Show.text(item["patient"]))'s no more: readings that are theirs already stay so\n")
    }
    return 0
  }
}
