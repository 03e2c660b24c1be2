// Xiaomi scales that encrypt what they advertise: S400 (Body Composition Scale) and S200, service data FE95, MiBeacon 5: frame
// control, product, counter, perhaps the address and a capability octet, objects, 3 octets of counter, 4 of check (AES-CCM, nonce:
// reversed address, product, counter, 3 octets of counter; associated data 11). Source: captures of both with published keys.
//
// The key is the "bind key" that the maker's cloud gave to the owner: 32 hexadecimal digits, read out of the account by public
// tools. Without it nothing is known of a measurement but that there was one. Objects: 6E16 (S400) user, one word of weight (11 bits,
// 0.1 kg), pulse (7 bits, + 50) and impedance (14 bits, 0.1 Ω), time; 4E16 (S200) user, weight in 10 g, time. Times are UTC. The S400's
// last frame has only an impedance, at another frequency: it is not taken.

internal import Octets
internal import Readings

/// One advertisement of an encrypting scale.
struct XiaomiBeacon: Hashable {
  /// S400 under three numbers, its sibling, S200.
  private static let scales: Set<UInt16> = [0x30D9, 0x3BD5, 0x48CF, 0x4B05, 0x4C04]

  var control: UInt16
  var product: UInt16
  var counter: UInt8
  /// Reversed, as it stands; nil when the frame leaves it out.
  var address: [UInt8]?
  /// Objects, or what they were encrypted to.
  var payload: [UInt8]
  private var extended: [UInt8] = []
  private var check: [UInt8] = []

  var isEncrypted: Bool { control & 0x08 != 0 }
  var hasObjects: Bool { control & 0x40 != 0 }
  var isScale: Bool { XiaomiBeacon.scales.contains(product) }

  /// Throws when it is cut.
  init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    control = try reader.uint16("frame control")
    product = try reader.uint16("product")
    counter = try reader.uint8("counter")
    if control & 0x10 != 0 { address = Array(try reader.take(6, "address")) }
    if control & 0x20 != 0, try reader.uint8("capability") & 0x20 != 0 { _ = try reader.uint8("I/O capability") }
    payload = Array(reader.rest())
    guard isEncrypted, hasObjects else { return }
    guard payload.count >= 7 else {
      throw DecodeError(field: "check", offset: octets.count, reason: .truncated(needed: 7, available: payload.count))
    }
    check = Array(payload.suffix(4))
    extended = Array(payload.dropLast(4).suffix(3))
    payload.removeLast(7)
  }

  /// What a frame says that is not encrypted. The temperatures of a body thermometer are those of its two sensors: what it shows is
  /// computed from them, and is not known.
  func decoded(_ octets: [UInt8]) -> Decoded {
    let number = String(product, radix: 16, uppercase: true)
    var values = [
      NamedValue("encrypted", .flag(false)),
      NamedValue("product", .text(String(repeating: "0", count: max(0, 4 - number.utf8.count)) + number)),
      NamedValue("counter", .integer(Int64(counter))),
    ]
    guard hasObjects else { return Decoded(values: values) }
    values.append(NamedValue("objects", .text(Hex.encode(payload))))
    if payload.count >= 8, payload[0] == 0, payload[1] == 0x20, payload[2] == 5 {
      func degrees(_ start: Int) -> DecodedValue {
        .decimal(ExactDecimal(Int64(payload[start]) | Int64(payload[start + 1]) << 8, exponent: -2))
      }
      values += [
        NamedValue("temperature_1", degrees(3)), NamedValue("temperature_2", degrees(5)),
        NamedValue("battery", .integer(Int64(payload[7]))),
      ]
    }
    let readings = isScale ? XiaomiBeacon.readings(payload, raw: RawSource(source: "adv/FE95", octets: octets)) : []
    return Decoded(readings: readings, values: values).checked
  }

  /// The objects in clear; nil when key or address do not fit.
  func opened(key: [UInt8], address own: [UInt8]) -> [UInt8]? {
    guard isEncrypted else { return payload }
    let reversed = address ?? own.reversed()
    let nonce = reversed + [UInt8(product & 0xFF), UInt8(product >> 8), counter] + extended
    return AESCCM.open(payload, tag: check, key: key, nonce: nonce, associated: [0x11])
  }

  /// The readings of objects in clear.
  static func readings(_ objects: [UInt8], raw: RawSource) -> [DeviceReading] {
    var rest = objects[...]
    var readings: [DeviceReading] = []
    while rest.count >= 3 {
      let head = Array(rest.prefix(3))
      let value = Array(rest.dropFirst(3).prefix(Int(head[2])))
      rest = rest.dropFirst(3 + value.count)
      guard value.count == 9, head[2] == 9 else { continue }
      func word(_ start: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(value[start + $1]) << UInt32($1 * 8) } }
      let seconds = word(5)
      let time: DeviceStamp? = seconds < 1_400_000_000 ? nil : .utc(milliseconds: Int64(seconds) * 1000)
      switch UInt16(head[0]) | UInt16(head[1]) << 8 {
      case 0x6E16: readings += full(word(1), user: value[0], time: time, raw: raw)
      case 0x4E16 where word(1) > 0:
        let weight = Observation(.weight, .value(ExactDecimal(Int64(word(1)), exponent: -2)), unit: .kilogram)
        readings.append(reading(.bodyWeight, [weight], value[0], time, raw))
      default: break
      }
    }
    return readings
  }

  private static func reading(
    _ kind: ReadingKind, _ observations: [Observation], _ user: UInt8, _ time: DeviceStamp?, _ raw: RawSource
  ) -> DeviceReading {
    DeviceReading(
      kind: kind, observations: observations, flags: time == nil ? [.clockNotSet] : [], time: time, user: user,
      stored: false, raw: raw)
  }

  private static func full(
    _ word: UInt32, user: UInt8, time: DeviceStamp?, raw: RawSource
  ) -> [DeviceReading] {
    let (weight, pulse, impedance) = (word & 0x7FF, word >> 11 & 0x7F, word >> 18)
    guard weight > 0 else { return [] }
    var observations = [Observation(.weight, .value(ExactDecimal(Int64(weight), exponent: -1)), unit: .kilogram)]
    if impedance > 0 {
      observations.append(
        Observation(.impedance, .value(ExactDecimal(Int64(impedance), exponent: -1)), unit: .ohm))
    }
    var readings = [reading(impedance > 0 ? .bodyComposition : .bodyWeight, observations, user, time, raw)]
    if pulse > 0, pulse < 127 {
      let rate = Observation(.heartRate, .value(ExactDecimal(Int64(pulse) + 50)), unit: .perMinute)
      readings.append(reading(.heartRate, [rate], user, time, raw))
    }
    return readings
  }
}

/// Weighings out of a stream of encrypted advertisements.
struct XiaomiEncryptedDriver: Driver {
  private static let source = "adv/FE95"
  private let context: DriverContext
  /// The frames that were dealt with, newest last; each comes many times.
  private var seen: [[UInt8]] = []
  /// Codes of problems that were told.
  private var told: Set<String> = []

  init(_ context: DriverContext) { self.context = context }

  var abilities: DeviceAbilities { .key }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .advertisement(let data) = input, data.service == BluetoothUUID(0xFE95), !seen.contains(data.octets)
    else { return [] }
    seen.append(data.octets)
    if seen.count > 8 { seen.removeFirst() }
    let raw = RawSource(source: XiaomiEncryptedDriver.source, octets: data.octets)
    do {
      let beacon = try XiaomiBeacon(data.octets)
      guard beacon.isScale, beacon.hasObjects else { return [] }
      guard beacon.isEncrypted else { return XiaomiBeacon.readings(beacon.payload, raw: raw).map { .reading($0) } }
      guard let key = context.key, key.count == 16 else {
        return tell("key-missing", XiaomiEncryptedDriver.needsKey)
      }
      guard let address = context.address ?? beacon.address.map({ $0.reversed() }), address.count == 6 else {
        return tell("address-missing", "this scale's values can only be opened with its address, which is not known")
      }
      guard let objects = beacon.opened(key: key, address: address) else {
        let message = "the bind key does not fit this scale: it changes when the scale is paired with an account anew"
        return tell("key-wrong", message)
      }
      told = []
      return XiaomiBeacon.readings(objects, raw: raw).map { .reading($0) }
    } catch {
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  static let needsKey =
    "this Xiaomi scale encrypts what it sends; it needs the bind key that its maker's cloud gave to the owner "
    + "(32 hexadecimal digits)"

  private mutating func tell(_ code: String, _ message: String) -> [DriverAction] {
    told.insert(code).inserted ? [.problem(DriverProblem(code: code, message: message))] : []
  }

  static let profile: DeviceProfile = {
    var profile = DeviceProfile(
      id: "xiaomi-s400", manufacturer: "Xiaomi",
      names: ["Body Composition Scale S400 (needs its bind key)", "Scale S200 (needs its bind key)"],
      transport: .advertisement, recognition: [.serviceData(BluetoothUUID(0xFE95))],
      kinds: [.bodyWeight, .bodyComposition, .heartRate], terms: [.weight, .impedance, .heartRate], clock: .stampsOnly,
      memory: .none, verification: .captured, rule: "a finished weighing; repeats of a frame are one"
    ) { XiaomiEncryptedDriver($0) }
    // Thermometers, locks and lamps of the same maker have the same service data.
    profile.accepts = { data in (try? XiaomiBeacon(data.octets))?.isScale ?? false }
    return profile.pairs(
      .cannotBond, hint: "pair it with its maker's application once, then give its bind key to the hub")
  }()
}
