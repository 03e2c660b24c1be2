// Several signs together: points of the newest value of each, and zones over their sum. AND, k of m signs, a subset of NEWS2.

package import JSON
package import Readings

/// A sum of points of several measures.
package struct ScoreRule: TrendRule {
  /// Points for values within bounds.
  package struct Points: Sendable, Hashable {
    /// 0…10.
    package var points: Int
    /// One or two bounds; a zone limit whose zone says nothing.
    package var limit: ZoneLimit
    package init(points: Int, limit: ZoneLimit) {
      self.points = points
      self.limit = limit
    }
  }

  /// One sign.
  package struct Part: Sendable, Hashable {
    package var measure: Measure
    package var points: [Points]
    package init(measure: Measure, points: [Points]) {
      self.measure = measure
      self.points = points
    }
  }

  package var parts: [Part]
  /// How old the value of a part may be, in milliseconds; a whole day is the date on the patient's clock.
  package var within: Int64
  /// With so many parts the sum may lower and end what stands.
  package var minimumParts: Int
  package var zones: [ZoneLimit] { scale.zones }
  package let scale: ZoneScale
  /// How many points past the limit the sum must be before a zone is left.
  package var hysteresis: ExactDecimal = .zero
  /// How many points more count as worse; nil: 2.
  package var worseBy: ExactDecimal?

  package init(parts: [Part], within: Int64, minimumParts: Int? = nil, zones: [ZoneLimit]) {
    self.parts = parts
    self.within = within
    self.minimumParts = minimumParts ?? parts.count
    scale = ZoneScale(zones)
  }
}

extension ScoreRule {
  package var statedLimits: [StatedLimits] {
    zones.map { StatedLimits($0.bounds, nil, "points") }
      + parts.flatMap { part in part.points.flatMap { StatedLimits.of([$0.limit], part.measure) } }
  }
  package var statedScale: StatedScale? {
    StatedScale(zones: zones, hysteresis: hysteresis, worseBy: worseBy, usual: .zero)
  }
  package var statedFaults: [StatedFault] {
    let most = parts.reduce(0) { $0 + ($1.points.map(\.points).max() ?? 0) }
    return zones.compactMap { zone in
      let never = zone.bounds.contains { bound in
        let limit = ExactDecimal(Int64(most))
        return bound.comparison == .atLeast && limit < bound.limit
          || bound.comparison == .greaterThan && !(bound.limit < limit)
      }
      guard zone.zone > .green, never else { return nil }
      let text = zone.bounds.map { "\($0.comparison.rawValue) \($0.limit)" }.joined(separator: " ")
      return StatedFault(
        key: "zones", message: "no sum is \(text): all parts together give at most \(most) points", isBound: false)
    }
  }

  package func advice(_ rule: Rule, in plan: Plan) -> [String] {
    parts.compactMap { part in
      guard let usual = part.measure.usual,
        let entry = part.points.first(where: { $0.points > 0 && $0.limit.holds(usual) })
      else { return nil }
      return
        "the usual \(part.measure.rawValue) \(usual) gives \(entry.points) points: is the comparison the right way round?"
    }
  }

  package static var name: String { "score" }
  package static var keys: [String] { ["within", "parts", "min_parts", "zones", "hysteresis", "worse_by"] }
  package static var bounds: [RuleBound] { [.zones, .count(key: "parts", atMost: 8, of: "parts")] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let node = try fields.required("parts", "a list of measures with their points")
    var parts: [Part] = []
    for item in try node.array() {
      let members = try item.object(known: ["measure", "points"])
      let measure = try RuleFields.measure(try members.required("measure", "what is watched"))
      let list = try members.required("points", "a list such as [{\"points\": 2, \"lte\": \"93\"}]")
      var points: [Points] = []
      for entry in try list.array() { points.append(try ScoreRule.points(entry)) }
      guard !points.isEmpty else { throw list.error("invalid-value", "expected at least one entry") }
      guard points.count <= 8 else {
        throw list.error("out-of-bounds", "expected at most 8 entries, found \(points.count)")
      }
      guard !parts.contains(where: { $0.measure == measure }) else {
        throw item.error("invalid-value", "\(measure.rawValue) has points already")
      }
      parts.append(Part(measure: measure, points: points))
    }
    guard !parts.isEmpty else { throw node.error("invalid-value", "expected at least one part") }
    let zonesNode = try fields.required("zones", "a list of zones")
    var zones: [ZoneLimit] = []
    for item in try zonesNode.array() { zones.append(try RuleFields.zoneLimit(item)) }
    guard !zones.isEmpty else { throw zonesNode.error("invalid-value", "expected at least one zone") }
    let minimum = try fields["min_parts"]?.int(in: 1...8)
    if let minimum, minimum > parts.count, let node = fields["min_parts"] {
      throw node.error("invalid-value", "expected at most \(parts.count), as many as there are parts, found \(minimum)")
    }
    let within = try fields.required("within", "a duration such as \"PT30M\"").duration(upTo: 86_400_000)
    self.init(parts: parts, within: within, minimumParts: minimum, zones: zones)
    if let node = fields["hysteresis"] { hysteresis = try RuleFields.decimal(node) }
    worseBy = try fields.worseBy([], difference: false)
  }

  private static func points(_ node: JSONNode) throws(JSONError) -> Points {
    let comparisons = ZoneLimit.Comparison.allCases
    let members = try node.object(known: ["points"] + comparisons.map(\.rawValue))
    var bounds: [ZoneLimit.Bound] = []
    for comparison in comparisons {
      if let limit = members[comparison.rawValue] { bounds.append(.init(comparison, try RuleFields.decimal(limit))) }
    }
    guard (1...2).contains(bounds.count) else {
      throw node.error("invalid-value", "expected one or two limits: lt, lte, gt or gte")
    }
    return Points(
      points: try members.required("points", "0 to 10").int(in: 0...10), limit: ZoneLimit(.yellow, bounds))
  }

  package func describe(in object: inout JSONObject) { object["score_zones"] = ZoneLimit.json(zones) }

  package var measures: [Measure] { parts.map(\.measure) }
  package func steps(_ direction: Direction?) -> [ExactDecimal?] { [worseBy ?? ExactDecimal(2)] }
  package func subject(_ language: PlanLanguage) -> String {
    language.say("Målingene sett under ett", "Målingane sett under eitt", "The measurements taken together")
  }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool {
    TrendWindow.reaches(within, from: time, to: earlier)
  }

  package func verdict(at moment: TrendMoment, standing: Finding?, _ view: HistoryView) -> TrendVerdict {
    var (sum, known) = (0, 0)
    var note = TrendNote()
    for part in parts {
      guard let value = newest(part.measure, at: moment.time, view, &note) else {
        note.absent.append(part.measure.rawValue)
        continue
      }
      known += 1
      sum += part.points.filter { $0.limit.holds(value) }.map(\.points).max() ?? 0
    }
    guard known > 0 else { return .notJudged(moment.isDoubtful ? .doubted : .tooFew) }
    note.points = known
    let value = Ratio(ExactDecimal(Int64(sum)))
    let found = scale.finding(value, standing: standing, hysteresis: hysteresis)
    let finding = Finding(found.0, direction: .high, value: .number(value), taken: moment.time)
    // Without all parts the sum is a lower bound: it may raise, it ends nothing.
    let isComplete = known >= minimumParts
    if !isComplete, finding.isGreen || standing.map({ finding.rank < $0.rank }) ?? false {
      return .notJudged(.tooFew)
    }
    note.endsNothing = note.endsNothing || !isComplete
    return .found(finding, note)
  }

  /// The newest value of a part that is young enough; nil: there is none, or a newer one is in doubt or not believed.
  private func newest(_ measure: Measure, at time: Int64, _ view: HistoryView, _ note: inout TrendNote) -> Ratio? {
    let from = view.start(of: within, endingAt: time) { $0 }
    let point = view.newest(measure, from: from, to: time)
    let isContradicted =
      view.history.unbelieved[measure]?.contains { unbelieved in
        unbelieved.time >= from && unbelieved.time <= time && view.holds(unbelieved.time)
          && point.map { $0.time < unbelieved.time } ?? true
      } ?? false
    if isContradicted || point?.isDoubtful ?? false { note.endsNothing = true }
    guard let point, !point.isDoubtful, !isContradicted else { return nil }
    return Ratio(point.value)
  }

  package func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail {
    var detail = EventDetail(finding, measures.map(\.rawValue).joined(separator: " "))
    detail.measure = nil
    detail.limit = scale.limit(finding.value, zone: finding.raw.zone)
    return detail
  }

  package func explanation(_ words: PlanWords) -> String {
    let names = parts.map { part in
      words.name(part.measure) + " ("
        + part.points.map { entry in
          let bounds = entry.limit.bounds.map {
            "\(words.comparison($0.comparison)) \(words.number($0.limit, part.measure.unit))"
          }
          return bounds.joined(separator: words.say(" og ", " og ", " and ")) + ": \(entry.points)"
        }.joined(separator: ", ") + ")"
    }.joined(separator: "; ")
    let limits = zones.filter { $0.zone > .green }.map { limit in
      words.zone(limit.zone) + " "
        + limit.bounds.map { "\(words.comparison($0.comparison)) \($0.limit)" }
        .joined(separator: words.say(" og ", " og ", " and "))
    }.joined(separator: ", ")
    let within = words.duration(within)
    let text = words.say(
      "\(names): poengsum av målingene fra de siste \(within): \(limits).",
      "\(names): poengsum av målingane frå dei siste \(within): \(limits).",
      "\(names): points of the values of the last \(within): \(limits).")
    let parts =
      minimumParts < parts.count
      ? words.say(
        " Med \(minimumParts) av dem kan den bli bedre.", " Med \(minimumParts) av dei kan ho bli betre.",
        " With \(minimumParts) of them it may get better.") : ""
    return text + parts + words.slack(hysteresis) { words.decimal($0) }
  }
}
