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

  /// Trailing blanks and NULs go.
  func text(from: Int) -> String {
    var rest = data.dropFirst(from).map { $0 & 0x7F }[...]
    while let last = rest.last, last == 0x20 || last == 0 { rest = rest.dropLast() }
    return String(decoding: rest.map { $0 >= 0x20 ? $0 : 0x3F }, as: UTF8.self)
  }

  static func spo2(_ raw: UInt8) -> UInt8? { raw == 0 || raw == 0x7F || raw == 0xFF ? nil : raw }
  static func pulse(_ raw: UInt8) -> UInt8? { raw == 0 || raw == 0xFF ? nil : raw }
}

/// The conversation with a V7 oximeter.
struct ContecV7Driver: Driver {
  static let id = "contec-v7"
  private static let keepAlive: DriverTimer = 1

  private let context: DriverContext
  private var buffer = LineBuffer()
  private var spotCheck = SpotCheckRule(samplesPerSecond: 60)
  private var model = ""

  init(_ context: DriverContext) { self.context = context }

  /// Nine octets: 7D, high bits 81, the command, arguments with bit 7 set.
  static func command(_ code: UInt8, _ arguments: [UInt8] = []) -> [UInt8] {
    let padded = (arguments + [UInt8](repeating: 0, count: 6)).prefix(6)
    return [0x7D, 0x81, code | 0x80] + padded.map { $0 | 0x80 }
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened:
      // The order that works on real devices: stop everything, ask who it is, then live data.
      let codes: [UInt8] = [0xA7, 0xA2, 0xA0, 0xB0, 0xAC, 0xA8, 0xA9, 0xAA, 0xA1]
      return codes.map { .transmit(ContecV7Driver.command($0)) } + [
        .startTimer(ContecV7Driver.keepAlive, milliseconds: 5000)
      ]
    case .timer(ContecV7Driver.keepAlive):
      return [
        .transmit(ContecV7Driver.command(0xAF)), .startTimer(ContecV7Driver.keepAlive, milliseconds: 5000),
      ]
    case .received(let octets):
      buffer.append(octets)
      return frames()
    default: return []
    }
  }

  private mutating func frames() -> [DriverAction] {
    var actions: [DriverAction] = []
    while let type = buffer.octets.first {
      guard type < 0x80, let length = ContecPacket.length(of: type) else {
        let problem = buffer.skip(
          1, code: "malformed", "octet 0x\(Hex.encode([type])) begins no packet of this protocol")
        if let problem { actions.append(.problem(problem)) }
        continue
      }
      // An octet with bit 7 clear inside a packet means that the packet was cut.
      let body = buffer.octets.prefix(length).dropFirst()
      if let cut = body.firstIndex(where: { $0 < 0x80 }) {
        if let problem = buffer.skip(cut, code: "truncated", "a packet of type \(type) was cut after \(cut) octets") {
          actions.append(.problem(problem))
        }
        continue
      }
      guard buffer.octets.count >= length else { break }
      let frame = buffer.take(length)
      actions += packet(ContecPacket(frame), frame)
    }
    return actions
  }

  private mutating func packet(_ packet: ContecPacket, _ frame: [UInt8]) -> [DriverAction] {
    switch packet.type {
    case 0x01: return live(packet, frame)
    case 0x02:
      let isFirst = packet.data.first == 0
      model = isFirst ? packet.text(from: 1) : model + packet.text(from: 1)
      return isFirst ? [] : [.property(.model("CMS\(model)"))]
    case 0x03:
      let vendor = packet.text(from: 0)
      return vendor.isEmpty ? [] : [.property(.manufacturer(vendor))]
    default: return []
    }
  }

  private mutating func live(_ packet: ContecPacket, _ frame: [UInt8]) -> [DriverAction] {
    let reading = ContecV7Driver.reading(packet, frame)
    if context.everyFrame { return reading.map { [.reading($0)] } ?? [] }
    return spotCheck.add(reading).map { [.reading($0)] } ?? []
  }

  /// The reading of a live packet; nil when the finger is out or a value is missing.
  static func reading(_ packet: ContecPacket, _ frame: [UInt8]) -> DeviceReading? {
    let data = packet.data
    guard packet.type == 1, data.count == 7, data[0] & 0x80 == 0, let spo2 = ContecPacket.spo2(data[4]),
      let pulse = ContecPacket.pulse(data[3])
    else { return nil }
    var observations = [
      Observation(.spo2, .value(ExactDecimal(Int64(spo2))), unit: .percent),
      Observation(.oximeterPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
    ]
    let index = UInt16(data[5]) | UInt16(data[6]) << 8
    if data[2] & 0x10 == 0, index != 0xFFFF, index != 0 {
      observations.append(
        Observation(.perfusionIndex, .value(ExactDecimal(Int64(index), exponent: -2)), unit: .percent))
    }
    let flags: [ReadingFlag] = data[1] & 0x80 != 0 || data[0] & 0x10 != 0 ? [.signalSearching] : []
    return DeviceReading(
      kind: .pulseOximetry, observations: observations, flags: flags, stored: false,
      raw: RawSource(source: id, octets: frame))
  }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Contec", names: ["CMS50D+ (firmware 4.6 and later)", "CMS50E/F/H/I/EW", "Pulox rebrands"],
    transport: .serial([SerialSettings(115_200)]),
    recognition: [.frames("V7 packets"), .usb(vendor: 0x10C4, product: 0xEA60)], kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .settable, memory: .records, verification: .captured,
    rule: SpotCheckRule.sentence
  ) { ContecV7Driver($0) }
}
