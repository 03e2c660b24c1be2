// One connection, served by one thread that never calls URLSession itself: it reads frames, keeps the deadlines, and answers.
// URLSession works on other threads and reports through the mailbox, so whatever hangs in there cannot hang this loop.

import CLinux
import Foundation
import UplinkProtocol

/// Serves the requests of one connection until it closes or is idle.
final class Worker {
  /// How many requests run at once; more wait in the socket.
  private static let mostRunning = 8
  /// How long URLSession may take to end a request that was cancelled.
  private static let patienceMilliseconds: Int64 = 5000

  private struct Running {
    var id: UInt64
    var deadline: Int64
    var form: UplinkBodyForm
    var isAnswered = false
    /// When this process gives up on URLSession; set once the request is cancelled.
    var watchdog: Int64?
  }

  private let fd: Int32
  private let idleMilliseconds: Int64
  private let mailbox = Mailbox()
  private var decoder = UplinkFrameDecoder()
  private var transfers: Transfers?
  private var running: [UInt64: Running] = [:]
  private var nextKey: UInt64 = 0
  private var idleSince = monotonicMilliseconds()
  /// Another profile was asked for: this process ends as soon as nothing runs, so that the next connection finds a fresh one.
  private var isRetiring = false
  private let proxies = ProxyEnvironment.takeAway()
  private let compression: RequestCompression

  init(_ fd: Int32, idleMilliseconds: Int64, zlib: String) {
    self.fd = fd
    compression = RequestCompression(library: zlib)
    self.idleMilliseconds = idleMilliseconds
    _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  func run() -> Never {
    while true {
      takeFrames()
      let canRead = running.count < Worker.mostRunning
      var wanted = [
        pollfd(fd: fd, events: canRead ? Int16(POLLIN) : 0, revents: 0),
        pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      let now = monotonicMilliseconds()
      _ = poll(&wanted, nfds_t(wanted.count), Int32(clamping: max(0, nextWake() - now)))
      for event in mailbox.take() { handle(event) }
      if wanted[0].revents & Int16(POLLIN) != 0 {
        read()
      } else if wanted[0].revents != 0 {
        leave(0)
      }
      keepDeadlines(monotonicMilliseconds())
    }
  }

  private func nextWake() -> Int64 {
    guard !running.isEmpty else { return idleSince + idleMilliseconds }
    return running.values.map { $0.watchdog ?? $0.deadline }.min() ?? 0
  }

  private func read() {
    var octets = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(fd, &octets, octets.count, Int32(MSG_DONTWAIT))
    if count > 0 {
      decoder.append(octets.prefix(count))
    } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
      // Nobody is left to answer: what runs dies with this process.
      leave(0)
    }
  }

  private func takeFrames() {
    do {
      while running.count < Worker.mostRunning, let frame = try decoder.next() {
        guard case .request(let request) = frame else {
          Log.line("what came is no request")
          leave(76)
        }
        start(request)
      }
    } catch {
      Log.line("what came is no frame: \(error)")
      leave(76)
    }
  }

  private func start(_ request: UplinkRequest) {
    idleSince = monotonicMilliseconds()
    do {
      try request.check()
      let url = try RequestURL.check(request)
      let transfers = try transfers(for: request.profile)
      let (sent, form) = compression.applied(to: request)
      nextKey += 1
      running[nextKey] = Running(
        id: request.id, deadline: idleSince + Int64(request.deadlineMilliseconds), form: form)
      transfers.start(sent, url: url, key: nextKey)
    } catch let error as UplinkRuleError {
      answer(request.id, .failure(.invalidRequest, detail: error.message))
    } catch let error as ProfileError {
      answer(request.id, .failure(error.kind, detail: error.detail))
    } catch {
      answer(request.id, .failure(.tlsSetup, detail: "unexpected"))
    }
  }

  private func transfers(for profile: UplinkProfile) throws -> Transfers {
    if let transfers {
      guard transfers.profile == profile else {
        isRetiring = true
        throw ProfileError(kind: .otherProfile, detail: "this process serves another profile")
      }
      return transfers
    }
    if profile.allowProxyEnvironment { proxies.putBack() }
    try ProfileSetup.putInForce(profile)
    let fresh = Transfers(profile: profile, mailbox: mailbox)
    transfers = fresh
    return fresh
  }

  private func handle(_ event: Mailbox.Event) {
    guard var entry = running[event.key] else { return }
    if let outcome = event.outcome, !entry.isAnswered {
      entry.isAnswered = true
      answer(entry.id, (entry.watchdog == nil ? outcome : Worker.afterDeadline(outcome)).of(entry.form))
      if !event.isOver { entry.watchdog = monotonicMilliseconds() + Worker.patienceMilliseconds }
    }
    running[event.key] = event.isOver ? nil : entry
    if event.isOver { transfers?.forget(event.key) }
    idleSince = monotonicMilliseconds()
  }

  /// An answer that came whole while it was being cancelled still counts; any failure then is the deadline's.
  private static func afterDeadline(_ outcome: UplinkResponse.Outcome) -> UplinkResponse.Outcome {
    if case .response = outcome { return outcome }
    return .failure(.timeout, detail: "the deadline passed")
  }

  private func keepDeadlines(_ now: Int64) {
    for (key, entry) in running {
      if let watchdog = entry.watchdog {
        if watchdog <= now { giveUp() }
      } else if entry.deadline <= now {
        running[key]?.watchdog = now + Worker.patienceMilliseconds
        transfers?.cancel(key)
      }
    }
    if running.isEmpty, isRetiring { leave(0) }
    if running.isEmpty, idleSince + idleMilliseconds <= now, !decoder.isInsideFrame { leave(0) }
  }

  /// URLSession does not come back: tell what is known, and end with everything that hangs in it.
  private func giveUp() -> Never {
    Log.line("URLSession did not end a cancelled request within \(Worker.patienceMilliseconds) ms")
    let now = monotonicMilliseconds()
    for entry in running.values where !entry.isAnswered && (entry.watchdog ?? .max) <= now {
      answer(entry.id, .failure(.timeout, detail: "the deadline passed and the request could not be cancelled"))
    }
    leave(70)
  }

  private func answer(_ id: UInt64, _ outcome: UplinkResponse.Outcome) {
    let octets = UplinkResponse(id: id, outcome: outcome).frame()
    var sent = 0
    while sent < octets.count {
      let count = octets.withUnsafeBytes { buffer in
        send(fd, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      // The daemon does not read, or is gone.
      guard count > 0 else { leave(0) }
      sent += count
    }
  }
}
