// Every recorded BLE value through `decode gatt` and `decode adv`: what the source says comes out, what failed gives no number.

import Drivers
import JSON
import Octets
import Readings
import Testing

struct ProfileVectorTests {
  /// Status words become flags, the parts of a raw number are not shown, and a stamp without date is none.
  private static let elsewhere: Set<String> = [
    "status_hex", "measurement_status_hex", "device_sensor_status_hex", "concentration_raw_sfloat",
    "concentration_unit", "type", "sample_location", "sensor_status_hex", "context_follows", "base_time",
    "time_offset_min", "month", "day", "hour", "minute", "second", "year", "person",
  ]

  private func agrees(_ found: String?, _ expected: JSONValue) -> Bool {
    switch expected {
    case .null: return found == nil
    case .bool(let flag): return found == "\(flag)"
    case .string(let text): return found == text
    case .array(let elements): return found == elements.compactMap { $0.int.map { "\($0)" } }.joined(separator: ",")
    case .number(let number):
      guard let found = found.flatMap({ ExactDecimal($0) }), let wanted = ExactDecimal(number.text) else {
        return false
      }
      return found.isEqual(to: wanted)
    case .object: return false
    }
  }

  @Test func thereAreVectors() {
    #expect(GATTVector.characteristics.count >= 85)
    #expect(GATTVector.quirks.count == 4)
    #expect(GATTVector.advertisements.count >= 15)
  }

  @Test(arguments: GATTVector.characteristics) func aValueSaysWhatItsSourceSays(_ vector: GATTVector) throws {
    if vector.expected["error"] != nil {
      let error = #expect(throws: DecodeError.self) { try vector.decoded() }
      #expect(["truncated", "malformed", "invalid-value"].contains(error?.code ?? ""))
      return
    }
    let decoded = try #require(try vector.decoded())
    expect(decoded, vector)
  }

  private func expect(_ decoded: Decoded, _ vector: GATTVector) {
    let specials = vector.expected.members.filter { ["NaN", "-INF", "unsuccessful"].contains($0.value.string ?? "") }
    let isFailed =
      !specials.isEmpty && specials.count == vector.expected.members.filter { isMeasured($0.key) }.count
    if isFailed {
      // The device itself says that it measured nothing.
      #expect(decoded.readings.isEmpty)
      #expect(["measurement-failed", "not-a-measurement"].contains(decoded.problems.first?.code ?? ""))
      return
    }
    let fields = decoded.fields
    for (key, value) in vector.expected.members.map({ ($0.key, $0.value) })
    where !ProfileVectorTests.elsewhere.contains(key) {
      let isVoid = value.string?.hasPrefix("0000-00-00") ?? false || fields["clock_not_set"] == "true"
      if key == "timestamp", isVoid { continue }
      // What is marked as no measurement has its number nowhere.
      if !decoded.problems.isEmpty, isMeasured(key) { continue }
      #expect(agrees(fields[key], value), "\(key): \(fields[key] ?? "nil") for \(value)")
    }
  }

  private func isMeasured(_ key: String) -> Bool {
    [
      "systolic", "diastolic", "mean_arterial", "pulse_bpm", "spo2_pct", "temperature", "body_fat_pct",
      "heart_rate_bpm", "value_mg_dL",
    ].contains(key)
  }

  @Test(arguments: ["bp-error-nan-movement", "bp-special-ninf", "bc-unsuccessful", "plx-cont-nofinger", "hr-nocontact"])
  func aFailedMeasurementIsNeverAReading(_ id: String) throws {
    let vector = try #require(GATTVector.characteristics.first { $0.id == id })
    let decoded = try #require(try vector.decoded())
    #expect(decoded.readings.isEmpty && decoded.problems.count == 1)
  }

  @Test func oneMissingComponentIsAbsentAndTheRestStands() throws {
    let vector = try #require(GATTVector.characteristics.first { $0.id == "bp-sfloat-exp-minus1" })
    let reading = try #require(try vector.decoded()?.readings.first)
    #expect(
      reading.observations.map(\.value.decimal) == [
        ExactDecimal(1270, exponent: -1), ExactDecimal(790, exponent: -1), nil, ExactDecimal(690, exponent: -1),
      ])
    #expect(reading.observations[2].value == .absent(.notANumber))
  }

  @Test(arguments: GATTVector.quirks) func aDepartureIsUnderstoodByTheModelsName(_ vector: GATTVector) throws {
    let word = try #require(vector.device.split(separator: " ").last)
    for model in [vector.device, String(word), word.lowercased(), "\(vector.device) ".uppercased()] {
      let decoded = try #require(try vector.decoded(model: model))
      #expect(decoded.readings.count == 1, "\(model)")
      for member in vector.expected.members {
        let found = decoded.fields[member.key]
        #expect(agrees(found, member.value), "\(model) \(member.key): \(found ?? "nil")")
      }
    }
    // Without the name the same octets mean something else, or nothing.
    let generic = try? vector.decoded()
    #expect(generic?.fields != (try vector.decoded(model: vector.device))?.fields)
    // Another model's name changes nothing.
    #expect((try? vector.decoded(model: "BM8")) == generic)
  }

  @Test(arguments: GATTVector.advertisements) func anAdvertisementSaysWhatItsSourceSays(_ vector: GATTVector) throws {
    let decoded = try #require(try vector.decoded())
    if vector.service == BluetoothUUID(0xFE95) {
      #expect(decoded.readings.isEmpty)
      #expect(decoded.problems.map(\.code) == ["encrypted"])
      return
    }
    // Stable, and nobody has stepped off yet.
    let status = vector.octets[vector.service == BluetoothUUID(0x181D) ? 0 : 1]
    #expect(decoded.readings.count == (status & 0xA0 == 0x20 ? 1 : 0))
    let fields = decoded.fields
    for member in vector.expected.members where member.key != "person" {
      let found = fields[member.key] ?? (member.key == "weight_kg" ? fields["weight"] : nil)
      if member.key == "stabilized" {
        #expect(found == "\(status & 0xA0 == 0x20)")
      } else {
        #expect(agrees(found, member.value), "\(member.key): \(found ?? "nil")")
      }
    }
  }

  @Test func aScaleWhoseClockWasNeverSetGivesNoTime() throws {
    let octets: [UInt8] = [0x22, 0x20, 0x44, 0xB2, 0x07, 1, 1, 10, 26, 21]
    let data = AdvertisedData(service: BluetoothUUID(0x181D), octets: octets)
    let reading = try #require(try AdvertisementDecoding.decode(data)?.readings.first)
    #expect(reading.time == nil && reading.flags == [.clockNotSet])
    #expect(reading.observations.first?.value.decimal == ExactDecimal(87200, exponent: -3))
  }

  @Test func nobodyKnowsAnUnknownPair() throws {
    #expect(
      try GATTDecoding.decode(service: BluetoothUUID(0x1234), characteristic: BluetoothUUID(0x1235), octets: [1]) == nil
    )
    #expect(try AdvertisementDecoding.decode(AdvertisedData(service: BluetoothUUID(0x1234), octets: [1])) == nil)
    #expect(try AdvertisementDecoding.decode(AdvertisedData(company: 0x1234, octets: [1])) == nil)
  }

  @Test func everyPrefixAndEveryChangedOctetIsAValueOrAnError() {
    var values = 0
    var errors = 0
    func attempt(_ vector: GATTVector, _ octets: [UInt8], _ model: String?) {
      let changed = GATTVector(
        id: vector.id, device: vector.device, service: vector.service, characteristic: vector.characteristic,
        octets: octets, expected: vector.expected)
      do {
        if let decoded = try changed.decoded(model: model) {
          values += 1
          #expect(decoded.readings.allSatisfy { !$0.observations.isEmpty && $0.raw.octets == octets })
        }
      } catch { errors += 1 }
    }
    for vector in GATTVector.characteristics + GATTVector.quirks + GATTVector.advertisements {
      for model in [nil, "BM85", "ES-WBE28", "YE680A"] as [String?] {
        for count in 0...vector.octets.count { attempt(vector, Array(vector.octets.prefix(count)), model) }
        for place in vector.octets.indices {
          for change: UInt8 in [0x01, 0x10, 0x80, 0xFF] {
            var octets = vector.octets
            octets[place] ^= change
            attempt(vector, octets, model)
          }
        }
      }
    }
    #expect(values > 1000 && errors > 1000)
  }
}
