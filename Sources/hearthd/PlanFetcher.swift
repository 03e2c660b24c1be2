// Asks one backend for patients' plans: a GET through an uplink process of its own, so that a server that ends that process takes
// no delivery with it. The process goes when the answer is there.

import Exchange
import GatewayCore
import Platform
import Settings

/// Asks one backend for patients' plans.
final class PlanFetcher {
  var http: HTTPBackend { exchange.http }
  let source: PlanSource
  private let name: String
  private let connection: String
  private let hubID: String
  private let uplink: UplinkClient
  private let helpers: HelperPrograms
  private let exchange: HTTPExchange
  private let emit: (Event) -> Void

  init(
    _ name: String, _ http: HTTPBackend, _ source: PlanSource, hubID: String, _ uplink: UplinkClient,
    _ helpers: HelperPrograms, _ emit: @escaping (Event) -> Void
  ) {
    self.name = name
    self.source = source
    self.hubID = hubID
    self.uplink = uplink
    self.helpers = helpers
    self.emit = emit
    connection = "\(name) plans"
    exchange = HTTPExchange(connection, http, uplink, helpers)
  }

  /// Asks; the answer comes as an event, once. A fetcher that is asking stays until it has its answer, whatever the configuration
  /// says meanwhile.
  func fetch(_ etag: String?) {
    var headers = [("Accept", "application/json"), ("Hearth-Hub", hubID)]
    if let etag { headers.append(("If-None-Match", etag)) }
    exchange.send("GET", source.url, headers, []) { [self] outcome in
      switch outcome {
      case .reply(let reply, let url): answered(reply, url)
      case .none(let outcome): ended(PlanAnswer(outcome))
      }
    }
  }

  private func answered(_ reply: HTTPReply, _ url: String) {
    let answer = PlanAnswer.read(reply, wall: Clocks.wall())
    guard case .plans = answer, let verifier = source.verifier else { return ended(answer) }
    if let fault = HelperPrograms.fault(verifier) {
      return ended(.misconfigured(code: "plans.verifier-missing", text: fault))
    }
    // No cryptography here: the program gets what a signature may stand in and over, and says a word.
    helpers.run(verifier, PlanAnswer.verifierInput(reply, url: url)) { [self] output in
      ended(output.map(PlanAnswer.isVerified) == true ? answer : .unverified)
    }
  }

  private func ended(_ answer: PlanAnswer) {
    uplink.finish(connection)
    emit(.plansAnswered(backend: name, url: source.url, answer))
  }
}
