// What a scale of the service FFE0 says of a weighing. A record has 22 octets, big-endian: time (seconds since 1970), weight in 50 g,
// impedance, fat, water and muscle in tenths of a percent, bone, basal and active metabolism, body mass index. It comes in parts: two
// for a stored one (`42` of a user, `4C` of nobody), three for one of now (`59`), whose first names the user.
//
// Oddities: bit 31 of the time is set in what a BF800 sends while somebody stands on it; it is no part of the time. It is cleared in
// the octets of the reading, so that the same weighing is one, live or out of the memory. A composition of zero is that of somebody
// in shoes, or of nobody whom the scale knows.

internal import Octets
internal import Readings

/// The parts of one weighing.
struct SanitasRecord: Sendable, Hashable {
  /// Where a record came from.
  enum Origin: UInt8, Sendable {
    /// Somebody stands on the scale.
    case live = 0x59
    /// The memory of a user.
    case user = 0x42
    /// The memory of nobody in particular.
    case nobody = 0x4C

    /// The parts of one record.
    var parts: UInt8 { self == .live ? 3 : 2 }
  }

  private static let longest = 64
  /// Who is no user of the scale.
  private static let nobody: UInt8 = 255

  private var octets: [UInt8] = []
  private var next: UInt8 = 1
  private var user: UInt8?

  /// Takes a part of a frame: start, kind, parts of all records, part, octets. Gives the reading with the last part of a record. A
  /// part that comes again changes nothing. Throws when one is missing. `user` is whose memory was asked for.
  mutating func add(_ frame: [UInt8], _ origin: Origin, user owner: UInt8?) throws(DecodeError) -> DeviceReading? {
    var reader = OctetReader(frame, from: 3)
    let number = try reader.uint8("part")
    guard number > 0 else { throw DecodeError(field: "part", offset: 3, reason: .invalidValue(0)) }
    let part = (number - 1) % origin.parts + 1
    let payload = frame.dropFirst(4)
    if part == 1 {
      self = SanitasRecord()
      if origin == .live {
        let name = payload.dropFirst().prefix(8)
        user = name.allSatisfy { $0 == 0 } ? SanitasRecord.nobody : name.count == 8 ? name.last : nil
      } else {
        user = owner ?? SanitasRecord.nobody
        octets = Array(payload)
      }
    } else {
      guard part != next &- 1 else { return nil }
      guard part == next, octets.count + payload.count <= SanitasRecord.longest else {
        throw DecodeError(field: "part", offset: 3, reason: .malformed("part \(part) came, \(next) was awaited"))
      }
      octets += payload
    }
    next = part + 1
    return part == origin.parts ? try reading(isStored: origin != .live) : nil
  }

  private func reading(isStored: Bool) throws(DecodeError) -> DeviceReading? {
    var octets = octets
    if !octets.isEmpty { octets[0] &= 0x7F }
    var reader = OctetReader(octets)
    let seconds = try reader.uint32BigEndian("time")
    let weight = try reader.uint16BigEndian("weight")
    let impedance = try reader.uint16BigEndian("impedance")
    let fat = try reader.uint16BigEndian("fat")
    _ = try reader.uint16BigEndian("water")
    let muscle = try reader.uint16BigEndian("muscle")
    guard weight > 0 else { return nil }
    var observations = [Observation(.weight, .value(ExactDecimal(Int64(weight) * 5, exponent: -2)), unit: .kilogram)]
    func add(_ term: Term, _ value: UInt16, _ exponent: Int8, _ unit: UCUM) {
      guard value > 0 else { return }
      observations.append(Observation(term, .value(ExactDecimal(Int64(value), exponent: exponent)), unit: unit))
    }
    add(.bodyFat, fat, -1, .percent)
    add(.musclePercentage, muscle, -1, .percent)
    add(.impedance, impedance, 0, .ohm)
    return DeviceReading(
      kind: observations.count > 1 ? .bodyComposition : .bodyWeight, observations: observations,
      time: seconds == 0 ? nil : .utc(milliseconds: Int64(seconds) * 1000), user: user, stored: isStored ? true : nil,
      raw: RawSource(source: "FFE0/FFE1", octets: octets))
  }
}
