// hearthctl pair --json: every step a line on standard output, every answer a line on standard input.

import JSON
import Platform

struct PairScript {
  /// The daemon's window is two minutes; a daemon that does not end it is not waited for.
  static let patience: Int64 = 150_000

  private var conversation: Conversation
  private let order: PairOrder
  private let address: String
  private var pairID = 0
  /// Ids of answers that were given.
  private var answers: Set<Int> = []
  /// Answers before their question.
  private var early: [String] = []
  private var isAsked = false
  private var isCancelled = false
  private var readings: [JSONValue] = []

  init(_ arguments: Arguments, _ order: PairOrder) throws(Failure) {
    guard let address = order.address else {
      throw Failure.usage("pair --json needs an address", hint: "hearthctl scan --json shows the addresses around")
    }
    self.order = order
    self.address = address
    conversation = try Conversation(arguments, signals: Signals.hold(), watches: order.wait > 0)
    conversation.listening = .lines
  }

  mutating func run() throws(Failure) -> Int32 {
    defer { conversation.close() }
    // A script that will never answer is no script that went away.
    let isMute = conversation.inputIsOver()
    pairID = try conversation.ask("pair", order.parameters(address))
    let deadline = Clocks.monotonic() + PairScript.patience
    while true {
      switch try conversation.next(until: deadline) {
      case .notification("pairing", let value):
        Terminal.line(value)
        if value["event"]?.string == "prompt" {
          isAsked = true
          try answer()
        }
      case .answer(pairID, .success(let result)):
        Terminal.line(PairScript.event("paired", result))
        return try firstReading(of: result["device"]?.string ?? "")
      case .answer(pairID, .failure(let failure)): throw failure
      case .answer(let id, .failure(let failure)) where answers.contains(id):
        isAsked = true
        refused(failure.code, failure.message, failure.hint)
      case .line(let line): try take(line)
      case .inputOver:
        if isAsked || !isMute && !conversation.input.hasSpoken { try cancel() }
      case .interrupted: try cancel()
      case .news("reading", let reading): readings.append(reading)
      case .timeout: throw PairScript.silence
      default: continue
      }
    }
  }

  static let silence = Failure(
    status: 75, code: "timeout", message: "the daemon did not end the pairing", hint: "hearthctl doctor")

  private mutating func take(_ line: String) throws(Failure) {
    guard !line.allSatisfy(\.isWhitespace) else { return }
    let value = try? JSONReader(maximumSize: 4096).value(Array(line.utf8))
    guard let text = value?["answer"]?.string else {
      return refused("bad-parameters", "expected a line such as {\"answer\":\"yes\"}", nil)
    }
    early.append(text)
    try answer()
  }

  /// Gives the oldest answer to the question that is open; without any, and none to come, nothing is left but to leave.
  private mutating func answer() throws(Failure) {
    guard isAsked else { return }
    guard !early.isEmpty else {
      if conversation.input.isOver { try cancel() }
      return
    }
    isAsked = false
    answers.insert(try conversation.ask("pair.answer", ["answer": .string(early.removeFirst())]))
  }

  private mutating func cancel() throws(Failure) {
    guard !isCancelled else { return }
    isCancelled = true
    _ = try conversation.ask("pair.cancel")
  }

  private func refused(_ code: String, _ message: String, _ hint: String?) {
    var object = JSONObject()
    object["event"] = "answer-refused"
    object["code"] = .string(code)
    object["message"] = .string(message)
    object["hint"] = hint.map { .string($0) } ?? .null
    Terminal.line(.object(object))
  }

  private mutating func firstReading(of device: String) throws(Failure) -> Int32 {
    guard order.wait > 0 else { return 0 }
    func show(_ reading: JSONValue) -> Bool {
      guard reading["device"]?["id"]?.string == device else { return false }
      Terminal.line(["event": "reading", "reading": reading])
      return true
    }
    if readings.contains(where: show) { return 0 }
    let deadline = Clocks.monotonic() + Int64(order.wait) * 1000
    conversation.listening = .no
    while true {
      switch try conversation.next(until: deadline) {
      case .news("reading", let reading): if show(reading) { return 0 }
      case .timeout:
        Terminal.line(["event": "no-reading", "device": .string(device)])
        return 75
      case .interrupted: return 0
      default: continue
      }
    }
  }

  /// An object with its event in front.
  static func event(_ name: String, _ value: JSONValue) -> JSONValue {
    var object = JSONObject()
    object["event"] = .string(name)
    for member in value.object?.members ?? [] { object[member.key] = member.value }
    return .object(object)
  }
}
