// How the answers of a backend are read: only an answer for every item is an acknowledgement.

import Exchange
import JSON
import Testing

private let ids = ["a", "b"]

private func read(
  _ status: Int, _ body: String = "", headers: [(name: String, value: String)] = [], trusts: Bool = false,
  truncated: Bool = false
) -> UploadOutcome {
  NativeAnswer.read(
    status: status, headers: headers, body: Array(body.utf8), isTruncated: truncated, expected: ids,
    trustsSuccess: trusts,
    nowMilliseconds: 784_111_777_000)
}

@Suite struct NativeAnswerTests {
  @Test func everyItemHasItsResult() {
    let body =
      #"{"results":[{"id":"a","status":"stored"},{"id":"b","status":"rejected","problem":{"type":"range","title":"too high","detail":"190"}}]}"#
    #expect(read(200, body) == .items(["a": .stored, "b": .rejected("range: too high")]))
    #expect(
      read(200, #"{"results":[{"id":"a","status":"duplicate"},{"id":"b","status":"stored"}]}"#)
        == .items(["a": .duplicate, "b": .stored]))
  }

  @Test(arguments: [
    "", "<html>portal</html>", "{}", #"{"results":[]}"#, #"{"results":[{"id":"a","status":"stored"}]}"#,
    #"{"results":[{"id":"a","status":"stored"},{"id":"b","status":"perhaps"}]}"#,
    #"{"results":[{"id":"a","status":"stored"},"#, "[]", "null",
  ])
  func successThatDoesNotAnswerEveryItemIsUnknown(body: String) {
    guard case .unknown = read(200, body) else {
      Issue.record("taken: \(body)")
      return
    }
  }

  @Test func whatReceiversMayLawfullySendIsTaken() {
    let taken = UploadOutcome.items(["a": .stored, "b": .duplicate])
    for body in [
      // In another order, with others between, under identifiers in capitals, behind a byte order mark.
      #"{"results":[{"id":"b","status":"duplicate"},{"id":"a","status":"stored"}]}"#,
      #"{"results":[{"id":"c","status":"rejected"},{"id":"a","status":"stored"},{"id":"b","status":"duplicate"},{"status":"stored"}],"more":1}"#,
      #"{"results":[{"id":"A","status":"stored"},{"id":"B","status":"duplicate"}]}"#,
      "\u{FEFF}" + #"{"results":[{"id":"a","status":"stored"},{"id":"b","status":"duplicate"}]}"#,
    ] {
      #expect(read(200, body) == taken, "\(body)")
      #expect(read(207, body) == taken, "\(body)")
    }
    // One mark, not more, and none alone.
    for body in ["\u{FEFF}", "\u{FEFF}\u{FEFF}{\"results\":[]}"] {
      #expect(read(200, body) == .unknown(code: "answer.unreadable"), "\(body)")
    }
  }

  @Test func aTruncatedAnswerIsUnknown() {
    let body = #"{"results":[{"id":"a","status":"stored"},{"id":"b","status":"stored"}]}"#
    #expect(read(200, body, truncated: true) == .unknown(code: "answer.unreadable"))
  }

  @Test func noContentCountsOnlyWhereItIsTrusted() {
    #expect(read(204) == .unknown(code: "answer.empty"))
    #expect(read(204, trusts: true) == .items(["a": .stored, "b": .stored]))
    #expect(read(202, trusts: true) == .unknown(code: "answer.not-stored"))
  }

  @Test(arguments: [408, 409, 425, 429, 500, 502, 503, 504, 599])
  func transientAnswersAreTriedAgain(status: Int) {
    #expect(read(status) == .busy(after: nil, code: "http.\(status)"))
  }

  @Test(arguments: [301, 302, 303, 307, 308, 401, 403, 404, 405, 406, 410, 415])
  func whatWaitingDoesNotCure(status: Int) {
    guard case .misconfigured("http.\(status)", _) = read(status) else {
      Issue.record("\(status)")
      return
    }
  }

  @Test(arguments: [400, 402, 412, 418, 422, 451])
  func aRefusedBatchIsSearchedForTheBadItem(status: Int) {
    guard case .refused("http.\(status)", _) = read(status) else {
      Issue.record("\(status)")
      return
    }
  }

  @Test func tooLarge() { #expect(read(413) == .tooLarge) }

  @Test(arguments: [
    ("120", Int64?.some(120_000)), ("0", 0), ("999999999", 3_600_000), ("99999999999999999999", 3_600_000),
    ("Sun, 06 Nov 1994 08:50:37 GMT", 60_000), ("Sun, 06 Nov 1994 08:00:00 GMT", 0), ("soon", nil), ("-5", nil),
    ("", nil),
  ])
  func retryAfterIsSecondsOrADate(text: String, milliseconds: Int64?) {
    #expect(read(503, headers: [("retry-after", text)]) == .busy(after: milliseconds, code: "http.503"))
  }

  @Test func theBatchIsTheContracts() throws {
    let octets = NativeBatch.encode(
      batchID: "b-1", hubID: "hub", sentAtMilliseconds: 1_795_245_330_000, bootID: "boot",
      readings: [Array(#"{"id":"a"}"#.utf8)],
      events: [Array(#"{"id":"e"}"#.utf8), Array(#"{"id":"f"}"#.utf8)])
    #expect(
      String(decoding: octets, as: UTF8.self)
        == #"{"version":1,"batch_id":"b-1","hub_id":"hub","sent_at":"2026-11-21T07:15:30.000+00:00","boot_id":"boot","readings":[{"id":"a"}],"events":[{"id":"e"},{"id":"f"}]}"#
    )
  }
}
