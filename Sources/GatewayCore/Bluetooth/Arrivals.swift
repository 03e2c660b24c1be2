// When a link's ATT socket is opened and closed: after the link has come about, and before the hub ends it.

internal import BluetoothManagement
internal import Settings
internal import Ledger

extension Bluetooth {
  /// A device that the kernel connected to, and whose ATT socket is not open yet.
  struct Arrival: Sendable {
    var controller: UInt16
    var address: PeerAddress
    /// The earliest moment to open it, monotonic milliseconds.
    var opensAt: Int64
  }

  /// The kernel connected to a device.
  mutating func arrived(_ id: String, _ arrival: Arrival, _ turn: inout Turn) -> [Effect] {
    var arrival = arrival
    if turn.house.identity.kernel?.isHandledWithCare ?? false { arrival.opensAt += Bluetooth.longestEstablishment }
    air[id, default: Air()].isConnecting = true
    arrivals[id] = arrival
    return openArrived(&turn)
  }

  /// How long a link may take to prove itself, in milliseconds: the controller gives it up when nothing came within six intervals of
  /// at most 50 ms, which the kernel asks for (Core Specification, volume 6, part B, 4.5.2). On a kernel that must not close the socket
  /// of such a link, none is opened before; the kernel keeps a link without socket for two seconds.
  static let longestEstablishment: Int64 = 400

  /// Opens the ATT sockets of devices that the kernel connected to. A controller that is not ready will be switched off once more,
  /// and its links with it: they wait until it is ready, and mostly end before.
  mutating func openArrived(_ turn: inout Turn) -> [Effect] {
    arrivals.keys.sorted().compactMap { id in
      guard let arrival = arrivals[id], arrival.opensAt <= turn.now.monotonic,
        let controller = controllers[arrival.controller], controller.isReady, let own = controller.address
      else { return nil }
      // It was unpaired meanwhile: its link is being ended.
      guard turn.house.devices[id] != nil else { return nil }
      arrivals[id] = nil
      return .openLink(device: id, BluetoothLink(controller: own, device: arrival.address))
    }
  }

  /// Links end before their socket was opened.
  mutating func departed(_ isGone: (Arrival) -> Bool) {
    for (id, arrival) in arrivals where isGone(arrival) {
      arrivals[id] = nil
      air[id]?.isConnecting = false
    }
  }

  /// Closes the ATT sockets of a controller that is about to be switched off: a socket is closed before its link ends, where that is
  /// in the hub's hand.
  mutating func closeLinks(of index: UInt16, _ turn: inout Turn) -> [Effect] {
    departed { $0.controller == index }
    guard let own = controllers[index]?.address else { return [] }
    return turn.house.devices.sorted { $0.key < $1.key }.compactMap { id, device in
      guard case .bluetooth(let link) = device.configuration.endpoint, link.controller == own,
        device.isUp || air[id]?.isConnecting ?? false
      else { return nil }
      return .close(device: id)
    }
  }
}
