// What the hub writes comes back as it was; rules that go beyond one field.

import HealthProfiles
import Octets
import Readings
import Testing

struct HealthProfilesTests {
  private let noon = DeviceDateTime(year: 2026, month: 11, day: 21, hours: 12, minutes: 5, seconds: 9)

  @Test func clocksComeBackAsTheyWereWritten() throws {
    #expect(try DateTime(decoding: DateTime(noon).octets) == DateTime(noon))
    let current = CurrentTime(noon, dayOfWeek: 6, fractions256: 128, adjustReason: 2)
    #expect(current.octets.count == 10)
    #expect(try CurrentTime(decoding: current.octets) == current)
    let local = LocalTimeInformation(timeZone: 4, dstOffset: 4)
    #expect(try LocalTimeInformation(decoding: local.octets) == local)
    let elapsed = CurrentElapsedTime(flags: 0x32, timeValue: 848_664_309, syncSource: 1, offset: 4)
    #expect(elapsed.octets.count == 9)
    #expect(try CurrentElapsedTime(decoding: elapsed.octets) == elapsed)
  }

  @Test func badStampVoidsTheTimeAndKeepsTheReading() throws {
    let value = try BloodPressureMeasurement(decoding: [
      0x02, 0x78, 0, 0x50, 0, 0x60, 0, 0xEA, 0x07, 13, 1, 0, 0, 0,
    ])
    #expect(value.systolic.decimal?.description == "120")
    #expect(value.timeStamp?.isInRange == false)
    #expect(value.timeStamp?.usable == nil)
  }

  @Test func statusWithoutFeatureSaysNothing() throws {
    let feature = try BloodPressureFeature(decoding: [0x04, 0x00])
    let status = BloodPressureStatus(rawValue: 0x0027)
    #expect(status.flags(supportedBy: feature) == [.irregularPulse])
    #expect(status.flags(supportedBy: nil) == [.bodyMovement, .cuffTooLoose, .irregularPulse, .improperPosition])
  }

  @Test func massesKeepTheResolutionOfTheWire() throws {
    let kilogram = try WeightMeasurement(decoding: [0x00, 0xD0, 0x39])
    #expect(kilogram.weight?.description == "74.000")
    #expect(try WeightMeasurement(decoding: [0x01, 0x54, 0x3D]).weight?.description == "157.00")
    #expect(try WeightMeasurement(decoding: [0x00, 0xFF, 0xFF]).weight == nil)
  }

  @Test func glucoseIsShiftedExactly() throws {
    let octets: [UInt8] = [0x06, 0, 0, 0xE4, 7, 3, 14, 23, 23, 0, 0x3E, 0xC0, 0x11]
    let value = try GlucoseMeasurement(decoding: octets)
    #expect(value.unit == .millimolePerLitre)
    #expect(value.concentration?.decimal?.description == "6.2")
  }

  @Test func theFeatureOfAGlucoseMeterHasOtherBitsThanItsStatus() throws {
    func flags(_ status: UInt16, _ feature: [UInt8]) throws -> [ReadingFlag] {
      GlucoseSensorStatus(rawValue: status).flags(supportedBy: try GlucoseFeature(decoding: feature))
    }
    let feature: [UInt8] = [0xBF, 0x00]
    #expect(try flags(0x0040, feature) == [.resultBelowRange])
    #expect(try flags(0x0020, feature) == [.resultAboveRange])
    #expect(try flags(0x0200, feature) == [.deviceMalfunction], "read interrupted")
    #expect(try flags(0x0D80, feature) == [], "neither temperature nor fault is supported")
    #expect(try flags(0x0FFF, [0x00, 0x03]) == [.deviceMalfunction, .clockNotSet], "device and time fault")
    #expect(try flags(0x0100, [0x40, 0x00]) == [.temperatureOutOfRange])
    #expect(try flags(0x0060, [0x1F, 0x04]) == [], "a feature without high and low")
  }

  @Test func twoPacketsOfACompositionBecomeOne() throws {
    let first = try BodyCompositionMeasurement(decoding: [0x10, 0x10, 0xC2, 0, 0x97, 1])
    let second = try BodyCompositionMeasurement(decoding: [0x00, 0x12, 0xC2, 0, 0xA8, 0x11])
    #expect(first.continues(in: second))
    let whole = first.merging(second)
    #expect(whole.musclePercentage?.description == "40.7")
    #expect(whole.impedance?.description == "452.0")
  }

  @Test func segmentsOfARecordAreJoinedInOrder() throws {
    var assembly = BloodPressureRecordAssembly()
    #expect(try assembly.add(BloodPressureRecord(decoding: [0xFD, 7, 0, 0x34, 0x2B, 1, 2])) == nil)
    let whole = try assembly.add(BloodPressureRecord(decoding: [0x02, 7, 0, 0x34, 0x2B, 3]))
    #expect(whole?.octets == [1, 2, 3])
    #expect(throws: DecodeError.self) {
      _ = try assembly.add(BloodPressureRecord(decoding: [0x08, 7, 0, 0x34, 0x2B, 3]))
    }
  }

  @Test func aRecordThatBeginsInAnotherOneIsKeptAndTheOtherIsTold() throws {
    var assembly = BloodPressureRecordAssembly()
    _ = try assembly.add(BloodPressureRecord(decoding: [0x01, 7, 0, 0x34, 0x2B, 1]))
    #expect(!assembly.hasLostRecord && assembly.isUnfinished)
    let whole = try assembly.add(BloodPressureRecord(decoding: [0x03, 8, 0, 0x34, 0x2B, 2]))
    #expect(whole?.sequenceNumber == 8 && whole?.octets == [2])
    #expect(assembly.hasLostRecord && !assembly.isUnfinished)
    _ = try assembly.add(BloodPressureRecord(decoding: [0x03, 9, 0, 0x34, 0x2B, 2]))
    #expect(!assembly.hasLostRecord)
  }

  @Test func deviceInformationIsReadAsBackendsWriteIt() throws {
    #expect(DeviceInformationString.decode(Array("UA-651BLE  \0".utf8)) == "UA-651BLE")
    #expect(DeviceInformationString.decode([0x41, 0xFF]) == "A\u{FFFD}")
    let system = try SystemID(decoding: [0xFF, 0xEE, 0xDD, 0xFE, 0xFF, 0xCC, 0xBB, 0xAA])
    #expect(system.eui64 == "AA-BB-CC-FF-FE-DD-EE-FF")
    #expect(system.matches(address: [0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF]))
    #expect(throws: DecodeError.self) { try BatteryLevel(decoding: [101]) }
  }
}
