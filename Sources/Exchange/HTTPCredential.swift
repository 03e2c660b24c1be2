// Credentials of HTTP backends as text: Basic (RFC 7617), OAuth 2.0 client credentials (RFC 6749 sections 2.3.1, 4.4, 5.1, 5.2), and
// what is said to and by a helper program. Nothing here keeps a secret or does I/O.

internal import JSON
internal import Octets

/// Text of credentials.
package enum HTTPCredential {
  /// The value of `Authorization` for a user and a password.
  package static func basic(user: String, password: String) -> String {
    "Basic " + base64(Array("\(user):\(password)".utf8))
  }

  /// A client's own `Authorization` at the token endpoint: both parts form-encoded first.
  package static func client(id: String, secret: String) -> String {
    basic(user: formEncoded(id), password: formEncoded(secret))
  }

  /// The body of a token request.
  package static func tokenRequest(scope: String?, audience: String?) -> [UInt8] {
    var text = "grant_type=client_credentials"
    if let scope { text += "&scope=" + formEncoded(scope) }
    if let audience { text += "&audience=" + formEncoded(audience) }
    return Array(text.utf8)
  }

  /// What a token endpoint gave.
  package enum TokenAnswer: Sendable, Hashable {
    /// A bearer token and how many milliseconds it may be used.
    case token(String, lifetime: Int64)
    /// Later perhaps.
    case unavailable(afterMilliseconds: Int64?, code: String)
    /// The client, its secret or its scope is wrong.
    case refused(String)
  }

  /// Reads a token endpoint's answer. A token without a lifetime is used for five minutes; every token half a minute less than it
  /// lives, one that lives shorter than that only once.
  package static func token(_ reply: HTTPReply, nowMilliseconds: Int64) -> TokenAnswer {
    let body = reply.json
    switch reply.status {
    // RFC 6749, 5.1 has 200; some servers say that they created a token.
    case 200, 201:
      guard let token = body?["access_token"]?.string, isToken(token) else {
        return .unavailable(afterMilliseconds: nil, code: "oauth2.unreadable")
      }
      if let type = body?["token_type"]?.string, type.lowercased() != "bearer" {
        return .refused("the token is of the kind \(ServerText.line(type)), which only a helper program can use")
      }
      let seconds = body?["expires_in"]?.int ?? body?["expires_in"]?.string.flatMap { Int($0) } ?? 300
      return .token(token, lifetime: max(0, Int64(min(max(seconds, 0), 604_800)) - 30) * 1000)
    case 400, 401, 403, 404, 405:
      return .refused(ServerText.line(body?["error"]?.string ?? "http.\(reply.status)"))
    default:
      return .unavailable(
        afterMilliseconds: HTTPAnswer.retryAfter(reply.headers, nowMilliseconds: nowMilliseconds),
        code: "oauth2.http.\(reply.status)")
    }
  }

  /// A header's value that a token may be: printable, without blanks.
  static func isToken(_ text: String) -> Bool {
    (1...8192).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  /// What a helper program reads: the request's line and what the server demanded, an empty line, the body.
  package static func helperInput(method: String, url: String, demands: [(String, String)], body: [UInt8]) -> [UInt8] {
    var text = "\(method) \(url)\n"
    for (name, value) in demands { text += "\(name): \(value)\n" }
    return Array((text + "\n").utf8) + body
  }

  /// The headers that a helper program printed, one a line; nil for anything else, and for none.
  package static func helperHeaders(_ output: [UInt8]) -> [(String, String)]? {
    guard output.count <= 32_768, let text = String(validating: output, as: UTF8.self) else { return nil }
    var headers: [(String, String)] = []
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let name = String(line[..<colon])
      let value = String(line[line.index(after: colon)...].drop { $0 == " " })
      let isName = !name.isEmpty && name.utf8.allSatisfy { isNameOctet($0) }
      guard isName, value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), headers.count < 16 else { return nil }
      headers.append((name, value))
    }
    return headers.isEmpty ? nil : headers
  }

  private static func isNameOctet(_ octet: UInt8) -> Bool {
    switch octet {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
    default: false
    }
  }

  /// What a 401 asks of a helper: a nonce for DPoP (RFC 9449 section 8).
  package static func demands(_ reply: HTTPReply) -> [(String, String)] {
    reply.header("dpop-nonce").map { [("DPoP-Nonce", ServerText.line($0))] } ?? []
  }

  /// `application/x-www-form-urlencoded`.
  private static func formEncoded(_ text: String) -> String {
    var result = ""
    for octet in text.utf8 {
      switch octet {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x2A:
        result.unicodeScalars.append(Unicode.Scalar(octet))
      case 0x20: result += "+"
      default: result += "%" + Hex.encode([octet]).uppercased()
      }
    }
    return result
  }

  /// RFC 4648, section 4.
  static func base64(_ octets: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((octets.count + 2) / 3 * 4)
    for start in stride(from: 0, to: octets.count, by: 3) {
      let part = octets[start..<min(start + 3, octets.count)]
      var bits: UInt32 = 0
      for octet in part { bits = bits << 8 | UInt32(octet) }
      bits <<= UInt32(8 * (3 - part.count))
      for index in 0..<4 {
        text.append(index <= part.count ? alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)] : 0x3D)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Redirections of a POST (RFC 9110 15.4): only 307 and 308 keep method and body, and only the same server over TLS is followed.
package enum Redirection {
  /// Where the same request is sent instead; nil when it is not to be followed.
  package static func target(_ reply: HTTPReply, from url: String) -> String? {
    guard reply.status == 307 || reply.status == 308, let location = reply.header("location"),
      let origin = origin(of: url), origin.lowercased().hasPrefix("https://"),
      location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 })
    else { return nil }
    let target = location.hasPrefix("/") && !location.hasPrefix("//") ? origin + location : location
    guard Redirection.origin(of: target)?.lowercased() == origin.lowercased(), target != url else { return nil }
    return target
  }

  /// Scheme, host and port as they stand; nil for no absolute address, and for one with a user in it.
  private static func origin(of url: String) -> String? {
    let octets = Array(url.utf8)
    guard let colon = octets.firstIndex(of: 0x3A), octets.count > colon + 3, octets[colon + 1] == 0x2F,
      octets[colon + 2] == 0x2F
    else { return nil }
    let host = octets[(colon + 3)...].prefix { $0 != 0x2F && $0 != 0x3F }
    guard !host.isEmpty, !host.contains(0x40), !host.contains(0x5C) else { return nil }
    return String(decoding: octets[..<(colon + 3)] + host, as: UTF8.self)
  }
}
