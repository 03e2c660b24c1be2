// Several of the newest values out of band.

package import JSON
package import Readings

/// `k` of the newest `of` values in a zone.
package struct ConsecutiveRule: TrendRule {
  /// The value that it watches.
  package var measure: Measure
  /// How many.
  package var k: Int
  /// Of how many.
  package var of: Int
  /// The zones' limits.
  package var zones: [ZoneLimit] { scale.zones }
  package let scale: ZoneScale
  /// The limits as they were set, where that was in another unit.
  package var given: GivenLimits?
  /// How far back, in milliseconds; nil: however old they are.
  package var window: Int64?
  /// Going back from the newest, a value counts only so long before the last that counted, in milliseconds; 0: all count.
  package var spacing: Int64 = 0

  /// A rule over the newest values.
  package init(measure: Measure, k: Int, of: Int, zones: [ZoneLimit]) {
    self.measure = measure
    self.k = k
    self.of = of
    scale = ZoneScale(zones)
  }
}

extension ConsecutiveRule {
  package static var name: String { "consecutive" }
  package static var keys: [String] { ["measure", "unit", "k", "of", "zones", "window", "spacing"] }
  package static var bounds: [RuleBound] { [.zones, .window] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let (k, of) = try fields.counts()
    let measure = try fields.measure()
    let limits = try fields.limits(measure)
    self.init(measure: measure, k: k, of: of, zones: limits.zones)
    given = limits.given
    window = try fields.duration("window")
    spacing = try fields.duration("spacing") ?? 0
  }

  package func describe(in object: inout JSONObject) { object["zones"] = ZoneLimit.json(zones) }

  package var statedLimits: [StatedLimits] { StatedLimits.of(zones, measure) }
  package var statedScale: StatedScale? { StatedScale(zones: zones, usual: measure.usual) }

  package func advice(_ rule: Rule, in plan: Plan) -> [String] {
    guard let window, spacing > 0, Int64(k) > window / spacing + 1 else { return [] }
    return ["no \(k) values so far apart lie in the window: shorten spacing or lengthen window"]
  }

  package var measures: [Measure] { [measure] }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool { spacing > 0 || count < of }

  package func verdict(at moment: TrendMoment, standing: Finding?, _ view: HistoryView) -> TrendVerdict {
    let newest = newest(at: moment, view)
    guard newest.count >= k else { return .notJudged(.tooFew) }
    var (sound, all) = (Rank.green, Rank.green)
    for limit in zones where limit.zone > .green {
      var (inside, certain) = (0, 0)
      for point in newest where limit.holds(Ratio(point.value)) {
        inside += 1
        if !point.isDoubtful { certain += 1 }
      }
      guard inside >= k else { continue }
      all = ConsecutiveRule.worse(all, limit.zone)
      if certain >= k { sound = ConsecutiveRule.worse(sound, limit.zone) }
    }
    // Red needs sound values.
    let rank = max(sound, min(all, .doubted))
    let inside = newest.last { point in zones.contains { $0.zone == all.zone && $0.holds(Ratio(point.value)) } }
    var note = TrendNote()
    note.points = newest.count
    var finding = Finding(
      all, direction: inside.flatMap { scale.direction(of: Ratio($0.value)) },
      value: inside.map(\.found) ?? .none, isDoubted: moment.isDoubtful, taken: moment.time)
    if !moment.isDoubtful { (finding.rank, finding.raw) = (rank, rank) }
    return .found(finding, note)
  }

  /// The newest values that count at a moment, oldest first.
  private func newest(at moment: TrendMoment, _ view: HistoryView) -> [PatientHistory.Point] {
    let from = window.map { view.start(of: $0, endingAt: moment.time) { $0 } } ?? .min
    var found: [PatientHistory.Point] = []
    found.reserveCapacity(of)
    view.forEachBackwards(measure, from: from, to: moment.time) { point in
      // Of one instant those up to the moment itself.
      guard (point.time, point.id) <= (moment.time, moment.id),
        found.last.map({ point.time <= $0.time.moved(-spacing) }) ?? true
      else { return true }
      found.append(point)
      return found.count < of
    }
    found.reverse()
    return found
  }

  private static func worse(_ rank: Rank, _ zone: Zone) -> Rank {
    zone > rank.zone ? Rank(zone, 1) : zone == rank.zone ? Rank(zone, rank.level + 1) : rank
  }

  package func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail {
    var detail = EventDetail(finding, measure.rawValue)
    detail.take(finding, scale, given, measure)
    return detail
  }

  package func explanation(_ words: PlanWords) -> String {
    let (what, change) = (words.name(measure), words.limits(zones, measure, given))
    var text = words.say(
      "\(what): \(k) av de siste \(of) målingene \(change).",
      "\(what): \(k) av dei siste \(of) målingane \(change).",
      "\(what): \(k) of the last \(of) \(change).")
    if let window {
      let length = words.duration(window)
      text += words.say(" Innen \(length).", " Innan \(length).", " Within \(length).")
    }
    return text + words.spaced(spacing)
  }
}
