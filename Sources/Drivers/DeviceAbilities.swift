// What may be asked of a device beyond its readings. Who asks for something else hears at once that it cannot be had.

/// Things that a technician may ask of a device.
package struct DeviceAbilities: OptionSet, Sendable, Hashable {
  /// One bit for each of them.
  package let rawValue: UInt8

  /// A set by its bits.
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// How many records it keeps.
  package static let count = DeviceAbilities(rawValue: 1)
  /// Erase them.
  package static let erase = DeviceAbilities(rawValue: 2)
  /// Stop their transfer.
  package static let abort = DeviceAbilities(rawValue: 4)
  /// Take the code of a user slot.
  package static let consent = DeviceAbilities(rawValue: 8)
  /// Make a user slot.
  package static let registerUser = DeviceAbilities(rawValue: 16)
  /// Have its maker's key given to the hub.
  package static let key = DeviceAbilities(rawValue: 32)

  /// All that is done with a memory by the Record Access Control Point.
  static let records: DeviceAbilities = [.count, .erase, .abort]
  /// All that is done with user slots by the User Control Point.
  static let users: DeviceAbilities = [.consent, .registerUser]

  private static let names: [(ability: DeviceAbilities, name: String)] = [
    (.count, "count"), (.erase, "erase"), (.abort, "abort"), (.consent, "consent"), (.registerUser, "register-user"),
    (.key, "key"),
  ]

  /// Their names as people ask for them.
  package var names: [String] { DeviceAbilities.names.filter { contains($0.ability) }.map(\.name) }
}
