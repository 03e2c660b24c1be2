// The reading's JSON, letter by letter, and back.

import Exchange
import JSON
import Octets
import Readings
import Testing
import Zones

private func sample(patient: String? = "p-7f3a") -> Reading {
  Reading(
    id: ReadingID(high: 0x018F_0000_0000_5000, low: 0x8000_0000_0000_0001), kind: .bodyWeight,
    observations: [
      Observation(.weight, .value(ExactDecimal(15_600, exponent: -2)), unit: .pound),
      Observation(.bodyMassIndex, .absent(.notANumber), unit: .kilogramPerSquareMetre),
    ], flags: [.irregularPulse, .questionable],
    takenAt: Timestamp(milliseconds: 1_795_245_330_000, offsetSeconds: 3600), timeQuality: .device,
    deviceTime: .local(DeviceDateTime(year: 2026, month: 11, day: 21, hours: 8, minutes: 15, seconds: 30)),
    receivedAt: Timestamp(milliseconds: 1_795_245_333_120, offsetSeconds: 3600), user: 1, patient: patient,
    device: DeviceIdentity(
      id: "scale", manufacturer: "A&D", model: "UC-352BLE", serial: "S/1", firmware: "W\"1", transport: .ble,
      address: "5C:31:3E:00:00:01"),
    evaluation: Evaluation(zone: .green, planVersion: 12), raw: RawSource(source: "181D/2A9D", octets: [0x1E, 0x8A]))
}

@Suite struct ReadingJSONTests {
  @Test func theObjectIsTheContracts() {
    let text = String(decoding: ReadingJSON.encode(sample(), sequence: 4711), as: UTF8.self)
    #expect(
      text == #"""
        {"id":"018f0000-0000-5000-8000-000000000001","seq":4711,"kind":"body-weight","observations":[{"code":"MDC_MASS_BODY_ACTUAL","mdc":188736,"loinc":"29463-7","value":"70.760","unit":"kg","reported":{"value":"156.00","unit":"[lb_av]"}},{"code":"MDC_RATIO_MASS_BODY_LEN_SQ","mdc":188752,"loinc":"39156-5","absent":"not-a-number"}],"flags":["irregular-pulse","questionable"],"taken_at":"2026-11-21T08:15:30+01:00","time_quality":"device","device_time":"2026-11-21T08:15:30","received_at":"2026-11-21T08:15:33.120+01:00","user":1,"patient":"p-7f3a","device":{"id":"scale","manufacturer":"A&D","model":"UC-352BLE","serial":"S/1","firmware":"W\"1","transport":"ble","address":"5C:31:3E:00:00:01"},"evaluation":{"zone":"green","rules":[],"plan_version":12},"raw":{"source":"181D/2A9D","hex":"1e8a"}}
        """#)
  }

  @Test func whatIsNotKnownIsNullOrLeftOut() throws {
    var reading = sample(patient: nil)
    reading.takenAt = nil
    reading.timeQuality = .unplaced
    reading.user = nil
    reading.deviceTime = nil
    let value = try JSONReader().value(ReadingJSON.encode(reading))
    #expect(value["taken_at"] == .null)
    #expect(value["patient"] == .null)
    #expect(value["user"] == nil)
    #expect(value["seq"] == nil)
    #expect(value["device_time"] == nil)
  }

  @Test func whatWasEncodedIsDecoded() throws {
    let (reading, sequence) = try ReadingJSON.decode(ReadingJSON.encode(sample(), sequence: 9))
    #expect(reading == sample())
    #expect(sequence == 9)
    var utc = sample(patient: nil)
    utc.deviceTime = .utc(milliseconds: 1_795_245_330_000)
    utc.evaluation = Evaluation(zone: .red, rules: [.init(rule: "r", zone: .red, state: "raised")], planVersion: 1)
    #expect(try ReadingJSON.decode(ReadingJSON.encode(utc)).reading == utc)
  }

  @Test func theSequenceIsPutInWithoutDecoding() throws {
    let plain = ReadingJSON.encode(sample())
    #expect(ReadingJSON.inserting(sequence: 4711, into: plain) == ReadingJSON.encode(sample(), sequence: 4711))
    #expect(ReadingJSON.identifier(plain) == sample().id.description)
    #expect(ReadingJSON.inserting(sequence: 1, into: [0x7B]) == [0x7B])
  }

  @Test func aDamagedObjectIsAnErrorNeverATrap() {
    let octets = ReadingJSON.encode(sample())
    for index in octets.indices {
      _ = try? ReadingJSON.decode(Array(octets[..<index]))
      var changed = octets
      changed[index] ^= 0x04
      _ = try? ReadingJSON.decode(changed)
    }
    #expect(throws: ReadingJSONError.self) { try ReadingJSON.decode(Array("{}".utf8)) }
  }
}
