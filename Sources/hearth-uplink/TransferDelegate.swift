// What URLSession says about each transfer, turned into one outcome. Every guard of a request that only a delegate can hold is
// here: redirects refused, challenges cancelled, bodies bounded while they stream.

import Foundation
import FoundationNetworking
import Synchronization
import UplinkProtocol

/// What is known of one transfer so far.
struct Transfer: Sendable {
  let key: UInt64
  let mostBody: Int
  /// Asks for its end, on the session's queue.
  let cancel: @Sendable () -> Void
  var answer: UplinkAnswer?
  var body: [UInt8] = []
  var isChallenged = false
  var isAnswered = false

  init(key: UInt64, mostBody: Int, cancel: @escaping @Sendable () -> Void) {
    self.key = key
    self.mostBody = mostBody
    self.cancel = cancel
  }
}

final class TransferDelegate: NSObject, URLSessionDataDelegate {
  private let mailbox: Mailbox
  private let transfers = Mutex<[Int: Transfer]>([:])

  init(_ mailbox: Mailbox) { self.mailbox = mailbox }

  func follow(_ task: Int, _ transfer: Transfer) { transfers.withLock { $0[task] = transfer } }

  private func update(_ task: URLSessionTask, _ body: (inout Transfer) -> Void) {
    transfers.withLock { transfers in
      guard var transfer = transfers[task.taskIdentifier] else { return }
      body(&transfer)
      transfers[task.taskIdentifier] = transfer
    }
  }

  /// A 3xx is the answer: the batch goes nowhere but to the address that was configured.
  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
  ) {
    update(task) { $0.answer = UplinkAnswer(response) }
    completionHandler(nil)
  }

  /// Nobody is ever given a password: the 401 is the answer. (`.useCredential` without one crashes, the default handling hangs.)
  func urlSession(
    _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
    completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
  ) {
    let response = challenge.failureResponse as? HTTPURLResponse
    update(task) { transfer in
      transfer.isChallenged = true
      if transfer.answer == nil, let response { transfer.answer = UplinkAnswer(response) }
    }
    completionHandler(.cancelAuthenticationChallenge, nil)
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    if let response = response as? HTTPURLResponse { update(dataTask) { $0.answer = UplinkAnswer(response) } }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    update(dataTask) { transfer in
      guard !transfer.isAnswered else { return }
      let room = max(0, transfer.mostBody - transfer.body.count)
      transfer.body.append(contentsOf: data.prefix(room))
      guard data.count > room, let answer = transfer.answer else { return }
      // Enough was read: what comes after is cut off, and so is the transfer.
      transfer.isAnswered = true
      mailbox.post(
        Mailbox.Event(key: transfer.key, outcome: answer.outcome(transfer.body, isTruncated: true), isOver: false))
      transfer.body = []
      transfer.cancel()
    }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    guard var transfer = transfers.withLock({ $0.removeValue(forKey: task.taskIdentifier) }) else { return }
    // A redirect without a Location reaches no other method.
    if transfer.answer == nil, let response = task.response as? HTTPURLResponse {
      transfer.answer = UplinkAnswer(response)
    }
    let outcome = transfer.isAnswered ? nil : Outcome.of(transfer, error)
    mailbox.post(Mailbox.Event(key: transfer.key, outcome: outcome, isOver: true))
  }
}
