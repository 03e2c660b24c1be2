// National identity numbers that are in force as patients' references: accepted by an older version, or written by hand. They stay in
// force, are told in `status` and `doctor`, and can be erased; nothing new is given to them.

internal import ControlProtocol
internal import JSON
internal import Readings
internal import Settings
internal import Ledger

extension View {
  /// What to do about them.
  static let nationalIDHint =
    "give each of them a pseudonym of the care service in hearth.json, the plans and by hearthctl assign, then hearthctl erase"

  /// Where a patient is named by a national identity number, without the number; nil when nowhere.
  var nationalIDText: String? {
    let isNumber = PatientReference.isNationalIdentityNumber
    var places: [String] = []
    for device in knownDevices {
      let patients = [device.patient].compactMap(\.self) + device.users.values
      let assigned = durable.bindings.slots.filter { $0.key.device == device.id }.values
      let session = durable.sessions.open[device.id].map { [$0.patient] } ?? []
      if (patients + assigned + session).contains(where: isNumber) { places.append("device \(device.id)") }
    }
    let plans = plans.keys.count(where: isNumber)
    if plans > 0 { places.append(plans == 1 ? "a plan" : Count.of(plans, "plan")) }
    let kept = Set(durable.history.keys).union(durable.rules.keys).subtracting(self.plans.keys).count(where: isNumber)
    if kept > 0 {
      places.append(kept == 1 ? "what was measured of a patient" : "what was measured of \(kept) patients")
    }
    guard !places.isEmpty else { return nil }
    return "a national identity number stands for a patient: \(places.joined(separator: ", "))"
  }

  /// The refusal of a national identity number that is nobody's here; nil for a patient who is known under it already.
  func refusal(ofUnknown patient: String) -> ControlError? {
    guard PatientReference.isNationalIdentityNumber(patient), !isKnown(patient) else { return nil }
    let fault = PatientReference.Fault.nationalIdentityNumber
    return ControlError(code: fault.code, message: "patient: \(fault.message)", hint: fault.hint)
  }
}
