// A batch on its way: the same octets again while the outcome is unknown, smaller ones after 413, the bad reading found with the
// server's reason, and nothing sent twice that was answered.

import Exchange
import Testing

private let items = (0..<10).map { OutgoingItem(id: "r\($0)", isReading: true, json: [UInt8($0)]) }

/// Ten that are large enough to be too much for a link, two of them too.
private let bulky = items.map { OutgoingItem(id: $0.id, isReading: true, json: [UInt8](repeating: 7, count: 10_000)) }

/// Ten items in requests of `size`.
private func encode(_ size: Int) -> Delivery.Encode {
  { items in
    let runs = stride(from: 0, to: items.count, by: size).map { Array(items[$0..<min($0 + size, items.count)]) }
    return EncodedBatch(
      requests: runs.map { run in
        EncodedRequest(key: run[0].id, body: run.flatMap(\.json), items: run.map(\.id))
      })
  }
}

/// Sends until there is an end; the server answers by `judge`.
private func run(
  _ delivery: inout Delivery, _ encode: Delivery.Encode, _ judge: (EncodedRequest) -> UploadOutcome
) -> (sent: [[String]], end: UploadOutcome) {
  var sent: [[String]] = []
  while let request = delivery.next(encode) {
    sent.append(request.items)
    if let end = delivery.answered(judge(request), encode) { return (sent, end) }
  }
  return (sent, delivery.finish())
}

private func stored(_ request: EncodedRequest) -> UploadOutcome {
  .items(Dictionary(request.items.map { ($0, .stored) }, uniquingKeysWith: { first, _ in first }))
}

private func refused(_ end: UploadOutcome) -> [String: String] {
  guard case .items(let results) = end else { return [:] }
  return results.compactMapValues { if case .rejected(let reason) = $0 { reason } else { nil } }
}

@Suite struct DeliveryTests {
  @Test func requestsGoOneAfterTheOtherAndEndInOneAnswer() {
    var delivery = Delivery()
    delivery.begin(items, encode(4))
    let (sent, end) = run(&delivery, encode(4), stored)
    #expect(sent.map(\.count) == [4, 4, 2])
    #expect(end == .items(Dictionary(items.map { ($0.id, .stored) }, uniquingKeysWith: { first, _ in first })))
  }

  @Test func anUnknownOutcomeSendsTheSameOctetsAndNotWhatWasAnswered() {
    var delivery = Delivery()
    delivery.begin(items, encode(4))
    var calls = 0
    let (_, end) = run(&delivery, encode(4)) { request in
      calls += 1
      return calls == 2 ? .unknown(code: "net.timeout") : stored(request)
    }
    #expect(end == .unknown(code: "net.timeout"))
    #expect(delivery.attempt == 1)
    let again = delivery.next(encode(1))
    #expect(again?.items == ["r4", "r5", "r6", "r7"])
    #expect(again?.body == [4, 5, 6, 7])
    #expect(delivery.attempt == 2)
  }

  @Test func theBadReadingIsFoundWithTheServersReasonAndTheRestIsStoredOnce() {
    var delivery = Delivery()
    delivery.begin(items, encode(10))
    var accepted: [String] = []
    let (sent, end) = run(&delivery, encode(10)) { request in
      if request.items.contains("r6") { return .refused(code: "http.422", text: "value: r6") }
      accepted += request.items
      return stored(request)
    }
    #expect(refused(end) == ["r6": "http.422: value: r6"])
    #expect(accepted.sorted() == items.map(\.id).filter { $0 != "r6" })
    #expect(sent.count <= 9)
  }

  @Test func tooLargeMakesSmallerRequestsForGood() {
    var delivery = Delivery()
    delivery.begin(items, encode(10))
    let (sent, end) = run(&delivery, encode(10)) { $0.items.count > 3 ? .tooLarge : stored($0) }
    #expect(sent.map(\.count) == [10, 5, 2, 2, 2, 2, 2])
    #expect(refused(end).isEmpty && delivery.mostItems == 2)
    let more = items.map { OutgoingItem(id: "n" + $0.id, isReading: true, json: $0.json) }
    delivery.begin(more, encode(10))
    #expect(run(&delivery, encode(10), stored).sent.map(\.count) == [2, 2, 2, 2, 2])
  }

  @Test func whatNeverComesThroughIsMadeSmallerAfterThreeTriesAndNothingElseIs() {
    var delivery = Delivery()
    delivery.begin(bulky, encode(10))
    // The link carries three items in the time that a request has.
    func carry(_ request: EncodedRequest) -> UploadOutcome {
      request.items.count > 3 ? .unknown(code: "net.timeout") : stored(request)
    }
    var sent: [Int] = []
    var end = UploadOutcome.tooLarge
    for _ in 0..<20 {
      let round = run(&delivery, encode(10), carry)
      sent += round.sent.map(\.count)
      end = round.end
      if case .items = end { break }
    }
    #expect(sent == [10, 10, 10, 2, 2, 2, 2, 2])
    #expect(refused(end).isEmpty)
    // Nothing is told to the outbox as a bound of the backend, and the next batch is as careful.
    #expect(delivery.mostItems == nil)
    let more = bulky.map { OutgoingItem(id: "n" + $0.id, isReading: true, json: $0.json) }
    delivery.begin(more, encode(10))
    #expect(run(&delivery, encode(10), carry).sent.map(\.count) == [2, 2, 2, 2, 2])
  }

  @Test func connectionsThatBreakMakeItSmallerLaterThanTimeAndABusyServerNever() {
    for (code, tries) in [("net.reset", 4), ("net.closed-without-answer", 4), ("http.504", 3), ("http.408", 3)] {
      var delivery = Delivery()
      delivery.begin(bulky, encode(10))
      var sent: [Int] = []
      while let request = delivery.next(encode(10)), request.items.count == 10, sent.count < 20 {
        sent.append(request.items.count)
        _ = delivery.answered(.unknown(code: code), encode(10))
      }
      #expect(sent.count == tries, "\(code)")
    }
    for code in ["http.503", "net.refused", "net.dns", "answer.unreadable"] {
      var delivery = Delivery()
      delivery.begin(bulky, encode(10))
      for _ in 0..<50 {
        #expect(delivery.next(encode(10))?.items.count == 10)
        _ = delivery.answered(.unknown(code: code), encode(10))
      }
    }
  }

  @Test func quickAnswersMakeRequestsLargerAgain() {
    var delivery = Delivery()
    delivery.begin(bulky, encode(10))
    for _ in 0..<6 {
      _ = delivery.next(encode(10))
      _ = delivery.answered(.unknown(code: "net.timeout"), encode(10))
    }
    var sent: [Int] = []
    for round in 0..<3 {
      delivery.begin(bulky.map { OutgoingItem(id: "\(round)" + $0.id, isReading: true, json: $0.json) }, encode(10))
      while let request = delivery.next(encode(10)) {
        sent.append(request.items.count)
        if delivery.answered(stored(request), isQuick: round > 0, encode(10)) != nil { break }
      }
    }
    // Slow answers change nothing; quick ones have their effect on the next batch.
    #expect(Array(sent.prefix(10)) == [Int](repeating: 1, count: 10))
    #expect(Array(sent.dropFirst(10).prefix(10)) == [Int](repeating: 1, count: 10))
    #expect(Array(sent.dropFirst(20)) == [10])
  }

  /// Whose outcome is unknown goes again octet by octet, for ever: nothing on the way is too slow for so little.
  @Test func aSmallOneIsNeverDivided() {
    var delivery = Delivery()
    delivery.begin(items, encode(10))
    let first = delivery.next(encode(10))
    for round in 0..<50 {
      _ = delivery.answered(
        .unknown(code: round % 2 == 0 ? "net.timeout" : "net.reset"), encode(10))
      #expect(delivery.next(encode(10)) == first)
    }
  }

  @Test func oneThatIsTooLargeAloneIsSetAside() {
    var delivery = Delivery()
    let large = OutgoingItem(id: "r0", isReading: true, json: [UInt8](repeating: 0, count: 20_000))
    delivery.begin([large] + items.dropFirst(), encode(10))
    let (_, end) = run(&delivery, encode(10)) { $0.items.contains("r0") ? .tooLarge : stored($0) }
    #expect(refused(end).keys.sorted() == ["r0"])
  }

  @Test func aBatchThatComesAgainInPartsIsNotSentAgain() {
    var delivery = Delivery()
    delivery.begin(items, encode(5))
    var calls = 0
    _ = run(&delivery, encode(5)) { request in
      calls += 1
      return calls == 2 ? .busy(after: nil, code: "http.503") : stored(request)
    }
    // The configuration changed: the outbox starts over with another batch size.
    delivery.begin(Array(items[..<7]), encode(5))
    #expect(run(&delivery, encode(5), stored).sent == [["r5", "r6"]])
  }

  @Test func whatHasNoFormThereIsAnsweredWithoutBeingSent() {
    var delivery = Delivery()
    let none: Delivery.Encode = { items in
      EncodedBatch(requests: [], refused: ["r0": "time.unplaced"], passedOver: items.dropFirst().map(\.id))
    }
    delivery.begin(Array(items[..<3]), none)
    #expect(delivery.next(none) == nil)
    #expect(delivery.finish() == .items(["r0": .unfit("time.unplaced"), "r1": .passedOver, "r2": .passedOver]))
  }

  @Test func whatIsRefusedOneByOneIsToldItemByItem() {
    var delivery = Delivery()
    delivery.begin(items, encode(10))
    let end = run(&delivery, encode(10)) { _ in .refused(code: "http.422", text: "no such profile") }.end
    #expect(refused(end).count == 10)
  }

  @Test func aProxyThatTakesNotEvenASmallOneIsWrongAndNoReadingIs() {
    var delivery = Delivery()
    delivery.begin(items, encode(10))
    guard case .misconfigured("http.413", _) = run(&delivery, encode(10), { _ in .tooLarge }).end else {
      Issue.record("readings were set aside")
      return
    }
    // When that is mended nothing stays small.
    let (_, end) = run(&delivery, encode(10), stored)
    #expect(refused(end).isEmpty && delivery.mostItems == nil)
  }
}
