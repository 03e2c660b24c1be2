// What the hub found wrong in what it was told or had kept, at a start or a reload. It works on without that, and tells it
// until a person has mended it: in `status`, `doctor`, the heartbeat, and as an event of the hub.

internal import ControlProtocol
internal import JSON
internal import Ledger

/// Something that a person has to mend. It does not keep the hub from working.
package struct HubFault: Sendable, Hashable {
  /// Which part of the hub it is about.
  package enum Subject: String, Sendable, Hashable, CaseIterable {
    /// The configuration file.
    case configuration
    /// A patient's plan.
    case plans = "plan-files"
    /// What was kept in the state directory.
    case state = "state-files"
    /// A file of the folder actions.d.
    case actions = "actions"
  }

  /// Which part of the hub it is about.
  package var subject: Subject
  /// Stable: `configuration.refused`, `configuration.bound`, `plan.refused`, `state.unreadable` …
  package var code: String
  /// With the file, and what is wrong in it; at most `longest` characters are kept.
  package var message: String
  /// The same for backends: without a value, and without a path that names a patient.
  package var told: String
  /// What to do.
  package var hint: String
  /// Everything is in force as it was told.
  package var isWarning: Bool

  /// The most characters that are kept: the list of all drivers fits, with what is found behind it.
  static let longest = 1600

  /// A fault, or a warning.
  /// - Parameter told: what backends hear, where the message may quote a value or name a patient.
  package init(
    _ subject: Subject, _ code: String, _ message: String, told: String? = nil, hint: String, isWarning: Bool = false
  ) {
    self.told = String((told ?? message).prefix(HubFault.longest))
    self.subject = subject
    self.code = code
    self.message = String(message.prefix(HubFault.longest))
    self.hint = hint
    self.isWarning = isWarning
  }
}

/// The faults that are not mended yet.
struct KnownFaults: Sendable {
  /// The most that are kept; a hub has no more patients than that.
  static let most = 64

  struct Known: Sendable {
    var fault: HubFault
    /// When it was found, in milliseconds since 1970.
    var since: Int64
  }

  private(set) var list: [Known] = []

  /// What is wrong now, in place of what was. What is still wrong keeps its time.
  mutating func replace(by faults: [HubFault], at now: Int64) {
    list = faults.prefix(KnownFaults.most).map { fault in
      list.first { $0.fault == fault } ?? Known(fault: fault, since: now)
    }
  }
}
