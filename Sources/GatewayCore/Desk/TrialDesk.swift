// Trying a backend: who may be named as the patient of test readings, and the readings themselves. They are no records: nothing of a
// trial but its audit is stored, so they are judged by no plan and stand in nobody's history.

internal import ControlProtocol
internal import Exchange
internal import JSON
internal import Ledger
internal import Readings
internal import Settings
internal import Zones

extension Desk {
  func tryBackend(_ id: RequestID, _ name: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard let fact = turn.house.backends[name] else {
      let near = Suggestion.nearest(to: name, among: Array(turn.house.backends.keys))
      return .failure(
        id, "not-found", "there is no backend \(name)", near.map { "did you mean \($0)?" } ?? "hearthctl backends")
    }
    guard case .http = fact.configuration.kind else {
      return .failure(
        id, "backend.directory", "\(name) is a folder: there is nobody to answer",
        "hearthctl doctor tells whether it can be written")
    }
    guard let patient = fact.configuration.testPatient else {
      return .failure(
        id, "bad-configuration", "the backend \(name) has no \"test_patient\": nothing was sent",
        "set backends[].test_patient in hearth.json to a reference that the backend has for tests, then hearthctl reload"
      )
    }
    guard !turn.view.isKnown(patient) else {
      return .failure(
        id, "bad-configuration", "\"test_patient\" of \(name) is a patient of this hub: nothing was sent",
        "set backends[].test_patient in hearth.json to a reference that is nobody's, then hearthctl reload")
    }
    // A FHIR server gets one batch at a time: of two each could create the hub's Device.
    guard fact.isIdle || fact.nextDeadline != nil else {
      return .failure(id, "busy", "a batch is on its way to \(name)", "try again in a moment")
    }
    let offset = turn.house.zone.local(at: turn.now.wall / 1000).offset
    let readings = TestReadings.all(
      patient: patient, at: Timestamp(milliseconds: turn.now.wall, offsetSeconds: Int32(clamping: offset)),
      isSynchronised: turn.now.isSynchronised,
      trial: "\(turn.house.identity.hubID)|\(name)|\(turn.now.bootID)|\(turn.now.monotonic)|\(turn.now.wall)",
      version: turn.house.identity.version)
    return turn.append([caller.audit("try of backend \(name)")]) + [.tryBackend(id, backend: name, readings)]
  }
}
