// The desk: what people ask over the control socket. What is only shown is a pure function of a view (`Status.swift` and its
// neighbours); what changes something becomes records here, or goes to the component whose matter it is.

internal import JSON
internal import Zones
internal import ControlProtocol
internal import Readings
internal import Settings
internal import Ledger

/// Requests that wait, and what was begun for them.
struct Desk: Sendable {
  enum Input: Sendable {
    case asked(RequestID, ControlRequest, CallerName)
    case started
    /// A stored reading goes to a patient without anybody waiting for it.
    case assign(UInt64, patient: String)
    case loaded(UInt64, Reading?, isEvent: Bool)
    case loadedParked(Bindings.Slot, [(sequence: UInt64, reading: Reading?)])
    case erased(String, ErasureReport)
    case filesErased(String, removes: Bool, [FileErasure])
    case erasuresRecovered(Set<String>)
    case resumeErasures
    case importWanted
    case due
    /// The readings that a correction is about.
    case located(RequestID, Result<[Reading], ControlError>)
    /// A control connection is gone.
    case callerGone(UInt64)
    /// Devices came, changed or went.
    case devicesChanged

    // MARK: Of the disk

    case sweep
    case swept(Bindings.Slot)
    case sweptRefused(Bindings.Slot)
    case sweepRefused
    case assignedRefused([UInt64: String])
    case eraseRefused(String, JournalFailure)
    case erasedRefused
    case sessionsChanged
    case sessionsRefused
    case imported
    case importRefused
  }

  /// A stored reading goes to a patient: who asked for it, if a person waits.
  struct Assignment: Sendable {
    var patient: String
    var request: RequestID?
    /// What is written with it of who did it.
    var audit: JournalEntry?
  }

  /// Stored readings that are being read from the journal to be given to a patient, by sequence number; and when those are read
  /// again that the disk refused, monotonic milliseconds.
  var loads: [UInt64: [Assignment]] = [:]
  var reloadAt: Int64?
  /// Technicians who wait until refused items are found in the journal.
  var retrying: [RequestID: PendingRetry] = [:]
  /// Who corrects a reading that is being looked for.
  var corrections: [RequestID: PendingCorrection] = [:]
  /// Erasures of patients whom memory does not know, while they are looked for.
  var searches: [RequestID: PendingErasure] = [:]
  /// Who waits for a patient's erasure; and when one that failed is tried again, monotonic milliseconds.
  var erasures: [String: [RequestID]] = [:]
  /// What those who wait are told of the hub's own state, while the files of backends are looked through.
  var erasedState: [String: JSONObject] = [:]
  var eraseAgainAt: Int64?
  /// Readings of a slot that is swept are being read, by slot.
  var sweeping: Set<Bindings.Slot> = []
  var sweepAt: Int64?
  /// What state files of an older version held, until it is on disk as records; and when that is tried again.
  var importing: ImportedState?
  var importAt: Int64?
  /// When the next session on a public device ends, on the monotonic clock.
  var sessionsAt: Int64?

  init(_ imported: ImportedState?) { importing = imported }

  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? { [reloadAt, eraseAgainAt, sweepAt, importAt, sessionsAt].compactMap(\.self).min() }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let effects = decide(input, &turn)
    if !loads.isEmpty || !turn.house.assigning.isEmpty { turn.house.assigning = Set(loads.keys) }
    return effects
  }

  private mutating func decide(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let later = turn.now.monotonic + Turn.refusedPause
    switch input {
    case .asked(let id, let request, let caller): return answer(id, request, caller, &turn)
    case .started: return endSessions(&turn) + sweep(&turn)
    case .assign(let sequence, let patient):
      loads[sequence, default: []].append(Assignment(patient: patient))
      return [.load(sequence: sequence)]
    case .loaded(let sequence, let reading, let isEvent):
      let isThere = reading != nil || isEvent
      return loadedForRetry(sequence, isThere: isThere, kind: reading?.kind.rawValue, &turn)
        + loaded(sequence, reading, &turn)
    case .loadedParked(let slot, let readings): return loadedParked(slot, readings, &turn)
    case .erased(let patient, let report): return erased(patient, report, &turn)
    case .filesErased(let patient, let removes, let files): return filesErased(patient, removes: removes, files, &turn)
    case .erasuresRecovered(let patients): return resumeErasures(of: patients, &turn)
    case .resumeErasures: return resumeErasures(&turn)
    case .importWanted: return importState(&turn)
    case .due: return due(&turn)
    case .located(let id, let found):
      if let pending = searches.removeValue(forKey: id) { return searched(pending, found, &turn) }
      return located(id, found, &turn)
    case .callerGone(let connection):
      forgetCorrections(of: connection)
      retrying = retrying.filter { $0.key.connection != connection }
      searches = searches.filter { $0.key.connection != connection }
    case .devicesChanged: return endSessionsOfOwned(&turn)
    case .sweep: return sweep(&turn)
    case .swept(let slot):
      sweeping.remove(slot)
      return sweep(&turn)
    case .sweptRefused(let slot):
      sweeping.remove(slot)
      sweepAt = later
    case .sweepRefused: sweepAt = later
    case .assignedRefused(let readings):
      for (sequence, patient) in readings where loads[sequence] == nil {
        loads[sequence] = [Assignment(patient: patient)]
        reloadAt = later
      }
    case .eraseRefused(let patient, let failure):
      return (erasures.removeValue(forKey: patient) ?? []).map { Gateway.refusal(of: $0, failure) }
    case .erasedRefused: eraseAgainAt = min(eraseAgainAt ?? .max, later)
    case .sessionsChanged: sessionsAt = turn.durable.sessions.nextDeadline(turn.now)
    case .sessionsRefused: sessionsAt = later
    case .imported: importing = nil
    case .importRefused: importAt = later
    }
    return []
  }

  private mutating func due(_ turn: inout Turn) -> [Effect] {
    let now = turn.now.monotonic
    var effects: [Effect] = []
    if let time = sessionsAt, time <= now { effects += endSessions(&turn) }
    if let time = importAt, time <= now { effects += importState(&turn) }
    if let time = sweepAt, time <= now { effects += sweep(&turn) }
    if let time = reloadAt, time <= now {
      reloadAt = nil
      effects += loads.keys.sorted().map { .load(sequence: $0) }
    }
    if let time = eraseAgainAt, time <= now {
      eraseAgainAt = nil
      effects += resumeErasures(&turn)
    }
    return effects
  }

  // MARK: Requests

  private mutating func answer(
    _ id: RequestID, _ request: ControlRequest, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    switch request {
    case .hello: return [.answer(id, .result([:]))]
    case .version: return [.answer(id, .result(turn.view.version()))]
    case .status: return [.answer(id, .result(turn.view.status()))]
    case .devices: return [.answer(id, .result(turn.view.deviceList()))]
    case .backends: return [.answer(id, .result(turn.view.backendList()))]
    case .doctor: return [.answer(id, .result(turn.view.doctor()))]
    case .parked: return [.answer(id, .result(turn.view.parkedList()))]
    case .alerts(let patient):
      return turn.view.answer(id, patient: patient, .answer(.result(turn.view.alerts(patient))))
    case .patientKnown(let patient): return [.answer(id, .result(turn.view.knownPatient(patient)))]
    case .follow(let patient), .watch(let patient):
      return turn.view.answer(id, patient: patient, .answer(.result(["subscribed": true])))
    case .readings(let filter): return turn.view.readings(id, filter)
    case .parkedReadings: return turn.view.parkedReadings(id)
    case .planShow(let patient): return turn.view.explainPlan(id, patient: patient, days: nil)
    case .planExplain(let patient, let days): return turn.view.explainPlan(id, patient: patient, days: days)
    case .planTry(let text, let patient, let days, let isCompared):
      return turn.view.tryPlan(id, text: text, patient: patient, days: days, isCompared: isCompared)
    case .reload: return [.reload(id)]
    case .pairAnswer(let text): turn.send(.bluetooth(.pairAnswer(id, text)))
    case .pairCancel: turn.send(.bluetooth(.pairCancel(id)))
    case .serialList: turn.send(.ports(.list(id)))
    case .scan(let seconds): turn.send(.bluetooth(.scan(id, seconds: seconds)))
    default:
      guard !turn.isCongested else {
        return .failure(id, "busy", "the disk is behind: what is to be changed would wait", "try again in a moment")
      }
      return change(id, request, caller, &turn)
    }
    return []
  }

  /// What a request that leaves records is answered.
  private mutating func change(
    _ id: RequestID, _ request: ControlRequest, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    switch request {
    case .report(let patient, let days): return report(id, patient: patient, days: days, caller, &turn)
    case .assignReading(let reading, let patient): return assign(id, reading: reading, patient: patient, caller, &turn)
    case .assignSlot(let device, let user, let patient):
      return assign(id, device: device, user: user, patient: patient, caller, &turn)
    case .unassign(let device, let user): return unassign(id, device: device, user: user, caller, &turn)
    case .correctReading(let kind, let reading): return correct(id, kind, reading: reading, caller)
    case .parkedRetry(let reading, let backend):
      return retryParked(id, ControlRequest.Refused(ids: [reading], backend: backend), caller, &turn)
    case .parkedRetryAll(let backend, let since):
      return retryParked(id, ControlRequest.Refused(ids: [], backend: backend, since: since), caller, &turn)
    case .parkedDismiss(let refused, let isExported):
      return dismissParked(id, refused, isExported: isExported, caller, &turn)
    case .erase(let patient, let files): return erase(id, patient: patient, files: files, caller, &turn)
    case .capture(let device): return capture(id, device, caller, &turn)
    case .tryBackend(let name): return tryBackend(id, name, caller, &turn)
    case .askDevice(let device, let wish): return askDevice(id, device, wish, caller, &turn)
    case .releaseDevice(let device): return release(id, device: device, caller, &turn)
    case .sessionStart(let patient, let device, let minutes):
      return sessionStart(id, patient: patient, device: device, minutes: minutes, caller, &turn)
    case .sessionEnd(let device): return sessionEnd(id, device: device, caller, &turn)
    case .acknowledge(let patient, let rule, let note, let episode):
      return acknowledge(id, patient: patient, rule: rule, note: note, episode: episode, caller, &turn)
    case .planPause(let patient, let from, let to, let rules, let note):
      return pausePlan(id, patient: patient, from: from, to: to, rules: rules, note: note, caller, &turn)
    case .planResume(let patient): return resumePlan(id, patient: patient, caller, &turn)
    case .planSet(let text): return setPlan(id, text: text, caller, &turn)
    case .pair(let wish): turn.send(.bluetooth(.pair(id, wish, caller)))
    case .unpair(let device):
      guard importing == nil else { return stillImporting(id) }
      turn.send(.bluetooth(.unpair(id, device, caller)))
    case .serialIdentify(let port, let driver): turn.send(.ports(.identify(id, port: port, driver: driver, caller)))
    case .serialBind(let wish): turn.send(.ports(.bind(id, wish, caller)))
    case .serialRelease(let device): turn.send(.ports(.release(id, device: device, caller)))
    case .hello, .version, .status, .devices, .backends, .doctor, .follow, .watch, .parked, .alerts, .readings,
      .parkedReadings, .patientKnown, .planShow, .planExplain, .planTry, .reload, .pairAnswer, .pairCancel, .serialList,
      .scan:
      break  // Above.
    }
    return []
  }

  /// Records a device's link for a technician.
  private func capture(_ id: RequestID, _ device: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard turn.house.devices[device] != nil else {
      return .failure(id, "not-found", "there is no device \(device)", "hearthctl devices")
    }
    turn.send(.links(.capture(connection: id.connection, device: device)))
    return [.answer(id, .result(turn.view.capturing(device)))]
      + turn.append([caller.audit("capture of \(device)")])
  }
}
