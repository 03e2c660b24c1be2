// Contec CMS50D+ (firmware 4.6 and later), CMS50E, F, H, I, EW and rebrands (Pulox): the "V7.0" protocol, 115200 8N1, also over
// Bluetooth SPP. Sources: the maker's document V7.0, two captured conversations.
//
// Octet 0 is the type with bit 7 clear, all others have it set; octet 1 carries the high bits of those after it. There is no
// checksum and no length: the length follows from the type. Types 0x11 and 0x13 are the XON and XOFF characters: software flow
// control must be off. The document says that 0xFF and 0x7F mean "no value"; real devices also send zero.

internal import Octets
internal import Readings

/// One packet, unpacked.
struct ContecPacket: Hashable, Sendable {
  var type: UInt8
  /// Octets 2…, with their high bits put back.
  var data: [UInt8]

  /// Length in octets by type; nil for types that are not in the document or seen from devices.
  static func length(of type: UInt8) -> Int? {
    switch type {
    case 0x01, 0x02, 0x03, 0x04, 0x05, 0x11, 0x13, 0x14, 0x15: 9
    case 0x07, 0x08, 0x0F, 0x12: 8
    case 0x09: 6
    case 0x06, 0x0A, 0x0B: 4
    case 0x0D, 0x0E, 0x10: 3
    case 0x0C: 2
    default: nil
    }
  }

  init(_ octets: [UInt8]) {
    type = octets.first ?? 0
    let high = octets.count > 1 ? octets[1] : 0
    data = octets.dropFirst(2).enumerated().map { $0.element & 0x7F | (high >> UInt8($0.offset) & 1) << 7 }
  }

  /// Trailing NULs go, and blanks unless the text is wanted as it was sent.
  func text(from: Int, asSent: Bool = false) -> String {
    var rest = data.dropFirst(from).map { $0 & 0x7F }[...]
    while let last = rest.last, last == 0 || last == 0x20 && !asSent { rest = rest.dropLast() }
    return String(decoding: rest.map { $0 >= 0x20 ? $0 : 0x3F }, as: UTF8.self)
  }

  /// What is above 100 % is no saturation either.
  static func spo2(_ raw: UInt8) -> UInt8? { (1...100).contains(raw) ? raw : nil }
  static func pulse(_ raw: UInt8) -> UInt8? { raw == 0 || raw == 0xFF ? nil : raw }
}

/// The packets on the line.
enum ContecV7Line: LineProtocol {
  static let longestFrame = 9

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    let type = octets[start]
    guard let length = ContecPacket.length(of: type) else {
      return .skip(1, code: "malformed", message: "octet 0x\(Hex.encode([type])) begins no packet of this protocol")
    }
    // An octet with bit 7 clear inside a packet means that the packet was cut.
    if let cut = octets.prefix(length).dropFirst().firstIndex(where: { $0 < 0x80 }) {
      return .skip(
        cut - start, code: "truncated", message: "a packet of type \(type) was cut after \(cut - start) octets")
    }
    return octets.count < length ? .wait : .frame(length)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] { ContecPacket(frame).values }

  /// Bit 7 clear in the first octet and set in all others, a known type.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count + 3 }
}

extension ContecPacket {
  /// The reading of a live packet; nil when the finger is out or a value is missing.
  func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard type == 1, data.count == 7, data[0] & 0x80 == 0 else { return nil }
    let hasIndex = data[2] & 0x10 == 0
    let flags: [ReadingFlag] = data[1] & 0x80 != 0 || data[0] & 0x10 != 0 ? [.signalSearching] : []
    return ContecPacket.reading(
      spo2: data[4], pulse: data[3], index: hasIndex ? UInt16(data[5]) | UInt16(data[6]) << 8 : nil, flags: flags,
      stored: false, frame)
  }

  /// The readings of a packet of stored samples, one a second; nil for a second without value.
  func storedReadings(_ frame: [UInt8]) -> [DeviceReading?] {
    func sample(_ place: Int, _ index: UInt16?) -> DeviceReading? {
      ContecPacket.reading(
        spo2: data[place], pulse: data[place + 1], index: index, flags: [], stored: true, frame)
    }
    switch (type, data.count) {
    case (0x09, 4): return [sample(0, UInt16(data[2]) | UInt16(data[3]) << 8)]
    case (0x0F, 6): return [sample(0, nil), sample(2, nil), sample(4, nil)]
    default: return []
    }
  }

  private static func reading(
    spo2: UInt8, pulse: UInt8, index: UInt16?, flags: [ReadingFlag], stored: Bool, _ frame: [UInt8]
  ) -> DeviceReading? {
    guard let spo2 = ContecPacket.spo2(spo2), let pulse = ContecPacket.pulse(pulse) else { return nil }
    var observations = [
      Observation(.spo2, .value(ExactDecimal(Int64(spo2))), unit: .percent),
      Observation(.oximeterPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
    ]
    if let index, index != 0xFFFF, index != 0 {
      observations.append(
        Observation(.perfusionIndex, .value(ExactDecimal(Int64(index), exponent: -2)), unit: .percent))
    }
    return DeviceReading(
      kind: .pulseOximetry, observations: observations, flags: flags, stored: stored,
      raw: RawSource(source: ContecV7Driver.id, octets: frame))
  }
}

/// What a hub says to it.
extension ContecV7Line {
  private static let commandNames: [UInt8: String] = [
    0xA0: "A0 (sent at the beginning)", 0xA1: "start live", 0xA2: "stop live", 0xA3: "segment count",
    0xA4: "data length", 0xA5: "start date/time", 0xA6: "read stored", 0xA7: "stop stored", 0xA8: "model",
    0xA9: "vendor", 0xAA: "device id", 0xAB: "user info", 0xAC: "PI support", 0xAD: "user count", 0xAE: "delete",
    0xAF: "keepalive", 0xB0: "stored-data notice", 0xB1: "set time", 0xB2: "set date", 0xB6: "stored identifiers",
  ]

  /// Nine octets, bit 7 of the arguments in the second.
  static func hubCommand(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(9))
    guard frame.count == 9, frame[0] == 0x7D, frame[1...].allSatisfy({ $0 & 0x80 != 0 }) else { return nil }
    return HubCommand(count: 9, name: commandNames[frame[2]] ?? "unknown", values: [.hex("code", frame[2])])
  }
}
