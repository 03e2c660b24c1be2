// Temperature Measurement 2A1C, Temperature Type 2A1D, Intermediate Temperature 2A1E, Measurement Interval 2A21
// (Health Thermometer Service; GATT Specification Supplement 3.217…).

public import Octets
public import Readings

/// Where a temperature was taken.
public enum TemperatureType: UInt8, Sendable, Hashable, CaseIterable {
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
  public init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let raw = try reader.uint8("temperature type")
    guard let type = TemperatureType(rawValue: raw) else {
      throw DecodeError(field: "temperature type", offset: 0, reason: .invalidValue(Int64(raw)))
    }
    self = type
  }

  /// The term of a temperature taken there.
  public var term: Term {
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
  public var name: String {
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
public struct TemperatureMeasurement: Sendable, Hashable {
  /// `Cel` or `[degF]`.
  public var unit: UCUM
  /// The temperature.
  public var temperature: MedicalFloat
  /// Local time of the measurement.
  public var timeStamp: DateTimeStamp?
  /// Where it was taken; nil when not told or reserved.
  public var type: TemperatureType?
  /// Octets beyond the fields that the flags claim.
  public var trailingOctets: Int

  /// Decodes 2A1C or 2A1E. Throws when a claimed field is cut.
  public init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    unit = flags & 0x01 == 0 ? .degreeCelsius : .degreeFahrenheit
    temperature = try reader.float("temperature")
    timeStamp = flags & 0x02 == 0 ? nil : try reader.dateTime("time stamp")
    type = flags & 0x04 == 0 ? nil : TemperatureType(rawValue: try reader.uint8("temperature type"))
    trailingOctets = reader.remaining
  }
}
