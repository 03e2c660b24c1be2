// Asks one backend for patients' plans: a GET through an uplink process of its own, so that a server that ends that process takes
// no delivery with it. The process goes when the answer is there.

import Exchange
import GatewayCore
import Platform

/// Asks one backend for patients' plans.
final class PlanFetcher {
  let http: HTTPBackend
  let source: PlanSource
  private let name: String
  private let connection: String
  private let hubID: String
  private let uplink: UplinkClient
  private let helpers: HelperPrograms
  private let credential: BackendCredential
  private let emit: (Event) -> Void

  init(
    _ name: String, _ http: HTTPBackend, _ source: PlanSource, hubID: String, _ uplink: UplinkClient,
    _ helpers: HelperPrograms, _ emit: @escaping (Event) -> Void
  ) {
    self.name = name
    self.http = http
    self.source = source
    self.hubID = hubID
    self.uplink = uplink
    self.helpers = helpers
    self.emit = emit
    connection = "\(name) plans"
    credential = BackendCredential(connection, http, uplink, helpers)
  }

  /// One question, with what it went through.
  private struct Attempt {
    var url: String
    let etag: String?
    var isRenewed = false
    var isRedirected = false
    var demands: [(String, String)] = []
  }

  /// Asks; the answer comes as an event, once.
  func fetch(_ etag: String?) { send(Attempt(url: source.url, etag: etag)) }

  // A fetcher that is asking stays until it has its answer, whatever the configuration says meanwhile.
  private func send(_ attempt: Attempt) {
    let about = BackendCredential.About(method: "GET", url: attempt.url, body: [], demands: attempt.demands)
    credential.headers(about) { [self] result in
      switch result {
      case .headers(let headers): transmit(attempt, headers)
      case .retry(let after, let code): ended(.retry(after: after, code: code))
      case .refused(let code, let text): ended(.misconfigured(code: code, text: text))
      }
    }
  }

  private func transmit(_ attempt: Attempt, _ credentials: [(String, String)]) {
    var target = http
    target.url = attempt.url
    var headers = [("Accept", "application/json"), ("Hearth-Hub", hubID)]
    if let etag = attempt.etag { headers.append(("If-None-Match", etag)) }
    uplink.send(connection, target, method: "GET", headers + credentials, []) { [self] result in
      switch result {
      case .response(let status, let headers, let body, let isTruncated):
        answered(attempt, HTTPReply(status: status, headers: headers, body: body, isTruncated: isTruncated))
      case .failure(let code): ended(.retry(after: nil, code: code))
      case .refused(let code, let text): ended(.misconfigured(code: code, text: text))
      }
    }
  }

  private func answered(_ attempt: Attempt, _ reply: HTTPReply) {
    var again = attempt
    if reply.status == 401, !attempt.isRenewed, credential.canRenew {
      credential.renew()
      again.isRenewed = true
      again.demands = HTTPCredential.demands(reply)
      return send(again)
    }
    if !attempt.isRedirected, let target = Redirection.target(reply, from: attempt.url) {
      again.isRedirected = true
      again.url = target
      return send(again)
    }
    let answer = PlanAnswer.read(reply, wall: Clocks.wall())
    guard case .plans = answer, let verifier = source.verifier else { return ended(answer) }
    // No cryptography here: the program gets what a signature may stand in and over, and says a word.
    helpers.run(verifier, PlanAnswer.verifierInput(reply, url: attempt.url)) { [self] output in
      ended(output.map(PlanAnswer.isVerified) == true ? answer : .unverified)
    }
  }

  private func ended(_ answer: PlanAnswer) {
    uplink.finish(connection)
    emit(.plansAnswered(backend: name, url: source.url, answer))
  }
}
