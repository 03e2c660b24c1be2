// Slips that earlier versions took: one user slot twice, a heartbeat to nobody, a journal that is too small for its own snapshots. At a
// start they are warnings.

internal import JSON

enum ConfigurationChecks {
  static func all(_ top: JSONNode, _ configuration: Configuration, _ newer: inout NewerRules) throws(JSONError) {
    try slots(top, &newer)
    try heartbeat(top, &newer)
    try journal(top, configuration, &newer)
  }

  /// `"1"` and `"01"` are one slot: the one that stands behind the other would have it.
  private static func slots(_ top: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    for device in (try? JSONMembers(top)["devices"]?.array()) ?? [] {
      guard let users = (try? JSONMembers(device))?["users"], case .object(let members) = users.content else {
        continue
      }
      var known: [UInt8: String] = [:]
      for member in members {
        guard let slot = UInt8(member.key) else { continue }
        if let other = known[slot] {
          try newer.refuse(
            member.value,
            "expected each user slot once: \(other) and \(member.key) are the same one, and the last counts",
            code: "slot.twice")
        }
        known[slot] = member.key
      }
    }
  }

  private static func heartbeat(_ top: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    guard let watch = try JSONMembers(top)["watch"], let beat = (try? JSONMembers(watch))?["heartbeat"],
      let backends = (try? JSONMembers(beat))?["backends"], case .array(let names) = backends.content, names.isEmpty
    else { return }
    try newer.refuse(
      backends, "expected the name of a backend: a heartbeat to nobody tells nobody when the hub is dead",
      code: "heartbeat.to-nobody")
  }

  /// Octets of a snapshot: its own, of a device with the readings that it may send again, and of a patient.
  private static let snapshot = (own: 16_384, device: 9_728, patient: 4_096)

  /// A snapshot takes a segment of its own with as much room behind it, and another segment waits.
  private static func journal(
    _ top: JSONNode, _ configuration: Configuration, _ newer: inout NewerRules
  ) throws(JSONError) {
    guard let node = try JSONMembers(top)["journal"], let maximum = (try? JSONMembers(node))?["maximum_bytes"] else {
      return
    }
    let patients = Set(configuration.devices.flatMap { Array($0.users.values) + [$0.patient].compactMap(\.self) }).count
    let devices = configuration.devices.count
    guard devices <= 1000, patients <= 1000 else { return }
    let segment = configuration.journal.segmentBytes
    let whole = 2 * (snapshot.own + devices * snapshot.device + patients * snapshot.patient)
    let least = (whole + segment - 1) / segment * segment + 2 * segment
    guard configuration.journal.maximumBytes < least else { return }
    try newer.refuse(
      maximum,
      "expected at least \(least): what is kept of \(devices) devices and \(patients) patients has to fit beside new readings",
      code: "journal.too-small")
  }
}
