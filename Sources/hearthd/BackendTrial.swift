// Tries one backend: test readings one after the other over a connection of its own, past outboxes and journal.

import Exchange
import GatewayCore
import Platform
import Settings

/// One trial of a backend.
final class BackendTrial {
  private let backend: BackendConfiguration
  private let format: ExchangeFormat
  private let http: HTTPBackend
  private let connection: String
  private let exchange: HTTPExchange
  private let uplink: UplinkClient
  private let ended: ([TrialStep]) -> Void
  private var steps: [TrialStep] = []
  private var next = 0

  init(
    _ backend: BackendConfiguration, _ format: ExchangeFormat, _ http: HTTPBackend, _ uplink: UplinkClient,
    _ helpers: HelperPrograms, _ ended: @escaping ([TrialStep]) -> Void
  ) {
    self.backend = backend
    self.format = format
    self.http = http
    self.uplink = uplink
    self.ended = ended
    connection = "\(backend.name) try"
    exchange = HTTPExchange(
      connection, http, uplink, helpers, BackendCompression(isWanted: http.compresses, patience: 1) { _ in })
  }

  /// Sends the readings; `ended` is called once.
  func run(_ readings: [TestReading], _ encode: ([OutgoingItem]) -> EncodedBatch) {
    steps = readings.map { reading in
      let batch = encode([reading.item])
      return TrialStep(
        kind: reading.kind, id: reading.item.id, request: batch.requests.first, reason: batch.refused[reading.item.id])
    }
    proceed()
  }

  private func proceed() {
    while next < steps.count, steps[next].request == nil { next += 1 }
    guard next < steps.count, let request = steps[next].request else { return finish() }
    let began = Clocks.monotonic()
    exchange.send("POST", http.url, format.headers(of: request), request.body) { [self] result in
      steps[next].result = result
      steps[next].milliseconds = Clocks.monotonic() - began
      let isHopeless = TrialReport.isHopeless(steps[next], backend)
      next += 1
      isHopeless ? finish() : proceed()
    }
  }

  private func finish() {
    uplink.finish(connection)
    ended(steps)
  }
}
