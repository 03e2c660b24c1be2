// A picture from what the daemon answers: `report` (what is kept of months) and `readings` (what the journal still has, with devices
// and all remarks). A reading that both have is one.

package import JSON
package import Monitoring
package import Zones

internal import Readings

extension PatientPicture {
  /// Why an answer is no picture: the member that is missing.
  package struct Fault: Error, Sendable, Hashable {
    package var member: String
    /// A member is missing.
    package init(member: String) { self.member = member }
  }

  /// The picture of an answer to `report` and the objects of an answer to `readings` since its `from`. `clock` is the patient's;
  /// `language`, where given, goes before the plan's.
  package init(
    report: JSONValue, readings: [JSONValue], zone: TimeZoneRules, language: PlanLanguage? = nil
  ) throws(Fault) {
    guard let patient = report["patient"]?.string else { throw Fault(member: "patient") }
    guard let from = PatientPicture.instant(report["from"]) else { throw Fault(member: "from") }
    guard let until = PatientPicture.instant(report["until"]), until >= from else { throw Fault(member: "until") }
    guard let rows = report["rows"]?.array else { throw Fault(member: "rows") }
    let plan = report["plan"]
    self.init(
      patient: patient, hub: report["hub_id"]?.string ?? "",
      language: language ?? plan?["language"]?.string.flatMap(PlanLanguage.init(rawValue:)) ?? .bokmal,
      clock: LocalClock(zone: zone, name: report["timezone"]?.string ?? "UTC"), from: from, until: until)
    planVersion = plan?["version"]?.int
    for rule in plan?["rules"]?.array ?? [] { add(rule: rule) }
    for rule in (report["gone_rules"]?.array ?? []).prefix(512) {
      if let id = rule["id"]?.string, let kind = rule["kind"]?.string { goneKinds[id] = kind }
    }
    let watched = Watched(rules)
    let kept = rows.compactMap { PatientPicture.row($0, watched) }
    let apart = (report["asides"]?.array ?? []).compactMap { PatientPicture.row($0, watched) }
    let stored = readings.compactMap { PatientPicture.reading($0, watched) }
    self.rows = PatientPicture.joined(kept + apart, stored)
    gaps = (report["expected"]?.array ?? []).compactMap { item in
      guard item["state"]?.string == "missed", let measure = item["measure"]?.string.flatMap(Measure.init(rawValue:)),
        let start = PatientPicture.instant(item["start"]), let end = PatientPicture.instant(item["end"]), end >= start
      else { return nil }
      return Gap(measure: measure, start: start, end: end)
    }
    marks = (report["marks"]?.array ?? []).compactMap(PatientPicture.mark)
    alerts = (report["alerts"]?.array ?? []).compactMap { item in
      guard let rule = item["rule"]?.string, let zone = item["zone"]?.string.flatMap(Zone.init(rawValue:)),
        let since = PatientPicture.instant(item["since"])
      else { return nil }
      return Alert(
        rule: rule, zone: zone, since: since, message: item["message"]?.string ?? "",
        isAcknowledged: item["state"]?.string == "acknowledged", isUnasked: item["repeat_asked"]?.bool == false)
    }
    for item in report["means"]?.array ?? [] { add(mean: item, plan?["rules"]?.array ?? []) }
    episodes = PatientPicture.episodes(report["episodes"]?.array ?? [], report["alerts"]?.array ?? [])
  }

  /// What the journal has goes before what history has: it knows devices and all remarks. The zone is the plan's of today.
  private static func joined(_ kept: [Row], _ stored: [Row]) -> [Row] {
    var rows = Dictionary(kept.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for row in stored {
      var row = row
      if let known = rows[row.id] {
        (row.worth, row.notJudged) = (known.worth, known.notJudged.isEmpty ? row.notJudged : known.notJudged)
        if known.standing != .apart {
          (row.zone, row.zones, row.outside) = (known.zone, known.zones, known.outside)
          (row.judged, row.judgedAlone) = (known.judged, known.judgedAlone)
          // What was thought of it at its arrival is one thing, what is known now another.
          if row.standing == .apart,
            !row.flags.contains(where: { PatientPicture.unfit.contains($0) && $0 != .suspectPerson })
          {
            row.standing = known.standing
          }
        } else {
          row.standing = .apart
        }
      }
      rows[row.id] = row
    }
    return rows.values.sorted { ($0.at ?? .max, $0.id) < ($1.at ?? .max, $1.id) }
  }

  private mutating func add(rule: JSONValue) {
    guard let id = rule["id"]?.string else { return }
    let measures = (rule["measures"]?.array ?? []).compactMap { $0.string.flatMap(Measure.init(rawValue:)) }
    let isEnabled = rule["enabled"]?.bool ?? true
    let kind = rule["kind"]?.string ?? ""
    var text = RuleText(
      id: id, kind: kind, says: rule["says"]?.string ?? "", isEnabled: isEnabled, measures: measures)
    (text.validFrom, text.validTo) = (rule["valid_from"]?.string, rule["valid_to"]?.string)
    text.outages = outages(rule)
    rules.append(text)
    // What is not in force in the period has no limits in it.
    guard isEnabled, text.outages.leaves(some: period) else { return }
    if kind == "band", rule["hours"] == nil, let measure = measures.first {
      let zones = (rule["zones"]?.array ?? []).compactMap(PatientPicture.limit)
      if !zones.isEmpty { limits[measure, default: []].append(RuleLimits(zones: zones, outages: text.outages)) }
    }
    let days = max(1, (rule["window_seconds"]?.int ?? 0) / 86_400)
    func add(_ measure: Measure, _ zone: Zone, _ limit: ExactDecimal) {
      means[measure, default: []].append(MeanLimit(zone: zone, limit: limit, days: days, rule: id))
    }
    for item in rule["averages"]?.array ?? [] {
      guard let zone = item["zone"]?.string.flatMap(Zone.init(rawValue:)), zone > .green else { continue }
      for (measure, text) in zip(measures, item["limits"]?.array ?? []) {
        if let limit = text.string.flatMap({ ExactDecimal($0) }) { add(measure, zone, limit) }
      }
    }
    // Of one measure the zones may be plain ones.
    for limit in (rule["mean_zones"]?.array ?? []).compactMap(PatientPicture.limit) where limit.zone > .green {
      for bound in limit.bounds { if let measure = measures.first { add(measure, limit.zone, bound.limit) } }
    }
  }

  /// When a rule is not in force: before its first date, behind its last one, and while it is paused.
  private func outages(_ rule: JSONValue) -> Outages {
    func midnight(_ text: String?, addingDays days: Int64 = 0) -> Int64? {
      text.flatMap { ISO8601.day($0) }.map { clock.instant(CivilTime(seconds: ($0 + days) * 86_400)) }
    }
    var outages = Outages()
    if let from = midnight(rule["valid_from"]?.string) { outages.ranges.append(Int64.min..<from) }
    if let to = midnight(rule["valid_to"]?.string, addingDays: 1) { outages.ranges.append(to..<Int64.max) }
    for pause in (rule["paused"]?.array ?? []).prefix(Outages.most) {
      guard let from = midnight(pause["from"]?.string), let to = midnight(pause["to"]?.string, addingDays: 1),
        from < to
      else { continue }
      outages.ranges.append(from..<to)
    }
    return outages
  }

  private mutating func add(mean item: JSONValue, _ rules: [JSONValue]) {
    guard let id = item["rule"]?.string, let measure = item["measure"]?.string.flatMap(Measure.init(rawValue:)) else {
      return
    }
    let rule = rules.first { $0["id"]?.string == id }
    let points = (item["points"]?.array ?? []).compactMap { point -> MeanLine.Point? in
      guard let at = PatientPicture.instant(point["at"]),
        let value = point["value"]?.string.flatMap({ ExactDecimal($0) })
      else { return nil }
      return MeanLine.Point(at: at, value: value)
    }
    guard !points.isEmpty else { return }
    let hours = rule?["hours"]?.array?.compactMap(\.string).joined(separator: ", ") ?? rule?["hours"]?.string
    meanLines[measure, default: []].append(
      MeanLine(rule: id, days: (rule?["window_seconds"]?.int ?? 0) / 86_400, hours: hours, points: points))
  }

  private static func limit(_ value: JSONValue) -> ZoneLimit? {
    guard let zone = value["zone"]?.string.flatMap(Zone.init(rawValue:)) else { return nil }
    let bounds = ZoneLimit.Comparison.allCases.compactMap { comparison in
      value[comparison.rawValue]?.string.flatMap { ExactDecimal($0) }.map { ZoneLimit.Bound(comparison, $0) }
    }
    return bounds.isEmpty ? nil : ZoneLimit(zone, bounds)
  }

  private static func instant(_ value: JSONValue?) -> Int64? {
    value?.string.flatMap { ISO8601.instant($0)?.milliseconds }
  }

  private static func mark(_ value: JSONValue) -> PatientHistory.Mark? {
    guard let time = instant(value["at"]), let rule = value["rule"]?.string,
      let kind = value["event"]?.string.flatMap(MonitoringEvent.Kind.init(rawValue:)),
      let zone = value["zone"]?.string.flatMap(Zone.init(rawValue:))
    else { return nil }
    var mark = PatientHistory.Mark(
      time: time, rule: rule, kind: kind, zone: zone, count: value["count"]?.int ?? 1, by: value["by"]?.string,
      note: value["note"]?.string)
    mark.since = instant(value["since"])
    mark.direction = value["direction"]?.string.flatMap(Direction.init(rawValue:))
    mark.value = value["value"]?.string.flatMap { ExactDecimal($0) }
    mark.above = value["comparator"]?.string.map { $0 == ">" }
    mark.unit = value["unit"]?.string.flatMap(UCUM.init(rawValue:))
    mark.measure = value["measure"]?.string.flatMap(Measure.init(rawValue:))
    mark.because = value["because"]?.string
    return mark
  }

  private static func flags(_ value: JSONValue) -> [ReadingFlag] {
    (value["flags"]?.array ?? []).compactMap { $0.string.flatMap(ReadingFlag.init(rawValue:)) }
  }

  private static let unfit: Set<ReadingFlag> = [
    .suspectPerson, .implausible, .demonstration, .testData, .controlSolution, .invalid, .notAvailable,
    .measurementFailed,
  ]

  private static func standing(_ flags: [ReadingFlag]) -> Standing {
    flags.contains { unfit.contains($0) } ? .apart : flags.contains { $0.isDoubt } ? .doubtful : .sure
  }

  /// What rules watch, by their ids.
  private struct Watched {
    private var measures: [String: [Measure]] = [:]
    private var single: Set<String> = []
    private var averages: Set<String> = []
    /// Rules that hold a value of a reading against limits.
    private let judging: [RuleText]
    /// The kinds of such rules. A mean has its own line, and what did not come is no value.
    private static let judges: Set<String> = ["band", "delta", "consecutive", "score"]

    init(_ rules: [RuleText]) {
      judging = rules.filter { $0.isEnabled && Watched.judges.contains($0.kind) }
      for rule in rules {
        measures[rule.id] = measures[rule.id] ?? rule.measures
        if rule.kind == "band" { single.insert(rule.id) }
        if rule.kind == "average" { averages.insert(rule.id) }
      }
    }

    /// Says of a reading which of its values were judged: those over which a rule stands that did not refuse it. Its zone says
    /// whether anything judged it at all.
    func judge(_ row: inout Row) {
      guard row.zone != nil else { return }
      let refused = Set(row.notJudged.map(\.rule))
      for rule in judging where !refused.contains(rule.id) {
        for measure in rule.measures where row.holds(measure) {
          row.judged.insert(measure)
          if single.contains(rule.id) { row.judgedAlone.insert(measure) }
        }
      }
    }

    /// The zone of each value by the rules over it, or with `isSingle` by rules over single values alone. A mean has its own line: a
    /// value is not coloured by it.
    func zones(_ rules: [JSONValue], isSingle: Bool = false) -> [Measure: Zone] {
      var zones: [Measure: Zone] = [:]
      for rule in rules {
        guard let id = (rule["rule"] ?? rule["id"])?.string,
          let zone = rule["zone"]?.string.flatMap(Zone.init(rawValue:)),
          isSingle ? single.contains(id) : !averages.contains(id)
        else { continue }
        for measure in measures[id] ?? [] { zones[measure] = max(zones[measure] ?? .green, zone) }
      }
      return zones
    }

    func outside(_ rules: [JSONValue]) -> Set<Measure> {
      Set(zones(rules, isSingle: true).filter { $0.value > .green }.keys)
    }
  }

  private static func notJudged(_ value: JSONValue?) -> [Row.NotJudged] {
    (value?.array ?? []).compactMap { item in
      guard let rule = item["rule"]?.string, let because = item["because"]?.string else { return nil }
      return Row.NotJudged(rule: rule, because: because)
    }
  }

  private static func row(_ value: JSONValue, _ watched: Watched) -> Row? {
    guard let id = value["id"]?.string, let at = instant(value["at"]) else { return nil }
    var values: [Measure: ExactDecimal] = [:]
    var beyond: [Measure: Bool] = [:]
    for member in value["values"]?.object?.members ?? [] {
      guard let measure = Measure(rawValue: member.key), let text = member.value.string else { continue }
      switch text {
      case "HI", "LO": beyond[measure] = text == "HI"
      default: values[measure] = ExactDecimal(text)
      }
    }
    let flags = flags(value)
    let rules = value["rules"]?.array ?? []
    var row = Row(
      id: id, kind: value["kind"]?.string.flatMap(ReadingKind.init(rawValue:)), at: at, values: values,
      zone: value["zone"]?.string.flatMap(Zone.init(rawValue:)), zones: watched.zones(rules), flags: flags, device: nil,
      standing: standing(flags))
    row.beyond = beyond
    row.outside = watched.outside(rules)
    row.notJudged = notJudged(value["not_judged"])
    for member in value["worth"]?.object?.members ?? [] {
      if let measure = Measure(rawValue: member.key), let name = member.value.string {
        row.worth[measure] = NotJudgedReason(rawValue: name)
      }
    }
    watched.judge(&row)
    return row
  }

  /// A reading as the journal has it.
  private static func reading(_ value: JSONValue, _ watched: Watched) -> Row? {
    guard let id = value["id"]?.string.flatMap({ ReadingID($0) }) else { return nil }
    var values: [Measure: ExactDecimal] = [:]
    var beyond: [Measure: Bool] = [:]
    for observation in value["observations"]?.array ?? [] {
      guard let code = observation["code"]?.string, let term = Nomenclature.terms.first(where: { $0.code == code }),
        let measure = Measure.allCases.first(where: { $0.covers(term) }), values[measure] == nil
      else { continue }
      if let number = observation["value"]?.string.flatMap({ ExactDecimal($0) }) {
        values[measure] = number
      } else if let reason = observation["absent"]?.string.flatMap(AbsentReason.init(rawValue:)) {
        beyond[measure] = beyond[measure] ?? reason.isAbove
      }
    }
    let flags = flags(value)
    let device = [value["device"]?["manufacturer"]?.string, value["device"]?["model"]?.string].compactMap { $0 }
    let evaluation = value["evaluation"]
    let rules = evaluation?["rules"]?.array ?? []
    var row = Row(
      id: String(id.low, radix: 16), kind: value["kind"]?.string.flatMap(ReadingKind.init(rawValue:)),
      at: instant(value["taken_at"]), values: values,
      zone: evaluation?["zone"]?.string.flatMap(Zone.init(rawValue:)), zones: watched.zones(rules), flags: flags,
      device: device.isEmpty ? value["device"]?["id"]?.string : device.joined(separator: " "),
      standing: standing(flags))
    row.beyond = beyond
    row.outside = watched.outside(rules)
    row.notJudged = notJudged(evaluation?["not_judged"])
    row.timeQuality = value["time_quality"]?.string.flatMap(TimeQuality.init(rawValue:))
    watched.judge(&row)
    return row
  }
}

// MARK: - Episodes

extension PatientPicture {
  /// Episodes as they were told; what is raised now and has none is one.
  private static func episodes(_ told: [JSONValue], _ alerts: [JSONValue]) -> [Episode] {
    var found = told.prefix(512).compactMap(episode)
    for item in alerts {
      guard let rule = item["rule"]?.string else { continue }
      if let index = found.firstIndex(where: { $0.isOpen && $0.rule == rule }) {
        found[index].message = item["message"]?.string
        found[index].awaits(item)
      } else if let alert = alert(item, rule) {
        found.insert(alert, at: found.firstIndex { !$0.isOpen || $0.zone < alert.zone } ?? found.endIndex)
      }
    }
    return found
  }

  private static func episode(_ item: JSONValue) -> Episode? {
    guard let rule = item["rule"]?.string, let from = instant(item["from"]),
      let zone = item["zone"]?.string.flatMap(Zone.init(rawValue:)), let state = item["state"]?.string
    else { return nil }
    let colour = item["value_zone"]?.string.flatMap(Zone.init(rawValue:))
    var episode = Episode(
      rule: rule, isOpen: state != "over",
      kind: item["event"]?.string.flatMap(MonitoringEvent.Kind.init(rawValue:)) ?? .raised,
      direction: item["direction"]?.string.flatMap(Direction.init(rawValue:)), from: from, to: instant(item["to"]),
      zone: max(zone, colour ?? .green), told: item["told"]?.int ?? 0, missed: item["missed"]?.int ?? 0,
      notices: (item["acknowledged"]?.array ?? []).map(notice))
    episode.because = item["because"]?.string
    if let worst = item["worst"] { episode.take(worst) }
    episode.worstAt = instant(item["worst"]?["at"])
    return episode
  }

  private static func notice(_ item: JSONValue) -> Episode.Notice {
    Episode.Notice(by: item["by"]?.string ?? "", at: instant(item["at"]), note: item["note"]?.string ?? "")
  }

  private static func alert(_ item: JSONValue, _ rule: String) -> Episode? {
    guard let from = instant(item["since"]), let zone = item["zone"]?.string.flatMap(Zone.init(rawValue:)) else {
      return nil
    }
    var episode = Episode(
      rule: rule, isOpen: true, kind: .raised,
      direction: item["direction"]?.string.flatMap(Direction.init(rawValue:)), from: from, to: nil, zone: zone, told: 0,
      missed: item["count"]?.int ?? 0, notices: item["acknowledged"].map { [notice($0)] } ?? [],
      message: item["message"]?.string, isPending: item["state"]?.string == "pending")
    if item["state"]?.string == "acknowledged", episode.notices.isEmpty {
      episode.notices = [.init(by: "", at: nil, note: "")]
    }
    episode.take(item)
    episode.awaits(item)
    return episode
  }
}

extension PatientPicture.Episode {
  /// The repeat that is awaited, and what is held back.
  fileprivate mutating func awaits(_ alert: JSONValue) {
    awaitsUntil = alert["repeat_until"]?.string.flatMap { ISO8601.instant($0)?.milliseconds }
    isUnasked = alert["repeat_asked"]?.bool == false
    asked = alert["repeat_of"].map { item in
      Asked(
        value: item["value"]?.string.flatMap { ExactDecimal($0) }, above: item["comparator"]?.string.map { $0 == ">" },
        unit: item["unit"]?.string.flatMap(UCUM.init(rawValue:)),
        measure: item["measure"]?.string.flatMap(Measure.init(rawValue:)))
    }
    held = max(0, alert["held"]?.int ?? 0)
    heldBy = alert["held_by"]?.string
  }

  /// A value with its unit, as answers have it.
  fileprivate mutating func take(_ item: JSONValue) {
    value = item["value"]?.string.flatMap { ExactDecimal($0) }
    above = item["comparator"]?.string.map { $0 == ">" }
    unit = item["unit"]?.string.flatMap(UCUM.init(rawValue:))
    measure = item["measure"]?.string.flatMap(Measure.init(rawValue:))
  }
}
