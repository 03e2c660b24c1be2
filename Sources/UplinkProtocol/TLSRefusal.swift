// What libcurl says of TLS, as a kind: URLSession has one code for everything (-1), only the text differs. The words are those of
// libcurl's lib/vtls/openssl.c and of OpenSSL's alerts (RFC 8446 section 6.2).

import Octets

extension UplinkFailureKind {
  /// What a connection that merely broke looks like, in the middle of a handshake too: trying again may cure it.
  private static let broken = [
    "connection reset", "ssl_error_syscall", "unexpected eof", "broken pipe", "timed out", "timeout",
  ]
  private static let handshakes = [
    "protocol version", "unsupported protocol", "unknown protocol", "version number", "wrong ssl version",
    "handshake failure", "no protocols available", "no shared cipher", "no ciphers available", "insufficient security",
    "inappropriate fallback", "version too low", "http request",
  ]
  private static let certificates = [
    "ssl certificate problem", "certificate subject name", "peer certificate", "client certificate", "private key",
    "trust anchor", "alert certificate", "alert bad certificate", "alert unsupported certificate", "alert unknown ca",
    "certificate verify locations", "certificate blob", "certificate unknown", "certificate expired",
    "certificate revoked", "certificate required", "certificate verify failed",
  ]

  /// The kind of a failure by libcurl's text; nil where the text says nothing of a refusal.
  package static func ofTLS(_ text: String) -> UplinkFailureKind? {
    let text = Array(text.lowercased().utf8)
    func says(_ words: [String]) -> Bool { words.contains { text.holds($0.utf8) } }
    if says(broken) { return nil }
    if says(certificates) { return .certificate }
    // Other words of OpenSSL, such as those of a record that came damaged, are of this one try.
    return says(["ssl routines"]) && says(handshakes) ? .handshake : nil
  }
}
