// Readings of every kind, as the journal keeps them, for the tests of what goes out.

import Exchange
import JSON
import Octets
import Readings
import Zones

/// Readings for tests.
enum Sample {
  /// 2026-11-21T08:15:30+01:00.
  static let taken = Timestamp(milliseconds: 1_795_245_330_000, offsetSeconds: 3600)
  static let received = Timestamp(milliseconds: 1_795_245_333_120, offsetSeconds: 3600)

  static let cuff = DeviceIdentity(
    id: "cuff", manufacturer: "A&D", model: "UA-651BLE", serial: "5160300123", firmware: "BLP008_d016", transport: .ble,
    address: "5C:31:3E:00:00:01", systemID: "5C-31-3E-FF-FE-00-00-01")
  static let scale = DeviceIdentity(
    id: "scale", manufacturer: "A&D", model: "UC-352BLE", transport: .ble, address: "5C:31:3E:00:00:02")
  static let line = DeviceIdentity(id: "line", model: "CMS50D+", transport: .serial, address: "/dev/ttyUSB0")

  static func reading(
    _ number: UInt64, _ kind: ReadingKind, _ observations: [Observation], flags: [ReadingFlag] = [],
    device: DeviceIdentity = cuff, takenAt: Timestamp? = taken, quality: TimeQuality = .device,
    deviceTime: DeviceStamp? = .local(
      DeviceDateTime(year: 2026, month: 11, day: 21, hours: 8, minutes: 15, seconds: 30)),
    patient: String? = "p-7f3a", evaluation: Evaluation? = nil, source: String = "1810/2A35"
  ) -> Reading {
    Reading(
      id: ReadingID(high: 0x018F_0000_0000_5000, low: 0x8000_0000_0000_0000 | number), kind: kind,
      observations: observations, flags: flags, takenAt: takenAt, timeQuality: quality, deviceTime: deviceTime,
      receivedAt: received, user: 1, patient: patient, device: device, evaluation: evaluation,
      raw: RawSource(source: source, octets: [UInt8(truncatingIfNeeded: number)]))
  }

  static func value(_ term: Term, _ mantissa: Int64, _ exponent: Int8 = 0, unit: UCUM? = nil) -> Observation {
    Observation(term, .value(ExactDecimal(mantissa, exponent: exponent)), unit: unit ?? term.unit)
  }

  static let pressure = reading(
    1, .bloodPressure,
    [value(.systolic, 182), value(.diastolic, 91), value(.meanArterial, 121), value(.cuffPulse, 710, -1)],
    flags: [.irregularPulse, .bodyMovement, .questionable],
    evaluation: Evaluation(
      zone: .red, rules: [.init(rule: "bp.extreme", zone: .red, state: "raised")], planVersion: 12))
  static let weight = reading(
    2, .bodyWeight, [value(.weight, 15_600, -2, unit: .pound), value(.bodyMassIndex, 2310, -2)], device: scale,
    source: "181D/2A9D")
  static let composition = reading(
    3, .bodyComposition,
    [
      value(.weight, 70_760, -3), value(.bodyFat, 215, -1), value(.fatFreeMass, 555, -1), value(.bodyWater, 401, -1),
      value(.basalMetabolism, 6800), value(.musclePercentage, 402, -1), value(.muscleMass, 284, -1),
      value(.impedance, 5123, -1),
    ], device: scale, source: "181B/2A9C")
  static let oximetry = reading(
    4, .pulseOximetry,
    [value(.spo2, 97), value(.oximeterPulse, 63), value(.perfusionIndex, 32, -1)],
    flags: [.signalPoor, .sensorDisplaced, .questionable], source: "1822/2A5E")
  static let serialOximetry = reading(
    5, .pulseOximetry, [value(.spo2, 96), value(.oximeterPulse, 71)], device: line, quality: .received, deviceTime: nil,
    source: "contec-v7")
  static let fever = reading(
    6, .bodyTemperature, [value(.earTemperature, 1004, -1, unit: .degreeFahrenheit)], source: "1809/2A1C")
  static let glucose = reading(
    7, .glucose, [value(.glucoseCapillaryWholeBlood, 99, 0, unit: .milligramPerDecilitre)],
    flags: [.mealAfter, .lowBattery, .stripError], source: "1808/2A18")
  static let heart = reading(8, .heartRate, [value(.heartRate, 64)], deviceTime: nil, source: "180D/2A37")
  static let failed = reading(
    9, .bloodPressure,
    [
      Observation(.systolic, .absent(.notANumber), unit: .millimetreOfMercury),
      Observation(.diastolic, .absent(.error), unit: .millimetreOfMercury), value(.meanArterial, 97),
      Observation(.cuffPulse, .absent(.positiveInfinity), unit: .perMinute),
    ], flags: [.cuffTooLoose, .questionable])
  /// The device's clock was a year behind: 2025-11-21 08:15:30 said, a day after that in truth.
  static let corrected = reading(
    10, .bloodPressure, [value(.systolic, 124), value(.diastolic, 78)],
    quality: .corrected,
    deviceTime: .local(DeviceDateTime(year: 2025, month: 11, day: 21, hours: 8, minutes: 15, seconds: 30)))
  static let test = reading(
    11, .pulseOximetry, [value(.spo2, 90)], flags: [.testData, .earlyIndication], source: "1822/2A5F")
  static let invalid = reading(
    12, .bloodPressure, [value(.systolic, 100), value(.diastolic, 50), value(.cuffPulse, 60)], flags: [.invalid])

  static let all = [
    pressure, weight, composition, oximetry, serialOximetry, fever, glucose, heart, failed, corrected, test, invalid,
  ]

  static func item(_ reading: Reading) -> OutgoingItem {
    OutgoingItem(id: reading.id.description, isReading: true, json: ReadingJSON.encode(reading, sequence: 4711))
  }

  static let event = OutgoingItem(
    id: "9b8e0c62-5a2e-5f6b-8f64-0d5c9a0f3c11", isReading: false,
    json: Array(
      #"{"id":"9b8e0c62-5a2e-5f6b-8f64-0d5c9a0f3c11","type":"threshold","at":"2026-11-21T08:15:33.120+01:00","patient":"p-7f3a","rule":"bp.extreme","event":"raised","zone":"red","plan_version":12,"reading":"018f0000-0000-5000-8000-000000000001"}"#
        .utf8))

  static let bands = PatientBands(
    version: 12,
    bands: [
      .init(rule: "bp.extreme", terms: [.systolic], zone: .red, bounds: [.init(.atLeast, ExactDecimal(180))]),
      .init(rule: "bp.extreme", terms: [.systolic], zone: .red, bounds: [.init(.lessThan, ExactDecimal(90))]),
      .init(rule: "bp.dia", terms: [.diastolic], zone: .yellow, bounds: [.init(.atLeast, ExactDecimal(100))]),
      .init(
        rule: "bp.dia", terms: [.diastolic], zone: .green,
        bounds: [.init(.greaterThan, ExactDecimal(55)), .init(.lessThan, ExactDecimal(100))]),
    ])

  static func context(maximumBytes: Int = 1 << 20, bands: [String: PatientBands] = ["p-7f3a": bands]) -> ExchangeContext
  {
    ExchangeContext(
      hubID: "hub-0011223344556677", bootID: "6f1c2a5e-0000-4000-8000-000000000000", version: "0.1.0",
      batchID: "0f0e0d0c-0b0a-4908-8706-050403020100", sentAtMilliseconds: 1_795_245_400_000, bands: bands,
      maximumBytes: maximumBytes)
  }
}
