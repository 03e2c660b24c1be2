// What servers may answer, seen through the real hearth-uplink: the answer as it is, never more than asked for, in bounded time.

import Foundation
import Testing
import UplinkProtocol

@Suite(.enabled(if: FaultServer.isPossible, "python3 is not installed"))
struct UplinkAnswerTests {
  private let server: FaultServer
  private let uplink: UplinkProcess

  init() throws {
    server = try FaultServer()
    uplink = try UplinkProcess()
  }

  private func answer(_ path: String, body: [UInt8] = [1], most: UInt32 = 1 << 20) throws -> UplinkAnswer {
    let got = uplink.outcome(try uplink.send(server.url(path), body: body, most: most))
    guard case .outcome(.response(let answer)) = got else {
      Issue.record("\(path): \(got)")
      throw FaultServer.Failed()
    }
    return answer
  }

  private func failure(_ path: String, deadline: UInt32 = 20_000) throws -> UplinkFailureKind? {
    let got = uplink.outcome(try uplink.send(server.url(path), deadline: deadline))
    guard case .outcome(.failure(let kind, _)) = got else {
      Issue.record("\(path): \(got)")
      return nil
    }
    return kind
  }

  /// The requests that reached the server.
  private func requests() throws -> [String] {
    String(decoding: try answer("requests").body, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test func statusHeadersAndBody() throws {
    let answer = try answer("ok")
    #expect(answer.status == 200)
    #expect(answer.header("content-type") == "application/json")
    #expect(answer.header("X-Test") == "yes")
    #expect(answer.body == Array("{\"results\":[]}".utf8))
    #expect(!answer.bodyTruncated && !answer.headersTruncated)
  }

  @Test func theBodyGoesOutByteForByte() throws {
    let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
    #expect(try answer("echo", body: body).body == body)
  }

  /// HTTP/1.0 without a length, heads with 1xx in front, gzip though nobody asked for it.
  @Test(arguments: ["http-1.0", "informed", "gzipped"]) func whatServersMayLawfullySendIsTheAnswer(path: String) throws
  {
    for _ in 0..<2 {
      let answer = try answer(path)
      #expect(answer.status == 200 && answer.body == Array("{\"results\":[]}".utf8) && !answer.bodyTruncated)
    }
  }

  /// RFC 9110, 6.5: URLSession of Swift 6.3.1 ended the process at a trailer field. Heads with 1xx stand in front of an answer.
  @Test func trailerFieldsAreNoHead() throws {
    let answer = try answer("trailers")
    #expect(answer.status == 200 && answer.body == Array("ok".utf8))
    #expect(answer.header("server-timing") == nil)
    // And it goes on.
    #expect(try self.answer("trailers").status == 200)
  }

  /// URLSession of Swift 6.3.1 kept watching a socket for writing after the body was sent: a core burned until the answer came. The
  /// server works for 60 ticks before it answers, so a fault takes as many.
  @Test func waitingForAnAnswerCostsNothing() throws {
    _ = try answer("ok")
    let before = try #require(uplink.processorTicks)
    _ = try answer("after-work", body: [UInt8](repeating: 0x61, count: 200_000))
    let used = try #require(uplink.processorTicks) - before
    #expect(used < 20, "\(used) ticks")
  }

  /// The machine has ::1; some containers have IPv4 alone.
  private static let hasIPv6 =
    (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8))?.contains("00000000000000000000000000000001 ")
    ?? false

  /// URLSession of Swift 6.3.1 refused every IPv6 address as a bad URL. The request names the host with its brackets, in short form.
  @Test(.enabled(if: hasIPv6), arguments: ["[::1]", "[0:0:0:0:0:0:0:1]", "[0::0001]"]) func anIPv6AddressIsAHost(
    host: String
  ) throws {
    let server = try FaultServer(arguments: ["--address", "::1"])
    let got = uplink.outcome(try uplink.send(server.url("headers", host: host)))
    guard case .outcome(.response(let answer)) = got else {
      Issue.record("\(got)")
      return
    }
    #expect(answer.status == 200)
    #expect(String(decoding: answer.body, as: UTF8.self).contains("host: [::1]:\(server.port)\n"))
  }

  @Test func headersGoOutAndNothingOfOursIsAddedButTheName() throws {
    let id = try uplink.send(
      server.url("headers"),
      headers: [
        UplinkHeader("Content-Type", "application/json"), UplinkHeader("Idempotency-Key", "\"a-b\""),
        UplinkHeader("Authorization", "Bearer t"),
      ])
    guard case .outcome(.response(let answer)) = uplink.outcome(id) else {
      Issue.record("no answer")
      return
    }
    let text = String(decoding: answer.body, as: UTF8.self)
    for line in [
      "content-type: application/json\n", "idempotency-key: \"a-b\"\n", "authorization: Bearer t\n",
      "user-agent: Hearth/",
    ] { #expect(text.contains(line)) }
    #expect(!text.lowercased().contains("curl"))
  }

  @Test func cookiesAreNotKept() throws {
    _ = try answer("cookie")
    #expect(!String(decoding: try answer("headers").body, as: UTF8.self).contains("cookie"))
  }

  @Test(arguments: [(204, ""), (413, "too large"), (503, "later")]) func statuses(status: Int, body: String) throws {
    let answer = try answer("\(status)")
    #expect(Int(answer.status) == status)
    #expect(answer.body == Array(body.utf8))
    if status == 503 { #expect(answer.header("retry-after") == "7") }
  }

  @Test(arguments: [301, 302, 307, 308]) func aRedirectIsTheAnswer(status: Int) throws {
    let answer = try answer("\(status)")
    #expect(Int(answer.status) == status)
    #expect(answer.header("location") == "/target")
    #expect(try requests().filter { $0.contains("target") }.isEmpty)
  }

  @Test func aRedirectToNowhereIsTheAnswerToo() throws {
    #expect(try answer("redirect-without-location").status == 302)
  }

  @Test(arguments: ["basic", "basic-without-realm", "digest", "bearer", "plain"])
  func nobodyIsGivenAPassword(scheme: String) throws {
    let challenged = try uplink.send(server.url("401-\(scheme)"))
    let silent = try uplink.send(server.url("silent"), deadline: 2000)
    // It comes at once: a challenge that was left open would hang until its own deadline.
    guard let first = uplink.nextResponse(), case .response(let answer) = first.outcome else {
      Issue.record("no answer")
      return
    }
    #expect(first.id == challenged)
    #expect(answer.status == 401)
    _ = uplink.outcome(silent)
    #expect((answer.header("www-authenticate") != nil) == (scheme != "plain"))
    #expect(try requests().filter { $0.contains("401") }.count == 1)
  }

  @Test(arguments: ["endless", "endless-gzip"]) func aBodyWithoutEndIsCutOff(path: String) throws {
    let answer = try answer(path, most: 100_000)
    #expect(answer.status == 200)
    #expect(answer.body.count == 100_000)
    #expect(answer.bodyTruncated)
    // The same process goes on.
    #expect(try self.answer("204").status == 204)
  }

  @Test func aBodyOfExactlyTheBoundIsWhole() throws {
    let body = [UInt8](repeating: 7, count: 5000)
    let whole = try answer("echo", body: body, most: 5000)
    #expect(whole.body == body && !whole.bodyTruncated)
    let cut = try answer("echo", body: body, most: 4999)
    #expect(cut.body.count == 4999 && cut.bodyTruncated)
    let none = try answer("echo", body: body, most: 0)
    #expect(none.body.isEmpty && none.bodyTruncated)
  }

  @Test(arguments: ["short-body", "bad-chunks", "bad-gzip"]) func aBodyThatBreaksOffSaysSo(path: String) throws {
    let answer = try answer(path)
    #expect(answer.status == 200)
    #expect(answer.bodyTruncated)
  }

  @Test(arguments: ["many-headers", "long-header"]) func headersAreBounded(path: String) throws {
    let answer = try answer(path)
    #expect(answer.headersTruncated)
    #expect(answer.headers.count <= UplinkLimits.headerCount)
    #expect(answer.body == Array("ok".utf8))
  }

  @Test func headersWithoutEndAreRefused() throws { #expect(try failure("endless-headers") == .tlsOrUnknown) }

  @Test(arguments: ["garbage", "garbage-status", "huge-status"]) func garbageIsNoAnswer(path: String) throws {
    #expect(try failure(path) == .cannotParse)
  }

  @Test(arguments: ["without-reason", "header-without-colon", "negative-length"])
  func whatURLSessionRefusesIsUnknown(path: String) throws {
    #expect(try failure(path) == .tlsOrUnknown)
  }

  @Test(arguments: ["silent", "drip", "drip-header"]) func theDeadlineHolds(path: String) throws {
    #expect(try failure(path, deadline: 400) == .timeout)
    #expect(try answer("204").status == 204)
  }

  @Test func brokenConnectionsHaveNames() throws {
    #expect(try failure("close-without-answer") == .closedWithoutAnswer)
    #expect(try failure("close-mid-status") == .closedWithoutAnswer)
    #expect(try failure("reset") == .reset)
  }

  @Test func aServerThatIsNotThereIsRefused() throws {
    let nobody = try FaultServer().port  // its server is gone again
    let got = uplink.outcome(try uplink.send("http://127.0.0.1:\(nobody)/"))
    guard case .outcome(.failure(let kind, _)) = got else {
      Issue.record("\(got)")
      return
    }
    #expect(kind == .refused)
  }
}
