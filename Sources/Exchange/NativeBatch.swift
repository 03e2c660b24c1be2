// The native batch, version 1: readings and events in one request, an answer for each.

internal import JSON
internal import Zones

/// The request of a native backend.
package enum NativeBatch {
  /// The body of a batch. `readings` and `events` are encoded objects.
  package static func encode(
    batchID: String, hubID: String, sentAtMilliseconds: Int64, bootID: String, readings: [[UInt8]], events: [[UInt8]]
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: 256 + readings.reduce(0) { $0 + $1.count + 1 })
    writer.beginObject()
    writer.member("version", 1)
    writer.member("batch_id", batchID)
    writer.member("hub_id", hubID)
    writer.member("sent_at", ISO8601.text(milliseconds: sentAtMilliseconds, offsetSeconds: 0, withMilliseconds: true))
    writer.member("boot_id", bootID)
    writer.key("readings")
    writer.beginArray()
    for reading in readings { writer.raw(reading) }
    writer.endArray()
    writer.key("events")
    writer.beginArray()
    for event in events { writer.raw(event) }
    writer.endArray()
    writer.endObject()
    return writer.octets
  }
}

/// The answer of a native backend.
package enum NativeAnswer {
  /// Reads an answer to a batch with the items `expected`. A 2xx whose body does not answer every item is no acknowledgement:
  /// it may come from a proxy or a portal.
  package static func read(
    status: Int, headers: [(name: String, value: String)], body: [UInt8], isTruncated: Bool, expected: [String],
    trustsSuccess: Bool, nowMilliseconds: Int64
  ) -> UploadOutcome {
    if let outcome = HTTPAnswer.outcome(status: status, headers: headers, nowMilliseconds: nowMilliseconds) {
      return outcome
    }
    if trustsSuccess, status == 204 || status == 200 && body.isEmpty {
      return .items(Dictionary(expected.map { ($0, .stored) }, uniquingKeysWith: { first, _ in first }))
    }
    guard status == 200 || status == 207 else {
      return .unknown(code: status == 204 ? "answer.empty" : "answer.not-stored")
    }
    guard !isTruncated, let answer = HTTPReply.value(body), let list = answer["results"]?.array
    else { return .unknown(code: "answer.unreadable") }
    // A UUID is compared without case (RFC 9562, 4). What else is answered about counts for nothing.
    let known = Dictionary(expected.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    var results: [String: ItemResult] = [:]
    for item in list {
      guard let id = item["id"]?.string.flatMap({ known[$0.lowercased()] }), let status = item["status"]?.string
      else { continue }
      switch status {
      case "stored": results[id] = .stored
      case "duplicate": results[id] = .duplicate
      case "rejected": results[id] = .rejected(reason(item["problem"]))
      default: continue
      }
    }
    guard expected.allSatisfy({ results[$0] != nil }) else {
      return .unknown(code: "answer.incomplete")
    }
    return .items(results)
  }

  /// Type and title of a problem (RFC 9457); never its detail, which may echo values.
  private static func reason(_ problem: JSONValue?) -> String {
    if let text = problem?.string { return String(text.prefix(200)) }
    let parts = [problem?["type"]?.string, problem?["title"]?.string, problem?["code"]?.string].compactMap { $0 }
    return parts.isEmpty ? "no reason given" : String(parts.joined(separator: ": ").prefix(200))
  }
}
