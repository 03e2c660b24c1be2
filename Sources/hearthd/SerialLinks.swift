// Serial ports on the loop: what arrives becomes events, what the gateway sends goes out as the port takes it.

import Drivers
import GatewayCore
import Glibc
import Platform

/// The open ports, by device; those that are nobody's by their own key.
final class SerialLinks: DeviceLinks {
  private final class Link {
    let fd: Int32
    /// Whose it is; listening to a port may make it a device's.
    var device: String
    var outgoing: [UInt8] = []
    init(_ fd: Int32, _ device: String) {
      self.fd = fd
      self.device = device
    }
  }

  /// The most that may wait to go out to a port that takes nothing, in octets.
  private static let mostWaiting = 65_536

  private let loop: EventLoop
  private let emit: (Event) -> Void
  private var links: [String: Link] = [:]

  init(_ loop: EventLoop, _ emit: @escaping (Event) -> Void) {
    self.loop = loop
    self.emit = emit
  }

  func open(_ device: String, _ path: String, _ settings: SerialSettings) {
    drop(device)
    do throws(SerialPort.Failure) {
      let fd = try SerialPort.open(path, SerialLinks.line(settings))
      let link = Link(fd, device)
      links[device] = link
      loop.watch(fd, .read) { [unowned self] ready in
        if ready.contains(.write) { flush(link) }
        if ready.contains(.read) { receive(link, isGone: ready.contains(.gone)) }
      }
      emit(.linkOpened(device: device))
    } catch {
      var end = LinkEnd(code: error.code, message: error.message, hint: error.hint)
      if error.code == "port.busy", let other = owner(of: path) {
        end.message = "\(path) is the port of the device \(other) already"
        end.hint = "a port has one device: correct hearth.json, then hearthctl reload"
      }
      emit(.linkClosed(device: device, end))
    }
  }

  /// The device of this hub that has a port open.
  private func owner(of path: String) -> String? {
    var wanted = stat()
    guard stat(path, &wanted) == 0 else { return nil }
    return links.values.first { link in
      var facts = stat()
      return fstat(link.fd, &facts) == 0 && facts.st_rdev == wanted.st_rdev
    }?.device
  }

  private static func line(_ settings: SerialSettings) -> LineSettings {
    let parity: Character =
      switch settings.parity {
      case .none: "N"
      case .even: "E"
      case .odd: "O"
      }
    return LineSettings(
      baud: settings.baud, dataBits: settings.dataBits, parity: parity, stopBits: settings.stopBits,
      dtr: settings.modemLines.dtr, rts: settings.modemLines.rts, hasHardwareFlow: settings.hasHardwareFlow)
  }

  /// Sets an open port to other line settings.
  func setLine(_ device: String, _ settings: SerialSettings) {
    guard let link = links[device] else { return }
    // A port that is gone is noticed by reading; one that refuses a rate hears nothing at it, which is true of it.
    _ = SerialPort.change(link.fd, SerialLinks.line(settings))
  }

  /// The port that was listened to is a device's now: it stays open.
  func adopt(_ key: String, _ device: String) {
    guard let link = links.removeValue(forKey: key) else {
      let end = LinkEnd(code: "hang-up", message: "the port is gone", hint: "plug the cable in again")
      return emit(.linkClosed(device: device, end))
    }
    drop(device)
    link.device = device
    links[device] = link
    emit(.linkOpened(device: device))
  }

  private func receive(_ link: Link, isGone: Bool) {
    let device = link.device
    guard links[device] === link else { return }
    switch Descriptor.read(link.fd) {
    case .octets(let octets): emit(.linkReceived(device: device, octets))
    case .wouldBlock where !isGone: break
    case .wouldBlock, .end:
      drop(device)
      emit(
        .linkClosed(
          device: device, LinkEnd(code: "hang-up", message: "the port is gone", hint: "plug the cable in again")))
    }
  }

  func send(_ device: String, _ octets: [UInt8]) {
    guard let link = links[device], link.outgoing.count + octets.count <= SerialLinks.mostWaiting else { return }
    link.outgoing += octets
    flush(link)
  }

  private func flush(_ link: Link) {
    guard links[link.device] === link else { return }
    // A port that is gone is noticed by reading.
    let count = Descriptor.write(link.fd, link.outgoing[...]) ?? link.outgoing.count
    link.outgoing.removeFirst(count)
    loop.change(link.fd, link.outgoing.isEmpty ? .read : [.read, .write])
  }

  func has(_ device: String) -> Bool { links[device] != nil }

  func close(_ device: String) {
    guard has(device) else { return }
    drop(device)
    emit(.linkClosed(device: device, LinkEnd(code: "ended", message: "the port was closed")))
  }

  private func drop(_ device: String) {
    guard let link = links.removeValue(forKey: device) else { return }
    loop.forget(link.fd)
    Descriptor.close(link.fd)
  }
}
