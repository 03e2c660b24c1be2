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
    let watched = Dictionary(rules.map { ($0.id, $0.measures) }, uniquingKeysWith: { first, _ in first })
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
        isAcknowledged: item["state"]?.string == "acknowledged")
    }
  }

  /// What the journal has goes before what history has: it knows devices and all remarks. The zone is the plan's of today.
  private static func joined(_ kept: [Row], _ stored: [Row]) -> [Row] {
    var rows = Dictionary(kept.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for row in stored {
      var row = row
      if let known = rows[row.id], known.standing != .apart { (row.zone, row.zones) = (known.zone, known.zones) }
      rows[row.id] = row
    }
    return rows.values.sorted { ($0.at ?? .max, $0.id) < ($1.at ?? .max, $1.id) }
  }

  private mutating func add(rule: JSONValue) {
    guard let id = rule["id"]?.string else { return }
    let measures = (rule["measures"]?.array ?? []).compactMap { $0.string.flatMap(Measure.init(rawValue:)) }
    let isEnabled = rule["enabled"]?.bool ?? true
    rules.append(RuleText(id: id, says: rule["says"]?.string ?? "", isEnabled: isEnabled, measures: measures))
    guard isEnabled, rule["hours"] == nil else { return }
    if rule["kind"]?.string == "band", let measure = measures.first {
      limits[measure, default: []] += (rule["zones"]?.array ?? []).compactMap(PatientPicture.limit)
    }
    let days = max(1, (rule["window_seconds"]?.int ?? 0) / 86_400)
    for item in rule["averages"]?.array ?? [] {
      guard let zone = item["zone"]?.string.flatMap(Zone.init(rawValue:)), zone > .green else { continue }
      for (measure, text) in zip(measures, item["limits"]?.array ?? []) {
        guard let limit = text.string.flatMap({ ExactDecimal($0) }) else { continue }
        means[measure, default: []].append(MeanLimit(zone: zone, limit: limit, days: days))
      }
    }
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
    return PatientHistory.Mark(
      time: time, rule: rule, kind: kind, zone: zone, count: value["count"]?.int ?? 1, by: value["by"]?.string,
      note: value["note"]?.string)
  }

  private static func flags(_ value: JSONValue) -> [ReadingFlag] {
    (value["flags"]?.array ?? []).compactMap { $0.string.flatMap(ReadingFlag.init(rawValue:)) }
  }

  private static func standing(_ flags: [ReadingFlag]) -> Standing {
    let unfit: Set<ReadingFlag> = [
      .suspectPerson, .implausible, .demonstration, .testData, .controlSolution, .invalid, .notAvailable,
      .measurementFailed,
    ]
    return flags.contains { unfit.contains($0) } ? .apart : flags.contains { $0.isDoubt } ? .doubtful : .sure
  }

  /// The zone of each value by the rules over it.
  private static func zones(_ rules: [JSONValue], _ watched: [String: [Measure]]) -> [Measure: Zone] {
    var zones: [Measure: Zone] = [:]
    for rule in rules {
      guard let id = rule["rule"]?.string, let zone = rule["zone"]?.string.flatMap(Zone.init(rawValue:)) else {
        continue
      }
      for measure in watched[id] ?? [] { zones[measure] = max(zones[measure] ?? .green, zone) }
    }
    return zones
  }

  private static func row(_ value: JSONValue, _ watched: [String: [Measure]]) -> Row? {
    guard let id = value["id"]?.string, let at = instant(value["at"]) else { return nil }
    var values: [Measure: ExactDecimal] = [:]
    for (key, text) in (value["values"]?.object?.members ?? []).map({ ($0.key, $0.value) }) {
      if let measure = Measure(rawValue: key) { values[measure] = text.string.flatMap { ExactDecimal($0) } }
    }
    let flags = flags(value)
    return Row(
      id: id, kind: value["kind"]?.string.flatMap(ReadingKind.init(rawValue:)), at: at, values: values,
      zone: value["zone"]?.string.flatMap(Zone.init(rawValue:)), zones: zones(value["rules"]?.array ?? [], watched),
      flags: flags, device: nil, standing: standing(flags))
  }

  /// A reading as the journal has it.
  private static func reading(_ value: JSONValue, _ watched: [String: [Measure]]) -> Row? {
    guard let id = value["id"]?.string.flatMap({ ReadingID($0) }) else { return nil }
    var values: [Measure: ExactDecimal] = [:]
    for observation in value["observations"]?.array ?? [] {
      guard let code = observation["code"]?.string,
        let number = observation["value"]?.string.flatMap({ ExactDecimal($0) }),
        let term = Nomenclature.terms.first(where: { $0.code == code })
      else { continue }
      for measure in Measure.allCases where measure.covers(term) && values[measure] == nil { values[measure] = number }
    }
    let flags = flags(value)
    let device = [value["device"]?["manufacturer"]?.string, value["device"]?["model"]?.string].compactMap { $0 }
    let evaluation = value["evaluation"]
    return Row(
      id: String(id.low, radix: 16), kind: value["kind"]?.string.flatMap(ReadingKind.init(rawValue:)),
      at: instant(value["taken_at"]), values: values,
      zone: evaluation?["zone"]?.string.flatMap(Zone.init(rawValue:)),
      zones: zones(evaluation?["rules"]?.array ?? [], watched), flags: flags,
      device: device.isEmpty ? value["device"]?["id"]?.string : device.joined(separator: " "),
      standing: standing(flags))
  }
}
