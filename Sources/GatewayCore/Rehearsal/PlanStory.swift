// A written story: a plan, what a patient measures on the wall clock at home, and what people are to be told. A clinic tries a plan by
// such stories before a patient has it.

package import JSON
internal import Monitoring
internal import Readings
internal import Settings
package import Zones

/// A story as it is written; times are milliseconds since 1970.
package struct PlanStory: Sendable {
  /// A reading as the story tells it.
  struct Told: Sendable {
    var at: Int64
    var reading: Reading
  }

  /// What the hub's clock shows from a moment on.
  struct Clock: Sendable {
    var at: Int64
    var isSynchronised: Bool
    /// What it shows more than the time, in milliseconds.
    var offset: Int64
  }

  /// What is done to the hub.
  enum Step: Sendable {
    case clock(isSynchronised: Bool, offset: Int64)
    case restart
    case plan(Plan)
    case reading(Reading)
    case accept(Int)
    case acknowledge(rule: String)
    case pause(from: String, to: String, rules: [String]?)
  }

  /// An event that is expected; a member that is nil may be anything.
  package struct Expected: Sendable {
    /// It is told 0 to 90 s after.
    package var at: Int64
    /// As it is written.
    package var text: JSONValue
    var rule: String
    var state: String
    var others: [(key: String, value: JSONValue)]
  }

  /// Its name in the file, or `story N`.
  package var id: String
  /// What is in force at its start.
  var plan: Plan
  var zone: TimeZoneRules
  /// When the plan comes into force.
  var start: Int64
  /// When it ends.
  var end: Int64
  /// In the order in which they happen.
  var steps: [(at: Int64, step: Step)]
  /// What must be told, and nothing else; nil: the story says nothing of that.
  package var expected: [Expected]?
  /// What is to be said of the plan.
  package var warnings: [String] = []

  /// The most readings of a story.
  private static let mostReadings = 100_000
  private static let keys = [
    "id", "name", "why", "source", "plan", "start", "readings", "plan_changes", "acks", "accepts", "restarts", "pauses",
    "clock", "now", "expect",
  ]

  /// Reads a story. Throws the first fault.
  /// - Parameter zone: the rules of a time zone by its name; nil: nobody knows it.
  package init(_ node: JSONNode, number: Int, zone: (String) -> TimeZoneRules?) throws(JSONError) {
    let members = try JSONMembers(node)
    for member in try node.objectOfAnyKeys() where !PlanStory.keys.contains(member.key) {
      warnings.append("\(member.key) is not known and not played")
    }
    id = try (members["id"] ?? members["name"])?.string() ?? "story \(number)"
    let planNode = try members.required("plan", "the plan that is in force")
    let (plan, found) = try PlanFile.read(planNode.value.encoded(), .lenient)
    warnings += found.map { "plan: \($0.path): \($0.message)" }
    self.plan = plan
    let name = plan.timeZone ?? "UTC"
    guard let zone = zone(name) else {
      throw planNode.error("invalid-value", "timezone: nobody knows \"\(name)\"")
    }
    self.zone = zone
    let clock = StoryClock(zone)
    end = try clock.instant(try members.required("now", "when the story ends, such as \"2026-11-24T12:00\""))
    steps = []
    start = 0
    try readSteps(members, clock)
    let first = steps.map(\.at).min() ?? end
    start = try members["start"].map { node throws(JSONError) in try clock.instant(node) } ?? first - 60_000
    if let node = members["expect"] {
      var list: [Expected] = []
      for item in try node.array() { list.append(try Expected(item, clock)) }
      expected = list
    }
  }

  private mutating func readSteps(_ members: JSONMembers, _ clock: StoryClock) throws(JSONError) {
    for item in try members["clock"]?.array() ?? [] {
      let step = try JSONMembers(item)
      let offset = try step["offset"].map { node throws(JSONError) in try StoryClock.offset(node) } ?? 0
      steps.append(
        (
          try clock.instant(try step.required("t", "a time")),
          .clock(isSynchronised: try step["synchronised"]?.bool() ?? true, offset: offset)
        ))
    }
    for item in try members["restarts"]?.array() ?? [] { steps.append((try clock.instant(item), .restart)) }
    for item in try members["plan_changes"]?.array() ?? [] {
      let step = try JSONMembers(item)
      let node = try step.required("plan", "a plan")
      let (plan, found) = try PlanFile.read(node.value.encoded(), .lenient)
      warnings += found.map { "plan_changes: \($0.path): \($0.message)" }
      steps.append((try clock.instant(try step.required("t", "a time")), .plan(plan)))
    }
    let readings = try members["readings"]?.array() ?? []
    if let node = members["readings"], readings.count > PlanStory.mostReadings {
      throw node.error("out-of-bounds", "expected at most \(PlanStory.mostReadings) readings, found \(readings.count)")
    }
    for (index, item) in readings.enumerated() {
      let told = try StoryReading.read(item, index, clock, plan)
      steps.append((told.at, .reading(told.reading)))
    }
    for item in try members["accepts"]?.array() ?? [] {
      let step = try JSONMembers(item)
      let index = try step.required("reading", "the reading's place in \"readings\"").int(
        in: 0...PlanStory.mostReadings)
      steps.append((try clock.instant(try step.required("t", "a time")), .accept(index)))
    }
    for item in try members["acks"]?.array() ?? [] {
      let step = try JSONMembers(item)
      let rule = try step.required("rule", "a rule's id").string()
      steps.append((try clock.instant(try step.required("t", "a time")), .acknowledge(rule: rule)))
    }
    for item in try members["pauses"]?.array() ?? [] {
      let step = try JSONMembers(item)
      var rules: [String]?
      if let node = step["rules"], node.value != .null {
        var names: [String] = []
        for name in try node.array() { names.append(try name.string()) }
        rules = names
      }
      let from = try step.required("from", "the first date").string()
      let to = try step.required("to", "the last date").string()
      steps.append((try clock.instant(try step.required("t", "a time")), .pause(from: from, to: to, rules: rules)))
    }
    // What happens at one moment stays in this order.
    steps = steps.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }
}

extension PlanStory.Expected {
  init(_ node: JSONNode, _ clock: StoryClock) throws(JSONError) {
    let members = try JSONMembers(node)
    at = try clock.instant(try members.required("t", "a time"))
    rule = try members.required("rule", "a rule's id").string()
    state = try members.required("state", "what is told, such as \"raised\"").string()
    text = node.value
    others = try node.objectOfAnyKeys().filter { !["t", "rule", "state"].contains($0.key) }.map {
      ($0.key, $0.value.value)
    }
  }

  /// An event is this one, whenever it is told.
  func matches(_ event: MonitoringEvent) -> Bool {
    guard event.rule == rule, event.kind.rawValue == state else { return false }
    return others.allSatisfy { key, value in
      switch key {
      case "zone": value.string == event.zone.rawValue
      case "direction":
        value == .null ? event.detail.direction == nil : value.string == event.detail.direction?.rawValue
      case "because": value.string == event.detail.because
      case "count": value.int == event.count
      case "repeat": value.int == event.detail.repeated
      case "escalate": value.bool == event.detail.escalates
      case "value_zone": value.string == (event.detail.valueZone ?? event.zone).rawValue
      case "flapping": value.bool == event.detail.isFlapping
      case "level": value.int == event.detail.level ?? 1
      case "value":
        value.string.flatMap { ExactDecimal($0) }.map { event.detail.value?.isEqual(to: $0) ?? false } ?? true
      case "comparator": value.string == event.detail.comparator
      case "measure": value.string == event.detail.measure
      case "unit": value.string == event.detail.unit
      case "limit": value.string == event.detail.limit
      case "time": (value.string == "unknown") == event.detail.isTimeUnknown
      default: true
      }
    }
  }
}

/// The wall clock of a story.
struct StoryClock {
  private let zone: TimeZoneRules

  init(_ zone: TimeZoneRules) { self.zone = zone }

  /// `2026-11-24T08:00`, with or without seconds or an offset, as milliseconds since 1970.
  func instant(_ node: JSONNode) throws(JSONError) -> Int64 {
    let text = try node.string()
    if let exact = ISO8601.instant(text) { return exact.milliseconds }
    let whole = text.utf8.count == 16 ? text + ":00" : text
    guard let local = ISO8601.instant(whole + "Z") else {
      throw node.error("invalid-value", "expected a time such as \"2026-11-24T08:00\", found \"\(text)\"")
    }
    let milliseconds = local.milliseconds % 1000
    let seconds = (local.milliseconds - milliseconds) / 1000
    switch zone.instants(of: CivilTime(seconds: seconds)) {
    case .one(let found), .gap(let found), .fold(let found, _): return found * 1000 + milliseconds
    }
  }

  /// Seconds as a number, or a duration such as `PT1H` or `-PT1H`, as milliseconds.
  static func offset(_ node: JSONNode) throws(JSONError) -> Int64 {
    if case .number(let number) = node.value, let seconds = number.int64, seconds.magnitude < 1 << 40 {
      return seconds * 1000
    }
    let text = try node.string()
    let isNegative = text.hasPrefix("-")
    guard let length = ISO8601Duration.milliseconds(isNegative ? String(text.dropFirst()) : text) else {
      throw node.error("invalid-value", "expected seconds, or a duration such as \"-PT1H\", found \"\(text)\"")
    }
    return isNegative ? -length : length
  }
}

/// A reading of a story.
enum StoryReading {
  static func read(
    _ node: JSONNode, _ index: Int, _ clock: StoryClock, _ plan: Plan
  ) throws(JSONError) -> PlanStory.Told {
    let members = try JSONMembers(node)
    let taken = try members["t"].flatMap { node throws(JSONError) in
      node.value == .null ? nil : try clock.instant(node)
    }
    let received = try members["received"].flatMap { node throws(JSONError) in
      node.value == .null ? nil : try clock.instant(node)
    }
    guard let received = received ?? taken else { throw node.error("missing-key", "expected \"t\" or \"received\"") }
    var observations: [Observation] = []
    let values = try members.required("values", "values by measure, such as {\"spo2\": \"91\"}")
    var first: Measure?
    for member in try values.objectOfAnyKeys() {
      guard let measure = Measure(rawValue: member.key) else {
        throw member.value.error("invalid-value", "an unknown measure \"\(member.key)\"")
      }
      first = first ?? measure
      let text = try member.value.string()
      let isOximeter = (try members["kind"]?.string()) == ReadingKind.pulseOximetry.rawValue
      let term = measure == .pulse && isOximeter ? Term.oximeterPulse : measure.term
      switch text {
      case "LO": observations.append(Observation(term, .absent(.belowRange), unit: term.unit))
      case "HI": observations.append(Observation(term, .absent(.aboveRange), unit: term.unit))
      case "": observations.append(Observation(term, .absent(.error), unit: term.unit))
      default:
        guard let number = ExactDecimal(text) else {
          throw member.value.error("invalid-value", "expected a decimal number, \"LO\" or \"HI\", found \"\(text)\"")
        }
        observations.append(Observation(term, .value(number), unit: term.unit))
      }
    }
    var flags: [ReadingFlag] = []
    for item in try members["flags"]?.array() ?? [] {
      guard let flag = ReadingFlag(rawValue: try item.string()) else {
        throw item.error("invalid-value", "an unknown flag; a reading's flags are named like irregular-pulse")
      }
      flags.append(flag)
    }
    let kind = try members["kind"].map { node throws(JSONError) -> ReadingKind in
      guard let kind = ReadingKind(rawValue: try node.string()) else {
        throw node.error(
          "invalid-value", "expected one of \(ReadingKind.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return kind
    }
    let usual = kind ?? first?.kind ?? .bloodPressure
    let device = try members["device"]?.string() ?? "rehearsal-\(usual.rawValue)"
    var reading = Reading(
      id: NameBasedReading.id("rehearsal|\(index)"), kind: usual, observations: observations, flags: flags,
      takenAt: taken.map { Timestamp(milliseconds: $0, offsetSeconds: 0) },
      timeQuality: taken == nil ? .unplaced : .device, deviceTime: nil,
      receivedAt: Timestamp(milliseconds: received, offsetSeconds: 0), user: nil, patient: plan.patient,
      device: DeviceIdentity(id: device, transport: .ble), evaluation: nil,
      raw: RawSource(source: "rehearsal", octets: [UInt8(truncatingIfNeeded: index)]))
    let number = try (members["sequence"] ?? members["record"])?.int(in: 0...Int(Int32.max))
    reading.recordNumber = number.map { UInt32(clamping: $0) }
    return PlanStory.Told(at: received, reading: reading)
  }
}

extension PlanStory {
  /// A moment on the story's wall clock, such as `2026-11-24T08:00:03`.
  package func local(_ milliseconds: Int64) -> String {
    let seconds = milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
    let offset = Int32(clamping: zone.local(at: seconds).offset)
    let text = ISO8601.text(milliseconds: milliseconds, offsetSeconds: offset, withMilliseconds: false)
    return String(text.prefix(19))
  }
}
