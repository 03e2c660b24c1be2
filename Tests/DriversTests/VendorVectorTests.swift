// Recorded values of makers' own characteristics: what the source says comes out, what is no measurement gives no number.

import Drivers
import JSON
import Octets
import Readings
import Testing

struct VendorVectorTests {
  /// What the decoders of `decode gatt` take; EEPROM records and advertisements have tests of their own.
  static let vectors = GATTVector.vendors.filter { $0.characteristic != nil }

  @Test func thereAreVectors() { #expect(VendorVectorTests.vectors.count >= 14) }

  private static let names: [(key: String, term: Term)] = [
    ("spo2_pct", .spo2), ("pulse_bpm", .oximeterPulse), ("pulse_bpm", .cuffPulse), ("pai_pct", .perfusionIndex),
    ("pi_pct", .perfusionIndex), ("systolic_mmHg", .systolic), ("diastolic_mmHg", .diastolic),
    ("weight_kg", .weight), ("impedance_ohm", .impedance), ("body_fat_pct", .bodyFat),
    ("muscle_pct", .musclePercentage),
  ]

  private func compare(_ reading: DeviceReading, _ expected: JSONObject, _ id: String) {
    for (key, term) in VendorVectorTests.names {
      guard let wanted = expected[key]?.digits.flatMap({ ExactDecimal($0) }),
        let found = reading.observations.first(where: { $0.term == term })?.value.decimal
      else { continue }
      #expect(found.isEqual(to: wanted), "\(id) \(key): \(found)")
    }
    if let stamp = expected["timestamp"]?.string, case .local(let time)? = reading.time {
      #expect(time.description == stamp, "\(id)")
    }
  }

  @Test(arguments: vectors) func saysWhatItsSourceSays(_ vector: GATTVector) throws {
    if vector.expected["error"] != nil || vector.id == "pc60fw-96-62" {
      // The published capture of the PC-60FW lacks its check.
      #expect(throws: DecodeError.self) { try vector.decoded() }
      return
    }
    let decoded = try #require(try vector.decoded(), "\(vector.id) has a decoder")
    if let records = vector.expected["records"]?.array {
      #expect(decoded.readings.count == records.count)
      for (reading, record) in zip(decoded.readings, records) {
        compare(reading, try #require(record.object), vector.id)
      }
      return
    }
    let isNothing = vector.expected.members.contains { $0.value == .null } || vector.id.hasPrefix("sbf70-comp")
    if isNothing { #expect(decoded.readings.isEmpty) }
    for key in ["smart_point", "searching", "sensor_on_finger", "worn", "pi_raw", "ppg_raw", "bar_raw", "counter"] {
      guard let wanted = vector.expected[key] else { continue }
      let found = decoded.values.first { $0.name == key }?.value.text
      #expect(found == wanted.digits ?? wanted.bool.map { "\($0)" }, "\(vector.id) \(key)")
    }
    if vector.id == "sbf70-weight" || vector.id == "medisana-feature" {
      // A weight while somebody moves, and a composition without its weight, are values and no reading.
      #expect(decoded.readings.isEmpty)
      for (key, name) in [("weight_kg", "weight"), ("body_fat_pct", "body_fat_pct"), ("bone_kg", "bone_kg")] {
        guard let wanted = vector.expected[key]?.digits.flatMap({ ExactDecimal($0) }) else { continue }
        let found = decoded.values.first { $0.name == name }?.value.text.flatMap { ExactDecimal($0) }
        #expect(found?.isEqual(to: wanted) ?? false, "\(vector.id) \(key)")
      }
      return
    }
    let promises = VendorVectorTests.names.contains { vector.expected[$0.key]?.digits != nil }
    guard promises, !isNothing else { return }
    compare(try #require(decoded.readings.first, "\(vector.id) is a reading"), vector.expected, vector.id)
  }

  @Test func everyPrefixAndEveryChangedOctetIsAValueOrAnError() {
    for vector in VendorVectorTests.vectors {
      func attempt(_ octets: [UInt8]) {
        let changed = GATTVector(
          id: vector.id, device: vector.device, service: vector.service, characteristic: vector.characteristic,
          octets: octets, expected: vector.expected)
        _ = try? changed.decoded()
      }
      for count in vector.octets.indices { attempt(Array(vector.octets.prefix(count))) }
      for place in vector.octets.indices {
        for change: UInt8 in [0x01, 0x80, 0xFF] {
          var octets = vector.octets
          octets[place] ^= change
          attempt(octets)
        }
      }
    }
  }
}

extension JSONValue {
  /// A number's digits.
  fileprivate var digits: String? {
    if case .number(let number) = self { return number.text }
    return nil
  }
}
