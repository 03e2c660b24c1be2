// The value of a maker's own characteristic, decoded on its own, for `hearthctl decode gatt`.

internal import Octets
internal import Readings

enum VendorDecoding {
  /// Nil when no decoder knows the characteristic. Throws when the octets are malformed.
  static func decode(
    _ id: CharacteristicID, _ octets: [UInt8], model: String? = nil
  ) throws(DecodeError) -> Decoded? {
    switch id {
    case Nonin3230Driver.oximetry: return try Nonin3230Driver.decode(octets)
    case BerryOximeterLine.stream where BerryPacket.begins(octets): return try BerryPacket.decode(octets)
    case BerryOximeterLine.stream: return try frames(BerryOximeterLine.self, octets, BerryOximeterLine.reading)
    case JumperOximeterLine.stream where !JumperOximeterLine.holdsFrames(octets):
      return Decoded(values: [NamedValue("type", .text("waveform"))])
    case JumperOximeterLine.stream: return try frames(JumperOximeterLine.self, octets, JumperOximeterLine.reading)
    case PC60OximeterLine.stream: return try frames(PC60OximeterLine.self, octets, PC60OximeterLine.reading)
    case ViatomO2Line.stream where AirBPDriver.begins(octets): return try AirBPDriver.decode(octets)
    case ViatomO2Line.stream: return try frames(ViatomO2Line.self, octets, ViatomO2Line.reading)
    case ContecOximeterLine.stream where octets.first == 0xE9:
      return try frames(PO60Line.self, octets, PO60Line.reading)
    case ContecOximeterLine.stream:
      return try frames(ContecOximeterLine.self, octets, ContecOximeterLine.reading)
    case CharacteristicID(0xFFF0, 0xFFF1) where octets.first == 0x4D: return try MicrolifeFrame.decode(octets)
    case CharacteristicID(0xFFF0, 0xFFF1): return try ofFFF0(octets)
    case FS20FLine.stream where octets.first == 0xFE: return try frames(FS20FLine.self, octets, FS20FLine.reading)
    case YunmaiScale.streams[0]: return try YunmaiScale.decode(octets, id)
    case TempSitterDriver.stream where TempSitterDriver.begins(octets):
      return Decoded(readings: [try TempSitterDriver.reading(octets)])
    case OneTouchDriver.notify: return try OneTouchDriver.decode(octets)
    case HealthSensorDriver.live, HealthSensorDriver.stored: return try HealthSensorDriver.decode(octets, id)
    case CharacteristicID(0xFFE0, 0xFFE1) where octets.first == 0x10: return try QNScale.decode(octets, id)
    case CharacteristicID(0xFFF0, 0xFFF4) where octets.first == 0xCF: return try EufyScale.decode(octets, id)
    case CharacteristicID(0xFFB0, 0xFFB2): return try ofFFB0(octets, id, model: model)
    case CharacteristicID(0x1A10, 0x2A10), CharacteristicID(0x1A10, 0x2A12):
      return try RenphoScale.decode(octets, id)
    case SoehnleScale.stream: return try SoehnleScale.decode(octets, id)
    case SanitasScaleDriver.link: return try SanitasScaleDriver.decode(octets)
    case YonkerDriver.result: return try YonkerDriver.decode(octets)
    default:
      guard TranstekDriver.services.contains(id.service.short ?? 0) else { return nil }
      return try TranstekReading.decode(id, octets)
    }
  }

  /// What the many makers of the service FFF0 send: each by how its frames begin.
  private static func ofFFF0(_ octets: [UInt8]) throws(DecodeError) -> Decoded? {
    let id = CharacteristicID(0xFFF0, 0xFFF1)
    if let frame = FDFDFrame(octets) { return frame.decoded }
    if EtekcityScale.begins(octets) { return try EtekcityScale.decode(octets, id) }
    if octets.starts(with: [0xAA, 0x55]) { return try frames(SP20OximeterLine.self, octets, SP20OximeterLine.reading) }
    if VitafitScale.begins(octets) { return try VitafitScale.decode(octets, id) }
    if SenssunScale.begins(octets) { return try SenssunScale.decode(octets, id) }
    if let reading = PulseWaveDriver.reading(octets) { return Decoded(readings: [reading]) }
    if octets.count == 14, octets[0] == 0x02, octets[13] == 0xAA { return try InlifeScale.decode(octets, id) }
    return octets.first == 0x10 ? try QNScale.decode(octets, id) : nil
  }

  /// The same for the service FFB0.
  private static func ofFFB0(
    _ octets: [UInt8], _ id: CharacteristicID, model: String?
  ) throws(DecodeError) -> Decoded? {
    if octets.starts(with: [0xAB, 0x2A]) { return try ByoneScale.decode(octets, id) }
    if SenssunScale.begins(octets) { return try SenssunScale.decode(octets, id) }
    if HoffenScale.begins(octets) { return try HoffenScale.decode(octets, id) }
    if octets.starts(with: [0xAC, 0x27]) { return try ActiveEraScale.decode(octets, id) }
    guard octets.first == 0xAC else { return nil }
    return try IcomonScale.decode(octets, id, DriverContext(model: model))
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
