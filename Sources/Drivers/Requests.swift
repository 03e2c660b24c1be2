// What a technician asks of a device, and what the device answers: consent of a user slot, a new slot, stored records. Beside the
// readings, because nothing of it is ever done by itself (User Data Service 1.1; GATT Specification Supplement 3.188).

/// What a technician asks of a device. In `DriverContext.requests` for the next contact, or as `DriverInput.request` while the
/// link is up.
package enum DriverRequest: Sendable, Hashable {
  /// The code of a user slot, 0…9999, as the device's display shows it.
  case consent(user: UInt8, code: UInt16)
  /// Make a new user slot with this code, 0…9999.
  case registerUser(code: UInt16)
  /// How many records does the device keep?
  case countStored
  /// Erase the device's records. Done only after every one of them was read in this session and is on disk.
  case deleteStored
  /// Stop a transfer of records; the next session goes on where this one ended.
  case abort
}

/// What came of a request, or what the device waits for.
package enum DriverAnswer: Sendable, Hashable {
  /// The device keeps its users apart and gives nothing, or only what nobody claims, until a slot's code was entered.
  case consentNeeded
  /// The device takes the code of this slot: its readings may come.
  case consentGiven(user: UInt8)
  /// The device made a slot; its number and code are to be kept.
  case userRegistered(user: UInt8, code: UInt16)
  /// So many records.
  case storedCount(UInt32)
  /// The device says that its records are erased.
  case storedDeleted
  /// The transfer was stopped.
  case aborted
  /// The device took the hub's key (`DriverContext.key`); from now on it is needed at each contact.
  case keyStored
  /// The device gave the hub a key, to be kept as `DriverContext.key`; without it the device is to be paired anew.
  case keyGiven([UInt8])
  /// The request was not done, and why: one sentence for a technician.
  case refused(DriverRequest, String)

  /// One sentence for a technician.
  package var message: String {
    switch self {
    case .consentNeeded: "the device waits for the code of a user slot; its display shows it"
    case .consentGiven(let user): "the device takes the code of user \(user)"
    case .userRegistered(let user, _): "the device made user \(user)"
    case .storedCount(let count): "the device keeps \(count) records"
    case .storedDeleted: "the device erased its records"
    case .aborted: "the transfer was stopped; the next contact goes on with it"
    case .keyStored: "the device took the hub's key"
    case .keyGiven: "the device gave the hub a key"
    case .refused(_, let reason): reason
    }
  }
}

extension DriverRequest {
  /// What a driver without such a thing answers.
  var refusal: DriverAction {
    .answer(.refused(self, "this device, or what is known of it, has nothing of the kind"))
  }
}

extension DriverContext {
  /// The same for everything that was asked for before the contact.
  var refusals: [DriverAction] { requests.map(\.refusal) }
}
