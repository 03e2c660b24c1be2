// Frames survive the way, however they are cut up, and nothing that is no frame gets through or traps.

import Octets
import Testing
import UplinkProtocol

@Suite struct FrameTests {
  @Test func everyFieldSurvivesTheWay() throws {
    let stream = try Samples.request.frame() + Samples.answer.frame() + Samples.failure.frame()
    let expected: [UplinkFrame] = [
      .request(Samples.request), .response(Samples.answer), .response(Samples.failure),
    ]
    #expect(try Samples.decode(stream) == expected)
  }

  @Test func theUsualRequestSurvivesToo() throws {
    let request = UplinkRequest(id: 1, method: "GET", url: "https://a.example/", deadlineMilliseconds: 1)
    #expect(try Samples.decode(request.frame()) == [.request(request)])
    #expect(request.maximumResponseBody == 1 << 20)
    #expect(!request.allowPlainHTTP && !request.profile.allowProxyEnvironment)
  }

  @Test(arguments: UplinkFailureKind.allCases) func everyFailureKindSurvives(kind: UplinkFailureKind) throws {
    let response = UplinkResponse(id: 3, outcome: .failure(kind, detail: kind.code))
    #expect(try Samples.decode(response.frame()) == [.response(response)])
  }

  @Test func octetByOctet() throws {
    let stream = try Samples.request.frame() + Samples.answer.frame()
    var decoder = UplinkFrameDecoder()
    var frames: [UplinkFrame] = []
    for octet in stream {
      decoder.append([octet])
      while let frame = try decoder.next() { frames.append(frame) }
    }
    #expect(frames == [.request(Samples.request), .response(Samples.answer)])
    #expect(!decoder.isInsideFrame)
  }

  @Test func everyPrefixWaitsForMore() throws {
    let frame = try Samples.request.frame()
    for count in 0..<frame.count {
      var decoder = UplinkFrameDecoder()
      decoder.append(frame.prefix(count))
      #expect(try decoder.next() == nil)
      #expect(decoder.isInsideFrame == (count > 0))
    }
  }

  @Test(arguments: [0, 1]) func everyChangedOctetIsAFrameOrAnError(which: Int) throws {
    let frame = which == 0 ? try Samples.request.frame() : Samples.answer.frame()
    var refused = 0
    for index in frame.indices {
      for change in UInt8(1)...255 {
        var changed = frame
        changed[index] ^= change
        var decoder = UplinkFrameDecoder()
        decoder.append(changed)
        do throws(DecodeError) { _ = try decoder.next() } catch { refused += 1 }
      }
    }
    // At least every change of magic, version, kind and the reserved octets, but for the one kind that is allowed.
    #expect(refused >= 8 * 255 - 1)
  }

  @Test func aStreamThatLostStepFailsAtItsFirstOctetAndForEver() throws {
    var decoder = UplinkFrameDecoder()
    decoder.append([0x47])
    #expect(throws: DecodeError.self) { try decoder.next() }
    decoder.append(try Samples.request.frame())
    #expect(throws: DecodeError.self) { try decoder.next() }
  }

  private func refusal(_ octets: [UInt8]) -> DecodeError? {
    var decoder = UplinkFrameDecoder()
    decoder.append(octets)
    do throws(DecodeError) { _ = try decoder.next() } catch { return error }
    return nil
  }

  @Test func anotherVersionIsNamed() {
    var frame = Samples.failure.frame()
    frame[4] = 1
    #expect(refusal(frame)?.field == "version")
  }

  @Test func aLengthPastTheBoundIsRefusedBeforeItsOctetsCome() {
    var header = Array(Samples.failure.frame().prefix(12))
    header.replaceSubrange(8..<12, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(refusal(header)?.field == "payload length")
  }

  @Test func octetsAfterTheLastFieldAreRefused() {
    var frame = Samples.failure.frame()
    frame.append(0)
    frame[8] += 1
    #expect(refusal(frame)?.field == "payload")
  }

  @Test func whatPassesABoundOfAResponseIsCutOffAndMarked() throws {
    let many = (0..<100).map { UplinkHeader("X-\($0)", "v") }
    let long = UplinkHeader("X-Long", String(repeating: "x", count: UplinkLimits.headerValue + 1))
    let body = [UInt8](repeating: 1, count: UplinkLimits.responseBody + 1)
    let whole = UplinkAnswer(status: 200, headers: [long] + many, body: body)
    let frames = try Samples.decode(UplinkResponse(id: 1, outcome: .response(whole)).frame())
    guard case .response(let got)? = frames.first, case .response(let answer) = got.outcome else {
      Issue.record("no answer")
      return
    }
    #expect(answer.headers == Array(many.prefix(UplinkLimits.headerCount)))
    #expect(answer.headersTruncated)
    #expect(answer.body.count == UplinkLimits.responseBody)
    #expect(answer.bodyTruncated)
  }

  @Test func aDetailIsOneBoundedPrintableLine() throws {
    let detail = "bad\u{1B}[2J\nline" + String(repeating: "é", count: 1000)
    let frames = try Samples.decode(UplinkResponse(id: 1, outcome: .failure(.cannotParse, detail: detail)).frame())
    guard case .response(let got)? = frames.first, case .failure(.cannotParse, let text) = got.outcome else {
      Issue.record("no failure")
      return
    }
    #expect(text.hasPrefix("bad?[2J?line"))
    #expect(text.utf8.count <= UplinkLimits.detail)
    #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
  }

  @Test func headersOfAnAnswerAreFoundInAnyCase() {
    let answer = UplinkAnswer(status: 429, headers: [UplinkHeader("Retry-After", "7")])
    #expect(answer.header("retry-after") == "7")
    #expect(answer.header("location") == nil)
  }
}
