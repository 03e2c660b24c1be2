// What a patient's rules told, as far back as people look: for the picture of a month, when the journal has let go of the events.

package import Readings

extension PatientHistory {
  /// Something that a rule told, or that somebody took notice of.
  package struct Mark: Sendable, Hashable {
    /// Milliseconds since 1970.
    package var time: Int64
    /// The rule's id.
    package var rule: String
    /// What happened.
    package var kind: MonitoringEvent.Kind
    package var zone: Zone
    /// How many it stands for.
    package var count: Int32
    /// Who took notice, of an acknowledgement.
    package var by: String?
    /// What they had to say; at most 240 characters are kept.
    package var note: String?
    /// The episode that it belongs to; nil: none, or an older version kept the mark.
    package var episode: ReadingID?
    /// When the episode's first value was taken, in milliseconds since 1970.
    package var since: Int64?
    package var direction: Direction?
    /// The value, the difference, the mean or the sum, in `unit`.
    package var value: ExactDecimal?
    /// Instead of a value: beyond all that the device can measure, true above.
    package var above: Bool?
    /// Nil: a sum of points, or there is no value.
    package var unit: UCUM?
    package var measure: Measure?
    /// The colour of the value itself, where the mark's is another.
    package var valueZone: Zone?
    /// Why it was told then; at most 32 characters are kept.
    package var because: String?

    /// What a rule told.
    package init(
      time: Int64, rule: String, kind: MonitoringEvent.Kind, zone: Zone, count: Int = 1, by: String? = nil,
      note: String? = nil
    ) {
      self.time = time
      self.rule = rule
      self.kind = kind
      self.zone = zone
      self.count = Int32(clamping: count)
      self.by = by
      self.note = note.map { String($0.prefix(240)) }
    }

    /// An event of a rule, at so many milliseconds since 1970.
    package init(_ event: MonitoringEvent, at time: Int64) {
      self.init(
        time: time, rule: event.rule, kind: event.kind, zone: event.zone, count: event.count,
        by: event.acknowledgement?.by, note: event.acknowledgement?.note)
      episode = event.episode.flatMap { ReadingID($0) }
      since = event.since
      let detail = event.detail
      direction = detail.direction
      unit = detail.unit.flatMap(UCUM.init(rawValue:))
      measure = detail.measure.flatMap(Measure.init(rawValue:))
      because = detail.because.map { String($0.prefix(32)) }
      // The value with which it ended says nothing of how bad it was, and a notice has none of its own.
      guard isTelling else { return }
      value = detail.value
      above = detail.comparator.map { $0 == ">" }
      valueZone = detail.valueZone
    }

    /// People were told that something is abnormal or did not come.
    package var isTelling: Bool {
      switch kind {
      case .raised, .unconfirmed, .late, .missing: true
      case .acknowledged, .repeatRequested, .cleared, .reminder: false
      }
    }

    /// Questions for a repeat and reminders are forgotten: they were for the moment.
    var isKept: Bool { isTelling || kind == .acknowledged || kind == .cleared }

    /// It ends what another mark told of.
    func ends(_ other: Mark) -> Bool {
      kind == .cleared && episode != nil && rule == other.rule && episode == other.episode
    }
  }
}
