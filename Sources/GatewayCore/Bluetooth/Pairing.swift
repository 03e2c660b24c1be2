// A pairing under way: one at a time, opened by a technician, ended by success, failure or its own deadline.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings
internal import Ledger

/// A pairing whose keys and device are on their way to the disk.
struct PairingOutcome: Sendable {
  var pairing: Pairing
  /// Without its secrets.
  var device: DeviceConfiguration
  var profile: DeviceProfile
}

struct Pairing: Sendable {
  enum Stage: Sendable, Hashable {
    /// The device was not heard yet.
    case searching
    /// The technician is asked for something before the device is.
    case asking
    /// Discovery has to end first: the kernel does not do both well.
    case stoppingDiscovery
    /// The link of the try before has to end first.
    case parting
    /// It was paired before: its old link and keys go first.
    case forgetting
    case pairing
    /// Keys and register are being written.
    case saving

    var keepsFromDiscovery: Bool { [.stoppingDiscovery, .parting, .forgetting, .pairing].contains(self) }
  }

  /// What the technician is asked.
  enum Prompt: Sendable, Hashable {
    /// Is this number on the device's display as well?
    case confirm(PeerAddress, UInt32)
    /// The number on the device's display.
    case passkey(PeerAddress)
    /// The user's slot on the device and its code.
    case consent
  }

  /// How long a pairing window stays open, in milliseconds.
  static let window: Int64 = 120_000

  let request: RequestID
  let caller: CallerName
  var wish: PairingWish
  let controller: UInt16
  var deadline: Int64
  var stage = Stage.searching
  var prompt: Prompt?
  /// The device wanted a number: it knows pairing.
  var wasAsked = false
  /// The name that the device advertises.
  var advertisedName: String?
  /// As heard; the identity may be another.
  var peer: PeerAddress?
  var profile: DeviceProfile?
  var device: String?
  var longTermKeys: [LongTermKey] = []
  var identityKeys: [IdentityResolvingKey] = []
  var parameters: [ConnectionParameters] = []

  init(request: RequestID, caller: CallerName, wish: PairingWish, controller: UInt16, now: Int64) {
    self.request = request
    self.caller = caller
    self.wish = wish
    self.controller = controller
    deadline = now + Pairing.window
  }

  /// A key of this pairing?
  func concerns(_ address: PeerAddress) -> Bool {
    address == peer || identityKeys.contains { $0.address == address }
  }

  /// A progress notification.
  func tell(_ event: String, _ members: [(String, JSONValue)] = []) -> Effect {
    var object = JSONObject()
    object["event"] = .string(event)
    for (key, value) in members { object[key] = value }
    return .notify(connection: request.connection, method: "pairing", .object(object))
  }

  /// What a failed Pair Device says to a technician.
  static func failure(_ status: ManagementStatus) -> ControlError {
    switch status {
    case .authenticationFailed:
      ControlError(
        code: "pairing.refused", message: "the device did not accept: wrong passkey, or it is not in pairing mode",
        hint: "put the device into pairing mode and try again; it may have to forget another hub or telephone first")
    case .timeout, .connectFailed, .disconnected, .notConnected:
      ControlError(
        code: "pairing.no-answer", message: "the device was heard but did not stay on the line (\(status.text))",
        hint: "put it into pairing mode again, within a few metres of the hub")
    case .cancelled: ControlError(code: "pairing.cancelled", message: "the pairing was cancelled")
    default:
      ControlError(
        code: "pairing.failed", message: "pairing failed: \(status.text)",
        hint: "try again; hearthctl doctor looks at the controller")
    }
  }
}
