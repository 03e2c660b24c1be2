// A patient's plan: which values are watched and by which rules. Each kind of rule is a file of `Rules`.

internal import Readings

/// A patient's limits, as the people who treat the patient set them.
package struct Plan: Sendable, Hashable {
  /// The opaque reference of the patient.
  package var patient: String
  /// Told in every evaluation.
  package var version: Int
  /// IANA name of the zone in which the patient lives; nil uses the hub's.
  package var timeZone: String?
  /// Readings older than this, in milliseconds, are judged as history: they never raise a notification.
  package var liveWindow: Int64
  /// In the order of the file.
  package var rules: [Rule] { didSet { watched = Watched(rules) } }
  /// In which language people are told: `nb`, `nn` or `en`.
  package var language: PlanLanguage = .bokmal
  /// Nobody else stands on the patient's scale.
  package var isSingleUser = false
  /// Times in which some rules are not in force.
  package var pauses: [Pause] = []
  /// From this date on people are asked to review the plan, in days since 1970; judging goes on.
  package var reviewBy: Int64?
  /// Who wrote it: for readers, nothing hangs on it.
  package var writtenBy: String?
  /// From when on it was meant to count, in days since 1970: for readers, nothing hangs on it.
  package var validFrom: Int64?
  /// The plan's own number: two plans of different content have different ones.
  package var digest: UInt64 = 0
  private var watched: Watched

  package init(patient: String, version: Int, timeZone: String? = nil, liveWindow: Int64, rules: [Rule]) {
    self.patient = patient
    self.version = version
    self.timeZone = timeZone
    self.liveWindow = liveWindow
    self.rules = rules
    watched = Watched(rules)
  }

  /// What follows from the rules for each reading.
  private struct Watched: Sendable, Hashable {
    /// The measures that some rule that is switched on watches.
    let measures: MeasureSet
    let doubtRules: [Rule]

    init(_ rules: [Rule]) {
      let measures = rules.reduce(into: MeasureSet()) { if $1.isEnabled { $0.formUnion($1.measureSet) } }
      self.measures = measures
      doubtRules = DoubtRule.all.filter { !measures.isDisjoint(with: $0.measureSet) }
    }
  }

  /// What tells this plan from another: its number, or what can be told of a plan that no file gave.
  package var identity: UInt64 { digest != 0 ? digest : UInt64(truncatingIfNeeded: version) &+ 1 }
}

/// Dates on which some rules of a plan are not in force.
package struct Pause: Sendable, Hashable {
  /// The first and the last date, both inside, in days since 1970 on the patient's clock.
  package var from: Int64
  package var to: Int64
  /// The rules; nil: those over missing measurements and silent devices.
  package var rules: [String]?
  /// Why, for people.
  package var note: String?
  /// A person or a backend set it beside the plan.
  package var isBeside = false

  package init(from: Int64, to: Int64, rules: [String]? = nil, note: String? = nil) {
    self.from = from
    self.to = to
    self.rules = rules
    self.note = note
  }

  /// A rule is suspended on a date.
  func suspends(_ rule: Rule, on day: Int64) -> Bool {
    guard day >= from, day <= to else { return false }
    return rules.map { $0.contains(rule.id) } ?? rule.isSuspendedByPauses
  }
}

/// What is told again while nobody takes notice of a red.
package struct Retelling: Sendable, Hashable {
  /// Milliseconds.
  package var every: Int64
  /// How often at most, 1 to 12.
  package var times: Int
  package init(every: Int64, times: Int) {
    self.every = every
    self.times = times
  }
}

/// One rule of a plan.
package struct Rule: Sendable, Hashable {
  /// Unique in the plan.
  package var id: String {
    get { box.terms.id }
    set { change { $0.id = newValue } }
  }
  /// A rule that is switched off is kept and not judged.
  package var isEnabled: Bool {
    get { box.terms.isEnabled }
    set { change { $0.isEnabled = newValue } }
  }
  /// What it watches and how.
  package var kind: any RuleKind {
    get { box.terms.kind }
    set { change { $0.kind = newValue } }
  }
  /// Once told, the rule is quiet for so many milliseconds, unless it gets worse.
  package var quiet: Int64 {
    get { box.terms.quiet }
    set { change { $0.quiet = newValue } }
  }
  /// The hours of the patient's day in which it is judged; empty: all of them.
  package var hours: [DayHours] {
    get { box.terms.hours }
    set { change { $0.hours = newValue } }
  }
  /// What people are told, instead of the rule's own words.
  package var message: String? {
    get { box.terms.message }
    set { change { $0.message = newValue } }
  }
  /// The first date on which it is in force, in days since 1970 on the patient's clock; nil: no bound.
  package var validFrom: Int64? {
    get { box.terms.validFrom }
    set { change { $0.validFrom = newValue } }
  }
  /// The last date on which it is in force, as `validFrom`.
  package var validTo: Int64? {
    get { box.terms.validTo }
    set { change { $0.validTo = newValue } }
  }
  /// What is told again while nobody takes notice.
  package var retell: Retelling? {
    get { box.terms.retell }
    set { change { $0.retell = newValue } }
  }
  /// What is acknowledged and still open is raised again after so many milliseconds; nil: never.
  package var afterAcknowledgement: Int64? {
    get { box.terms.afterAcknowledgement }
    set { change { $0.afterAcknowledgement = newValue } }
  }

  private struct Terms: Sendable {
    var id: String
    var isEnabled: Bool
    var kind: any RuleKind
    var quiet: Int64
    var hours: [DayHours]
    var message: String?
    var validFrom: Int64?
    var validTo: Int64?
    var retell: Retelling?
    var afterAcknowledgement: Int64?
  }

  /// One for all copies of a rule: rules are handed on with each reading. And what is asked of its kind then.
  private final class Box: Sendable {
    let terms: Terms
    let measures: [Measure]
    let set: MeasureSet
    let isTrend: Bool
    let isDoubt: Bool
    let signature: String

    init(_ terms: Terms) {
      self.terms = terms
      measures = terms.kind.measures
      set = MeasureSet(measures)
      isTrend = terms.kind.isTrend
      isDoubt = terms.kind is DoubtRule
      signature = ([terms.kind.name] + measures.map(\.rawValue)).joined(separator: " ")
    }
  }

  private var box: Box

  private mutating func change(_ change: (inout Terms) -> Void) {
    var terms = box.terms
    change(&terms)
    box = Box(terms)
  }

  package init(
    id: String, isEnabled: Bool = true, kind: any RuleKind, quiet: Int64 = 0, hours: [DayHours] = [],
    message: String? = nil
  ) {
    var terms = Terms(id: id, isEnabled: isEnabled, kind: kind, quiet: quiet, hours: hours, message: message)
    if kind is MissingRule { terms.afterAcknowledgement = Rule.missingAfterAcknowledgement }
    if kind is DeviceRule, quiet == 0 { terms.quiet = Rule.deviceQuiet }
    box = Box(terms)
  }

  /// The usual wait until what is missing and acknowledged is told again: seven days, in milliseconds.
  package static let missingAfterAcknowledgement: Int64 = 7 * 86_400_000
  /// The usual quiet of rules over devices: a day, in milliseconds.
  package static let deviceQuiet: Int64 = 86_400_000

  /// The values that it looks at; none for rules over signs and devices.
  package var measures: [Measure] { box.measures }
  /// The same as a set.
  var measureSet: MeasureSet { box.set }
  /// It looks at several readings: judged when a delivery has settled.
  package var isTrend: Bool { box.isTrend }

  /// It is built in.
  var isDoubt: Bool { box.isDoubt }

  var isMissing: Bool { kind is MissingRule }
  /// A pause of the whole plan suspends it.
  var isSuspendedByPauses: Bool {
    if let device = kind as? DeviceRule, case .silent = device.watch { return true }
    return isMissing
  }

  /// What the rule is: a rule of the same id with another one begins anew.
  package var signature: String { box.signature }

  /// The same rule of the same kind.
  package static func == (left: Rule, right: Rule) -> Bool {
    if left.box === right.box { return true }
    return left.id == right.id && left.isEnabled == right.isEnabled && left.quiet == right.quiet
      && left.hours == right.hours
      && left.message == right.message && left.validFrom == right.validFrom && left.validTo == right.validTo
      && left.retell == right.retell && left.afterAcknowledgement == right.afterAcknowledgement
      && left.kind.isEqual(to: right.kind)
  }

  /// By all that it is.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(id)
    hasher.combine(isEnabled)
    hasher.combine(quiet)
    hasher.combine(hours)
    hasher.combine(message)
    hasher.combine(kind)
  }
}

// MARK: - In force

extension Plan {
  /// Why a rule is not in force at an instant (milliseconds since 1970); nil: it is.
  func outOfForce(_ rule: Rule, at time: Int64, _ clock: PatientClock) -> NotJudgedReason? {
    guard rule.isEnabled else { return .disabled }
    guard rule.validFrom != nil || rule.validTo != nil || !pauses.isEmpty else { return nil }
    let day = clock.day(time)
    if let from = rule.validFrom, day < from { return .notYet }
    if let to = rule.validTo, day > to { return .expired }
    return pauses.contains { $0.suspends(rule, on: day) } ? .paused : nil
  }

  /// When a rule comes into force or leaves it next, in milliseconds since 1970 and after `time`; nil: it does not.
  func nextChange(of rule: Rule, after time: Int64, _ clock: PatientClock) -> Int64? {
    var days: [Int64] = []
    if let from = rule.validFrom { days.append(from) }
    if let to = rule.validTo { days.append(to + 1) }
    for pause in pauses where pause.rules.map({ $0.contains(rule.id) }) ?? rule.isSuspendedByPauses {
      days += [pause.from, pause.to + 1]
    }
    return days.map { clock.instant(day: $0, minute: 0) }.filter { $0 > time }.min()
  }

  /// Some rule watches a pressure: then of pressures that are not believed nothing else is told.
  var watchesPressure: Bool { !watched.measures.isDisjoint(with: [.systolic, .diastolic, .meanArterial]) }

  /// The built-in rules over values that are not believed.
  package var doubtRules: [Rule] { watched.doubtRules }

  /// Every rule, those that are built in at the end.
  package var allRules: [Rule] { rules + doubtRules }
}

extension Rule {
  /// Its hours hold an instant.
  func holdsHours(_ time: Int64, _ clock: PatientClock) -> Bool {
    guard !hours.isEmpty else { return true }
    let minute = clock.minute(time)
    return hours.contains { $0.holds(minute: minute) }
  }

  /// When its hours begin next, after an instant outside of them; nil: it has none.
  func nextHours(after time: Int64, _ clock: PatientClock) -> Int64? {
    let day = clock.day(time)
    return (day...day + 1).flatMap { day in hours.map { clock.instant(day: day, minute: $0.from) } }
      .filter { $0 > time }.min()
  }
}

/// The languages in which people are told.
package enum PlanLanguage: String, Sendable, Hashable, CaseIterable {
  case bokmal = "nb"
  case nynorsk = "nn"
  case english = "en"

  /// The text of this language.
  package func say(_ bokmal: String, _ nynorsk: String, _ english: String) -> String {
    switch self {
    case .bokmal: bokmal
    case .nynorsk: nynorsk
    case .english: english
    }
  }
}

/// Hours of a day on the patient's clock, in minutes since midnight; `to` may lie on the next day.
package struct DayHours: Sendable, Hashable {
  /// 0…1439.
  package var from: Int
  /// 0…1440, not included; below `from` it is on the next day.
  package var to: Int

  package init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  /// From `07:00-10:00`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let from = DayHours.minutes(parts[0]), let to = DayHours.minutes(parts[1]), from < 1440,
      from != to
    else { return nil }
    self.init(from: from, to: to)
  }

  private static func minutes(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
      let minute = Int(parts[1]),
      (0...24).contains(hour), (0...59).contains(minute), hour < 24 || minute == 0
    else { return nil }
    return hour * 60 + minute
  }

  /// `07:00-10:00`.
  package var text: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    func clock(_ minutes: Int) -> String { two(minutes / 60) + ":" + two(minutes % 60) }
    return "\(clock(from))-\(clock(to))"
  }

  /// True when a minute of the day lies within.
  func holds(minute: Int) -> Bool { from < to ? (from..<to).contains(minute) : minute >= from || minute < to }
}
