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
    if let backend, turn.house.backends[backend] == nil {
      let near = Suggestion.nearest(to: backend, among: Array(turn.house.backends.keys))
      return .failure(
        id, "not-found", "there is no backend \(backend)", near.map { "did you mean \($0)?" } ?? "hearthctl backends")
    }
    if let refusal = [Effect].tooShort(text, id) { return refusal }
    let beginning = text.lowercased()
    let matching = turn.head.allRefusals.filter {
      $0.id.hasPrefix(beginning) && (backend == nil || $0.backend == backend)
    }
    guard let refusal = matching.first else {
      return .failure(id, "not-found", "no backend refused a reading \(text)", "hearthctl parked lists what is refused")
    }
    guard matching.count == 1 else {
      return .failure(
        id, "bad-parameters", "\(text) is more than one", "name the whole id, and the backend with --backend")
    }
    retrying[refusal.sequence, default: []].append(
      PendingRetry(request: id, retry: Retry(backend: refusal.backend, original: refusal.sequence), caller: caller))
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
          pending.caller.audit("send a refused reading again to \(pending.retry.backend)"),
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
  var caller: CallerName
}
