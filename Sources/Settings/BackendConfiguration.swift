// A backend as configured: what it speaks, how it is reached, with which credential.

package import Exchange

package struct BackendConfiguration: Sendable, Hashable {
  /// What it speaks.
  package enum Kind: Sendable, Hashable {
    /// One file a day under a folder.
    case directory(path: String)
    /// Batches over HTTP.
    case http(ExchangeFormat, HTTPBackend)

    /// As `type` in the configuration.
    package var name: String {
      switch self {
      case .directory: "directory"
      case .http(let format, _): format.name
      }
    }
  }
  /// The hub's name for it; its cursor in the journal stands under it.
  package var name: String
  /// What it speaks.
  package var kind: Kind
  /// The most readings of a batch.
  package var maximumReadings: Int
  /// The most octets of a batch.
  package var maximumBytes: Int
  /// Where it gives patients' plans; nil: it gives none.
  package var plans: PlanSource?
  /// The patient of test readings; nil: none may be sent.
  package var testPatient: String?
  /// For how many milliseconds a directory backend keeps a day's file after the end of the day; nil: for ever.
  package var keep: Int64?

  /// What `keep` is where the configuration does not say it: 90 days.
  package static let usualKeep: Int64 = 90 * 86_400_000

  package init(name: String, kind: Kind, maximumReadings: Int, maximumBytes: Int) {
    self.name = name
    self.kind = kind
    self.maximumReadings = maximumReadings
    self.maximumBytes = maximumBytes
  }
}

/// Where a backend gives patients' plans.
package struct PlanSource: Sendable, Hashable {
  /// Answers a GET with every plan of this hub; reached with the backend's own credential.
  package var url: String
  /// Milliseconds between two questions: five minutes to a week.
  package var every: Int64
  /// A program that says whether an answer is signed as it should be; nil: the connection is proof enough.
  package var verifier: String?

  /// Where plans come from.
  package init(url: String, every: Int64 = 3_600_000, verifier: String? = nil) {
    self.url = url
    self.every = every
    self.verifier = verifier
  }
}

/// How a backend is reached over HTTP.
package struct HTTPBackend: Sendable, Hashable {
  /// Where a secret is read from; it is never in the configuration itself.
  package enum Secret: Sendable, Hashable {
    /// A credential of the service manager.
    case credential(String)
    /// A file of mode 0600.
    case file(String)
  }

  /// What goes into `Authorization`.
  package enum Authorization: Sendable, Hashable {
    /// A bearer token, read anew for each request.
    case bearer(Secret)
    /// User and password (RFC 7617).
    case basic(user: String, password: Secret)
    /// A token by client credentials (RFC 6749 4.4), kept until it expires.
    case oauth2(OAuth2Client)
    /// A program that gives the headers of each request.
    case helper(path: String)
  }

  /// A client that gets its own tokens.
  package struct OAuth2Client: Sendable, Hashable {
    /// Where tokens come from.
    package var tokenURL: String
    /// The client.
    package var id: String
    /// Its secret, sent by HTTP Basic.
    package var secret: Secret
    /// The scopes asked for, separated by blanks.
    package var scope: String?
    /// Whom the token is for, where the server asks.
    package var audience: String?

    /// A client that gets its own tokens.
    package init(tokenURL: String, id: String, secret: Secret, scope: String? = nil, audience: String? = nil) {
      self.tokenURL = tokenURL
      self.id = id
      self.secret = secret
      self.scope = scope
      self.audience = audience
    }
  }

  /// `https://…`; `http://` only with `allowsPlainHTTP` or to this machine.
  package var url: String
  /// The credential.
  package var authorization: Authorization?
  /// A 2xx without body acknowledges everything.
  package var trustsSuccess: Bool
  /// The longest that one request may take, in milliseconds.
  package var deadline: Int
  /// A bundle of certificate authorities to trust instead of the system's.
  package var caFile: String?
  /// The client's certificate and key, both or none.
  package var clientCertificate: String?
  /// The client's key.
  package var clientKey: String?
  /// Honour the proxy variables of the environment.
  package var usesProxyEnvironment: Bool
  /// Send in clear beyond this machine.
  package var allowsPlainHTTP: Bool
  /// Send requests as gzip, as long as the backend takes them.
  package var compresses: Bool

  /// An address with the usual settings.
  package init(url: String) {
    self.url = url
    trustsSuccess = false
    deadline = 30_000
    usesProxyEnvironment = false
    allowsPlainHTTP = false
    compresses = false
  }
}
