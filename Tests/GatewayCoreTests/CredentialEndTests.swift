// When a credential ends, and that it is told in time. The certificates were made for these tests by OpenSSL 3.0.

import ControlProtocol
import Exchange
@testable import GatewayCore
import JSON
import Settings
import Testing
@testable import Ledger

/// Until 2026-12-11T11:31:34Z, as UTCTime.
private let short = """
  -----BEGIN CERTIFICATE-----
  MIIBcTCCARegAwIBAgIUNvN0uJK3Zy0TtoZDug00Rr4yUXEwCgYIKoZIzj0EAwIw
  DjEMMAoGA1UEAwwDaHViMB4XDTI2MTEyMTExMzEzNFoXDTI2MTIxMTExMzEzNFow
  DjEMMAoGA1UEAwwDaHViMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFT8orTBk
  XrzPRT/HPOIqZIVnPNNROxpi6RAXWT+Vo3k57Lp3J8CoPTEecW5wHAEtjEGHRPVH
  0Sz1DiRMfUESTKNTMFEwHQYDVR0OBBYEFFDEWsp9U6FnwjlkVYoLGLBhW4zJMB8G
  A1UdIwQYMBaAFFDEWsp9U6FnwjlkVYoLGLBhW4zJMA8GA1UdEwEB/wQFMAMBAf8w
  CgYIKoZIzj0EAwIDSAAwRQIgVbaq0vczgz1AFWs8p/j4IeG/8d5Qdp7jZcTggx6V
  K34CIQCv+G9hC7ykip5OZNhJ2HlLW4h2WKyzFPVid4e3CworQw==
  -----END CERTIFICATE-----
  """

/// Until 2054-04-07T11:33:48Z, as GeneralizedTime.
private let long = """
  -----BEGIN CERTIFICATE-----
  MIIBcjCCARmgAwIBAgIUBbsVOPAFNMX8qImvGLczOqqAWvQwCgYIKoZIzj0EAwIw
  DjEMMAoGA1UEAwwDaHViMCAXDTI2MTEyMTExMzM0OFoYDzIwNTQwNDA3MTEzMzQ4
  WjAOMQwwCgYDVQQDDANodWIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT4jkdY
  5rMGomy485/7osoFurPM9oNJxZWsqcPGwODgwj0qjLL/mcG9u79fcq3U5f7u5Lbe
  hhVorlw+LKzPGgi6o1MwUTAdBgNVHQ4EFgQU/cIUI2aDhKgZCli49xmvbyP87agw
  HwYDVR0jBBgwFoAU/cIUI2aDhKgZCli49xmvbyP87agwDwYDVR0TAQH/BAUwAwEB
  /zAKBggqhkjOPQQDAgNHADBEAiBW6grJ9FOxZpV86Br7s7KdhN1eKEoEBJYZv0EI
  fq4ruwIgBcvYL2LwduQUmiOHAuaSj05xt/0IurlZN5XA3fqxSoU=
  -----END CERTIFICATE-----
  """

@Suite struct CredentialEndTests {
  @Test func aCertificateTellsItsEnd() {
    #expect(CredentialEnd.certificate(Array(short.utf8)) == 1_796_988_694_000)
    #expect(CredentialEnd.certificate(Array(long.utf8)) == 2_659_174_428_000)
    // A key before it and line ends of another system change nothing.
    let mixed =
      "-----BEGIN X-----\r\nAAAA\r\n-----END X-----\r\n" + short.split(separator: "\n").joined(separator: "\r\n")
    #expect(CredentialEnd.certificate(Array(mixed.utf8)) == 1_796_988_694_000)
  }

  @Test func whatIsNoCertificateTellsNothingAndNeverTraps() {
    let octets = Array(short.utf8)
    for count in 0..<octets.count { _ = CredentialEnd.certificate(Array(octets.prefix(count))) }
    for index in octets.indices {
      for value: UInt8 in [0x00, 0x41, 0x2F, 0xFF] {
        var broken = octets
        broken[index] = value
        _ = CredentialEnd.certificate(broken)
      }
    }
    #expect(CredentialEnd.certificate([]) == nil)
    #expect(CredentialEnd.certificate(Array(short.replacing("MIIB", with: "MIIC").utf8)) == nil)
  }

  @Test func aTokenTellsItsEnd() {
    // {"alg":"none"}.{"sub":"hub","exp":1796988694}
    #expect(
      CredentialEnd.token("eyJhbGciOiJub25lIn0.eyJzdWIiOiJodWIiLCJleHAiOjE3OTY5ODg2OTR9.c2lnbmF0dXJl")
        == 1_796_988_694_000)
    for text in ["", "secret", "a.b.c", "a.e30.c", "..", "a.eyJleHAiOi0xfQ.c", "a.eyJleHAiOiJub3cifQ.c"] {
      #expect(CredentialEnd.token(text) == nil)
    }
  }

  @Test func anEndThatIsNearIsToldOnceAndWhenItIsOver() {
    let backend = BackendConfiguration(
      name: "gp", kind: .http(.native, HTTPBackend(url: "https://x")), maximumReadings: 8, maximumBytes: 1 << 20)
    var hub = Hub(.with([], backends: [backend]))
    hub.pass(60_000)
    #expect(hub.done.contains { if case .readCredentials = $0 { true } else { false } })
    let day: Int64 = 86_400_000
    for left in [15 * day, 10 * day, 9 * day, -1, 300 * day] {
      hub.send(.credentialsRead(["gp": CredentialFact(what: "client certificate", end: hub.now.wall + left)]))
      hub.sync()
    }
    let told = hub.events.map { event -> String in
      if case .hub("credential.ending", let message, let isOver) = event.content { return "\(isOver) \(message)" }
      return "?"
    }
    #expect(
      told == [
        "false backend gp: the client certificate ends in 10 days", "true backend gp: the credential is good again",
      ])
    hub.send(.credentialsRead(["gp": CredentialFact(what: "token", end: hub.now.wall - 1)]))
    hub.send(.asked(RequestID(connection: 1, number: 1), .status, CallerName(uid: 0)))
    let problems = hub.done.compactMap { effect -> [JSONValue]? in
      if case .answer(_, .result(let value)) = effect { return value["problems"]?.array }
      return nil
    }.last
    #expect(problems?.contains { $0["message"]?.string == "backend gp: the token has ended" } == true)
  }
}
