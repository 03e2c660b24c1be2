// Cuffs on a line: what counts as one measurement, what was measured before the hub listened, and that nothing ever inflates.

import Drivers
import Octets
import Readings
import Testing

struct SerialCuffTests {
  private func driver(_ id: String) throws -> any Driver {
    try #require(Registry.profile(id: id)).make(DriverContext())
  }

  private func systolics(_ actions: [DriverAction]) -> [String] {
    actions.compactMap {
      guard case .reading(let reading) = $0 else { return nil }
      return reading.observations.first?.value.decimal.map { "\($0)" }
    }
  }

  private func codes(_ actions: [DriverAction]) -> [String] {
    actions.compactMap { if case .problem(let problem) = $0 { problem.code } else { nil } }
  }

  @Test func tenDigitsCountOnlyBetweenSilences() throws {
    var cuff = try driver("and-ua767")
    #expect(systolics(cuff.handle(.received(Array("804C4".utf8)))) == [])
    #expect(systolics(cuff.handle(.received(Array("C4960".utf8)))) == [])
    #expect(systolics(cuff.handle(.timer(1))) == ["152"])
    // Twelve digits are two results of which one was cut: which, nobody knows.
    _ = cuff.handle(.received(Array("80804C4C4960".utf8)))
    let actions = cuff.handle(.timer(1))
    #expect(systolics(actions) == [] && codes(actions) == ["malformed"])
    _ = cuff.handle(.received(Array("5A5A5A5A".utf8)))
    #expect(codes(cuff.handle(.timer(1))) == [], "garbage is told once")
    _ = cuff.handle(.received(Array("8032503F5E".utf8)))
    #expect(systolics(cuff.handle(.timer(1))) == ["130"])
  }

  @Test func babbleOnTheLineOfACuffIsBounded() throws {
    var cuff = try driver("and-ua767")
    var problems = 0
    for _ in 0..<1000 { problems += codes(cuff.handle(.received([UInt8](repeating: 0x38, count: 1000)))).count }
    problems += codes(cuff.handle(.timer(1))).count
    #expect(problems == 1)
  }

  @Test(arguments: ["80FF50485E", "8000503F5E", "803210485E", "80321E005E", "80C8FA485E"])
  func pressuresThatNobodyHasAreNoReading(_ text: String) throws {
    let decoded = try #require(
      SerialDecoding.decode(protocol: "and-ua767", octets: Array(text.utf8), everyFrame: true))
    #expect(decoded.readings.isEmpty && !decoded.problems.isEmpty)
  }

  /// Rare, not impossible: a pulse and a diastolic of 28. Framed results are given, and the hub's intake flags them.
  @Test func aSlowPulseIsAReading() throws {
    var module: [UInt8] = [0x3E, 0x18, 95, 0, 28, 0] + [UInt8](repeating: 0, count: 10) + [28, 0, 50, 0, 0, 0, 0]
    module.append(0 &- module.reduce(0, &+))
    let text = Array(
      "TM2655\u{1E}1910291429\u{1E}RB\u{1E}M\u{1E}E00\u{1E}S 95\u{1E}M 50\u{1E}D 28\u{1E}P 28\u{1E}".utf8)
    let results: [(id: String, octets: [UInt8])] = [
      ("suntech", module),
      ("and-tm265x", [0x16, 0x16, 0x01, 0x30, 0x30, 0x02] + text + [0x03, text.reduce(0, ^)]),
      ("visomat", Array("M10126112107450095028028".utf8)),
      ("beurer-serial", [0xAC, 95 - 25, 28 - 25, 28, 11, 21, 7, 45, 26]),
    ]
    for (id, octets) in results {
      let decoded = try #require(SerialDecoding.decode(protocol: id, octets: octets, everyFrame: true))
      let values = decoded.readings.first?.observations.filter { $0.term != .meanArterial }.map { $0.value.decimal }
      #expect(values == [ExactDecimal(95), ExactDecimal(28), ExactDecimal(28)], "\(id) \(decoded.problems)")
    }
  }

  @Test func aPulseOfZeroIsNone() throws {
    let octets: [UInt8] = [0xAC, 95 - 25, 60 - 25, 0, 11, 21, 7, 45, 26]
    let decoded = try #require(SerialDecoding.decode(protocol: "beurer-serial", octets: octets, everyFrame: true))
    #expect(decoded.readings.first?.observations.map(\.term) == [.systolic, .diastolic])
  }

  /// Ten digits without frame, check and date: there the numbers have to show that they are a result.
  @Test(arguments: ["80431C485E", "80321E1C5E"]) func theUA767StaysStrict(_ text: String) throws {
    let decoded = try #require(
      SerialDecoding.decode(protocol: "and-ua767", octets: Array(text.utf8), everyFrame: true))
    #expect(decoded.readings.isEmpty)
  }

  private func result(_ minute: Int) -> [UInt8] {
    let text = Array(
      "TM2655\u{1E}19102914\(minute)\u{1E}RB\u{1E}M\u{1E}E00\u{1E}S120\u{1E}M 90\u{1E}D 80\u{1E}P 60\u{1E}".utf8)
    return [0x16, 0x16, 0x01, 0x30, 0x30, 0x02] + text + [0x03, text.reduce(0, ^)]
  }

  private func stored(_ actions: [DriverAction]) -> [Bool?] {
    actions.compactMap { if case .reading(let reading) = $0 { .some(reading.stored) } else { nil } }
  }

  @Test func whatAWaitingRoomCuffHoldsAtFirstWasMeasuredBefore() throws {
    var cuff = try driver("and-tm265x")
    #expect(cuff.handle(.opened).first == .transmit(try Hex.decode("16160130300252420310")))
    #expect(stored(cuff.handle(.received(result(29)))) == [], "asked for once more")
    #expect(stored(cuff.handle(.received(result(29)))) == [true])
    #expect(stored(cuff.handle(.received(result(29)))) == [], "the same result again")
    #expect(stored(cuff.handle(.received(result(51)))) == [])
    let actions = cuff.handle(.received(result(51)))
    #expect(stored(actions) == [false])
    let stamp = DeviceDateTime(year: 2019, month: 10, day: 29, hours: 14, minutes: 51, seconds: 0)
    #expect(actions.contains(.deviceClock(.local(stamp))), "a result that just appeared tells what the clock shows")
  }

  @Test func aModulesOldResultIsNotGiven() throws {
    let vector = try #require(SerialVector.all.first { $0.id == "suntech-bp-01" })
    var module = try driver("suntech")
    #expect(systolics(module.handle(.received(vector.octets))) == [])
    func pressure(_ value: UInt8) -> [UInt8] {
      let packet: [UInt8] = [0x3E, 0x05, value, 0]
      return packet + [0 &- packet.reduce(0, &+)]
    }
    for value: UInt8 in [0, 120, 180, 60, 9, 5] { _ = module.handle(.received(pressure(value))) }
    #expect(module.handle(.timer(1)).first == .transmit(try Hex.decode("3a79050048")), "not yet empty")
    _ = module.handle(.received(pressure(3)))
    #expect(module.handle(.timer(1)).first == .transmit(try Hex.decode("3a7903004a")))
    #expect(systolics(module.handle(.received(vector.octets))) == ["115"])
    #expect(systolics(module.handle(.received(vector.octets))) == [], "once")
  }

  @Test func theMemoryOfABeurerIsReadAgainOnlyWhenItsEndsChanged() throws {
    var cuff = try driver("beurer-serial")
    func octets(_ actions: [DriverAction]) -> [UInt8] {
      actions.flatMap { if case .transmit(let octets) = $0 { octets } else { [UInt8]() } }
    }
    let record = try #require(SerialVector.all.first { $0.id == "bm65-rec-01" }).octets
    #expect(octets(cuff.handle(.opened)) == [0xAA])
    #expect(octets(cuff.handle(.received([0x55]))) == [0xA4])
    #expect(octets(cuff.handle(.received(Array("BM65".utf8) + [UInt8](repeating: 0, count: 28)))) == [0xA2])
    #expect(octets(cuff.handle(.received([1]))) == [0xA3, 1])
    #expect(systolics(cuff.handle(.received(record))) == ["128"])
    #expect(octets(cuff.handle(.timer(2))) == [0xAA])
    #expect(octets(cuff.handle(.received([0x55]))) == [0xA2])
    #expect(octets(cuff.handle(.received([1]))) == [0xA3, 1])
    let again = cuff.handle(.received(record))
    #expect(systolics(again) == [] && octets(again) == [])
  }

  /// Another device on its port is told once a call, and ends nothing that goes on.
  @Test func whatABeurerDoesNotSayIsTold() throws {
    func problems(_ actions: [DriverAction]) -> [String] {
      actions.compactMap { if case .problem(let problem) = $0 { problem.code } else { nil } }
    }
    var cuff = try driver("beurer-serial")
    _ = cuff.handle(.opened)
    #expect(problems(cuff.handle(.received([0x53]))) == ["malformed"])
    #expect(problems(cuff.handle(.received(Array("S T   72.4 kg\r\n".utf8)))) == [], "once a call")
    _ = cuff.handle(.timer(2))
    #expect(problems(cuff.handle(.received([0x53]))) == ["malformed"])
    _ = cuff.handle(.timer(2))
    #expect(problems(cuff.handle(.received([0x55]))) == [])
    // What a cuff that was recognised leaves on the line when it is switched off is noise.
    _ = cuff.handle(.received(Array("BM65".utf8) + [UInt8](repeating: 0x20, count: 28)))
    _ = cuff.handle(.received([0]))
    _ = cuff.handle(.timer(2))
    #expect(problems(cuff.handle(.received([0, 1]))) == [])
  }

  @Test func aRecordOfAVisomatHasItsUser() throws {
    let vector = try #require(SerialVector.all.first { $0.id == "visomat-02" })
    let readings = try vector.decoded(everyFrame: false).readings
    #expect(readings.count == 6)
    #expect(readings.allSatisfy { $0.user == 1 && $0.stored == true })
    #expect(Set(readings.map(\.raw.octets)).count == 6)
  }

  /// Start commands: TM ST, SunTech 20, UA-767 and TaiDoc 43; none of any of these drivers' questions.
  @Test func nothingEverInflates() throws {
    for profile in Registry.profiles where profile.kinds.contains(.bloodPressure) {
      guard case .serial = profile.transport else { continue }
      let captures = Capture.all.filter { $0.headers["driver"] == profile.id }
      #expect(!captures.isEmpty, "\(profile.id) has a capture")
      for capture in captures {
        for line in try #require(Replay.run(capture)).sent {
          #expect(!["025354", "3a20", "0243", "5143"].contains { line.contains($0) }, "\(capture.name): \(line)")
        }
      }
    }
  }
}
