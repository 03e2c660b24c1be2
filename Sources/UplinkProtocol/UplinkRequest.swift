// One HTTP request as `hearthd` freezes it: everything that decides what goes over the wire, and nothing else.

/// One header, in the order and the case in which it is sent.
package struct UplinkHeader: Hashable, Sendable {
  /// A token of RFC 9110 section 5.1.
  package var name: String
  /// Printable ASCII, spaces and tabs.
  package var value: String

  /// A header as it is sent.
  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A certificate, a bundle of certificates or a key in PEM, by the path under which the uplink process reads it, or as octets.
package enum UplinkPEM: Hashable, Sendable {
  /// A file that the uplink process can read, by its absolute path.
  case file(String)
  /// The text itself, for a process that may not read the file.
  case octets([UInt8])
}

/// The certificate and key with which the hub proves to a backend who it is.
package struct UplinkClientIdentity: Hashable, Sendable {
  /// The certificate, with the intermediate ones after it.
  package var certificate: UplinkPEM
  /// Its key, without a passphrase.
  package var key: UplinkPEM

  /// Both halves of one identity.
  package init(certificate: UplinkPEM, key: UplinkPEM) {
    self.certificate = certificate
    self.key = key
  }
}

/// How a server is trusted and how the hub is known to it. TLS 1.2 is always the least, and nothing turns verification off.
package struct UplinkTLS: Hashable, Sendable {
  /// The only authorities to trust; nil means the system's.
  package var authorities: UplinkPEM?
  /// The hub's own certificate; nil means that it has none.
  package var identity: UplinkClientIdentity?

  /// The system's authorities and no certificate of our own, unless given.
  package init(authorities: UplinkPEM? = nil, identity: UplinkClientIdentity? = nil) {
    self.authorities = authorities
    self.identity = identity
  }
}

/// What one uplink process can serve at most once: TLS options and proxies belong to the whole process in libcurl's hook.
package struct UplinkProfile: Hashable, Sendable {
  /// Trust and identity.
  package var tls: UplinkTLS
  /// Whether the proxy variables of the environment are honoured.
  package var allowProxyEnvironment: Bool

  /// The system's authorities and no proxies, unless given.
  package init(tls: UplinkTLS = UplinkTLS(), allowProxyEnvironment: Bool = false) {
    self.tls = tls
    self.allowProxyEnvironment = allowProxyEnvironment
  }
}

/// One request. Redirects are never followed: a 3xx is the answer, with its `Location`.
package struct UplinkRequest: Hashable, Sendable {
  /// Chosen by the daemon; the response carries the same one.
  package var id: UInt64
  /// `POST`, `GET`, …
  package var method: String
  /// An absolute `https` URL (or `http`, see `allowPlainHTTP`) without user, password or fragment.
  package var url: String
  /// In the order in which they are sent.
  package var headers: [UplinkHeader]
  /// Exactly these octets are sent, again and again until the outcome is known.
  package var body: [UInt8]
  /// The whole exchange, from connecting to the last octet of the answer: 1 to 600,000 milliseconds.
  package var deadlineMilliseconds: UInt32
  /// How much of the answer's body is read at most, 0 to 8 MiB; what comes after is cut off.
  package var maximumResponseBody: UInt32
  /// What the process that sends it must be set up for.
  package var profile: UplinkProfile
  /// Whether `http` may be used to a host that is not this machine.
  package var allowPlainHTTP: Bool
  /// Whether the body goes as gzip, with the header that says so, where the uplink can compress it and it gets smaller by that.
  package var compresses: Bool

  /// A request with the usual bounds: 1 MiB of answer, the system's authorities, no proxies, no plain HTTP, no gzip.
  package init(
    id: UInt64, method: String, url: String, headers: [UplinkHeader] = [], body: [UInt8] = [],
    deadlineMilliseconds: UInt32, maximumResponseBody: UInt32 = UplinkLimits.defaultResponseBody,
    profile: UplinkProfile = UplinkProfile(), allowPlainHTTP: Bool = false, compresses: Bool = false
  ) {
    self.id = id
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.deadlineMilliseconds = deadlineMilliseconds
    self.maximumResponseBody = maximumResponseBody
    self.profile = profile
    self.allowPlainHTTP = allowPlainHTTP
    self.compresses = compresses
  }
}
