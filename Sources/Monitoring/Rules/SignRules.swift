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
  /// Going back from the newest, a reading counts only so long before the last that counted, in milliseconds; 0: all count.
  package var spacing: Int64 = 0

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
    spacing = try fields.duration("spacing") ?? 0
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

  package static var name: String { "quality" }
}

/// What both kinds have in common.
package protocol SignRule: RuleKind {
  /// What is counted.
  var signs: Signs { get }
}

extension SignRule {
  package static var keys: [String] { ["measure", "bit", "k", "of", "zone", "spacing"] }

  package func subject(_ language: PlanLanguage) -> String {
    language.say("Siste målinger", "Siste målingar", "Latest measurements") + " (\(names(language)))"
  }

  /// The remarks in a patient's words; where many are watched, that one cannot rely on the measurements.
  func names(_ language: PlanLanguage) -> String {
    guard signs.flags.count <= 3 else {
      return language.say("usikre målinger", "usikre målingar", "questionable measurements")
    }
    return signs.flags.map { PlanText.flag($0, language) }.joined(separator: ", ")
  }

  package var zonesTold: Set<Zone> { Set([signs.zone]).subtracting([.green]) }

  package var isTrend: Bool { true }

  private func counts(_ kind: ReadingKind) -> Bool { signs.readingKind == nil || signs.readingKind == kind }

  package func awaits(_ sighting: Sighting) -> Bool { counts(sighting.reading.kind) }

  package func moments(since: Int64, _ view: HistoryView) -> [TrendMoment] {
    let signs = view.history.signs
    var index = signs.endIndex
    while index > 0, signs[index - 1].time >= since { index -= 1 }
    return signs[index...].compactMap { sign in
      counts(sign.kind) && view.holds(sign.time) ? TrendMoment(time: sign.time, id: sign.id) : nil
    }
  }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool {
    signs.spacing > 0 || count < signs.of
  }

  package func verdict(at moment: TrendMoment, standing: Finding?, _ view: HistoryView) -> TrendVerdict {
    let mask = PatientHistory.Sign.mask(signs.flags)
    var (seen, count) = (0, 0)
    var last: Int64?
    let known = view.history.signs
    var index = known.endIndex
    while index > 0, seen < signs.of {
      index -= 1
      let sign = known[index]
      guard counts(sign.kind), (sign.time, sign.id) <= (moment.time, moment.id), view.holds(sign.time) else { continue }
      if signs.spacing > 0, let last, sign.time > last.moved(-signs.spacing) { continue }
      last = sign.time
      seen += 1
      if sign.says(mask) { count += 1 }
    }
    var note = TrendNote()
    note.points = seen
    guard seen >= signs.k else { return .notJudged(.tooFew) }
    let rank = count >= signs.k ? Rank(signs.zone, signs.zone == .green ? 0 : 1) : .green
    return .found(Finding(rank, taken: moment.time), note)
  }

  package func explanation(_ words: PlanWords) -> String {
    let names = signs.flags.map { PlanText.flag($0, words.language) }.joined(separator: ", ")
    let zone = words.zone(signs.zone)
    return words.say(
      "Tegn på målingen (\(names)) i \(signs.k) av de siste \(signs.of): \(zone).",
      "Teikn på målinga (\(names)) i \(signs.k) av dei siste \(signs.of): \(zone).",
      "A sign of the measurement (\(names)) in \(signs.k) of the last \(signs.of): \(zone).")
      + words.spaced(signs.spacing)
  }
}
