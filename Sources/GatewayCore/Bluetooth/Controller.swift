// One Bluetooth controller: brought up step by step, and again after every reset, unplug or block.

internal import BluetoothManagement
internal import Ledger

/// Where a controller stands.
enum ControllerPhase: Sendable, Hashable {
  /// Its steps to readiness; the first one is under way.
  case starting([ManagementCommand])
  case ready
  /// It does not work now; it is tried again at a monotonic millisecond.
  case down(code: String, message: String, hint: String, retryAt: Int64)
}

struct Controller: Sendable {
  let index: UInt16
  var info: ControllerInfo?
  var phase: ControllerPhase
  var settings = ControllerSettings()
  var isDiscovering = false
  /// The longest that the kernel may take for a step, in milliseconds: it waits for the controller itself, two seconds a command.
  static let longestStep: Int64 = 30_000
  /// When the step under way is given up, monotonic milliseconds.
  var stepDeadline: Int64 = 0
  /// How often it did not come up, one after the other.
  var failures = 0
  /// The code of the last fault that was told; nil since it worked.
  var lastFault: String?
  /// What is on the kernel's list of devices.
  var listed: [PeerAddress: ManagementCommand.DeviceAction] = [:]

  init(index: UInt16) {
    self.index = index
    phase = .starting([.readInfo])
  }

  var address: PeerAddress? { info?.address }
  var isReady: Bool { phase == .ready }

  /// The next step; nil when there is none.
  var step: ManagementCommand? {
    if case .starting(let steps) = phase { return steps.first }
    return nil
  }

  /// Everything between what Read Info told and readiness: settings and keys before power, so that nothing is heard without them.
  static func steps(_ info: ControllerInfo, _ keys: Bonds.Keys) -> [ManagementCommand] {
    var steps: [ManagementCommand] = []
    // Off first: a daemon that was killed left links to which nobody listens, and the kernel does not tell of them again.
    if info.current.contains(.powered) { steps.append(.setPowered(false)) }
    // Devices know the hub by its address; this setting changes only while the controller is off.
    if info.current.contains(.privacy) { steps.append(.setPrivacy(false)) }
    if !info.current.contains(.lowEnergy) { steps.append(.setLowEnergy(true)) }
    if info.supported.contains(.secureConnections), !info.current.contains(.secureConnections) {
      steps.append(.setSecureConnections(true))
    }
    steps += [
      .setBondable(false), .loadIdentityKeys(keys.identity), .loadLongTermKeys(keys.longTerm),
      .loadConnectionParameters(keys.parameters), .setPowered(true), .setIOCapability(.keyboardDisplay),
      .removeDevice(nil),
    ]
    return steps
  }

  /// Steps whose failure leaves a controller that can still be used.
  static func isOptional(_ step: ManagementCommand) -> Bool {
    switch step {
    case .setPrivacy, .setSecureConnections, .loadConnectionParameters, .removeDevice, .setIOCapability, .setBondable:
      true
    default: false
    }
  }

  /// What a failed step says to a technician.
  static func failure(_ step: ManagementCommand, _ status: ManagementStatus) -> (
    code: String, message: String, hint: String
  ) {
    switch status {
    case .rfkilled:
      (
        "bluetooth.blocked", "the Bluetooth radio is blocked (rfkill)",
        "rfkill unblock bluetooth, or the hub's radio switch"
      )
    case .permissionDenied:
      (
        "bluetooth.not-permitted", "the daemon lacks the capability CAP_NET_ADMIN",
        "start it by its systemd unit, which gives it"
      )
    case .notSupported, .rejected:
      (
        "bluetooth.unsuitable", "the controller cannot do Bluetooth LE (\(status.text))",
        "plug in another Bluetooth adapter"
      )
    default:
      (
        "bluetooth.failed", "the controller did not come up (\(status.text))",
        "hearthctl doctor tells whether the radio is blocked; else look for firmware errors: journalctl -k -g Bluetooth"
      )
    }
  }
}
