// What a FHIR server may answer, and what it means: only an answer for every entry acknowledges.

import Exchange
import JSON
import Testing

/// A transaction of a device and two readings; the second has two entries.
private let request = EncodedRequest(
  key: "k", body: Array("{}".utf8), items: ["a", "b"],
  entries: [
    .init(fullURL: "urn:uuid:0", item: nil, resourceType: "Device"),
    .init(fullURL: "urn:uuid:1", item: "a", resourceType: "Observation"),
    .init(fullURL: "urn:uuid:2", item: "b", resourceType: "Observation"),
    .init(fullURL: "urn:uuid:3", item: "b", resourceType: "Observation"),
  ])

private func read(
  _ status: Int, _ body: String = "", type: String = "application/fhir+json", truncated: Bool = false,
  attempt: Int = 1, trusts: Bool = false, conditional: Bool = true, to request: EncodedRequest = request
) -> UploadOutcome {
  FHIRAnswer.read(
    HTTPReply(
      status: status, headers: [("Content-Type", type)], body: Array(body.utf8), isTruncated: truncated), to: request,
    isConditional: conditional, attempt: attempt, trustsSuccess: trusts, nowMilliseconds: 0)
}

private func bundle(_ statuses: [String], outcomes: [Int: String] = [:], urls: [Int] = []) -> String {
  let entries = statuses.enumerated().map { index, status in
    let url = index < urls.count ? #""fullUrl":"urn:uuid:\#(urls[index])","# : ""
    let outcome = outcomes[index].map { #","outcome":\#($0)"# } ?? ""
    return #"{\#(url)"response":{"status":"\#(status)"\#(outcome)}}"#
  }
  return #"{"resourceType":"Bundle","type":"batch-response","entry":[\#(entries.joined(separator: ","))]}"#
}

private func outcome(_ code: String, text: String? = nil, at place: String? = nil) -> String {
  let details = text.map { #","details":{"text":"\#($0)"}"# } ?? ""
  let expression = place.map { #","expression":["\#($0)"]"# } ?? ""
  return
    #"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"\#(code)"\#(details)\#(expression)}]}"#
}

private func isRetry(_ outcome: UploadOutcome) -> Bool {
  switch outcome {
  case .busy, .unknown: true
  default: false
  }
}

@Suite struct FHIRAnswerTests {
  @Test func whatServersMayLawfullySendIsTaken() {
    let created = #"{"fullUrl":"URN:UUID:%","response":{"status":"201 Created"}}"#
    func answer(_ urls: [Int], more: String = "") -> String {
      let entries = urls.map { created.replacing("%", with: "\($0)") } + (more.isEmpty ? [] : [more])
      return #"{"resourceType":"Bundle","type":"transaction-response","entry":[\#(entries.joined(separator: ","))]}"#
    }
    let taken = UploadOutcome.items(["a": .stored, "b": .stored])
    // In capitals, in another order, with one more, behind a byte order mark.
    #expect(read(200, answer([0, 1, 2, 3])) == taken)
    #expect(read(200, answer([3, 1, 0, 2])) == taken)
    #expect(read(200, answer([3, 1, 7, 0, 2])) == taken)
    #expect(read(200, "\u{FEFF}" + answer([0, 1, 2, 3])) == taken)
    let remark = #"{"resource":{"resourceType":"OperationOutcome","issue":[]}}"#
    #expect(read(200, answer([0, 1, 2, 3], more: remark)) == taken)
    #expect(read(200, bundle(["201", "201", "201", "201"]).replacing("]}", with: ",\(remark)]}")) == taken)
    // Some are named, and stand elsewhere: whose the others are is not known.
    #expect(read(200, answer([3, 1, 0, 7])) == .unknown(code: "answer.incomplete"))
    // One more without names: whose is whose is not known.
    #expect(read(200, bundle(["201", "201", "201", "201", "201"])) == .unknown(code: "answer.incomplete"))
  }

  @Test func createdIsStoredAndFoundIsKnown() {
    #expect(
      read(200, bundle(["200 OK", "201 Created", "200 OK", "200"])) == .items(["a": .stored, "b": .duplicate]))
    #expect(read(200, bundle(["200", "201", "201", "200"])) == .items(["a": .stored, "b": .stored]))
    // Without conditional creation a 200 is the receiver's word for stored.
    #expect(
      read(200, bundle(["200", "200", "200", "200"]), conditional: false) == .items(["a": .stored, "b": .stored]))
  }

  @Test func aRefusedEntryRefusesItsReadingAlone() {
    let body = bundle(["200", "201", "201", "422"], outcomes: [3: outcome("value", text: "out of\\nrange")])
    #expect(read(200, body) == .items(["a": .stored, "b": .rejected("422 value: out of range")]))
    #expect(read(207, bundle(["200", "404", "201", "201"])) == .items(["a": .rejected("404"), "b": .stored]))
    let known = bundle(["200", "409", "201", "201"], outcomes: [1: outcome("duplicate")])
    #expect(read(200, known) == .items(["a": .duplicate, "b": .stored]))
  }

  @Test func answersAreMatchedByURLWhereTheyHaveOneElseByIndex() {
    let body = bundle(["201", "400", "201", "201"], urls: [3, 1, 0, 2])
    #expect(read(200, body) == .items(["a": .rejected("400"), "b": .stored]))
    // Addresses that the server gave by itself tell nothing.
    let own = bundle(["201", "400", "201", "201"], urls: [7, 8, 9, 10])
    #expect(read(200, own) == .items(["a": .rejected("400"), "b": .stored]))
  }

  @Test(arguments: [
    "<html>welcome</html>", "{}", "[]", #"{"resourceType":"Bundle"}"#,
    #"{"resourceType":"Bundle","type":"searchset","entry":[]}"#, bundle(["201", "201"]),
    bundle(["201", "201", "201", "201", "201"]), bundle(["201", "201", "ok", "201"]),
    #"{"resourceType":"Bundle","type":"batch-response","entry":[{},{},{},{}]}"#, #"{"resourceType":"Patient"}"#,
    #"{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201"#,
  ])
  func whatDoesNotAnswerEveryEntryIsSentAgain(body: String) {
    #expect(isRetry(read(200, body)))
  }

  @Test func cutOversizedAndPortalsBodiesAreUnknown() {
    let good = bundle(["200", "201", "201", "201"])
    #expect(isRetry(read(200, good, truncated: true)))
    #expect(isRetry(read(200, good, type: "text/html; charset=utf-8")))
    #expect(!isRetry(read(200, good)))
  }

  @Test func anEmptySuccessCountsOnlyWhereItIsTrusted() {
    for status in [200, 201, 202, 204] { #expect(isRetry(read(status))) }
    for status in [200, 201, 204] { #expect(read(status, trusts: true) == .items(["a": .stored, "b": .stored])) }
    #expect(isRetry(read(202, trusts: true)))
  }

  @Test func anEntryThatTheServerFailsOnIsTriedAgainAndThenSetAside() {
    let body = bundle(["200", "500", "201", "201"])
    for attempt in 1..<FHIRAnswer.mostAttempts { #expect(isRetry(read(200, body, attempt: attempt))) }
    guard case .items(let results) = read(200, body, attempt: FHIRAnswer.mostAttempts) else {
      Issue.record("still tried")
      return
    }
    #expect(results["b"] == .stored)
    guard case .rejected? = results["a"] else {
      Issue.record("not set aside")
      return
    }
  }

  @Test func issueCodesSayMoreThanTheStatus() {
    #expect(isRetry(read(400, outcome("lock-error"))))
    #expect(isRetry(read(422, outcome("throttled"))))
    #expect(read(400, outcome("value", text: "bad")) == .refused(code: "http.400", text: "value: bad"))
    #expect(read(400, outcome("expired")) == .misconfigured(code: "http.400", text: "expired"))
    let one = EncodedRequest(key: "k", body: [], items: ["a"], entries: [request.entries[1]])
    #expect(read(422, outcome("duplicate"), to: one) == .items(["a": .duplicate]))
    #expect(read(422, outcome("duplicate")) == .refused(code: "http.422", text: "duplicate"))
  }

  @Test func severalMatchesOfADeviceAreTheTechniciansOfAReadingItsOwn() {
    let device = outcome("multiple-matches", text: "two devices", at: "Bundle.entry[0]")
    #expect(read(412, device) == .misconfigured(code: "fhir.shared-entry", text: "multiple-matches: two devices"))
    let reading = outcome("multiple-matches", at: "Bundle.entry[2].resource")
    #expect(read(412, reading) == .refused(code: "http.412", text: "multiple-matches"))
    #expect(read(412) == .refused(code: "http.412", text: "the backend refuses the batch"))
    #expect(
      read(200, bundle(["412", "201", "201", "201"])) == .misconfigured(code: "fhir.shared-entry", text: "412"))
  }

  @Test func noRightToAnythingIsTheTechnicians() {
    let one = EncodedRequest(key: "k", body: [], items: ["a"], entries: [request.entries[1]])
    #expect(read(200, bundle(["403"]), to: one) == .misconfigured(code: "fhir.access", text: "403"))
    #expect(read(200, bundle(["200", "403", "201", "201"])) == .items(["a": .rejected("403"), "b": .stored]))
  }

  @Test func aServerThatChokesOnTheSameOctetsEndsInASearch() {
    let body = outcome("processing", text: "null pointer")
    #expect(isRetry(read(500, body, attempt: 5)))
    #expect(read(500, body, attempt: 6) == .refused(code: "http.500", text: "processing: null pointer"))
    #expect(isRetry(read(500, outcome("timeout"), attempt: 60)))
    #expect(isRetry(read(503, body, attempt: 60)))
    #expect(isRetry(read(500, "", attempt: 60)))
  }

  @Test(arguments: [
    (301, true), (302, true), (401, true), (403, true), (404, true), (405, true), (406, true), (410, true), (415, true),
  ]) func whatWaitingDoesNotCure(status: Int, _: Bool) {
    guard case .misconfigured("http.\(status)", _) = read(status) else {
      Issue.record("\(status)")
      return
    }
  }

  @Test func everyPrefixAndEveryFlippedOctetOfAnAnswerIsReadWithoutATrap() {
    let whole = Array(
      bundle(["200", "201", "422", "201"], outcomes: [2: outcome("value", text: "x", at: "entry[2]")]).utf8)
    for length in 0..<whole.count {
      #expect(isRetry(read(200, String(decoding: whole[..<length], as: UTF8.self))))
    }
    for index in whole.indices {
      var octets = whole
      octets[index] ^= 0x11
      let outcome = FHIRAnswer.read(
        HTTPReply(status: 200, body: octets), to: request, isConditional: true, attempt: 1, trustsSuccess: false,
        nowMilliseconds: 0)
      // Never an acknowledgement of a reading whose entry was refused.
      if case .items(let results) = outcome { #expect(Set(results.keys) == ["a", "b"]) }
    }
  }
}
