// The frame around every message between `hearthd` and `hearth-uplink`, over a Unix stream socket:
//
//     "HUPL"  version (2)  kind (1 = request, 2 = response)  0 0  payload length, 4 octets  payload
//
// All integers are little-endian. Every frame begins with the magic, so that lost step is noticed at once.

package import Octets

/// One message of either direction.
package enum UplinkFrame: Hashable, Sendable {
  /// From the daemon to the uplink.
  case request(UplinkRequest)
  /// From the uplink to the daemon.
  case response(UplinkResponse)
}

enum FrameHeader {
  static let length = 12
  static let magic: [UInt8] = Array("HUPL".utf8)
  static let version: UInt8 = 2
  static let request: UInt8 = 1
  static let response: UInt8 = 2

  static func around(_ payload: [UInt8], kind: UInt8) -> [UInt8] {
    var writer = OctetWriter(capacity: length + payload.count)
    writer.append(magic)
    writer.uint8(version)
    writer.uint8(kind)
    writer.uint16(0)
    writer.uint32(UInt32(clamping: payload.count))
    writer.append(payload)
    return writer.octets
  }
}

/// Takes frames out of a stream, however its octets are cut up. At most one frame of the longest allowed length is held.
package struct UplinkFrameDecoder: Sendable {
  private var buffer: [UInt8] = []
  private var start = 0
  private var failure: DecodeError?

  /// Starts at the beginning of a stream.
  package init() {}

  /// Adds what was read.
  package mutating func append(_ octets: some Sequence<UInt8>) {
    guard failure == nil else { return }
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer.append(contentsOf: octets)
  }

  /// True when the octets so far end in the middle of a frame.
  package var isInsideFrame: Bool { failure == nil && buffer.count > start }

  /// The next whole frame; nil when more octets are needed. Throws at the first octet that cannot be right, and the same
  /// error ever after: a stream that lost step is closed, not searched.
  package mutating func next() throws(DecodeError) -> UplinkFrame? {
    if let failure { throw failure }
    do {
      return try take()
    } catch {
      failure = error
      buffer = []
      start = 0
      throw error
    }
  }

  private mutating func take() throws(DecodeError) -> UplinkFrame? {
    for (index, expected) in FrameHeader.magic.enumerated() {
      guard start + index < buffer.count else { return nil }
      guard buffer[start + index] == expected else {
        throw DecodeError(field: "magic", offset: index, reason: .malformed("is not HUPL"))
      }
    }
    guard buffer.count - start >= FrameHeader.length else { return nil }
    var header = OctetReader(Array(buffer[start..<(start + FrameHeader.length)]), from: FrameHeader.magic.count)
    let version = try header.uint8("version")
    guard version == FrameHeader.version else {
      throw DecodeError(
        field: "version", offset: 4, reason: .unsupported("is \(version), this program speaks \(FrameHeader.version)"))
    }
    let kind = try header.uint8("kind")
    guard kind == FrameHeader.request || kind == FrameHeader.response else {
      throw DecodeError(field: "kind", offset: 5, reason: .invalidValue(Int64(kind)))
    }
    let reserved = try header.uint16("reserved")
    guard reserved == 0 else {
      throw DecodeError(field: "reserved", offset: 6, reason: .invalidValue(Int64(reserved)))
    }
    let count = Int(try header.uint32("payload length"))
    guard count <= UplinkLimits.payload else {
      throw DecodeError(field: "payload length", offset: 8, reason: .invalidValue(Int64(count)))
    }
    let body = start + FrameHeader.length
    guard buffer.count - body >= count else { return nil }
    let payload = Array(buffer[body..<(body + count)])
    start = body + count
    return kind == FrameHeader.request
      ? .request(try UplinkRequest(payload: payload)) : .response(try UplinkResponse(payload: payload))
  }
}
