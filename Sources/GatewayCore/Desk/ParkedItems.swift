// What waits for a person, listed: readings without patient, and what backends refused, which is sent again when a technician
// says so.

internal import ControlProtocol
internal import JSON
internal import Readings
internal import Ledger

extension View {
  /// Everything that waits for a person.
  func parkedList() -> JSONValue {
    var list: [JSONValue] = durable.parked.sorted { $0.value.sequence < $1.value.sequence }.map { id, place in
      var object = JSONObject()
      object["id"] = .string(id.description)
      object["seq"] = .int(place.sequence)
      object["why"] = "no-patient"
      object["device"] = .string(place.device)
      if let user = place.user { object["user"] = .int(user) }
      if let at = place.at { object["at"] = instant(at) }
      return .object(object)
    }
    list += durable.allRefusals.map { refusal in
      var object = JSONObject()
      object["id"] = .string(refusal.id)
      object["seq"] = .int(refusal.sequence)
      object["why"] = "refused"
      object["backend"] = .string(refusal.backend)
      object["reason"] = .string(refusal.reason)
      if let device = refusal.device { object["device"] = .string(device) }
      if let kind = refusal.kind { object["kind"] = .string(kind) }
      object["at"] = instant(refusal.at)
      return .object(object)
    }
    return ["parked": .array(list)]
  }

  /// The readings behind the list, for an export.
  func parkedReadings(_ id: RequestID) -> [Effect] {
    let sequences = Set(durable.parked.values.map(\.sequence) + durable.allRefusals.map(\.sequence))
    var query = ReadingQuery(limit: ControlRequest.mostReadings)
    query.sequences = sequences
    return [.read(id, .readings(query))]
  }
}

extension Desk {
  /// The refusals that a technician means; why there are none, otherwise.
  private func refusals(
    _ id: RequestID, _ refused: ControlRequest.Refused, _ turn: Turn
  ) -> Result<[Refusal], RefusedRequest> {
    func failure(_ code: String, _ message: String, _ hint: String) -> Result<[Refusal], RefusedRequest> {
      .failure(RefusedRequest(effects: .failure(id, code, message, hint)))
    }
    let listed = turn.head.allRefusals.filter { refused.backend == nil || $0.backend == refused.backend }
    if let backend = refused.backend, turn.house.backends[backend] == nil, listed.isEmpty {
      let near = Suggestion.nearest(to: backend, among: Array(turn.house.backends.keys))
      return failure(
        "not-found", "there is no backend \(backend)", near.map { "did you mean \($0)?" } ?? "hearthctl backends")
    }
    guard !refused.ids.isEmpty else {
      guard let text = refused.since else { return .success(listed) }
      guard let since = SinceText.milliseconds(text, now: turn.now.wall, zone: turn.house.zone) else {
        return failure("bad-parameters", SinceText.complaint(text, of: "since"), SinceText.examples)
      }
      return .success(listed.filter { $0.at >= since })
    }
    var found: [Refusal] = []
    for text in refused.ids {
      if let refusal = [Effect].tooShort(text, id) { return .failure(RefusedRequest(effects: refusal)) }
      let beginning = text.lowercased()
      let matching = listed.filter { $0.id.hasPrefix(beginning) }
      guard !matching.isEmpty else {
        return failure("not-found", "no backend refused a reading \(text)", "hearthctl parked lists what is refused")
      }
      // A reading and its correction are one.
      guard Set(matching.map { [$0.id, $0.backend] }).count == 1 else {
        return failure(
          "bad-parameters", "\(text) is more than one", "name the whole id, and the backend with --backend")
      }
      found += matching
    }
    return .success(found)
  }

  /// A technician wants refused items to be sent again: they are looked for first.
  mutating func retryParked(
    _ id: RequestID, _ refused: ControlRequest.Refused, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    if let backend = refused.backend, turn.house.backends[backend] == nil {
      let near = Suggestion.nearest(to: backend, among: Array(turn.house.backends.keys))
      return .failure(
        id, "not-found", "there is no backend \(backend)", near.map { "did you mean \($0)?" } ?? "hearthctl backends")
    }
    switch refusals(id, refused, turn) {
    case .failure(let refusal): return refusal.effects
    case .success(let list):
      guard !list.isEmpty else {
        return .failure(id, "not-found", "nothing that was refused is meant", "hearthctl parked lists what is refused")
      }
      guard retrying.count < Desk.mostRetrying else {
        return .failure(id, "busy", "others send refused readings again", "try again in a moment")
      }
      retrying[id] = PendingRetry(
        isOne: !refused.ids.isEmpty, left: Set(list.map(\.sequence)), wanted: list, caller: caller)
      return Set(list.map(\.sequence)).sorted().map { .load(sequence: $0) }
    }
  }

  /// Requests of this kind that are answered at the same time.
  private static let mostRetrying = 8

  /// An item that is to be sent again came back from the journal, or it is not there any more.
  /// - Parameter kind: a reading's; nil for an event.
  mutating func loadedForRetry(_ sequence: UInt64, isThere: Bool, kind: String?, _ turn: inout Turn) -> [Effect] {
    var effects: [Effect] = []
    for id in retrying.keys.sorted(by: { ($0.connection, $0.number) < ($1.connection, $1.number) }) {
      guard retrying[id]?.left.remove(sequence) != nil else { continue }
      if !isThere { retrying[id]?.gone.insert(sequence) }
      // What an older version noted has none.
      if let kind { retrying[id]?.kinds[sequence] = kind }
      guard let pending = retrying[id], pending.left.isEmpty else { continue }
      retrying[id] = nil
      effects += retry(pending, id, &turn)
    }
    return effects
  }

  private func retry(_ pending: PendingRetry, _ id: RequestID, _ turn: inout Turn) -> [Effect] {
    // Meanwhile another technician may have asked for it, or it was erased.
    let known = Set(turn.head.allRefusals)
    let there = pending.wanted.filter { !pending.gone.contains($0.sequence) && known.contains($0) }
    guard let first = there.first else {
      return .failure(
        id, "not-found", pending.isOne ? "it is no longer in the journal" : "none of it is in the journal any more",
        "hearthctl parked dismiss takes it from the list")
    }
    let what = pending.isOne ? "a refused item" : "\(Count.of(there.count, "refused item"))"
    let names = Set(there.map(\.backend)).sorted().joined(separator: ", ")
    var effects = turn.append(
      [pending.caller.audit("send \(what) again to \(pending.isOne ? first.backend : names)")]
        + there.map {
          .retry(Retry(backend: $0.backend, original: $0.sequence, kind: $0.kind ?? pending.kinds[$0.sequence]))
        })
    var answer = JSONObject()
    answer["retrying"] = true
    answer["count"] = .int(there.count)
    if !pending.gone.isEmpty { answer["gone"] = .int(pending.gone.count) }
    let left = Set(there.map(\.backend)).reduce(0) { $0 + (turn.head.cursors[$1]?.unlisted ?? 0) }
    if left > 0 { answer["unlisted"] = .int(left) }
    effects.append(.answer(id, .result(.object(answer))))
    for backend in Set(there.map(\.backend)).sorted() {
      turn.send(.watch(.refusalsChanged(backend: backend)))
      turn.send(.delivery(.retried(backend: backend)))
    }
    return effects
  }

  /// A technician says that refused items need nobody any more, or exported them.
  func dismissParked(
    _ id: RequestID, _ refused: ControlRequest.Refused, isExported: Bool, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    switch refusals(id, refused, turn) {
    case .failure(let refusal): return refusal.effects
    case .success(let list):
      let isAll = refused.ids.isEmpty && refused.since == nil
      let unlisted = isAll ? refused.backend.flatMap { turn.head.cursors[$0]?.unlisted } ?? 0 : 0
      guard !list.isEmpty || unlisted > 0 else {
        return .failure(id, "not-found", "nothing that was refused is meant", "hearthctl parked lists what is refused")
      }
      let count = list.count + Int(clamping: unlisted)
      let names = Set(list.map(\.backend)).union(isAll ? [refused.backend].compactMap(\.self) : []).sorted()
      let verb = isExported ? "settle as exported" : "dismiss"
      let records = names.map { name in
        JournalEntry.dismissal(
          Dismissal(
            backend: name, sequences: list.filter { $0.backend == name }.map(\.sequence), unlisted: unlisted > 0))
      }
      let effects = turn.append(
        [caller.audit("\(verb) \(Count.of(count, "refused item")) of \(names.joined(separator: ", "))")] + records)
      for name in names { turn.send(.watch(.refusalsChanged(backend: name))) }
      return effects + [.answer(id, .result(["dismissed": .int(count)]))]
    }
  }
}

/// A request that is refused, with its answer.
struct RefusedRequest: Error {
  var effects: [Effect]
}

/// Who waits for refused items to be sent again.
struct PendingRetry: Sendable {
  /// One item was named.
  var isOne: Bool
  /// What is still looked for in the journal, by sequence number.
  var left: Set<UInt64>
  var wanted: [Refusal]
  /// What is not there any more.
  var gone: Set<UInt64> = []
  var kinds: [UInt64: String] = [:]
  var caller: CallerName
}
