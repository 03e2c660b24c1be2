// Where a rule stands for a patient: normal, pending (a repeat is awaited), raised, acknowledged; back to normal when cleared.

package import Readings

/// Where one rule stands for one patient. It is derived from readings alone, so that a restart gives the same state.
package struct RuleState: Sendable, Hashable {
  /// The steps of a rule.
  package enum Phase: String, Sendable, Hashable, CaseIterable {
    case normal
    case pending
    case raised
    case acknowledged
  }

  /// The step.
  package var phase: Phase
  /// The zone of the last reading, hysteresis included.
  package var zone: Zone
  /// The first reading out of band, in milliseconds since 1970; meaningful while pending.
  package var since: Int64
  /// How many readings out of band so far; meaningful while pending.
  package var count: Int
  /// When the wait for the repeat ends, in milliseconds since 1970; nil when none is awaited.
  package var deadline: Int64?
  /// When people were last told, in milliseconds since 1970; kept while a quiet period lasts.
  package var toldAt: Int64?
  /// The zone that people were last told of; kept while a quiet period lasts.
  package var toldZone: Zone?
  /// Raised while it was quiet: it is told when the quiet period is over and it still holds.
  package var isUntold = false
  /// When it was raised, in milliseconds since 1970; while it is.
  package var raisedAt: Int64?
  /// When people last heard of it, in milliseconds since 1970; while it is pending or raised.
  package var lastToldAt: Int64?
  /// Who has taken notice; while it is raised.
  package var acknowledgement: RuleAcknowledgement?
  /// When people last heard of an old reading, in milliseconds since 1970.
  package var lateAt: Int64?
  /// An old reading out of band that is told when the delivery has settled.
  package var lateDue: LateReading?
  /// Of a missing rule: every slot that begins up to here is judged, in milliseconds since 1970.
  package var judgedThrough: Int64?
  /// Of a missing rule: the slot whose reminder went out.
  package var remindedFor: Int64?

  /// Normal and green.
  package init() {
    self.init(phase: .normal, zone: .green, since: 0, count: 0, deadline: nil)
  }

  /// A state as it was stored.
  package init(phase: Phase, zone: Zone, since: Int64, count: Int, deadline: Int64?) {
    self.phase = phase
    self.zone = zone
    self.since = since
    self.count = count
    self.deadline = deadline
  }
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

  /// Nothing is to be kept.
  package var isNormal: Bool { rules.isEmpty && !isUnsettled }

  /// Everything normal.
  package init(rules: [String: RuleState] = [:]) { self.rules = rules }

  /// The next wait for a repeat that ends, in milliseconds since 1970.
  package var nextDeadline: Int64? { rules.values.compactMap(\.deadline).min() }

  /// Forgets the rules that a plan has no more, once nothing of them is awaited: the states of every plan that there was would
  /// grow without end.
  package mutating func forgetRules(besides plan: Plan) {
    let known = Set(plan.rules.map(\.id))
    guard rules.contains(where: { !known.contains($0.key) && $0.value.deadline == nil }) else { return }
    rules = rules.filter { known.contains($0.key) || $0.value.deadline != nil }
  }

  /// Notes when what is not normal was raised and told.
  mutating func note(_ events: [MonitoringEvent], before: PatientState, now: Int64) {
    func isRaised(_ state: RuleState?) -> Bool { state?.phase == .raised || state?.phase == .acknowledged }
    for (id, state) in rules {
      var state = state
      if !isRaised(state) {
        (state.raisedAt, state.acknowledgement) = (nil, nil)
      } else if !isRaised(before.rules[id]) {
        state.raisedAt = now
      }
      // Worse than what somebody took notice of.
      if state.phase == .raised { state.acknowledgement = nil }
      if state.phase == .normal { state.lastToldAt = nil }
      if state.phase != .normal, events.contains(where: { $0.rule == id }) { state.lastToldAt = now }
      if state != rules[id] { rules[id] = state == RuleState() ? nil : state }
    }
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

  package init(patient: String, rule: String, kind: Kind, zone: Zone, planVersion: Int) {
    self.patient = patient
    self.rule = rule
    self.kind = kind
    self.zone = zone
    self.planVersion = planVersion
  }
}
