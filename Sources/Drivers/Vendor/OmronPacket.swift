// The packets in which an Omron cuff's memory is read: size of the whole, type, address (both big-endian), count, data, one octet of
// result, and a last one that makes all of them xor to zero. Over the older service they are cut into pieces of sixteen octets, one a
// channel, four channels; over the newer one they come whole. Source: omblepy.
//
// Only reads are made: 0000 begins, 0100 reads, 0F00 ends. Writes (01C0) could damage the calibration and are not here.

internal import Octets

struct OmronPacket: Hashable {
  var type: UInt16
  var address: UInt16
  var data: [UInt8]
  /// Zero for success.
  var result: UInt8

  static let begin: [UInt8] = [0x08, 0, 0, 0, 0, 0x10, 0, 0x18]
  static let end: [UInt8] = [0x08, 0x0F, 0, 0, 0, 0, 0, 0x07]

  /// The request for `count` octets.
  static func read(_ address: UInt16, _ count: Int) -> [UInt8] {
    let octets = [0x08, 0x01, 0x00, UInt8(address >> 8), UInt8(address & 0xFF), UInt8(clamping: count), 0]
    return octets + [Checksum.xor8(octets)]
  }

  /// A whole packet. Throws when its size or check is wrong.
  init(_ octets: [UInt8]) throws(DecodeError) {
    guard octets.count >= 8, Int(octets[0]) == octets.count else {
      throw DecodeError(
        field: "size", offset: 0, reason: .malformed("\(octets.count) octets, expected \(octets.first ?? 8)"))
    }
    let check = Checksum.xor8(octets)
    guard check == 0 else {
      throw DecodeError(field: "check", offset: octets.count - 1, reason: .checksum(computed: UInt32(check), found: 0))
    }
    type = UInt16(octets[1]) << 8 | UInt16(octets[2])
    address = UInt16(octets[3]) << 8 | UInt16(octets[4])
    let count = Int(octets[5])
    // A refused read has no data; its count is what was asked for.
    let isWhole = count + 8 <= octets.count
    data = isWhole ? Array(octets[6..<(6 + count)]) : []
    result = octets[octets.count - 2]
  }
}

/// Puts the pieces of packets together.
struct OmronAssembly: Sendable {
  private static let channels = 4
  private static let width = 16
  private var pieces: [[UInt8]?] = Array(repeating: nil, count: channels)

  /// Adds a piece; gives the octets of a packet when it is whole. The first channel begins a new one.
  mutating func add(_ octets: [UInt8], channel: Int) -> [UInt8]? {
    guard pieces.indices.contains(channel), !octets.isEmpty else { return nil }
    if channel == 0 { self = OmronAssembly() }
    pieces[channel] = octets
    guard let first = pieces[0], let size = first.first.map({ Int($0) }), size > 0 else { return nil }
    if first.count >= size { return taken(Array(first.prefix(size))) }
    let needed = (size + OmronAssembly.width - 1) / OmronAssembly.width
    guard needed <= OmronAssembly.channels else { return nil }
    var packet: [UInt8] = []
    for piece in pieces.prefix(needed) {
      guard let piece else { return nil }
      packet += piece
    }
    return packet.count >= size ? taken(Array(packet.prefix(size))) : nil
  }

  private mutating func taken(_ packet: [UInt8]) -> [UInt8] {
    self = OmronAssembly()
    return packet
  }
}
