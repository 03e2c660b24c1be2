// What needs a person and stands until it is mended: one list, of which `status`, `doctor`, the heartbeat and `status --check` are
// made. Its kinds are enumerated, so that none can be known to one of them alone.

internal import ControlProtocol
internal import JSON

/// Something that needs a person until it is mended.
struct StandingProblem: Sendable, Hashable {
  /// How much it matters.
  enum Severity: String, Sendable, Hashable {
    /// Readings, alarms or their way to a backend are in danger, or something does not work.
    case error
    /// All works; it will not for ever, or somebody has to decide.
    case warning
  }

  /// What it is. Codes may be finer: why the journal or Bluetooth does not work has codes of its own.
  enum Kind: Sendable, Hashable, CaseIterable {
    case fileFault
    case fileWarning
    case journalFailing
    case readingsUnsaved
    case readingsLost
    case journalDamaged
    case journalNearlyFull
    case diskNearlyFull
    case clockUnsynchronised
    case erasureFailing
    case filesErasureFailing
    case keysUnsaved
    case readingsHeld
    case readingsParked
    case readingsUnlisted
    case historyCrowded
    case nationalID
    case backendMisconfigured
    case backendUnreachable
    case backendRefuses
    case backendRefusesKind
    case backendRemoved
    case credentialEnding
    case filesNotRemoved
    case plansMisconfigured
    case plansUnreachable
    case planRefused
    case planWithdrawn
    case planReviewDue
    case planOfNobody
    case bluetooth
    case port
    case portChoice
    case deviceQuarantined
    case deviceNeedsPairing
    case deviceChanged
    case deviceUnreachable
    case deviceUnassigned
    case deviceNotUnderstood
    case patientNear
    case deviceFlooding
    case deviceSilent

    var severity: Severity {
      switch self {
      case .fileFault, .journalFailing, .readingsUnsaved, .readingsLost, .journalDamaged, .clockUnsynchronised,
        .readingsParked,
        .nationalID, .backendMisconfigured, .backendUnreachable, .backendRefuses, .backendRefusesKind,
        .plansMisconfigured,
        .plansUnreachable,
        .planRefused, .erasureFailing, .filesErasureFailing, .keysUnsaved, .bluetooth, .port, .deviceQuarantined,
        .deviceNeedsPairing,
        .deviceChanged, .deviceUnreachable, .deviceNotUnderstood:
        .error
      case .fileWarning, .journalNearlyFull, .diskNearlyFull, .readingsHeld, .readingsUnlisted, .historyCrowded,
        .backendRemoved, .credentialEnding, .filesNotRemoved, .planWithdrawn, .planReviewDue, .planOfNobody,
        .portChoice,
        .deviceUnassigned, .deviceFlooding,
        .deviceSilent, .patientNear:
        .warning
      }
    }

    /// The check of `doctor` that it belongs to.
    /// - Parameter about: the device, backend or kind of file.
    func check(_ about: String?) -> String {
      let name = about ?? ""
      return switch self {
      case .fileFault, .fileWarning: name
      case .journalFailing, .readingsUnsaved, .readingsLost: "journal"
      case .journalDamaged: "journal-damage"
      case .journalNearlyFull, .diskNearlyFull: "disk"
      case .clockUnsynchronised, .readingsHeld: "clock"
      case .readingsParked, .readingsUnlisted: "parked"
      case .historyCrowded: "histories"
      case .nationalID, .patientNear: "patient-references"
      case .backendMisconfigured, .backendUnreachable, .backendRefuses, .backendRefusesKind, .backendRemoved,
        .credentialEnding,
        .filesNotRemoved:
        "backend-\(name)"
      case .erasureFailing, .filesErasureFailing: "erasure"
      case .keysUnsaved: "keys"
      case .plansMisconfigured, .plansUnreachable, .planRefused, .planWithdrawn: "plans-\(name)"
      case .planReviewDue: "plan-review"
      case .planOfNobody: "plan-patients"
      case .bluetooth: "bluetooth"
      case .port, .portChoice: "serial"
      case .deviceQuarantined, .deviceNeedsPairing, .deviceChanged, .deviceUnreachable, .deviceUnassigned,
        .deviceNotUnderstood, .deviceFlooding, .deviceSilent:
        "device-\(name)"
      }
    }
  }

  var kind: Kind
  /// Stable, such as `backend.unreachable`.
  var code: String
  /// The device, backend, or kind of file that it is about.
  var about: String?
  /// In plain words. It may hold what a backend said: it goes to people at the hub alone.
  var message: String
  /// The same for backends, of what is wrong in files; nil: they hear the code alone.
  var told: String?
  /// What to do.
  var hint: String
  /// Since when, in milliseconds since 1970, where that is known.
  var since: Int64?

  var check: String { kind.check(about) }

  /// Its message where the check's id stands in front: it names the device or the backend already.
  var messageBehindCheck: String {
    guard let about else { return message }
    for beginning in ["device \(about): ", "backend \(about): "] where message.hasPrefix(beginning) {
      return String(message.dropFirst(beginning.count))
    }
    return message
  }
}

extension View {
  /// For `status`.
  func json(_ problem: StandingProblem) -> JSONValue { json(problem, message: problem.message) }

  /// For the heartbeat: what a backend said stays at the hub; what is wrong in files is told in words.
  func heartbeatJSON(_ problem: StandingProblem) -> JSONValue { json(problem, message: problem.told) }

  private func json(_ problem: StandingProblem, message: String?) -> JSONValue {
    var object = JSONObject()
    object["code"] = .string(problem.code)
    if let message { object["message"] = .string(message) }
    object["hint"] = .string(problem.hint)
    object["severity"] = .string(problem.kind.severity.rawValue)
    if let about = problem.about { object["about"] = .string(about) }
    if let since = problem.since { object["since"] = instant(since) }
    return .object(object)
  }

  /// The most rules that do not judge that a heartbeat or a status names.
  static let mostNotJudged = 100

  /// The most problems that a heartbeat names.
  static let mostInHeartbeat = 20

  /// For `doctor`: the problems of one check, or that it is good.
  /// - Parameter good: what is said when there are none; nil: nothing.
  func checks(_ id: String, _ problems: [StandingProblem], good: String?) -> [JSONValue] {
    let own = problems.filter { $0.check == id }
    guard own.isEmpty else {
      return own.map { problem in
        [
          "id": .string(id), "state": problem.kind.severity == .error ? "failed" : "warning",
          "message": .string(problem.messageBehindCheck), "hint": .string(problem.hint), "code": .string(problem.code),
        ]
      }
    }
    return good.map { [["id": .string(id), "state": "ok", "message": .string($0)]] } ?? []
  }
}
