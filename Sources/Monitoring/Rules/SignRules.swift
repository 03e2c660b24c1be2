// Rules over what devices say beside values, and over readings that cannot be trusted: a sign in several of the newest readings.

package import JSON
package import Readings

/// A sign in `k` of the newest `of` readings of a kind.
package struct Signs: Sendable, Hashable {
  /// Which readings; nil: of every kind.
  package var readingKind: ReadingKind?
  /// Any of these.
  package var flags: [ReadingFlag]
  /// How many.
  package var k: Int
  /// Of how many.
  package var of: Int
  /// The zone that it brings about.
  package var zone: Zone

  /// Reads them; `usual` are watched where the rule names none.
  fileprivate init(_ fields: RuleFields, usual: [ReadingFlag]) throws(JSONError) {
    (k, of) = try fields.counts()
    let readingKinds: [String: ReadingKind] = [
      "bp.status": .bloodPressure, "spo2.status": .pulseOximetry, "weight.status": .bodyWeight,
      "temperature.status": .bodyTemperature, "glucose.status": .glucose,
    ]
    if let node = fields["measure"] { readingKind = readingKinds[try node.string(of: readingKinds.keys.sorted())] }
    if let node = fields["bit"] {
      guard let flag = ReadingFlag(rawValue: try node.string()) else {
        throw node.error("invalid-value", "an unknown flag; a reading's flags are named like irregular-pulse")
      }
      flags = [flag]
    } else if !usual.isEmpty {
      flags = usual
    } else {
      throw fields.error("missing-key", "missing key \"bit\": expected a flag such as irregular-pulse")
    }
    zone = try fields.zone()
  }

  /// Signs to watch.
  init(readingKind: ReadingKind?, flags: [ReadingFlag], k: Int, of: Int, zone: Zone) {
    self.readingKind = readingKind
    self.flags = flags
    self.k = k
    self.of = of
    self.zone = zone
  }
}

/// What the device says beside its values, such as an irregular pulse.
package struct BitsRule: SignRule {
  package let signs: Signs

  /// A rule over signs.
  package init(readingKind: ReadingKind?, flags: [ReadingFlag], k: Int, of: Int, zone: Zone) {
    signs = Signs(readingKind: readingKind, flags: flags, k: k, of: of, zone: zone)
  }

  package init(_ fields: RuleFields) throws(JSONError) { signs = try Signs(fields, usual: []) }
  package static var name: String { "bits" }
}

/// Readings that cannot be trusted, one after the other.
package struct QualityRule: SignRule {
  package let signs: Signs

  package init(_ fields: RuleFields) throws(JSONError) {
    signs = try Signs(
      fields,
      usual: [
        .questionable, .implausible, .signalPoor, .bodyMovement, .cuffTooLoose, .improperPosition, .suspectPerson,
      ])
  }

  private init(_ signs: Signs) { self.signs = signs }

  /// A rule that a plan no longer has: its state is ended, nothing is judged by it.
  static let never = QualityRule(Signs(readingKind: nil, flags: [], k: 1, of: 1, zone: .green))

  package static var name: String { "quality" }
}

/// What both kinds have in common.
package protocol SignRule: RuleKind {
  /// What is counted.
  var signs: Signs { get }
}

extension SignRule {
  package static var keys: [String] { ["measure", "bit", "k", "of", "zone"] }

  package func subject(_ language: PlanLanguage) -> String { language.say("Målingen", "Målinga", "The measurement") }

  package var isTrend: Bool { true }

  private func counts(_ kind: ReadingKind) -> Bool { signs.readingKind == nil || signs.readingKind == kind }

  package func concerns(_ sighting: Sighting) -> Bool { counts(sighting.reading.kind) }
  package func awaits(_ sighting: Sighting) -> Bool { counts(sighting.reading.kind) }
  package func isOlder(_ time: Int64, than earlier: PatientHistory) -> Bool {
    earlier.newestSigns(signs.readingKind, 1, upTo: .max).contains { $0.time > time }
  }

  package func zone(of sighting: Sighting, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    guard let taken = sighting.taken, counts(sighting.reading.kind) else { return nil }
    return zone(at: taken, history)
  }

  package func moments(since: Int64, _ history: PatientHistory) -> [TrendMoment] {
    history.signs.filter { $0.time >= since && counts($0.kind) }.map { TrendMoment(time: $0.time, id: $0.id) }
  }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool { count < signs.of }

  package func zone(at moment: TrendMoment, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    zone(at: moment.time, history)
  }

  private func zone(at time: Int64, _ history: PatientHistory) -> Zone {
    let newest = history.newestSigns(signs.readingKind, signs.of, upTo: time)
    let mask = PatientHistory.Sign.mask(signs.flags)
    return newest.count { $0.says(mask) } >= signs.k ? signs.zone : .green
  }

  package func explanation(_ words: PlanWords) -> String {
    let (names, zone) = (signs.flags.map(\.rawValue).joined(separator: ", "), words.zone(signs.zone))
    return words.say(
      "Tegn på målingen (\(names)) i \(signs.k) av de siste \(signs.of): \(zone).",
      "Teikn på målinga (\(names)) i \(signs.k) av dei siste \(signs.of): \(zone).",
      "A sign of the measurement (\(names)) in \(signs.k) of the last \(signs.of): \(zone).")
  }
}
