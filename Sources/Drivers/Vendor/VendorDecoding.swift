// The value of a maker's own characteristic, decoded on its own, for `hearthctl decode gatt`.

internal import Octets
internal import Readings

enum VendorDecoding {
  /// Nil when no decoder knows the characteristic. Throws when the octets are malformed.
  static func decode(_ id: CharacteristicID, _ octets: [UInt8]) throws(DecodeError) -> Decoded? {
    switch id {
    case Nonin3230Driver.oximetry: return try Nonin3230Driver.decode(octets)
    case BerryOximeterLine.stream where BerryPacket.begins(octets): return try BerryPacket.decode(octets)
    case BerryOximeterLine.stream: return try frames(BerryOximeterLine.self, octets, BerryOximeterLine.reading)
    case JumperOximeterLine.stream where !JumperOximeterLine.holdsFrames(octets):
      return Decoded(values: [NamedValue("type", .text("waveform"))])
    case JumperOximeterLine.stream: return try frames(JumperOximeterLine.self, octets, JumperOximeterLine.reading)
    case PC60OximeterLine.stream: return try frames(PC60OximeterLine.self, octets, PC60OximeterLine.reading)
    case ViatomO2Line.stream: return try frames(ViatomO2Line.self, octets, ViatomO2Line.reading)
    case ContecOximeterLine.stream where octets.first == 0xE9:
      return try frames(PO60Line.self, octets, PO60Line.reading)
    case ContecOximeterLine.stream:
      return try frames(ContecOximeterLine.self, octets, ContecOximeterLine.reading)
    case CharacteristicID(0xFFF0, 0xFFF1) where octets.first == 0x4D: return try MicrolifeFrame.decode(octets)
    case SanitasScaleDriver.link: return try SanitasScaleDriver.decode(octets)
    case YonkerDriver.result: return try YonkerDriver.decode(octets)
    default:
      guard TranstekDriver.services.contains(id.service.short ?? 0) else { return nil }
      return try TranstekReading.decode(id, octets)
    }
  }

  private static func frames<Line: LineProtocol>(
    _: Line.Type, _ octets: [UInt8], _ reading: ([UInt8]) -> DeviceReading?
  ) throws(DecodeError) -> Decoded {
    var line = FramedLine<Line>()
    line.append(octets)
    var decoded = Decoded()
    var count = 0
    while let item = line.next() {
      switch item {
      case .problem(let problem): decoded.problems.append(problem)
      case .frame(let frame):
        count += 1
        decoded.values += Line.values(frame)
        if let reading = reading(frame) { decoded.readings.append(reading) }
      }
    }
    if let truncated = line.finish() { decoded.problems.append(truncated) }
    guard count > 0 else {
      let problem = decoded.problems.first
      throw DecodeError(
        field: "frame", offset: problem?.offset ?? 0, reason: .malformed(problem?.message ?? "no frame is there"))
    }
    return decoded
  }
}
