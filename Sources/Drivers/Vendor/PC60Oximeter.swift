// Viatom, Wellue and Creative PC-60FW, PC-60NW and relatives over the Nordic UART service: `AA 55 0F length 01 saturation pulse (16 bits)
// perfusion state battery check`, once a second; the check is CRC-8/MAXIM over everything before it. State: bit 1 the probe is off, 2
// it searches, 3 the probe is to be looked at. Source: captured frames of two models, and a public program of the maker's library.
//
// Oddities: the Nordic UART service is on thousands of unrelated things; only the name tells this device.

internal import Octets
internal import Readings

enum PC60OximeterLine: NotifyingOximeterLine {
  static let id = "viatom-pc60fw"
  static let device = "a PC-60FW"
  static let framesPerSecond = 1
  static let longestFrame = 40
  static let service = BluetoothUUID(high: 0x6E40_0001_B5A3_F393, low: 0xE0A9_E50E_24DC_CA9E)
  static let stream = CharacteristicID(
    service, BluetoothUUID(high: 0x6E40_0003_B5A3_F393, low: 0xE0A9_E50E_24DC_CA9E))

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    guard octets[start] == 0xAA else {
      return .skip(octets.prefix { $0 != 0xAA }.count, code: "malformed", message: "octets without a frame")
    }
    guard octets.count > 3 else { return .wait }
    let length = Int(octets[start + 3])
    guard octets[start + 1] == 0x55, (2...36).contains(length) else {
      return .skip(1, code: "malformed", message: "octets without a frame")
    }
    guard octets.count >= 4 + length else { return .wait }
    let frame = octets.prefix(4 + length)
    let computed = Checksum.crc8Maxim(frame.dropLast())
    guard frame.last == computed else {
      return .skip(
        1,
        DecodeError(
          field: "check", offset: 3 + length,
          reason: .checksum(computed: UInt32(computed), found: UInt32(frame.last ?? 0))))
    }
    return .frame(4 + length)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard isValue(frame) else { return [] }
    return [
      NamedValue("spo2", .integer(Int64(frame[5]))), NamedValue("pulse", .integer(Int64(pulse(frame)))),
      NamedValue("perfusion", .decimal(ExactDecimal(Int64(frame[8]), exponent: -1))),
    ]
  }

  /// Waveforms and the like come between the values.
  static func counts(_ frame: [UInt8]) -> Bool { isValue(frame) }

  private static func isValue(_ frame: [UInt8]) -> Bool { frame.count >= 11 && frame[2] == 0x0F && frame[4] == 0x01 }
  private static func pulse(_ frame: [UInt8]) -> Int { Int(frame[6]) | Int(frame[7]) << 8 }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard isValue(frame), frame[9] & 0x0A == 0 else { return nil }
    let perfusion = frame[8] == 0 ? nil : ExactDecimal(Int64(frame[8]), exponent: -1)
    return reading(
      spo2: Int(frame[5]), pulse: pulse(frame), perfusion: perfusion,
      flags: frame[9] & 0x04 == 0 ? [] : [.signalSearching],
      frame)
  }

  /// A value that is shown while it searches is an old one.
  static func steady(_ frame: [UInt8]) -> DeviceReading? { reading(frame).flatMap { $0.flags.isEmpty ? $0 : nil } }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Viatom",
    names: ["PC-60FW", "PC-60NW", "PC-60B, PC-66B, POD-1, POD-2B, OxySmart (Wellue, Creative)"], transport: .gatt,
    recognition: ["PC-60F", "PC-60NW", "PC-60B", "PC-66B", "POD-1", "POD-2B", "OxySmart"].map { .namePrefix($0) },
    kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .none, memory: .none, verification: .captured,
    rule: SpotCheckRule.sentence
  ) { NotifyingOximeter<PC60OximeterLine>($0) }.pairs(.cannotBond, hint: "put a finger into it: it switches itself on")
}
