// Device Time Feature 2B8E, Parameters 2B8F, Device Time 2B90, Control Point 2B91 (Device Time Service 1.0). With E2E-CRC its
// 16 bits stand first in each value.

package import Octets

/// The value of 2B8E.
package struct DeviceTimeFeature: Sendable, Hashable {
  /// The E2E-CRC, or 0xFFFF where none is used.
  package var crc: UInt16
  /// Bits 0 E2E-CRC, 1 change logging, 2 fractions, 3 displayed, 4 formats, 5 formats changeable, 6 separate user time-line,
  /// 7 authorization, 8 drift tracking, 9 epoch 1900, 10 epoch 2000, 11 propose limit, 12 retrieve adjustments.
  package var features: UInt16
  /// Values begin with a check value.
  package var usesCRC: Bool { features & 1 != 0 }

  /// Decodes 2B8E: four octets, or two from a device that leaves the check value out.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    crc = octets.count >= 4 ? try reader.uint16("E2E-CRC") : 0xFFFF
    features = try reader.uint16("features")
    if usesCRC, octets.count >= 4 { try E2ECRC.check(octets) }
  }
}

/// The check value of the health services, CRC-16/MCRF4XX: first in the values of the Device Time Service, last in a
/// blood pressure record.
package enum E2ECRC {
  /// True when the first two octets are the check value of the rest: how a value is read whose feature is not known. A
  /// value without check value looks so once in 65536.
  package static func isLeading(_ octets: [UInt8]) -> Bool {
    guard octets.count > 2 else { return false }
    return Checksum.crc16MCRF4XX(octets.dropFirst(2)) == UInt16(octets[0]) | UInt16(octets[1]) << 8
  }

  /// The value without the check value in its last two octets. Throws when that is not the one of all octets before it.
  package static func strippingTrailing(_ octets: [UInt8]) throws(DecodeError) -> [UInt8] {
    let value = Array(octets.dropLast(2))
    var reader = OctetReader(octets, from: value.count)
    try compare(try reader.uint16("E2E-CRC"), Checksum.crc16MCRF4XX(value), at: value.count)
    return value
  }

  /// Checks the value's first two octets against the rest.
  static func check(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    try compare(try reader.uint16("E2E-CRC"), Checksum.crc16MCRF4XX(octets.dropFirst(2)), at: 0)
  }

  private static func compare(_ found: UInt16, _ computed: UInt16, at offset: Int) throws(DecodeError) {
    guard found == computed else {
      throw DecodeError(
        field: "E2E-CRC", offset: offset, reason: .checksum(computed: UInt32(computed), found: UInt32(found)))
    }
  }
}

/// The value of 2B8F.
package struct DeviceTimeParameters: Sendable, Hashable {
  /// 1/65536 s.
  package var rtcResolution: UInt16
  /// Seconds that the clock may be off before it asks; nil when not told.
  package var maximumDrift: UInt16?
  /// Seconds that a proposal may differ; nil when not told.
  package var proposalLimit: UInt16?

  /// Decodes 2B8F. `usesCRC` as the feature says.
  package init(decoding octets: [UInt8], usesCRC: Bool) throws(DecodeError) {
    if usesCRC { try E2ECRC.check(octets) }
    var reader = OctetReader(octets, from: usesCRC ? 2 : 0)
    rtcResolution = try reader.uint16("RTC resolution")
    maximumDrift = reader.remaining >= 2 ? try reader.uint16("maximum RTC drift") : nil
    proposalLimit = reader.remaining >= 2 ? try reader.uint16("proposal limit") : nil
  }
}

/// The value of 2B90.
package struct DeviceTime: Sendable, Hashable {
  /// Seconds since the epoch on the base time line.
  package var baseTime: UInt32
  /// Quarter hours east of UTC.
  package var timeZone: Int8
  /// As in Local Time Information.
  package var dstOffset: UInt8
  /// Bits 0 time fault, 1 UTC aligned, 2 qualified local sync, 3 propose request, 4 epoch 2000.
  package var status: UInt16
  /// Octets of the optional fields after the status, as they stand.
  package var optionalFields: [UInt8]

  /// The clock says that it cannot be trusted.
  package var isFaulty: Bool { status & 1 != 0 }
  /// 1900 or 2000.
  package var epoch: Int { status & 16 == 0 ? 1900 : 2000 }
  /// The base time as seconds since 1970.
  package var unixSeconds: Int64 { Int64(baseTime) - (epoch == 1900 ? 2_208_988_800 : -946_684_800) }

  /// Decodes 2B90. `usesCRC` as the feature says.
  package init(decoding octets: [UInt8], usesCRC: Bool) throws(DecodeError) {
    if usesCRC { try E2ECRC.check(octets) }
    var reader = OctetReader(octets, from: usesCRC ? 2 : 0)
    baseTime = try reader.uint32("base time")
    timeZone = try reader.int8("time zone")
    dstOffset = try reader.uint8("DST offset")
    status = try reader.uint16("DT status")
    optionalFields = Array(reader.rest())
  }
}

/// What the hub writes to 2B91 and what the device answers.
package enum DeviceTimeControlPoint: Sendable, Hashable {
  /// 02: propose a time; the device may refuse.
  case proposeTimeUpdate(baseTime: UInt32, timeZone: Int8, dstOffset: UInt8, source: UInt8)
  /// 03: set it, whatever the device thinks.
  case forceTimeUpdate(baseTime: UInt32, timeZone: Int8, dstOffset: UInt8, source: UInt8)
  /// 09: the answer to a request.
  case response(to: UInt8, code: UInt8)
  /// 07: a report, as it stands.
  case report([UInt8])

  /// Decodes an indication of 2B91. Throws for anything but a report or a response.
  package init(decoding octets: [UInt8], usesCRC: Bool) throws(DecodeError) {
    if usesCRC { try E2ECRC.check(octets) }
    var reader = OctetReader(octets, from: usesCRC ? 2 : 0)
    let code = try reader.uint8("op code")
    switch code {
    case 7: self = .report(Array(reader.rest()))
    case 9: self = .response(to: try reader.uint8("request op code"), code: try reader.uint8("response code value"))
    default:
      throw DecodeError(field: "op code", offset: reader.offset - 1, reason: .malformed("\(code) is not a response"))
    }
  }

  /// The octets to write; empty for what only a device sends.
  package func octets(usesCRC: Bool) -> [UInt8] {
    func update(_ code: UInt8, _ time: UInt32, _ zone: Int8, _ dst: UInt8, _ source: UInt8) -> [UInt8] {
      var writer = OctetWriter(capacity: 12)
      writer.uint8(code)
      writer.uint16(0x0002)  // Time update flags: UTC aligned.
      writer.uint32(time)
      writer.int8(zone)
      writer.uint8(dst)
      writer.uint8(source)
      writer.uint8(0xFF)  // Accuracy not known.
      return writer.octets
    }
    let body: [UInt8]
    switch self {
    case .proposeTimeUpdate(let time, let zone, let dst, let source): body = update(2, time, zone, dst, source)
    case .forceTimeUpdate(let time, let zone, let dst, let source): body = update(3, time, zone, dst, source)
    case .response, .report: return []
    }
    guard usesCRC else { return body }
    let crc = Checksum.crc16MCRF4XX(body)
    return [UInt8(crc & 0xFF), UInt8(crc >> 8)] + body
  }
}
