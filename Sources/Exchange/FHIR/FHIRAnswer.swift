// How a FHIR server's answer to a Bundle is read (R4 3.1.0.11, batch and transaction responses). Only an answer for every entry is an
// acknowledgement; what is not sure is sent again octet by octet, which conditional creation makes harmless.

internal import JSON

/// What came back over HTTP.
package struct HTTPReply: Sendable {
  /// The status code.
  package var status: Int
  /// As they came.
  package var headers: [(name: String, value: String)]
  /// As much of the body as is read.
  package var body: [UInt8]
  /// The body was longer than is read.
  package var isTruncated: Bool
  /// In which form the request's body went out.
  package var sent: SentForm

  /// What came back.
  package init(
    status: Int, headers: [(name: String, value: String)] = [], body: [UInt8], isTruncated: Bool = false,
    sent: SentForm = .plain
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.isTruncated = isTruncated
    self.sent = sent
  }

  /// The first header of that name.
  package func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// The body as JSON; nil for a portal's page, a cut or an oversized body.
  var json: JSONValue? {
    guard !isTruncated, !body.isEmpty else { return nil }
    if let type = header("content-type")?.lowercased(), type.hasPrefix("text/html") { return nil }
    return HTTPReply.value(body)
  }
}

/// The answers of a FHIR server.
package enum FHIRAnswer {
  /// How often a batch is tried whose entries, or whose whole, the server fails to digest, before the reading that does it is
  /// looked for and set aside.
  package static let mostAttempts = 6

  /// Reads an answer.
  ///
  /// - Parameters:
  ///   - request: what was sent.
  ///   - isConditional: a 200 for an entry means that the server had it.
  ///   - attempt: 1 for the first time that these octets are answered.
  package static func read(
    _ reply: HTTPReply, to request: EncodedRequest, isConditional: Bool, attempt: Int, trustsSuccess: Bool,
    nowMilliseconds: Int64
  ) -> UploadOutcome {
    let outcome = OperationOutcome(reply.json)
    if let whole = HTTPAnswer.outcome(
      status: reply.status, headers: reply.headers, nowMilliseconds: nowMilliseconds)
    {
      return refine(whole, outcome, reply.status, request, attempt)
    }
    if reply.body.isEmpty {
      guard trustsSuccess, [200, 201, 204].contains(reply.status) else {
        return .unknown(code: reply.status == 202 ? "answer.not-stored" : "answer.empty")
      }
      return .items(Dictionary(request.items.map { ($0, .stored) }, uniquingKeysWith: { first, _ in first }))
    }
    guard reply.status != 202 else { return .unknown(code: "answer.not-stored") }
    guard let bundle = reply.json, bundle["resourceType"] == "Bundle",
      ["transaction-response", "batch-response"].contains(bundle["type"]?.string)
    else { return .unknown(code: "answer.unreadable") }
    return entries(bundle["entry"]?.array ?? [], request, isConditional, attempt)
  }

  /// The status of the whole, and what the OperationOutcome adds to it.
  private static func refine(
    _ whole: UploadOutcome, _ outcome: OperationOutcome?, _ status: Int, _ request: EncodedRequest, _ attempt: Int
  ) -> UploadOutcome {
    switch whole {
    case .refused(let code, let text):
      guard let outcome else { return .refused(code: code, text: text) }
      if outcome.isTransient { return .busy(after: nil, code: code) }
      if outcome.isAccess { return .misconfigured(code: code, text: outcome.text) }
      if outcome.isDuplicate, request.items.count == 1 {
        return .items([request.items[0]: .duplicate])
      }
      // A device or patient that the server cannot tell from another is nothing that a reading cures.
      let shared = outcome.entries.filter { $0 < request.entries.count && request.entries[$0].item == nil }
      if !shared.isEmpty, shared == outcome.entries {
        return .misconfigured(code: "fhir.shared-entry", text: outcome.text)
      }
      return .refused(code: code, text: outcome.text)
    case .busy where status == 500 && attempt >= mostAttempts:
      // A server that says 500 for the same octets again and again, in words of its own, does not digest them.
      guard let outcome, !outcome.isTransient else { return whole }
      return .refused(code: "http.500", text: outcome.text)
    case .misconfigured(let code, let text):
      return .misconfigured(code: code, text: outcome?.text ?? text)
    case .busy, .unknown, .untrusted, .tooLarge, .items: return whole
    }
  }

  /// What became of one entry.
  private enum EntryResult {
    case created
    case known
    case refused(String)
    case transient
    case access(String)
  }

  private static func entries(
    _ list: [JSONValue], _ request: EncodedRequest, _ isConditional: Bool, _ attempt: Int
  ) -> UploadOutcome {
    guard let ordered = matched(list, request.entries) else {
      return .unknown(code: "answer.incomplete")
    }
    var results: [String: ItemResult] = [:]
    var access: [String] = []
    var isTransient = false
    var sharedFault: String?
    for (entry, answer) in zip(request.entries, ordered) {
      guard let result = result(answer, isConditional) else {
        return .unknown(code: "answer.incomplete")
      }
      guard let item = entry.item else {
        switch result {
        case .refused(let reason), .access(let reason): sharedFault = reason
        case .transient: isTransient = true
        case .created, .known: break
        }
        continue
      }
      switch result {
      case .created: results[item] = merged(results[item], .stored)
      case .known: results[item] = merged(results[item], .duplicate)
      case .refused(let reason): results[item] = merged(results[item], .rejected(reason))
      case .access(let reason):
        access.append(reason)
        results[item] = merged(results[item], .rejected(reason))
      case .transient:
        isTransient = true
        results[item] = merged(results[item], .rejected("the server failed to store it, again and again"))
      }
    }
    if let sharedFault { return .misconfigured(code: "fhir.shared-entry", text: sharedFault) }
    if let reason = access.first, access.count == request.entries.count {
      return .misconfigured(code: "fhir.access", text: reason)
    }
    // One entry that the server fails on must not hold the rest for ever.
    if isTransient, attempt < mostAttempts { return .unknown(code: "answer.entry-failed") }
    guard request.items.allSatisfy({ results[$0] != nil }) else {
      return .unknown(code: "answer.incomplete")
    }
    return .items(results)
  }

  /// The answers in the order of the request: by `fullUrl` where each of ours is named, however many others are; else by index, where
  /// there are as many answers as entries. UUIDs are compared without case (RFC 9562, 4). What is no answer, such as an
  /// OperationOutcome about the whole, counts for none.
  private static func matched(_ list: [JSONValue], _ entries: [EncodedRequest.Entry]) -> [JSONValue]? {
    let answers = list.filter { $0["response"] != nil }
    let byURL = Dictionary(
      answers.compactMap { answer in answer["fullUrl"]?.string.map { ($0.lowercased(), answer) } },
      uniquingKeysWith: { first, _ in first })
    let named = entries.compactMap { byURL[$0.fullURL.lowercased()] }
    if named.count == entries.count { return named }
    guard answers.count == entries.count else { return nil }
    // Some of ours are named: then they have to stand where the index says, or it says nothing of the others.
    let isInOrder = zip(answers, entries).allSatisfy { answer, entry in
      guard let url = answer["fullUrl"]?.string?.lowercased() else { return true }
      return url == entry.fullURL.lowercased() || !entries.contains { $0.fullURL.lowercased() == url }
    }
    return isInOrder ? answers : nil
  }

  private static func result(_ entry: JSONValue, _ isConditional: Bool) -> EntryResult? {
    guard let response = entry["response"], let text = response["status"]?.string,
      let status = Int(text.prefix(3))
    else { return nil }
    let outcome = OperationOutcome(response["outcome"]) ?? OperationOutcome(entry["resource"])
    let reason = ServerText.line("\(status)\(outcome.map { " \($0.text)" } ?? "")")
    switch status {
    case 201: return .created
    case 202: return .transient
    case 200, 304: return isConditional ? .known : .created
    case 203...299: return .created
    case 401, 403: return .access(reason)
    case 408, 409, 425, 429, 500...599:
      if let outcome, outcome.isDuplicate { return .known }
      return .transient
    default:
      guard let outcome else { return .refused(reason) }
      if outcome.isDuplicate { return .known }
      return outcome.isTransient ? .transient : .refused(reason)
    }
  }

  /// A reading is as well off as its worst entry: refused before stored before known.
  private static func merged(_ old: ItemResult?, _ new: ItemResult) -> ItemResult {
    switch (old, new) {
    case (.rejected?, _): old ?? new
    case (_, .rejected), (nil, _), (.duplicate?, _): new
    case (.stored?, _), (.unfit?, _), (.passedOver?, _): .stored
    }
  }
}

/// The answers of a receiver of CloudEvents (HTTP 1.1 Web Hooks for Event Delivery 2.2): any success takes the batch.
package enum CloudEventsAnswer {
  /// Reads an answer. A page of HTML is a portal's, not a broker's.
  package static func read(_ reply: HTTPReply, to request: EncodedRequest, nowMilliseconds: Int64) -> UploadOutcome {
    if let outcome = HTTPAnswer.outcome(
      status: reply.status, headers: reply.headers, nowMilliseconds: nowMilliseconds)
    {
      return outcome
    }
    guard !reply.isPage, [200, 201, 202, 204].contains(reply.status) else {
      return .unknown(code: "answer.unreadable")
    }
    return .items(Dictionary(request.items.map { ($0, .stored) }, uniquingKeysWith: { first, _ in first }))
  }
}
