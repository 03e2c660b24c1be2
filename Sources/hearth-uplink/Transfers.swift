// URLSession with its guards (ephemeral, no cookies, no cache, no credentials, no redirects, bounded bodies): the delegate that
// follows every transfer, and the queue on which URLSession is called, away from the worker's loop.

import Foundation
import FoundationNetworking
import Synchronization
import UplinkProtocol

/// All transfers of one process.
final class Transfers: Sendable {
  let profile: UplinkProfile
  private let queue = DispatchQueue(label: "hearth.uplink.session")
  private let delegate: TransferDelegate
  private let session: URLSession
  private let tasks = Mutex<[UInt64: URLSessionTask]>([:])

  init(profile: UplinkProfile, mailbox: Mailbox) {
    self.profile = profile
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpCookieStorage = nil
    configuration.httpCookieAcceptPolicy = .never
    configuration.httpShouldSetCookies = false
    configuration.urlCache = nil
    configuration.urlCredentialStorage = nil
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    // Only an idle timer, and only here (facts: the resource timeout is ignored): the deadline is the worker's.
    configuration.timeoutIntervalForRequest = Double(UplinkLimits.deadlineMilliseconds) / 1000 + 60
    delegate = TransferDelegate(mailbox)
    let callbacks = OperationQueue()
    callbacks.maxConcurrentOperationCount = 1
    session = URLSession(configuration: configuration, delegate: delegate, delegateQueue: callbacks)
  }

  /// The transfer is over: nothing is left to cancel.
  func forget(_ key: UInt64) { tasks.withLock { $0[key] = nil } }

  func start(_ request: UplinkRequest, url: URL, key: UInt64) {
    queue.async { [self] in
      var native = URLRequest(url: url)
      native.timeoutInterval = session.configuration.timeoutIntervalForRequest
      native.httpMethod = request.method
      native.setValue("Hearth/\(HearthUplink.version)", forHTTPHeaderField: "User-Agent")
      for header in request.headers {
        if header.name.lowercased() == "user-agent" {
          native.setValue(header.value, forHTTPHeaderField: header.name)
        } else {
          native.addValue(header.value, forHTTPHeaderField: header.name)
        }
      }
      if !request.body.isEmpty { native.httpBody = Data(request.body) }
      let task = session.dataTask(with: native)
      delegate.follow(
        task.taskIdentifier,
        Transfer(key: key, mostBody: Int(request.maximumResponseBody)) { [weak self] in self?.cancel(key) })
      tasks.withLock { $0[key] = task }
      task.resume()
    }
  }

  /// Asks URLSession to end a transfer; the delegate hears of it, unless URLSession hangs.
  func cancel(_ key: UInt64) {
    queue.async { [self] in
      let task = tasks.withLock { $0.removeValue(forKey: key) }
      task?.cancel()
    }
  }
}
