// Serial protocols against published octets: field by field, over any split of reads, and between garbage.

import Drivers
import JSON
import Octets
import Readings
import Testing

struct SerialDriverTests {
  /// What the fixture names differently, or what only a neighbour of the frame tells.
  private static let elsewhere: Set<String> = [
    "joinedModel", "observed0FPackets", "preambles", "byte3", "temperatureC", "systolic", "diastolic", "mean",
    "overload", "stable", "gross", "error", "frames", "buffered",
  ]

  @Test func thereAreVectors() { #expect(SerialVector.decodable.count >= 50) }

  @Test(arguments: SerialVector.decodable) func saysWhatItsSourceSays(_ vector: SerialVector) throws {
    let decoded = try vector.decoded()
    if vector.family == "mt-sics", let error = vector.expected["error"]?.string {
      // The scale's own refusal is a good frame.
      let frame = try #require(decoded.frames.last)
      #expect(frame["error"] == .text(error) || frame["status"] == .text(error))
      #expect(decoded.readings.isEmpty)
      return
    }
    if vector.expected["checksumOk"] == false {
      try expectRefusal(vector, decoded, "checksum")
      return
    }
    if let error = vector.expected["error"]?.string {
      try expectRefusal(vector, decoded, error)
      return
    }
    if vector.expected["frames"] == 0 {
      #expect(!SerialDecoding.holdsFrames(decoded))
      #expect(decoded.problems.map(\.code) == ["truncated"])
      return
    }
    #expect(SerialDecoding.holdsFrames(decoded))
    if let packets = vector.expected["packets"]?.array {
      #expect(decoded.frames.count == packets.count)
      for (frame, packet) in zip(decoded.frames, packets) { expect(frame, packet, vector) }
    } else {
      let frame = try #require(decoded.frames.last)
      expect(frame, vector.expected, vector)
    }
    expectReading(vector, decoded)
  }

  private func expect(_ frame: [String: DecodedValue], _ expected: JSONValue, _ vector: SerialVector) {
    for member in expected.object?.members ?? [] where !SerialDriverTests.elsewhere.contains(member.key) {
      // Part B of TaiDoc is told as a reading.
      if vector.family == "taidoc-51", ["spo2", "pulse"].contains(member.key) { continue }
      #expect(agrees(frame[member.key], member.value), "\(vector.id) \(member.key): \(frame)")
    }
    if let stable = expected["stable"]?.bool { #expect(frame["status"] == .text(stable ? "stable" : "unstable")) }
    if expected["overload"]?.bool ?? false { #expect(frame["status"] == .text("overload")) }
    if let gross = expected["gross"]?.bool { #expect(frame["net"] == .flag(!gross)) }
  }

  private func expectRefusal(_ vector: SerialVector, _ decoded: Decoded, _ error: String) throws {
    #expect(decoded.readings.isEmpty)
    #expect(!SerialDecoding.holdsFrames(decoded), "\(vector.id) is refused")
    let codes = error == "checksum" ? ["checksum"] : ["malformed", "truncated", "invalid-value"]
    #expect(decoded.problems.contains { codes.contains($0.code) }, "\(vector.id): \(decoded.problems)")
  }

  /// The values that the fixture gives, as the first reading carries them.
  private func expectReading(_ vector: SerialVector, _ decoded: Decoded) {
    let names = [
      "spo2": "spo2", "pulse": "pulse", "temperatureC": "temperature", "systolic": "systolic",
      "diastolic": "diastolic", "mean": "mean",
    ]
    let members = vector.expected.object?.members ?? []
    for member in members {
      guard let name = names[member.key], case .number(let wanted) = member.value else { continue }
      let isComplete = vector.expected["spo2"]?.isNull != true && vector.expected["pulse"]?.isNull != true
      guard isComplete else { continue }
      #expect(
        ExactDecimal(wanted.text).map { decoded.numbers[name]?.isEqual(to: $0) ?? false } ?? false,
        "\(vector.id) \(member.key): \(decoded.numbers)")
    }
    if members.contains(where: { ["spo2", "pulse"].contains($0.key) && $0.value.isNull }) {
      #expect(decoded.readings.isEmpty, "\(vector.id): no value is no reading")
    }
  }

  // MARK: Framing

  /// The same stream, glued, byte by byte and behind garbage, gives the same readings.
  @Test(arguments: [
    "contec-v7", "contec-v5", "and-scale", "cas", "taidoc", "mt-sics", "kern", "healthometer-esc",
    "tanita-csv", "nonin-8", "nonin-2", "nonin-7", "masimo-ascii1", "and-ua767", "suntech", "beurer-serial", "visomat",
    "nonin-ascii", "nellcor-ascii", "tanita-plain-csv", "bci", "toledo-8217", "toledo-continuous",
  ])
  func splitsAndGarbageChangeNothing(_ id: String) throws {
    let good = SerialVector.decodable.filter {
      $0.protocolID == id && $0.expected["error"] == nil && $0.expected["frames"] == nil
        && $0.expected["checksumOk"] != false
    }
    #expect(!good.isEmpty)
    for vector in good {
      let alone = try vector.decoded().readings
      let glued = try #require(
        SerialDecoding.decode(protocol: id, octets: vector.octets + vector.octets, everyFrame: true))
      #expect(glued.readings.count == 2 * alone.count, "\(vector.id) glued")
      for length in 1...8 {
        // Octets that begin nothing in any of these protocols, with a line end where lines are.
        var garbage = [UInt8](repeating: 0x7F, count: length)
        if [
          "and-scale", "cas", "mt-sics", "kern", "masimo-ascii1", "nonin-ascii", "nellcor-ascii", "tanita-plain-csv",
        ].contains(id) {
          garbage[length - 1] = 0x0D
        }
        let behind = try #require(
          SerialDecoding.decode(protocol: id, octets: garbage + vector.octets, everyFrame: true))
        #expect(behind.readings == alone, "\(vector.id) behind \(length) octets of garbage")
      }
      for cut in vector.octets.indices.dropFirst() where !alone.isEmpty {
        // What was cut costs itself; the next good frame is taken.
        let both = try #require(
          SerialDecoding.decode(
            protocol: id, octets: vector.octets[..<cut] + [] + vector.octets, everyFrame: true))
        // A line of fixed columns without a mark at its beginning is lost with the half line before it, but never misread.
        if ["kern", "and-ua767"].contains(id), both.readings.isEmpty { continue }
        #expect(both.readings.last == alone.last, "\(vector.id) behind its first \(cut) octets")
      }
    }
  }

  @Test func aBurstOfGarbageIsOneProblem() throws {
    let frame = try Hex.decode("01e085ae95c1e1ffff")
    let garbage = [UInt8](repeating: 0xFF, count: 5000)
    let decoded = try #require(
      SerialDecoding.decode(protocol: "contec-v7", octets: garbage + frame + garbage + frame, everyFrame: true))
    #expect(decoded.problems.map(\.code) == ["malformed", "malformed"])
    #expect(decoded.problems.map(\.offset) == [0, 5009])
    #expect(decoded.readings.count == 2)
  }

  @Test func aLineThatNeverEndsIsBoundedGarbage() throws {
    let driver = try #require(Registry.profile(id: "and-scale"))
    var session = driver.make(DriverContext())
    var problems = 0
    for _ in 0..<1000 {
      for action in session.handle(.received([UInt8](repeating: 0x39, count: 1000))) {
        if case .problem = action { problems += 1 }
      }
    }
    #expect(problems == 1)
    let actions = session.handle(.received(Array("\r\nST,+00072.15 kg\r\n".utf8))) + session.handle(.timer(1))
    #expect(actions.contains { if case .reading = $0 { true } else { false } })
  }

  @Test func whatNoDecoderKnowsIsNil() {
    #expect(SerialDecoding.decode(protocol: "nobody", octets: [], everyFrame: false) == nil)
    #expect(SerialDecoding.decode(protocol: "mi-scale-2", octets: [], everyFrame: false) == nil)
  }

  // MARK: What is one measurement

  private func stream(_ id: String, _ octets: [UInt8]) throws -> [DeviceReading] {
    try #require(SerialDecoding.decode(protocol: id, octets: octets, everyFrame: false)).readings
  }

  private func frames(_ hex: String, _ count: Int) throws -> [UInt8] {
    let frame = try Hex.decode(hex)
    return (0..<count).flatMap { _ in frame }
  }

  @Test func aSpotCheckNeedsTenSecondsAndComesOnce() throws {
    let valid = "01e085ae95c1e1ffff"
    #expect(try stream("contec-v7", frames(valid, 599)).isEmpty)
    let readings = try stream("contec-v7", frames(valid, 600))
    #expect(readings.count == 1)
    #expect(readings.first?.raw.octets.count == 90, "the last frame of each second")
    #expect(try stream("contec-v7", frames(valid, 6000)).count == 1, "one for each time that a finger is in")
  }

  @Test func aFingerThatLeavesBeginsAnew() throws {
    let valid = "01e085ae95c1e1ffff"
    let out = "01e184c0908080ffff"
    let left = try frames(valid, 540) + frames(out, 120) + frames(valid, 540)
    #expect(try stream("contec-v7", left).isEmpty)
    let noisy = try frames(valid, 300) + frames(out, 60) + frames(valid, 240)
    #expect(try stream("contec-v7", noisy).count == 1, "a second of noise is no finger that left")
    let two = try frames(valid, 700) + frames(out, 120) + frames(valid, 600)
    #expect(try stream("contec-v7", two).count == 2)
  }

  @Test func theMedianIsAValueThatWasShown() throws {
    let low = "01e085ae95c1e0ffff"
    let high = "01e085ae95c1e2ffff"
    let readings = try stream("contec-v7", frames(low, 360) + frames(high, 240))
    #expect(readings.first?.observations.first?.value.decimal == ExactDecimal(96))
  }

  private func weights(_ lines: [String]) throws -> [String] {
    try stream("and-scale", lines.flatMap { Array("\($0)\r\n".utf8) }).map {
      $0.observations.first?.value.decimal.map { "\($0)" } ?? ""
    }
  }

  @Test func aScaleGivesEachWeighingOnce() throws {
    func times(_ count: Int, _ line: String) -> [String] { [String](repeating: line, count: count) }
    let (full, empty) = ("ST,+00072.15 kg", "ST,+00000.00 kg")
    #expect(try weights([full, full, "US,+00072.10 kg", full]) == ["72.15"])
    #expect(try weights(times(3, full) + times(2, empty) + ["US,+00050.00 kg"] + times(3, full)) == ["72.15", "72.15"])
    #expect(try weights(times(3, full) + ["US,+00075.00 kg"] + times(3, "ST,+00080.20 kg")) == ["80.20"])
    #expect(try weights([full, "US,+00075.00 kg", "ST,+00080.20 kg"]) == [], "two weights of which no two lines agree")
    #expect(try weights(["ST,+00000.00 kg", "ST,-00072.15 kg", "QT,+00072.15 kg", "US,+00072.15 kg"]) == [])
    #expect(try weights(["ST,+001234.5  g"]) == ["1.2345"])
  }

  // MARK: Questions

  @Test(arguments: SerialVector.all.filter { $0.family == "contec-v7" && !$0.isFromDevice })
  func theContecDriverSendsThePublishedCommands(_ vector: SerialVector) throws {
    // AB is not asked: the user's name is none of Hearth's business.
    guard vector.id != "contec-v7-cmd-ab" else { return }
    let sent = Capture.all.filter { $0.headers["driver"] == "contec-v7" }.compactMap { Replay.run($0) }.flatMap(\.sent)
    #expect(sent.contains(Hex.encode(vector.octets)))
  }

  @Test(arguments: ["taidoc-cmd-25", "taidoc-cmd-2b", "taidoc-cmd-54"])
  func theTaiDocDriverSendsThePublishedCommands(_ id: String) throws {
    let vector = try #require(SerialVector.all.first { $0.id == id })
    let sent = Capture.all.filter { $0.headers["driver"] == "taidoc" }.compactMap { Replay.run($0) }.flatMap(\.sent)
    #expect(sent.contains(Hex.encode(vector.octets)))
  }

  @Test func nothingEverInflatesACuffOrErasesAMemory() throws {
    for capture in Capture.all where capture.headers["driver"]?.hasPrefix("taidoc") ?? false {
      for line in try #require(Replay.run(capture)).sent {
        #expect(!line.contains("5143") && !line.contains("5152"), "\(capture.name): \(line)")
      }
    }
  }

  @Test func anUnknownMeterGivesNoValues() throws {
    var driver = try #require(Registry.profile(id: "taidoc")).make(DriverContext())
    _ = driver.handle(.opened)
    let actions = driver.handle(.received(try Hex.decode("515400000000a54a")))
    #expect(actions.contains(.transmit(try Hex.decode("512400000000a318"))))
    // A TD-9999, then a record that nobody asked for.
    let answer = driver.handle(.received(try Hex.decode("512499990000a54c" + "512661003c4ca505")))
    #expect(answer.contains { if case .problem(let problem) = $0 { problem.code == "unknown-model" } else { false } })
    #expect(!answer.contains { if case .reading = $0 { true } else { false } })
  }
}
