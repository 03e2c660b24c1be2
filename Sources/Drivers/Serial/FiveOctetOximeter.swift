// The five-octet stream of older oximeters: Contec "V5.0" (CMS50D+, E, F before firmware 4.6; 19200 8O1, some 4800 8O1, 60 a
// second) and BCI 1.2 (Berry and relatives; 115200 8N1, some 4800 8O1, 100 a second). Sources: both makers' documents.
//
// Bit 7 is set in the first octet of five and clear in the others; there is no checksum. One frame does not tell the two
// apart: their rates and line settings do. The meaning of two bits differs.

internal import Octets
internal import Readings

/// Which meaning the bits have.
enum FiveOctetDialect: String, Sendable {
  case contec = "contec-v5"
  case bci

  var samplesPerSecond: Int { self == .contec ? 60 : 100 }
}

/// One frame.
struct FiveOctetFrame: Hashable, Sendable {
  let octets: [UInt8]

  /// Nil unless it is five octets with the sync pattern.
  init?(_ octets: ArraySlice<UInt8>) {
    guard octets.count == 5, octets.first.map({ $0 >= 0x80 }) ?? false, octets.dropFirst().allSatisfy({ $0 < 0x80 })
    else {
      return nil
    }
    self.octets = Array(octets)
  }

  private var rawPulse: UInt8 { octets[3] & 0x7F | (octets[2] & 0x40) << 1 }
  var pulse: UInt8? { rawPulse == 0 || rawPulse == 255 ? nil : rawPulse }
  var spo2: UInt8? { octets[4] == 0 || octets[4] == 0x7F ? nil : octets[4] }
  var isSearching: Bool { octets[2] & 0x20 != 0 }
  /// No finger or no probe.
  func isWithoutFinger(_ dialect: FiveOctetDialect) -> Bool {
    octets[2] & 0x10 != 0 || dialect == .bci && octets[0] & 0x30 != 0
  }

  func reading(_ dialect: FiveOctetDialect) -> DeviceReading? {
    guard !isWithoutFinger(dialect), let spo2, let pulse, spo2 <= 100 else { return nil }
    return DeviceReading(
      kind: .pulseOximetry,
      observations: [
        Observation(.spo2, .value(ExactDecimal(Int64(spo2))), unit: .percent),
        Observation(.oximeterPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
      ], flags: isSearching ? [.signalSearching] : [], stored: false,
      raw: RawSource(source: dialect.rawValue, octets: octets))
  }

  func values(_ dialect: FiveOctetDialect) -> [NamedValue] {
    let head = octets[0]
    let common = [
      NamedValue("signalStrength", .integer(Int64(head & 0x0F))), NamedValue("beep", .flag(head & 0x40 != 0)),
      NamedValue("waveform", .integer(Int64(octets[1]))), NamedValue("barGraph", .integer(Int64(octets[2] & 0x0F))),
      NamedValue("searching", .flag(isSearching)),
      NamedValue("pulse", pulse.map { .integer(Int64($0)) } ?? .absent),
      NamedValue("spo2", spo2.map { .integer(Int64($0)) } ?? .absent),
    ]
    return common
      + (dialect == .contec
        ? [
          NamedValue("searchTooLong", .flag(head & 0x10 != 0)), NamedValue("spo2Dropping", .flag(head & 0x20 != 0)),
          NamedValue("probeError", .flag(octets[2] & 0x10 != 0)),
        ]
        : [
          NamedValue("noSignal", .flag(head & 0x10 != 0)), NamedValue("probeUnplugged", .flag(head & 0x20 != 0)),
          NamedValue("noFinger", .flag(octets[2] & 0x10 != 0)),
        ])
  }
}

/// Listens to a stream that needs no question.
struct FiveOctetDriver: Driver {
  private let dialect: FiveOctetDialect
  private let context: DriverContext
  private var buffer = LineBuffer()
  private var spotCheck: SpotCheckRule

  init(_ dialect: FiveOctetDialect, _ context: DriverContext) {
    self.dialect = dialect
    self.context = context
    spotCheck = SpotCheckRule(samplesPerSecond: dialect.samplesPerSecond)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .received(let octets) = input else { return [] }
    buffer.append(octets)
    var actions: [DriverAction] = []
    while buffer.octets.count >= 5 {
      guard let frame = FiveOctetFrame(buffer.octets.prefix(5)) else {
        // To the next sync octet, or past what cannot begin a frame.
        let next = buffer.octets.dropFirst().firstIndex { $0 >= 0x80 } ?? buffer.octets.count
        if let problem = buffer.skip(next, code: "malformed", "octets without the sync pattern of this protocol") {
          actions.append(.problem(problem))
        }
        continue
      }
      _ = buffer.take(5)
      let reading = frame.reading(dialect)
      if context.everyFrame {
        if let reading { actions.append(.reading(reading)) }
      } else if let done = spotCheck.add(reading) {
        actions.append(.reading(done))
      }
    }
    return actions
  }

  static let contecV5 = DeviceProfile(
    id: FiveOctetDialect.contec.rawValue, manufacturer: "Contec", names: ["CMS50D+/E/F (firmware before 4.6)"],
    transport: .serial([SerialSettings(19_200, parity: .odd), SerialSettings(4800, parity: .odd)]),
    recognition: [
      .frames("60 five-octet frames a second"), .usb(vendor: 0x10C4, product: 0xEA60),
      .usb(vendor: 0x067B, product: 0x2303),
    ],
    kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse], clock: .none, memory: .none, verification: .captured,
    rule: SpotCheckRule.sentence
  ) { FiveOctetDriver(.contec, $0) }

  static let bci = DeviceProfile(
    id: FiveOctetDialect.bci.rawValue, manufacturer: "Berry", names: ["BM1000 and other BCI 1.2 oximeters"],
    transport: .serial([SerialSettings(115_200), SerialSettings(4800, parity: .odd), SerialSettings(4800)]),
    recognition: [.frames("100 five-octet frames a second")], kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse], clock: .none, memory: .none, verification: .unverified,
    rule: SpotCheckRule.sentence
  ) { FiveOctetDriver(.bci, $0) }
}
