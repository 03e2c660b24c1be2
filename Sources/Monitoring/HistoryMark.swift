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
    }

    /// Questions for a repeat and reminders are forgotten: they were for the moment.
    var isKept: Bool {
      switch kind {
      case .raised, .unconfirmed, .late, .missing, .acknowledged: true
      case .repeatRequested, .cleared, .reminder: false
      }
    }
  }
}
