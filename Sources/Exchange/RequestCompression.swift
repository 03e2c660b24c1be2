// Whether requests to a backend go as gzip: as the configuration wants it, until the backend shows that it does not take them. HTTP has
// no way to ask before (RFC 9110, 8.4 and 15.5.16), and servers that cannot read a body answer by whatever their parser says.

/// In which form the body of a request went out.
package enum SentForm: Sendable, Hashable {
  /// As it was made.
  case plain
  /// As gzip.
  case gzip
  /// As it was made, although gzip was wanted: this machine has no library that compresses.
  case plainWithoutLibrary
}

/// What is known of one backend and compressed requests.
package struct RequestCompression: Sendable, Hashable {
  /// How far that is known.
  package enum State: Sendable, Hashable {
    /// The configuration does not want it.
    case off
    /// No compressed request was answered yet.
    case untried
    /// The backend takes it.
    case taken
    /// The backend answered this status to a compressed request and took the same one plain: all go plain.
    case refused(status: Int)
    /// Connections broke under compressed requests, and the backend took the same one plain: all go plain.
    case broken
    /// This machine cannot compress: all go plain.
    case unavailable
  }

  /// A body of fewer octets goes plain: it hardly fills a packet.
  package static let leastOctets = 1024

  /// How far it is known.
  package private(set) var state: State
  /// How many compressed requests may break in a row, before any was answered, until the same one goes plain: a poor line breaks some.
  private let patience: Int
  private var breaks = 0

  /// Compressed where the configuration wants it.
  package init(isWanted: Bool, patience: Int = 3) {
    state = isWanted ? .untried : .off
    self.patience = patience
  }

  /// Whether a body goes as gzip.
  package func wants(_ body: [UInt8]) -> Bool {
    switch state {
    case .untried, .taken: body.count >= RequestCompression.leastOctets
    case .off, .refused, .broken, .unavailable: false
    }
  }

  /// Takes the status of an answer, and in which form the request went. True: the same request is to be sent once more, plain, before
  /// anything is made of the answer.
  package mutating func answered(_ status: Int, to form: SentForm) -> Bool {
    switch form {
    case .plain: return false
    case .plainWithoutLibrary:
      if state != .off { state = .unavailable }
      return false
    case .gzip:
      breaks = 0
      switch status {
      case 200...299:
        if state == .untried { state = .taken }
        return false
      // The status for it. A server that took others before may have been replaced.
      case 415: return true
      // What a parser says that was given octets and expected text. From a backend that took others before it is of the batch.
      case 400, 422, 500, 501: return state == .untried
      default: return false
      }
    }
  }

  /// A compressed request has no answer, by this code. True: the same request is to be sent once more, plain. A server whose parser
  /// ends with an error may close the connection without a word.
  package mutating func broke(_ code: String) -> Bool {
    guard state == .untried, ["net.closed-without-answer", "net.reset"].contains(code) else { return false }
    breaks += 1
    guard breaks >= patience else { return false }
    breaks = 0
    return true
  }

  /// Takes the status of the answer to the same request plain, after compressed ones broke.
  package mutating func answeredPlainAfterBreaks(_ status: Int) {
    if (200...299).contains(status), state == .untried { state = .broken }
  }

  /// Takes the status of the answer to the same request plain, after `refused` to the compressed one.
  package mutating func answeredPlain(_ status: Int, after refused: Int) {
    guard (200...299).contains(status), state == .untried || state == .taken else { return }
    state = .refused(status: refused)
  }

  /// Somebody reads the configuration anew: what refused may have been mended.
  package mutating func tryAgain() {
    switch state {
    case .refused, .broken, .unavailable: state = .untried
    case .off, .untried, .taken: break
    }
  }
}

extension RequestCompression.State {
  /// A stable name for scripts; nil where the configuration does not want it.
  package var name: String? {
    switch self {
    case .off: nil
    case .untried: "untried"
    case .taken: "gzip"
    case .refused, .broken: "refused"
    case .unavailable: "unavailable"
    }
  }

  /// For a person, why requests go plain although gzip is configured; nil where they do not.
  package var whyPlain: String? {
    switch self {
    case .off, .untried, .taken: nil
    case .refused(let status):
      "requests go uncompressed: the backend answered \(status) to gzip and took the same request plain"
    case .broken: "requests go uncompressed: the backend closed the connection at gzip and took the same request plain"
    case .unavailable: "requests go uncompressed: this machine has no libz.so.1"
    }
  }
}
