// Which URLs may be fetched: https anywhere; http only to this machine, or where the configuration allows it.

import Foundation
import UplinkProtocol

enum RequestURL {
  /// The URL as URLSession takes it.
  static func check(_ request: UplinkRequest) throws(UplinkRuleError) -> URL {
    guard var parts = URLComponents(string: request.url), let given = parts.host, !given.isEmpty
    else { throw UplinkRuleError(field: "url", reason: "is not an absolute URL") }
    let host = shortest(given)
    // In any other form URLSession and libcurl would not agree on the host (see CCurlHook).
    if host != given { parts.encodedHost = host }
    guard let url = parts.url else { throw UplinkRuleError(field: "url", reason: "is not an absolute URL") }
    guard parts.user == nil, parts.password == nil else {
      throw UplinkRuleError(field: "url", reason: "holds a user or a password")
    }
    if let port = parts.port, !(1...65535).contains(port) {
      throw UplinkRuleError(field: "url", reason: "has an impossible port")
    }
    switch parts.scheme?.lowercased() {
    case "https": break
    case "http":
      guard request.allowPlainHTTP || isThisMachine(host) else {
        throw UplinkRuleError(field: "url", reason: "is plain http to another machine, which is not allowed")
      }
    default: throw UplinkRuleError(field: "url", reason: "is neither https nor http")
    }
    return url
  }

  /// An IPv6 address in brackets, in its shortest form (RFC 5952); any other host as it is.
  private static func shortest(_ host: String) -> String {
    guard host.hasPrefix("["), host.hasSuffix("]") else { return host }
    var address = in6_addr()
    guard inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &address) == 1 else { return host }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return host }
    return "[\(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))]"
  }

  /// `localhost` (which libcurl never looks up), 127.0.0.0/8 and ::1.
  private static func isThisMachine(_ host: String) -> Bool {
    if ["localhost", "::1", "[::1]"].contains(host.lowercased()) { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}
