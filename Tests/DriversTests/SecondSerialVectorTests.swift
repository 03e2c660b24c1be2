// The second collection of recorded and published octets of serial devices (Fixtures/serial-vectors-2.jsonl, each with its source):
// what the source says comes out; what no driver of the hub reads gives no reading.

import Foundation
import JSON
import Octets
import Readings
import Testing

@testable import Drivers

/// One line of the fixture.
struct SecondSerialVector: Sendable, CustomTestStringConvertible {
  let id: String
  let driver: String
  let octets: [UInt8]
  let expected: JSONObject

  var testDescription: String { id }

  static let all: [SecondSerialVector] = VectorFile.lines("serial-vectors-2").compactMap { value in
    guard let id = value["id"]?.string,
      let octets = value["hex"]?.string.flatMap({ try? Hex.decode($0) }), let expected = value["expected"]?.object
    else { return nil }
    return SecondSerialVector(id: id, driver: value["driver"]?.string ?? "", octets: octets, expected: expected)
  }

  static let readable = all.filter { !$0.driver.isEmpty }

  func decoded(everyFrame: Bool = false) throws -> Decoded {
    try #require(SerialDecoding.decode(protocol: driver, octets: octets, everyFrame: everyFrame))
  }

  func text(_ key: String) -> String? {
    if case .number(let number)? = expected[key] { return number.text }
    return expected[key]?.string
  }
}

extension DeviceReading {
  /// A value, and not only a reason why there is none.
  var hasNumber: Bool { observations.contains { $0.value.decimal != nil } }

  /// What the device said of a term, in its own unit.
  func said(_ term: Term) -> ExactDecimal? {
    observations.first { $0.term == term }.flatMap { $0.reported?.value ?? $0.value.decimal }
  }
}

struct SecondSerialVectorTests {
  @Test func thereAreVectors() {
    #expect(SecondSerialVector.all.count == 62)
    #expect(SecondSerialVector.readable.count == 56)
  }

  /// Live values of oximeters are a spot-check of ten seconds; a recording of less has them frame by frame.
  private func readings(_ vector: SecondSerialVector) throws -> [DeviceReading] {
    let isFrames = vector.expected["spo2"] != nil || vector.expected["every_frame"] != nil
    return try vector.decoded(everyFrame: isFrames).readings.filter(\.hasNumber)
  }

  @Test(arguments: SecondSerialVector.readable) func saysWhatItsSourceSays(_ vector: SecondSerialVector) throws {
    let readings = try readings(vector)
    let decoded = try vector.decoded(everyFrame: true)
    if let count = vector.text("readings").flatMap({ Int($0) }) {
      #expect(readings.count == count, "\(vector.id): \(readings.map(Replay.line))")
    }
    func expect(_ key: String, _ value: ExactDecimal?) {
      guard let wanted = vector.text(key).flatMap({ ExactDecimal($0) }) else { return }
      #expect(value.map { $0.isEqual(to: wanted) } ?? false, "\(vector.id) \(key): \(value.map(\.description) ?? "-")")
    }
    let first = readings.first
    expect("weight_kg", first?.observations.first { $0.term == .weight }?.value.decimal)
    for (key, term) in [
      ("weight_lb", Term.weight), ("weight", .weight), ("height", .height), ("bmi", .bodyMassIndex), ("fat", .bodyFat),
      ("glucose_mgdl", .glucoseCapillaryWholeBlood), ("spo2", .spo2), ("pulse", .oximeterPulse),
    ] {
      expect(key, first?.said(term))
    }
    let every = decoded.readings.filter(\.hasNumber)
    if let count = vector.text("every_frame_readings").flatMap({ Int($0) }) { #expect(every.count == count) }
    expect("spo2_first", vector.expected["spo2_first"].flatMap { _ in every.first?.said(.spo2) })
    expect("pulse_first", vector.expected["pulse_first"].flatMap { _ in every.first?.said(.oximeterPulse) })
    if let pairs = vector.expected["every_frame"]?.array {
      let found = every.suffix(pairs.count).map { [$0.said(.spo2), $0.said(.oximeterPulse)] }
      let wanted = pairs.map { ($0.array ?? []).compactMap { $0.int.map { ExactDecimal(Int64($0)) } } }
      #expect(found.map { $0.compactMap { $0 } } == wanted)
    }
    if vector.expected["readings"] == "checksum" {
      #expect(readings.isEmpty && decoded.problems.contains { $0.code == "checksum" })
    }
    if let model = vector.text("model") {
      #expect(decoded.values.contains { $0.name == "model" && $0.value == .text(model) })
    }
    for key in ["status", "unit"] {
      guard let text = vector.text(key) else { continue }
      #expect(decoded.frames.first?[key] == .text(text), "\(vector.id): \(decoded.frames.first ?? [:])")
    }
    if let text = vector.text("value") { #expect(agrees(decoded.frames.first?["value"], .string(text))) }
    for (key, reading) in [("first", readings.first), ("last", readings.last)] {
      guard let numbers = vector.expected[key]?.array else { continue }
      let found = [Term.systolic, .diastolic, .cuffPulse].map { reading?.said($0)?.description ?? "-" }
      #expect(found == numbers.map { $0.int.map { "\($0)" } ?? "" })
    }
  }

  /// What a meter shows as LO and HI is no number and is told, with the reason that a plan understands.
  @Test(arguments: [("taidoc-glu-lo", AbsentReason.belowRange), ("taidoc-glu-hi", .aboveRange)])
  func beyondItsRangeAMeterGivesTheReason(_ id: String, _ reason: AbsentReason) throws {
    let vector = try #require(SecondSerialVector.all.first { $0.id == id })
    let readings = try vector.decoded().readings
    #expect(readings.map { $0.observations.map(\.value) } == [[.absent(reason)]])
  }

  /// Pieces, carats and percents are what the scale counts: no weight, and no error.
  @Test(arguments: ["kern-ew-0pcs", "kern-ew-636ct"]) func whatIsCountedIsNoError(_ id: String) throws {
    let vector = try #require(SecondSerialVector.all.first { $0.id == id })
    #expect(try vector.decoded().problems.isEmpty)
  }

  @Test func aBodyCompositionScaleGivesOneWeight() throws {
    let lines = SecondSerialVector.all.filter { $0.id.hasPrefix("uc411-") }.sorted {
      $0.id == "uc411-st" && $1.id != "uc411-st"
    }
    #expect(lines.count == 8)
    let decoded = try #require(
      SerialDecoding.decode(protocol: "and-scale", octets: lines.flatMap(\.octets), everyFrame: false))
    #expect(decoded.readings.map { $0.said(.weight)?.description } == ["77.45"])
    #expect(decoded.problems.isEmpty)
  }

  /// Octet by octet, behind half of itself, and glued to itself: no other values.
  @Test(arguments: SecondSerialVector.readable) func splitsAndCutsGiveNoOtherValue(_ vector: SecondSerialVector) throws
  {
    let alone = try vector.decoded().readings.map(\.observations)
    guard var driver = SerialDecoding.recordingDriver(vector.driver) else { return }
    var bytewise: [DriverAction] = []
    for octet in vector.octets { bytewise += driver.handle(.received([octet])) }
    bytewise += driver.handle(.closed)
    #expect(bytewise.readings.map(\.observations) == alone)
    for cut in stride(from: 1, to: vector.octets.count, by: max(1, vector.octets.count / 40)) {
      let decoded = try #require(
        SerialDecoding.decode(
          protocol: vector.driver, octets: Array(vector.octets[..<cut]) + vector.octets, everyFrame: false))
      for reading in decoded.readings {
        #expect(alone.isEmpty || alone.contains(reading.observations), "\(vector.id) behind \(cut) octets")
      }
    }
  }

  @Test(arguments: SecondSerialVector.all.filter { $0.driver.isEmpty }) func nobodyGuesses(_ vector: SecondSerialVector)
    throws
  {
    for id in SerialDecoding.protocols {
      // A line with a weight and a unit is what several scales print; what it is, a person says.
      guard let decoded = SerialDecoding.decode(protocol: id, octets: vector.octets, everyFrame: false),
        !["kern", "healthometer-esc"].contains(id)
      else { continue }
      #expect(decoded.readings.isEmpty, "\(id)")
    }
  }
}

extension [DriverAction] {
  /// The readings among them.
  var readings: [DeviceReading] { compactMap { if case .reading(let reading) = $0 { reading } else { nil } } }
  /// The codes of the problems among them.
  var codes: [String] { compactMap { if case .problem(let problem) = $0 { problem.code } else { nil } } }
}
