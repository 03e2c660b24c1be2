// Nonin's streams, 9600 8N1: data format 8 (four octets, once a second), 2 and 7 (packets of 25 frames of five octets, three times
// a second, each frame with its sum). Source: Nonin's 9560 OEM specification. Nothing is sent: the format stays in the device,
// the technician selects it.
//
// Format 2: `01 status pleth float sum`; format 7: `status pleth pleth float sum`, without a start octet. Bit 7 of the status is 1,
// bit 0 marks the first frame. 511 and 127 are "none". The display values hold the last value for 10 s: they are not used.

internal import Octets
internal import Readings

/// Format 8: four octets a second.
enum NoninEightLine: OximeterLine {
  static let id = "nonin-8"
  static let longestFrame = 4
  static let framesPerSecond = 1

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    guard octets[start] >= 0x80 else {
      let garbage = octets.prefix { $0 < 0x80 }.count
      return .skip(garbage, code: "malformed", message: "octets without the sync pattern of this protocol")
    }
    if let cut = octets.prefix(4).dropFirst().firstIndex(where: { $0 >= 0x80 }) {
      return .skip(cut - start, code: "truncated", message: "a frame was cut after \(cut - start) octets")
    }
    return octets.count < 4 ? .wait : .frame(4)
  }

  private static func pulse(_ frame: [UInt8]) -> Int? {
    let value = Int(frame[0] & 0x03) << 7 | Int(frame[1])
    return value == 511 || value == 0 ? nil : value
  }
  private static func spo2(_ frame: [UInt8]) -> Int? { (1...100).contains(frame[2]) ? Int(frame[2]) : nil }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    // No sensor (bit 6, of Xpod and relatives), out of track, an artifact or the sensor's alarm: what is told then is an old
    // value.
    guard frame.count == 4, frame[0] & 0x64 == 0, frame[3] & 0x08 == 0 else { return nil }
    var flags: [ReadingFlag] = frame[0] & 0x10 != 0 ? [.signalLowPerfusion] : []
    if frame[3] & 0x01 != 0 { flags.append(.lowBattery) }
    return reading(spo2: spo2(frame), pulse: pulse(frame), flags: flags, frame)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard frame.count == 4 else { return [] }
    return [
      NamedValue("pulse", pulse(frame).map { .integer(Int64($0)) } ?? .absent),
      NamedValue("spo2", spo2(frame).map { .integer(Int64($0)) } ?? .absent),
      NamedValue("smartPoint", .flag(frame[3] & 0x20 != 0)), NamedValue("sensorAlarm", .flag(frame[3] & 0x08 != 0)),
      NamedValue("sensorDisconnected", .flag(frame[0] & 0x40 != 0)),
      NamedValue("outOfTrack", .flag(frame[0] & 0x20 != 0)), NamedValue("artifact", .flag(frame[0] & 0x04 != 0)),
      NamedValue("lowPerfusion", .flag(frame[0] & 0x10 != 0)),
      NamedValue("marginalPerfusion", .flag(frame[0] & 0x08 != 0)),
      NamedValue("lowBattery", .flag(frame[3] & 0x01 != 0)),
    ]
  }

  /// The pattern of bits 7; with a sensor that is there, bit 6 of the first octet too.
  static func evidence(_ frame: [UInt8]) -> Int { frame[0] & 0x40 == 0 ? 3 : 0 }
}

/// A packet of 25 frames: the fourth octet of each frame tells one thing a packet.
struct NoninPacket: Sendable, Hashable {
  static let octets = 125
  private let frames: [ArraySlice<UInt8>]
  private let statusIndex: Int

  init?(_ packet: [UInt8], statusIndex: Int) {
    guard packet.count == NoninPacket.octets else { return nil }
    frames = (0..<25).map { packet[($0 * 5)..<($0 * 5 + 5)] }
    self.statusIndex = statusIndex
  }

  private func float(_ number: Int) -> UInt8 { frames[number - 1][frames[number - 1].startIndex + 3] }
  private var statuses: [UInt8] { frames.map { $0[$0.startIndex + statusIndex] } }
  private func rate(_ high: Int) -> Int? {
    let value = Int(float(high) & 0x03) << 7 | Int(float(high + 1) & 0x7F)
    return value == 511 || value == 0 ? nil : value
  }
  private func saturation(_ number: Int) -> Int? {
    (1...100).contains(float(number)) ? Int(float(number)) : nil
  }

  var pulse: Int? { rate(1) }
  var spo2: Int? { saturation(3) }
  var isBatteryLow: Bool { float(8) & 0x01 != 0 }
  /// The sensor's alarm or lost track in any frame.
  var isWithoutFinger: Bool { statuses.contains { $0 & 0x18 != 0 } }
  /// Red: little blood flows in the finger.
  var isPerfusionLow: Bool { statuses.contains { $0 & 0x06 == 0x04 } }

  var values: [NamedValue] {
    func number(_ value: Int?) -> DecodedValue { value.map { .integer(Int64($0)) } ?? .absent }
    var named = [
      NamedValue("pulse4", number(pulse)), NamedValue("spo2", number(spo2)),
      NamedValue("timer", .integer(Int64(float(6) & 0x7F) << 7 | Int64(float(7) & 0x7F))),
      NamedValue("smartPoint", .flag(float(8) & 0x20 != 0)), NamedValue("lowBattery", .flag(isBatteryLow)),
      NamedValue("spo2Display", number(saturation(9))), NamedValue("spo2Fast", number(saturation(10))),
      NamedValue("spo2BeatToBeat", number(saturation(11))), NamedValue("pulse8", number(rate(14))),
      NamedValue("pulseDisplay", number(rate(20))), NamedValue("sensorAlarm", .flag(isWithoutFinger)),
    ]
    if statusIndex == 0, let first = frames.first {
      let pleth = Int64(first[first.startIndex + 1]) << 8 | Int64(first[first.startIndex + 2])
      named.append(NamedValue("pleth", .integer(pleth)))
    }
    return named
  }

  /// Cuts packets: the first frame has the mark, every frame its sum.
  static func step(_ octets: ArraySlice<UInt8>, statusIndex: Int) -> FrameStep {
    func isFrame(_ at: Int) -> Bool? {
      guard at + 5 <= octets.endIndex else { return nil }
      let frame = octets[at..<(at + 5)]
      guard statusIndex == 0 || frame[at] == 0x01, frame[at + statusIndex] >= 0x80 else { return false }
      return Checksum.sum8(frame.dropLast()) == frame[at + 4]
    }
    let start = octets.startIndex
    switch isFrame(start) {
    case nil: return .wait
    case false?:
      let next = octets.indices.dropFirst().first { isFrame($0) != false } ?? octets.endIndex
      return .skip(next - start, code: "checksum", message: "octets without a frame of this protocol")
    case true?: break
    }
    // The rest of a packet whose beginning was not heard.
    guard octets[start + statusIndex] & 0x01 != 0 else { return .pass(5) }
    for number in 1..<25 {
      let at = start + 5 * number
      switch isFrame(at) {
      case nil: return .wait
      case true? where octets[at + statusIndex] & 0x01 == 0: continue
      // The next good frame may begin inside of the last one, when octets were lost.
      case true?: return .skip(at - start, code: "truncated", message: "a packet was cut after \(number) frames")
      case false?:
        return .skip(at - start, code: "checksum", message: "frame \(number + 1) of a packet is damaged or cut")
      }
    }
    return .frame(octets.count < NoninPacket.octets ? octets.count : NoninPacket.octets)
  }
}

extension OximeterLine {
  fileprivate static func reading(_ packet: NoninPacket?, _ frame: [UInt8]) -> DeviceReading? {
    guard let packet, !packet.isWithoutFinger else { return nil }
    var flags: [ReadingFlag] = packet.isPerfusionLow ? [.signalLowPerfusion] : []
    if packet.isBatteryLow { flags.append(.lowBattery) }
    return reading(spo2: packet.spo2, pulse: packet.pulse, flags: flags, frame)
  }
}

/// Format 2.
enum NoninTwoLine: OximeterLine {
  static let id = "nonin-2"
  static let longestFrame = NoninPacket.octets
  static let framesPerSecond = 3
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { NoninPacket.step(octets, statusIndex: 1) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { NoninPacket(frame, statusIndex: 1)?.values ?? [] }
  static func reading(_ frame: [UInt8]) -> DeviceReading? { reading(NoninPacket(frame, statusIndex: 1), frame) }

  static func evidence(_ frame: [UInt8]) -> Int { 64 }
}

/// Format 7.
enum NoninSevenLine: OximeterLine {
  static let id = "nonin-7"
  static let longestFrame = NoninPacket.octets
  static let framesPerSecond = 3
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { NoninPacket.step(octets, statusIndex: 0) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { NoninPacket(frame, statusIndex: 0)?.values ?? [] }
  static func reading(_ frame: [UInt8]) -> DeviceReading? { reading(NoninPacket(frame, statusIndex: 0), frame) }

  static func evidence(_ frame: [UInt8]) -> Int { 64 }
}

/// The three families.
enum NoninStreams {
  private static func family<Line: OximeterLine>(
    _: Line.Type, _ names: [String], _ sign: String, pace: @escaping SerialFamily.Pace = { _ in nil }
  ) -> SerialFamily {
    SerialFamily(
      Line.self, .agreement,
      profile: DeviceProfile(
        id: Line.id, manufacturer: "Nonin", names: names, transport: .serial([SerialSettings(9600)]),
        recognition: [.frames(sign)], kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse], clock: .none,
        memory: .none, verification: .unverified, rule: SpotCheckRule.sentence
      ) { SpotCheckDriver<Line>($0) }, commands: NoninCommands.hubCommand, pace: pace)
  }
  static let eight = family(
    NoninEightLine.self, ["Onyx II 9560, WristOx2 3150 (data format 8)"], "a four-octet frame a second",
    pace: { _ in 45...80 })
  static let two = family(
    NoninTwoLine.self, ["Onyx II 9560, WristOx2 3150, Xpod (data format 2)"], "packets of 25 frames with sums, start 01"
  )
  static let seven = family(
    NoninSevenLine.self, ["Onyx II 9560, WristOx2 3150, Xpod (data format 7)"], "packets of 25 frames with sums")
}

/// What a hub says to all of them.
enum NoninCommands {
  /// STX, command, length, arguments, ETX; a single ACK acknowledges a stored reading.
  static func hubCommand(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(10))
    if frame[0] == 0x06 { return HubCommand(count: 1, name: HubCommands.acknowledge) }
    guard frame.count >= 4, frame[0] == 0x02 else { return nil }
    let count = Int(frame[2]) + 4
    guard count <= frame.count, frame[count - 1] == 0x03 else { return nil }
    switch (frame[1], frame[2]) {
    case (0x70, 2) where frame[3] == 0x02:
      return HubCommand(count: count, name: "select data format \(frame[4])")
    case (0x70, 4) where frame[3] == 0x02 && frame[6] == Checksum.sum8(frame[1...5]):
      return HubCommand(
        count: count, name: "select data format \(frame[4])",
        values: [.hex("options", frame[5]), .number("checksum", frame[6])])
    case (0x72, 0): return HubCommand(count: count, name: "get time")
    case (0x72, 6): return HubCommand(count: count, name: "set time")
    default: return nil
    }
  }
}
