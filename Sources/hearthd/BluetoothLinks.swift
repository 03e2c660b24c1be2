// The kernel's Bluetooth on the loop: one management socket, one ATT socket a link. Nothing is decided here.

import BluetoothManagement
import ControlProtocol
import GatewayCore
import Glibc
import Platform
import Settings

/// The management socket and the links over the air, by device.
final class BluetoothLinks: DeviceLinks {
  private final class Link {
    enum Phase { case connecting, open, securing(UInt8) }
    let fd: Int32
    var phase = Phase.connecting
    /// PDUs that wait until the link takes them.
    var outgoing: [[UInt8]] = []
    /// The error that a write took from the socket.
    var failure: Int32?
    /// Something came over it.
    var wasHeard = false
    init(_ fd: Int32) { self.fd = fd }
  }

  /// More than any conversation has; a link that takes none of them is dead.
  private static let mostWaiting = 64

  private let loop: EventLoop
  private let emit: (Event) -> Void
  private var management: Int32 = -1
  private var links: [String: Link] = [:]
  /// Sockets that this kernel must not close.
  private var kept: KeptSockets
  /// Processes that close such sockets.
  private var closers: [ChildProcess] = []

  init(_ loop: EventLoop, kernel: KernelRelease?, _ emit: @escaping (Event) -> Void) {
    self.loop = loop
    self.emit = emit
    kept = KeptSockets(kernel: kernel)
  }

  // MARK: Management

  func open(ignoresOtherDaemons: Bool) {
    closeManagement()
    if !ignoresOtherDaemons, let process = OtherProgram.find("bluetoothd", unit: "bluetooth.service") {
      return emit(
        .bluetoothClosed(
          LinkEnd(
            code: "bluetooth.shared", message: "bluetoothd (process \(process)) holds the Bluetooth controller",
            hint: "systemctl disable --now bluetooth.service; Hearth goes on by itself")))
    }
    do throws(SystemError) {
      let fd = try BluetoothSockets.openManagement()
      management = fd
      loop.watch(fd, .read) { [unowned self] ready in receiveManagement(fd, isGone: ready.contains(.gone)) }
      emit(.bluetoothOpened)
    } catch {
      emit(.bluetoothClosed(BluetoothLinks.fault(error)))
    }
  }

  private static func fault(_ error: SystemError) -> LinkEnd {
    switch error.errno {
    case EPERM, EACCES:
      LinkEnd(
        code: "bluetooth.not-permitted", message: "Bluetooth needs the capability CAP_NET_ADMIN",
        hint: "start the daemon by its systemd unit, which gives it")
    case EAFNOSUPPORT, EPROTONOSUPPORT:
      LinkEnd(
        code: "bluetooth.no-kernel", message: "the kernel has no Bluetooth",
        hint: "modprobe bluetooth; a container has none")
    default:
      LinkEnd(code: "bluetooth.failed", message: error.message, hint: "hearthctl doctor")
    }
  }

  private func receiveManagement(_ fd: Int32, isGone: Bool) {
    guard fd == management else { return }
    switch Descriptor.read(fd, count: 4096) {
    case .octets(let packet):
      emit(.managementReceived(ManagementPacket.explained(packet, isRadioBlocked: RadioSwitch.isBluetoothBlocked)))
    case .wouldBlock where !isGone: break
    case .wouldBlock, .end:
      closeManagement()
      emit(.bluetoothClosed(LinkEnd(code: "bluetooth.failed", message: "the kernel closed the management socket")))
    }
  }

  func manage(_ packet: [UInt8]) {
    guard management >= 0, Descriptor.write(management, packet[...]) == packet.count else { return }
  }

  func closeManagement() {
    guard management >= 0 else { return }
    loop.forget(management)
    Descriptor.close(management)
    management = -1
  }

  // MARK: Links

  func connect(_ device: String, _ link: BluetoothLink) {
    drop(device)
    do throws(SystemError) {
      let fd = try BluetoothSockets.connect(
        adapter: link.controller.octets, peer: link.device.octets, peerType: link.device.kind.rawValue)
      let link = Link(fd)
      links[device] = link
      loop.watch(fd, [.read, .write]) { [unowned self] ready in became(ready, device, link) }
    } catch {
      emit(.linkClosed(device: device, LinkEnd(code: "no-link", message: error.message)))
    }
  }

  private func became(_ ready: EventLoop.Interest, _ device: String, _ link: Link) {
    guard links[device] === link else { return }
    switch link.phase {
    case .connecting:
      guard case .ready = BluetoothSockets.state(link.fd) else { return ended(device, link) }
      guard ready.contains(.write) else { return }
      link.phase = .open
      loop.change(link.fd, .read)
      emit(.linkOpened(device: device))
      return
    case .securing(let level):
      let reached = BluetoothSockets.security(link.fd)
      if reached >= level {
        link.phase = .open
        loop.change(link.fd, link.outgoing.isEmpty ? .read : [.read, .write])
        emit(.linkSecured(device: device, level: reached))
      } else if case .failed(let error) = BluetoothSockets.state(link.fd) {
        return ended(device, link, error: error)
      }
    case .open:
      if ready.contains(.write) { flush(device, link) }
    }
    guard links[device] === link, ready.contains(.read) else { return }
    switch Descriptor.read(link.fd, count: 672) {
    case .octets(let pdu):
      link.wasHeard = true
      emit(.linkReceived(device: device, pdu))
    case .wouldBlock:
      if ready.contains(.gone) { ended(device, link, error: link.failure) }
    case .end: ended(device, link, error: link.failure)
    }
  }

  /// The link is gone: why is the socket's pending error, or what reading gave.
  private func ended(_ device: String, _ link: Link, error known: Int32? = nil) {
    var error = known ?? Glibc.errno
    if known == nil, case .failed(let pending) = BluetoothSockets.state(link.fd) { error = pending }
    let wasSecuring = if case .securing = link.phase { true } else { false }
    let wasConnecting = if case .connecting = link.phase { true } else { false }
    drop(device)
    let end =
      switch error {
      case EACCES: LinkEnd(code: "security", message: "the link could not be encrypted")
      case ETIMEDOUT: LinkEnd(code: "lost", message: "the device is out of reach")
      case _ where wasConnecting: LinkEnd(code: "no-link", message: "the device did not answer")
      case _ where wasSecuring: LinkEnd(code: "lost", message: "the link ended while it was being encrypted")
      default: LinkEnd(code: "peer", message: "the device ended the link")
      }
    emit(.linkClosed(device: device, end))
  }

  func secure(_ device: String, level: UInt8) {
    guard let link = links[device] else { return }
    do throws(SystemError) {
      if try BluetoothSockets.raiseSecurity(link.fd, to: level) {
        emit(.linkSecured(device: device, level: level))
      } else {
        link.phase = .securing(level)
        loop.change(link.fd, [.read, .write])
      }
    } catch {
      drop(device)
      emit(.linkClosed(device: device, LinkEnd(code: "lost", message: error.message)))
    }
  }

  func send(_ device: String, _ pdu: [UInt8]) {
    guard let link = links[device] else { return }
    guard link.outgoing.count < BluetoothLinks.mostWaiting else {
      drop(device)
      return emit(.linkClosed(device: device, LinkEnd(code: "lost", message: "the link takes nothing more")))
    }
    link.outgoing.append(pdu)
    if case .open = link.phase { flush(device, link) }
  }

  private func flush(_ device: String, _ link: Link) {
    // A packet goes out whole or not at all. A link that is gone is ended from the loop; why is told only once.
    while let pdu = link.outgoing.first {
      guard let count = Descriptor.write(link.fd, pdu[...]) else {
        link.failure = Glibc.errno
        link.outgoing = []
        break
      }
      if count == 0 { break }
      link.outgoing.removeFirst()
    }
    loop.change(link.fd, link.outgoing.isEmpty ? .read : [.read, .write])
  }

  func has(_ device: String) -> Bool { links[device] != nil }

  /// Ends a link; the kernel drops it two seconds later.
  func close(_ device: String) {
    guard has(device) else { return }
    drop(device)
    emit(.linkClosed(device: device, LinkEnd(code: "ended", message: "the link was closed")))
  }

  private func drop(_ device: String) {
    guard let link = links.removeValue(forKey: device) else { return }
    loop.forget(link.fd)
    switch kept.release(link.fd, wasHeard: link.wasHeard, hasLink: !Descriptor.isHungUp(link.fd)) {
    case .close: Descriptor.close(link.fd)
    case .keep(let oldest):
      let count = kept.descriptors.count
      if count == 1 || oldest != nil {
        SystemLog.write(
          4,
          "bluetooth.kernel-fault: \(Count.of(count, "socket")) of dead links stay open: closing them harms this kernel; "
            + "see hearthctl doctor")
      }
      if let oldest { closeElsewhere(oldest) }
    }
  }

  /// Has another process close a socket that harms the kernel: the kernel ends whoever does it. Nobody can keep it from happening when
  /// this process ends, but it would happen then in the middle of its end, which the kernel never finishes.
  private func closeElsewhere(_ fd: Int32) {
    // By then it is the last that has the socket open.
    let words = ["-c", "trap '' TERM; sleep 2; exec 3<&-"]
    guard let closer = try? ChildProcess.spawn("/bin/sh", words, environment: [], passing: fd) else { return }
    closers.append(closer)
    Descriptor.close(fd)
  }

  /// A child ended.
  func childEnded() { closers.removeAll { $0.reap() != nil } }

  /// Sockets first, the management socket last: the kernel ends links when that closes.
  func stop() {
    for device in links.keys.sorted() { drop(device) }
    for fd in kept.takeAll() { closeElsewhere(fd) }
    closeManagement()
  }
}
