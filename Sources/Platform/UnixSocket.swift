// Unix stream sockets: the control socket's server side, and connections whose peer the kernel vouches for.

internal import CLinux
internal import Glibc

/// Who is on the other side, by the kernel's word.
package struct Peer: Sendable, Hashable {
  /// User id.
  package var uid: UInt32
  /// Group id and supplementary groups.
  package var groups: Set<UInt32>
  /// Process id.
  package var pid: Int32
}

/// Unix stream sockets.
package enum UnixSocket {
  /// Listens at a path with a mode. A stale socket is replaced; anything else that stands there is left.
  package static func listen(_ path: String, mode: UInt32, group: String?) throws(SystemError) -> Int32 {
    let fd = cl_unix_listen(path, mode)
    guard fd >= 0 else { throw .last("listen at", path: path) }
    if let group, let id = groupID(group) { _ = chown(path, uid_t.max, id) }
    return fd
  }

  /// Connects; the descriptor is a blocking one.
  /// - Parameter waiting: so many milliseconds when the listener's queue is full, then EAGAIN; 0 does not wait.
  package static func connect(_ path: String, waiting: Int32 = 2000) throws(SystemError) -> Int32 {
    let fd = cl_unix_connect(path, waiting)
    guard fd >= 0 else { throw .last("connect to", path: path) }
    return fd
  }

  /// Two connected sockets.
  package static func pair() throws(SystemError) -> (Int32, Int32) {
    var fds: [Int32] = [-1, -1]
    guard cl_socketpair(&fds) == 0 else { throw .last("create a socket pair") }
    return (fds[0], fds[1])
  }

  /// The next connection, not blocking; nil when there is none now. Connections for which the process has no descriptor left
  /// are closed. To be called on one thread.
  package static func accept(_ fd: Int32) -> Int32? {
    let connection = cl_accept(fd)
    return connection >= 0 ? connection : nil
  }

  /// Who is on the other side.
  package static func peer(_ fd: Int32) -> Peer? {
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var pid: Int32 = 0
    guard cl_peer_credentials(fd, &uid, &gid, &pid) == 0 else { return nil }
    // NGROUPS_MAX is 65536; few have more than a dozen.
    var groups: [UInt32] = []
    for capacity in [64, 65_536] {
      groups = [UInt32](repeating: 0, count: capacity)
      let count = cl_peer_groups(fd, &groups, Int32(capacity))
      groups.removeLast(capacity - max(0, Int(count)))
      if count >= 0 || errno != ERANGE { break }
    }
    return Peer(uid: uid, groups: Set(groups).union([gid]), pid: pid)
  }

  /// The id of a group's name; nil when there is none.
  package static func groupID(_ name: String) -> UInt32? {
    let id = cl_group_id(name)
    return id >= 0 ? UInt32(truncatingIfNeeded: id) : nil
  }
}
