// The daemon's side: every request gets exactly one outcome, or is told to be unknown when the connection ends.

import Testing
import UplinkProtocol

@Suite struct ConversationTests {
  private func request(_ id: UInt64) -> UplinkRequest {
    UplinkRequest(id: id, method: "POST", url: "https://a.example/", deadlineMilliseconds: 1000)
  }

  private func failure(_ id: UInt64) -> UplinkResponse { UplinkResponse(id: id, outcome: .failure(.dns, detail: "")) }

  @Test func responsesComeInAnyOrder() throws {
    var conversation = UplinkConversation()
    let octets = try conversation.send(request(1))
    #expect(try octets == request(1).frame())
    _ = try conversation.send(request(2))
    let responses = conversation.received(failure(2).frame() + failure(1).frame())
    #expect(responses == [failure(2), failure(1)])
    #expect(conversation.outstanding.isEmpty)
    let unknown = conversation.closed()
    #expect(unknown.isEmpty)
  }

  @Test func whatWaitsWhenTheConnectionEndsIsUnknown() throws {
    var conversation = UplinkConversation()
    for id in [3, 1, 2] { _ = try conversation.send(request(UInt64(id))) }
    let half = failure(1).frame()
    let responses = conversation.received(failure(2).frame() + half.prefix(half.count - 1))
    #expect(responses == [failure(2)])
    let unknown = conversation.closed()
    #expect(unknown == [1, 3])
    // The next connection starts anew: the half frame is forgotten, and the ids are free.
    _ = try conversation.send(request(1))
    let again = conversation.received(failure(1).frame())
    #expect(again == [failure(1)])
  }

  @Test func anIdThatWaitsIsNotUsedAgain() throws {
    var conversation = UplinkConversation()
    _ = try conversation.send(request(1))
    #expect(throws: UplinkRuleError.self) { _ = try conversation.send(request(1)) }
  }

  @Test func aRequestThatBreaksARuleDoesNotWait() {
    var conversation = UplinkConversation()
    var bad = request(1)
    bad.method = ""
    #expect(throws: UplinkRuleError.self) { _ = try conversation.send(bad) }
    #expect(conversation.outstanding.isEmpty)
  }

  @Test func garbageAfterAResponseDoesNotTakeTheResponseAway() throws {
    var conversation = UplinkConversation()
    _ = try conversation.send(request(1))
    _ = try conversation.send(request(2))
    let responses = conversation.received(failure(1).frame() + [0x00])
    #expect(responses == [failure(1)])
    #expect(conversation.failure != nil)
    let late = conversation.received(failure(2).frame())
    #expect(late.isEmpty)
    let unknown = conversation.closed()
    #expect(unknown == [2])
    #expect(conversation.failure == nil)
  }

  @Test func aResponseThatNobodyWaitsForIsAFailure() throws {
    var conversation = UplinkConversation()
    _ = try conversation.send(request(1))
    let responses = conversation.received(failure(9).frame())
    #expect(responses.isEmpty)
    #expect(conversation.failure != nil)
    #expect(conversation.outstanding == [1])
  }

  @Test func aRequestFromTheUplinkIsAFailure() throws {
    var conversation = UplinkConversation()
    let responses = conversation.received(try request(1).frame())
    #expect(responses.isEmpty)
    #expect(conversation.failure != nil)
  }
}
