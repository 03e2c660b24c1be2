// The daemon's side of one connection to an uplink process, as a value: which requests wait for their outcome, and what a
// closed connection means for them.

package import Octets

/// Requests out, responses in. One conversation is one connection and so one uplink process.
package struct UplinkConversation: Sendable {
  private var decoder = UplinkFrameDecoder()
  private var waiting: Set<UInt64> = []

  /// A fresh connection.
  package init() {}

  /// The ids of the requests whose outcome is not known yet, ascending.
  package var outstanding: [UInt64] { waiting.sorted() }

  /// The octets to write for `request`, which then waits for its outcome.
  package mutating func send(_ request: UplinkRequest) throws(UplinkRuleError) -> [UInt8] {
    guard !waiting.contains(request.id) else {
      throw UplinkRuleError(field: "id", reason: "is that of a request that still waits")
    }
    let octets = try request.frame()
    waiting.insert(request.id)
    return octets
  }

  /// What the uplink broke the protocol with, once it has: close the connection and call `closed()`.
  package private(set) var failure: DecodeError?

  /// The responses that `octets` complete. Empty for ever once `failure` is set; what came whole before it still counts.
  package mutating func received(_ octets: some Sequence<UInt8>) -> [UplinkResponse] {
    guard failure == nil else { return [] }
    decoder.append(octets)
    var responses: [UplinkResponse] = []
    do throws(DecodeError) {
      while let frame = try decoder.next() {
        guard case .response(let response) = frame, waiting.remove(response.id) != nil else {
          throw DecodeError(field: "id", offset: 0, reason: .malformed("is not that of a request that waits"))
        }
        responses.append(response)
      }
    } catch {
      failure = error
    }
    return responses
  }

  /// The connection ended. These requests' outcomes are unknown for ever: their very same octets go again over a new one.
  package mutating func closed() -> [UInt64] {
    defer {
      waiting = []
      decoder = UplinkFrameDecoder()
      failure = nil
    }
    return outstanding
  }
}
