// The process itself: where it comes from, when it goes, and that what kills one worker is nothing to the others.

import Foundation
import Platform
import Testing
import UplinkProtocol

@Suite(.enabled(if: FaultServer.isPossible, "python3 is not installed"))
struct UplinkProcessTests {
  private func status(_ got: UplinkProcess.Got) -> Int? {
    guard case .outcome(.response(let answer)) = got else { return nil }
    return Int(answer.status)
  }

  private func failure(_ got: UplinkProcess.Got) -> UplinkFailureKind? {
    guard case .outcome(.failure(let kind, _)) = got else { return nil }
    return kind
  }

  @Test(arguments: ["close-after-status", "close-mid-header"])
  func aHeaderThatBreaksOffCostsOneProcessAtMost(path: String) throws {
    let server = try FaultServer()
    let first = try UplinkProcess()
    let got = first.outcome(try first.send(server.url(path)))
    switch got {
    case .closed: #expect((first.end() ?? 0) != 0)
    // A later URLSession survives it; then it is an ordinary failure.
    case .outcome(.failure(let kind, _)): #expect(!kind.wasNotSent)
    default: Issue.record("\(got)")
    }
    let second = try UplinkProcess()
    #expect(status(second.outcome(try second.send(server.url("ok")))) == 200)
  }

  @Test func aKeptConnectionThatIsResetIsToldAtOnceAndNotWaitedFor() throws {
    let server = try FaultServer()
    let uplink = try UplinkProcess()
    #expect(status(uplink.outcome(try uplink.send(server.url("ok")))) == 200)
    // libcurl would send it again by itself, without its body.
    let got = uplink.outcome(try uplink.send(server.url("reset"), deadline: 60_000))
    #expect(failure(got) == .reset, "\(got)")
    #expect(status(uplink.outcome(try uplink.send(server.url("ok")))) == 200)
  }

  @Test func aSlowAnswerDelaysNoOther() throws {
    let server = try FaultServer()
    let uplink = try UplinkProcess()
    let slow = try uplink.send(server.url("silent"), deadline: 800)
    let quick = try (0..<12).map { _ in try uplink.send(server.url("204")) }
    let order = (0..<13).map { _ in uplink.nextResponse()?.id }
    #expect(order.last == slow)
    #expect(Set(order.dropLast()) == Set(quick))
  }

  @Test func aProcessServesOneProfileAndRetiresWhenAskedForAnother() throws {
    let server = try FaultServer()
    let uplink = try UplinkProcess()
    #expect(status(uplink.outcome(try uplink.send(server.url("204")))) == 204)
    let other = UplinkProfile(allowProxyEnvironment: true)
    #expect(failure(uplink.outcome(try uplink.send(server.url("204"), profile: other))) == .otherProfile)
    #expect(uplink.isClosed())
    #expect(uplink.end() == 0)
  }

  @Test func proxiesOfTheEnvironmentCountOnlyWhereTheyAreAllowed() throws {
    let (server, proxy) = (try FaultServer(), try FaultServer())
    let environment = ["http_proxy=http://127.0.0.1:\(proxy.port)", "ALL_PROXY=http://127.0.0.1:\(proxy.port)"]
    for isAllowed in [false, true] {
      let uplink = try UplinkProcess(environment: environment)
      let profile = UplinkProfile(allowProxyEnvironment: isAllowed)
      #expect(status(uplink.outcome(try uplink.send(server.url("204"), profile: profile))) == 204)
      let direct = try UplinkProcess()
      guard case .outcome(.response(let seen)) = direct.outcome(try direct.send(proxy.url("requests"))) else {
        Issue.record("no answer")
        return
      }
      #expect(String(decoding: seen.body, as: UTF8.self).contains("POST \(server.url("204"))") == isAllowed)
    }
  }

  @Test(arguments: [
    "http://192.0.2.1/", "http://localhost.example/", "http://127.0.0.1.example/", "ftp://127.0.0.1/", "/relative",
    "https://user:secret@127.0.0.1/", "https:///", "file:///etc/passwd", "http://127.0.0.1@192.0.2.1/",
  ]) func urlsThatAreNotAllowedAreNotSent(url: String) throws {
    let uplink = try UplinkProcess()
    let got = uplink.outcome(try uplink.send(url))
    guard case .outcome(.failure(.invalidRequest, let detail)) = got else {
      Issue.record("\(got)")
      return
    }
    #expect(!detail.contains("secret"))
  }

  @Test func plainHTTPToOthersNeedsTheConfigurationsWord() throws {
    let uplink = try UplinkProcess()
    // 192.0.2.0/24 is nobody's (RFC 5737): it is tried, which is all that counts here.
    let got = uplink.outcome(try uplink.send("http://192.0.2.1/", deadline: 300, allowPlainHTTP: true))
    #expect(failure(got) != nil && failure(got) != .invalidRequest)
  }

  @Test func garbageOnTheSocketEndsTheProcess() throws {
    let uplink = try UplinkProcess()
    uplink.write(Array("GET / HTTP/1.1\r\n\r\n".utf8))
    #expect(uplink.isClosed())
    #expect(uplink.end() == 76)
  }

  @Test func itGoesWhenIdle() throws {
    let server = try FaultServer()
    let uplink = try UplinkProcess(arguments: ["--idle-seconds", "1"])
    #expect(status(uplink.outcome(try uplink.send(server.url("204")))) == 204)
    #expect(uplink.isClosed())
    #expect(uplink.end() == 0)
  }

  @Test(arguments: [["--fd"], ["--fd", "x"], ["--idle-seconds", "0"], ["--nonsense"], ["--fd", "200"], []])
  func wrongUsageIs64(arguments: [String]) throws {
    let (ours, theirs) = try UnixSocket.pair()
    defer { Descriptor.close(ours) }
    let child = try UplinkProcess.start(arguments, passing: theirs)
    Descriptor.close(theirs)
    var status: Int32?
    while status == nil {
      status = child.reap()
      usleep(1000)
    }
    #expect(status == 64)
  }
}

@Suite(.enabled(if: FaultServer.isPossible, "python3 is not installed"))
struct UplinkListenerTests {
  private let path = "\(NSTemporaryDirectory())/hearth-uplink-\(UUID().uuidString.prefix(8)).sock"

  /// A listener as systemd starts it: descriptor 3 and LISTEN_FDS.
  private func listen(idleSeconds: Int) throws -> ChildProcess {
    let fd = try UnixSocket.listen(path, mode: 0o600, group: nil)
    defer { Descriptor.close(fd) }
    let command = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --idle-seconds \(idleSeconds)"
    return try ChildProcess.spawn(
      "/bin/sh", ["-c", command, UplinkProcess.program ?? ""], environment: ["PATH=/usr/bin:/bin"], passing: fd)
  }

  @Test func oneWorkerForEachConnectionAndNoneWhenIdle() throws {
    let server = try FaultServer()
    defer { unlink(path) }
    let listener = try listen(idleSeconds: 1)
    do {
      let steady = try UplinkProcess(connectingTo: path)
      let unlucky = try UplinkProcess(connectingTo: path)
      let waiting = try steady.send(server.url("silent"), deadline: 700)
      let crash = unlucky.outcome(try unlucky.send(server.url("close-mid-header")))
      #expect(crash != .nothing)
      // The other worker never noticed.
      #expect(steady.outcome(waiting) == .outcome(.failure(.timeout, detail: "the deadline passed")))
      let again = try UplinkProcess(connectingTo: path)
      guard case .outcome(.response(let answer)) = again.outcome(try again.send(server.url("ok"))) else {
        Issue.record("no answer")
        return
      }
      #expect(answer.status == 200)
    }
    var status: Int32?
    for _ in 0..<20_000 where status == nil {
      status = listener.reap()
      usleep(1000)
    }
    #expect(status == 0)
    if status == nil { listener.kill() }
  }
}
