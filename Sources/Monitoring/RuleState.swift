// Where a rule stands for a patient: normal, pending (a repeat is awaited), raised, acknowledged; back to normal when cleared.

public import Readings

/// Where one rule stands for one patient. It is derived from readings alone, so that a restart gives the same state.
public struct RuleState: Sendable, Hashable {
  /// The steps of a rule.
  public enum Phase: String, Sendable, Hashable, CaseIterable {
    case normal
    case pending
    case raised
    case acknowledged
  }

  /// The step.
  public var phase: Phase
  /// The zone of the last reading, hysteresis included.
  public var zone: Zone
  /// The first reading out of band, in milliseconds since 1970; meaningful while pending.
  public var since: Int64
  /// How many readings out of band so far; meaningful while pending.
  public var count: Int
  /// When the wait for the repeat ends, in milliseconds since 1970; nil when none is awaited.
  public var deadline: Int64?
  /// When people were last told, in milliseconds since 1970; kept while a quiet period lasts.
  public var toldAt: Int64?
  /// The zone that people were last told of; kept while a quiet period lasts.
  public var toldZone: Zone?
  /// Raised while it was quiet: it is told when the quiet period is over and it still holds.
  public var isUntold = false
  /// When people last heard of an old reading, in milliseconds since 1970.
  public var lateAt: Int64?
  /// Of a missing rule: every slot that begins up to here is judged, in milliseconds since 1970.
  public var judgedThrough: Int64?
  /// Of a missing rule: the slot whose reminder went out.
  public var remindedFor: Int64?

  /// Normal and green.
  public init() {
    self.init(phase: .normal, zone: .green, since: 0, count: 0, deadline: nil)
  }

  /// A state as it was stored.
  public init(phase: Phase, zone: Zone, since: Int64, count: Int, deadline: Int64?) {
    self.phase = phase
    self.zone = zone
    self.since = since
    self.count = count
    self.deadline = deadline
  }
}

/// The rules' states of one patient.
public struct PatientState: Sendable, Hashable {
  /// By rule id; a rule that is missing is normal.
  public var rules: [String: RuleState]

  /// Everything normal.
  public init(rules: [String: RuleState] = [:]) { self.rules = rules }

  /// The next wait for a repeat that ends, in milliseconds since 1970.
  public var nextDeadline: Int64? { rules.values.compactMap(\.deadline).min() }
}

/// What is to be told to people.
public struct MonitoringEvent: Sendable, Hashable {
  /// What happened to a rule.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
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
  /// The patient.
  public var patient: String
  /// The rule's id.
  public var rule: String
  /// What happened.
  public var kind: Kind
  /// The zone.
  public var zone: Zone
  /// The plan's version.
  public var planVersion: Int
  /// How many it stands for: slots that were missed while the hub was off are told together.
  public var count = 1
  /// For the patient, in the plan's language.
  public var message: String?

  /// An event of a rule.
  public init(patient: String, rule: String, kind: Kind, zone: Zone, planVersion: Int) {
    self.patient = patient
    self.rule = rule
    self.kind = kind
    self.zone = zone
    self.planVersion = planVersion
  }
}
