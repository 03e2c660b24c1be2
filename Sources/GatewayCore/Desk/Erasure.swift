// What the law calls erasure: a patient's readings, what was derived from them, bindings and plan. The audit keeps the fact. The
// journal's segments are written anew without them (`JournalRewriting`); this file says what goes and what stays.

internal import ControlProtocol
internal import Exchange
internal import JSON
internal import Journal
internal import Monitoring
internal import Readings
internal import Settings
internal import Ledger

extension Desk {
  /// A patient is to be erased: that is on disk before anything goes, so that a power cut does not end it half-way.
  mutating func erase(
    _ id: RequestID, patient: String, files: Bool, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    guard importing == nil else { return stillImporting(id) }
    // Files of backends may name a patient whom the hub itself does not know any more.
    if !files, let error = turn.view.refusal(ofUnknown: patient) { return [.answer(id, .failure(error))] }
    let pending = PendingErasure(request: id, patient: patient, files: files, caller: caller)
    guard turn.view.isKnown(patient) || isBeingErased(patient, turn) || turn.house.isInPlanFault(patient) else {
      guard searches.count < Desk.mostSearches else {
        return .failure(id, "busy", "other patients are being looked for", "try again in a moment")
      }
      searches[id] = pending
      return [.read(id, .bearer(patient))]
    }
    return begin(pending, &turn)
  }

  /// The most erasures whose patient is being looked for.
  private static let mostSearches = 32

  private func isBeingErased(_ patient: String, _ turn: Turn) -> Bool {
    turn.head.erasingFiles.contains(patient) || erasures[patient] != nil
  }

  private mutating func begin(_ pending: PendingErasure, _ turn: inout Turn) -> [Effect] {
    let (patient, files, caller) = (pending.patient, pending.files, pending.caller)
    erasures[patient, default: []].append(pending.request)
    // It is answered when it is complete.
    let action = "erase patient \(patient)" + (files ? ", also in the files of backends" : "")
    return turn.append([caller.audit(action), .erase(patient: patient, files: files)])
  }

  /// Memory knows nothing of the patient: stored readings were asked, then the files of backends are. Only what is found is erased,
  /// and only that is written down.
  mutating func searched(
    _ pending: PendingErasure, _ found: Result<[Reading], ControlError>, _ turn: inout Turn
  ) -> [Effect] {
    switch found {
    case .failure(let error): return [.answer(pending.request, .failure(error))]
    case .success(let readings) where !readings.isEmpty || isBeingErased(pending.patient, turn):
      return begin(pending, &turn)
    case .success:
      searches[pending.request] = pending
      return [.eraseFiles(patient: pending.patient, removes: false)]
    }
  }

  /// The files of backends were looked through for patients of whom nothing else is known.
  private mutating func searchedFiles(_ patient: String, _ files: [FileErasure], _ turn: inout Turn) -> [Effect] {
    let waiting = searches.values.filter { $0.patient == patient }.sorted { $0.request.number < $1.request.number }
    // What could not be read may name the patient.
    let isFound = files.contains { $0.lines > 0 || !$0.left.isEmpty } || isBeingErased(patient, turn)
    return waiting.flatMap { pending -> [Effect] in
      searches[pending.request] = nil
      if isFound { return begin(pending, &turn) }
      return .failure(
        pending.request, "not-found", "nothing is known of \(patient), and nothing was erased",
        "hearthctl devices tells whose the devices are")
    }
  }

  /// After a start: erasures that a power cut ended.
  func resumeErasures(_ turn: inout Turn) -> [Effect] {
    resumeErasures(of: turn.head.erasing.union(turn.head.erasingFiles), &turn)
  }

  /// Between two tries to write files of backends anew, in milliseconds: each reads all of them.
  private static let eraseFilesPause: Int64 = 600_000

  /// Files follow when the journal is done.
  func resumeErasures(of patients: Set<String>, _ turn: inout Turn) -> [Effect] {
    patients.sorted().map {
      turn.head.erasing.contains($0) ? .erase(patient: $0) : .eraseFiles(patient: $0, removes: true)
    }
  }

  /// The journal's segments are written anew, or not all of them.
  mutating func erased(_ patient: String, _ report: ErasureReport, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    turn.house.eraseFault = report.error
    if let error = report.error {
      let callers = erasures.removeValue(forKey: patient) ?? []
      eraseAgainAt = now.monotonic + 600_000
      return [.log(.error, "journal.erasure-failed: a patient is not erased yet: \(error); it is tried again")]
        + callers.map {
          .answer(
            $0,
            .failure(
              ControlError(
                code: "journal.erasure-failed", message: error,
                hint: "free space on the disk; the hub tries again by itself")))
        }
    }
    let gone = Set(report.counted)
    let refused = turn.head.allRefusals.map(\.sequence).filter { gone.contains($0) }
    var counts: [String: UInt64] = [:]
    for backend in turn.house.configuration.backends {
      let fact = turn.house.backends[backend.name]
      let inFlight = fact?.inFlight ?? 0
      let through = max(turn.head.cursors[backend.name]?.through ?? 0, inFlight)
      let ahead = Set((turn.head.cursors[backend.name]?.ahead ?? []) + (fact?.aheadInFlight ?? []))
      var missing = report.counted.count { $0 > through && !ahead.contains($0) }
      // What waits in a kind's own line lies behind what the backend answered for.
      for (kind, line) in turn.head.cursors[backend.name]?.lines ?? [:] {
        let inLine = fact?.lineInFlight.flatMap { $0.kind == kind ? $0.sequences : nil } ?? []
        let has = Set(line.skipping + inLine)
        missing += (report.kinds[kind] ?? []).count {
          $0 > line.through && $0 <= through && !ahead.contains($0) && !has.contains($0)
        }
      }
      counts[backend.name] = UInt64(missing)
    }
    var answer = JSONObject()
    answer["erased"] = true
    answer["readings"] = .int(report.readings)
    answer["left"] = .array(report.left.map { .string($0) })
    answer["configured"] = .array(
      turn.house.configuration.devices.filter { $0.patient == patient || $0.users.values.contains(patient) }
        .map { .string($0.id) })
    // Where the daemon reads it: who loads the configuration says so.
    answer["plan"] = turn.house.configuration.plans.map { .string("\($0)/\(patient).json") } ?? .null
    erasedState[patient] = answer
    var erased = Erased(counts: counts, refusals: refused, stored: turn.head.stored)
    erased.counted = turn.head.counted
    let effects = turn.append([.erased(patient: patient, erased)])
    for backend in counts.keys.sorted() { turn.send(.watch(.refusalsChanged(backend: backend))) }
    return effects
      + [
        .log(.notice, "patient.erased: gone: \(Count.of(report.readings, "reading")) of one patient"),
        .eraseFiles(patient: patient, removes: turn.head.erasingFiles.contains(patient)),
      ]
  }

  /// The files of directory backends were looked through: the last step. What could not be done there is told to whoever asked, and
  /// tried again until it is done.
  mutating func filesErased(
    _ patient: String, removes: Bool, _ files: [FileErasure], _ turn: inout Turn
  ) -> [Effect] {
    if !removes, searches.values.contains(where: { $0.patient == patient }) || !isBeingErased(patient, turn) {
      return searchedFiles(patient, files, &turn)
    }
    let isWished = turn.head.erasingFiles.contains(patient)
    // Somebody asked meanwhile: that erasure comes here too, and answers them all.
    guard removes || !isWished, erasedState[patient] != nil || erasures[patient] == nil else { return [] }
    var answer = erasedState.removeValue(forKey: patient) ?? JSONObject()
    answer["files"] = .array(files.map(\.json))
    let callers = erasures.removeValue(forKey: patient) ?? []
    let left = removes ? files.flatMap(\.left) : []
    var effects: [Effect] = []
    let wasTold = turn.house.eraseFilesFaults[patient] != nil
    if removes {
      turn.house.eraseFilesFaults[patient] = left.first.map {
        "\($0.file.isEmpty ? "folder" : $0.file): \($0.reason)"
      }
    }
    if left.isEmpty {
      if isWished { effects = turn.append([.erased(patient: patient, .ofFiles)]) }
    } else {
      // The wish stays on disk: the next start goes on with it, too.
      eraseAgainAt = min(eraseAgainAt ?? .max, turn.now.monotonic + Desk.eraseFilesPause)
    }
    if removes, !wasTold || left.isEmpty || files.contains(where: { $0.rewritten > 0 }) {
      let (lines, rewritten) = files.reduce((0, 0)) { ($0.0 + $1.removed, $0.1 + $1.rewritten) }
      effects.append(
        .log(
          .notice,
          "patient.files-erased: \(Count.of(lines, "line")) of one patient, gone from \(Count.of(rewritten, "file")) of backends"
        ))
      if let first = left.first {
        effects.append(
          .log(
            .error,
            "patient.files-left: \(Count.of(left.count, "file")) of backends may still name an erased patient: "
              + "\(first.reason); it is tried again every ten minutes"))
      }
    }
    return effects + callers.map { .answer($0, .result(.object(answer))) }
  }
}

extension FileErasure {
  /// The most files that one answer names.
  private static let most = 50

  /// As a caller gets it.
  fileprivate var json: JSONValue {
    [
      "backend": .string(backend), "folder": .string(folder), "files": .int(files), "lines": .int(lines),
      "rewritten": .int(rewritten), "removed": .int(removed),
      "left": .array(left.prefix(FileErasure.most).map { ["file": .string($0.file), "reason": .string($0.reason)] }),
    ]
  }
}

/// An erasure whose patient is being looked for.
struct PendingErasure: Sendable {
  var request: RequestID
  var patient: String
  var files: Bool
  var caller: CallerName
}

extension House {
  /// A plan's file of this patient was refused: it is on the disk, although nothing of it is in force.
  func isInPlanFault(_ patient: String) -> Bool {
    faults.list.contains { known in
      // The file's name stands in front.
      let path = known.fault.message.prefix { $0 != ":" && $0 != " " }
      return known.fault.subject == .plans
        && (path.hasSuffix("/\(patient).json") || path.hasSuffix("/\(patient).json.bad"))
    }
  }
}
