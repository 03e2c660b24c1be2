// What waits for a person, listed: readings without patient, and what backends refused, which is sent again when a technician
// says so.

internal import ControlProtocol
internal import JSON
internal import Readings

/// A refused reading that one backend is to get once more.
package struct Retry: Sendable, Hashable {
  /// The backend's name.
  package var backend: String
  /// Where the reading is in the turn.house.journal.
  package var original: UInt64

  /// A reading for one backend.
  package init(backend: String, original: UInt64) {
    self.backend = backend
    self.original = original
  }

  var json: JSONValue { ["backend": .string(backend), "seq": .int(original)] }

  /// The retry of a record's octets; nil when they are none.
  package init?(_ payload: [UInt8]) {
    guard let value = try? JSONReader(maximumSize: 4096).value(payload) else { return nil }
    self.init(json: value)
  }

  init?(json: JSONValue) {
    guard let backend = json["backend"]?.string, case .number(let number)? = json["seq"], let original = number.uint64
    else { return nil }
    self.init(backend: backend, original: original)
  }
}

extension LedgerState {
  /// In the order of the turn.house.journal.
  var allRefusals: [Refusal] { refusals.values.flatMap { $0 }.sorted { $0.sequence < $1.sequence } }

  mutating func dropRefusals(where isGone: (Refusal) -> Bool) {
    for name in refusals.keys {
      refusals[name]?.removeAll(where: isGone)
      if refusals[name]?.isEmpty ?? false { refusals[name] = nil }
    }
  }

  /// The reading waits for this backend again.
  mutating func add(_ retry: Retry, sequence: UInt64) {
    dropRefusals { $0.backend == retry.backend && $0.sequence == retry.original }
    retries[sequence] = retry
    guard var cursor = cursors[retry.backend], cursor.delivered > 0 else { return }
    cursor.delivered -= 1
    cursors[retry.backend] = cursor
  }

  /// A backend answered for everything up to its cursor, and for some beyond it: those retries are over.
  mutating func dropRetries(of backend: String, through: UInt64, ahead: [UInt64]) {
    for (sequence, retry) in retries
    where retry.backend == backend && (sequence <= through || ahead.contains(sequence)) { retries[sequence] = nil }
  }
}

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
      return .object(object)
    }
    list += durable.allRefusals.map { refusal in
      var object = JSONObject()
      object["id"] = .string(refusal.id)
      object["seq"] = .int(refusal.sequence)
      object["why"] = "refused"
      object["backend"] = .string(refusal.backend)
      object["reason"] = .string(refusal.reason)
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
  /// A technician wants a refused reading to be sent again: it is looked for first.
  mutating func retryParked(
    _ id: RequestID, reading text: String, backend: String?, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    func fail(_ code: String, _ message: String, _ hint: String) -> [Effect] {
      [.answer(id, .failure(ControlError(code: code, message: message, hint: hint)))]
    }
    if let backend, turn.house.backends[backend] == nil {
      let near = Suggestion.nearest(to: backend, among: Array(turn.house.backends.keys))
      return fail(
        "not-found", "there is no backend \(backend)", near.map { "did you mean \($0)?" } ?? "hearthctl backends")
    }
    let matching =
      text.utf8.count >= 6
      ? turn.head.allRefusals.filter { $0.id.hasPrefix(text) && (backend == nil || $0.backend == backend) } : []
    guard let refusal = matching.first else {
      return fail("not-found", "no backend refused a reading \(text)", "hearthctl parked lists what is refused")
    }
    guard matching.count == 1 else {
      return fail("bad-parameters", "\(text) is more than one", "name the whole id, and the backend with --backend")
    }
    retrying[refusal.sequence, default: []].append(
      PendingRetry(request: id, retry: Retry(backend: refusal.backend, original: refusal.sequence), uid: caller.uid))
    return [.load(sequence: refusal.sequence)]
  }

  /// A reading that is to be sent again came back from the journal, or it is not there any more.
  mutating func loadedForRetry(_ sequence: UInt64, isThere: Bool, _ turn: inout Turn) -> [Effect] {
    var effects: [Effect] = []
    for pending in retrying.removeValue(forKey: sequence) ?? [] {
      guard isThere else {
        effects.append(
          .answer(
            pending.request,
            .failure(ControlError(code: "not-found", message: "it is an event, or no longer in the journal"))))
        continue
      }
      effects += turn.append(
        [
          .audit(uid: pending.uid, action: "send a refused reading again to \(pending.retry.backend)"),
          .retry(pending.retry),
        ])
      effects.append(.answer(pending.request, .result(["retrying": true])))
    }
    return effects
  }
}

/// Who waits for a reading to be sent again.
struct PendingRetry: Sendable {
  var request: RequestID
  var retry: Retry
  var uid: UInt32
}
