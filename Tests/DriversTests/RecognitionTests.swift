// An unbound port: what is heard tells one driver, or several, or nobody; nothing is ever sent to it. And the questions that a
// technician may allow.

import Octets
import Readings
import Testing

@testable import Drivers

struct RecognitionTests {
  /// What talks at the other end of a port: octets every so often, understood only at the right line settings.
  private struct Talker {
    var settings: SerialSettings
    var octets: [UInt8]
    var everyMilliseconds: Int64

    func says(at listened: SerialSettings, _ turn: Int64) -> [UInt8] {
      let isRight =
        (listened.baud, listened.dataBits, listened.parity) == (settings.baud, settings.dataBits, settings.parity)
      // At another speed or parity it is noise, and always the same.
      return isRight
        ? octets
        : octets.enumerated().map { UInt8(truncatingIfNeeded: ($0.offset + Int(turn)) &* 167 ^ Int($0.element) &* 29) }
    }
  }

  /// Listens until it is over or so many minutes have passed.
  private func listen(_ talker: Talker?, minutes: Int64 = 5) -> (
    outcomes: [RecognitionOutcome], settings: [SerialSettings], at: Int64
  ) {
    var port = PortRecognition()
    var outcomes: [RecognitionOutcome] = []
    var settings: [SerialSettings] = []
    var now: Int64 = 0
    func take(_ steps: [PortRecognition.Step]) {
      for step in steps {
        switch step {
        case .listen(let next): settings.append(next)
        case .outcome(let outcome): outcomes.append(outcome)
        }
      }
    }
    take(port.start(at: now))
    while now < minutes * 60_000, !port.isDone {
      now += talker?.everyMilliseconds ?? 1000
      if let talker, let heard = settings.last { take(port.heard(talker.says(at: heard, now), at: now)) }
      if let deadline = port.deadline, deadline <= now { take(port.tick(at: now)) }
    }
    return (outcomes, settings, now)
  }

  private func winner(_ outcomes: [RecognitionOutcome]) -> String? {
    if case .recognised(let score)? = outcomes.last { score.driver } else { nil }
  }

  private func vector(_ id: String) throws -> [UInt8] {
    try #require(SerialVector.all.first { $0.id == id }).octets
  }

  @Test func everyLineSettingIsListenedAtOnceARoundAndStopBitsMakeNoDifference() {
    let schedule = PortRecognition.schedule
    #expect(schedule.first == SerialSettings(9600), "most drivers first")
    for profile in Registry.profiles {
      guard case .serial(let settings) = profile.transport else { continue }
      for one in settings {
        let same = schedule.filter { ($0.baud, $0.dataBits, $0.parity) == (one.baud, one.dataBits, one.parity) }
        #expect(same.count == 1, "\(profile.id) \(one.text)")
      }
    }
  }

  @Test func aSilentPortIsToldOnceAndListenedToForEver() {
    let (outcomes, settings, _) = listen(nil, minutes: 6)
    #expect(outcomes == [.silent])
    #expect(settings.count > 2 * PortRecognition.schedule.count)
  }

  @Test func babbleIsToldOnce() {
    let noise = Talker(settings: SerialSettings(300), octets: (0..<200).map { UInt8($0) }, everyMilliseconds: 100)
    #expect(listen(noise, minutes: 4).outcomes == [.unknown])
  }

  @Test(arguments: [
    ("and-scale-10", "and-scale", SerialSettings(2400, dataBits: 7, parity: .even)),
    ("cas-01", "cas", SerialSettings(9600)), ("masimo-a1-01", "masimo-ascii1", SerialSettings(9600)),
    ("tanita-csv-02", "tanita-csv", SerialSettings(9600)), ("nonin-f8-01", "nonin-8", SerialSettings(9600)),
    ("healthometer-01", "healthometer-esc", SerialSettings(9600)), ("mtsics-01", "mt-sics", SerialSettings(9600)),
    ("healthometer-522", "healthometer-esc", SerialSettings(2400)), ("visomat-02", "visomat", SerialSettings(19_200)),
    ("kern-14-01", "kern", SerialSettings(1200, stopBits: 2)),
    ("and-ua767-02", "and-ua767", SerialSettings(9600, stopBits: 2)),
  ])
  func aDeviceThatSpeaksOnceASecondIsKnown(_ id: String, _ driver: String, _ settings: SerialSettings) throws {
    let (outcomes, _, at) = listen(Talker(settings: settings, octets: try vector(id), everyMilliseconds: 1000))
    #expect(winner(outcomes) == driver, "\(outcomes)")
    #expect(at < 120_000)
  }

  @Test(arguments: [("nonin-f2-packet-01", "nonin-2"), ("nonin-f7-packet-01", "nonin-7")])
  func packetsWithSumsAreKnown(_ id: String, _ driver: String) throws {
    let talker = Talker(settings: SerialSettings(9600), octets: try vector(id), everyMilliseconds: 333)
    #expect(winner(listen(talker).outcomes) == driver)
  }

  /// Six frames in a tenth of a second are 60 a second, ten are 100.
  private func fiveOctets(_ settings: SerialSettings, _ frames: Int) throws -> [RecognitionOutcome] {
    let frame = try Hex.decode("c545490461")
    return listen(
      Talker(settings: settings, octets: (0..<frames).flatMap { _ in frame }, everyMilliseconds: 100)
    ).outcomes
  }

  @Test func thePaceTellsFiveOctetOximetersApart() throws {
    try #expect(winner(fiveOctets(SerialSettings(19_200, parity: .odd), 6)) == "contec-v5")
    try #expect(winner(fiveOctets(SerialSettings(115_200), 10)) == "bci")
    try #expect(winner(fiveOctets(SerialSettings(115_200), 3)) == nil, "too slow for either")
  }

  @Test func twoThatFitAreToldBoth() throws {
    let outcomes = try fiveOctets(SerialSettings(4800, parity: .odd), 6)
    guard case .ambiguous(let scores)? = outcomes.last else {
      Issue.record("\(outcomes)")
      return
    }
    #expect(Set(scores.map(\.driver)) == ["bci", "contec-v5"])
  }

  /// Recorded sessions at their own settings: the driver of each is certain, and no other.
  @Test(
    arguments: Capture.all.filter { capture in
      let passive = ["contec-v7", "bci", "nonin-13", "and-tm265x", "suntech", "taidoc", "masimo-ascii1", "nonin-8"]
      return passive.contains(capture.headers["driver"] ?? "") && capture.headers["until"] != "30000"
        && !capture.name.hasSuffix("noise.capture")
    })
  func aRecordedSessionIsItsDriversAlone(_ capture: Capture) throws {
    guard case .serial(let settings)? = capture.profile?.transport, let first = settings.first else { return }
    var listener = LineListener(first)
    for item in capture.items where item.source.isEmpty { listener.heard(item.octets, at: item.at) }
    let certain = listener.scores.filter { $0.evidence >= 24 && $0.bad <= $0.good && $0.isPaceRight != false }
    #expect(certain.map(\.driver) == [capture.headers["driver"]], "\(listener.scores)")
  }

  @Test func whatIsReadWithTheWrongParityProvesNothing() throws {
    var listener = LineListener(SerialSettings(9600))
    let line = try vector("and-scale-10").map { $0.nonzeroBitCount % 2 == 1 ? $0 | 0x80 : $0 }
    for second in 0..<60 { listener.heard(line, at: Int64(second) * 1000) }
    #expect(!listener.scores.contains { $0.isCertain })
  }

  @Test func onlySoMuchIsLookedAt() {
    var listener = LineListener(SerialSettings(9600))
    for turn in 0..<10_000 { listener.heard([UInt8](repeating: UInt8(turn % 251), count: 100), at: Int64(turn)) }
    #expect(listener.heardOctets == 16_384)
  }

  // MARK: Questions that a technician allows

  /// Asks a device that answers by a table.
  private func identify(_ driver: String, _ answers: [String: String]) throws -> PortIdentification.Outcome? {
    var port = try #require(PortIdentification(driver: driver))
    var now: Int64 = 0
    var steps = port.start(at: now)
    while true {
      for step in steps {
        switch step {
        case .outcome(let outcome): return outcome
        case .listen: continue
        case .send(let octets):
          guard let answer = answers[Hex.encode(octets)] else { continue }
          for octet in try Hex.decode(answer) { _ = port.heard([octet], at: now) }
        }
      }
      guard let deadline = port.deadline, now < 120_000 else { return nil }
      now = deadline
      steps = port.tick(at: now)
    }
  }

  @Test func aContecThatAnswersIsConfirmedWithItsModel() throws {
    let outcome = try identify(
      "contec-v7",
      [
        "7d81a7808080808080": "0c80", "7d81a2808080808080": "0c80", "7d81a0808080808080": "06808087",
        "7d81a8808080808080": "028080b5b0c4a8c1a90281ffaba0a0a0a0a0", "7d81aa808080808080": "0480f5f3e5f2a0a0a0",
      ])
    guard case .confirmed(let score, let properties)? = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(score.settings == SerialSettings(115_200))
    #expect(properties.contains(.model("CMS50D(A)+")))
  }

  @Test func aScaleThatAnswersIsConfirmedWithItsNumber() throws {
    let outcome = try identify(
      "mt-sics", [Hex.encode(Array("I4\r\n".utf8)): Hex.encode(Array("I4 A \"0123456789\"\r\n".utf8))])
    guard case .confirmed(_, let properties)? = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(properties == [.serial("0123456789")])
  }

  @Test func anotherDevicesAnswerConfirmsNothing() throws {
    try #expect(identify("taidoc", [:]) == .denied(heardOctets: 0))
    let echo = ["515400000000a348": "515400000000a348", "512400000000a318": "512400000000a318"]
    try #expect(identify("taidoc", echo) == .denied(heardOctets: 16), "an echo of the question is no meter")
    let cuff = [Hex.encode([0x43, 0x50]): "00"]
    try #expect(identify("and-ua767", cuff) == .denied(heardOctets: 0))
  }

  @Test func theQuestionsChangeNothing() throws {
    for family in SerialFamily.all {
      guard let query = family.query else { continue }
      #expect(!query.questions.isEmpty && !query.sentence.isEmpty && query.answerMilliseconds >= 500)
      for question in query.questions.map(Hex.encode) {
        // Start of a measurement, erasing, setting a clock, tare and zero.
        let forbidden = ["025354", "3a20", "5143", "5152", "7d81ae", "7d81b1", "7d81b2", "027206", "5a0d", "540d"]
        #expect(!forbidden.contains { question.contains($0) }, "\(family.id): \(question)")
      }
    }
    #expect(SerialFamily.of("masimo-ascii1")?.query == nil)
    #expect(PortIdentification(driver: "masimo-ascii1") == nil && PortIdentification(driver: "nobody") == nil)
  }
}
