// Where a rule stands for a patient: normal, pending (a repeat is awaited), raised, acknowledged; back to normal when cleared. What
// was told, what is asked, and what is held while it is quiet (plans-2, 3.3).

package import Readings

/// Where one rule stands for one patient. It is derived from readings, time and the words of people alone, so that a restart gives the
/// same state. Instants are milliseconds since 1970 on the hub's clock; where that is stepped they are moved by as much (`shift`).
package struct RuleState: Sendable, Hashable {
  /// The steps of a rule.
  package enum Phase: String, Sendable, Hashable, CaseIterable {
    case normal
    case pending
    case raised
    case acknowledged
  }

  /// What people were told last of one direction.
  package struct Told: Sendable, Hashable {
    /// Milliseconds since 1970.
    package var at: Int64
    package var finding: Finding
    package init(at: Int64, finding: Finding) {
      self.at = at
      self.finding = finding
    }
  }

  /// A repeat that is awaited.
  package struct Ask: Sendable, Hashable {
    /// When the wait ends.
    package var deadline: Int64
    /// When it began.
    package var since: Int64
    /// When the first value that counts was taken.
    package var first: Int64
    /// What counts so far, in order; at most ten.
    package var counted: [Finding]
    /// A `raised` already carried it: nothing is told when the wait ends.
    package var isSaid: Bool

    package init(deadline: Int64, since: Int64, first: Int64, counted: [Finding], isSaid: Bool) {
      self.deadline = deadline
      self.since = since
      self.first = first
      self.counted = counted
      self.isSaid = isSaid
    }
  }

  /// What was not told because it was quiet.
  package struct Held: Sendable, Hashable {
    package var count: Int
    package var worst: Finding
    /// Nothing but unconfirmed findings.
    package var isUnconfirmed: Bool
    package init(count: Int, worst: Finding, isUnconfirmed: Bool) {
      self.count = count
      self.worst = worst
      self.isUnconfirmed = isUnconfirmed
    }
  }

  /// What goes on from the first abnormal value to the last.
  package struct Episode: Sendable, Hashable {
    /// The reading with which it began; nil: a moment.
    package var reading: ReadingID?
    /// When that was taken, or the moment.
    package var since: Int64
    /// Something of it was told, if only a question.
    package var isTold = false
    /// Something other than a question was told.
    package var isRaised = false
    package init(reading: ReadingID?, since: Int64) {
      self.reading = reading
      self.since = since
    }

    /// More of it was told than a question.
    mutating func noteRaised() { (isTold, isRaised) = (true, true) }
  }

  /// Why a rule did not judge.
  package struct NotJudged: Sendable, Hashable {
    package var because: NotJudgedReason
    /// Milliseconds since 1970.
    package var since: Int64
    /// How many readings, at least 1.
    package var count: Int
    package init(because: NotJudgedReason, since: Int64, count: Int) {
      self.because = because
      self.since = since
      self.count = count
    }
  }

  package var phase = Phase.normal
  /// Where it stands; nil while normal.
  package var current: Finding?
  /// By direction, one a direction and one without; kept while it may still be compared with.
  package var told: [Told] = []
  /// The same of questions.
  package var asked: [Told] = []
  package var ask: Ask?
  /// By direction.
  package var held: [Held] = []
  package var episode: Episode?
  /// When `raised` and `unconfirmed` were told within the last day, retellings apart.
  package var tellings: [Int64] = []
  /// When it was told again within the last day.
  package var retellings: [Int64] = []
  /// Values in doubt since the last sound one, each worse than those before it.
  package var doubts: [Finding] = []
  /// What is told again: when the counting began, and how often it was.
  package var retold: (from: Int64, count: Int)? {
    get { retoldFrom.map { ($0, retoldCount) } }
    set { (retoldFrom, retoldCount) = (newValue?.from, newValue?.count ?? 0) }
  }
  private var retoldFrom: Int64?
  private var retoldCount = 0
  /// When it was raised; while it is.
  package var raisedAt: Int64?
  /// When people last heard of it; while it is not normal.
  package var lastToldAt: Int64?
  /// Who has taken notice; while it is acknowledged.
  package var acknowledgement: RuleAcknowledgement?
  /// Old readings that were told, by direction.
  package var lateTold: [Told] = []
  /// Old readings out of band that are told when the delivery has settled, by direction.
  package var lateDue: [Finding] = []
  /// Why the rule did not judge; nil: it did.
  package var notJudged: NotJudged?
  /// What the rule is, so that a plan that changes it does not inherit its state.
  package var signature: String?
  /// Of a built-in rule over what is not believed: why.
  package var doubt: NotJudgedReason?
  /// Of such a rule: the values that were asked about on a date.
  package var askedAbout: [AskedAbout] = []
  /// Of a missing rule: every slot that begins up to here is judged.
  package var judgedThrough: Int64?
  /// Of a missing rule: the slot whose reminder went out.
  package var remindedFor: Int64?
  /// Of a missing rule: the date, in days since 1970 on the patient's clock, of which was told last.
  package var toldDate: Int64?
  /// Of a missing rule: the date of the newest slot that was missed.
  package var missedDate: Int64?
  /// Of a missing rule: the date of the last reminder.
  package var remindedDate: Int64?
  /// Of a missing rule: slots that were missed since the last telling.
  package var missed = 0
  /// Of a missing rule: the newest slot that was missed.
  package var missedSlot: Slot?

  /// A value that was asked about.
  package struct AskedAbout: Sendable, Hashable {
    /// Days since 1970 on the patient's clock.
    package var date: Int64
    package var values: PerMeasure<ExactDecimal>
    package init(date: Int64, values: PerMeasure<ExactDecimal>) {
      self.date = date
      self.values = values
    }
  }

  /// Normal, nothing is known.
  package init() {}

  /// The zone in which it stands.
  package var zone: Zone { current?.rank.zone ?? .green }
  package var isRaised: Bool { phase == .raised || phase == .acknowledged }

  /// Nothing of it is worth to be kept.
  package var isEmpty: Bool {
    guard phase == .normal, notJudged == nil, told.isEmpty else { return false }
    var plain = self
    plain.signature = nil
    return plain == RuleState.empty
  }

  private static let empty = RuleState()
}

/// Why a value was not judged, as events and `not_judged` have it.
package enum NotJudgedReason: String, Sendable, Hashable, CaseIterable {
  case disabled
  case paused
  case notYet = "not-yet"
  case expired
  case outsideHours = "outside-hours"
  case tooFew = "too-few"
  case noTime = "no-time"
  case notBelievable = "not-believable"
  case somebodyElse = "somebody-else"
  case doubted
  case test
  case clockUnset = "clock-unset"
  /// An old value that is no worse than what was told.
  case superseded
}

/// Somebody has taken notice of what a rule raised.
package struct RuleAcknowledgement: Sendable, Hashable {
  /// Who, as the control socket knows them.
  package var by: String
  /// When, in milliseconds since 1970.
  package var at: Int64
  /// What they had to say; may be empty.
  package var note: String

  /// Somebody has taken notice.
  package init(by: String, at: Int64, note: String) {
    self.by = by
    self.at = at
    self.note = note
  }
}

/// The rules' states of one patient.
package struct PatientState: Sendable, Hashable {
  /// By rule id; a rule that is missing is normal.
  package var rules: [String: RuleState]
  /// A delivery goes on: trends and old readings are judged when nothing more comes.
  package var isUnsettled = false
  /// What came of it and is known for good, in the order in which it came.
  package var unsettled: [Unsettled] = []
  /// Readings of the delivery whose place in time is not believed: the last of each measure is judged as of now.
  package var displaced: [Displaced] = []
  /// The plan by which rules were judged last; nil: none yet.
  package var plan: UInt64?
  /// Its version.
  package var planVersion = 0
  /// That plan says that nobody else stands on the scale.
  package var isSingleUser = false

  /// When people were told last that the plan is due for a review, in milliseconds since 1970.
  package var reviewToldAt: Int64?

  /// Nothing is to be kept.
  package var isNormal: Bool {
    rules.isEmpty && !isUnsettled && displaced.isEmpty && plan == nil && !isSingleUser && reviewToldAt == nil
  }

  /// Everything normal.
  package init(rules: [String: RuleState] = [:]) { self.rules = rules }

  /// A rule is not normal, or there is something else to keep of it.
  func holds(_ rule: Rule) -> Bool { !rules.isEmpty && rules.index(forKey: rule.id) != nil }

  /// A reading whose place in time is not believed.
  package struct Displaced: Sendable, Hashable {
    package var id: ReadingID
    /// When it was received, in milliseconds since 1970.
    package var received: Int64
    /// It is of now: it may end and answer what stands.
    package var isOfNow: Bool
    /// By measure: what was found, and what it is worth.
    package var values: PerMeasure<Value>

    /// A value, or beyond all values.
    package struct Value: Sendable, Hashable {
      package var number: ExactDecimal?
      package var above: Bool?
      package var worth: Worth
      package init(number: ExactDecimal?, above: Bool?, worth: Worth) {
        self.number = number
        self.above = above
        self.worth = worth
      }
    }

    package init(id: ReadingID, received: Int64, isOfNow: Bool, values: PerMeasure<Value>) {
      self.id = id
      self.received = received
      self.isOfNow = isOfNow
      self.values = values
    }
  }

  /// The most of them that wait; older ones are judged without waiting.
  static let mostDisplaced = 32

  /// The hub's clock was set by so many milliseconds: waits and quiet periods go on as if it had not. Instants of `[from, to]` move.
  package mutating func shift(by step: Int64, from: Int64 = .min, to: Int64 = .max) {
    for id in rules.keys { rules[id]?.shift(by: step, from, to) }
  }

  /// A hub that starts without knowing how long it was off: waits begin anew.
  package mutating func restartWaits(at now: Int64) {
    for (id, rule) in rules {
      // What was told later than it is now by this clock was told before the hub was off.
      rules[id]?.clamp(to: now)
      guard let ask = rule.ask else { continue }
      rules[id]?.ask?.deadline = now.moved(max(0, min(ask.deadline.moved(-ask.since), 86_400_000)))
      rules[id]?.ask?.since = now
    }
  }
}

extension RuleState {
  fileprivate mutating func shift(by step: Int64, _ from: Int64, _ to: Int64) {
    let range = from...max(from, to)
    change { range.contains($0) ? $0.moved(step) : $0 }
    if var moved = ask, range.contains(moved.since) {
      (moved.deadline, moved.since) = (moved.deadline.moved(step), moved.since.moved(step))
      ask = moved
    }
  }

  fileprivate mutating func clamp(to now: Int64) { change { min($0, now) } }

  private mutating func change(_ move: (Int64) -> Int64) {
    for index in told.indices { told[index].at = move(told[index].at) }
    for index in asked.indices { asked[index].at = move(asked[index].at) }
    for index in lateTold.indices { lateTold[index].at = move(lateTold[index].at) }
    tellings = tellings.map(move)
    retellings = retellings.map(move)
    if let retold { self.retold = (move(retold.from), retold.count) }
    raisedAt = raisedAt.map(move)
    lastToldAt = lastToldAt.map(move)
    if var word = acknowledgement {
      word.at = move(word.at)
      acknowledgement = word
    }
  }
}

extension Int64 {
  /// A moment so much later; the first or last that there is where it does not fit.
  func moved(_ step: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(step)
    return overflow ? (step < 0 ? .min : .max) : sum
  }
}

/// What is to be told to people.
package struct MonitoringEvent: Sendable, Hashable {
  /// What happened to a rule.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The first reading out of band: measure again.
    case repeatRequested = "repeat-requested"
    /// Out of band, confirmed or immediate.
    case raised
    /// No repeat came in time; raised as yellow, never dropped.
    case unconfirmed
    /// Back in band.
    case cleared
    /// An old reading, out of band: it is known now, and nobody is called for it.
    case late
    /// A measurement is due.
    case reminder
    /// A measurement did not come.
    case missing
    /// Somebody has taken notice.
    case acknowledged
  }
  package var patient: String
  /// The rule's id.
  package var rule: String
  /// What happened.
  package var kind: Kind
  package var zone: Zone
  /// The plan's version.
  package var planVersion: Int
  /// How many it stands for: slots that were missed while the hub was off are told together.
  package var count = 1
  /// For the patient, in the plan's language.
  package var message: String?
  /// Who has taken notice, of an acknowledgement.
  package var acknowledgement: RuleAcknowledgement?
  /// The reading that led to it; nil: time alone, or what was known looks otherwise now.
  package var reading: ReadingID?
  /// What goes on: a name-based UUID, the same after a restart.
  package var episode: String?
  /// What that UUID is the name of; nil: the UUID is known already, or nothing goes on.
  package var episodeName: String?
  /// When the episode's first value was taken, in milliseconds since 1970.
  package var since: Int64?
  /// More about it.
  package var detail = EventDetail()

  package init(patient: String, rule: String, kind: Kind, zone: Zone, planVersion: Int) {
    self.patient = patient
    self.rule = rule
    self.kind = kind
    self.zone = zone
    self.planVersion = planVersion
  }
}

/// What an event says of the value that led to it; each member only where there is one.
package struct EventDetail: Sendable, Hashable {
  /// The value, the difference, the mean or the sum.
  package var value: ExactDecimal?
  /// The unit of `value` and `limit`, as UCUM.
  package var unit: String?
  package var measure: String?
  package var direction: Direction?
  /// How many zones of the colour hold, where there are several.
  package var level: Int?
  /// The outermost limit that holds, such as `lt 85`.
  package var limit: String?
  /// `<` or `>` instead of a value: beyond all that the device can measure.
  package var comparator: String?
  /// The colour of the value itself, where the event's is another.
  package var valueZone: Zone?
  /// Why the value is in doubt.
  package var doubt: [ReadingFlag] = []
  /// Why it is told now, such as `quiet`.
  package var because: String?
  /// The value has no place in time that is believed.
  package var isTimeUnknown = false
  /// How often it was told again.
  package var repeated: Int?
  /// The last time that it is told again: somebody else should be called.
  package var escalates = false
  /// It comes and goes: it is told less often from now on.
  package var isFlapping = false
  /// Parts of a score that are not known.
  package var absent: [String] = []
  /// How many values were used.
  package var points: Int?
  /// What a difference is held against.
  package var reference: ExactDecimal?

  package init() {}

  /// What every finding over values says.
  package init(_ finding: Finding, _ measure: String) {
    self.measure = measure
    direction = finding.direction
    if finding.raw.level > 1 { level = finding.raw.level }
    switch finding.value {
    case .number(let number): value = number.rounded(places: 0)
    case .beyond(let above): comparator = above ? ">" : "<"
    case .none, .means: break
    }
  }
}
