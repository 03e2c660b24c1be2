// The kernel's Bluetooth sockets: management, and ATT over L2CAP.

internal import CBlueZ
internal import Glibc

/// Opens and steers Bluetooth sockets.
package enum BluetoothSockets {
  /// How a connecting or securing socket stands.
  package enum State: Sendable, Equatable {
    case ready
    /// The errno value.
    case failed(Int32)
  }

  /// The management socket; one packet a read. Throws EPERM without CAP_NET_ADMIN, EAFNOSUPPORT without Bluetooth.
  package static func openManagement() throws(SystemError) -> Int32 {
    let fd = cb_open_management()
    guard fd >= 0 else { throw .last("open the Bluetooth management socket") }
    return fd
  }

  /// An ATT socket that begins to connect; it becomes writable when it is connected.
  /// - Parameters: addresses of six octets, the least significant first; `peerType` 1 public, 2 random.
  package static func connect(adapter: [UInt8], peer: [UInt8], peerType: UInt8) throws(SystemError) -> Int32 {
    guard adapter.count == 6, peer.count == 6 else { throw SystemError("connect to a Bluetooth device", errno: EINVAL) }
    let fd = cb_connect_att(adapter, peer, peerType)
    guard fd >= 0 else { throw .last("connect to a Bluetooth device") }
    return fd
  }

  /// Asks for an encrypted (2) or authenticated (3) link; the socket becomes writable when that is so.
  /// - Returns: true when it is so already.
  package static func raiseSecurity(_ fd: Int32, to level: UInt8) throws(SystemError) -> Bool {
    if cb_get_security(fd) >= Int32(level) { return true }
    guard cb_set_security(fd, level) == 0 else {
      if errno == EINVAL, cb_get_security(fd) >= Int32(level) { return true }
      throw .last("encrypt the link")
    }
    return false
  }

  /// The security level that a link has: 1 is not encrypted.
  package static func security(_ fd: Int32) -> UInt8 { UInt8(clamping: max(1, cb_get_security(fd))) }

  /// How a socket stands that became writable or failed.
  package static func state(_ fd: Int32) -> State {
    let error = cb_pending_error(fd)
    return error == 0 ? .ready : .failed(error)
  }
}
