// A request that could say more than it seems to (a second header, a second request, a file of somebody else) is never framed.

import Testing
import UplinkProtocol

@Suite struct RuleTests {
  struct Bad: Sendable, CustomTestStringConvertible {
    var field: String
    var change: @Sendable (inout UplinkRequest) -> Void
    var testDescription: String { field }

    init(_ field: String, _ change: @escaping @Sendable (inout UplinkRequest) -> Void) {
      self.field = field
      self.change = change
    }
  }

  static let bad: [Bad] = [
    Bad("method") { $0.method = "" },
    Bad("method") { $0.method = "PO ST" },
    Bad("method") { $0.method = "GET / HTTP/1.1\r\nX: y" },
    Bad("url") { $0.url = "" },
    Bad("url") { $0.url = "https://a.example/\r\nX: y" },
    Bad("url") { $0.url = "https://a.example/æ" },
    Bad("url") { $0.url = "https://a.example/#part" },
    Bad("url") { $0.url = "https://a.example/" + String(repeating: "x", count: UplinkLimits.url) },
    Bad("body") { $0.body = [UInt8](repeating: 0, count: UplinkLimits.requestBody + 1) },
    Bad("deadline") { $0.deadlineMilliseconds = 0 },
    Bad("deadline") { $0.deadlineMilliseconds = .max },
    Bad("maximum response body") { $0.maximumResponseBody = .max },
    Bad("headers") { $0.headers = (0..<65).map { UplinkHeader("X-\($0)", "") } },
    Bad("headers") {
      $0.headers = (0..<5).map { UplinkHeader("X-\($0)", String(repeating: "x", count: UplinkLimits.headerValue)) }
    },
    Bad("headers[0].name") { $0.headers = [UplinkHeader("", "x")] },
    Bad("headers[0].name") { $0.headers = [UplinkHeader("X Y", "x")] },
    Bad("headers[0].name") { $0.headers = [UplinkHeader("X:", "x")] },
    Bad("headers[0].name") { $0.headers = [UplinkHeader("Host", "other.example")] },
    Bad("headers[0].name") { $0.headers = [UplinkHeader("content-LENGTH", "3")] },
    Bad("headers[1].value") { $0.headers = [UplinkHeader("A", "b"), UplinkHeader("X", "y\r\nZ: w")] },
    Bad("headers[0].value") { $0.headers = [UplinkHeader("X", "\0")] },
    Bad("tls.authorities") { $0.profile.tls.authorities = .file("ca.pem") },
    Bad("tls.authorities") { $0.profile.tls.authorities = .octets([]) },
    Bad("tls.key") {
      $0.profile.tls.identity = UplinkClientIdentity(certificate: .file("/a"), key: .file("/b\0c"))
    },
  ]

  private func refusal(_ request: UplinkRequest) -> UplinkRuleError? {
    do throws(UplinkRuleError) { _ = try request.frame() } catch { return error }
    return nil
  }

  @Test func theSampleKeepsTheRules() { #expect(refusal(Samples.request) == nil) }

  @Test(arguments: bad) func isRefusedByItsField(bad: Bad) {
    var request = Samples.request
    bad.change(&request)
    #expect(refusal(request)?.field == bad.field)
  }

  @Test func anErrorNeverRepeatsWhatStandsInTheField() {
    var request = Samples.request
    request.headers = [UplinkHeader("Authorization", "Bearer s3cret\n")]
    #expect(refusal(request)?.message == "headers[0].value is not printable ASCII")
  }

  @Test func onlyWhatCertainlyDidNotReachTheServerIsNotSent() {
    let notSent = UplinkFailureKind.allCases.filter(\.wasNotSent)
    #expect(notSent == [.dns, .refused, .invalidRequest, .tlsSetup, .otherProfile])
    #expect(
      UplinkFailureKind.allCases.filter(\.isMisconfiguration) == [.invalidRequest, .tlsSetup, .certificate, .handshake])
    #expect(Set(UplinkFailureKind.allCases.map(\.code)).count == UplinkFailureKind.allCases.count)
  }
}
