// When a credential ends, read from itself: `exp` of a JSON Web Token (RFC 7519 4.1.4), `notAfter` of a certificate (RFC 5280
// 4.1.2.5). The signature is nobody's business here.

internal import JSON
internal import Octets
internal import Zones
internal import Ledger

/// When credentials end.
package enum CredentialEnd {
  /// Milliseconds since 1970 after which a token is not taken any more; nil when it tells none.
  package static func token(_ text: String) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1].utf8.count <= 65_536, let octets = base64(Array(parts[1].utf8)),
      let claims = try? JSONReader(maximumSize: 65_536).value(octets), let seconds = claims["exp"]?.int,
      seconds > 0, seconds < 253_402_300_800
    else { return nil }
    return Int64(seconds) * 1000
  }

  /// Milliseconds since 1970 after which the first certificate of a PEM file is not valid any more; nil for octets that hold none.
  package static func certificate(_ pem: [UInt8]) -> Int64? {
    let lines = pem.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
    guard let begin = lines.firstIndex(where: { $0.elementsEqual("-----BEGIN CERTIFICATE-----".utf8) }),
      let end = lines[begin...].firstIndex(where: { $0.elementsEqual("-----END CERTIFICATE-----".utf8) }),
      let der = base64(lines[(begin + 1)..<end].flatMap { Array($0) })
    else { return nil }
    guard let whole = element(der[...], 0x30), let body = element(whole.content, 0x30) else { return nil }
    var rest = body.content
    // The version may be left out; serial number, algorithm and issuer stand before the validity.
    if rest.first == 0xA0 { rest = element(rest, 0xA0)?.rest ?? [] }
    for tag: UInt8 in [0x02, 0x30, 0x30] {
      guard let passed = element(rest, tag) else { return nil }
      rest = passed.rest
    }
    guard let validity = element(rest, 0x30), let first = validity.content.first,
      let after = element(validity.content, first)?.rest, let tag = after.first, let time = element(after, tag)
    else { return nil }
    return instant(time.content, isLong: tag == 0x18)
  }

  /// Whether a private key belongs to the first certificate, both as PEM; nil where that cannot be told without computing with them.
  package static func belongs(key: [UInt8], to certificate: [UInt8]) -> Bool? {
    guard let bits = publicKey(certificate), let secret = block(key, { $0.hasSuffix("PRIVATE KEY-----") }) else {
      return nil
    }
    if bits.first == 0x30 {
      // RSA: a private key holds the modulus, too (RFC 8017 A.1).
      guard let modulus = element(element(bits, 0x30)?.content ?? [], 0x02)?.content, modulus.count > 32 else {
        return nil
      }
      return contains(secret, Array(modulus.drop { $0 == 0 }))
    }
    // A curve's: the key of RFC 5915 holds the public point where it was written with it.
    guard bits.first == 0x04, bits.count > 32 else { return nil }
    if contains(secret, Array(bits)) { return true }
    let isPointThere = secret.indices.dropLast(3).contains {
      secret[$0] == 0x03 && secret[$0 + 2] == 0 && secret[$0 + 3] == 0x04
    }
    return isPointThere ? false : nil
  }

  /// The bits of a certificate's public key.
  private static func publicKey(_ pem: [UInt8]) -> ArraySlice<UInt8>? {
    guard let der = block(pem, { $0 == "-----BEGIN CERTIFICATE-----" }), let whole = element(der[...], 0x30),
      let body = element(whole.content, 0x30)
    else { return nil }
    var rest = body.content
    if rest.first == 0xA0 { rest = element(rest, 0xA0)?.rest ?? [] }
    // Serial number, algorithm, issuer, validity and subject stand before it.
    for tag: UInt8 in [0x02, 0x30, 0x30, 0x30, 0x30] {
      guard let passed = element(rest, tag) else { return nil }
      rest = passed.rest
    }
    guard let info = element(rest, 0x30), let algorithm = element(info.content, 0x30),
      let bits = element(algorithm.rest, 0x03), bits.content.first == 0
    else { return nil }
    return bits.content.dropFirst()
  }

  /// The octets between the first marks of a kind.
  private static func block(_ pem: [UInt8], _ isBegin: (String) -> Bool) -> [UInt8]? {
    let lines = pem.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
    guard
      let begin = lines.firstIndex(where: { line in
        line.count <= 80 && line.starts(with: "-----BEGIN ".utf8) && isBegin(String(decoding: line, as: UTF8.self))
      }),
      let end = lines[begin...].firstIndex(where: { $0.starts(with: "-----END ".utf8) })
    else { return nil }
    return base64(lines[(begin + 1)..<end].flatMap { Array($0) })
  }

  private static func contains(_ octets: [UInt8], _ part: [UInt8]) -> Bool {
    guard let first = part.first, octets.count >= part.count else { return false }
    return (0...(octets.count - part.count)).contains { start in
      octets[start] == first && octets[start..<start + part.count].elementsEqual(part)
    }
  }

  private static func instant(_ text: ArraySlice<UInt8>, isLong: Bool) -> Int64? {
    guard text.count == (isLong ? 15 : 13), text.last == 0x5A else { return nil }
    var digits = text.dropLast().map { Int($0) - 0x30 }[...]
    guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
    func number(_ count: Int) -> Int {
      defer { digits = digits.dropFirst(count) }
      return digits.prefix(count).reduce(0) { $0 * 10 + $1 }
    }
    var year = number(isLong ? 4 : 2)
    if !isLong { year += year < 50 ? 2000 : 1900 }
    let civil = CivilTime(
      year: year, month: number(2), day: number(2), hour: number(2), minute: number(2), second: number(2))
    return civil.map { $0.seconds * 1000 }
  }

  /// One element of DER (X.690 8.1) with this tag: its contents and what follows.
  private static func element(_ octets: ArraySlice<UInt8>, _ tag: UInt8) -> (
    content: ArraySlice<UInt8>, rest: ArraySlice<UInt8>
  )? {
    guard octets.first == tag, octets.count >= 2 else { return nil }
    var rest = octets.dropFirst(2)
    var length = Int(octets[octets.startIndex + 1])
    if length > 0x80 {
      let count = length & 0x7F
      guard count <= 3, rest.count >= count else { return nil }
      length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(count)
    } else if length == 0x80 {
      return nil
    }
    guard rest.count >= length else { return nil }
    return (rest.prefix(length), rest.dropFirst(length))
  }

  /// Both alphabets of RFC 4648, with or without padding; nil for anything else.
  private static func base64(_ text: [UInt8]) -> [UInt8]? {
    var octets: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for character in text {
      let value: UInt8
      switch character {
      case 0x41...0x5A: value = character - 0x41
      case 0x61...0x7A: value = character - 0x61 + 26
      case 0x30...0x39: value = character - 0x30 + 52
      case 0x2B, 0x2D: value = 62
      case 0x2F, 0x5F: value = 63
      case 0x3D: continue
      default: return nil
      }
      bits = (bits << 6 | UInt32(value)) & 0xFFFF
      count += 6
      if count >= 8 {
        count -= 8
        octets.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return octets
  }
}

extension House {
  /// How long before its end a credential is told, in milliseconds.
  static let credentialNotice: Int64 = 14 * 86_400_000

  /// What to say of a credential that ends soon or has ended; nil while it is good.
  func ending(of backend: String, _ now: Now) -> String? {
    guard let fact = credentials[backend], now.isSynchronised else { return nil }
    let left = fact.end - now.wall
    guard left < House.credentialNotice else { return nil }
    let what = fact.what
    return left <= 0 ? "the \(what) has ended" : "the \(what) ends in \(left / 86_400_000) days"
  }
}

/// What is known of a backend's credential.
package struct CredentialFact: Sendable, Hashable {
  /// `token` or `client certificate`.
  package var what: String
  /// When it ends, in milliseconds since 1970.
  package var end: Int64
  /// What ends, and when.
  package init(what: String, end: Int64) {
    self.what = what
    self.end = end
  }
}
