// Every decoder of the module behind one function: the fields of a value as texts under the names that the fixtures use.

import HealthProfiles
import Octets
import Readings

enum Decoded {
  /// Characteristics that devices send, by assigned number.
  static let characteristics = [
    "2A35", "2A36", "2A49", "2B34", "2B35", "2B36", "2A9D", "2A9E", "2A9B", "2A9C", "2A5E", "2A5F", "2A60", "2A1C",
    "2A1D", "2A18", "2A34", "2A51", "2A52", "2A37", "2A38", "2A2B", "2A0F", "2A14", "2A08", "2B8E", "2B8F", "2B90",
    "2B91", "2BF2", "2A99", "2A9A", "2A9F", "2A29", "2A23", "2A50", "2A2A", "2A19", "primitive",
  ]

  /// The value's fields; nil for a characteristic without a decoder. Absent fields are left out.
  static func fields(_ characteristic: String, _ octets: [UInt8]) throws -> [String: String]? {
    switch characteristic {
    case "2A35", "2A36":
      return bloodPressure(try BloodPressureMeasurement(decoding: octets), isIntermediate: characteristic == "2A36")
    case "2B34", "2B35":
      return enhanced(try EnhancedBloodPressureMeasurement(decoding: octets, isIntermediate: characteristic == "2B35"))
    case "2A9D": return weight(try WeightMeasurement(decoding: octets))
    case "2A9C": return composition(try BodyCompositionMeasurement(decoding: octets))
    case "2A5E": return spotCheck(try PLXSpotCheckMeasurement(decoding: octets))
    case "2A5F": return continuous(try PLXContinuousMeasurement(decoding: octets))
    case "2A1C": return temperature(try TemperatureMeasurement(decoding: octets))
    case "2A18": return glucose(try GlucoseMeasurement(decoding: octets), octets)
    case "2A37": return heartRate(try HeartRateMeasurement(decoding: octets))
    case "2BF2": return elapsedTime(try CurrentElapsedTime(decoding: octets))
    default: return try other(characteristic, octets)
    }
  }

  private static func other(_ characteristic: String, _ octets: [UInt8]) throws -> [String: String]? {
    switch characteristic {
    case "2A49": return feature(try BloodPressureFeature(decoding: octets))
    case "2B36": return record(try BloodPressureRecord(decoding: octets))
    case "2A1D": return ["type": try TemperatureType(decoding: octets).name]
    case "2A52":
      switch try RecordAccessResponse(decoding: octets) {
      case .count(let count): return ["number_of_records": "\(count)"]
      case .response(let request, let code):
        return ["response_to": "\(request)", "code": "\(code)", "meaning": RecordAccessResponse.meaning(of: code)]
      }
    case "2A9F":
      let response = try UserControlResponse(decoding: octets)
      return [
        "response_to": "\(response.request)", "code": "\(response.code)",
        "meaning": UserControlResponse.meaning(of: response.code),
      ]
    case "2A08": return ["timestamp": time(try DateTime(decoding: octets).fields)]
    case "2A2B": return ["timestamp": time(try CurrentTime(decoding: octets).fields)]
    case "2A19": return ["battery_pct": "\(try BatteryLevel(decoding: octets).percent)"]
    default: return try withoutFixture(characteristic, octets)
    }
  }

  /// Decoders that have no fixture line; the hostile tests run them.
  private static func withoutFixture(_ characteristic: String, _ octets: [UInt8]) throws -> [String: String]? {
    switch characteristic {
    case "2A9E": _ = try WeightScaleFeature(decoding: octets)
    case "2A9B": _ = try BodyCompositionFeature(decoding: octets)
    case "2A60": _ = try PLXFeatures(decoding: octets)
    case "2A34": _ = try GlucoseMeasurementContext(decoding: octets)
    case "2A51": _ = try GlucoseFeature(decoding: octets)
    case "2A38": _ = try BodySensorLocation(decoding: octets)
    case "2A0F": _ = try LocalTimeInformation(decoding: octets)
    case "2A14": _ = try ReferenceTimeInformation(decoding: octets)
    case "2B8E": _ = try DeviceTimeFeature(decoding: octets)
    case "2B8F": _ = try DeviceTimeParameters(decoding: octets, usesCRC: false)
    case "2B90": _ = try HealthProfiles.DeviceTime(decoding: octets, usesCRC: false).unixSeconds
    case "2B91": _ = try DeviceTimeControlPoint(decoding: octets, usesCRC: false)
    case "2A99": _ = try DatabaseChangeIncrement(decoding: octets)
    case "2A9A": _ = try UserIndex(decoding: octets)
    case "2A29": _ = DeviceInformationString.decode(octets)
    case "2A23": _ = try SystemID(decoding: octets).eui64
    case "2A50": _ = try PnPID(decoding: octets)
    case "2A2A": _ = try RegulatoryCertificationDataList(decoding: octets).continuaVersion
    default: return nil
    }
    return [:]
  }

  static func text(_ value: MedicalFloat?) -> String? {
    switch value {
    case nil: nil
    case .value(let decimal): decimal.description
    case .notANumber: "NaN"
    case .notAtThisResolution: "NRes"
    case .positiveInfinity: "+INF"
    case .negativeInfinity: "-INF"
    case .reserved: "reserved"
    }
  }

  static func hex(_ value: some BinaryInteger, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  static func time(_ fields: DeviceDateTime?) -> String? { fields.map { time($0) } }
  static func time(_ fields: DeviceDateTime) -> String {
    func pad(_ number: some BinaryInteger, _ count: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return "\(pad(fields.year, 4))-\(pad(fields.month, 2))-\(pad(fields.day, 2))"
      + "T\(pad(fields.hours, 2)):\(pad(fields.minutes, 2)):\(pad(fields.seconds, 2))"
  }

  static func present(_ fields: [String: String?]) -> [String: String] { fields.compactMapValues { $0 } }

  private static func bloodPressure(_ value: BloodPressureMeasurement, isIntermediate: Bool) -> [String: String] {
    let stamp = value.timeStamp?.fields
    return present([
      isIntermediate ? "cuff_pressure" : "systolic": text(value.systolic), "diastolic": text(value.diastolic),
      "mean_arterial": text(value.meanArterial), "unit": value.unit == .kilopascal ? "kPa" : "mmHg",
      "pulse_bpm": text(value.pulseRate), "user_id": value.userID.map { "\($0)" },
      "status_hex": value.status.map { hex($0.rawValue, 4) }, "timestamp": time(stamp),
      "trailing_bytes": "\(value.trailingOctets)",
      "year": stamp.flatMap { $0.year == 0 ? nil : "\($0.year)" }, "month": stamp.map { "\($0.month)" },
      "day": stamp.map { "\($0.day)" }, "hour": stamp.map { "\($0.hours)" }, "minute": stamp.map { "\($0.minutes)" },
      "second": stamp.map { "\($0.seconds)" },
    ])
  }

  private static func enhanced(_ value: EnhancedBloodPressureMeasurement) -> [String: String] {
    _ = value.timeStamp.map { value.unixSeconds($0) }
    return present([
      "systolic": text(value.systolic), "diastolic": text(value.diastolic), "mean_arterial": text(value.meanArterial),
      "unit": value.unit == .kilopascal ? "kPa" : "mmHg", "epoch": "\(value.epoch)",
      "time_stamp_s": value.timeStamp.map { "\($0)" }, "pulse_bpm": text(value.pulseRate),
      "user_id": value.userID.map { "\($0)" }, "status_hex": value.status.map { hex($0.rawValue, 4) },
      "user_facing_time_s": value.userFacingTime.map { "\($0)" },
    ])
  }

  private static func feature(_ value: BloodPressureFeature) -> [String: String] {
    let bits: [(String, BloodPressureFeature)] = [
      ("body_movement", .bodyMovement), ("cuff_fit", .cuffFit), ("irregular_pulse", .irregularPulse),
      ("pulse_range", .pulseRange), ("position", .position), ("multiple_bonds", .multipleBonds), ("e2e_crc", .e2eCRC),
      ("user_data_service", .userData), ("user_facing_time", .userFacingTime),
    ]
    return Dictionary(uniqueKeysWithValues: bits.map { ($0, value.contains($1) ? "true" : "false") })
  }

  private static func record(_ value: BloodPressureRecord) -> [String: String] {
    [
      "first_segment": "\(value.isFirst)", "last_segment": "\(value.isLast)", "segment_counter": "\(value.counter)",
      "sequence_number": "\(value.sequenceNumber)", "uuid": "\(value.characteristic)",
      "recorded_data_hex": value.data.map { hex($0, 2) }.joined(),
    ]
  }

  private static func weight(_ value: WeightMeasurement) -> [String: String] {
    present([
      "weight": value.weight?.description ?? "unsuccessful", "unit": value.unit == .pound ? "lb" : "kg",
      "timestamp": time(value.timeStamp?.fields), "user_id": value.userID.map { "\($0)" },
      "bmi": value.bodyMassIndex?.description,
      value.heightUnit == .inch ? "height_in" : "height_m": value.height?.description,
    ])
  }

  private static func composition(_ value: BodyCompositionMeasurement) -> [String: String] {
    let mass = value.isImperial ? "lb" : "kg"
    _ = (value.isEmptyStub, value.merging(value), value.continues(in: value))
    return present([
      "body_fat_pct": value.bodyFat?.description ?? "unsuccessful", "timestamp": time(value.timeStamp?.fields),
      "user_id": value.userID.map { "\($0)" }, "basal_metabolism_kJ": value.basalMetabolism?.description,
      "muscle_pct": value.musclePercentage?.description, "muscle_mass_\(mass)": value.muscleMass?.description,
      "fat_free_mass_\(mass)": value.fatFreeMass?.description,
      "soft_lean_mass_\(mass)": value.softLeanMass?.description,
      "body_water_mass_\(mass)": value.bodyWaterMass?.description, "impedance_ohm": value.impedance?.description,
      "weight_\(mass)": value.weight?.description,
      value.heightUnit == .inch ? "height_in" : "height_m": value.height?.description,
    ])
  }

  private static func spotCheck(_ value: PLXSpotCheckMeasurement) -> [String: String] {
    present([
      "spo2_pct": text(value.spo2), "pulse_bpm": text(value.pulseRate), "timestamp": time(value.timeStamp?.fields),
      "measurement_status_hex": value.measurementStatus.map { hex($0.rawValue, 4) },
      "device_sensor_status_hex": value.sensorStatus.map { hex($0.rawValue, 6) },
      "pai_pct": text(value.pulseAmplitudeIndex), "clock_not_set": "\(value.isClockNotSet)",
    ])
  }

  private static func continuous(_ value: PLXContinuousMeasurement) -> [String: String] {
    present([
      "spo2_pct": text(value.spo2), "pulse_bpm": text(value.pulseRate),
      "measurement_status_hex": value.measurementStatus.map { hex($0.rawValue, 4) },
      "device_sensor_status_hex": value.sensorStatus.map { hex($0.rawValue, 6) },
      "pai_pct": text(value.pulseAmplitudeIndex),
    ])
  }

  private static func temperature(_ value: TemperatureMeasurement) -> [String: String] {
    present([
      "temperature": text(value.temperature), "unit": value.unit == .degreeFahrenheit ? "F" : "C",
      "timestamp": time(value.timeStamp?.fields), "type": value.type?.name,
    ])
  }

  private static func glucose(_ value: GlucoseMeasurement, _ octets: [UInt8]) -> [String: String] {
    let isMass = value.unit == .milligramPerDecilitre
    // The wire's number, to be compared with the shifted one.
    let wire = value.concentration?.decimal.map { ExactDecimal($0.mantissa, exponent: $0.exponent - (isMass ? 5 : 3)) }
    return present([
      "sequence": "\(value.sequenceNumber)", "base_time": time(value.baseTime.fields),
      "time_offset_min": value.timeOffset.map { "\($0)" }, "concentration_raw_sfloat": wire?.description,
      "concentration_unit": isMass ? "kg/L" : "mol/L", "value_mg_dL": isMass ? text(value.concentration) : nil,
      "type": value.type.map { "\($0)" }, "sample_location": value.sampleLocation.map { "\($0)" },
      "sensor_status_hex": value.status.map { hex($0.rawValue, 4) }, "context_follows": "\(value.hasContext)",
    ])
  }

  private static func heartRate(_ value: HeartRateMeasurement) -> [String: String] {
    present([
      "heart_rate_bpm": "\(value.heartRate)", "contact": value.contact.rawValue,
      "energy_kJ": value.energyExpended.map { "\($0)" },
      "rr_1024": value.rrIntervals.map { "\($0)" }.joined(separator: ","),
    ])
  }

  private static func elapsedTime(_ value: CurrentElapsedTime) -> [String: String] {
    let sources = ["unknown", "NTP", "GPS", "radio", "manual", "atomic", "cellular", "not synchronized"]
    _ = value.utcMilliseconds
    return present([
      "time_value": "\(value.timeValue)", "resolution": ["1s", "100ms", "1ms", "100us"][Int(value.flags >> 2 & 3)],
      "tick_counter": "\(value.isTickCounter)", "utc": "\(value.isUTC)", "tz_dst_used": "\(value.usesOffset)",
      "current_timeline": "\(value.isCurrentTimeLine)",
      "sync_source": value.syncSource < 8 ? sources[Int(value.syncSource)] : nil,
      "tz_dst_offset_15min": "\(value.offset)", "clock_needs_set": "\(value.needsSetting)",
    ])
  }
}
