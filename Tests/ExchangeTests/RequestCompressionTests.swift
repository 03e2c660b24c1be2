// When requests go compressed, and what a backend's answer changes about it.

import Exchange
import Testing

private let large = [UInt8](repeating: 0x20, count: RequestCompression.leastOctets)

private func expect(_ expected: Bool, _ isPlainWanted: Bool) { #expect(isPlainWanted == expected) }

@Suite struct RequestCompressionTests {
  @Test func onlyWhatTheConfigurationWantsAndIsWorthIt() {
    #expect(!RequestCompression(isWanted: false).wants(large))
    #expect(RequestCompression(isWanted: true).wants(large))
    #expect(!RequestCompression(isWanted: true).wants(Array(large.dropFirst())))
  }

  @Test func aBackendThatTakesItGetsIt() {
    var compression = RequestCompression(isWanted: true)
    for status in [503, 429, 401] {
      expect(false, compression.answered(status, to: .gzip))
      #expect(compression.state == .untried)
    }
    expect(false, compression.answered(200, to: .gzip))
    #expect(compression.state == .taken && compression.wants(large))
    // Of one that took others before, these are of the batch.
    for status in [400, 422, 500] { expect(false, compression.answered(status, to: .gzip)) }
    #expect(compression.state == .taken)
  }

  @Test(arguments: [415, 400, 422, 500, 501]) func oneThatTakesTheSameRequestPlainGetsPlainOnes(status: Int) {
    var compression = RequestCompression(isWanted: true)
    expect(true, compression.answered(status, to: .gzip))
    // The plain one was refused as well, or nothing is known of it: no word about compression.
    for plain in [status, 503, 401] {
      compression.answeredPlain(plain, after: status)
      #expect(compression.state == .untried)
    }
    expect(true, compression.answered(status, to: .gzip))
    compression.answeredPlain(201, after: status)
    #expect(compression.state == .refused(status: status) && !compression.wants(large))
    #expect(compression.state.whyPlain?.contains("\(status)") ?? false)
    compression.tryAgain()
    #expect(compression.wants(large))
  }

  @Test func aServerThatIsReplacedMayTakeItNoMore() {
    var compression = RequestCompression(isWanted: true)
    _ = compression.answered(204, to: .gzip)
    expect(true, compression.answered(415, to: .gzip))
    compression.answeredPlain(204, after: 415)
    #expect(compression.state == .refused(status: 415))
  }

  @Test func aServerThatClosesTheConnectionGetsPlainRequests() {
    var compression = RequestCompression(isWanted: true)
    for code in ["net.timeout", "net.refused", "net.dns"] { expect(false, compression.broke(code)) }
    expect(false, compression.broke("net.reset"))
    expect(false, compression.broke("net.closed-without-answer"))
    // An answer between: the line is poor, and not the server.
    expect(false, compression.answered(503, to: .gzip))
    for _ in 0..<2 { expect(false, compression.broke("net.reset")) }
    expect(true, compression.broke("net.reset"))
    compression.answeredPlainAfterBreaks(503)
    #expect(compression.state == .untried)
    compression.answeredPlainAfterBreaks(200)
    #expect(compression.state == .broken && !compression.wants(large) && compression.state.whyPlain != nil)
    compression.tryAgain()
    _ = compression.answered(200, to: .gzip)
    for _ in 0..<9 { expect(false, compression.broke("net.reset")) }
    #expect(compression.state == .taken)
  }

  @Test func aMachineWithoutTheLibrarySaysSo() {
    var compression = RequestCompression(isWanted: true)
    expect(false, compression.answered(500, to: .plainWithoutLibrary))
    #expect(compression.state == .unavailable && !compression.wants(large) && compression.state.whyPlain != nil)
  }
}
