// Creative SP-20, PC-68B and PC-100: the frames of the PC-60FW (see PC60Oximeter) over the service FFF0, write FFF2, notify FFF1. Values are
// switched on and waveforms off first. Source: a public program of the maker's library; no capture of a device was found.
//
// Oddities: the recordings of a PC-68B and the temperatures of an SP-20 are not read. Never sent: 8D, which erases a recording.

internal import Octets
internal import Readings

enum SP20OximeterLine: NotifyingOximeterLine {
  static let id = "creative-sp20"
  static let device = "an SP-20, PC-68B or PC-100"
  static let framesPerSecond = 1
  static let longestFrame = PC60OximeterLine.longestFrame
  static let stream = CharacteristicID(0xFFF0, 0xFFF1)
  static let commands: CharacteristicID? = CharacteristicID(0xFFF0, 0xFFF2)
  static let start: [[UInt8]] = [
    [0xAA, 0x55, 0x0F, 0x03, 0x84, 0x01, 0xE0], [0xAA, 0x55, 0x0F, 0x03, 0x85, 0x00, 0x7A],
  ]

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { PC60OximeterLine.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { PC60OximeterLine.values(frame) }
  static func counts(_ frame: [UInt8]) -> Bool { PC60OximeterLine.counts(frame) }
  static func reading(_ frame: [UInt8]) -> DeviceReading? { named(PC60OximeterLine.reading(frame)) }
  static func steady(_ frame: [UInt8]) -> DeviceReading? { named(PC60OximeterLine.steady(frame)) }

  private static func named(_ reading: DeviceReading?) -> DeviceReading? {
    var reading = reading
    reading?.raw.source = id
    return reading
  }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Creative", names: ["SP-20", "PC-68B", "PC-100"], transport: .gatt,
    recognition: ["SP-20", "PC-68B", "PC-100"].map { .namePrefix($0) }, kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .none, memory: .none, verification: .unverified,
    rule: SpotCheckRule.sentence
  ) { NotifyingOximeter<SP20OximeterLine>($0) }.pairs(.cannotBond, hint: "put a finger into it: it switches itself on")
}
