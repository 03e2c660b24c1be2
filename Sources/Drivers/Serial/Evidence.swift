// How much a frame proves: the bits that octets of another device, another speed or another parity would have to hit by chance.
// What a protocol's own check value covers counts in full, a fixed pattern by its fixed bits, text by its grammar, at most 64.
// Lines of text read with the wrong parity have the high bit set; they prove nothing.

internal import Octets

/// Text that has passed its grammar.
private func text(_ frame: [UInt8], _ bits: Int) -> Int { frame.allSatisfy { $0 < 0x80 } ? bits : 0 }

extension LineProtocol {
  static func evidence(_ frame: [UInt8]) -> Int { 0 }
}

extension ContecV7Line {
  /// Bit 7 clear in the first octet and set in all others, a known type.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count + 3 }
}
extension ContecV5Line {
  /// The pattern of bits 7; stored data proves less.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 5 ? 4 : 1 }
}
extension BCILine {
  static func evidence(_ frame: [UInt8]) -> Int { 4 }
}
extension TaiDocLine {
  /// 51, the end mark of a meter, the sum. What a host says proves no meter.
  static func evidence(_ frame: [UInt8]) -> Int { TaiDocFrame(frame).isAnswer ? 24 : 0 }
}
extension AndScaleLine {
  /// A header and a unit; what has GS or NT is of the other family.
  static func evidence(_ frame: [UInt8]) -> Int {
    guard let (weighing, isNet) = try? TextScaleLine.parse(frame[...]), isNet == nil else { return 0 }
    return text(frame, weighing.value == nil ? 8 : 32)
  }
}
extension CASLine {
  static func evidence(_ frame: [UInt8]) -> Int {
    guard let (weighing, isNet) = try? TextScaleLine.parse(frame[...]), isNet != nil else { return 0 }
    // The octets of number and lamps may be any.
    let high = frame.count { $0 >= 0x80 }
    return high <= 2 ? weighing.value == nil ? 16 : 40 : 0
  }
}
extension MTSICSLine {
  static func evidence(_ frame: [UInt8]) -> Int { text(frame, frame.count < 6 ? 6 : 32) }
}
extension KernLine {
  /// A number and perhaps a unit: many lines look alike.
  static func evidence(_ frame: [UInt8]) -> Int { text(frame, weighing(frame)?.unit == nil ? 2 : 8) }
}
extension Toledo8217Line {
  /// STX, a number and CR; the answer to a probe is no chance.
  static func evidence(_ frame: [UInt8]) -> Int { text(frame, frame.count == 8 && frame[1] == 0x45 ? 40 : 12) }
}
extension ToledoContinuousLine {
  /// Fixed bits of three octets, twelve digits, the check value.
  static func evidence(_ frame: [UInt8]) -> Int { text(Array(frame.prefix(17)), 40) }
}
extension HealthOMeterLine {
  static func evidence(_ frame: [UInt8]) -> Int { text(frame.filter { ![0x80, 0x82, 0xD7, 0xE4].contains($0) }, 48) }
}
extension TanitaFraming {
  static func evidence(_ frame: [UInt8]) -> Int { 64 }
}
extension NoninSpotCheckLine {
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 1 ? 1 : frame.count == 10 ? 32 : 48 }
}
extension NoninEightLine {
  /// The pattern of bits 7; with a sensor that is there, bit 6 of the first octet too.
  static func evidence(_ frame: [UInt8]) -> Int { frame[0] & 0x40 == 0 ? 3 : 0 }
}
extension NoninTwoLine {
  static func evidence(_ frame: [UInt8]) -> Int { 64 }
}
extension NoninSevenLine {
  static func evidence(_ frame: [UInt8]) -> Int { 64 }
}
extension MasimoASCIILine {
  static func evidence(_ frame: [UInt8]) -> Int { text(frame, 64) }
}
extension NoninASCIILine {
  static func evidence(_ frame: [UInt8]) -> Int { text(frame, 40) }
}
extension NellcorLine {
  static func evidence(_ frame: [UInt8]) -> Int { text(frame, 64) }
}
extension TanitaPlainLine {
  /// Twelve numbers whose sums agree.
  static func evidence(_ frame: [UInt8]) -> Int { text(frame, 48) }
}
extension AndUA767Line {
  /// No check value: one result is not enough.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 6 ? 48 : 16 }
}
extension AndTM265xLine {
  static func evidence(_ frame: [UInt8]) -> Int { 40 }
}
extension SunTechLine {
  /// The sum and 3E; a known length counts more.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 5 || frame.count == 24 ? 22 : 12 }
}
extension BeurerSerialLine {
  /// Nothing of it is checked, and it never talks unasked.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == descriptionLength ? 24 : frame.count == 1 ? 6 : 8 }
}
extension VisomatLine {
  static func evidence(_ frame: [UInt8]) -> Int {
    guard let records = block(frame)?.records, !records.isEmpty else { return 2 }
    return records.allSatisfy { $0.time != nil } ? 32 : 8
  }
}

/// What only the pace of a stream tells.
enum FramePace {
  /// Frames a minute that a driver's stream has at these settings; nil where the pace tells nothing.
  static func range(driver id: String, _ settings: SerialSettings) -> ClosedRange<Int>? {
    switch id {
    case "contec-v5": 3000...4200
    // At 4800 baud a hundred frames a second do not fit; how many there are is not known.
    case "bci" where settings.baud > 9600: 5100...6900
    case NoninEightLine.id: 45...80
    default: nil
    }
  }
}
