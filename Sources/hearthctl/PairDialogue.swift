// hearthctl pair at a terminal: an interactive minute. It asks for what is missing, says what to press, shows how it goes, and
// ends with the first reading.

import Drivers
import JSON
import Platform
import Readings

struct PairDialogue {
  private let arguments: Arguments
  private let signals: Int32
  private var order: PairOrder
  private var conversation: Conversation
  private var pairID = 0
  /// The daemon's open question.
  private var question: (kind: String, text: String)?
  private var answers: Set<Int> = []
  private var isCancelled = false
  /// The technician said already that there is no code.
  private var hasNoConsentCode = false
  private var saidHint = ""
  private var passkeyArea = LiveArea()
  private var readings: [JSONValue] = []

  init(_ arguments: Arguments, _ order: PairOrder) throws(Failure) {
    guard InputLines.isTerminal, Terminal.isTerminal else {
      throw Failure.usage(
        "pair asks its questions at a terminal", hint: "hearthctl pair ADDRESS --json is for scripts")
    }
    self.arguments = arguments
    self.order = order
    signals = Signals.hold()
    conversation = try Conversation(arguments, signals: signals, watches: true)
  }

  mutating func run() throws(Failure) -> Int32 {
    defer { conversation.close() }
    var choice: DeviceChoice?
    if order.address == nil { choice = try DeviceChoice(arguments, signals: signals) }
    defer { choice?.close() }
    if order.patient == nil { order.patient = try patient(&choice) }
    if let device = try choice?.run() {
      // The search ends here: the daemon pairs when nobody looks any more.
      choice?.close()
      choice = nil
      order.address = device.address
      try askConsent(driver: order.driver ?? device.driver)
      if !device.isInPairingMode { sayHint(of: order.driver ?? device.driver) }
    } else {
      sayHint(of: order.driver)
    }
    let result = try pair(order.address ?? "")
    return try firstReading(result)
  }

  /// Asks until the answer can be a patient's reference, or is empty.
  private mutating func patient(_ choice: inout DeviceChoice?) throws(Failure) -> String? {
    let question = "Whose device is it? The patient's reference (empty: decide later): "
    while true {
      // The daemon looks around meanwhile.
      let text =
        if choice == nil { try Question.ask(question, &conversation) } else { try choice?.ask(question) ?? "" }
      if text.isEmpty { return nil }
      switch PatientReference.fault(in: text) {
      case nil: return text
      case .malformed?, .nameless?: say("a reference has at most 64 letters, digits, \"-\", \"_\" or \".\"")
      case let fault?: say("\(fault.message); \(fault.hint)")
      }
    }
  }

  /// Devices with users of their own give values for a code only.
  private mutating func askConsent(driver: String?) throws(Failure) {
    guard order.user == nil, let driver, Registry.profile(id: driver)?.asksConsent == true else { return }
    while true {
      let slot = try Question.ask("Which user of the device is it? Its slot, such as 1 (empty: none): ", &conversation)
      if slot.isEmpty {
        hasNoConsentCode = true
        return
      }
      guard let user = UInt8(slot), user < 255 else { continue }
      order.user = Int(user)
      break
    }
    while true {
      let text = try Question.ask("The consent code of that user, four digits (empty: none): ", &conversation)
      hasNoConsentCode = text.isEmpty
      if text.isEmpty { return }
      guard let code = UInt16(text), code <= 9999 else { continue }
      order.consentCode = Int(code)
      return
    }
  }

  // MARK: Pairing

  private mutating func pair(_ address: String) throws(Failure) -> JSONValue {
    conversation.listening = .lines
    pairID = try conversation.ask("pair", order.parameters(address))
    let deadline = Clocks.monotonic() + PairScript.patience
    while true {
      switch try conversation.next(until: deadline) {
      case .notification("pairing", let value): try progress(value)
      case .answer(pairID, .success(let result)): return result
      case .answer(pairID, .failure(let failure)): throw failure
      case .answer(let id, .failure(let failure)) where answers.contains(id):
        say([failure.message, failure.hint].compactMap { $0 }.joined(separator: ": "))
        prompt()
      case .line(let line): try answered(line)
      case .inputOver, .interrupted: try cancel()
      case .news("reading", let reading): readings.append(reading)
      case .timeout: throw PairScript.silence
      default: continue
      }
    }
  }

  private mutating func progress(_ value: JSONValue) throws(Failure) {
    switch value["event"]?.string {
    case "searching": say("looking for it, at most two minutes; Ctrl-C ends it …")
    case "found":
      let signal = value["rssi"]?.int.map { " \(Show.bars($0))" } ?? ""
      say("found \(value["name"]?.string ?? order.address ?? "it")\(signal)")
      let driver = value["driver"]?.string
      if let driver, Registry.profile(id: driver)?.pairingHint.isEmpty == false, saidHint != "" { sayHint(of: driver) }
    case "pairing": say("pairing …")
    case "passkey":
      let entered = value["entered"]?.int ?? 0
      passkeyArea.draw([
        "Type \(Show.text(value["passkey"])) on the device."
          + (entered > 0 ? "  \(String(repeating: "*", count: min(entered, 6)))" : "")
      ])
      if !LiveArea.isPossible { passkeyArea.leave() }
    case "prompt":
      let kind = value["prompt"]?.string ?? ""
      if kind == "consent-code", hasNoConsentCode {
        answers.insert(try conversation.ask("pair.answer", ["answer": ""]))
        return
      }
      question = (kind, value["message"]?.string ?? "?")
      prompt()
    default: return
    }
  }

  private func prompt() {
    guard let question else { return }
    Terminal.out(Terminal.clean(question.text) + (question.kind == "confirm" ? " yes or no: " : ": "))
  }

  private mutating func answered(_ line: String) throws(Failure) {
    guard let question else { return }
    var text = line.trimmingSpaces
    switch question.kind {
    case "confirm":
      switch text.lowercased() {
      case "y", "yes": text = "yes"
      case "n", "no": text = "no"
      default: return prompt()
      }
    case "passkey":
      text = text.filter { $0 != " " }
      guard text.utf8.count == 6, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        say("six digits are expected")
        return prompt()
      }
    default: break
    }
    answers.insert(try conversation.ask("pair.answer", ["answer": .string(text)]))
  }

  private mutating func cancel() throws(Failure) {
    guard !isCancelled else { return }
    isCancelled = true
    Terminal.out("\n")
    _ = try conversation.ask("pair.cancel")
  }

  /// What to press on this very device.
  private mutating func sayHint(of driver: String?) {
    let own = driver.flatMap { Registry.profile(id: $0)?.pairingHint } ?? ""
    let hint = own.isEmpty ? "hold its button until its display says so (a Bluetooth sign, \"Pr\", \"PAir\")" : own
    guard hint != saidHint else { return }
    saidHint = hint
    say("On the device: \(hint).")
  }

  // MARK: The end

  private mutating func firstReading(_ result: JSONValue) throws(Failure) -> Int32 {
    let device = result["device"]?.string ?? ""
    let bond =
      result["bonded"]?.bool != true
      ? "without keys: its address alone says that it is this one"
      : result["protected"]?.bool == true
        ? "its keys are kept, checked by the number that you saw" : "its keys are kept"
    say("paired as \(device) (\(Show.text(result["driver"]))); \(bond)")
    let ownership = order.patient == nil ? "its readings wait for: hearthctl assign --device \(device) PATIENT" : nil
    if let ownership { say(ownership) }
    guard order.wait > 0 else { return 0 }
    say("Now measure once. The reading is waited for, at most \(order.wait) s; Ctrl-C leaves, the pairing stays.")
    conversation.listening = .no
    func show(_ reading: JSONValue) -> Bool {
      guard reading["device"]?["id"]?.string == device else { return false }
      say("first reading: \(ReadingsVerb.line(reading))")
      return true
    }
    if readings.contains(where: show) { return 0 }
    let deadline = Clocks.monotonic() + Int64(order.wait) * 1000
    while true {
      switch try conversation.next(until: deadline) {
      case .news("reading", let reading): if show(reading) { return 0 }
      case .timeout:
        say("none came yet; the device is paired, and hearthctl watch shows what it sends later")
        return 0
      case .interrupted: return 0
      default: continue
      }
    }
  }

  private func say(_ text: String) { Terminal.out(Show.paragraph("", text) + "\n") }
}

/// A question at the terminal, before the daemon is asked anything.
enum Question {
  /// The line that was typed, without spaces around it. Throws when the technician leaves.
  static func ask(_ question: String, _ conversation: inout Conversation) throws(Failure) -> String {
    Terminal.out(question)
    conversation.listening = .lines
    while true {
      switch try conversation.next(until: Int64.max) {
      case .line(let line): return line.trimmingSpaces
      case .inputOver, .interrupted: throw left
      case .answer(_, .failure(let failure)): throw failure
      default: continue
      }
    }
  }

  static var left: Failure {
    Terminal.out("\n")
    return Failure(status: 1, code: "pairing.cancelled", message: "left; nothing was paired")
  }
}

extension String {
  /// Without spaces around it.
  var trimmingSpaces: String {
    let front = drop { $0.isWhitespace }
    return String(front.reversed().drop { $0.isWhitespace }.reversed())
  }
}
