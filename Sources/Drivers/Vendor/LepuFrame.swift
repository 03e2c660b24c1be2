// Frames of Viatom and Lepu over the service 14839AC4: cuffs BP2W (A5, command, ~command, direction, counter, length, data, check) and AirBP
// (A5 00, acknowledgement, command, length of 32 bits, data, check). The check is a CRC-8 with polynomial 07 over all octets before it.
// They come in pieces. Source: the maker's public programs, and captured frames of an AirBP.

internal import Octets

/// Puts frames together out of notifications.
struct LepuAssembly: Sendable {
  /// How the head of a frame is laid out.
  enum Head: Sendable {
    case newer
    case airBP

    var count: Int { self == .newer ? 7 : 8 }
  }

  private static let longest = 4096
  private let head: Head
  private var octets: [UInt8] = []

  init(_ head: Head) { self.head = head }

  /// Nil until it is known; throws when no frame begins here.
  private func length() throws(DecodeError) -> Int? {
    guard let first = octets.first else { return nil }
    guard first == 0xA5 else { throw DecodeError(field: "head", offset: 0, reason: .invalidValue(Int64(first))) }
    guard octets.count >= head.count else { return nil }
    let count: Int
    switch head {
    case .newer:
      guard octets[2] == ~octets[1] else {
        throw DecodeError(field: "head", offset: 2, reason: .invalidValue(Int64(octets[2])))
      }
      count = Int(octets[5]) | Int(octets[6]) << 8
    case .airBP:
      guard octets[1] == 0 else { throw DecodeError(field: "head", offset: 1, reason: .invalidValue(Int64(octets[1]))) }
      guard octets[6] == 0, octets[7] == 0 else {
        throw DecodeError(field: "length", offset: 4, reason: .malformed("longer than any frame"))
      }
      count = Int(octets[4]) | Int(octets[5]) << 8
    }
    guard count <= LepuAssembly.longest else {
      throw DecodeError(field: "length", offset: 4, reason: .malformed("longer than any frame"))
    }
    return head.count + count + 1
  }

  /// Takes a notification; gives the frame that it completes, without its check. Throws, and forgets what it had, when there is none.
  mutating func add(_ more: [UInt8]) throws(DecodeError) -> [UInt8]? {
    octets += more
    do throws(DecodeError) {
      guard let length = try length(), octets.count >= length else { return nil }
      let frame = Array(octets.prefix(length))
      let computed = Checksum.crc8(frame.dropLast())
      guard frame.last == computed else {
        throw DecodeError(
          field: "check", offset: length - 1,
          reason: .checksum(computed: UInt32(computed), found: UInt32(frame.last ?? 0)))
      }
      octets.removeFirst(length)
      return Array(frame.dropLast())
    } catch {
      octets = []
      throw error
    }
  }
}
