// The conversation with a TaiDoc or FORA meter, over BLE and over the cable: who are you, how many records, then record by
// record until the oldest. What was read before is known by its octets and not stored again.

internal import Octets
internal import Readings

struct TaiDocDriver: Driver {
  private static let answerTimer: DriverTimer = 1
  private static let pollTimer: DriverTimer = 2
  /// The most records that are walked through; the largest memories hold 1000.
  private static let mostRecords: UInt16 = 1000

  private let context: DriverContext
  private let isSerial: Bool
  private var buffer = LineBuffer()
  private var kind: TaiDocFrame.Kind?
  private var serialLow = ""
  private var records: UInt16 = 0
  private var index: UInt16 = 0
  private var partA: TaiDocFrame?
  /// The question that waits for its answer, and how often it was asked.
  private var asked: (octets: [UInt8], times: Int)?

  init(_ context: DriverContext, isSerial: Bool) {
    self.context = context
    self.isSerial = isSerial
    kind = context.model.flatMap { TaiDocFrame.Kind(model: String($0.filter(\.isNumber))) }
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened: return ask(0x24) + [.startTimer(TaiDocDriver.pollTimer, milliseconds: 60_000)]
    case .connected: return [.subscribe(TaiDocProtocol.link, indications: false)]
    case .subscribed: return ask(0x24)
    case .received(let octets), .value(TaiDocProtocol.link, let octets, _):
      buffer.append(octets)
      return frames()
    case .timer(TaiDocDriver.answerTimer): return silence()
    case .timer(TaiDocDriver.pollTimer):
      return (asked == nil ? ask(0x24) : []) + [.startTimer(TaiDocDriver.pollTimer, milliseconds: 60_000)]
    default: return []
    }
  }

  private mutating func ask(_ command: UInt8, index: UInt16 = 0) -> [DriverAction] {
    let octets = TaiDocProtocol.request(command, index: index)
    asked = (octets, 1)
    return send(octets)
  }

  private func send(_ octets: [UInt8]) -> [DriverAction] {
    [
      isSerial ? .transmit(octets) : .write(TaiDocProtocol.link, octets, withResponse: true),
      .startTimer(TaiDocDriver.answerTimer, milliseconds: 2000),
    ]
  }

  /// A question without answer is asked three times; then the meter sleeps. On a cable it is asked again in a minute.
  private mutating func silence() -> [DriverAction] {
    guard let (octets, times) = asked else { return [] }
    guard times < 3 else {
      asked = nil
      return isSerial
        ? []
        : [.problem(DriverProblem(code: "no-answer", message: "the meter does not answer; switch it on")), .finish]
    }
    asked = (octets, times + 1)
    return send(octets)
  }

  private mutating func frames() -> [DriverAction] {
    var actions: [DriverAction] = []
    while buffer.octets.count >= 8 {
      let frame = Array(buffer.octets.prefix(8))
      do {
        try TaiDocProtocol.check(frame)
        _ = buffer.take(8)
        actions += answer(TaiDocFrame(frame))
      } catch {
        let next = buffer.octets.dropFirst().firstIndex(of: 0x51) ?? buffer.octets.count
        if let problem = buffer.skip(next, code: error.code, error.message) { actions.append(.problem(problem)) }
      }
    }
    return actions
  }

  private mutating func answer(_ frame: TaiDocFrame) -> [DriverAction] {
    if context.everyFrame {
      let raw = RawSource(source: "taidoc", octets: frame.octets)
      return frame.command == 0x26 ? frame.value(kind: kind, time: nil, raw: raw)?.actions ?? [] : []
    }
    switch frame.command {
    case 0x54: return ask(0x24)
    case 0x24:
      guard case .text(let model)? = frame.values.first?.value else { return [] }
      kind = TaiDocFrame.Kind(model: model) ?? kind
      let unknown = DriverProblem(
        code: "unknown-model",
        message: "the meter says that it is a TD-\(model), which no driver knows; its values are not taken")
      return [.property(.manufacturer("TaiDoc")), .property(.model("TD-\(model)"))]
        + (kind == nil ? [.problem(unknown), .stopTimer(TaiDocDriver.answerTimer), .finish] : ask(0x27))
    case 0x27:
      if case .text(let text)? = frame.values.first?.value { serialLow = text }
      return ask(0x28)
    case 0x28:
      var actions: [DriverAction] = []
      if case .text(let high)? = frame.values.first?.value { actions = [.property(.serial(high + serialLow))] }
      return actions + ask(0x2B)
    case 0x2B:
      guard case .integer(let count)? = frame.values.first?.value else { return [] }
      records = min(UInt16(clamping: count), TaiDocDriver.mostRecords)
      index = 0
      return next()
    case 0x25:
      partA = frame
      return ask(0x26, index: index)
    case 0x26: return record(frame)
    default: return []
    }
  }

  private mutating func record(_ frame: TaiDocFrame) -> [DriverAction] {
    let raw = RawSource(source: "taidoc", octets: (partA?.octets ?? []) + frame.octets)
    let actions = frame.value(kind: kind, time: partA, raw: raw)?.actions ?? []
    partA = nil
    guard asked != nil else { return actions }
    index += 1
    return actions + next()
  }

  private mutating func next() -> [DriverAction] {
    guard index < records else {
      asked = nil
      return [.stopTimer(TaiDocDriver.answerTimer)] + (isSerial ? [] : [.finish])
    }
    return ask(0x25, index: index)
  }

  private static let kinds: [ReadingKind] = [.bloodPressure, .pulseOximetry, .bodyTemperature, .glucose]
  private static let terms: [Term] = [
    .systolic, .diastolic, .meanArterial, .cuffPulse, .spo2, .oximeterPulse, .temperature, .glucoseCapillaryWholeBlood,
  ]
  private static let names = ["P20", "P30+", "D40", "TD-3128", "IR20", "TD-8255", "and relatives"]

  static let cable = DeviceProfile(
    id: "taidoc", manufacturer: "TaiDoc", names: names, transport: .serial([SerialSettings(19_200)]),
    recognition: [.frames("eight-octet frames beginning with 51"), .usb(vendor: 0x10C4, product: 0xEA60)], kinds: kinds,
    terms: terms, clock: .settable, memory: .records, verification: .captured,
    rule: "one stored record is one measurement"
  ) { TaiDocDriver($0, isSerial: true) }

  static let ble = DeviceProfile(
    id: "taidoc-ble", manufacturer: "TaiDoc", names: names, transport: .gatt,
    recognition: [.namePrefix("TAIDOC"), .namePrefix("FORA"), .namePrefix("TD-")], kinds: kinds, terms: terms,
    clock: .settable, memory: .records, verification: .captured, rule: "one stored record is one measurement"
  ) { TaiDocDriver($0, isSerial: false) }
}
