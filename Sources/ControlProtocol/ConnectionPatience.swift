// How long a connection of the control socket may stay as it is: a stranger who asks nothing, a client that does not read, and one
// that goes on asking although it hears "busy".

package struct ConnectionPatience: Sendable {
  /// After so many milliseconds without a request a stranger's connection is closed.
  package static let strangers: Int64 = 5_000
  /// After so many milliseconds in which nothing of what waits was read a connection is closed.
  package static let reading: Int64 = 60_000

  /// So many answers "busy" within `window` milliseconds are a flood: whoever heeds the first one never gets them.
  package static let mostBusy = 64
  /// Milliseconds.
  package static let window: Int64 = 10_000

  private var heardAt: Int64
  /// Since when nothing of what waits was read, and how much was sent until then.
  private var unread: (since: Int64, sent: UInt64)?
  /// Answers "busy", and when the first of them was given.
  private var busy: (count: Int, since: Int64) = (0, 0)

  /// A connection that was taken now, in monotonic milliseconds.
  package init(at now: Int64) { heardAt = now }

  /// A request came.
  package mutating func heard(at now: Int64) { heardAt = now }

  /// A request was answered with "busy"; true when that makes it a flood.
  package mutating func refusedBusy(at now: Int64) -> Bool {
    if busy.count == 0 || now - busy.since >= ConnectionPatience.window { busy = (0, now) }
    busy.count += 1
    return busy.count >= ConnectionPatience.mostBusy
  }

  /// Notes how it goes with what waits to be sent.
  /// - Parameters:
  ///   - isBehind: more waits than a client should leave.
  ///   - sent: octets that were sent since the connection was taken.
  package mutating func look(isBehind: Bool, sent: UInt64, at now: Int64) {
    guard isBehind else { return unread = nil }
    if unread?.sent != sent { unread = (now, sent) }
  }

  /// When a connection of a role is to be closed if nothing comes and nothing is read; nil: not at all.
  package func deadline(of role: Role) -> Int64? {
    let idle = role == .nobody ? heardAt + ConnectionPatience.strangers : nil
    return [idle, unread.map { $0.since + ConnectionPatience.reading }].compactMap(\.self).min()
  }
}
