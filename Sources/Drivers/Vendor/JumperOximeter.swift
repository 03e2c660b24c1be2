// Jumper JPD-500F and relatives: one value a second, `81 pulse saturation perfusion`, between waveforms (`80 …`). Nothing measured
// is FF, 7F and 00. Source: a captured value and several public apps; that the perfusion is in tenths of a percent is theirs.

internal import Octets
internal import Readings

enum JumperOximeterLine: NotifyingOximeterLine {
  static let id = "jumper-jpd500f"
  static let device = "a Jumper oximeter"
  static let framesPerSecond = 1
  static let longestFrame = 4
  static let service = BluetoothUUID(high: 0xCDEA_CB80_5235_4C07, low: 0x8846_93A3_7EE6_B86D)
  static let stream = CharacteristicID(
    service, BluetoothUUID(high: 0xCDEA_CB81_5235_4C07, low: 0x8846_93A3_7EE6_B86D))

  /// A waveform may hold any octet.
  static func holdsFrames(_ notification: [UInt8]) -> Bool { notification.first != 0x80 }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    guard octets.first == 0x81 else {
      let garbage = octets.prefix { $0 != 0x81 }.count
      return .skip(garbage, code: "malformed", message: "octets without a value of this oximeter")
    }
    return octets.count < 4 ? .wait : .frame(4)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard frame.count == 4 else { return [] }
    return [
      NamedValue("pulse", frame[1] == 0xFF ? .absent : .integer(Int64(frame[1]))),
      NamedValue("spo2", frame[2] == 0x7F ? .absent : .integer(Int64(frame[2]))),
      NamedValue("pi_raw", .integer(Int64(frame[3]))),
    ]
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard frame.count == 4, frame[1] != 0xFF, frame[2] != 0x7F else { return nil }
    let perfusion = frame[3] == 0 ? nil : ExactDecimal(Int64(frame[3]), exponent: -1)
    return reading(spo2: Int(frame[2]), pulse: Int(frame[1]), perfusion: perfusion, flags: [], frame)
  }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Jumper", names: ["JPD-500F", "rebrands named My Oximeter"], transport: .gatt,
    recognition: [.namePrefix("My Oximeter"), .service(service)], kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .none, memory: .none, verification: .captured,
    rule: SpotCheckRule.sentence
  ) { NotifyingOximeter<JumperOximeterLine>($0) }.pairs(
    .cannotBond, hint: "put a finger into it: it switches itself on")
}
