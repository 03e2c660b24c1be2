// Unix stream sockets: the control socket's server side, and connections whose peer the kernel vouches for.

internal import CLinux
internal import Glibc

/// Who is on the other side, by the kernel's word.
public struct Peer: Sendable, Hashable {
  /// User id.
  public var uid: UInt32
  /// Group id and supplementary groups.
  public var groups: Set<UInt32>
  /// Process id.
  public var pid: Int32
}

/// Unix stream sockets.
public enum UnixSocket {
  /// Listens at a path with a mode. A stale socket is replaced; anything else that stands there is left.
  public static func listen(_ path: String, mode: UInt32, group: String?) throws(SystemError) -> Int32 {
    let fd = cl_unix_listen(path, mode)
    guard fd >= 0 else { throw .last("listen at", path: path) }
    if let group, let id = groupID(group) { _ = chown(path, uid_t.max, id) }
    return fd
  }

  /// Connects, blocking.
  public static func connect(_ path: String) throws(SystemError) -> Int32 {
    let fd = cl_unix_connect(path)
    guard fd >= 0 else { throw .last("connect to", path: path) }
    return fd
  }

  /// Two connected sockets.
  public static func pair() throws(SystemError) -> (Int32, Int32) {
    var fds: [Int32] = [-1, -1]
    guard cl_socketpair(&fds) == 0 else { throw .last("create a socket pair") }
    return (fds[0], fds[1])
  }

  /// The next connection; nil when there is none now.
  public static func accept(_ fd: Int32) -> Int32? {
    let connection = cl_accept(fd)
    return connection >= 0 ? connection : nil
  }

  /// Who is on the other side.
  public static func peer(_ fd: Int32) -> Peer? {
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var pid: Int32 = 0
    guard cl_peer_credentials(fd, &uid, &gid, &pid) == 0 else { return nil }
    var groups = [UInt32](repeating: 0, count: 256)
    let count = cl_peer_groups(fd, &groups, 256)
    return Peer(uid: uid, groups: Set(groups.prefix(max(0, Int(count)))).union([gid]), pid: pid)
  }

  /// The id of a group's name; nil when there is none.
  public static func groupID(_ name: String) -> UInt32? {
    let id = cl_group_id(name)
    return id >= 0 ? UInt32(truncatingIfNeeded: id) : nil
  }
}
