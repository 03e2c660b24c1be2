// Whose a device's readings are: as the configuration says, else as technicians said. What is attributed, what is shown and what an
// assignment is refused for come from here.

package import Settings

extension Bindings {
  /// A cuff that does not know its user says so.
  private static let nobody: UInt8 = 255

  /// Whose a reading of a device is: the device's one patient, or the patient of its user slot, or the patient to whom all of the
  /// device was given; nil is nobody's: parked. A device with users is never given as a whole. An open session on a public device is
  /// another matter (`PublicSessions`).
  package func patient(of device: DeviceConfiguration, user: UInt8?) -> String? {
    if let patient = device.patient { return patient }
    if let user, user != Bindings.nobody, let patient = device.users[user] ?? patient(device: device.id, user: user) {
      return patient
    }
    return device.users.isEmpty ? patient(device: device.id, user: nil) : nil
  }

  /// Whether a reading of a user belongs to a slot: to its own, or to the whole device where its own is nobody's.
  package func isOf(_ slot: Slot, user: UInt8?) -> Bool {
    let user = user == Bindings.nobody ? nil : user
    guard let user else { return slot.user == nil }
    return slot.user == user || slot.user == nil && patient(device: slot.device, user: user) == nil
  }

  /// The slots of a device that are somebody's; nil is the whole device.
  package func attributed(_ device: DeviceConfiguration) -> [(user: UInt8?, patient: String)] {
    let assigned = slots.keys.filter { $0.device == device.id }.compactMap(\.user)
    let users = Set(Array(device.users.keys) + assigned).subtracting([Bindings.nobody]).sorted()
    let whole = patient(of: device, user: nil).map { [(user: UInt8?.none, patient: $0)] } ?? []
    // One patient of the whole device is the patient of each of its slots.
    guard device.patient == nil else { return whole }
    return whole + users.compactMap { user in patient(of: device, user: user).map { (user, $0) } }
  }

  /// Why an assignment of a slot could never count: the configuration says whose it is. Nil when it counts.
  package static func conflict(_ device: DeviceConfiguration, user: UInt8?) -> AttributionConflict? {
    if let patient = device.patient { return .patient(patient) }
    if let user, let patient = device.users[user] { return .user(user, patient) }
    return user == nil && !device.users.isEmpty ? .users(device.users.keys.sorted()) : nil
  }
}

/// What the configuration says of a device that an assignment cannot change.
package enum AttributionConflict: Sendable, Hashable {
  /// The whole device is a patient's.
  case patient(String)
  /// The slot is a patient's.
  case user(UInt8, String)
  /// It has users: the whole of it is nobody's. With the slots that it names.
  case users([UInt8])

  /// What of a device an assignment of a slot may change.
  package enum Change: Sendable, Hashable {
    case whole
    case user(UInt8)
  }

  /// What an assignment of a slot may change where the device's description is the hub's own; nil: it is of another slot.
  package func change(_ user: UInt8?) -> Change? {
    switch self {
    case .patient: user == nil ? .whole : nil
    case .user(let slot, _): .user(slot)
    case .users: nil
    }
  }
}
