// What a technician wants of a pairing.

internal import JSON

/// Which device, and what is known of it already.
public struct PairingWish: Sendable, Hashable {
  /// As `scan` shows it.
  public var address: String
  /// A driver's id, where the device does not tell what it is.
  public var driver: String?
  /// The hub's name for it; nil: made from the driver's.
  public var id: String?
  /// For people.
  public var name: String?
  /// Whose it is.
  public var patient: String?
  /// The device's user slot that is the patient's; nil: all of it.
  public var user: UInt8?
  /// The consent code of the slot, 0…9999.
  public var consent: Consent?

  /// A user slot and its code.
  public struct Consent: Sendable, Hashable {
    /// The user index.
    public var user: UInt8
    /// 0…9999.
    public var code: UInt16
    /// A user slot and its code.
    public init(user: UInt8, code: UInt16) {
      self.user = user
      self.code = code
    }
  }

  static let keys = ["address", "driver", "id", "name", "patient", "user", "consent_code"]

  /// A device of an address.
  public init(address: String) { self.address = address }

  init(_ members: JSONMembers?) throws {
    guard let members else {
      throw ControlError(
        code: "bad-parameters", message: "params: expected an address",
        hint: "hearthctl scan shows the addresses of what is on the air")
    }
    address = try members.required("address", "an address such as F0:00:00:00:00:01").string()
    driver = try members["driver"]?.string()
    id = try members["id"].map { node throws(JSONError) in try PairingWish.identifier(node) }
    name = try members["name"]?.string()
    patient = try members["patient"].map { node throws(JSONError) in try PairingWish.identifier(node) }
    user = try members["user"].map { node throws(JSONError) in UInt8(try node.int(in: 0...254)) }
    if let code = try members["consent_code"]?.int(in: 0...9999) {
      guard let user else {
        throw ControlError(
          code: "bad-parameters", message: "consent_code: expected user beside it: the slot that it belongs to")
      }
      consent = Consent(user: user, code: UInt16(code))
    }
  }

  static func identifier(_ node: JSONNode) throws(JSONError) -> String {
    let text = try node.string()
    guard Reference.isValid(text) else {
      throw node.error("invalid-value", "expected 1 to 64 letters, digits, \"-\", \"_\" or \".\"")
    }
    return text
  }
}
