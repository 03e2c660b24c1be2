// How far a value moved from where it was within a window.

package import JSON
package import Readings

/// How far a value moved from where it was within a window: heart failure's 2 kg in 3 days.
package struct DeltaRule: TrendRule {
  /// What the value is held against.
  package enum Reference: String, Sendable, Hashable, CaseIterable {
    /// The least of the window.
    case min
    /// The median of the window.
    case median
    /// The oldest of the window.
    case first
    /// The last one of the day before, or of the newest day before that within the window.
    case lastPreviousDay = "last_previous_day"
  }

  /// The value that it watches.
  package var measure: Measure
  /// What it is held against.
  package var reference: Reference
  /// How far back, in milliseconds; whole days are days on the patient's clock.
  package var window: Int64
  /// The fewest values, the new one counted.
  package var minimumPoints: Int
  /// Limits of the difference, new minus reference.
  package var zones: [ZoneLimit]
  /// How far past the limit the difference must be before a zone is left.
  package var hysteresis: ExactDecimal
  /// The limits as they were set, where that was in another unit.
  package var given: GivenLimits?

  package init(
    measure: Measure, reference: Reference, window: Int64, minimumPoints: Int = 2, zones: [ZoneLimit],
    hysteresis: ExactDecimal = .zero
  ) {
    self.measure = measure
    self.reference = reference
    self.window = window
    self.minimumPoints = minimumPoints
    self.zones = zones
    self.hysteresis = hysteresis
  }
}

extension DeltaRule {
  package static var name: String { "delta" }
  package static var keys: [String] { ["measure", "unit", "from", "window", "min_points", "zones", "hysteresis"] }
  package static var bounds: [RuleBound] { [.zones, .window] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let text = try fields.required("from", "what the value is held against").string(
      of: DeltaRule.Reference.allCases.map(\.rawValue))
    let measure = try fields.measure()
    let limits = try fields.limits(measure, difference: true)
    self.init(
      measure: measure, reference: DeltaRule.Reference(rawValue: text) ?? .min, window: try fields.window(),
      minimumPoints: try fields["min_points"]?.int(in: 2...1000) ?? 2, zones: limits.zones,
      hysteresis: limits.hysteresis)
    given = limits.given
  }

  package func describe(in object: inout JSONObject) {
    object["zones"] = ZoneLimit.json(zones)
    object["window_seconds"] = .int(window / 1000)
  }

  package var measures: [Measure] { [measure] }

  package func zone(of sighting: Sighting, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    guard !sighting.isUnfit, let taken = sighting.taken, let value = sighting.values[measure],
      !sighting.reading.flags.contains(.suspectPerson)
    else { return nil }
    let moment = TrendMoment(time: taken, id: sighting.reading.id.low, value: value, isDoubtful: sighting.isDoubtful)
    return zone(at: moment, before: before, history, clock)
  }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool {
    TrendWindow.reaches(window, from: time, to: earlier)
  }

  package func zone(at moment: TrendMoment, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    var (count, today) = (1, Int64?.none)
    var against: ExactDecimal?
    var sorted: [ExactDecimal] = []
    for point in points(history, at: moment.time, clock) where point.id != moment.id {
      count += 1
      switch reference {
      case .min: if against.map({ point.value < $0 }) ?? true { against = point.value }
      case .first: against = against ?? point.value
      case .median: sorted.append(point.value)
      case .lastPreviousDay:
        if today == nil { today = clock.day(moment.time) }
        if let today, clock.day(point.time) < today { against = point.value }
      }
    }
    if reference == .median {
      sorted.sort()
      against = sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
    }
    guard count >= max(2, minimumPoints), let against, let difference = moment.value.subtracting(against) else {
      return nil
    }
    return moment.capped(ZoneLimit.worst(zones, difference, before: before, hysteresis: hysteresis))
  }

  /// The window's values. Whole days are the patient's days: who stands on the scale at 07:35 after 07:30 three days ago has
  /// measured within three days.
  private func points(
    _ history: PatientHistory, at time: Int64, _ clock: PatientClock
  ) -> Slice<PatientHistory.Series> {
    let length: Int64 = 86_400_000
    guard window >= length, window % length == 0 else {
      return history.points(measure, from: time - window, to: time)
    }
    let first = clock.day(time) - window / length
    return history.points(measure, from: time - window - 26 * 3_600_000, to: time).drop { clock.day($0.time) < first }
  }

  package func explanation(_ words: PlanWords) -> String {
    let against =
      switch reference {
      case .min: words.say("den laveste", "den lågaste", "the lowest")
      case .median: words.say("den midterste", "den midtarste", "the median")
      case .first: words.say("den første", "den første", "the first")
      case .lastPreviousDay:
        words.say("den siste fra en tidligere dag", "den siste frå ein tidlegare dag", "the last of an earlier day")
      }
    let (what, window) = (words.name(measure), words.duration(window))
    let change = words.limits(zones, measure, given)
    return words.say(
      "\(what): endring fra \(against) de siste \(window): \(change).",
      "\(what): endring frå \(against) dei siste \(window): \(change).",
      "\(what): change from \(against) of the last \(window): \(change).")
  }
}
