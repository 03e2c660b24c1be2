// A recorded stream of a serial protocol, decoded without a device: what `hearthctl decode serial` shows.

internal import Octets
internal import Readings

/// Decodes streams by protocol id.
public enum SerialDecoding {
  /// The protocols that are known, by their ids.
  public static var protocols: [String] {
    Registry.profiles.filter { if case .serial = $0.transport { true } else { false } }.map(\.id)
  }

  /// Decodes a stream; nil when no decoder knows the protocol. Each complete measurement by the driver's rule, or with
  /// `everyFrame` each valid frame.
  public static func decode(protocol id: String, octets: [UInt8], everyFrame: Bool, model: String? = nil) -> Decoded? {
    guard let profile = Registry.profile(id: id), case .serial = profile.transport else { return nil }
    var driver = profile.make(DriverContext(model: model, everyFrame: everyFrame))
    var decoded = Decoded()
    for action in driver.handle(.received(octets)) + driver.handle(.closed) {
      switch action {
      case .reading(let reading): decoded.readings.append(reading)
      case .problem(let problem): decoded.problems.append(problem)
      default: break
      }
    }
    decoded.values = values(id, octets)
    return decoded
  }

  /// True when the stream holds at least one valid frame of the protocol.
  public static func holdsFrames(_ decoded: Decoded) -> Bool { !decoded.readings.isEmpty || !decoded.values.isEmpty }

  private static func values(_ id: String, _ octets: [UInt8]) -> [NamedValue] {
    let frames: [DecodedValue]
    switch id {
    case ContecV7Driver.id: frames = contec(octets)
    case FiveOctetDialect.contec.rawValue, FiveOctetDialect.bci.rawValue:
      let dialect = FiveOctetDialect(rawValue: id) ?? .bci
      frames = fiveOctet(octets).map { .object($0.values(dialect)) }
    case "taidoc": frames = taidoc(octets)
    case "and-scale", "cas": frames = lines(octets)
    default: frames = []
    }
    // A long recording is told by its first frames and its count; the readings hold what matters.
    guard !frames.isEmpty else { return [] }
    return [
      NamedValue("frames", .integer(Int64(frames.count))), NamedValue("first_frames", .list(Array(frames.prefix(20)))),
    ]
  }

  private static func contec(_ octets: [UInt8]) -> [DecodedValue] {
    var frames: [DecodedValue] = []
    var index = 0
    while index < octets.count {
      guard let length = ContecPacket.length(of: octets[index]), index + length <= octets.count,
        octets[(index + 1)..<(index + length)].allSatisfy({ $0 >= 0x80 })
      else {
        index += 1
        continue
      }
      frames.append(.object(ContecPacket(Array(octets[index..<(index + length)])).values))
      index += length
    }
    return frames
  }

  private static func fiveOctet(_ octets: [UInt8]) -> [FiveOctetFrame] {
    var frames: [FiveOctetFrame] = []
    var index = 0
    while index + 5 <= octets.count {
      if let frame = FiveOctetFrame(octets[index..<(index + 5)]) {
        frames.append(frame)
        index += 5
      } else {
        index += 1
      }
    }
    return frames
  }

  private static func taidoc(_ octets: [UInt8]) -> [DecodedValue] {
    var frames: [DecodedValue] = []
    var index = 0
    while index + 8 <= octets.count {
      let frame = Array(octets[index..<(index + 8)])
      if (try? TaiDocProtocol.check(frame)) != nil {
        frames.append(.object([NamedValue("command", GATTDecoding.hex(frame[1], 2))] + TaiDocFrame(frame).values))
        index += 8
      } else {
        index += 1
      }
    }
    return frames
  }

  private static func lines(_ octets: [UInt8]) -> [DecodedValue] {
    octets.split { $0 & 0x7F == 0x0A || $0 & 0x7F == 0x0D }.compactMap { line -> DecodedValue? in
      guard let parsed = try? TextScaleLine(line) else { return nil }
      return .object([
        NamedValue("status", .text(parsed.status.rawValue)),
        NamedValue("value", parsed.value.map { .decimal($0) } ?? .absent), NamedValue("unit", .text(parsed.unitText)),
      ])
    }
  }
}
