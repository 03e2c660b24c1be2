// What is wrong with an answer by the contract, in words for whoever writes or sets up a backend. Deciding is done elsewhere, by each
// format's own reader: this only says why it could not.

internal import JSON

/// Holds answers against the contract.
package enum AnswerContract {
  /// What is wrong with the answer to a request; nil where nothing is, or where the status says it all.
  package static func fault(
    _ reply: HTTPReply, to request: EncodedRequest, _ format: ExchangeFormat, trustsSuccess: Bool
  ) -> String? {
    guard (200...299).contains(reply.status) else { return nil }
    if reply.isTruncated { return "its body breaks off, or is larger than is read" }
    if reply.isPage { return "its body is a page of HTML, as a portal or a proxy sends it" }
    switch format {
    case .cloudEvents:
      return [200, 201, 202, 204].contains(reply.status)
        ? nil : "its status is \(reply.status); expected 200, 201, 202 or 204"
    case .native: return native(reply, request, trustsSuccess)
    case .phd, .observations: return fhir(reply, request, trustsSuccess)
    }
  }

  private static func native(_ reply: HTTPReply, _ request: EncodedRequest, _ trustsSuccess: Bool) -> String? {
    if reply.body.isEmpty {
      guard !(trustsSuccess && [200, 204].contains(reply.status)) else { return nil }
      return
        "it says nothing of the readings; expected {\"results\": […]}, or \"trust_2xx\": true in the configuration"
    }
    guard reply.status == 200 || reply.status == 207 else {
      return "its status is \(reply.status); expected 200 with {\"results\": […]}"
    }
    guard let answer = reply.json else { return "its body is no JSON" }
    guard let results = answer["results"]?.array else { return "its body has no list \"results\"" }
    for id in request.items {
      let found = results.first { $0["id"]?.string?.lowercased() == id.lowercased() }
      guard let found else {
        return "its \"results\" have \(results.count) entries and none with the id that was sent, \(id)"
      }
      guard let status = found["status"]?.string else { return "the result of \(id) has no \"status\"" }
      guard ["stored", "duplicate", "rejected"].contains(status) else {
        return "the status \"\(ServerText.line(status))\" is none of stored, duplicate and rejected"
      }
    }
    return nil
  }

  private static func fhir(_ reply: HTTPReply, _ request: EncodedRequest, _ trustsSuccess: Bool) -> String? {
    if reply.body.isEmpty {
      guard !(trustsSuccess && [200, 201, 204].contains(reply.status)) else { return nil }
      return "it has no body; expected a Bundle, or \"trust_2xx\": true in the configuration"
    }
    if reply.status == 202 { return "its status is 202: nothing is stored yet; expected 200 with a Bundle" }
    guard let bundle = reply.json else { return "its body is no JSON" }
    guard let type = bundle["resourceType"]?.string else { return "its body is no FHIR resource" }
    guard type == "Bundle" else {
      return
        "its body is the resource \(ServerText.line(type)); expected a Bundle: does the address end at the server's base?"
    }
    guard ["transaction-response", "batch-response"].contains(bundle["type"]?.string) else {
      return "its Bundle is no transaction-response and no batch-response"
    }
    let entries = bundle["entry"]?.array ?? []
    guard entries.count >= request.entries.count else {
      return "its Bundle has \(entries.count) entries; \(request.entries.count) were sent"
    }
    guard let place = entries.firstIndex(where: { $0["response"]?["status"]?.string == nil }) else { return nil }
    return "entry[\(place)] of its Bundle has no response.status"
  }
}
