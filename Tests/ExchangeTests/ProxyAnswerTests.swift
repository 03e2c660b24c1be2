// Pages that a proxy answers about the connection, with a status that would mean the readings; and statuses that mean no reading.

import Exchange
import Testing

@Suite struct ProxyAnswerTests {
  private func page(_ title: String) -> [UInt8] {
    Array(
      "<html>\r\n<head><title>400 \(title)</title></head>\r\n<body><center>\(title)</center></body></html>\r\n".utf8)
  }

  @Test(arguments: [
    ("No required SSL certificate was sent", "tls-client-certificate"),
    ("The SSL certificate error", "tls-client-certificate"),
    ("The plain HTTP request was sent to HTTPS port", "tls-expected"),
  ])
  func itsWordAboutTheConnectionRefusesNoReading(title: String, code: String) {
    guard case .untrusted(code, let text)? = ProxyAnswer.outcome(HTTPReply(status: 400, body: page(title))) else {
      Issue.record("not recognised: \(title)")
      return
    }
    #expect(!text.isEmpty)
  }

  @Test func everyOtherAnswerIsTheBackends() {
    #expect(ProxyAnswer.outcome(HTTPReply(status: 400, body: page("Bad Request"))) == nil)
    #expect(ProxyAnswer.outcome(HTTPReply(status: 400, body: [])) == nil)
    #expect(ProxyAnswer.outcome(HTTPReply(status: 422, body: page("The SSL certificate error"))) == nil)
    // A backend may quote anything: its own JSON is its word about the readings.
    let quoted = Array(#"{"title":"The SSL certificate error"}"#.utf8)
    #expect(ProxyAnswer.outcome(HTTPReply(status: 400, body: quoted)) == nil)
  }

  @Test(arguments: [407, 411, 414, 417, 421, 426, 431, 494, 495, 496, 497])
  func aStatusOfTheRequestAsSuchRefusesNoReading(status: Int) {
    guard
      case .misconfigured("http.\(status)", _)? = HTTPAnswer.outcome(status: status, headers: [], nowMilliseconds: 0)
    else {
      Issue.record("\(status)")
      return
    }
  }
}
