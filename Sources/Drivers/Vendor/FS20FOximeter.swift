// Wellue FS20F (named VTM 20F) and Yuwell YX110 over the service FFE0, notify FFE4: `FE 0A 55 pulse (16 bits) saturation perfusion (16 bits,
// thousandths of a percent) counter check`, big-endian, once a second, between waveforms (`FE 08 56 …`). The check is the sum of all
// octets behind FE. Frames cross notifications. Nothing measured is 1FF, 7F and 0. Source: a captured frame, and two public programs that
// agree. That a YX110 has the same layout is one of them's guess.

internal import Octets
internal import Readings

enum FS20FLine: NotifyingOximeterLine {
  static let id = "wellue-fs20f"
  static let device = "a Wellue FS20F or Yuwell YX110"
  static let framesPerSecond = 1
  static let longestFrame = 10
  static let stream = CharacteristicID(0xFFE0, 0xFFE4)

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    guard octets[start] == 0xFE else {
      return .skip(octets.prefix { $0 != 0xFE }.count, code: "malformed", message: "octets without a frame")
    }
    guard octets.count > 2 else { return .wait }
    let length: Int
    switch (octets[start + 1], octets[start + 2]) {
    case (0x0A, 0x55): length = 10
    case (0x08, 0x56): length = 8
    default: return .skip(1, code: "malformed", message: "octets without a frame")
    }
    guard octets.count >= length else { return .wait }
    let frame = octets.prefix(length)
    let computed = Checksum.sum8(frame.dropFirst().dropLast())
    guard frame.last == computed else {
      return .skip(
        1,
        DecodeError(
          field: "check", offset: length - 1,
          reason: .checksum(computed: UInt32(computed), found: UInt32(frame.last ?? 0))))
    }
    return .frame(length)
  }

  private static func pulse(_ frame: [UInt8]) -> Int { Int(frame[3]) << 8 | Int(frame[4]) }
  private static func perfusion(_ frame: [UInt8]) -> Int64 { Int64(frame[6]) << 8 | Int64(frame[7]) }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard frame.count == 10 else {
      return [
        NamedValue("type", .text("waveform")), NamedValue("sensor_off", .flag(frame.count > 4 && frame[4] & 2 != 0)),
      ]
    }
    return [
      NamedValue("spo2", frame[5] == 0x7F ? .absent : .integer(Int64(frame[5]))),
      NamedValue("pulse", pulse(frame) == 0x1FF ? .absent : .integer(Int64(pulse(frame)))),
      NamedValue("perfusion", .decimal(ExactDecimal(perfusion(frame), exponent: -3))),
    ]
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard frame.count == 10, frame[5] != 0x7F, pulse(frame) != 0x1FF else { return nil }
    let index = perfusion(frame)
    return reading(
      spo2: Int(frame[5]), pulse: pulse(frame), perfusion: index == 0 ? nil : ExactDecimal(index, exponent: -3),
      flags: [], frame)
  }

  /// Waveforms come between the values.
  static func counts(_ frame: [UInt8]) -> Bool { frame.count == 10 }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Wellue", names: ["FS20F (VTM 20F)", "Yuwell YX110"], transport: .gatt,
    recognition: [.namePrefix("VTM 20F"), .namePrefix("YX110")], kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .none, memory: .none, verification: .captured,
    rule: SpotCheckRule.sentence
  ) { NotifyingOximeter<FS20FLine>($0) }.pairs(.cannotBond, hint: "put a finger into it: it switches itself on")
}
