// The right time or none: device clocks, zones, daylight saving; plausibility; identifiers.

import Drivers
import Foundation
@testable import GatewayCore
import Monitoring
import Octets
import Readings
import Testing
import Zones
@testable import Ledger

/// 2026-11-21T08:15:30Z.
private let noon: Int64 = 1_795_248_930_000
private let device = DeviceIdentity(id: "d", transport: .ble, address: "5C:31:3E:00:00:01")

private func stamp(_ y: UInt16, _ m: UInt8, _ d: UInt8, _ h: UInt8, _ min: UInt8, _ s: UInt8 = 0) -> DeviceStamp {
  .local(DeviceDateTime(year: y, month: m, day: d, hours: h, minutes: min, seconds: s))
}

private func raw(
  _ time: DeviceStamp?,
  _ observations: [Observation] = [Observation(.weight, .value(ExactDecimal(72)), unit: .kilogram)],
  octets: [UInt8] = [1]
) -> DeviceReading {
  DeviceReading(kind: .bodyWeight, observations: observations, time: time, raw: RawSource(source: "t", octets: octets))
}

private func place(
  _ time: DeviceStamp?, clock: DeviceClock? = nil, synchronised: Bool = true, wall: Int64 = noon,
  zone: TimeZoneRules = .utc
) -> Reading {
  Intake.normalise(
    raw(time),
    IntakeContext(
      device: device, zone: zone, now: Now(monotonic: 0, wall: wall, isSynchronised: synchronised, bootID: ""),
      clock: clock))
}

@Suite struct DeviceTimeTests {
  @Test func aStampNearReceptionIsTheDevices() {
    let reading = place(stamp(2026, 11, 21, 8, 15))
    #expect(reading.takenAt?.milliseconds == noon - 30_000)
    #expect(reading.timeQuality == .device)
    #expect(reading.flags.isEmpty)
  }

  @Test func aClockThatIsAnHourSlowIsCorrected() {
    let reading = place(stamp(2026, 11, 21, 7, 10), clock: DeviceClock(offset: 3_600_000, isReliable: true))
    #expect(reading.takenAt?.milliseconds == noon - 330_000)
    #expect(reading.timeQuality == .corrected)
    #expect(reading.deviceTime == stamp(2026, 11, 21, 7, 10))
  }

  @Test func aClockThatTheHubSetIsRightFromThenOn() {
    // A day behind, set a minute before noon; noon is reception.
    var clock = DeviceClock(offset: 86_400_000, isReliable: true)
    clock.setAt = noon - 60_000
    let before = place(stamp(2026, 11, 20, 8, 10), clock: clock)
    #expect(before.timeQuality == .corrected)
    #expect(before.takenAt?.milliseconds == noon - 330_000)
    let after = place(stamp(2026, 11, 21, 8, 15), clock: clock)
    #expect(after.timeQuality == .device)
    #expect(after.takenAt?.milliseconds == noon - 30_000)
  }

  @Test func aClockWithinAMinuteIsKept() {
    let reading = place(stamp(2026, 11, 21, 8, 0), clock: DeviceClock(offset: 59_000, isReliable: true))
    #expect(reading.timeQuality == .device)
    #expect(reading.takenAt?.milliseconds == noon - 930_000)
  }

  @Test func anUnsynchronisedHubCorrectsNobody() {
    let reading = place(
      stamp(2026, 11, 21, 7, 10), clock: DeviceClock(offset: 99_000_000, isReliable: false), synchronised: false,
      wall: 0)
    #expect(reading.timeQuality == .receivedUnsynced, "nothing that is right stood beside the stamp")
    #expect(reading.flags == [.clockUnverified])
    #expect(reading.takenAt?.milliseconds == noon - 3_930_000)
    #expect(place(nil, synchronised: false).timeQuality == .receivedUnsynced)
    #expect(place(stamp(2094, 12, 18, 8, 0), synchronised: false).timeQuality == .unplaced)
  }

  @Test func withoutAStampItIsReception() {
    let reading = place(nil)
    #expect(reading.timeQuality == .received)
    #expect(reading.takenAt?.milliseconds == noon)
  }

  @Test func anOldStampWithoutEvidenceSaysSo() {
    let reading = place(stamp(2026, 11, 19, 8, 15))
    #expect(reading.timeQuality == .device)
    #expect(reading.flags == [.clockUnverified])
  }

  /// A clock that was read tells how far its stamps are from the truth, whatever its year.
  @Test func aClockThatBeganAnewIsCorrected() {
    // The device's clock shows 2000-01-01 00:12:00 now; it measured two minutes before.
    let clock = Intake.clock(
      stamp(2000, 1, 1, 0, 12), zone: .utc, now: Now(monotonic: 0, wall: noon, isSynchronised: true, bootID: ""))
    let reading = place(stamp(2000, 1, 1, 0, 10), clock: clock)
    #expect(reading.takenAt?.milliseconds == noon - 120_000)
    #expect(reading.timeQuality == .corrected)
    // What was measured before the battery was changed has the time that it had then.
    let before = place(stamp(2026, 11, 20, 8, 10), clock: clock)
    #expect(before.takenAt?.milliseconds == noon - 86_730_000)
    #expect(before.timeQuality == .device && before.flags == [.clockUnverified])
    // A hub whose own clock is not right knows how long ago it was.
    let unsure = Intake.clock(
      stamp(2000, 1, 1, 0, 12), zone: .utc, now: Now(monotonic: 0, wall: noon, isSynchronised: false, bootID: ""))
    let distant = place(stamp(2000, 1, 1, 0, 10), clock: unsure, synchronised: false)
    #expect(distant.takenAt?.milliseconds == noon - 120_000)
    #expect(distant.timeQuality == .receivedUnsynced && distant.flags == [.clockNotSet])
    // A clock that is right says nothing of a record from before it was set.
    #expect(place(stamp(2000, 1, 1, 0, 10), clock: DeviceClock(offset: 0, isReliable: true)).timeQuality == .unplaced)
  }

  @Test(arguments: [stamp(1978, 1, 1, 0, 0), stamp(2014, 12, 31, 23, 59), .utc(milliseconds: 0)])
  func aClockThatWasNeverSetIsTakenAsReceivedAndToldSo(time: DeviceStamp) {
    let reading = place(time)
    #expect(reading.takenAt?.milliseconds == noon)
    #expect(reading.timeQuality == .received)
    #expect(reading.flags == [.clockNotSet])
    #expect(reading.deviceTime == time)
    let unsynchronised = place(time, synchronised: false)
    #expect(unsynchronised.timeQuality == .receivedUnsynced && unsynchronised.flags == [.clockNotSet])
  }

  @Test func aRecordOfAMemoryWhoseClockWasNeverSetIsPlacedNowhere() {
    var record = raw(stamp(2010, 1, 2, 1, 31))
    record.stored = true
    let now = Now(monotonic: 0, wall: noon, isSynchronised: true, bootID: "")
    let reading = Intake.normalise(record, IntakeContext(device: device, zone: .utc, now: now))
    #expect(reading.takenAt == nil && reading.timeQuality == .unplaced)
  }

  @Test(arguments: [
    stamp(0, 4, 17, 20, 41), stamp(2026, 0, 21, 8, 15), stamp(2026, 2, 30, 8, 15), stamp(2026, 11, 21, 8, 21),
    stamp(9999, 12, 31, 23, 59), stamp(65535, 1, 1, 0, 0), .utc(milliseconds: Int64.max),
  ])
  func whatNamesNoMomentIsPlacedNowhere(time: DeviceStamp) {
    let reading = place(time)
    #expect(reading.takenAt == nil)
    #expect(reading.timeQuality == .unplaced)
    #expect(reading.deviceTime == time)
  }

  @Test func theStampIsInTheZoneOfThePatient() throws {
    // A fixed rule of one hour east, as a TZif file of version 2 without transitions.
    let oslo = try TimeZoneRules(tzif: TZif.fixed("CET-1"))
    let reading = place(stamp(2026, 11, 21, 9, 15), zone: oslo)
    #expect(reading.takenAt == Timestamp(milliseconds: noon - 30_000, offsetSeconds: 3600))
    #expect(reading.receivedAt.offsetSeconds == 3600)
  }

  @Test func theHourThatComesTwiceIsToldAsAmbiguous() throws {
    let oslo = try TimeZoneRules(tzif: TZif.fixed("CET-1CEST,M3.5.0,M10.5.0/3"))
    // 2026-10-25T01:35:00Z is 02:35 for the second time.
    let reading = place(stamp(2026, 10, 25, 2, 34), wall: 1_792_892_100_000, zone: oslo)
    #expect(reading.takenAt?.milliseconds == 1_792_892_040_000)
    #expect(reading.flags == [.ambiguousTime])
  }
}

/// Small zone files.
enum TZif {
  static func fixed(_ footer: String) -> [UInt8] {
    func header(_ version: UInt8) -> [UInt8] {
      Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
        + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4]
    }
    let body: [UInt8] = [0, 0, 0x0E, 0x10, 0, 0] + Array("CET".utf8) + [0]
    return header(0x32) + body + header(0x32) + body + [0x0A] + Array(footer.utf8) + [0x0A]
  }
}

@Suite struct PlausibilityAndIdentityTests {
  /// The quick look at ordinary values says the same as the whole judgement.
  @Test func ordinaryValuesAreNotUnbelieved() {
    func isUnbelieved(_ observations: [Observation]) -> Bool {
      Worth.all(of: observations).contains { if case .unbelieved = $0 { true } else { false } }
    }
    func pressure(_ term: Term, _ value: Int64?) -> [Observation] {
      value.map { [Observation(term, .value(ExactDecimal($0)), unit: .millimetreOfMercury)] } ?? []
    }
    var ordinary = 0
    for systolic: Int64? in [nil, 0, 49, 50, 89, 90, 100, 280, 281] {
      for diastolic: Int64? in [nil, 24, 25, 80, 90, 100, 181] {
        for mean: Int64? in [nil, 0, 24, 25, 79, 85, 91, 261] {
          for pulse: Int64? in [nil, 24, 25, 300, 301] {
            let values =
              pressure(.systolic, systolic) + pressure(.diastolic, diastolic) + pressure(.meanArterial, mean)
              + (pulse.map { [Observation(.cuffPulse, .value(ExactDecimal($0)), unit: .perMinute)] } ?? [])
            if Worth.areOrdinary(values) {
              ordinary += 1
              #expect(!isUnbelieved(values), "\(values)")
            }
            #expect(Plausibility.isImplausible(values) == isUnbelieved(values), "\(values)")
          }
        }
      }
    }
    #expect(ordinary > 20)
    let twice = pressure(.systolic, 120) + pressure(.diastolic, 80) + pressure(.systolic, 60)
    #expect(!Worth.areOrdinary(twice))
    #expect(!Worth.areOrdinary([Observation(term: .weight, value: .absent(.implausible), reported: nil)]))
    #expect(Worth.areOrdinary([]) && !isUnbelieved([]))
  }

  @Test func observationsStandInTheOrderOfTheNomenclature() {
    let terms: [Term] = [.cuffPulse, .diastolic, .systolic, .cuffPulse]
    let values = terms.enumerated().map { index, term in
      Observation(term: term, value: .value(ExactDecimal(Int64(70 + index))), reported: nil)
    }
    let observations = Intake.normalise(
      raw(nil, values),
      IntakeContext(
        device: device, zone: .utc, now: Now(monotonic: 0, wall: noon, isSynchronised: true, bootID: ""))
    ).observations
    #expect(observations.map(\.term) == [.systolic, .diastolic, .cuffPulse, .cuffPulse])
    #expect(observations.map(\.value.decimal) == [72, 71, 70, 73].map { ExactDecimal($0) })
  }

  private func flags(_ observations: [Observation]) -> [ReadingFlag] {
    Intake.normalise(
      raw(nil, observations),
      IntakeContext(device: device, zone: .utc, now: Now(monotonic: 0, wall: noon, isSynchronised: true, bootID: ""))
    ).flags
  }

  private func pressure(_ systolic: Int64, _ diastolic: Int64, mean: Int64? = nil) -> [Observation] {
    var list = [
      Observation(.systolic, .value(ExactDecimal(systolic)), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(diastolic)), unit: .millimetreOfMercury),
    ]
    if let mean { list.append(Observation(.meanArterial, .value(ExactDecimal(mean)), unit: .millimetreOfMercury)) }
    return list
  }

  @Test func valuesThatNobodyHasAreFlaggedAndKept() {
    #expect(flags(pressure(128, 82, mean: 97)).isEmpty)
    #expect(flags(pressure(128, 82, mean: 0)).isEmpty)
    for bad in [pressure(281, 82), pressure(128, 24), pressure(90, 85), pressure(80, 90), pressure(128, 82, mean: 130)]
    {
      #expect(flags(bad) == [.implausible])
    }
    #expect(flags([Observation(.spo2, .value(ExactDecimal(49)), unit: .percent)]) == [.implausible])
    #expect(
      flags([Observation(.earTemperature, .value(ExactDecimal(431, exponent: -1)), unit: .degreeCelsius)]) == [
        .implausible
      ])
    #expect(flags([Observation(.weight, .value(ExactDecimal(301)), unit: .kilogram)]) == [.implausible])
  }

  @Test func valuesStandInTheOrderOfTheNomenclature() {
    let reading = Intake.normalise(
      raw(nil, pressure(128, 82).reversed()),
      IntakeContext(device: device, zone: .utc, now: Now(monotonic: 0, wall: noon, isSynchronised: true, bootID: "")))
    #expect(reading.observations.map(\.term) == [.systolic, .diastolic])
  }

  @Test func theIdentifierIsTheRecordsForEver() {
    func id(_ octets: [UInt8], _ time: DeviceStamp?, at wall: Int64, _ device: DeviceIdentity = device) -> ReadingID {
      Intake.normalise(
        raw(time, octets: octets),
        IntakeContext(device: device, zone: .utc, now: Now(monotonic: 0, wall: wall, isSynchronised: true, bootID: ""))
      ).id
    }
    let time = stamp(2026, 11, 21, 8, 15)
    #expect(id([1, 2], time, at: noon) == id([1, 2], time, at: noon + 86_400_000))
    #expect(id([1, 2], time, at: noon) != id([1, 3], time, at: noon))
    #expect(id([1], nil, at: noon) != id([1], nil, at: noon + 120_000))
    var renamed = device
    renamed.id = "another"
    #expect(id([1], time, at: noon) == id([1], time, at: noon, renamed))
    renamed.address = "00:00:00:00:00:02"
    #expect(id([1], time, at: noon) != id([1], time, at: noon, renamed))
    // Version and variant of RFC 9562.
    let text = Array(id([1], time, at: noon).description)
    #expect(text[14] == "5" && ["8", "9", "a", "b"].contains(text[19]))
  }
}
