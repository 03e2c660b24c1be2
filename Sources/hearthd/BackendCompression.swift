// What both lanes of one backend know of compressed requests, and who is told when that changes.

import Exchange

/// The compression of requests to one backend.
final class BackendCompression {
  private var compression: RequestCompression
  private let tell: (RequestCompression.State) -> Void

  init(isWanted: Bool, _ tell: @escaping (RequestCompression.State) -> Void) {
    compression = RequestCompression(isWanted: isWanted)
    self.tell = tell
    tell(compression.state)
  }

  func wants(_ body: [UInt8]) -> Bool { compression.wants(body) }

  /// True: the same request is to be sent once more, plain.
  func answered(_ reply: HTTPReply) -> Bool { change { $0.answered(reply.status, to: reply.sent) } }

  func answeredPlain(_ status: Int, after refused: Int) { change { $0.answeredPlain(status, after: refused) } }

  func tryAgain() { change { $0.tryAgain() } }

  private func change<Result>(_ body: (inout RequestCompression) -> Result) -> Result {
    let before = compression.state
    let result = body(&compression)
    if compression.state != before { tell(compression.state) }
    return result
  }
}
