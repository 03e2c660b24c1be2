// One characteristic's value, decoded on its own: what `hearthctl decode gatt` shows and what the drivers build on.

internal import HealthProfiles
package import Octets
internal import Readings

/// Decodes the values of characteristics.
package enum GATTDecoding {
  /// What is known beside the value itself.
  package struct Context: Sendable, Hashable {
    /// The model, for quirks.
    package var model: String?
    /// 2A49 of the device: its status bits mean what this says.
    package var bloodPressureFeature: [UInt8]?
    /// 2A60 of the device.
    package var plxFeatures: [UInt8]?
    /// 2A51 of the device.
    package var glucoseFeature: [UInt8]?
    /// 2A1D of the device.
    package var temperatureType: [UInt8]?

    /// Nothing is known but, perhaps, the model.
    package init(model: String? = nil) { self.model = model }

    /// Nil when the feature is not known; throws when what was read is none.
    func decodedBloodPressureFeature() throws(DecodeError) -> BloodPressureFeature? {
      guard let octets = bloodPressureFeature else { return nil }
      return try BloodPressureFeature(decoding: octets)
    }
  }

  /// Decodes a value; nil when no decoder knows the characteristic. Throws when the octets are malformed.
  package static func decode(
    service: BluetoothUUID, characteristic: BluetoothUUID, octets: [UInt8], context: Context = Context()
  ) throws(DecodeError) -> Decoded? {
    if let decoded = try VendorDecoding.decode(
      CharacteristicID(service, characteristic), octets, model: context.model)
    {
      return decoded.checked
    }
    guard let short = characteristic.short else {
      return try TaiDocProtocol.decode(characteristic: characteristic, octets: octets)?.checked
    }
    let raw = RawSource(source: "\(service)/\(characteristic)", octets: octets)
    if let decoded = try measurement(short, octets, raw, context) {
      if QuirkTable.quirks(model: context.model).isEmpty {
        try Departure.check(short, octets, trailing: decoded.trailingOctets, decoded)
      }
      return decoded.checked
    }
    if let values = try values(short, octets) { return Decoded(values: values) }
    return nil
  }

  private static func measurement(
    _ characteristic: UInt16, _ octets: [UInt8], _ raw: RawSource, _ context: Context
  ) throws(DecodeError) -> Decoded? {
    let quirks = QuirkTable.quirks(model: context.model)
    switch characteristic {
    case 0x2A35:
      let value = try BloodPressureMeasurement(decoding: try QuirkRewrite.bloodPressure(octets, quirks))
      return ReadingBuilder.bloodPressure(value, feature: try context.decodedBloodPressureFeature(), raw: raw)
    case 0x2B34:
      var value = try EnhancedBloodPressureMeasurement(decoding: octets)
      let feature = try context.decodedBloodPressureFeature()
      // Two octets behind the fields of a cuff with check values are one; not every indication may have it.
      if value.trailingOctets == 2, feature?.contains(.e2eCRC) ?? false {
        value = try EnhancedBloodPressureMeasurement(decoding: E2ECRC.strippingTrailing(octets))
      }
      return ReadingBuilder.enhancedBloodPressure(value, feature: feature, raw: raw)
    case 0x2A9D: return ReadingBuilder.weight(try weight(octets, quirks), raw: raw)
    case 0x2A9C:
      return ReadingBuilder.bodyComposition(try bodyComposition(octets, quirks), raw: raw)
    case 0x2A5E:
      let features = try context.plxFeatures.map { octets throws(DecodeError) in try PLXFeatures(decoding: octets) }
      return ReadingBuilder.spotCheck(try PLXSpotCheckMeasurement(decoding: octets), features: features, raw: raw)
    case 0x2A5F:
      let features = try context.plxFeatures.map { octets throws(DecodeError) in try PLXFeatures(decoding: octets) }
      return ReadingBuilder.continuous(try PLXContinuousMeasurement(decoding: octets), features: features, raw: raw)
    case 0x2A1C:
      let site = context.temperatureType?.first.flatMap(TemperatureType.init(rawValue:))
      return ReadingBuilder.temperature(try TemperatureMeasurement(decoding: octets), site: site, raw: raw)
    case 0x2A18:
      let feature = try context.glucoseFeature.map { octets throws(DecodeError) in try GlucoseFeature(decoding: octets)
      }
      return ReadingBuilder.glucose(try GlucoseMeasurement(decoding: octets), context: nil, feature: feature, raw: raw)
    case 0x2A37: return ReadingBuilder.heartRate(try HeartRateMeasurement(decoding: octets), raw: raw)
    default: return nil
    }
  }

  /// 2A9D with its model's quirks.
  static func weight(_ octets: [UInt8], _ quirks: Quirks) throws(DecodeError) -> WeightMeasurement {
    guard quirks.contains(.weightInFiftyGrams) else {
      let value = try WeightMeasurement(decoding: octets)
      if quirks.isEmpty { try Departure.check(0x2A9D, octets, trailing: value.trailingOctets, Decoded()) }
      return value
    }
    // Weight and time stand where the specification puts them; what follows is the vendor's own.
    var prefix = Array(octets.prefix(10))
    if !prefix.isEmpty { prefix[0] &= 0x02 }
    var value = try WeightMeasurement(decoding: prefix)
    value.weight = value.weight.map { ExactDecimal($0.mantissa / 5 * 5, exponent: -2) }
    value.trailingOctets = 0
    return value
  }

  /// 2A9C with its model's quirks.
  static func bodyComposition(_ octets: [UInt8], _ quirks: Quirks) throws(DecodeError) -> BodyCompositionMeasurement {
    var value = try BodyCompositionMeasurement(decoding: octets)
    guard quirks.contains(.vendorBodyComposition) else {
      if quirks.isEmpty { try Departure.check(0x2A9C, octets, trailing: value.trailingOctets, Decoded()) }
      return value
    }
    let impedance = value.impedance
    value = try BodyCompositionMeasurement(decoding: [0, 0, 0xFF, 0xFF])
    value.impedance = impedance
    return value
  }
}
