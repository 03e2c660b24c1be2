// Beurer BM65, the edition with a serial chip in its cable: 4800 8N1. Source: a public reader. (BM55, BM58 and newer BM65 are USB
// HID devices and no serial ones.)
//
// AA is answered by 55, A4 by 32 characters, A2 by the number of records, A3 n by the nine octets of record n, from 1: a header,
// systolic and diastolic less 25, pulse, month, day, hours, minutes, year. There is no check value: an answer counts when it has
// its length, and a record when its pressures are in order and its date can be one. Nothing on the cuff is changed.

internal import Octets
internal import Readings

/// Recorded answers, each of which says what it is by its octets alone; the conversation itself knows what it asked for.
enum BeurerSerialLine: LineProtocol {
  static let id = "beurer-serial"
  static let longestFrame = 64
  static let recordLength = 9
  static let descriptionLength = 32
  /// A record's first octet as it was seen; what it means is not known, so that others are taken too.
  private static let header: UInt8 = 0xAC

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    if octets[start] == header {
      if octets.count < recordLength { return .wait }
      if record(octets.prefix(recordLength)) != nil { return .frame(recordLength) }
    }
    if octets[start] == 0x55 { return .frame(1) }
    if octets[start] < 0x20 || octets[start] > 0x7E {
      if octets.count < recordLength { return .wait }
      if record(octets.prefix(recordLength)) != nil { return .frame(recordLength) }
      // The number of records, which comes before them.
      if octets[start] < 0x20, record(octets.dropFirst().prefix(recordLength)) != nil { return .pass(1) }
      return .skip(1, code: "malformed", message: "octets that are no answer of this protocol")
    }
    let text = octets.prefix(descriptionLength).prefix { (0x20...0x7E).contains($0) }
    if text.count == descriptionLength { return .frame(descriptionLength) }
    if !text.isEmpty, text.endIndex == octets.endIndex { return .wait }
    let next = octets.dropFirst().firstIndex(of: header) ?? octets.endIndex
    return .skip(next - start, code: "malformed", message: "octets that are no answer of this protocol")
  }

  /// The nine octets of a record; nil when they cannot be one.
  static func record(_ octets: some Collection<UInt8>) -> (cuff: CuffResult, time: DeviceDateTime)? {
    let octets = Array(octets)
    guard octets.count == recordLength, (1...12).contains(octets[4]), (1...31).contains(octets[5]), octets[6] < 24,
      octets[7] < 60, octets[8] < 100
    else { return nil }
    let cuff = CuffResult(
      systolic: Int(octets[1]) + 25, diastolic: Int(octets[2]) + 25, pulse: octets[3] == 0 ? nil : Int(octets[3]))
    let time = DeviceDateTime(
      year: 2000 + UInt16(octets[8]), month: octets[4], day: octets[5], hours: octets[6], minutes: octets[7], seconds: 0
    )
    return cuff.isPossible ? (cuff, time) : nil
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    if let (cuff, time) = record(frame) {
      return cuff.values + [NamedValue("time", .text(String(time.description.dropLast(3))))]
    }
    if frame == [0x55] { return [NamedValue("pong", .flag(true))] }
    return frame.count == descriptionLength ? [NamedValue("description", .text(text(frame)))] : []
  }

  /// The description without its padding.
  static func text(_ octets: [UInt8]) -> String {
    var text = TextFraming.text(octets.filter { $0 >= 0x20 && $0 < 0x7F })[...]
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }

  /// Nothing of it is checked, and it never talks unasked.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == descriptionLength ? 24 : frame.count == 1 ? 6 : 8 }
}

/// What a hub says to it.
extension BeurerSerialLine {
  static func hubCommand(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(2))
    switch frame[0] {
    case 0xAA: return HubCommand(count: 1, name: "ping (1 byte)")
    case 0xA4: return HubCommand(count: 1, name: "device description (32 bytes)")
    case 0xA2: return HubCommand(count: 1, name: "record count (1 byte)")
    case 0xA3 where frame.count == 2:
      return HubCommand(
        count: 2, name: "record (9 bytes)", values: [.number("index", frame[1])])
    default: return nil
    }
  }
}
