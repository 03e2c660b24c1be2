// Plans of patients whom nothing else on this hub names: nothing is measured for them, so nothing is judged.

internal import ControlProtocol
internal import JSON
internal import Ledger
internal import Monitoring
internal import Readings
internal import Settings

extension View {
  /// Everybody whom a device, a slot, a session or something that was measured names.
  private var namedPatients: Set<String> {
    var patients = Set(head.bindings.slots.values)
    for device in knownDevices {
      patients.formUnion(device.users.values.map { $0 } + [device.patient].compactMap(\.self))
    }
    patients.formUnion(head.sessions.open.values.map(\.patient))
    patients.formUnion(head.history.keys)
    return patients
  }

  /// Plans in force that watch nobody, by their patients. One without rules is meant to.
  var orphanPlans: [Plan] {
    let rules = plans.values.filter { plan in
      !plan.rules.isEmpty && !PatientReference.isNationalIdentityNumber(plan.patient)
        && !head.erasing.contains(plan.patient)
    }
    guard !rules.isEmpty else { return [] }
    let named = namedPatients
    return rules.filter { !named.contains($0.patient) }.sorted { $0.patient < $1.patient }
  }

  func orphanProblems() -> [StandingProblem] {
    let plans = orphanPlans
    guard !plans.isEmpty else { return [] }
    let named = namedPatients
    return plans.map { plan in
      let patient = plan.patient
      let near = named.sorted().first {
        Suggestion.isOneSlip(patient, $0) && !PatientReference.isNationalIdentityNumber($0)
      }
      let hint =
        near.map {
          "if \($0) is meant, who is one letter from it: set the plan under \($0), then hearthctl erase --patient \(patient)"
        }
        ?? "hearthctl assign --device DEVICE \(patient), or correct the plan's patient"
      return StandingProblem(
        kind: .planOfNobody, code: "plan.of-nobody", about: patient,
        message: "the plan of \(patient) watches nobody: no device, no slot and no reading is of this patient",
        hint: hint)
    }
  }
}
