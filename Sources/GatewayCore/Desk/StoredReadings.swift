// Which stored readings a person asks for, read from the words of the request.

internal import ControlProtocol
internal import Ledger
internal import Readings

extension View {
  /// Stored readings by a filter.
  func readings(_ id: RequestID, _ filter: ControlRequest.ReadingsFilter) -> [Effect] {
    var query = ReadingQuery(patient: filter.patient, parkedOnly: filter.parked, limit: filter.limit)
    query.device = filter.device
    query.zones = filter.zones
    for (name, text) in [("since", filter.since), ("until", filter.until)] {
      guard let text else { continue }
      guard let instant = SinceText.milliseconds(text, now: now.wall, zone: house.zone) else {
        return .failure(
          id, "bad-parameters", SinceText.complaint(text, of: name), "understood: \(SinceText.examples)")
      }
      if name == "since", let fault = SinceText.future(instant, text, of: name, now: now.wall, zone: house.zone) {
        return .failure(id, "bad-parameters", fault, "nothing is measured later than now; \(SinceText.examples)")
      }
      if name == "since" { query.since = instant } else { query.until = instant }
    }
    if let since = query.since, let until = query.until, until < since {
      return .failure(
        id, "bad-parameters",
        "until: \"\(filter.until ?? "")\" lies before since: \"\(filter.since ?? "")\", and nothing is between them",
        "the beginning is --since, the end is --until")
    }
    if let text = filter.kind {
      guard let kind = ReadingKind(rawValue: text) else {
        let known = ReadingKind.allCases.map(\.rawValue).joined(separator: ", ")
        return .failure(id, "bad-parameters", "kind: \"\(text)\" is unknown", "known: \(known)")
      }
      query.kind = kind
    }
    return answer(id, patient: filter.patient, device: filter.device, .readings(query))
  }
}
