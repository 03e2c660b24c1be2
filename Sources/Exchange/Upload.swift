// How the answer of a backend is read, for every kind of backend.

/// What became of one item of a batch.
package enum ItemResult: Sendable, Hashable {
  case stored
  case duplicate
  /// With the backend's reason.
  case rejected(String)
  /// It has no form that the backend could take, with the hub's own reason: it was not sent.
  case unfit(String)
  /// The backend's format has no place for it: it was not sent, and nothing is wrong.
  case passedOver

  /// Why it is set aside; nil when it is not.
  package var reason: String? {
    switch self {
    case .rejected(let reason), .unfit(let reason): reason
    case .stored, .duplicate, .passedOver: nil
    }
  }

  /// True for what the backend answered: the hub's own decisions say nothing of the backend.
  package var isAnswer: Bool {
    switch self {
    case .stored, .duplicate, .rejected: true
    case .unfit, .passedOver: false
    }
  }
}

/// What came of a batch, or of a request to a backend: from the connection to the journal it is this one value.
package enum UploadOutcome: Sendable, Hashable {
  /// Every item has a result, by identifier.
  case items([String: ItemResult])
  /// It answered, but only that it takes nothing now: the same octets again, not before so many milliseconds.
  case busy(after: Int64?, code: String)
  /// There was no answer, or one that tells nothing: the same octets again, not before so many milliseconds.
  case unknown(after: Int64? = nil, code: String)
  /// The batch as a whole is refused.
  case refused(code: String, text: String)
  /// The batch is too large.
  case tooLarge
  /// Waiting does not cure it: credentials, address, consent.
  case misconfigured(code: String, text: String)
  /// The two sides find no TLS that both accept: a certificate, a version, a clock. Nothing was sent.
  case untrusted(code: String, text: String)
}

/// How a request over HTTP ended.
package enum HTTPResult: Sendable {
  /// What was answered, and by which address.
  case reply(HTTPReply, url: String)
  /// There is no answer.
  case none(UploadOutcome)
}

/// Reads status and headers, the same for all HTTP backends.
package enum HTTPAnswer {
  /// The longest that a backend may ask to wait, in milliseconds.
  package static let longestRetryAfter: Int64 = 3_600_000

  /// What a status says by itself; nil for 2xx and 207, whose body decides.
  package static func outcome(
    status: Int, headers: [(name: String, value: String)], nowMilliseconds: Int64
  ) -> UploadOutcome? {
    let code = "http.\(status)"
    switch status {
    case 200...299: return nil
    case 300...399:
      return .misconfigured(
        code: code, text: "the backend answers with a redirection; configure the address it points to")
    case 400, 402, 412, 422, 451: return .refused(code: code, text: "the backend refuses the batch")
    case 406, 415: return .misconfigured(code: code, text: "the backend does not take this kind of batch")
    case 401: return .misconfigured(code: code, text: "the backend refuses the credential")
    case 403: return .misconfigured(code: code, text: "the credential may not store readings there")
    case 404, 405, 410: return .misconfigured(code: code, text: "nothing takes readings at this address")
    case 407: return .misconfigured(code: code, text: "a proxy on the way wants a credential")
    // Of the request as such, whatever it holds: no reading is set aside for it. The last four are nginx's own.
    case 411, 414, 417, 421, 426, 431, 494...497:
      return .misconfigured(code: code, text: "what stands in front of the backend does not take such requests")
    case 413: return .tooLarge
    case 408, 409, 425, 429, 500...599:
      return .busy(after: retryAfter(headers, nowMilliseconds: nowMilliseconds), code: code)
    case 400...499: return .refused(code: code, text: "the backend refuses the batch")
    default: return .busy(after: nil, code: code)
    }
  }

  /// `Retry-After` in milliseconds from now: seconds, or an HTTP date; bounded.
  package static func retryAfter(_ headers: [(name: String, value: String)], nowMilliseconds: Int64) -> Int64? {
    guard let text = headers.first(where: { $0.name.lowercased() == "retry-after" })?.value else { return nil }
    let trimmed = String(text.drop { $0 == " " })
    if !trimmed.isEmpty, trimmed.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
      guard trimmed.utf8.count <= 9, let seconds = Int64(trimmed) else { return longestRetryAfter }
      return min(seconds * 1000, longestRetryAfter)
    }
    guard let date = HTTPDate.milliseconds(trimmed) else { return nil }
    return min(max(date - nowMilliseconds, 0), longestRetryAfter)
  }
}
