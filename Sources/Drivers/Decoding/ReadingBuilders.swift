// From the struct of a characteristic to a reading, or to a problem where the device itself says that there is no value.

internal import HealthProfiles
internal import Octets
internal import Readings

/// Makes readings of measurement characteristics. One place, used by the drivers and by `decode gatt`.
enum ReadingBuilder {
  static func failed(_ what: String, _ raw: RawSource) -> Decoded {
    Decoded(problems: [
      DriverProblem(
        code: "measurement-failed", message: "the device reports a failed \(what); it gives no value", raw: raw)
    ])
  }

  static func surplus(_ count: Int) -> [NamedValue] {
    count == 0 ? [] : [NamedValue("trailing_bytes", .integer(Int64(count)))]
  }

  /// The stamp of a reading and the flag that says why there is none.
  static func time(_ stamp: DateTimeStamp?) -> DeviceStamp? { stamp?.usable.map { .local($0) } }

  static func bloodPressure(
    _ value: BloodPressureMeasurement, feature: BloodPressureFeature?, raw: RawSource
  ) -> Decoded {
    guard !value.isFailed else { return failed("blood pressure measurement", raw) }
    var observations = [
      Observation(.systolic, medical: value.systolic, unit: value.unit),
      Observation(.diastolic, medical: value.diastolic, unit: value.unit),
      Observation(.meanArterial, medical: value.meanArterial, unit: value.unit),
    ]
    if let pulse = value.pulseRate { observations.append(Observation(.cuffPulse, medical: pulse, unit: .perMinute)) }
    let reading = DeviceReading(
      kind: .bloodPressure, observations: observations, flags: value.status?.flags(supportedBy: feature) ?? [],
      time: time(value.timeStamp), user: value.userID, raw: raw)
    return Decoded(readings: [reading], values: surplus(value.trailingOctets))
  }

  static func enhancedBloodPressure(
    _ value: EnhancedBloodPressureMeasurement, feature: BloodPressureFeature?, raw: RawSource
  ) -> Decoded {
    guard !value.isFailed else { return failed("blood pressure measurement", raw) }
    var observations = [
      Observation(.systolic, medical: value.systolic, unit: value.unit),
      Observation(.diastolic, medical: value.diastolic ?? .notANumber, unit: value.unit),
      Observation(.meanArterial, medical: value.meanArterial ?? .notANumber, unit: value.unit),
    ]
    if let pulse = value.pulseRate { observations.append(Observation(.cuffPulse, medical: pulse, unit: .perMinute)) }
    // The base time line counts UTC seconds; the user facing time is only what the display showed.
    let reading = DeviceReading(
      kind: .bloodPressure, observations: observations, flags: value.status?.flags(supportedBy: feature) ?? [],
      time: value.timeStamp.map { .utc(milliseconds: value.unixSeconds($0) * 1000) }, user: value.userID, raw: raw)
    var values = surplus(value.trailingOctets)
    if let time = value.timeStamp { values.append(NamedValue("time_stamp_s", .integer(Int64(time)))) }
    if let time = value.userFacingTime { values.append(NamedValue("user_facing_time_s", .integer(Int64(time)))) }
    if value.timeStamp != nil || value.userFacingTime != nil {
      values.append(NamedValue("epoch", .integer(Int64(value.epoch))))
    }
    return Decoded(readings: [reading], values: values)
  }

  static func weight(_ value: WeightMeasurement, raw: RawSource) -> Decoded {
    guard let weight = value.weight else { return failed("weighing", raw) }
    var observations = [Observation(.weight, .value(weight), unit: value.unit)]
    if let height = value.height { observations.append(Observation(.height, .value(height), unit: value.heightUnit)) }
    if let index = value.bodyMassIndex {
      observations.append(Observation(.bodyMassIndex, .value(index), unit: .kilogramPerSquareMetre))
    }
    let reading = DeviceReading(
      kind: .bodyWeight, observations: observations, time: time(value.timeStamp), user: value.userID, raw: raw)
    return Decoded(readings: [reading], values: surplus(value.trailingOctets))
  }

  /// A composition, with the weight that belongs to it when the scale sent that separately.
  static func bodyComposition(
    _ value: BodyCompositionMeasurement, weighing: WeightMeasurement? = nil, raw: RawSource
  ) -> Decoded {
    if value.isEmptyStub {
      // Nothing of a body was measured but, perhaps, its weight.
      var weight = value.weight ?? weighing?.weight
      if weight?.isZero ?? false { weight = nil }
      guard let weight else { return failed("body composition measurement", raw) }
      let unit = value.weight == nil ? weighing?.unit ?? .kilogram : value.massUnit
      let reading = DeviceReading(
        kind: .bodyWeight, observations: [Observation(.weight, .value(weight), unit: unit)],
        time: time(value.timeStamp ?? weighing?.timeStamp), user: value.userID ?? weighing?.userID, raw: raw)
      return Decoded(readings: [reading], values: surplus(value.trailingOctets))
    }
    var observations: [Observation] = []
    func add(_ term: Term, _ number: ExactDecimal?, _ unit: UCUM) {
      if let number { observations.append(Observation(term, .value(number), unit: unit)) }
    }
    if let weight = value.weight {
      add(.weight, weight, value.massUnit)
    } else {
      add(.weight, weighing?.weight, weighing?.unit ?? .kilogram)
    }
    if let height = value.height {
      add(.height, height, value.heightUnit)
    } else {
      add(.height, weighing?.height, weighing?.heightUnit ?? .metre)
    }
    add(.bodyMassIndex, weighing?.bodyMassIndex, .kilogramPerSquareMetre)
    if let fat = value.bodyFat {
      add(.bodyFat, fat, .percent)
    } else {
      observations.append(Observation(.bodyFat, .absent(.notPerformed), unit: .percent))
    }
    add(.fatFreeMass, value.fatFreeMass, value.massUnit)
    add(.softLeanMass, value.softLeanMass, value.massUnit)
    add(.bodyWater, value.bodyWaterMass, value.massUnit)
    add(.basalMetabolism, value.basalMetabolism, .kilojoule)
    add(.musclePercentage, value.musclePercentage, .percent)
    add(.muscleMass, value.muscleMass, value.massUnit)
    add(.impedance, value.impedance, .ohm)
    let reading = DeviceReading(
      kind: .bodyComposition, observations: observations, time: time(value.timeStamp ?? weighing?.timeStamp),
      user: value.userID ?? weighing?.userID, raw: raw)
    return Decoded(readings: [reading], values: surplus(value.trailingOctets))
  }

  static func spotCheck(_ value: PLXSpotCheckMeasurement, features: PLXFeatures?, raw: RawSource) -> Decoded {
    if value.measurementStatus?.forbidsValues ?? false {
      return Decoded(problems: [
        DriverProblem(
          code: "not-a-measurement", message: "the oximeter marks this as demonstration, test, unavailable or invalid",
          raw: raw)
      ])
    }
    guard value.spo2.decimal != nil || value.pulseRate.decimal != nil else { return failed("spot-check", raw) }
    var observations = [
      Observation(.spo2, medical: value.spo2, unit: .percent),
      Observation(.oximeterPulse, medical: value.pulseRate, unit: .perMinute),
    ]
    if let index = value.pulseAmplitudeIndex {
      observations.append(Observation(.perfusionIndex, medical: index, unit: .percent))
    }
    var flags = value.measurementStatus?.flags(supported: features?.measurementStatus) ?? []
    flags += value.sensorStatus?.flags(supported: features?.sensorStatus) ?? []
    if value.isClockNotSet { flags.append(.clockNotSet) }
    let reading = DeviceReading(
      kind: .pulseOximetry, observations: observations, flags: flags,
      time: value.isClockNotSet ? nil : time(value.timeStamp),
      stored: value.measurementStatus.map { $0.rawValue & 0x0200 != 0 }, raw: raw)
    return Decoded(readings: [reading], values: surplus(value.trailingOctets))
  }

  static func continuous(_ value: PLXContinuousMeasurement, features: PLXFeatures?, raw: RawSource) -> Decoded {
    if value.measurementStatus?.forbidsValues ?? false || value.sensorStatus?.isWithoutSignal ?? false {
      return Decoded(problems: [
        DriverProblem(
          code: "not-a-measurement",
          message: "the oximeter has no valid value: no finger, demonstration, test or invalid",
          raw: raw)
      ])
    }
    guard value.spo2.decimal != nil || value.pulseRate.decimal != nil else { return failed("oximetry", raw) }
    var observations = [
      Observation(.spo2, medical: value.spo2, unit: .percent),
      Observation(.oximeterPulse, medical: value.pulseRate, unit: .perMinute),
    ]
    if let index = value.pulseAmplitudeIndex {
      observations.append(Observation(.perfusionIndex, medical: index, unit: .percent))
    }
    let flags =
      (value.measurementStatus?.flags(supported: features?.measurementStatus) ?? [])
      + (value.sensorStatus?.flags(supported: features?.sensorStatus) ?? [])
    let reading = DeviceReading(
      kind: .pulseOximetry, observations: observations, flags: flags, stored: false, raw: raw)
    return Decoded(readings: [reading], values: surplus(value.trailingOctets))
  }

  static func temperature(_ value: TemperatureMeasurement, site: TemperatureType?, raw: RawSource) -> Decoded {
    guard value.temperature.decimal != nil else { return failed("temperature measurement", raw) }
    let term = (value.type ?? site)?.term ?? .temperature
    let reading = DeviceReading(
      kind: .bodyTemperature, observations: [Observation(term, medical: value.temperature, unit: value.unit)],
      time: time(value.timeStamp), raw: raw)
    return Decoded(readings: [reading], values: surplus(value.trailingOctets))
  }

  static func glucose(
    _ value: GlucoseMeasurement, context: GlucoseMeasurementContext?, feature: GlucoseFeature?, raw: RawSource
  ) -> Decoded {
    let values =
      [NamedValue("sequence", .integer(Int64(value.sequenceNumber)))] + surplus(value.trailingOctets)
    if value.isControlSolution {
      return Decoded(
        values: values,
        problems: [
          DriverProblem(
            code: "control-solution", message: "a control solution was measured; it is never a patient's value",
            raw: raw)
        ])
    }
    if context?.meal == GlucoseMeasurementContext.ketone {
      let message = "a ketone was measured; it is no glucose"
      return Decoded(values: values, problems: [DriverProblem(code: "not-a-measurement", message: message, raw: raw)])
    }
    let isOutOfRange = value.status.map { !$0.isDisjoint(with: [.aboveRange, .belowRange]) } ?? false
    if value.concentration?.decimal == nil, !isOutOfRange {
      var decoded = failed("glucose measurement", raw)
      decoded.values = values
      return decoded
    }
    // HI and LO: the number, if any, is only the end of the meter's range.
    let observation: Observation
    if value.status?.contains(.aboveRange) ?? false {
      observation = Observation(value.term, .absent(.positiveInfinity), unit: value.unit)
    } else if value.status?.contains(.belowRange) ?? false {
      observation = Observation(value.term, .absent(.negativeInfinity), unit: value.unit)
    } else {
      observation = Observation(value.term, medical: value.concentration ?? .notANumber, unit: value.unit)
    }
    if let number = observation.value.decimal, number.isNegative {
      var decoded = failed("glucose measurement (a negative concentration)", raw)
      decoded.values = values
      return decoded
    }
    var flags = value.status?.flags(supportedBy: feature) ?? []
    if let meal = context?.mealFlag { flags.append(meal) }
    let reading = DeviceReading(
      kind: .glucose, observations: [observation], flags: flags, time: glucoseTime(value),
      recordNumber: UInt32(value.sequenceNumber), stored: true, raw: raw)
    return Decoded(readings: [reading], values: values)
  }

  /// Base time plus the offset by which the user moved the clock.
  private static func glucoseTime(_ value: GlucoseMeasurement) -> DeviceStamp? {
    guard let base = value.baseTime.usable else { return nil }
    guard let offset = value.timeOffset, offset != 0, base.isComplete else { return .local(base) }
    return .local(base.adding(minutes: Int(offset)))
  }

  static func heartRate(_ value: HeartRateMeasurement, raw: RawSource) -> Decoded {
    var values = surplus(value.trailingOctets)
    values.append(NamedValue("contact", .text(value.contact.rawValue)))
    if let energy = value.energyExpended { values.append(NamedValue("energy_kJ", .integer(Int64(energy)))) }
    if !value.rrIntervals.isEmpty {
      values.append(NamedValue("rr_1024", .list(value.rrIntervals.map { .integer(Int64($0)) })))
    }
    guard value.contact != .notDetected, value.heartRate > 0 else {
      return Decoded(
        values: values,
        problems: [DriverProblem(code: "not-a-measurement", message: "the sensor does not touch the skin", raw: raw)])
    }
    let observation = Observation(.heartRate, .value(ExactDecimal(Int64(value.heartRate))), unit: .perMinute)
    return Decoded(
      readings: [DeviceReading(kind: .heartRate, observations: [observation], stored: false, raw: raw)], values: values)
  }
}

extension DeviceDateTime {
  /// The stamp moved by whole minutes, by the calendar; the stamp itself when its date does not exist.
  func adding(minutes: Int) -> DeviceDateTime {
    let lengths = [
      31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]
    guard (1...12).contains(month), day >= 1, Int(day) <= lengths[Int(month) - 1] else { return self }
    var (year, month, day) = (Int(year), Int(month), Int(day))
    var total = Int(hours) * 60 + Int(self.minutes) + minutes
    while total < 0 {
      total += 1440
      day -= 1
      if day == 0 {
        month = month == 1 ? 12 : month - 1
        if month == 12 { year -= 1 }
        day = DeviceDateTime.length(of: month, year)
      }
    }
    while total >= 1440 {
      total -= 1440
      day += 1
      if day > DeviceDateTime.length(of: month, year) {
        day = 1
        month = month == 12 ? 1 : month + 1
        if month == 1 { year += 1 }
      }
    }
    return DeviceDateTime(
      year: UInt16(clamping: year), month: UInt8(clamping: month), day: UInt8(clamping: day),
      hours: UInt8(clamping: total / 60), minutes: UInt8(clamping: total % 60), seconds: seconds)
  }

  private static func length(of month: Int, _ year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
