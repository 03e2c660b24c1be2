// What became of one request: the server's answer, or why there is none.

/// Why there is no answer. Only where `wasNotSent` is true is it certain that the server saw nothing.
package enum UplinkFailureKind: UInt8, Hashable, Sendable, CaseIterable {
  /// The host's name did not resolve.
  case dns = 1
  /// Nobody listens there, or the network cannot reach it.
  case refused = 2
  /// The connection broke while in use.
  case reset = 3
  /// The server closed without a word.
  case closedWithoutAnswer = 4
  /// The deadline passed.
  case timeout = 5
  /// URLSession's catch-all: sometimes an answer cut short, sometimes TLS in words that nobody knows yet.
  case tlsOrUnknown = 6
  /// What came is not HTTP.
  case cannotParse = 7
  /// The answer passes a bound that cannot be cut off, such as that of its headers.
  case tooLarge = 8
  /// The request breaks a rule of `UplinkRequest.check()`; nothing was sent.
  case invalidRequest = 9
  /// The TLS options could not be put in force; nothing was sent.
  case tlsSetup = 10
  /// This process already serves another profile; nothing was sent. Send it over a connection of its own.
  case otherProfile = 11
  /// One side does not accept the other's certificate: a name, a date, an authority, or none where one is asked for.
  case certificate = 12
  /// The two found no TLS to speak: too old a version, or no TLS at all.
  case handshake = 13

  /// A stable name for logs, scripts and tests.
  package var code: String {
    switch self {
    case .dns: "dns"
    case .refused: "refused"
    case .reset: "reset"
    case .closedWithoutAnswer: "closed-without-answer"
    case .timeout: "timeout"
    case .tlsOrUnknown: "tls-or-unknown"
    case .cannotParse: "cannot-parse"
    case .tooLarge: "too-large"
    case .invalidRequest: "invalid-request"
    case .tlsSetup: "tls-setup"
    case .otherProfile: "other-profile"
    case .certificate: "tls-certificate"
    case .handshake: "tls-handshake"
    }
  }

  /// True when the request certainly did not reach the server; otherwise the outcome is unknown and the same octets go again.
  package var wasNotSent: Bool {
    switch self {
    case .dns, .refused, .invalidRequest, .tlsSetup, .otherProfile: true
    case .reset, .closedWithoutAnswer, .timeout, .tlsOrUnknown, .cannotParse, .tooLarge, .certificate, .handshake: false
    }
  }

  /// The two sides find no TLS that both accept; nothing was sent.
  package var isAboutTLS: Bool {
    switch self {
    case .tlsSetup, .certificate, .handshake: true
    default: false
    }
  }

  /// True when sending the same octets again cannot help until somebody changes something, here or at the server.
  package var isMisconfiguration: Bool {
    switch self {
    case .invalidRequest, .tlsSetup, .certificate, .handshake: true
    case .dns, .refused, .reset, .closedWithoutAnswer, .timeout, .tlsOrUnknown, .cannotParse, .tooLarge, .otherProfile:
      false
    }
  }
}

/// In which form a request's body went out.
package enum UplinkBodyForm: UInt8, Hashable, Sendable, CaseIterable {
  /// As it was given.
  case plain = 0
  /// As gzip.
  case gzip = 1
  /// As it was given, although gzip was wanted: the uplink has no library that compresses.
  case plainWithoutLibrary = 2
}

/// A server's answer, bounded.
package struct UplinkAnswer: Hashable, Sendable {
  /// 100 to 999.
  package var status: UInt16
  /// At most 64 headers, sorted by name in lower case: URLSession keeps neither their order nor their case.
  package var headers: [UplinkHeader]
  /// True when headers were left out because they pass a bound.
  package var headersTruncated: Bool
  /// Decoded where the server compressed it; at most as long as the request allowed.
  package var body: [UInt8]
  /// True when the body was cut off there, or broke off before its end.
  package var bodyTruncated: Bool
  /// How the body of the request went out.
  package var sent: UplinkBodyForm

  package init(
    status: UInt16, headers: [UplinkHeader] = [], headersTruncated: Bool = false, body: [UInt8] = [],
    bodyTruncated: Bool = false, sent: UplinkBodyForm = .plain
  ) {
    self.status = status
    self.headers = headers
    self.headersTruncated = headersTruncated
    self.body = body
    self.bodyTruncated = bodyTruncated
    self.sent = sent
  }

  /// The value of the first header of this name; ASCII case does not matter.
  package func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}

/// What became of the request with the same id.
package struct UplinkResponse: Hashable, Sendable {
  /// Either a server's answer or the reason for its absence.
  package enum Outcome: Hashable, Sendable {
    /// The server answered.
    case response(UplinkAnswer)
    /// It did not. The detail is one line for a technician and never holds a header, a body or a query.
    case failure(UplinkFailureKind, detail: String)
  }

  /// The request's.
  package var id: UInt64
  /// What became of it.
  package var outcome: Outcome

  /// The outcome of request `id`.
  package init(id: UInt64, outcome: Outcome) {
    self.id = id
    self.outcome = outcome
  }
}
