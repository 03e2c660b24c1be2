// What a technician wants of a pairing.

/// Which device, and what is known of it already.
package struct PairingWish: Sendable, Hashable {
  /// As `scan` shows it.
  package var address: String
  /// A driver's id, where the device does not tell what it is.
  package var driver: String?
  /// The hub's name for it; nil: made from the driver's.
  package var id: String?
  /// For people.
  package var name: String?
  /// Whose it is.
  package var patient: String?
  /// The device's user slot that is the patient's; nil: all of it.
  package var user: UInt8?
  /// The consent code of the slot, 0…9999.
  package var consent: Consent?

  /// A user slot and its code.
  package struct Consent: Sendable, Hashable {
    /// The user index.
    package var user: UInt8
    /// 0…9999.
    package var code: UInt16
    /// A user slot and its code.
    package init(user: UInt8, code: UInt16) {
      self.user = user
      self.code = code
    }
  }

  /// A device of an address.
  package init(address: String) { self.address = address }
}
