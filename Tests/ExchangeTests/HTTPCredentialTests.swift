// Credentials and redirections as text.

import Testing

@testable import Exchange

private func reply(_ status: Int, _ body: String = "", _ headers: [(name: String, value: String)] = []) -> HTTPReply {
  HTTPReply(status: status, headers: headers, body: Array(body.utf8))
}

@Suite struct HTTPCredentialTests {
  @Test(arguments: [
    // RFC 4648, section 10.
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ]) func base64(text: String, encoded: String) {
    #expect(HTTPCredential.base64(Array(text.utf8)) == encoded)
  }

  @Test func basicAndClient() {
    // RFC 7617, section 2.
    #expect(HTTPCredential.basic(user: "Aladdin", password: "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    #expect(HTTPCredential.client(id: "a b", secret: "c:/") == HTTPCredential.basic(user: "a+b", password: "c%3A%2F"))
    let body = HTTPCredential.tokenRequest(scope: "system/*.cu read", audience: nil)
    #expect(String(decoding: body, as: UTF8.self) == "grant_type=client_credentials&scope=system%2F*.cu+read")
  }

  @Test func aTokenIsUsedHalfAMinuteLessThanItLives() {
    func read(_ status: Int, _ body: String) -> HTTPCredential.TokenAnswer {
      HTTPCredential.token(reply(status, body), nowMilliseconds: 0)
    }
    #expect(
      read(200, #"{"access_token":"t","token_type":"Bearer","expires_in":600}"#) == .token("t", lifetime: 570_000))
    #expect(read(200, #"{"access_token":"t","expires_in":"90"}"#) == .token("t", lifetime: 60_000))
    #expect(read(200, #"{"access_token":"t"}"#) == .token("t", lifetime: 270_000))
    #expect(read(200, #"{"access_token":"t","expires_in":-5}"#) == .token("t", lifetime: 0))
    for body in ["", "<html>", #"{"access_token":""}"#, #"{"access_token":"a b"}"#, #"{"access_token":"a\nX: y"}"#] {
      #expect(read(200, body) == .unavailable(afterMilliseconds: nil, code: "oauth2.unreadable"))
    }
    #expect(read(401, #"{"error":"invalid_client"}"#) == .refused("invalid_client"))
    #expect(read(201, #"{"access_token":"t","expires_in":90}"#) == .token("t", lifetime: 60_000))
    #expect(read(200, "\u{FEFF}" + #"{"access_token":"t","expires_in":90}"#) == .token("t", lifetime: 60_000))
    #expect(read(503, "") == .unavailable(afterMilliseconds: nil, code: "oauth2.http.503"))
    guard case .refused = read(200, #"{"access_token":"t","token_type":"DPoP"}"#) else {
      Issue.record("a DPoP token was taken for a bearer token")
      return
    }
  }

  @Test func aHelpersLines() {
    let input = HTTPCredential.helperInput(
      method: "POST", url: "https://x/y", demands: [("DPoP-Nonce", "n")], body: [0, 1])
    #expect(input == Array("POST https://x/y\nDPoP-Nonce: n\n\n".utf8) + [0, 1])
    let headers = HTTPCredential.helperHeaders(Array("Authorization: DPoP abc\nDPoP: eyJ\n".utf8))
    #expect(headers?.map(\.0) == ["Authorization", "DPoP"] && headers?.map(\.1) == ["DPoP abc", "eyJ"])
    for bad in ["", "\n", "no colon", "A: b\nc", ": x", "A B: c", "A: \u{7F}", "A: \u{E6}"] {
      #expect(HTTPCredential.helperHeaders(Array(bad.utf8)) == nil, "\(bad)")
    }
    #expect(HTTPCredential.helperHeaders([0xFF, 0x3A, 0x20]) == nil)
  }

  @Test(
    arguments: [
      ("https://a.example/x", 307, "/y", "https://a.example/y"),
      ("https://a.example/x", 308, "https://A.example/z", "https://A.example/z"),
      ("https://a.example/x", 301, "/y", nil), ("https://a.example/x", 307, "https://b.example/x", nil),
      ("https://a.example/x", 307, "http://a.example/x", nil), ("https://a.example/x", 307, "//b.example/x", nil),
      ("https://a.example/x", 307, "https://a.example@b.example/x", nil), ("https://a.example/x", 307, "y", nil),
      ("https://a.example/x", 307, "https://a.example.b/x", nil), ("http://127.0.0.1/x", 307, "/y", nil),
      ("https://a.example/x", 307, "https://a.example/x", nil),
      ("https://a.example/x", 307, "https://a.example:8443/x", nil),
    ] as [(String, Int, String, String?)])
  func onlyTheSameServerOverTLSIsFollowed(url: String, status: Int, location: String, target: String?) {
    #expect(Redirection.target(reply(status, "", [("Location", location)]), from: url) == target)
  }
}
