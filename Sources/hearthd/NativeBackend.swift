// The native backend: batches over HTTP through the uplink process. The octets of a batch are frozen once they were sent, and
// go out again unchanged until an answer for every item came.

import Exchange
import GatewayCore
import Octets
import Platform

/// One native backend's frozen batch and its way out.
final class NativeBackend {
  /// Who sends.
  struct Identity: Sendable {
    var hubID: String
    var bootID: String
  }

  let name: String
  let http: HTTPBackend
  private let identity: Identity
  private let uplink: UplinkClient
  private let mailbox: Mailbox<BackendMessage>
  private var batchID = ""
  private var body: [UInt8] = []
  private var expected: [String] = []

  init(name: String, http: HTTPBackend, identity: Identity, uplink: UplinkClient, mailbox: Mailbox<BackendMessage>) {
    self.name = name
    self.http = http
    self.identity = identity
    self.uplink = uplink
    self.mailbox = mailbox
  }

  func deliver(_ items: [Deliverable]) {
    batchID = NativeBackend.uuid()
    expected = items.map(\.id)
    body = NativeBatch.encode(
      batchID: batchID, hubID: identity.hubID, sentAtMilliseconds: Clocks.wall(), bootID: identity.bootID,
      readings: items.filter(\.isReading).map(\.json), events: items.filter { !$0.isReading }.map(\.json))
    redeliver()
  }

  /// A random UUID (version 4).
  private static func uuid() -> String {
    var octets = Clocks.random(16)
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    let hex = Array(Hex.encode(octets))
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
  }

  func redeliver() {
    var headers = [
      ("Content-Type", "application/json"), ("Accept", "application/json"), ("Idempotency-Key", "\"\(batchID)\""),
    ]
    if let bearer = http.bearer {
      switch NativeBackend.secret(bearer) {
      case .success(let token): headers.append(("Authorization", "Bearer \(token)"))
      case .failure(let error): return post(.misconfigured(code: "credential.unreadable", text: error.message))
      }
    }
    let (expected, trusts) = (self.expected, http.trustsSuccess)
    uplink.send(name, http, headers, body) { [weak self] result in
      switch result {
      case .response(let status, let headers, let body, let isTruncated):
        let outcome = NativeAnswer.read(
          status: status, headers: headers, body: body, isTruncated: isTruncated, expected: expected,
          trustsSuccess: trusts,
          nowMilliseconds: Clocks.wall())
        self?.post(NativeBackend.outcome(outcome))
      case .failure(let code): self?.post(.retry(after: nil, code: code))
      case .refused(let code, let text): self?.post(.misconfigured(code: code, text: text))
      }
    }
  }

  private static func secret(_ secret: HTTPBackend.Secret) -> Result<String, SystemError> {
    switch secret {
    case .file(let path): SmallFile.secret(path)
    case .credential(let name):
      SmallFile.secret((SmallFile.credentialsDirectory ?? "/run/credentials/hearthd.service/") + name)
    }
  }

  private static func outcome(_ outcome: UploadOutcome) -> DeliveryOutcome {
    switch outcome {
    case .items(let results):
      var duplicates = 0
      var refused: [String: String] = [:]
      for (id, result) in results {
        switch result {
        case .stored: break
        case .duplicate: duplicates += 1
        case .rejected(let reason): refused[id] = reason
        }
      }
      return .accepted(duplicates: duplicates, refused: refused)
    case .retry(let after, let code): return .retry(after: after, code: code)
    case .refused(let code, let text): return .refused(code: code, text: text)
    case .tooLarge: return .tooLarge
    case .misconfigured(let code, let text): return .misconfigured(code: code, text: text)
    }
  }

  private func post(_ outcome: DeliveryOutcome) { mailbox.post(BackendMessage(backend: name, outcome: outcome)) }
}
