// What a server in front of a backend says about the connection with a status that would mean the batch: 400 with a page of its own.
// The words are nginx's (src/http/ngx_http_special_response.c), Apache's and Go's.

import Octets

/// Pages about the connection. Taken for the backend's word they would set readings aside that nobody has looked at.
package enum ProxyAnswer {
  private static let pages: [(words: String, code: String, text: String)] = [
    (
      "No required SSL certificate was sent", "tls-client-certificate",
      "the server asks for a client certificate and was sent none"
    ),
    ("The SSL certificate error", "tls-client-certificate", "the server does not accept the client certificate"),
    ("The plain HTTP request was sent to HTTPS port", "tls-expected", "the server speaks TLS: https:// belongs there"),
    (
      "speaking plain HTTP to an SSL-enabled server port", "tls-expected",
      "the server speaks TLS: https:// belongs there"
    ),
    ("Client sent an HTTP request to an HTTPS server", "tls-expected", "the server speaks TLS: https:// belongs there"),
  ]

  /// What the page says; nil for every other answer.
  package static func outcome(_ reply: HTTPReply) -> UploadOutcome? {
    guard reply.status == 400, reply.body.count <= 4096, reply.json == nil else { return nil }
    let page = pages.first { reply.body.holds($0.words.utf8) }
    return page.map { .untrusted(code: $0.code, text: $0.text) }
  }
}
