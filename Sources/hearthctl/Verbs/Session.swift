// hearthctl session: whose the measurements of a public device are, beforehand.

import ControlProtocol
import JSON

enum SessionVerb {
  static let verb = Verb(
    name: "session", summary: "whose measurements a public device takes now",
    usage: "start --patient P --device D [--minutes N] [--new]\n       hearthctl session end --device D",
    text: """
      For a waiting-room cuff or a shared scale: a device without patient of its own.
      What it measures from now on is this patient's, until the session ends: by end,
      by the next start, or by itself after N minutes (\(ControlRequest.usualSession)). What it measures without a
      session is parked, and so is what it kept in its memory from before.

      \(PatientCheck.help)

      examples:
        hearthctl session start --patient p-7f3a --device and-scale
        hearthctl session end --device and-scale
      """, options: ["--patient", "--device", "--minutes"], flags: ["--new"], takesWords: true,
    methods: ["session.start", "session.end", "patient.known"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        65 the patient is unknown and another may be meant,
        69 no such device or session, 75 try again later, 77 not permitted,
        111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(1)
    guard let what = arguments.words.first, what == "start" || what == "end" else {
      throw Failure.usage("expected start or end", hint: "hearthctl session --help")
    }
    guard let device = arguments.value("--device") else {
      throw Failure.usage("expected --device D", hint: "hearthctl devices lists them")
    }
    if what == "end" {
      try arguments.only(["--device"], for: "end")
      var client = try DaemonClient(arguments)
      let answer = try client.call("session.end", ["device": .string(device)])
      if arguments.isJSON {
        Terminal.line(answer)
      } else {
        Terminal.out("\(Terminal.clean(device)): its session ended\n")
      }
      return 0
    }
    guard let patient = arguments.value("--patient") else {
      throw Failure.usage("expected --patient P", hint: "hearthctl session --help")
    }
    var parameters: JSONObject = JSONObject()
    parameters["device"] = .string(device)
    parameters["patient"] = .string(patient)
    if let minutes = try arguments.number("--minutes", of: "session.start", "minutes") {
      parameters["minutes"] = .int(minutes)
    }
    var client = try DaemonClient(arguments)
    let check = try PatientCheck(patient, arguments, &client)
    let answer = check.marked(try client.call("session.start", .object(parameters)))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      let until = Show.time(answer["session"]?["ends_at"])
      let before = answer["previous"]?.string.map { "; it was \(Terminal.clean($0))'s, whose session ended" } ?? ""
      Terminal.out("\(Terminal.clean(device)) measures for \(Terminal.clean(patient)) until \(until)\(before)\n")
      check.tell()
    }
    return 0
  }
}
