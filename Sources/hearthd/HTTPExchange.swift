// One request to a backend and its answer, for whoever asks: the credential before it, once another one when the backend refuses the
// first, once another address when it sends us on, once plain when it does not take gzip.

import Exchange
import GatewayCore
import Octets
import Platform
import Settings

/// Requests on one connection of the uplink, one after the other.
final class HTTPExchange {
  /// One request, with what it went through.
  private struct Attempt {
    let method: String
    var url: String
    let headers: [(String, String)]
    let body: [UInt8]
    let turn: Int
    var isRenewed = false
    var isRedirected = false
    var demands: [(String, String)] = []
    /// It did not come through as gzip: this time it goes plain.
    var isPlain = false
    /// What the server answered to it as gzip; nil: nothing.
    var refused: Int?
  }

  let http: HTTPBackend
  private let connection: String
  private let uplink: UplinkClient
  private let credential: BackendCredential
  private let compression: BackendCompression?
  /// What comes back for an earlier request is too late.
  private var turn = 0

  init(
    _ connection: String, _ http: HTTPBackend, _ uplink: UplinkClient, _ helpers: HelperPrograms,
    _ compression: BackendCompression? = nil
  ) {
    self.connection = connection
    self.compression = compression
    self.http = http
    self.uplink = uplink
    credential = BackendCredential(connection, http, uplink, helpers)
  }

  /// Sends; `ended` is called once, or never when another request or `abandon` comes first.
  func send(
    _ method: String, _ url: String, _ headers: [(String, String)], _ body: [UInt8],
    ended: @escaping (HTTPResult) -> Void
  ) {
    turn += 1
    send(Attempt(method: method, url: url, headers: headers, body: body, turn: turn), ended)
  }

  /// Whatever is on its way is answered too late.
  func abandon() { turn += 1 }

  // Held by nobody but who asks: a sender that is gone hears nothing, a fetcher stays for its answer by its own closure.
  private func send(_ attempt: Attempt, _ ended: @escaping (HTTPResult) -> Void) {
    let about = BackendCredential.About(
      method: attempt.method, url: attempt.url, body: attempt.body, demands: attempt.demands)
    credential.headers(about) { [weak self] result in
      guard let self, attempt.turn == turn else { return }
      switch result {
      case .headers(let headers): transmit(attempt, headers, ended)
      case .none(let outcome): ended(.none(outcome))
      }
    }
  }

  private func transmit(
    _ attempt: Attempt, _ credentials: [(String, String)], _ ended: @escaping (HTTPResult) -> Void
  ) {
    var target = http
    target.url = attempt.url
    let compresses = !attempt.isPlain && compression?.wants(attempt.body) ?? false
    uplink.send(
      connection, target, method: attempt.method, attempt.headers + credentials, attempt.body, compresses: compresses
    ) { [weak self] result in
      guard let self, attempt.turn == turn else { return }
      switch result {
      case .reply(let reply, _): answered(attempt, reply, ended)
      case .none(.unknown(_, let code)) where compresses && compression?.broke(code) ?? false:
        var again = attempt
        again.isPlain = true
        send(again, ended)
      case .none: ended(result)
      }
    }
  }

  private func answered(_ attempt: Attempt, _ reply: HTTPReply, _ ended: @escaping (HTTPResult) -> Void) {
    var again = attempt
    // A token may have been withdrawn, a secret exchanged, a nonce be demanded: once, with a new credential.
    if reply.status == 401, !attempt.isRenewed, credential.canRenew {
      credential.renew()
      again.isRenewed = true
      again.demands = HTTPCredential.demands(reply)
      return send(again, ended)
    }
    if !attempt.isRedirected, let target = Redirection.target(reply, from: attempt.url) {
      again.isRedirected = true
      again.url = target
      return send(again, ended)
    }
    if attempt.isPlain {
      compression?.answeredPlain(reply.status, after: attempt.refused)
    } else if compression?.answered(reply) ?? false {
      again.isPlain = true
      again.refused = reply.status
      return send(again, ended)
    }
    if let outcome = ProxyAnswer.outcome(reply) { return ended(.none(outcome)) }
    ended(.reply(reply, url: attempt.url))
  }
}
