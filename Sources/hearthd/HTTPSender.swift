// One lane's way out to an HTTP backend, whatever it speaks: batches through the uplink process, frozen once they were sent, until an answer
// for every item came. `Delivery` says what goes next, `HTTPExchange` carries one request, this class does it.

import Exchange
import GatewayCore
import Octets
import Platform
import Settings
import Ledger

/// Sends the batches of one lane of a backend.
final class HTTPSender {
  /// Who sends.
  struct Identity: Sendable {
    var hubID: String
    var bootID: String
  }

  private let way: BackendLane
  let format: ExchangeFormat
  var http: HTTPBackend { exchange.http }
  /// The patients' limits, which travel with what was judged by them.
  var bands: [String: PatientBands] = [:]
  /// The most octets of a request.
  var maximumBytes: Int
  private let identity: Identity
  private let exchange: HTTPExchange
  private let mailbox: Mailbox<BackendMessage>
  /// Called with the tag of the plans that the backend has, when an answer tells it.
  var tellsPlans: (String) -> Void = { _ in }
  private var delivery = Delivery()
  /// The last batch that the outbox gave.
  private var open: [Deliverable] = []
  private var hasBatch = false
  private var isSending = false

  init(
    _ backend: BackendConfiguration, _ lane: OutboxLane, _ format: ExchangeFormat, _ http: HTTPBackend,
    identity: Identity,
    uplink: UplinkClient, helpers: HelperPrograms, compression: BackendCompression?,
    mailbox: Mailbox<BackendMessage>
  ) {
    way = BackendLane(backend.name, lane)
    // Each lane has its own connection.
    let connection = lane == .backlog ? backend.name : "\(backend.name) \(lane.rawValue)"
    exchange = HTTPExchange(connection, http, uplink, helpers, compression)
    self.format = format
    maximumBytes = backend.maximumBytes
    self.identity = identity
    self.mailbox = mailbox
  }

  func deliver(_ items: [Deliverable]) {
    open = items
    hasBatch = true
    // The outbox knows what the backend takes, over restarts too; when it offers more, more is tried.
    delivery.allow(items.count)
    delivery.begin(items.map { OutgoingItem(id: $0.id, isReading: $0.isReading, json: $0.json) }, encode)
    sendNext()
  }

  /// What has no answer yet, octet by octet as it was.
  func redeliver() {
    // Nothing that this process does not hold counts as delivered.
    guard hasBatch else { return post(.unknown(code: "batch.unknown")) }
    sendNext()
  }

  /// Another configuration takes over: gives the batch that is on its way, whose answer comes too late for this one.
  func abandon() -> [Deliverable] {
    exchange.abandon()
    return isSending ? open : []
  }

  private func encode(_ items: [OutgoingItem]) -> EncodedBatch {
    format.encode(items, HTTPSender.context(identity, maximumBytes: maximumBytes, bands: bands))
  }

  /// What is known at this moment, for a batch of its own identifier.
  static func context(_ identity: Identity, maximumBytes: Int, bands: [String: PatientBands]) -> ExchangeContext {
    ExchangeContext(
      hubID: identity.hubID, bootID: identity.bootID, version: Hearthd.version, batchID: uuid(),
      sentAtMilliseconds: Clocks.wall(), isSynchronised: Clocks.isSynchronised(), bands: bands,
      maximumBytes: maximumBytes)
  }

  /// A random UUID (version 4).
  private static func uuid() -> String {
    var octets = Clocks.random(16)
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    let hex = Array(Hex.encode(octets))
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
  }

  private func sendNext() {
    isSending = true
    guard let request = delivery.next(encode) else {
      exchange.abandon()
      return post(delivery.finish())
    }
    let began = Clocks.monotonic()
    exchange.send("POST", http.url, format.headers(of: request), request.body) { [weak self] outcome in
      guard let self else { return }
      answered(request, outcome, isQuick: (Clocks.monotonic() - began) * 4 < Int64(http.deadline))
    }
  }

  private func answered(_ request: EncodedRequest, _ outcome: HTTPResult, isQuick: Bool) {
    switch outcome {
    case .none(let outcome): ended(outcome)
    case .reply(let reply, _):
      if let tag = reply.header("hearth-plans").flatMap(PlanAnswer.tag) { tellsPlans(tag) }
      ended(
        format.read(
          reply, to: request, attempt: delivery.attempt, trustsSuccess: http.trustsSuccess,
          nowMilliseconds: Clocks.wall()), isQuick: isQuick)
    }
  }

  /// `isQuick`: it took less than a quarter of its time.
  private func ended(_ outcome: UploadOutcome, isQuick: Bool = false) {
    if let end = delivery.answered(outcome, isQuick: isQuick, encode) { post(end) } else { sendNext() }
  }

  private func post(_ outcome: UploadOutcome) {
    isSending = false
    mailbox.post(BackendMessage(way: way, outcome: outcome, mostItems: delivery.mostItems))
  }
}
