// AES-128 in CCM mode (FIPS 197, RFC 3610), decryption only, for advertisements that a scale encrypts with a key of its owner. A few
// hundred octets a minute: plain tables, no care for timing, because the key only ever guards a weight that is on the air anyway.

internal import Octets

/// One block forward; CCM needs no more.
struct AES128 {
  private static let box: [UInt8] = {
    var box = [UInt8](repeating: 0, count: 256)
    var (p, q): (UInt8, UInt8) = (1, 1)
    func turned(_ octet: UInt8, _ by: UInt8) -> UInt8 { octet << by | octet >> (8 - by) }
    repeat {
      p = p ^ double(p)
      // q times the inverse of 3.
      q ^= q << 1
      q ^= q << 2
      q ^= q << 4
      if q & 0x80 != 0 { q ^= 0x09 }
      box[Int(p)] = q ^ turned(q, 1) ^ turned(q, 2) ^ turned(q, 3) ^ turned(q, 4) ^ 0x63
    } while p != 1
    box[0] = 0x63
    return box
  }()

  private static func double(_ octet: UInt8) -> UInt8 { octet << 1 ^ (octet & 0x80 == 0 ? 0 : 0x1B) }

  /// Eleven round keys of sixteen octets.
  private let schedule: [UInt8]

  /// Nil unless the key has 16 octets.
  init?(key: [UInt8]) {
    guard key.count == 16 else { return nil }
    var words = key
    var constant: UInt8 = 1
    while words.count < 176 {
      var word = Array(words.suffix(4))
      if words.count % 16 == 0 {
        word = [word[1], word[2], word[3], word[0]].map { AES128.box[Int($0)] }
        word[0] ^= constant
        constant = AES128.double(constant)
      }
      let before = words.count - 16
      for index in 0..<4 { words.append(words[before + index] ^ word[index]) }
    }
    schedule = words
  }

  /// Encrypts sixteen octets; missing ones are zero.
  func encrypt(_ block: [UInt8]) -> [UInt8] {
    var state = (0..<16).map { ($0 < block.count ? block[$0] : 0) ^ schedule[$0] }
    for round in 1...10 {
      // Substitute and shift the rows.
      state = (0..<16).map { AES128.box[Int(state[($0 + $0 % 4 * 4) % 16])] }
      if round < 10 {
        for column in stride(from: 0, to: 16, by: 4) {
          let c = Array(state[column..<(column + 4)])
          let all = c[0] ^ c[1] ^ c[2] ^ c[3]
          for row in 0..<4 { state[column + row] = c[row] ^ all ^ AES128.double(c[row] ^ c[(row + 1) % 4]) }
        }
      }
      for index in 0..<16 { state[index] ^= schedule[round * 16 + index] }
    }
    return state
  }
}

enum AESCCM {
  /// What was encrypted; nil when the tag does not fit: a wrong key, a wrong nonce or a damaged text. `nonce` has 7…13 octets, `tag`
  /// 4…16, `associated` fewer than 16.
  static func open(_ text: [UInt8], tag: [UInt8], key: [UInt8], nonce: [UInt8], associated: [UInt8]) -> [UInt8]? {
    guard let cipher = AES128(key: key), (7...13).contains(nonce.count), (4...16).contains(tag.count),
      associated.count < 14, text.count < 0xFFFF
    else { return nil }
    let lengthOctets = 15 - nonce.count
    func number(_ value: Int) -> [UInt8] {
      (0..<lengthOctets).reversed().map { $0 < 4 ? UInt8(truncatingIfNeeded: value >> ($0 * 8)) : 0 }
    }
    func stream(_ counter: Int) -> [UInt8] {
      cipher.encrypt([UInt8(lengthOctets - 1)] + nonce + number(counter))
    }
    var plain: [UInt8] = []
    for (index, octet) in text.enumerated() { plain.append(octet ^ stream(index / 16 + 1)[index % 16]) }
    // The check value over nonce, length, associated data and text.
    let flags = UInt8((associated.isEmpty ? 0 : 0x40) + (tag.count - 2) / 2 * 8 + lengthOctets - 1)
    var state = cipher.encrypt([flags] + nonce + number(plain.count))
    func add(_ octets: [UInt8]) {
      for start in stride(from: 0, to: octets.count, by: 16) {
        for (index, octet) in octets[start..<min(start + 16, octets.count)].enumerated() { state[index] ^= octet }
        state = cipher.encrypt(state)
      }
    }
    if !associated.isEmpty { add([0, UInt8(associated.count)] + associated) }
    add(plain)
    let mask = stream(0)
    var difference: UInt8 = 0
    for (index, octet) in tag.enumerated() { difference |= octet ^ state[index] ^ mask[index] }
    return difference == 0 ? plain : nil
  }
}
