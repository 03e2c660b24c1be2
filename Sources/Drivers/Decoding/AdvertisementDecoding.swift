// Scales that put their weight into advertisements: Xiaomi Mi Scale 1 (service data 181D) and Mi Body Composition Scale 2
// (service data 181B). Known from captures of several independent projects. Omron cuffs put their state there.

internal import HealthProfiles
package import Octets
internal import Readings

/// Decodes service data and manufacturer data.
package enum AdvertisementDecoding {
  /// Decodes one advertisement's data; nil when no decoder knows it. A frame that is not final gives values and no reading.
  /// `key` (16 octets) and `address` (6 octets as they are written) open what a scale encrypts.
  package static func decode(
    _ data: AdvertisedData, key: [UInt8]? = nil, address: [UInt8]? = nil
  ) throws(DecodeError) -> Decoded? {
    if data.company == OmronAdvertisement.company {
      return try OmronAdvertisement(OmronAdvertisement.payload(data.octets)).decoded
    }
    if let company = data.company {
      guard let family = CompanyScaleFrame.Family.of(company: company, data.octets) else { return nil }
      let raw = RawSource(source: AdvertisedData.source(company: company), octets: data.octets)
      return try CompanyScaleFrame(family, company: company, data.octets).decoded(raw).checked
    }
    guard let service = data.service?.short else { return nil }
    switch service {
    case 0x181D: return try MiScaleFrame(scale1: data.octets).decoded(source: "adv/181D", octets: data.octets).checked
    case 0x181B: return try MiScaleFrame(scale2: data.octets).decoded(source: "adv/181B", octets: data.octets).checked
    case 0xFE95: return try beacon(data.octets, key, address)
    default: return nil
    }
  }

  /// A MiBeacon. What is not encrypted says so; some sources write the UUID before its octets.
  private static func beacon(
    _ given: [UInt8], _ key: [UInt8]?, _ address: [UInt8]?
  ) throws(DecodeError) -> Decoded {
    let octets = given.prefix(2) == [0x95, 0xFE] ? Array(given.dropFirst(2)) : given
    let beacon = try XiaomiBeacon(octets)
    guard beacon.isEncrypted else { return beacon.decoded(octets) }
    guard let key else {
      return Decoded(problems: [DriverProblem(code: "encrypted", message: XiaomiEncryptedDriver.needsKey)])
    }
    guard let objects = beacon.opened(key: key, address: address ?? []) else {
      let message = "key or address do not fit what was encrypted"
      return Decoded(problems: [DriverProblem(code: "key-wrong", message: message)])
    }
    let raw = RawSource(source: "adv/FE95", octets: given)
    return Decoded(readings: XiaomiBeacon.readings(objects, raw: raw)).checked
  }
}

/// What an Omron cuff says of itself in its manufacturer data: whom it has records of, and whether it can be paired. The bits are
/// those of hass-omron; a capture of ble_monitor (issue 1003) agrees.
struct OmronAdvertisement: Hashable {
  static let company: UInt16 = 0x020E

  var format: UInt8
  var state: UInt8

  init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    format = try reader.uint8("format")
    state = try reader.uint8("state")
  }

  /// What follows the company id where somebody gives a whole structure of an advertisement: length, type FF, company.
  static func payload(_ octets: [UInt8]) -> [UInt8] {
    guard octets.count >= 4, Int(octets[0]) == octets.count - 1, octets[1] == 0xFF,
      octets[2] == UInt8(company & 0xFF), octets[3] == UInt8(company >> 8)
    else { return octets }
    return Array(octets[4...])
  }

  var decoded: Decoded {
    Decoded(values: [
      NamedValue("format", .integer(Int64(format))), NamedValue("user_count", .integer(Int64(state & 0x03))),
      NamedValue("invalid_time", .flag(state & 0x04 != 0)), NamedValue("pairing_mode", .flag(state & 0x08 != 0)),
      NamedValue("streaming", .flag(state & 0x10 != 0)), NamedValue("data_pending", .flag(state & 0x40 != 0)),
    ])
  }
}

struct MiScaleFrame: Hashable {
  var unit: UCUM
  var weight: ExactDecimal
  var isStable: Bool
  var isRemoved: Bool
  /// Ohm; nil when the frame has none.
  var impedance: UInt16?
  var stamp: DateTimeStamp

  /// 10 octets: status, weight, time.
  init(scale1 octets: [UInt8]) throws(DecodeError) {
    try MiScaleFrame.expect(10, octets)
    var reader = OctetReader(octets)
    let status = try reader.uint8("status")
    let raw = Int64(try reader.uint16("weight"))
    unit = status & 0x01 != 0 ? .pound : status & 0x10 != 0 ? .jin : .kilogram
    weight = MiScaleFrame.weight(raw, unit)
    isStable = status & 0x20 != 0
    isRemoved = status & 0x80 != 0
    stamp = try reader.dateTime("time")
  }

  /// 13 octets: unit, status, time, impedance, weight.
  init(scale2 octets: [UInt8]) throws(DecodeError) {
    try MiScaleFrame.expect(13, octets)
    var reader = OctetReader(octets)
    let units = try reader.uint8("unit")
    let status = try reader.uint8("status")
    stamp = try reader.dateTime("time")
    let ohms = try reader.uint16("impedance")
    let raw = Int64(try reader.uint16("weight"))
    unit = units & 0x01 != 0 ? .pound : status & 0x40 != 0 ? .jin : .kilogram
    weight = MiScaleFrame.weight(raw, unit)
    isStable = status & 0x20 != 0
    isRemoved = status & 0x80 != 0
    impedance = status & 0x02 != 0 && ohms != 0 && ohms < 0xFFFE ? ohms : nil
  }

  /// Other makers put other things under the same UUID.
  private static func expect(_ count: Int, _ octets: [UInt8]) throws(DecodeError) {
    guard octets.count < count else {
      guard octets.count > count else { return }
      throw DecodeError(field: "frame", offset: count, reason: .malformed("\(octets.count) octets, expected \(count)"))
    }
    throw DecodeError(field: "frame", offset: octets.count, reason: .truncated(needed: count, available: octets.count))
  }

  /// Kilograms in steps of 1/200, pounds and jin in steps of 1/100.
  private static func weight(_ raw: Int64, _ unit: UCUM) -> ExactDecimal {
    unit == .kilogram ? ExactDecimal(raw * 5, exponent: -3) : ExactDecimal(raw, exponent: -2)
  }

  /// The clock was never set: these scales then begin in 1978.
  var isClockSet: Bool { stamp.fields.year >= 2015 }

  func decoded(source: String, octets: [UInt8]) -> Decoded {
    let values = [
      NamedValue("stabilized", .flag(isStable && !isRemoved)), NamedValue("removed", .flag(isRemoved)),
    ]
    guard isStable, !isRemoved, !weight.isZero else {
      let name = unit == .pound ? "lb" : unit == .jin ? "jin" : "kg"
      var unfinished = values + [NamedValue("weight", .decimal(weight)), NamedValue("unit", .text(name))]
      if let impedance { unfinished.append(NamedValue("impedance_ohm", .integer(Int64(impedance)))) }
      return Decoded(values: unfinished)
    }
    var observations = [Observation(.weight, .value(weight), unit: unit)]
    if let impedance {
      observations.append(Observation(.impedance, .value(ExactDecimal(Int64(impedance))), unit: .ohm))
    }
    let reading = DeviceReading(
      kind: impedance == nil ? .bodyWeight : .bodyComposition, observations: observations,
      flags: isClockSet ? [] : [.clockNotSet], time: isClockSet ? ReadingBuilder.time(stamp) : nil, stored: false,
      raw: RawSource(source: source, octets: octets))
    return Decoded(readings: [reading], values: values)
  }
}
