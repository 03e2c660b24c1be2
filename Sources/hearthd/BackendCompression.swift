// What both lanes of one backend know of compressed requests, and who is told when that changes.

import Exchange

/// The compression of requests to one backend.
final class BackendCompression {
  private var compression: RequestCompression
  private let tell: (RequestCompression.State) -> Void

  init(isWanted: Bool, patience: Int = 3, _ tell: @escaping (RequestCompression.State) -> Void) {
    compression = RequestCompression(isWanted: isWanted, patience: patience)
    self.tell = tell
    tell(compression.state)
  }

  func wants(_ body: [UInt8]) -> Bool { compression.wants(body) }

  /// True: the same request is to be sent once more, plain.
  func answered(_ reply: HTTPReply) -> Bool { change { $0.answered(reply.status, to: reply.sent) } }

  /// True: the same request is to be sent once more, plain.
  func broke(_ code: String) -> Bool { change { $0.broke(code) } }

  /// `refused`: what was answered to the same request as gzip; nil: nothing was.
  func answeredPlain(_ status: Int, after refused: Int?) {
    change { compression in
      if let refused {
        compression.answeredPlain(status, after: refused)
      } else {
        compression.answeredPlainAfterBreaks(status)
      }
    }
  }

  func tryAgain() { change { $0.tryAgain() } }

  private func change<Result>(_ body: (inout RequestCompression) -> Result) -> Result {
    let before = compression.state
    let result = body(&compression)
    if compression.state != before { tell(compression.state) }
    return result
  }
}
