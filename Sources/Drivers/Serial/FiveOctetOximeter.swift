// The five-octet stream of older oximeters: Contec "V5.0" (CMS50D+, E, F before firmware 4.6; 19200 8O1, some 4800 8O1, 60 a
// second) and BCI 1.2 (Berry and relatives; 115200 8N1, some 4800 8O1, 100 a second). Sources: both makers' documents, two
// public drivers for the stored data of V5.
//
// Bit 7 is set in the first octet of five and clear in the others; there is no checksum. One frame does not tell the two
// apart: their rates and line settings do. The meaning of two bits differs. Stored data of V5 comes in threes: F2 hours
// minutes, a length of 3 x 7 bits, then F0|high pulse bit, 80|pulse, saturation, one a second.

internal import Octets
internal import Readings

/// Which meaning the bits have.
enum FiveOctetDialect: String, Sendable {
  case contec = "contec-v5"
  case bci

  var samplesPerSecond: Int { self == .contec ? 60 : 100 }
}

/// One live frame.
struct FiveOctetFrame: Hashable, Sendable {
  let octets: [UInt8]

  /// Nil unless it is five octets with the sync pattern.
  init?(_ octets: some Collection<UInt8>) {
    guard octets.count == 5, octets.first.map({ $0 >= 0x80 }) ?? false, octets.dropFirst().allSatisfy({ $0 < 0x80 })
    else {
      return nil
    }
    self.octets = Array(octets)
  }

  private var rawPulse: UInt8 { octets[3] & 0x7F | (octets[2] & 0x40) << 1 }
  var pulse: UInt8? { rawPulse == 0 || rawPulse == 255 ? nil : rawPulse }
  /// 127 and zero are "no reading"; what is above 100 % is none either.
  var spo2: UInt8? { (1...100).contains(octets[4]) ? octets[4] : nil }
  var isSearching: Bool { octets[2] & 0x20 != 0 }
  /// No finger or no probe.
  func isWithoutFinger(_ dialect: FiveOctetDialect) -> Bool {
    octets[2] & 0x10 != 0 || dialect == .bci && octets[0] & 0x30 != 0
  }

  func reading(_ dialect: FiveOctetDialect) -> DeviceReading? {
    guard !isWithoutFinger(dialect), let spo2, let pulse else { return nil }
    let searchesLong = dialect == .contec && octets[0] & 0x10 != 0
    return FiveOctetFrame.reading(
      dialect, spo2: spo2, pulse: pulse, flags: isSearching || searchesLong ? [.signalSearching] : [], stored: false,
      octets)
  }

  static func reading(
    _ dialect: FiveOctetDialect, spo2: UInt8, pulse: UInt8, flags: [ReadingFlag], stored: Bool, _ octets: [UInt8]
  ) -> DeviceReading {
    DeviceReading(
      kind: .pulseOximetry,
      observations: [
        Observation(.spo2, .value(ExactDecimal(Int64(spo2))), unit: .percent),
        Observation(.oximeterPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
      ], flags: flags, stored: stored, raw: RawSource(source: dialect.rawValue, octets: octets))
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

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    guard octets[start] >= 0x80 else {
      let garbage = octets.prefix { $0 < 0x80 }.count
      return .skip(garbage, code: "malformed", message: "octets without the sync pattern of this protocol")
    }
    if let cut = octets.prefix(5).dropFirst().firstIndex(where: { $0 >= 0x80 }) {
      return .skip(cut - start, code: "truncated", message: "a frame was cut after \(cut - start) octets")
    }
    return octets.count < 5 ? .wait : .frame(5)
  }
}

/// Frames with BCI's meanings.
enum BCILine: LineProtocol {
  static let longestFrame = 5
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { FiveOctetFrame.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { FiveOctetFrame(frame)?.values(.bci) ?? [] }

  static func evidence(_ frame: [UInt8]) -> Int { 4 }
}

/// Frames with Contec's meanings, and its stored data between them.
enum ContecV5Line: LineProtocol {
  static let longestFrame = 6

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let six = Array(octets.prefix(6))
    guard six.count > 1, six[0] >= 0x80, six[1] >= 0x80 else { return FiveOctetFrame.step(octets) }
    switch six[0] {
    case 0xF0, 0xF1:
      guard six.count > 2 else { return .wait }
      return six[2] <= 0x7F ? .frame(3) : FiveOctetFrame.step(octets)
    case 0xF2:
      // The length follows the last of the three; only with its beginning do its octets mean that.
      if six.count == 6, (0x80...0xEF).contains(six[3]), six[4] >= 0x80, six[5] < 0x80 { return .frame(6) }
      let mayBeLength = six.dropFirst(3).first.map { (0x80...0xEF).contains($0) } ?? true
      return six.count < 6 && mayBeLength && (six.count < 5 || six[4] >= 0x80) ? .wait : .frame(3)
    default: return FiveOctetFrame.step(octets)
    }
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    if let live = FiveOctetFrame(frame) { return live.values(.contec) }
    if let sample = sample(frame) {
      return [
        NamedValue("pulse", sample.pulse.map { .integer(Int64($0)) } ?? .absent),
        NamedValue("spo2", sample.spo2.map { .integer(Int64($0)) } ?? .absent),
      ]
    }
    guard frame.count >= 3 else { return [] }
    // On E and F these are the start's hours and minutes, on D+ zero.
    let start = [
      NamedValue("hours", .integer(Int64(frame[1] & 0x7F))), NamedValue("minutes", .integer(Int64(frame[2] & 0x7F))),
    ]
    guard let octets = storedOctets(frame) else { return start }
    return start + [
      NamedValue("lengthBytes", .integer(Int64(octets))), NamedValue("samples", .integer(Int64(octets / 3))),
    ]
  }

  /// A stored sample; zeros are a second without reading.
  static func sample(_ frame: [UInt8]) -> (pulse: UInt8?, spo2: UInt8?)? {
    guard frame.count == 3, frame[0] & 0xFE == 0xF0 else { return nil }
    let pulse = frame[1] & 0x7F | (frame[0] & 1) << 7
    return (pulse == 0 || pulse == 255 ? nil : pulse, (1...100).contains(frame[2]) ? frame[2] : nil)
  }

  /// Hour and minute of the record's start, which E and F tell; D+ says zero for both.
  static func storedStart(_ frame: [UInt8]) -> (hours: UInt8, minutes: UInt8)? {
    guard frame.count >= 3, frame[0] == 0xF2 else { return nil }
    let start = (hours: frame[1] & 0x7F, minutes: frame[2] & 0x7F)
    return start.hours < 24 && start.minutes < 60 && start != (0, 0) ? start : nil
  }

  /// How many octets of samples are announced.
  static func storedOctets(_ frame: [UInt8]) -> Int? {
    guard frame.count == 6 else { return nil }
    return (Int(frame[3] & 0x7F) << 14 | Int(frame[4] & 0x7F) << 7 | Int(frame[5] & 0x7F)) + 1
  }

  /// The pattern of bits 7; stored data proves less.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 5 ? 4 : 1 }
}
