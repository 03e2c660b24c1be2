// hearthctl pair without an address: a numbered list of supported devices that lives while the technician chooses.

import JSON
import Platform

struct DeviceChoice {
  private var conversation: Conversation
  private var scanID = 0
  private var devices = FoundDevices()
  private var area = LiveArea()
  private var typed = ""
  private var drawnAt: Int64 = 0
  /// A scan's longest time in seconds; it is begun again for as long as nobody chose.
  private static let seconds = 600

  /// Begins to look. Throws when the daemon cannot, before anything is asked.
  init(_ arguments: Arguments, signals: Int32) throws(Failure) {
    conversation = try Conversation(arguments, signals: signals)
    try look()
    let deadline = Clocks.monotonic() + 30_000
    while true {
      switch try conversation.next(until: deadline) {
      case .answer(scanID, .success): return
      case .answer(scanID, .failure(let failure)): throw failure
      case .timeout: throw PairScript.silence
      case .interrupted: throw Question.left
      default: continue
      }
    }
  }

  private mutating func look() throws(Failure) {
    scanID = try conversation.ask("scan", ["seconds": .int(DeviceChoice.seconds)])
  }

  func close() { conversation.close() }

  /// A question while it looks already.
  mutating func ask(_ question: String) throws(Failure) -> String {
    Terminal.out(question)
    conversation.listening = .lines
    while true {
      switch try conversation.next(until: Int64.max) {
      case .line(let line): return line.trimmingSpaces
      case .notification("scan", let value): try take(value)
      case .inputOver, .interrupted: throw Question.left
      default: continue
      }
    }
  }

  /// The device that was chosen.
  mutating func run() throws(Failure) -> FoundDevice {
    let mode = KeyMode()
    defer { mode?.restore() }
    conversation.listening = .keys
    draw()
    while true {
      switch try conversation.next(until: Clocks.monotonic() + 1000) {
      case .notification("scan", let value):
        if try take(value) || Clocks.monotonic() - drawnAt > 300 { draw() }
      case .answer(scanID, .failure(let failure)):
        area.clear()
        throw failure
      case .keys(let keys):
        if let device = press(keys) {
          typed = ""
          area.clear()
          return device
        }
        draw()
      case .timeout: draw()
      case .inputOver, .interrupted: throw Question.left
      default: continue
      }
    }
  }

  @discardableResult private mutating func take(_ value: JSONValue) throws(Failure) -> Bool {
    if value["event"]?.string == "ended" {
      try look()
      return false
    }
    guard let device = FoundDevice(value, at: Clocks.monotonic()) else { return false }
    return devices.take(device)
  }

  /// Digits, backspace, Enter. The device, once Enter follows its number.
  private mutating func press(_ keys: [UInt8]) -> FoundDevice? {
    for key in keys {
      switch key {
      case 0x30...0x39 where typed.utf8.count < 3: typed.unicodeScalars.append(Unicode.Scalar(key))
      case 0x08, 0x7F: _ = typed.popLast()
      case 0x0A, 0x0D:
        if let number = Int(typed), let device = choices.first(where: { $0.number == number }) { return device }
        typed = ""
      default: continue
      }
    }
    return nil
  }

  private var choices: [FoundDevice] { devices.sorted(pairingFirst: true).filter(\.isSupported) }

  private mutating func draw() {
    drawnAt = Clocks.monotonic()
    var lines = ["Bring the device into pairing mode, near the hub. It shows here; Ctrl-C leaves."]
    var table = Table(["NO", "SIGNAL", "NAME", "WHAT", "STATE"], leaving: ["WHAT", "SIGNAL", "STATE"])
    for device in choices {
      table.rows.append([
        "\(device.number)", device.bars(at: drawnAt), device.name ?? device.address, device.kind, device.state,
      ])
    }
    if !table.rows.isEmpty { lines += table.text().split(separator: "\n").map(String.init) }
    if devices.unsupported > 0 { lines.append("(\(devices.unsupported) more that no driver knows)") }
    lines.append(table.rows.isEmpty ? "nothing yet …" : "Which one? Its number and Enter: \(typed)")
    area.draw(lines)
  }
}
