// References of patients in the configuration that are one slip of the fingers from a patient whom the hub knows: what the device
// measures would be judged by nobody's plan.

internal import ControlProtocol
internal import JSON
internal import Ledger
internal import Monitoring
internal import Readings
internal import Settings

extension View {
  /// A configured reference, and the patient who may be meant.
  struct NearPatient: Sendable, Hashable {
    var device: String
    var patient: String
    var near: String
    /// The other one has a plan.
    var hasPlan: Bool

    /// What is said of it.
    var text: String {
      let why = hasPlan ? "who has a plan" : "who is known, too"
      return
        "the patient \(patient) of device \(device) is one letter from \(near), \(why): write \(near) in hearth.json if the same patient is meant"
    }
  }

  /// Of each device in the configuration, references without a plan that are one slip from somebody who is known better.
  var nearPatients: [NearPatient] {
    let configured = configuration.devices.map { device in
      (device.id, ([device.patient].compactMap(\.self) + device.users.values).filter { plans[$0] == nil })
    }
    guard configured.contains(where: { !$0.1.isEmpty }) else { return [] }
    let planned = plans.keys.filter { !head.erasing.contains($0) }.sorted()
    let measured = Set(head.history.keys).union(head.bindings.slots.values).subtracting(head.erasing).sorted()
    return configured.flatMap { device, patients in
      Set(patients).sorted().compactMap { patient in
        // A number that is no pseudonym is repeated nowhere.
        func isMeant(_ other: String) -> Bool {
          Suggestion.isLikelySlip(patient, other) && !PatientReference.isNationalIdentityNumber(other)
        }
        guard !PatientReference.isNationalIdentityNumber(patient) else { return nil }
        if let near = planned.first(where: isMeant) {
          return NearPatient(device: device, patient: patient, near: near, hasPlan: true)
        }
        // Of two who both have readings and no plan nobody can say who was meant.
        guard head.history[patient] == nil, let near = measured.first(where: isMeant) else { return nil }
        return NearPatient(device: device, patient: patient, near: near, hasPlan: false)
      }
    }
  }

  /// Those whose readings no plan judges although another patient's would.
  func nearProblems() -> [StandingProblem] {
    nearPatients.filter(\.hasPlan).map { near in
      StandingProblem(
        kind: .patientNear, code: "patient.near", about: near.device,
        message:
          "the patient \(near.patient) of device \(near.device) has no plan, and is one letter from \(near.near), who has one",
        told: "the patient of device \(near.device) has no plan, and is one letter from a patient who has one",
        hint: "correct the patient in hearth.json if the other one is meant, then hearthctl reload; else set a plan")
    }
  }
}

extension View {
  /// What whoever brings a configuration into force should know of it: patients who may be slips of the fingers, a line each.
  func warnings(of configuration: Configuration, plans: [String: Plan]) -> [String] {
    var house = house
    house.configure(configuration, house.zones, plans)
    return View(house: house, head: head, durable: durable, now: now).nearPatients.map(\.text)
  }
}
