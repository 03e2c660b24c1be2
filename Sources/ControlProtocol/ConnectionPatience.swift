// How long a connection of the control socket may stay as it is: a stranger who asks nothing, and a client that does not read.

/// The patience with one connection.
package struct ConnectionPatience: Sendable {
  /// After so many milliseconds without a request a stranger's connection is closed.
  package static let strangers: Int64 = 5_000
  /// After so many milliseconds in which nothing of what waits was read a connection is closed.
  package static let reading: Int64 = 60_000

  private var heardAt: Int64
  /// Since when nothing of what waits was read, and how much was sent until then.
  private var unread: (since: Int64, sent: UInt64)?

  /// A connection that was taken now, in monotonic milliseconds.
  package init(at now: Int64) { heardAt = now }

  /// A request came.
  package mutating func heard(at now: Int64) { heardAt = now }

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
