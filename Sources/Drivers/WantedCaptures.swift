// Which recorded sessions would help most: what of each driver was never seen, and how a technician records it.

/// What would be known by one more capture.
package struct WantedCapture: Sendable, Hashable {
  /// A driver's id; for a device that none reads, a name of the same kind.
  package var id: String
  /// For people: models.
  package var devices: String
  /// How well the driver is known to fit; nil where there is none.
  package var grade: VerificationGrade?
  /// What is missing, one sentence without its capital and stop.
  package var missing: String
  /// How to record it, one sentence.
  package var how: String
}

extension Registry {
  /// What captures would help most: drivers that were made by documents alone, then devices that nobody reads, then drivers of which only
  /// single messages or some models were seen. A driver whose device was connected to a hub is not here.
  package static let wanted: [WantedCapture] = {
    let grades: [VerificationGrade] = [.documentOnly, .frameRecorded, .sessionRecorded]
    let drivers = grades.map { grade in
      profiles.filter { $0.evidence.grade == grade }.map { WantedCapture($0) }
    }
    return drivers[0] + WantedCapture.unread + drivers[1] + drivers[2]
  }()
}

extension WantedCapture {
  init(_ profile: DeviceProfile) {
    let evidence = profile.evidence
    let names = profile.names.joined(separator: ", ")
    id = profile.id
    devices = [profile.manufacturer, names].compactMap { $0 }.joined(separator: ": ")
    grade = evidence.grade
    let recorded = evidence.models.isEmpty ? "" : "; recorded are " + evidence.models.joined(separator: ", ")
    switch evidence.grade {
    case .documentOnly: missing = "any octets of such a device: the driver was made by documents and programs alone"
    case .frameRecorded: missing = "a whole session: only single messages were recorded" + recorded
    case .sessionRecorded: missing = "a device at a hub: one session was recorded" + recorded
    case .deviceSeen: missing = "nothing"
    }
    if evidence.grade != .documentOnly, evidence.firmware == nil { missing += "; the firmware is not known" }
    switch profile.transport {
    case .gatt:
      how =
        "hearthctl pair ADDRESS --driver \(profile.id), then hearthctl capture DEVICE: \(WantedCapture.hint(profile))"
    case .advertisement:
      how = "hearthctl pair ADDRESS --driver \(profile.id), then hearthctl capture DEVICE while somebody uses it"
    case .serial:
      how = "hearthctl serial bind PORT --driver \(profile.id), then hearthctl capture DEVICE while it measures"
    }
  }

  private static func hint(_ profile: DeviceProfile) -> String {
    profile.pairingHint.isEmpty ? "let it measure" : profile.pairingHint
  }
}
