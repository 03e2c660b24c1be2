// A backend as configured: what it speaks, how it is reached, with which credential.

public import Exchange

/// One backend.
public struct BackendConfiguration: Sendable, Hashable {
  /// What it speaks.
  public enum Kind: Sendable, Hashable {
    /// One file a day under a folder.
    case directory(path: String)
    /// Batches over HTTP.
    case http(ExchangeFormat, HTTPBackend)

    /// As `type` in the configuration.
    public var name: String {
      switch self {
      case .directory: "directory"
      case .http(let format, _): format.name
      }
    }
  }
  /// The hub's name for it; its cursor in the journal stands under it.
  public var name: String
  /// What it speaks.
  public var kind: Kind
  /// The most readings of a batch.
  public var maximumReadings: Int
  /// The most octets of a batch.
  public var maximumBytes: Int
  /// Where it gives patients' plans; nil: it gives none.
  public var plans: PlanSource?

  /// A backend.
  public init(name: String, kind: Kind, maximumReadings: Int, maximumBytes: Int) {
    self.name = name
    self.kind = kind
    self.maximumReadings = maximumReadings
    self.maximumBytes = maximumBytes
  }
}

/// Where a backend gives patients' plans.
public struct PlanSource: Sendable, Hashable {
  /// Answers a GET with every plan of this hub; reached with the backend's own credential.
  public var url: String
  /// Milliseconds between two questions: five minutes to a week.
  public var every: Int64
  /// A program that says whether an answer is signed as it should be; nil: the connection is proof enough.
  public var verifier: String?

  /// Where plans come from.
  public init(url: String, every: Int64 = 3_600_000, verifier: String? = nil) {
    self.url = url
    self.every = every
    self.verifier = verifier
  }
}

/// How a backend is reached over HTTP.
public struct HTTPBackend: Sendable, Hashable {
  /// Where a secret is read from; it is never in the configuration itself.
  public enum Secret: Sendable, Hashable {
    /// A credential of the service manager.
    case credential(String)
    /// A file of mode 0600.
    case file(String)
  }

  /// What goes into `Authorization`.
  public enum Authorization: Sendable, Hashable {
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
  public struct OAuth2Client: Sendable, Hashable {
    /// Where tokens come from.
    public var tokenURL: String
    /// The client.
    public var id: String
    /// Its secret, sent by HTTP Basic.
    public var secret: Secret
    /// The scopes asked for, separated by blanks.
    public var scope: String?
    /// Whom the token is for, where the server asks.
    public var audience: String?

    /// A client that gets its own tokens.
    public init(tokenURL: String, id: String, secret: Secret, scope: String? = nil, audience: String? = nil) {
      self.tokenURL = tokenURL
      self.id = id
      self.secret = secret
      self.scope = scope
      self.audience = audience
    }
  }

  /// `https://…`; `http://` only with `allowsPlainHTTP` or to this machine.
  public var url: String
  /// The credential.
  public var authorization: Authorization?
  /// A 2xx without body acknowledges everything.
  public var trustsSuccess: Bool
  /// The longest that one request may take, in milliseconds.
  public var deadline: Int
  /// A bundle of certificate authorities to trust instead of the system's.
  public var caFile: String?
  /// The client's certificate and key, both or none.
  public var clientCertificate: String?
  /// The client's key.
  public var clientKey: String?
  /// Honour the proxy variables of the environment.
  public var usesProxyEnvironment: Bool
  /// Send in clear beyond this machine.
  public var allowsPlainHTTP: Bool

  /// An address with the usual settings.
  public init(url: String) {
    self.url = url
    trustsSuccess = false
    deadline = 30_000
    usesProxyEnvironment = false
    allowsPlainHTTP = false
  }
}
