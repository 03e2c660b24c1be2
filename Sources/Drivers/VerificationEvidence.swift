// How well a driver is known to fit its devices, in four grades, and over which transport that was seen. A grade says what was looked
// at, not how good the driver is: the same protocol over a cable proves nothing of how it is spoken over the air.

/// What a driver was checked against.
package enum VerificationGrade: String, Sendable, Hashable, CaseIterable {
  /// A device of the family was connected to a hub.
  case deviceSeen = "device-seen"
  /// A conversation with a device was recorded, and is replayed in the tests.
  case sessionRecorded = "session-recorded"
  /// Single messages of a device were recorded; what stands around them is made by documents.
  case frameRecorded = "frame-recorded"
  /// Documents and programs of others only.
  case documentOnly = "document-only"

  /// For people, as in the README's table.
  package var words: String {
    switch self {
    case .deviceSeen: "device seen"
    case .sessionRecorded: "session recorded"
    case .frameRecorded: "frame recorded"
    case .documentOnly: "document only"
    }
  }
}

/// What is known of a driver's fit.
package struct VerificationEvidence: Sendable, Hashable {
  /// The highest grade.
  package var grade: VerificationGrade
  /// Over what it was seen, `ble`, `ble-advertisement` or `serial`; nil where nothing was, or where its source does not tell.
  package var transport: String?
  /// The firmware of the device that was recorded; nil where its source does not tell.
  package var firmware: String?
  /// The models that were recorded, where they are fewer than those that the driver reads.
  package var models: [String] = []
}

extension DriverTransport {
  /// As in `hearthctl drivers --json`.
  package var name: String {
    switch self {
    case .gatt: "ble"
    case .advertisement: "ble-advertisement"
    case .serial: "serial"
    }
  }
}

extension DeviceProfile {
  /// Single messages of these models.
  private static func frames(
    _ models: [String], over transport: String? = "ble", firmware: String? = nil
  ) -> VerificationEvidence {
    VerificationEvidence(grade: .frameRecorded, transport: transport, firmware: firmware, models: models)
  }

  /// What recorded devices told of themselves, where that is more or less than the profile says. Records of Omron cuffs and scales of
  /// FFE0 were published one by one; the sessions around them are made.
  private static let recorded: [String: VerificationEvidence] = [
    "fdfd-cuff": frames(["JPD-HA120"]), "viatom-airbp": frames(["AirBP"]),
    "qn-scale": frames(["Elis 1", "ES-26M", "ESF-24"]),
    "renpho-1a10": frames(["R-MSC04"]), "icomon": frames(["Hutbit", "FitTrack Dara"]),
    "soehnle-shape": frames(["Shape Sense Connect 200"]), "wellue-fs20f": frames(["FS20F"]),
    "okok": frames(["TZC4"], over: "ble-advertisement"),
    "omron": frames(["HEM-7142T2", "HEM-7144T2", "HEM-7146T2", "HEM-7280T", "HEM-7380T1", "HEM-7600T"]),
    "sanitas-sbf70": frames(["SBF70"]), "beurer-bf700": frames(["BF800-W"]),
    "beurer-bf720": frames(["BF720", "BF788", "BF600"]), "and-ua651ble": frames(["UA-651BLE"]),
    "contec-cms50dbt": frames(["CMS50D-BT"]),
    "transtek-scale": frames(["BS444", "ADE BA 1600"], firmware: "B.8"),
    "vitafit-vt701": frames(["VT701"]), "temp-sitter": frames(["IRULU Temp Sitter"]),
    "contec-v7": frames(["CMS50D+", "CMS50F"], over: "serial", firmware: "4.6"),
    "thermometer": frames(["FORA IR20"]), "pulse-oximeter": frames(["ChoiceMMed MD300"]),
    // The sources of these frames do not tell over what they came.
    "taidoc": frames(["D40"], over: nil), "taidoc-ble": frames(["D40"], over: nil),
  ]

  /// What the driver was checked against.
  package var evidence: VerificationEvidence {
    // Octets that came another way prove nothing of a port that nobody can plug it into.
    guard obstacle == nil else { return VerificationEvidence(grade: .documentOnly) }
    if let evidence = DeviceProfile.recorded[id] { return evidence }
    guard verification == .captured else { return VerificationEvidence(grade: .documentOnly) }
    return VerificationEvidence(grade: .frameRecorded, transport: transport.name)
  }
}

extension Registry {
  /// How many drivers have each grade, by transport of the driver: `ble` with advertisements, and `serial`.
  package static func counts(serial: Bool) -> [(grade: VerificationGrade, count: Int)] {
    let chosen = profiles.filter { ($0.transport.name == "serial") == serial }
    return VerificationGrade.allCases.map { grade in (grade, chosen.count { $0.evidence.grade == grade }) }
  }
}
