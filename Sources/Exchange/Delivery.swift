// One batch on its way to one backend: its requests one after the other, each frozen until it is answered; a refused one divided
// down to the reading that is bad; one that is too large made smaller, for good; one that never comes through on a slow link made
// smaller until answers come quickly again. Pure: octets and answers in, what next out.

/// A batch under way.
package struct Delivery: Sendable {
  /// Encodes items, under a batch identifier of its own each time.
  package typealias Encode = ([OutgoingItem]) -> EncodedBatch

  /// A request that any backend has to take and any link has to carry, in octets.
  static let ordinary = 16_384
  /// What tries without an end may cost before smaller requests are tried: one whose time was over costs four, one whose connection
  /// broke three. So the same octets go three times, or four.
  static let patience = 12
  /// The most items that a batch may be configured to hold.
  static let largest = 5000

  private var items: [String: OutgoingItem] = [:]
  private var order: [OutgoingItem] = []
  private var requests: [EncodedRequest] = []
  private var results: [String: ItemResult] = [:]
  /// What was answered in batches that did not end well: it is not sent again.
  private var settled: [String: ItemResult] = [:]
  /// The most items of one request since the backend refused more as too large.
  package private(set) var mostItems: Int?
  /// The most items of one request while larger ones do not come through; nil: no bound.
  private var pace: Int?
  private var stalls = 0
  /// How often the first request was sent.
  package private(set) var attempt = 0
  /// Nothing under way.
  package init() {}

  /// The next batch may hold so many items in one request again.
  package mutating func allow(_ count: Int) { if let most = mostItems, count > most { mostItems = nil } }

  /// Takes a new batch.
  package mutating func begin(_ items: [OutgoingItem], _ encode: Encode) {
    // What the last batch told is acknowledged by now; what a divided batch told comes again and counts.
    for id in results.keys where requests.isEmpty { settled[id] = nil }
    order = items
    self.items = Dictionary(items.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    results = settled.filter { self.items[$0.key] != nil }
    attempt = 0
    requests = make(items.filter { results[$0.id] == nil }, encode)
  }

  /// The request to be sent now; nil when every item has an answer.
  package mutating func next(_ encode: Encode) -> EncodedRequest? {
    guard let request = requests.first else { return nil }
    attempt += 1
    return request
  }

  /// Takes the answer to the request that was sent; gives what the outbox is told, or nil when there is more to be sent.
  /// `isQuick`: it took so little of its time that one twice as large would have come through too.
  package mutating func answered(_ outcome: UploadOutcome, isQuick: Bool = false, _ encode: Encode) -> UploadOutcome? {
    guard let request = requests.first else { return ended }
    switch outcome {
    case .busy(_, let code), .unknown(_, let code):
      stall(code, request, encode)
      return outcome
    default: stalls = 0
    }
    switch outcome {
    case .items(let told):
      if isQuick { quicken() }
      guard request.items.allSatisfy({ told[$0] != nil }) else {
        return .unknown(code: "answer.incomplete")
      }
      for (id, result) in told { settle(id, result) }
      advance()
    case .refused(let code, let text):
      if request.items.count > 1 {
        divide(request, encode)
      } else {
        for id in request.items { settle(id, .rejected(ServerText.line("\(code): \(text)"))) }
        advance()
      }
    case .tooLarge:
      if request.items.count > 1 {
        mostItems = max(1, request.items.count / 2)
        remake(encode)
      } else if request.body.count <= Delivery.ordinary {
        // Something on the way takes next to nothing: that is no fault of the reading, and no bound to be remembered.
        mostItems = nil
        return .misconfigured(
          code: "http.413",
          text: "one reading of \(request.body.count) octets is too large for what stands in front of it")
      } else {
        for id in request.items { settle(id, .rejected("http.413: too large for the backend even alone")) }
        advance()
      }
    case .busy, .unknown, .misconfigured, .untrusted: return outcome
    }
    return requests.isEmpty ? ended : nil
  }

  /// What the outbox is told when nothing is left to be sent.
  package mutating func finish() -> UploadOutcome { ended }

  private var ended: UploadOutcome { .items(results) }

  private mutating func settle(_ id: String, _ result: ItemResult) {
    results[id] = result
    settled[id] = result
  }

  private mutating func advance() {
    requests.removeFirst()
    attempt = 0
  }

  /// What is not answered yet, in requests of another size.
  private mutating func remake(_ encode: Encode) {
    let open = Set(requests.flatMap(\.items))
    requests = make(order.filter { open.contains($0.id) }, encode)
    attempt = 0
  }

  /// A try without an end. The link may be too slow for so much, or the server: after a few of them less is tried.
  private mutating func stall(_ code: String, _ request: EncodedRequest, _ encode: Encode) {
    switch code {
    case "net.timeout", "http.408", "http.504": stalls += 4
    case "net.reset", "net.closed-without-answer": stalls += 3
    default: return
    }
    guard stalls >= Delivery.patience else { return }
    stalls = 0
    // The size of a small one is not why: it goes octet by octet as it was, however often.
    guard request.items.count > 1, request.body.count > Delivery.ordinary else { return }
    pace = max(1, request.items.count / 4)
    remake(encode)
  }

  /// Answers come quickly: what is made from now on may hold twice as much.
  private mutating func quicken() {
    guard let most = pace else { return }
    pace = most < Delivery.largest / 2 ? 2 * most : nil
  }

  private mutating func divide(_ request: EncodedRequest, _ encode: Encode) {
    let held = request.items.compactMap { items[$0] }
    let half = held.count / 2
    requests.removeFirst()
    requests = make(Array(held[..<half]), encode) + make(Array(held[half...]), encode) + requests
    attempt = 0
  }

  /// The requests of items, no larger than the backend takes. What has no form there is answered at once.
  private mutating func make(_ items: [OutgoingItem], _ encode: Encode) -> [EncodedRequest] {
    var made: [EncodedRequest] = []
    var rest = items[...]
    while !rest.isEmpty {
      let run = Array(rest.prefix(min(mostItems ?? rest.count, pace ?? rest.count)))
      rest = rest.dropFirst(run.count)
      let batch = encode(run)
      for (id, reason) in batch.refused { settle(id, .unfit(reason)) }
      for id in batch.passedOver { settle(id, .passedOver) }
      made += batch.requests
    }
    return made
  }
}
