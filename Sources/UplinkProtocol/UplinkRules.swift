// What a request must keep to before anything is sent: RFC 9110 sections 5.1, 5.5 and 9.1 for method and headers, and the
// bounds of UplinkLimits. Both sides ask: the daemon before it writes a frame, the uplink before it opens a connection.

/// Which rule of `UplinkRequest.check()` a request breaks. Holds names of fields only, never what stands in them.
package struct UplinkRuleError: Error, Hashable, Sendable {
  /// The field, such as `method` or `headers[2].value`.
  package var field: String
  /// What is wrong with it.
  package var reason: String

  /// Names the field and what is wrong with it.
  package init(field: String, reason: String) {
    self.field = field
    self.reason = reason
  }

  /// One sentence for a person.
  package var message: String { "\(field) \(reason)" }
}

extension UplinkRequest {
  /// Headers that belong to the connection and are set by URLSession alone.
  static let reservedHeaders: Set<String> = [
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
  ]

  /// Throws when the request may not be sent. What the URL means is left to the uplink, which has a parser for it.
  package func check() throws(UplinkRuleError) {
    try bound("method", method.utf8.count, 1, UplinkLimits.method)
    try rule("method", method.utf8.allSatisfy(isTokenOctet), "is not a token")
    try bound("url", url.utf8.count, 1, UplinkLimits.url)
    try rule("url", url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "has octets that no URL has")
    try rule("url", !url.utf8.contains(0x23), "has a fragment")
    try bound("body", body.count, 0, UplinkLimits.requestBody)
    try bound(
      "deadline", Int(deadlineMilliseconds), 1, Int(UplinkLimits.deadlineMilliseconds))
    try bound("maximum response body", Int(maximumResponseBody), 0, UplinkLimits.responseBody)
    try checkHeaders()
    if let authorities = profile.tls.authorities { try checkPEM(authorities, "tls.authorities") }
    if let identity = profile.tls.identity {
      try checkPEM(identity.certificate, "tls.certificate")
      try checkPEM(identity.key, "tls.key")
    }
  }

  private func checkHeaders() throws(UplinkRuleError) {
    try bound("headers", headers.count, 0, UplinkLimits.headerCount)
    var total = 0
    for (index, header) in headers.enumerated() {
      let name = "headers[\(index)].name"
      let value = "headers[\(index)].value"
      try bound(name, header.name.utf8.count, 1, UplinkLimits.headerName)
      try rule(name, header.name.utf8.allSatisfy(isTokenOctet), "is not a token")
      try rule(
        name, !UplinkRequest.reservedHeaders.contains(header.name.lowercased()), "belongs to the connection")
      try rule(name, !compresses || header.name.lowercased() != "content-encoding", "is the uplink's own")
      try bound(value, header.value.utf8.count, 0, UplinkLimits.headerValue)
      try rule(
        value, header.value.utf8.allSatisfy { ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x09 }, "is not printable ASCII")
      total += header.name.utf8.count + header.value.utf8.count
    }
    try bound("headers", total, 0, UplinkLimits.headersTotal)
  }

  private func checkPEM(_ pem: UplinkPEM, _ field: String) throws(UplinkRuleError) {
    switch pem {
    case .file(let path):
      try bound(field, path.utf8.count, 1, UplinkLimits.path)
      try rule(field, path.utf8.first == 0x2F && !path.utf8.contains(0), "is not an absolute path")
    case .octets(let octets):
      try bound(field, octets.count, 1, UplinkLimits.pem)
    }
  }

  private func rule(_ field: String, _ holds: Bool, _ reason: String) throws(UplinkRuleError) {
    if !holds { throw UplinkRuleError(field: field, reason: reason) }
  }

  private func bound(_ field: String, _ value: Int, _ least: Int, _ most: Int) throws(UplinkRuleError) {
    try rule(field, value >= least && value <= most, "is \(value), allowed is \(least) to \(most)")
  }

  private func isTokenOctet(_ octet: UInt8) -> Bool {
    switch octet {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
    default: false
    }
  }
}
