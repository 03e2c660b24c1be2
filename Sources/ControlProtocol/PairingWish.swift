// What a technician wants of a pairing.

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

  /// A device of an address.
  public init(address: String) { self.address = address }
}
