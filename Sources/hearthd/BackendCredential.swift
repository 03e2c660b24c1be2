// Who we are to one backend: a bearer token or a password out of a file that is read anew each time, an OAuth 2.0 token that is
// fetched through the same uplink and kept while it lives, or the headers that a helper program gives.

import Exchange
import GatewayCore
import Platform
import Settings

/// Gives the headers that authorise a request.
final class BackendCredential {
  /// The request that is to be authorised.
  struct About {
    var method = "POST"
    var url: String
    var body: [UInt8]
    /// What the server demanded in its last answer.
    var demands: [(String, String)]
  }

  /// What came of it.
  enum Outcome {
    case headers([(String, String)])
    /// There is none, and so nothing is sent.
    case none(UploadOutcome)
  }

  private let name: String
  private let http: HTTPBackend
  private let uplink: UplinkClient
  private let helpers: HelperPrograms
  private var token: (value: String, until: Int64)?

  init(_ name: String, _ http: HTTPBackend, _ uplink: UplinkClient, _ helpers: HelperPrograms) {
    self.name = name
    self.http = http
    self.uplink = uplink
    self.helpers = helpers
  }

  /// A second try may carry another credential than the first.
  var canRenew: Bool { http.authorization != nil }

  /// The server refused what it was given.
  func renew() { token = nil }

  /// Calls `done` once, at once or later.
  func headers(_ about: About, _ done: @escaping (Outcome) -> Void) {
    switch http.authorization {
    case nil: done(.headers([]))
    case .bearer(let secret): done(BackendCredential.read(secret) { "Bearer \($0)" })
    case .basic(let user, let password):
      done(BackendCredential.read(password) { HTTPCredential.basic(user: user, password: $0) })
    case .helper(let path):
      if let fault = HelperPrograms.fault(path) {
        return done(.none(.misconfigured(code: "helper.missing", text: fault)))
      }
      let input = HTTPCredential.helperInput(
        method: about.method, url: about.url, demands: about.demands, body: about.body)
      helpers.run(path, input) { output in
        guard let headers = output.flatMap({ HTTPCredential.helperHeaders($0) }) else {
          return done(.none(.unknown(code: "helper.failed")))
        }
        done(.headers(headers))
      }
    case .oauth2(let client): oauth2(client, done)
    }
  }

  private func oauth2(_ client: HTTPBackend.OAuth2Client, _ done: @escaping (Outcome) -> Void) {
    if let token, token.until > Clocks.monotonic() {
      return done(.headers([("Authorization", "Bearer \(token.value)")]))
    }
    let authorization: String
    switch BackendCredential.secret(client.secret) {
    case .success(let secret): authorization = HTTPCredential.client(id: client.id, secret: secret)
    case .failure(let error): return done(.none(.misconfigured(code: "credential.unreadable", text: error.message)))
    }
    var target = http
    target.url = client.tokenURL
    let headers = [
      ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"),
      ("Authorization", authorization),
    ]
    let body = HTTPCredential.tokenRequest(scope: client.scope, audience: client.audience)
    uplink.send(name, target, headers, body) { [weak self] result in
      switch result {
      case .reply(let reply, _):
        switch HTTPCredential.token(reply, nowMilliseconds: Clocks.wall()) {
        case .token(let value, let lifetime):
          self?.token = (value, Clocks.monotonic() + lifetime)
          done(.headers([("Authorization", "Bearer \(value)")]))
        case .unavailable(let after, let code): done(.none(.unknown(after: after, code: code)))
        case .refused(let text): done(.none(.misconfigured(code: "oauth2.refused", text: "no token: \(text)")))
        }
      case .none(let outcome): done(.none(outcome.ofToken))
      }
    }
  }

  /// When the credentials of backends end, as far as they tell it themselves.
  static func ends(_ backends: [BackendConfiguration]) -> [String: CredentialFact] {
    var ends: [String: CredentialFact] = [:]
    for backend in backends {
      guard case .http(_, let http) = backend.kind else { continue }
      var facts: [CredentialFact] = []
      if case .bearer(let secret)? = http.authorization, case .success(let text) = BackendCredential.secret(secret),
        let end = CredentialEnd.token(text)
      {
        facts.append(CredentialFact(what: "token", end: end))
      }
      if let path = http.clientCertificate, let pem = SmallFile.read(path, atMost: 1 << 20),
        let end = CredentialEnd.certificate(pem)
      {
        facts.append(CredentialFact(what: "client certificate", end: end))
      }
      ends[backend.name] = facts.min { $0.end < $1.end }
    }
    return ends
  }

  private static func read(_ secret: HTTPBackend.Secret, _ value: (String) -> String) -> Outcome {
    switch BackendCredential.secret(secret) {
    case .success(let text): .headers([("Authorization", value(text))])
    case .failure(let error): .none(.misconfigured(code: "credential.unreadable", text: error.message))
    }
  }

  private static func secret(_ secret: HTTPBackend.Secret) -> Result<String, SecretError> {
    switch secret {
    case .file(let path): SmallFile.secret(path)
    case .credential(let name):
      SmallFile.secret((SmallFile.credentialsDirectory ?? "/run/credentials/hearthd.service/") + name)
    }
  }
}

extension UploadOutcome {
  /// The same, of the question for a token.
  fileprivate var ofToken: UploadOutcome {
    switch self {
    case .unknown(let after, let code): .unknown(after: after, code: "oauth2.\(code)")
    case .busy(let after, let code): .busy(after: after, code: "oauth2.\(code)")
    case .misconfigured(let code, let text): .misconfigured(code: "oauth2.\(code)", text: text)
    case .untrusted(let code, let text): .untrusted(code: "oauth2.\(code)", text: text)
    case .items, .refused, .tooLarge: self
    }
  }
}
