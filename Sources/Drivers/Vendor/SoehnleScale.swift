// Soehnle Shape Sense Connect and Style Sense Connect by their own service: notify 352E3001, write 352E3002. A weighing has 15 octets: 09,
// user, year (big-endian), month, day, hour, minute, second, weight in tenths of a kilogram, impedance at 5 and at 50 kHz (all
// big-endian). `09` and a user (1 to 7) asks for what the scale keeps of one. Source: captured frames of a Shape 200, and a public program.
//
// Oddities: never sent is 0B FF, with which one program opens its conversation: it resets the scale. An impedance at 50 kHz of zero is none,
// whatever stands beside it.

internal import Octets
internal import Readings

struct SoehnleScale: ScaleProtocol {
  static let id = "soehnle-shape"
  static let device = "a Soehnle Shape or Style scale"
  private static let service = BluetoothUUID(high: 0x352E_3000_28E9_40B8, low: 0xA361_6DB4_CCA4_147C)
  static let stream = CharacteristicID(service, BluetoothUUID(high: 0x352E_3001_28E9_40B8, low: 0xA361_6DB4_CCA4_147C))
  static let streams = [stream]
  static let commands = [
    CharacteristicID(service, BluetoothUUID(high: 0x352E_3002_28E9_40B8, low: 0xA361_6DB4_CCA4_147C))
  ]

  init(_ context: DriverContext) {}

  mutating func begin() -> [[UInt8]] { (1...7).map { [0x09, $0] } }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.first == 0x09 else { throw ScaleField.foreign(octets) }
    try ScaleField.expect(15, octets)
    let time = DeviceDateTime(
      year: UInt16(clamping: ScaleField.be16(octets, 2)), month: octets[4], day: octets[5], hours: octets[6],
      minutes: octets[7], seconds: octets[8])
    guard (1...12).contains(time.month), (1...31).contains(time.day), time.hours < 24, time.minutes < 60,
      time.seconds < 60, (2000...2100).contains(time.year)
    else {
      throw DecodeError(field: "time", offset: 2, reason: .malformed("a date that cannot be"))
    }
    let ohms = ScaleField.be16(octets, 13)
    return [
      .record(
        ExactDecimal(ScaleField.be16(octets, 9), exponent: -1), .kilogram,
        impedance: ohms == 0 ? nil : ExactDecimal(ohms), time: .local(time), user: octets[1])
    ]
  }

  static let profile = NotifyingScale<SoehnleScale>.profile(
    "Soehnle", ["Shape Sense Connect 50, 100, 200", "Style Sense Connect 100"],
    ["Shape50", "Shape100", "Shape200", "Style100"].map { .namePrefix($0) } + [.service(service)], impedance: true,
    clock: .stampsOnly, memory: .records, captured: true, rule: "one record of the scale is one weighing")
}
