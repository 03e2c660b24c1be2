// Whether the hub knows the patient or the device that a filter names. A name that nobody bears is refused: an empty answer would
// say that nothing was measured.

package import ControlProtocol
internal import JSON
internal import Ledger
package import Readings
internal import Settings

/// A name of a filter that nothing in memory bears. It is known all the same when a stored reading bears it.
package struct DoubtfulName: Sendable {
  /// Whose name it is.
  enum Bearer: Sendable {
    case patient
    case device
  }

  let bearer: Bearer
  let name: String
  /// What is answered when no stored reading bears it either.
  package let refusal: ControlError

  /// A stored reading bears it.
  package func isBorne(by reading: Reading) -> Bool {
    switch bearer {
    case .patient: reading.patient == name
    case .device: reading.device.id == name
    }
  }
}

extension View {
  /// Devices of the configuration, of technicians, and those of which readings wait for a patient.
  private var knownDeviceNames: Set<String> {
    Set(devices.keys).union(knownDevices.map(\.id)).union(head.parked.values.map(\.device))
  }

  /// Nobody is known by this reference; perhaps another was meant.
  func unknownPatient(_ patient: String) -> ControlError {
    let near = Suggestion.nearest(to: patient, among: knownPatients.sorted())
    return ControlError(
      code: "not-found", message: "nothing is known of patient \(patient)",
      hint: near.map { "did you mean \($0)?" } ?? "hearthctl devices tells whose the devices are")
  }

  /// Answers a request with a filter: at once where memory knows what the filter names, else once stored readings were asked.
  func answer(_ id: RequestID, patient: String? = nil, device: String? = nil, _ job: ReadJob) -> [Effect] {
    var names: [DoubtfulName] = []
    if let patient, !knownPatients.contains(patient) {
      names.append(DoubtfulName(bearer: .patient, name: patient, refusal: unknownPatient(patient)))
    }
    if let device {
      let known = knownDeviceNames
      if !known.contains(device) {
        let near = Suggestion.nearest(to: device, among: known.sorted())
        let refusal = ControlError(
          code: "not-found", message: "there is no device \(device), and no reading of it",
          hint: near.map { "did you mean \($0)?" } ?? "hearthctl devices")
        names.append(DoubtfulName(bearer: .device, name: device, refusal: refusal))
      }
    }
    if names.isEmpty, case .answer(let answer) = job { return [.answer(id, answer)] }
    return [.read(id, names.isEmpty ? job : .known(names, job))]
  }
}
