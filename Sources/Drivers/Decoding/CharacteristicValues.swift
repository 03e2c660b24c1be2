// The values of characteristics that hold no reading: features, clocks, answers, device information.

internal import HealthProfiles
internal import Octets
internal import Readings

extension GATTDecoding {
  /// The named values of a characteristic; nil when no decoder knows it. Throws when the octets are malformed.
  static func values(_ characteristic: UInt16, _ octets: [UInt8]) throws(DecodeError) -> [NamedValue]? {
    if let values = try features(characteristic, octets) { return values }
    if let values = try clocks(characteristic, octets) { return values }
    if let values = try controlPoints(characteristic, octets) { return values }
    return try deviceInformation(characteristic, octets)
  }

  private static func bits(_ raw: some BinaryInteger, _ names: [String]) -> [NamedValue] {
    names.enumerated().map { NamedValue($0.element, .flag(raw >> $0.offset & 1 != 0)) }
  }

  private static func features(_ characteristic: UInt16, _ octets: [UInt8]) throws(DecodeError) -> [NamedValue]? {
    switch characteristic {
    case 0x2A49:
      return bits(
        try BloodPressureFeature(decoding: octets).rawValue,
        [
          "body_movement", "cuff_fit", "irregular_pulse", "pulse_range", "position", "multiple_bonds", "e2e_crc",
          "user_data_service", "user_facing_time",
        ])
    case 0x2A9E:
      let feature = try WeightScaleFeature(decoding: octets)
      return bits(feature.rawValue, ["time_stamp", "multiple_users", "bmi"]) + [
        NamedValue("weight_resolution", .integer(Int64(feature.weightResolution))),
        NamedValue("height_resolution", .integer(Int64(feature.heightResolution))),
      ]
    case 0x2A9B:
      let feature = try BodyCompositionFeature(decoding: octets)
      return bits(
        feature.rawValue,
        [
          "time_stamp", "multiple_users", "basal_metabolism", "muscle_percentage", "muscle_mass", "fat_free_mass",
          "soft_lean_mass", "body_water_mass", "impedance", "weight", "height",
        ]) + [
          NamedValue("mass_resolution", .integer(Int64(feature.massResolution))),
          NamedValue("height_resolution", .integer(Int64(feature.heightResolution))),
        ]
    case 0x2A60:
      let feature = try PLXFeatures(decoding: octets)
      var values = bits(
        feature.supported,
        [
          "measurement_status", "device_sensor_status", "storage", "time_stamp", "fast", "slow", "pai",
          "multiple_bonds",
        ])
      if let bits = feature.measurementStatus {
        values.append(NamedValue("supported_measurement_status_hex", hex(bits, 4)))
      }
      if let bits = feature.sensorStatus {
        values.append(NamedValue("supported_device_sensor_status_hex", hex(bits, 6)))
      }
      return values
    case 0x2A51:
      return bits(
        try GlucoseFeature(decoding: octets).rawValue,
        [
          "low_battery", "sensor_malfunction", "sample_size", "strip_insertion", "strip_type", "result_high_low",
          "temperature_high_low", "read_interrupt", "general_fault", "time_fault", "multiple_bonds",
        ])
    case 0x2A36:
      let value = try BloodPressureMeasurement(decoding: octets)
      var values = [
        NamedValue("cuff_pressure", DecodedValue(value.systolic)),
        NamedValue("unit", .text(value.unit == .kilopascal ? "kPa" : "mmHg")),
      ]
      if let pulse = value.pulseRate { values.append(NamedValue("pulse_bpm", DecodedValue(pulse))) }
      if let user = value.userID { values.append(NamedValue("user_id", .integer(Int64(user)))) }
      if let status = value.status { values.append(NamedValue("status_hex", hex(status.rawValue, 4))) }
      if let stamp = value.timeStamp { values.append(NamedValue("timestamp", .text(stamp.fields.description))) }
      return values + ReadingBuilder.surplus(value.trailingOctets)
    case 0x2B35:
      let value = try EnhancedBloodPressureMeasurement(decoding: octets, isIntermediate: true)
      return [
        NamedValue("cuff_pressure", DecodedValue(value.systolic)),
        NamedValue("unit", .text(value.unit == .kilopascal ? "kPa" : "mmHg")),
      ]
    case 0x2B36:
      let record = try BloodPressureRecord(decoding: octets)
      return [
        NamedValue("first_segment", .flag(record.isFirst)), NamedValue("last_segment", .flag(record.isLast)),
        NamedValue("segment_counter", .integer(Int64(record.counter))),
        NamedValue("sequence_number", .integer(Int64(record.sequenceNumber))),
        NamedValue("uuid", .text(record.characteristic.description)),
        NamedValue("recorded_data_hex", .text(Hex.encode(record.data))),
      ]
    case 0x2A1E:
      let value = try TemperatureMeasurement(decoding: octets)
      return [
        NamedValue("temperature", DecodedValue(value.temperature)),
        NamedValue("unit", .text(value.unit == .degreeCelsius ? "C" : "F")),
      ]
    case 0x2A1D: return [NamedValue("type", .text(try TemperatureType(decoding: octets).name))]
    case 0x2A38: return [NamedValue("location", .text(try BodySensorLocation(decoding: octets).name))]
    case 0x2A34: return context(try GlucoseMeasurementContext(decoding: octets))
    default: return nil
    }
  }

  private static func context(_ value: GlucoseMeasurementContext) -> [NamedValue] {
    var values = [NamedValue("sequence", .integer(Int64(value.sequenceNumber)))]
    func add(_ name: String, _ number: (some BinaryInteger)?) {
      if let number { values.append(NamedValue(name, .integer(Int64(number)))) }
    }
    func add(_ name: String, _ float: MedicalFloat?) {
      if let float { values.append(NamedValue(name, DecodedValue(float))) }
    }
    add("carbohydrate_id", value.carbohydrateID)
    add("carbohydrate_kg", value.carbohydrate)
    add("meal", value.meal)
    add("tester", value.tester)
    add("health", value.health)
    add("exercise_duration_s", value.exerciseDuration)
    add("exercise_intensity_pct", value.exerciseIntensity)
    add("medication_id", value.medicationID)
    add(value.isMedicationInLitres ? "medication_l" : "medication_kg", value.medication)
    add("hba1c_pct", value.hbA1c)
    return values + ReadingBuilder.surplus(value.trailingOctets)
  }

  private static func clocks(_ characteristic: UInt16, _ octets: [UInt8]) throws(DecodeError) -> [NamedValue]? {
    switch characteristic {
    case 0x2A08: return [NamedValue("timestamp", .text(try DateTime(decoding: octets).fields.description))]
    case 0x2A2B:
      let time = try CurrentTime(decoding: octets)
      return [
        NamedValue("timestamp", .text(time.fields.description)),
        NamedValue("day_of_week", .integer(Int64(time.dayOfWeek))),
        NamedValue("fractions_256", .integer(Int64(time.fractions256))),
        NamedValue("adjust_reason", .integer(Int64(time.adjustReason))),
      ]
    case 0x2A0F:
      let local = try LocalTimeInformation(decoding: octets)
      return [
        NamedValue("time_zone_15min", local.timeZone == -128 ? .absent : .integer(Int64(local.timeZone))),
        NamedValue("dst_offset", local.dstOffset == 255 ? .absent : .integer(Int64(local.dstOffset))),
      ]
    case 0x2A14:
      let reference = try ReferenceTimeInformation(decoding: octets)
      return [
        NamedValue("source", .integer(Int64(reference.source))),
        NamedValue("accuracy", .integer(Int64(reference.accuracy))),
        NamedValue("days_since_update", .integer(Int64(reference.daysSinceUpdate))),
        NamedValue("hours_since_update", .integer(Int64(reference.hoursSinceUpdate))),
      ]
    case 0x2B8E:
      return bits(
        try DeviceTimeFeature(decoding: octets).features,
        [
          "e2e_crc", "change_logging", "fractions", "displayed", "formats", "formats_changeable", "user_time_line",
          "authorization", "drift_tracking", "epoch_1900", "epoch_2000", "propose_limit", "retrieve_adjustments",
        ])
    case 0x2B8F:
      let parameters = try DeviceTimeParameters(decoding: octets, usesCRC: E2ECRC.isLeading(octets))
      return [NamedValue("rtc_resolution", .integer(Int64(parameters.rtcResolution)))]
    case 0x2B90:
      let time = try DeviceTime(decoding: octets, usesCRC: E2ECRC.isLeading(octets))
      return [
        NamedValue("base_time_s", .integer(Int64(time.baseTime))), NamedValue("epoch", .integer(Int64(time.epoch))),
        NamedValue("time_zone_15min", .integer(Int64(time.timeZone))),
        NamedValue("dst_offset", .integer(Int64(time.dstOffset))), NamedValue("time_fault", .flag(time.isFaulty)),
        NamedValue("status_hex", hex(time.status, 4)),
      ]
    case 0x2BF2: return elapsed(try CurrentElapsedTime(decoding: octets))
    default: return nil
    }
  }

  private static func elapsed(_ time: CurrentElapsedTime) -> [NamedValue] {
    let resolutions = ["1s", "100ms", "1ms", "100us"]
    let sources = ["unknown", "ntp", "gps", "radio", "manual", "atomic", "cellular", "not_synchronized"]
    var values = [
      NamedValue("time_value", .integer(Int64(clamping: time.timeValue))),
      NamedValue("resolution", .text(resolutions[Int(time.flags >> 2 & 3)])),
      NamedValue("tick_counter", .flag(time.isTickCounter)), NamedValue("utc", .flag(time.isUTC)),
      NamedValue("tz_dst_used", .flag(time.usesOffset)), NamedValue("current_timeline", .flag(time.isCurrentTimeLine)),
      NamedValue(
        "sync_source",
        time.syncSource < sources.count ? .text(sources[Int(time.syncSource)]) : .integer(Int64(time.syncSource))),
      NamedValue("tz_dst_offset_15min", .integer(Int64(time.offset))),
    ]
    if time.clockStatus != nil { values.append(NamedValue("clock_needs_set", .flag(time.needsSetting))) }
    return values
  }

  private static func controlPoints(_ characteristic: UInt16, _ octets: [UInt8]) throws(DecodeError) -> [NamedValue]? {
    switch characteristic {
    case 0x2A52:
      switch try RecordAccessResponse(decoding: octets) {
      case .count(let count): return [NamedValue("number_of_records", .integer(Int64(count)))]
      case .response(let request, let code):
        return [
          NamedValue("response_to", .integer(Int64(request))), NamedValue("code", .integer(Int64(code))),
          NamedValue("meaning", .text(RecordAccessResponse.meaning(of: code))),
        ]
      }
    case 0x2A9F:
      let response = try UserControlResponse(decoding: octets)
      var values = [
        NamedValue("response_to", .integer(Int64(response.request))),
        NamedValue("code", .integer(Int64(response.code))),
        NamedValue("meaning", .text(UserControlResponse.meaning(of: response.code))),
      ]
      if let user = response.user { values.append(NamedValue("user_id", .integer(Int64(user)))) }
      return values
    case 0x2B91:
      switch try DeviceTimeControlPoint(decoding: octets, usesCRC: E2ECRC.isLeading(octets)) {
      case .response(let request, let code):
        return [NamedValue("response_to", .integer(Int64(request))), NamedValue("code", .integer(Int64(code)))]
      case .report(let rest): return [NamedValue("report_hex", .text(Hex.encode(rest)))]
      case .proposeTimeUpdate, .forceTimeUpdate: return []
      }
    case 0x2A99:
      return [NamedValue("change_increment", .integer(Int64(try DatabaseChangeIncrement(decoding: octets).increment)))]
    case 0x2A9A: return [NamedValue("user_id", .integer(Int64(try UserIndex(decoding: octets).index)))]
    default: return nil
    }
  }

  private static func deviceInformation(_ characteristic: UInt16, _ octets: [UInt8]) throws(DecodeError)
    -> [NamedValue]?
  {
    let names: [UInt16: String] = [
      0x2A29: "manufacturer", 0x2A24: "model", 0x2A25: "serial", 0x2A26: "firmware", 0x2A27: "hardware",
      0x2A28: "software",
    ]
    if let name = names[characteristic] { return [NamedValue(name, .text(DeviceInformationString.decode(octets)))] }
    switch characteristic {
    case 0x2A19: return [NamedValue("battery_pct", .integer(Int64(try BatteryLevel(decoding: octets).percent)))]
    case 0x2A23: return [NamedValue("system_id", .text(try SystemID(decoding: octets).eui64))]
    case 0x2A50:
      let id = try PnPID(decoding: octets)
      return [
        NamedValue("vendor_id_source", .integer(Int64(id.vendorIDSource))),
        NamedValue("vendor_id", hex(id.vendorID, 4)),
        NamedValue("product_id", hex(id.productID, 4)), NamedValue("product_version", hex(id.productVersion, 4)),
      ]
    case 0x2A2A:
      let list = try RegulatoryCertificationDataList(decoding: octets)
      var values = [NamedValue("entries", .integer(Int64(list.entries.count)))]
      if let version = list.continuaVersion {
        values.append(NamedValue("continua_version", .text("\(version.major).\(version.minor)")))
      }
      return values
    default: return nil
    }
  }

  /// A bit field as upper-case digits of a fixed width.
  static func hex(_ value: some BinaryInteger, _ width: Int) -> DecodedValue {
    let text = String(value, radix: 16)
    return .text(String(repeating: "0", count: max(0, width - text.utf8.count)) + text)
  }
}
