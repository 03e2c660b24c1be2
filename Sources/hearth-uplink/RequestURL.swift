// Which URLs may be fetched: https anywhere; http only to this machine, or where the configuration allows it.

import Foundation
import UplinkProtocol

enum RequestURL {
  /// The URL as URLSession takes it.
  static func check(_ request: UplinkRequest) throws(UplinkRuleError) -> URL {
    guard let parts = URLComponents(string: request.url), let url = parts.url, let host = parts.host, !host.isEmpty
    else { throw UplinkRuleError(field: "url", reason: "is not an absolute URL") }
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

  /// `localhost` (which libcurl never looks up), 127.0.0.0/8 and ::1.
  private static func isThisMachine(_ host: String) -> Bool {
    if ["localhost", "::1", "[::1]"].contains(host.lowercased()) { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}
