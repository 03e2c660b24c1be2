// Which patients the hub knows: a reference that is nobody's yet may be a slip of the fingers, and whoever types one is told so.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Ledger
internal import Readings
internal import Settings

extension View {
  /// Every patient that this hub knows: of a device, a slot, a session, a plan, or of what was measured. Who is being erased is not.
  var knownPatients: Set<String> { head.knownPatients(house) }

  /// Who is being erased is known until nothing is left.
  func isKnown(_ patient: String) -> Bool { knownPatients.contains(patient) || head.erasing.contains(patient) }

  /// Whether a patient is known, and who else may be meant.
  func knownPatient(_ patient: String) -> JSONValue {
    let isKnown = isKnown(patient)
    var object = JSONObject()
    object["patient"] = .string(patient)
    object["known"] = .bool(isKnown)
    // A number that is no pseudonym is repeated nowhere.
    let near =
      isKnown
      ? nil
      : knownPatients.sorted().first { other in
        Suggestion.isOneSlip(patient, other) && !PatientReference.isNationalIdentityNumber(other)
      }
    if let near { object["near"] = .string(near) }
    if head.sharesScale(patient, house) { object["shares_scale"] = true }
    return .object(object)
  }
}

extension LedgerState {
  /// Every patient of a hub with these settings.
  func knownPatients(_ house: House) -> Set<String> {
    var patients = Set(house.plans.keys).union(history.keys).union(rules.keys).union(bindings.slots.values)
    for device in knownDevices(house) {
      if let patient = device.patient { patients.insert(patient) }
      patients.formUnion(device.users.values)
    }
    patients.formUnion(sessions.open.values.map(\.patient))
    return patients.subtracting(erasing)
  }

  /// Others than the patient stand on the patient's scale, too.
  func sharesScale(_ patient: String, _ house: House) -> Bool {
    knownDevices(house).contains { device in
      guard Registry.profile(id: device.driver)?.kinds.contains(.bodyWeight) ?? false else { return false }
      // Whoever has the session of a public scale shares it with all who come after.
      if sessions.open[device.id]?.patient == patient { return true }
      let slots = bindings.slots.filter { $0.key.device == device.id }.values
      let users = Set(device.users.values).union(slots).union([device.patient].compactMap(\.self))
      return users.contains(patient) && users.count > 1
    }
  }
}

extension AttributionConflict {
  /// The refusal of an assignment.
  /// - Parameter isConfigured: the device stands in the configuration; a technician brought in any other.
  func error(_ device: String, isConfigured: Bool) -> ControlError {
    let code = "device.patient-configured"
    let place = isConfigured ? "hearth.json says so" : "it was said at its pairing"
    switch self {
    case .patient(let patient):
      return ControlError(
        code: code, message: "all that \(device) measures is \(patient)'s: \(place)",
        hint: isConfigured
          ? "change \"patient\" of this device in hearth.json, then hearthctl reload"
          : "hearthctl assign --device \(device) PATIENT, without --user, gives all of it to another")
    case .user(let user, let patient):
      return ControlError(
        code: code, message: "user \(user) of \(device) is \(patient): \(place)",
        hint: "change \"users\" of this device in hearth.json, then hearthctl reload")
    case .users(let users):
      let list = users.map { "\($0)" }.joined(separator: ", ")
      return ControlError(
        code: code, message: "\(device) has users (\(list)): \(place); its readings go by user",
        hint: "name the user: hearthctl assign --device \(device) --user SLOT PATIENT")
    }
  }
}
