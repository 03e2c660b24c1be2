// Every recorded value against its decoder, field by field and digit by digit; then every prefix and one-octet change.

import Foundation
import HealthProfiles
import JSON
import Octets
import Readings
import Testing

struct VectorTests {
  struct Vector: Sendable {
    let id: String
    let characteristic: String
    let octets: [UInt8]
    let expected: JSONObject
    var members: [(String, JSONValue)] { expected.members.map { ($0.key, $0.value) } }
  }

  /// The lines of the fixture file.
  static func vectors() throws -> [Vector] {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/ble-vectors", withExtension: "jsonl"))
    let lines = Array(try Data(contentsOf: url)).split(separator: 0x0A)
    return try lines.map { line in
      let value = try JSONReader().value(Array(line))
      let hex = try #require(value["hex"]?.string)
      let octets = try #require(bytes(hex))
      let id = try #require(value["id"]?.string)
      let characteristic = try #require(value["characteristic_uuid"]?.string)
      let expected = try #require(value["expected"]?.object)
      return Vector(id: id, characteristic: characteristic, octets: octets, expected: expected)
    }
  }

  private static func bytes(_ hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count % 2 == 0 else { return nil }
    let octets = stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
    }
    return octets.contains(nil) ? nil : octets.compactMap { $0 }
  }

  /// The number of a JSON text, which may have an exponent such as `1e-08`.
  static func decimal(_ text: String) -> ExactDecimal? {
    let parts = text.lowercased().split(separator: "e", maxSplits: 1)
    guard let first = parts.first, let number = ExactDecimal(first) else { return nil }
    guard parts.count == 2 else { return number }
    guard let power = Int8(parts[1]) else { return nil }
    return ExactDecimal(number.mantissa, exponent: number.exponent + power)
  }

  private static func agrees(_ found: String?, _ expected: JSONValue) -> Bool {
    switch expected {
    case .null: return found == nil
    case .bool(let flag): return found == "\(flag)"
    case .string(let text): return found == text
    case .number(let number):
      guard let found = found.flatMap({ ExactDecimal($0) }), let wanted = decimal(number.text) else { return false }
      return found.isEqual(to: wanted)
    case .array(let elements): return found == elements.compactMap { $0.int.map { "\($0)" } }.joined(separator: ",")
    case .object: return false
    }
  }

  @Test func everyVectorIsDecodedAsItsSourceSays() throws {
    let vectors = try VectorTests.vectors()
    #expect(vectors.count >= 98)
    for vector in vectors {
      if vector.expected["command"] != nil { continue }
      if vector.characteristic == "primitive" {
        try checkPrimitive(vector)
        continue
      }
      if let error = vector.expected["error"]?.string {
        let codes = error == "invalid_value" ? ["invalid-value"] : ["truncated", "malformed"]
        let thrown = #expect(throws: DecodeError.self, "\(vector.id)") {
          try Decoded.fields(vector.characteristic, vector.octets)
        }
        #expect(thrown.map { codes.contains($0.code) } ?? false, "\(vector.id): \(thrown?.code ?? "")")
        continue
      }
      let decoded = try Decoded.fields(vector.characteristic, vector.octets)
      let fields = try #require(decoded, "no decoder for \(vector.characteristic)")
      for (key, value) in vector.members {
        // A scale's weight may be named with its unit.
        let found = fields[key] ?? (key == "weight_\(fields["unit"] ?? "")" ? fields["weight"] : nil)
        #expect(VectorTests.agrees(found, value), "\(vector.id) \(key): \(found ?? "nil") for \(value)")
      }
    }
  }

  private func checkPrimitive(_ vector: Vector) throws {
    var reader = OctetReader(vector.octets)
    for (key, value) in vector.members {
      let numbers = try #require(value.array)
      for number in numbers {
        let found = key == "sfloat" ? try reader.sfloat(key) : try reader.float(key)
        #expect(VectorTests.agrees(Decoded.text(found), number), "\(vector.id)")
      }
    }
    #expect(reader.isAtEnd)
  }

  @Test func requestsAreTheOctetsOfTheVectors() throws {
    let built: [String: [UInt8]] = [
      "racp-cmd-report-all": RecordAccessRequest.reportRecords(.all).octets,
      "racp-cmd-count-all": RecordAccessRequest.reportCount(.all).octets,
      "racp-cmd-delete-all": RecordAccessRequest.deleteRecords(.all).octets,
      "racp-cmd-report-since-seq": RecordAccessRequest.reportRecords(.from(10)).octets,
      "ucp-register": UserControlRequest.registerNewUser(consentCode: 1234).octets,
      "ucp-delete": UserControlRequest.deleteUserData.octets,
    ]
    for vector in try VectorTests.vectors() where vector.expected["command"] != nil {
      #expect(built[vector.id] == vector.octets, "\(vector.id)")
    }
  }

  @Test func everyPrefixAndEveryChangedOctetIsAValueOrAnError() throws {
    var values = 0
    var errors = 0
    func attempt(_ characteristic: String, _ octets: [UInt8]) throws {
      do {
        _ = try Decoded.fields(characteristic, octets)
        values += 1
      } catch is DecodeError {
        errors += 1
      }
    }
    for vector in try VectorTests.vectors() {
      for count in 0...vector.octets.count {
        for name in Decoded.characteristics { try attempt(name, Array(vector.octets.prefix(count))) }
      }
      for place in vector.octets.indices {
        for octet in UInt8.min...UInt8.max {
          var changed = vector.octets
          changed[place] = octet
          try attempt(vector.characteristic, changed)
        }
      }
    }
    #expect(values > 1000)
    #expect(errors > 1000)
  }
}
