// An hour of lines in which each bit is wrong once in a thousand: what has agreement gives no other value; of the rest it is measured how
// often, and the registry says so. Every family whole, octet by octet, cut, corrupted and stalled.

import JSON
import Octets
import Readings
import Testing

@testable import Drivers

/// The same numbers for the same seed.
struct Dice {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  /// Each bit is wrong once in a thousand.
  mutating func damaged(_ octets: [UInt8]) -> [UInt8] {
    octets.map { octet in
      (0..<8).reduce(octet) { result, bit in next() % 1000 == 0 ? result ^ (1 << UInt8(bit)) : result }
    }
  }
}

@Suite struct DamagedLineTests {
  struct Stream: Sendable, CustomTestStringConvertible {
    var id: String
    var model: String?
    var lines: [[UInt8]]
    /// Milliseconds from one to the next.
    var every: Int64
    var values: [String]
    /// How often one after the other in an hour; streams of many a second for less.
    var seconds: Int64 = 3600
    var testDescription: String { id }

    init(_ id: String, _ line: [UInt8], every: Int64, _ values: [String], seconds: Int64 = 3600, model: String? = nil) {
      self.id = id
      self.model = model
      lines = [line]
      self.every = every
      self.values = values
      self.seconds = seconds
    }
  }

  private static func toledo() -> [UInt8] {
    let octets = [0x02, 0x2C, 0x30, 0x20] + Array("007840000000\r".utf8)
    return octets + [(0 &- Checksum.sum8(octets)) & 0x7F]
  }
  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  static let scales: [Stream] = [
    Stream("and-scale", text("ST,+00078.40 kg\r\n"), every: 100, ["78.40"]),
    Stream("cas", text("ST,GS,+  78.40kg\r\n"), every: 100, ["78.40"]),
    Stream("mt-sics", text("S S      78.40 kg\r\n"), every: 1000, ["78.40"]),
    Stream("kern", text("        78.400 kg \r\n"), every: 1000, ["78.400"]),
    Stream("toledo-8217", text("\u{02}078.40\r"), every: 1000, ["78.40"], model: "8217 kg"),
    Stream("toledo-continuous", toledo(), every: 100, ["78.40"]),
    Stream(
      "healthometer-esc", text("\u{1B}R\u{1B}I0\u{1B}W78.40\u{1B}H0.0\u{1B}B0.0\u{1B}T0.0\u{1B}Nm\u{1B}E"), every: 1000,
      ["78.40"]),
  ]

  static let oximeters: [Stream] = [
    Stream("contec-v7", [0x01, 0xE0, 0x85, 0xAE, 0x95, 0xC1, 0xE1, 0xFF, 0xFF], every: 17, ["97"], seconds: 300),
    Stream("contec-v5", [0x87, 0x20, 0x04, 0x48, 0x61], every: 17, ["97"], seconds: 300),
    Stream("bci", [0x87, 0x20, 0x04, 0x48, 0x61], every: 10, ["97"], seconds: 300),
    Stream("nonin-8", [0x80, 72, 97, 0], every: 1000, ["97"]),
    Stream("nonin-ascii", text("SPO2=097 HR=068\r\n"), every: 1000, ["97"]),
    Stream(
      "masimo-ascii1",
      text("03/19/16 13:37:12 SN=0000093112 SPO2=097% BPM=068 PI=03.60% ALARM=0000 EXC=000800\r\n"), every: 1000, ["97"]
    ),
    Stream("nellcor-ascii", text("07-JAN-04 11:24:50    97     68      88\r\n"), every: 2000, ["97"]),
  ]

  /// A cuff is asked for its result every ten seconds, and once more for a new one: each answer may be damaged.
  @Test(arguments: 1...20) func anHourOfADamagedCuffIsOneMeasurement(_ seed: Int) throws {
    let text = Array(
      "TM2655\u{1E}2611210815\u{1E}RB\u{1E}M\u{1E}E00\u{1E}S128\u{1E}M 95\u{1E}D 80\u{1E}P 72\u{1E}I00\u{1E}L000\u{1E}"
        .utf8)
    let frame = [0x16, 0x16, 0x01, 0x30, 0x30, 0x02] + text + [0x03, Checksum.xor8(text)]
    var bench = try ScaleBench("and-tm265x")
    var dice = Dice(UInt64(seed))
    for _ in 0..<36_000 {
      if bench.takeQuestions() > 0 { bench.hear(dice.damaged(frame)) }
      bench.pass(100)
    }
    #expect(bench.values == ["128"], "seed \(seed)")
  }

  /// Packets of 25 frames with a sum each, ten minutes of them.
  @Test(arguments: ["nonin-2", "nonin-7"]) func damagedPacketsGiveNoOtherValue(_ id: String) throws {
    let packet = try message(id)
    func values(_ count: Int, _ octets: () -> [UInt8]) throws -> [String] {
      var bench = try ScaleBench(id)
      for _ in 0..<count {
        bench.hear(octets())
        bench.pass(333)
      }
      bench.pass(20_000)
      return bench.readings.map { "\($0.said(.spo2)?.description ?? "") \($0.said(.oximeterPulse)?.description ?? "")" }
    }
    let expected = Set(try values(100) { packet })
    var dice = Dice(11)
    let found = try values(1800) { dice.damaged(packet) }
    #expect(!expected.isEmpty && Set(found).isSubset(of: expected), "\(found)")
  }

  /// Whatever family says that lines have to agree is heard for an hour here.
  @Test func everyFamilyWithAgreementIsHeard() {
    let heard = (DamagedLineTests.scales + DamagedLineTests.oximeters).map(\.id) + ["and-tm265x", "nonin-2", "nonin-7"]
    let agreeing = SerialFamily.all.filter { $0.profile.protection == .agreement }.map(\.id)
    #expect(Set(agreeing) == Set(heard))
  }

  private func run(_ stream: Stream, seed: UInt64) throws -> ScaleBench {
    var bench = try ScaleBench(stream.id, model: stream.model)
    var dice = Dice(seed)
    for number in 0..<Int(stream.seconds * 1000 / stream.every) {
      bench.hear(dice.damaged(stream.lines[number % stream.lines.count]))
      bench.pass(stream.every)
    }
    bench.pass(20_000)
    return bench
  }

  @Test(arguments: scales) func anHourOfADamagedLineIsOneMeasurement(_ stream: Stream) throws {
    for seed in [7] as [UInt64] {
      let found = try run(stream, seed: seed).values
      #expect(found == stream.values, "\(stream.id), seed \(seed): \(found)")
    }
  }

  @Test(arguments: oximeters) func anHourOfADamagedOximeterGivesNoOtherValue(_ stream: Stream) throws {
    for seed in [11] as [UInt64] {
      let bench = try run(stream, seed: seed)
      #expect(Set(bench.values).isSubset(of: stream.values), "\(stream.id), seed \(seed): \(bench.values)")
      for reading in bench.readings { #expect([68, 72, 65].contains(reading.said(.oximeterPulse)?.mantissa ?? 0)) }
    }
  }

  // MARK: Those without

  /// A message of each family that takes single ones.
  private func message(_ id: String) throws -> [UInt8] {
    // The collection has one of format 13 only with a wrong sum.
    if id == "nonin-13" {
      let vector = try #require(SerialVector.all.first { $0.id == "nonin-f13-bad-checksum" })
      let place = vector.octets.count - 2
      let whole = (0...255).map { sum in vector.octets.indices.map { $0 == place ? UInt8(sum) : vector.octets[$0] } }
      return try #require(
        whole.first { SerialDecoding.decode(protocol: id, octets: $0, everyFrame: true)?.readings.isEmpty == false })
    }
    let found = SerialVector.decodable.first { vector in
      vector.protocolID == id && vector.expected["error"] == nil && vector.expected["checksumOk"] != false
        && ((try? vector.decoded().readings.count) ?? 0) > 0
    }
    return try #require(found).octets
  }

  private static let unchecked = SerialFamily.all.filter { $0.profile.protection != .agreement }.map(\.id)

  /// Ten thousand messages in which each bit is wrong once in a thousand: what the registry says is the next whole number of a thousand
  /// above what was measured here.
  @Test(arguments: unchecked) func theRegistrySaysHowOftenAMessageIsMisread(_ id: String) throws {
    guard case .unchecked(let stated)? = Registry.profile(id: id)?.protection else { return }
    let octets = try message(id)
    let good = try #require(SerialDecoding.decode(protocol: id, octets: octets, everyFrame: true)).readings
    var dice = Dice(17)
    let tries = 10_000
    var wrong = 0
    for _ in 0..<tries {
      let damaged = dice.damaged(octets)
      guard damaged != octets else { continue }
      let readings = SerialDecoding.decode(protocol: id, octets: damaged, everyFrame: true)?.readings ?? []
      if readings.contains(where: { reading in !good.contains { $0.observations == reading.observations } }) {
        wrong += 1
      }
    }
    #expect(stated == max(1, (wrong * 1000 + tries - 1) / tries), "\(id): \(wrong) of \(tries)")
  }

  /// Octets that came over another way prove nothing of a port.
  @Test func whatCannotBePluggedInDoesNotLookVerified() throws {
    let visomat = try #require(Registry.profile(id: "visomat"))
    #expect(visomat.obstacle != nil && visomat.evidence.grade == .documentOnly)
    #expect(SerialFamily.all.filter { $0.profile.obstacle != nil }.map(\.id) == ["visomat"])
  }

  @Test func everyFamilySaysItsRuleAndWhatProtectsIt() {
    for family in SerialFamily.all {
      #expect(!family.profile.rule.isEmpty && family.profile.protection != nil, "\(family.id)")
      #expect(!family.profile.rule.contains("\n"))
    }
  }

  // MARK: Motion

  /// Values that change each second while the device searches are no steady ones.
  @Test(arguments: ["contec-v7", "contec-v5"]) func aWindowInWhichTheDeviceSearchesIsInDoubt(_ id: String) throws {
    var bench = try ScaleBench(id)
    for second in 0..<40 {
      for frame in 0..<60 {
        let spo2 = UInt8(84 + second * 5 % 14)
        let searches = frame % 3 != 0
        bench.hear(
          id == "contec-v7"
            ? [0x01, searches ? 0xE2 : 0xE0, 0x85, 0xAE, 0x95, 0xC1, 0x80 | spo2, 0xFF, 0xFF]
            : [0x87, 0x20, searches ? 0x24 : 0x04, 0x48, spo2])
        bench.pass(16)
      }
    }
    #expect(!bench.readings.isEmpty)
    for reading in bench.readings { #expect(reading.flags.contains { $0.isDoubt }, "\(Replay.line(reading))") }
  }
}
