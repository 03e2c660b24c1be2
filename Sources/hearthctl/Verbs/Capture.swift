// hearthctl capture: a device's session as a file that the driver tests replay.

import ControlProtocol
import Glibc
import JSON
import Platform

enum CaptureVerb {
  static let verb = Verb(
    name: "capture", summary: "record a device's session for support and tests",
    usage: "DEVICE [--output FILE] [--seconds N] [--json]",
    text: """
      Records what goes over the device's link from its next contact on: start it,
      then let the device measure. It ends when the device leaves, after N seconds, or
      with Ctrl-C. Without --output the file is written to standard output.

      The file is text: "<" from the device, ">" to it, "@" milliseconds, "#" what is
      known of it. Addresses, serial numbers, users' names, birthdays and codes, and
      keys give way to others, the same to the same; "# altered:" tells where.
      MEASUREMENTS STAY: let nobody measure whose values may not leave the home.

      "hearthctl decode capture FILE" shows what a driver makes of it, "playback" in
      the configuration plays it. A device that no driver reads, or that a driver
      takes for another one, is paired with --driver recorder, which only listens.

      examples:
        hearthctl capture cuff --output cuff.capture
        hearthctl capture scale --seconds 120 > scale.capture
      """, options: ["--output", "--seconds"], takesWords: true,
    methods: ["capture"],
    exit: """
      0 something was recorded, 1 the daemon answered with an error, 64 usage,
        69 no such device, or no folder for the file, 75 nothing came, or no space
        left, 77 not permitted, 111 the daemon is not running
      """, run: run)

  /// More octets than any session has; what playback takes.
  private static let mostOctets = 16 << 20

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(1)
    guard let device = arguments.words.first else {
      throw Failure.usage("expected a device", hint: "hearthctl devices lists them")
    }
    var seconds: Int?
    if let text = arguments.value("--seconds") {
      guard let number = Int(text), (1...86_400).contains(number) else {
        throw Failure.usage("--seconds needs a number from 1 to 86400, not \"\(text)\"")
      }
      seconds = number
    }
    let output = arguments.value("--output")
    if let output, access(output, F_OK) == 0 {
      throw Failure.usage("\(output) is there already", hint: "choose another name")
    }
    // Before anybody measures for it.
    if let output { try OutputFile.check(output) }
    var conversation = try Conversation(arguments, signals: Signals.hold())
    defer { conversation.close() }
    let capture = try record(device, seconds, &conversation)
    guard capture.frames > 0 else {
      throw Failure(
        status: 75, code: "nothing-captured", message: "nothing went over the link of \(device)",
        hint: "start the capture first, then let the device measure; hearthctl devices shows its last contact")
    }
    try write(capture, output, arguments.isJSON)
    return 0
  }

  private static func record(
    _ device: String, _ seconds: Int?, _ conversation: inout Conversation
  ) throws(Failure) -> CaptureText {
    let id = try conversation.ask("capture", ["device": .string(device)])
    let deadline = seconds.map { Clocks.monotonic() + Int64($0) * 1000 } ?? Int64.max
    var capture: CaptureText?
    var octets = 0
    var stateID: Int?
    while true {
      let occurrence: Conversation.Occurrence
      do throws(Failure) {
        occurrence = try conversation.next(until: min(deadline, Clocks.monotonic() + 2000))
      } catch {
        // The daemon ended: what was recorded is kept.
        guard let capture, capture.frames > 0 else { throw error }
        return capture
      }
      switch occurrence {
      case .answer(id, .success(let answer)):
        capture = CaptureText(answer)
        note("recording \(device); Ctrl-C ends it")
      case .answer(id, .failure(let failure)): throw failure
      case .answer(stateID, .success(let answer)):
        stateID = nil
        let mine = answer["devices"]?.array?.first { $0["id"]?.string == device }
        if let capture, capture.frames > 0, mine?["state"]?.string != "connected" { return capture }
      case .notification("capture", let value):
        capture?.take(value)
        octets += (value["hex"]?.string?.utf8.count ?? 0) / 2
        if let capture, octets > mostOctets { return capture }
      case .interrupted,
        .timeout where Clocks.monotonic() >= deadline:
        guard let capture else { throw Question.left }
        return capture
      case .timeout:
        // A device that fell silent may have left; nobody tells.
        if stateID == nil, let capture, capture.frames > 0 { stateID = try conversation.ask("devices") }
      default: continue
      }
    }
  }

  private static func write(_ capture: CaptureText, _ output: String?, _ asJSON: Bool) throws(Failure) {
    let text = capture.text
    if let output {
      do throws(FileError) {
        try StateFile.write(Array(text.utf8), to: output)
      } catch {
        throw OutputFile.failure(output, error)
      }
    }
    if asJSON {
      var object = JSONObject()
      object["frames"] = .int(capture.frames)
      object["output"] = output.map { .string($0) } ?? .null
      if output == nil { object["capture"] = .string(text) }
      return Terminal.line(.object(object))
    }
    if let output { Terminal.out("\(Count.of(capture.frames, "frame")) in \(output)\n") } else { Terminal.out(text) }
  }

  /// For the person, not for the file.
  private static func note(_ text: String) { _ = Descriptor.writeAll(2, Array((Terminal.clean(text) + "\n").utf8)) }
}
