// Compressed requests through the real hearth-uplink: what the server unpacks is what was given, and the same octets go each time.

import Foundation
import Testing
import UplinkProtocol

@Suite(.enabled(if: FaultServer.isPossible, "python3 is not installed"))
struct UplinkCompressionTests {
  private let server: FaultServer

  init() throws { server = try FaultServer() }

  private func answer(
    _ uplink: UplinkProcess, _ path: String, _ body: [UInt8], compresses: Bool = true
  ) throws -> UplinkAnswer {
    let got = uplink.outcome(try uplink.send(server.url(path), body: body, most: 8 << 20, compresses: compresses))
    guard case .outcome(.response(let answer)) = got else {
      Issue.record("\(path): \(got)")
      throw FaultServer.Failed()
    }
    return answer
  }

  /// The bodies that came: their sum, their encoding, the sum of what was in them.
  private func bodies(_ uplink: UplinkProcess) throws -> [[String]] {
    let got = uplink.outcome(try uplink.send(server.url("bodies"), method: "GET", body: []))
    guard case .outcome(.response(let answer)) = got else { throw FaultServer.Failed() }
    return String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: " ").map(String.init) }
  }

  private func text(_ count: Int) -> [UInt8] {
    Array((0..<count / 32).map { "{\"seq\":\($0),\"value\":\"128\"}" }.joined(separator: ",").utf8)
  }

  @Test func theServerUnpacksWhatWasGiven() throws {
    let uplink = try UplinkProcess()
    for size in [256, 2000, 70_000, 1 << 20] {
      let body = text(size)
      let answer = try answer(uplink, "gunzip", body)
      #expect(answer.sent == .gzip && answer.body == body)
    }
    let sums = try bodies(uplink)
    #expect(sums.allSatisfy { $0[1] == "gzip" } && sums.count == 4)
  }

  @Test func whatGetsNoSmallerGoesAsItIs() throws {
    let uplink = try UplinkProcess()
    var state: UInt64 = 1
    let noise = (0..<5000).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    for body in [noise, [0x61]] {
      let answer = try answer(uplink, "gunzip", body)
      #expect(answer.sent == .plain && answer.body == body)
    }
    #expect(try answer(uplink, "gunzip", text(2000), compresses: false).sent == .plain)
    #expect(try bodies(uplink).allSatisfy { $0[1] == "-" })
  }

  @Test func theSameRequestIsTheSameOctets() throws {
    let body = text(50_000)
    let first = try UplinkProcess()
    // Taken, and the answer is lost: what goes again, over another process, is what went before.
    let lost = first.outcome(try first.send(server.url("gunzip-and-lose"), body: body, compresses: true))
    guard case .outcome(.failure(let kind, _)) = lost else {
      Issue.record("\(lost)")
      return
    }
    #expect(!kind.wasNotSent)
    let second = try UplinkProcess()
    #expect(try answer(second, "gunzip-and-lose", body).status == 204)
    let sums = try bodies(second)
    #expect(sums.count == 2 && sums[0] == sums[1] && sums[0][1] == "gzip")
  }

  @Test func aStatusIsTheAnswerToACompressedRequestToo() throws {
    let uplink = try UplinkProcess()
    for status in [400, 415, 500] {
      let refused = try answer(uplink, "plain-only-\(status)", text(2000))
      #expect(Int(refused.status) == status && refused.sent == .gzip)
      #expect(try answer(uplink, "plain-only-\(status)", text(2000), compresses: false).status == 204)
    }
  }

  @Test func withoutTheLibraryRequestsGoPlainAndThatIsSaid() throws {
    let uplink = try UplinkProcess(arguments: ["--zlib", "libthere-is-none.so.1"])
    let body = text(2000)
    for _ in 0..<2 {
      let answer = try answer(uplink, "gunzip", body)
      #expect(answer.sent == .plainWithoutLibrary && answer.body == body)
    }
    // A library that is there and has no gzip.
    let other = try UplinkProcess(arguments: ["--zlib", "libc.so.6"])
    #expect(try answer(other, "gunzip", body).sent == .plainWithoutLibrary)
  }
}
