// Temperature Measurement 2A1C, Temperature Type 2A1D, Intermediate Temperature 2A1E, Measurement Interval 2A21
// (Health Thermometer Service; GATT Specification Supplement 3.217…).

package import Octets
package import Readings

/// Where a temperature was taken.
package enum TemperatureType: UInt8, Sendable, Hashable, CaseIterable {
  case armpit = 1
  case body
  case ear
  case finger
  case gastrointestinal
  case mouth
  case rectum
  case toe
  case tympanum

  /// Decodes 2A1D. Throws for a reserved value.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let raw = try reader.uint8("temperature type")
    guard let type = TemperatureType(rawValue: raw) else {
      throw DecodeError(field: "temperature type", offset: 0, reason: .invalidValue(Int64(raw)))
    }
    self = type
  }

  /// The term of a temperature taken there.
  package var term: Term {
    switch self {
    case .armpit: .axillaryTemperature
    case .body: .temperature
    case .ear: .earTemperature
    case .finger: .fingerTemperature
    case .gastrointestinal: .gastrointestinalTemperature
    case .mouth: .oralTemperature
    case .rectum: .rectalTemperature
    case .toe: .toeTemperature
    case .tympanum: .tympanicTemperature
    }
  }

  /// The specification's word.
  package var name: String {
    switch self {
    case .armpit: "armpit"
    case .body: "body"
    case .ear: "ear"
    case .finger: "finger"
    case .gastrointestinal: "gastro-intestinal"
    case .mouth: "mouth"
    case .rectum: "rectum"
    case .toe: "toe"
    case .tympanum: "tympanum"
    }
  }
}

/// A temperature, final (2A1C) or intermediate (2A1E): the layouts are the same.
package struct TemperatureMeasurement: Sendable, Hashable {
  /// `Cel` or `[degF]`.
  package var unit: UCUM
  package var temperature: MedicalFloat
  /// Local time of the measurement.
  package var timeStamp: DateTimeStamp?
  /// Where it was taken; nil when not told or reserved.
  package var type: TemperatureType?
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// Decodes 2A1C or 2A1E. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    unit = flags & 0x01 == 0 ? .degreeCelsius : .degreeFahrenheit
    temperature = try reader.float("temperature")
    timeStamp = flags & 0x02 == 0 ? nil : try reader.dateTime("time stamp")
    type = flags & 0x04 == 0 ? nil : TemperatureType(rawValue: try reader.uint8("temperature type"))
    trailingOctets = reader.remaining
  }
}
