// Contec CMS50D-BT and its rebrand EMAY SleepO2 over BLE: `9B 01` starts a stream of `EB 01 state pulse saturation 7F 00 check`, between
// waveforms (`EB 00 …`); the check is the sum of the octets before it in seven bits. Source: captured frames, and one public driver of
// each of the two devices. The stream is asked for again when it stops; a keep-alive is known of the cable only.
//
// Oddities: the state was seen as 04, 05 and 06 with good values, so it decides nothing. Octets have seven bits, and where the eighth
// bit of a pulse above 127 goes is not known: a frame with anything else behind the saturation is no value, nor is a pulse of 127.
// Viatom sells another SleepO2: which one it is, its services tell. Newer Contec oximeters (SpO201 … SpO213, SpO208 apart) encrypt and are not spoken to.

internal import Octets
internal import Readings

enum ContecOximeterLine: NotifyingOximeterLine {
  static let id = "contec-cms50dbt"
  static let device = "a Contec CMS50D-BT"
  static let framesPerSecond = 1
  static let longestFrame = 30
  static let service = BluetoothUUID(0xFF12)
  static let stream = CharacteristicID(0xFF12, 0xFF02)
  static let commands: CharacteristicID? = CharacteristicID(0xFF12, 0xFF01)
  static let start = [command([0x9B, 0x01])]
  static let repeated: (octets: [UInt8], milliseconds: Int)? = (command([0x9B, 0x01]), 3000)
  static let repeatsInSilence = true

  /// A command with its check.
  static func command(_ octets: [UInt8]) -> [UInt8] { octets + [Checksum.sum8(octets) & 0x7F] }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    guard octets[start] == 0xEB else {
      // Answers to commands, and the rest of what was cut.
      return .pass(max(1, octets.prefix { $0 != 0xEB }.count))
    }
    guard octets.count > 1 else { return .wait }
    let length: Int
    switch octets[start + 1] {
    case 0x00: length = 6
    case 0x01, 0x02: length = 8
    case 0x7F: length = 3
    default: return .skip(1, code: "malformed", message: "octets without a frame of this protocol")
    }
    guard octets.count >= length else { return .wait }
    let frame = octets.prefix(length)
    // Octets have seven bits, so that the check tells nothing of an eighth.
    guard frame.dropFirst().allSatisfy({ $0 < 0x80 }) else {
      return .skip(1, code: "malformed", message: "octets without a frame of this protocol")
    }
    let computed = Checksum.sum8(frame.dropLast()) & 0x7F
    guard frame.last == computed else {
      return .skip(
        1,
        DecodeError(
          field: "check", offset: length - 1,
          reason: .checksum(computed: UInt32(computed), found: UInt32(frame.last ?? 0))))
    }
    return .frame(length)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    if frame.count == 6 {
      return [
        NamedValue("type", .text("ppg")), NamedValue("ppg_raw", .integer(Int64(frame[3]))),
        NamedValue("bar_raw", .integer(Int64(frame[4]))),
      ]
    }
    guard let reading = reading(frame) else { return [] }
    return reading.observations.map { NamedValue($0.term.name, $0.value.decimal.map { .decimal($0) } ?? .absent) }
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard frame.count == 8, frame[1] == 0x01, frame[3] != 0x7F, frame[5] == 0x7F, frame[6] == 0x00
    else { return nil }
    return reading(spo2: Int(frame[4]), pulse: Int(frame[3]), flags: [], frame)
  }

  /// Waveforms and answers come between the values, also in the same notification.
  static func counts(_ frame: [UInt8]) -> Bool { frame.count == 8 && frame[1] == 0x01 }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Contec", names: ["CMS50D-BT", "EMAY SleepO2"], transport: .gatt,
    recognition: [.namePrefix("SpO208"), .namePrefix("CMS50D"), .namePrefix("SleepO2"), .service(service)],
    kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse], clock: .none, memory: .none, verification: .captured,
    rule: SpotCheckRule.sentence
  ) { OximeterByService($0) }.pairs(.cannotBond, hint: "put a finger into it and switch it on")
}

/// SleepO2 is a name of two makers: the services of the device tell whose it is.
struct OximeterByService: Driver {
  private let context: DriverContext
  private var driver: any Driver

  init(_ context: DriverContext) {
    self.context = context
    driver = NotifyingOximeter<ContecOximeterLine>(context)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    if case .connected(let discovered) = input, !discovered.contains(where: { $0.id == ContecOximeterLine.stream }),
      discovered.contains(where: { $0.id == ViatomO2Line.stream })
    {
      driver = NotifyingOximeter<ViatomO2Line>(context)
    }
    return driver.handle(input)
  }
}
