// A conversation with the daemon that has more than one side: notifications, answers by their ids, readings of a second
// connection, what is typed, and Ctrl-C, in the order in which they come.

import ControlProtocol
import Glibc
import JSON
import Platform

struct Conversation {
  enum Occurrence {
    case notification(method: String, JSONValue)
    case answer(id: Int, Result<JSONValue, Failure>)
    /// A reading, or an event, of the second connection.
    case news(method: String, JSONValue)
    case line(String)
    case keys([UInt8])
    /// Standard input ended.
    case inputOver
    /// Ctrl-C, or nobody reads any more what this program writes.
    case interrupted
    case timeout
  }

  /// How standard input is listened to.
  enum Listening {
    case no
    case lines
    case keys
  }

  private var client: DaemonClient
  private var watcher: DaemonClient?
  private let signals: Int32
  private var lastID = 0
  private var toldInputOver = false
  private(set) var input = InputLines()
  var listening = Listening.no

  /// - Parameter watches: a second connection tells of readings from now on.
  init(_ arguments: Arguments, signals: Int32, watches: Bool = false) throws(Failure) {
    client = try DaemonClient(arguments)
    self.signals = signals
    guard watches else { return }
    var watcher = try DaemonClient(arguments)
    _ = try watcher.call("watch")
    self.watcher = watcher
  }

  /// Asks; the answer comes by this id.
  mutating func ask(_ method: String, _ parameters: JSONValue = [:]) throws(Failure) -> Int {
    lastID += 1
    try client.send(id: lastID, method, parameters)
    return lastID
  }

  /// Whether standard input has ended before anything was asked.
  mutating func inputIsOver() -> Bool {
    input.look()
    toldInputOver = input.isOver
    return input.isOver
  }

  func close() {
    client.close()
    watcher?.close()
  }

  /// The next thing that happens until a monotonic millisecond.
  mutating func next(until deadline: Int64) throws(Failure) -> Occurrence {
    while true {
      if let occurrence = try waiting() { return occurrence }
      let left = deadline - Clocks.monotonic()
      guard left > 0 else { return .timeout }
      let hears = listening != .no && !input.isOver
      var entries = [
        pollfd(fd: client.fd, events: Int16(POLLIN), revents: 0),
        pollfd(fd: watcher?.fd ?? -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: hears ? 0 : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: signals, events: Int16(POLLIN), revents: 0), pollfd(fd: 1, events: 0, revents: 0),
      ]
      guard poll(&entries, nfds_t(entries.count), Int32(clamping: left)) > 0 else { continue }
      if entries[3].revents != 0 {
        // The next one counts again.
        _ = Descriptor.read(signals, count: 128)
        return .interrupted
      }
      if entries[4].revents != 0 { return .interrupted }
      if entries[0].revents != 0 { try client.fill() }
      if entries[1].revents != 0 { try watcher?.fill() }
      if entries[2].revents != 0 { input.fill() }
    }
  }

  /// What came already.
  private mutating func waiting() throws(Failure) -> Occurrence? {
    if let (id, reply) = try client.received() {
      switch reply {
      case .notification(let method, let value): return .notification(method: method, value)
      case .answer(.result(let value)): return .answer(id: id ?? 0, .success(value))
      case .answer(.failure(let error)):
        // What answers no request is a fault of the connection.
        guard let id else { throw DaemonClient.failure(error) }
        return .answer(id: id, .failure(DaemonClient.failure(error)))
      }
    }
    if case .notification(let method, let value)? = try watcher?.received()?.reply {
      return .news(method: method, value)
    }
    switch listening {
    case .no: return nil
    case .lines: if let line = input.line() { return .line(line) }
    case .keys:
      let keys = input.keys()
      if !keys.isEmpty { return .keys(keys) }
    }
    if input.isOver, !toldInputOver {
      toldInputOver = true
      return .inputOver
    }
    return nil
  }
}
