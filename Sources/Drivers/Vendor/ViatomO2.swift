// Viatom and Wellue recorders worn on finger or wrist (O2Ring, Checkme O2, SleepU): asked for the current value every two seconds
// (command 17). Frames: AA command ~command block length data check to the device, 55 state ~state block length data check from it;
// block and length 16 bits little-endian, the check a CRC-8 with polynomial 07. Source: two public drivers.
//
// Oddities: the recorded nights are files with a layout of their own and are not read. The perfusion's scale is not known, so it
// is not taken. Zeros while it calibrates are no values.

internal import Octets
internal import Readings

enum ViatomO2Line: NotifyingOximeterLine {
  static let id = "viatom-o2"
  static let device = "a Viatom recorder such as O2Ring or Checkme O2"
  /// A value comes every two seconds; the rule counts values.
  static let framesPerSecond = 1
  static let longestFrame = 264
  static let service = BluetoothUUID(high: 0x1483_9AC4_7D7E_415C, low: 0x9A42_1673_40CF_2339)
  static let stream = CharacteristicID(
    service, BluetoothUUID(high: 0x0734_594A_A8E7_4B1A, low: 0xA6B1_CD52_4305_9A57))
  static let commands: CharacteristicID? = CharacteristicID(
    service, BluetoothUUID(high: 0x8B00_ACE7_EB0B_49B0, low: 0xBBE9_9AEE_0A26_E1A3))
  static let start = [request(0x17)]
  static let repeated: (octets: [UInt8], milliseconds: Int)? = (request(0x17), 2000)
  private static let liveLength = 13

  /// A command without data.
  static func request(_ command: UInt8) -> [UInt8] {
    let octets = [0xAA, command, ~command, 0, 0, 0, 0]
    return octets + [Checksum.crc8(octets)]
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let head = Array(octets.prefix(7))
    guard head[0] == 0x55 else {
      return .skip(octets.prefix { $0 != 0x55 }.count, code: "malformed", message: "octets without an answer")
    }
    guard head.count == 7 else { return .wait }
    let length = Int(head[5]) | Int(head[6]) << 8
    guard head[2] == ~head[1], length <= 256 else {
      return .skip(1, code: "malformed", message: "octets without an answer")
    }
    guard octets.count >= length + 8 else { return .wait }
    let frame = octets.prefix(length + 8)
    let computed = Checksum.crc8(frame.dropLast())
    guard frame.last == computed else {
      return .skip(
        1,
        DecodeError(
          field: "check", offset: length + 7,
          reason: .checksum(computed: UInt32(computed), found: UInt32(frame.last ?? 0))))
    }
    return .frame(length + 8)
  }

  static func counts(_ frame: [UInt8]) -> Bool { isLive(frame) }

  private static func isLive(_ frame: [UInt8]) -> Bool { frame.count == liveLength + 8 && frame[1] == 0 }

  private static func pulse(_ frame: [UInt8]) -> Int { Int(frame[8]) | Int(frame[9]) << 8 }
  /// The high four bits count down until it switches off.
  private static func isWorn(_ frame: [UInt8]) -> Bool { frame[18] & 0x01 != 0 }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard isLive(frame) else { return [] }
    return [
      NamedValue("spo2", frame[7] == 0 ? .absent : .integer(Int64(frame[7]))),
      NamedValue("pulse", pulse(frame) == 0 ? .absent : .integer(Int64(pulse(frame)))),
      NamedValue("battery", .integer(Int64(frame[14]))), NamedValue("motion", .integer(Int64(frame[16]))),
      NamedValue("worn", .flag(isWorn(frame))),
    ]
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard isLive(frame), isWorn(frame) else { return nil }
    return reading(spo2: Int(frame[7]), pulse: pulse(frame), flags: [], frame)
  }

  static func property(_ frame: [UInt8]) -> DeviceProperty? {
    isLive(frame) && frame[14] <= 100 ? .battery(frame[14]) : nil
  }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Viatom",
    names: ["O2Ring", "Checkme O2", "SleepU, WearO2, Oxylink (Wellue)", "KidsO2, BabyO2"], transport: .gatt,
    // Cuffs have the same service, and some of their commands inflate them: nobody is spoken to whose name is not known.
    recognition: ["O2", "Checkme O2", "SleepU", "WearO2", "Oxylink", "KidsO2", "BabyO2", "Oxyfit"].map {
      .namePrefix($0)
    },
    kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse], clock: .none, memory: .none, verification: .unverified,
    rule: "the median of at least 5 valid values of ten in a row, one every 2 s, once for each time that it is worn"
  ) { NotifyingOximeter<ViatomO2Line>($0) }.pairs(.cannotBond, hint: "put it on: it switches itself on")
}
