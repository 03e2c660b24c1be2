// Sanitas SBF70, SBF75 and Beurer BF700, BF710, BF800 by their own service FFE0, one characteristic FFE1 for both ways. Frames begin
// with E7 (BF700 and BF800: F7): `E7 58` a weight that is being measured, `E7 59 parts part …` a finished measurement in three parts.
// Each is acknowledged with `E7 F1` and its octets 1 to 3. Source: captured frames in a public test, and public apps.
//
// The first part names the user's slot in its octet 12; the others, from octet 4 on, are one value: time (seconds since 1970, big-
// endian), weight in 50 g, impedance, fat, water and muscle in tenths of a percent. Stored measurements are asked for by a name and
// a birthday that the scale keeps, and are not read.

internal import Octets
internal import Readings

/// The parts of one measurement.
struct SanitasMeasurement: Sendable, Hashable {
  private(set) var user: UInt8?
  private(set) var octets: [UInt8] = []
  /// The frames, for the reading's source.
  private(set) var raw: [UInt8] = []
  private var next: UInt8 = 1

  /// Takes a part. Gives true with the last one. Throws when one is missing.
  mutating func add(_ frame: [UInt8]) throws(DecodeError) -> Bool {
    var reader = OctetReader(frame, from: 2)
    let count = try reader.uint8("parts")
    let part = try reader.uint8("part")
    if part == 1 {
      self = SanitasMeasurement()
      user = frame.count > 12 ? frame[12] : nil
    } else {
      guard part == next, octets.count <= 64 else {
        throw DecodeError(field: "part", offset: 3, reason: .malformed("part \(part) came, \(next) was awaited"))
      }
      octets += frame.dropFirst(4)
    }
    raw += frame
    next = part &+ 1
    return part == count && part > 1
  }

  /// The measurement. Throws when it is cut.
  func reading() throws(DecodeError) -> DeviceReading? {
    var reader = OctetReader(octets)
    let seconds = try reader.uint32BigEndian("time")
    let weight = try reader.uint16BigEndian("weight")
    let impedance = try reader.uint16BigEndian("impedance")
    let fat = try reader.uint16BigEndian("fat")
    _ = try reader.uint16BigEndian("water")
    let muscle = try reader.uint16BigEndian("muscle")
    guard weight > 0 else { return nil }
    var observations = [Observation(.weight, .value(ExactDecimal(Int64(weight) * 5, exponent: -2)), unit: .kilogram)]
    if fat > 0, fat <= 1000 {
      observations.append(Observation(.bodyFat, .value(ExactDecimal(Int64(fat), exponent: -1)), unit: .percent))
    }
    if muscle > 0, muscle <= 1000 {
      observations.append(
        Observation(.musclePercentage, .value(ExactDecimal(Int64(muscle), exponent: -1)), unit: .percent))
    }
    if impedance > 0 {
      observations.append(Observation(.impedance, .value(ExactDecimal(Int64(impedance))), unit: .ohm))
    }
    return DeviceReading(
      kind: observations.count > 1 ? .bodyComposition : .bodyWeight, observations: observations,
      time: seconds == 0 ? nil : .utc(milliseconds: Int64(seconds) * 1000), user: user,
      raw: RawSource(source: "FFE0/FFE1", octets: raw))
  }
}

struct SanitasScaleDriver: Driver {
  static let link = CharacteristicID(0xFFE0, 0xFFE1)
  private static let idleTimer: DriverTimer = 1

  private let context: DriverContext
  /// E7, or F7 of the older family.
  private let start: UInt8
  private var properties: UInt8 = 0
  private var measurement = SanitasMeasurement()

  init(_ context: DriverContext, start: UInt8) {
    self.context = context
    self.start = start
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      guard let found = discovered.first(where: { $0.id == SanitasScaleDriver.link }) else {
        return [.problem(UnsupportedServices.problem(discovered.map(\.id))), .finish]
      }
      properties = found.properties
      return [.subscribe(SanitasScaleDriver.link, indications: false), idle(120_000)]
        + DeviceProperty.reads(Set(discovered.map(\.id))) + context.refusals
    case .subscribed(SanitasScaleDriver.link): return [write([start & 0xF0 | 6, 0x01])]
    case .value(SanitasScaleDriver.link, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(SanitasScaleDriver.idleTimer): return [.finish]
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func idle(_ milliseconds: Int) -> DriverAction {
    .startTimer(SanitasScaleDriver.idleTimer, milliseconds: milliseconds)
  }

  private func write(_ octets: [UInt8]) -> DriverAction {
    .write(SanitasScaleDriver.link, octets, withResponse: properties & 0x08 != 0)
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    guard octets.count >= 2 else { return [] }
    // "I am ready": the clock is set.
    if octets[0] == start & 0xF0 | 6 { return clock() }
    guard octets[0] == start, octets.count >= 4, octets[1] == 0x58 || octets[1] == 0x59 else { return [] }
    var actions = [write([start, 0xF1] + octets[1...3]), idle(15_000)]
    guard octets[1] == 0x59 else { return actions }
    do {
      if try measurement.add(octets), let reading = try measurement.reading() { actions.append(.reading(reading)) }
    } catch {
      actions.append(.problem(DriverProblem(error, raw: RawSource(source: "FFE0/FFE1", octets: octets))))
    }
    return actions
  }

  /// E9 and the seconds since 1970, big-endian.
  private func clock() -> [DriverAction] {
    guard let seconds = TranstekTime.seconds(context) else { return [] }
    var writer = OctetWriter(capacity: 5)
    writer.uint8(start & 0xF0 | 9)
    writer.uint32BigEndian(seconds &+ 1_262_304_000)
    return [write(writer.octets)]
  }

  /// A part on its own, for `decode gatt`.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    var reader = OctetReader(octets)
    let start = try reader.uint8("start")
    guard start == 0xE7 || start == 0xF7 else {
      throw DecodeError(field: "start", offset: 0, reason: .invalidValue(Int64(start)))
    }
    let type = try reader.uint8("type")
    let first = try reader.uint8(type == 0x58 ? "state" : "parts")
    guard type == 0x58 else { return Decoded(values: [NamedValue("part", .integer(Int64(try reader.uint8("part"))))]) }
    // A weight while somebody still moves is nobody's reading.
    let weight = ExactDecimal(Int64(try reader.uint16BigEndian("weight")) * 5, exponent: -2)
    return Decoded(values: [NamedValue("state", .integer(Int64(first))), NamedValue("weight", .decimal(weight))])
  }

  private static let terms: [Term] = [.weight, .bodyFat, .musclePercentage, .impedance]
  private static let kinds: [ReadingKind] = [.bodyWeight, .bodyComposition]

  static let sbf70 = DeviceProfile(
    id: "sanitas-sbf70", manufacturer: "Sanitas", names: ["SBF70", "SBF75", "Beurer BF710"], transport: .gatt,
    recognition: [
      .namePrefix("SANITAS SBF70"), .namePrefix("SBF70"), .namePrefix("SBF75"), .namePrefix("BEURER BF710"),
      .namePrefix("Beurer BF710"),
    ], kinds: kinds, terms: terms, clock: .settable, memory: .none, verification: .unverified
  ) { SanitasScaleDriver($0, start: 0xE7) }.pairs(.cannotBond, hint: "step on it; a user has to be set up on the scale")

  static let bf700 = DeviceProfile(
    id: "beurer-bf700", manufacturer: "Beurer", names: ["BF700", "BF800", "Runtastic Libra"], transport: .gatt,
    recognition: [
      .namePrefix("BEURER BF700"), .namePrefix("BEURER BF800"), .namePrefix("BF-700"), .namePrefix("BF-800"),
      .namePrefix("BF700"), .namePrefix("RT-Libra"), .namePrefix("Libra-"),
    ], kinds: kinds, terms: terms, clock: .settable, memory: .none, verification: .unverified
  ) { SanitasScaleDriver($0, start: 0xF7) }.pairs(.cannotBond, hint: "step on it; a user has to be set up on the scale")
}
