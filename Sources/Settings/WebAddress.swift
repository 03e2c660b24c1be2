// Addresses of backends: judged by their syntax alone. A name is never looked up: a check must say the same without a network.

enum WebAddress {
  /// Why an address is refused, and the stable code of that. What stands before an "@" is never repeated: it may be a password.
  static func fault(_ url: String) -> (code: String, message: String)? {
    let octets = Array(url.utf8)
    guard let scheme = octets.firstIndex(of: 0x3A), octets[(scheme + 1)...].starts(with: "//".utf8) else { return nil }
    let rest = octets[(scheme + 3)...]
    let authority = rest.prefix { ![0x2F, 0x3F, 0x23].contains($0) }
    // A password may itself have a "/" in it: what comes before the first "?" is looked at as a whole when the rest is no host.
    if authority.contains(0x40) || host(authority) != nil && rest.prefix(while: { $0 != 0x3F }).contains(0x40) {
      return (
        "url.credentials",
        "an address holds no user and no password: expected \"bearer\", \"basic\", \"oauth2\" or \"helper\" beside it"
      )
    }
    return host(authority).map { ("url.invalid", $0) }
  }

  /// The address for people: without what may be a password.
  static func shown(_ url: String) -> String {
    guard let at = url.utf8.lastIndex(of: 0x40) else { return url }
    return "…\(url[at...])"
  }

  /// What is wrong with a host and its port; nil when they are good.
  private static func host(_ authority: ArraySlice<UInt8>) -> String? {
    var name = authority
    if authority.first == 0x5B {
      guard let end = authority.firstIndex(of: 0x5D) else { return "expected \"]\" behind an IPv6 address" }
      let address = authority[(authority.startIndex + 1)..<end]
      guard isIPv6(address) else {
        return "expected an IPv6 address between \"[\" and \"]\", such as [2001:db8::1]"
      }
      return port(authority[(end + 1)...])
    }
    if let colon = authority.firstIndex(of: 0x3A) {
      if let fault = port(authority[colon...]) { return fault }
      name = authority[..<colon]
    }
    if name.last == 0x2E { name = name.dropLast() }
    let labels = name.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard name.count <= 253, labels.allSatisfy(isLabel) else {
      return "expected a host such as readings.example.org: letters, digits, \"-\" and \".\""
    }
    // Digits alone are an IPv4 address or nothing.
    if labels.last?.allSatisfy(isDigit) ?? false, !isIPv4(name) {
      return "expected an IPv4 address of four numbers up to 255, such as 192.0.2.1"
    }
    return nil
  }

  private static func isIPv4(_ address: ArraySlice<UInt8>) -> Bool {
    let numbers = address.split(separator: 0x2E, omittingEmptySubsequences: false)
    return numbers.count == 4
      && numbers.allSatisfy { number in
        (1...3).contains(number.count) && number.allSatisfy(isDigit)
          && UInt8(String(decoding: number, as: UTF8.self)) != nil
      }
  }

  /// The forms of RFC 4291, 2.2: eight groups, at most one "::" for groups of zeros, and perhaps an IPv4 address at the end.
  private static func isIPv6(_ address: ArraySlice<UInt8>) -> Bool {
    guard address.count <= 45 else { return false }
    let gap = address.indices.dropLast().first { address[$0] == 0x3A && address[$0 + 1] == 0x3A }
    guard let gap else { return groups(address, isLast: true) == 8 }
    guard let before = groups(address[..<gap], isLast: false), let after = groups(address[(gap + 2)...], isLast: true)
    else { return false }
    return before + after <= 7
  }

  /// How many groups of sixteen bits a part of an IPv6 address has; nil when one of them is none.
  private static func groups(_ part: ArraySlice<UInt8>, isLast: Bool) -> Int? {
    guard !part.isEmpty else { return 0 }
    let pieces = part.split(separator: 0x3A, omittingEmptySubsequences: false)
    var count = 0
    for (index, piece) in pieces.enumerated() {
      if (1...4).contains(piece.count), piece.allSatisfy(isHex) {
        count += 1
      } else if isLast, index == pieces.count - 1, isIPv4(piece) {
        count += 2
      } else {
        return nil
      }
    }
    return count
  }

  /// `:443`, or nothing.
  private static func port(_ text: ArraySlice<UInt8>) -> String? {
    guard let colon = text.first else { return nil }
    let digits = text.dropFirst()
    guard colon == 0x3A, (1...5).contains(digits.count), digits.allSatisfy(isDigit),
      let number = Int(String(decoding: digits, as: UTF8.self)), (1...65_535).contains(number)
    else { return "expected a port from 1 to 65535 behind the host, such as :8443" }
    return nil
  }

  private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
    (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
      && label.allSatisfy { isDigit($0) || (0x41...0x5A).contains($0 & 0xDF) || $0 == 0x2D || $0 == 0x5F }
  }

  private static func isDigit(_ octet: UInt8) -> Bool { (0x30...0x39).contains(octet) }

  private static func isHex(_ octet: UInt8) -> Bool { isDigit(octet) || (0x41...0x46).contains(octet & 0xDF) }
}

extension ConfigurationFile {
  /// An address without the user and the password in it; nil when it holds none.
  package static func withoutCredentials(_ url: String) -> String? {
    guard WebAddress.fault(url)?.code == "url.credentials", let at = url.utf8.lastIndex(of: 0x40) else { return nil }
    let scheme = url.utf8.firstIndex(of: 0x3A).map { String(url[...$0]) } ?? ""
    return "\(scheme)//\(url[url.utf8.index(after: at)...])"
  }
}
