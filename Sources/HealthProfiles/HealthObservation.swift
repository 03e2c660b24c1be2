// Observations of a Generic Health Sensor (0x1840): live 2B8B and stored 2BDD. Source: the firmware of two makers of chips, a simulator of
// Philips and a public PHD library, which agree; not the specification, which is not public in a readable form. What they disagree about is
// the length behind the class: it counts what follows it, or itself and the class too, and in members of a bundle it is wrong. So values
// are read field by field, and the length is only compared.

package import Octets
package import Readings

/// One observation.
package struct HealthObservation: Sendable, Hashable {
  /// What was observed.
  package enum Value: Sendable, Hashable {
    /// A number and the low half of its unit's MDC code.
    case number(unit: UInt16, MedicalFloat)
    /// Numbers of one measurement, such as the pressures of a cuff, each with its type.
    case compound([Component])
    /// Observations that were made together.
    case bundle([HealthObservation])
    /// Something else, by its class.
    case other(UInt8)
  }

  /// One number of a compound.
  package struct Component: Sendable, Hashable {
    /// Its MDC code.
    package var type: UInt32
    /// Its unit and the number; nil for what is no number.
    package var number: Number?
  }

  /// A number and the low half of its unit's MDC code.
  package struct Number: Sendable, Hashable {
    /// The low half of the unit's MDC code.
    package var unit: UInt16
    /// The number.
    package var value: MedicalFloat
  }

  /// The MDC code of what was observed.
  package var type: UInt32?
  /// When it was observed.
  package var time: CurrentElapsedTime?
  /// Bits: 0 invalid, 1 questionable, 2 not available, 3 calibrating, 4 test, 5 early estimate, 6 manual, 7 setting, 14 threshold.
  package var status: UInt16
  /// Whose it is, as the sensor numbers them.
  package var person: UInt8?
  /// What came out.
  package var value: Value

  /// With one of these bits a value is none of a patient: invalid, not available, calibrating, test, setting.
  package var isUnusable: Bool { status & 0x009D != 0 }

  private static let mostMembers = 32

  /// Decodes an observation without its octet of segmentation and its record number. Throws when fields are cut or left over.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    self = try HealthObservation(&reader, isMember: false)
    guard reader.isAtEnd else {
      throw DecodeError(
        field: "observation", offset: reader.offset, reason: .malformed("\(reader.remaining) octets behind the value"))
    }
  }

  private init(_ reader: inout OctetReader, isMember: Bool) throws(DecodeError) {
    let kind = try reader.uint8("class")
    let length = Int(try reader.uint16("length"))
    let rest = reader.remaining
    guard isMember || length == rest || length == rest + 3 else {
      throw DecodeError(
        field: "length", offset: reader.offset - 2, reason: .malformed("\(length), but \(rest) octets follow"))
    }
    let flags = try reader.uint16("flags")
    guard flags & 0xFC00 == 0 else {
      throw DecodeError(field: "flags", offset: reader.offset - 2, reason: .invalidValue(Int64(flags)))
    }
    type = flags & 0x0001 != 0 ? try reader.uint32("type") : nil
    time =
      flags & 0x0002 != 0
      ? try CurrentElapsedTime(decoding: Array(try reader.take(9, "time"))) : nil
    if flags & 0x0004 != 0 { _ = try reader.uint32("duration") }
    status = flags & 0x0008 != 0 ? try reader.uint16("status") : 0
    if flags & 0x0010 != 0 { _ = try reader.uint32("object") }
    person = flags & 0x0020 != 0 ? try reader.uint8("person") : nil
    for bit in [UInt16(0x0040), 0x0080, 0x0100] where flags & bit != 0 {
      _ = try reader.take(4 * Int(try reader.uint8("list")), "list")
    }
    if flags & 0x0200 != 0 { try HealthObservation.skipAttributes(&reader) }
    value = .other(kind)
    switch kind {
    case 0x07:
      var components: [Component] = []
      for _ in 0..<(try reader.uint8("components")) {
        let type = try reader.uint32("component")
        let kind = try reader.uint8("component class")
        components.append(Component(type: type, number: try HealthObservation.plain(kind, &reader)))
      }
      value = .compound(components)
    case 0xFF where !isMember:
      let count = Int(try reader.uint8("members"))
      guard count <= HealthObservation.mostMembers else {
        throw DecodeError(field: "members", offset: reader.offset - 1, reason: .invalidValue(Int64(count)))
      }
      var members: [HealthObservation] = []
      for _ in 0..<count {
        var member = try HealthObservation(&reader, isMember: true)
        member.time = member.time ?? time
        member.person = member.person ?? person
        members.append(member)
      }
      value = .bundle(members)
    default:
      if let number = try HealthObservation.plain(kind, &reader) { value = .number(unit: number.unit, number.value) }
    }
  }

  /// A value that has no parts; nil for what is no number. Throws for a class that nobody has described.
  private static func plain(_ kind: UInt8, _ reader: inout OctetReader) throws(DecodeError) -> Number? {
    switch kind {
    case 0x01:
      let unit = try reader.uint16("unit")
      return Number(unit: unit, value: MedicalFloat(float: try reader.uint32("value")))
    case 0x02: _ = try reader.uint32("value")
    case 0x03: _ = try reader.take(Int(try reader.uint16("length of text")), "text")
    case 0x04:
      _ = try reader.take(14, "scale, offset and period")
      let perPeriod = Int(try reader.uint8("samples per period"))
      let width = Int(try reader.uint8("octets of a sample"))
      let count = Int(try reader.uint32("samples"))
      let (octets, isTooMany) = count.multipliedReportingOverflow(by: max(1, perPeriod) * width)
      guard !isTooMany, octets <= reader.remaining else {
        throw DecodeError(
          field: "samples", offset: reader.offset, reason: .truncated(needed: count, available: reader.remaining))
      }
      _ = try reader.take(octets, "samples")
    case 0x05: _ = try reader.take(4 * Int(try reader.uint8("values")), "values")
    case 0x06: _ = try reader.take(3 * Int(try reader.uint8("octets of a mask")), "masks")
    case 0x08: try skipAttributes(&reader)
    default: throw DecodeError(field: "class", offset: 0, reason: .invalidValue(Int64(kind)))
    }
    return nil
  }

  private static func skipAttributes(_ reader: inout OctetReader) throws(DecodeError) {
    for _ in 0..<(try reader.uint8("attributes")) {
      _ = try reader.uint32("attribute")
      let length = Int(try reader.uint16("length of attribute"))
      _ = try reader.uint8("format of attribute")
      _ = try reader.take(length, "attribute")
    }
  }
}

/// Puts the segments of an observation together: the first octet of each value has bit 0 for the first, bit 1 for the last, and a counter
/// in bits 2 to 7 that runs on over observations.
package struct HealthObservationAssembly: Sendable {
  private static let mostOctets = 2048
  private var octets: [UInt8] = []
  private var next: UInt8?

  /// Nothing has come yet.
  package init() {}

  /// Adds a segment; gives the octets when they are whole. Throws when a segment is missing: the observation is lost.
  package mutating func add(_ segment: [UInt8]) throws(DecodeError) -> [UInt8]? {
    guard let head = segment.first else {
      throw DecodeError(field: "segment", offset: 0, reason: .truncated(needed: 1, available: 0))
    }
    let counter = head >> 2
    let isFollowing = next == counter
    next = (counter + 1) & 0x3F
    if head & 1 != 0 {
      octets = []
    } else if octets.isEmpty || !isFollowing {
      octets = []
      throw DecodeError(field: "segment", offset: 0, reason: .malformed("a segment before this one is missing"))
    }
    octets += segment.dropFirst()
    guard octets.count <= HealthObservationAssembly.mostOctets else {
      octets = []
      throw DecodeError(field: "segment", offset: 0, reason: .malformed("an observation of more than 2048 octets"))
    }
    guard head & 2 != 0 else { return nil }
    defer { octets = [] }
    return octets
  }
}
