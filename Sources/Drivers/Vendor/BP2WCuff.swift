// Viatom and Lepu cuffs BP2W and LP-BP2W (Armfit) over the service 14839AC4 (frames: LepuFrame). The memory is a file, `bp2nibp.list`: F2
// opens it and says how long it is, F3 reads from an offset on, F4 closes it. A head of ten octets, then records of 37: seconds, user,
// mode, interval, status, systolic, diastolic and mean (16 bits), pulse, flags. Source: the maker's public programs and a program for
// Home Assistant; no capture of a device was found.
//
// Oddities: seconds count from 1970 as the clock on the wall shows them. All records come each time. While it measures, the cuff does not
// answer. The files of BP2, BP2A and BP2T have another layout, which nobody has published. Never sent: 04 (factory reset), 09 and 0A
// (inflate), 24, 25, 39, E2, E3 and EE (erase).

internal import Octets
internal import Readings

struct BP2WDriver: Driver {
  private static let readyTimer: DriverTimer = 1
  private static let answerTimer: DriverTimer = 2
  private static let readyMilliseconds = 2000
  private static let answerMilliseconds = 5000
  private static let head = 10
  private static let stride = 37
  /// The cuff keeps fewer.
  private static let mostOctets = 64 * 1024
  private static let name = Array("bp2nibp.list".utf8)

  private enum Step: Sendable {
    case waiting
    case opening
    case reading
    case closing
    case over
  }

  private let context: DriverContext
  private var properties: UInt8 = 0
  private var assembly = LepuAssembly(.newer)
  private var step = Step.waiting
  private var counter: UInt8 = 0
  private var size = 0
  private var file: [UInt8] = []
  private var proof = ProtocolProof("a BP2W cuff", isAsked: true)

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
      guard device[ViatomO2Line.stream] != nil, let commands = ViatomO2Line.commands, let write = device[commands]
      else {
        return [.problem(UnsupportedServices.problem(device.keys)), .finish]
      }
      properties = write
      return [
        .subscribe(ViatomO2Line.stream, indications: false), proof.start,
        .startTimer(BP2WDriver.readyTimer, milliseconds: BP2WDriver.readyMilliseconds),
      ] + DeviceProperty.reads(Set(device.keys)) + context.refusals
    case .timer(BP2WDriver.readyTimer):
      step = .opening
      let name = BP2WDriver.name + [UInt8](repeating: 0, count: 16 - BP2WDriver.name.count)
      return ask(0xF2, name + [0, 0, 0, 0])
    case .timer(BP2WDriver.answerTimer):
      // It measures, or has nothing to say: the next contact brings what it keeps.
      return step == .over ? [] : proof.isProven ? end() : []
    case .value(ViatomO2Line.stream, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private mutating func ask(_ command: UInt8, _ data: [UInt8]) -> [DriverAction] {
    guard let id = ViatomO2Line.commands else { return [] }
    let head = [0xA5, command, ~command, 0, counter, UInt8(data.count & 0xFF), UInt8(data.count >> 8)]
    counter &+= 1
    let octets = head + data
    return [
      .write(id, octets + [Checksum.crc8(octets)], withResponse: properties & 0x08 != 0),
      .startTimer(BP2WDriver.answerTimer, milliseconds: BP2WDriver.answerMilliseconds),
    ]
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    do {
      guard let frame = try assembly.add(octets) else { return [] }
      proof.heard(frame, proves: true)
      return try answered(frame)
    } catch {
      proof.heard(octets, proves: false)
      let raw = RawSource(source: "\(ViatomO2Line.stream)", octets: octets)
      return proof.isProven ? [.problem(DriverProblem(error, raw: raw))] : []
    }
  }

  private mutating func answered(_ frame: [UInt8]) throws(DecodeError) -> [DriverAction] {
    let data = Array(frame.dropFirst(7))
    switch (step, frame[1]) {
    case (.opening, 0xF2):
      var reader = OctetReader(data)
      let length = Int(try reader.uint32("size"))
      guard length <= BP2WDriver.mostOctets else {
        throw DecodeError(field: "size", offset: 0, reason: .malformed("a file of \(length) octets"))
      }
      size = length
      step = .reading
      return next()
    case (.reading, 0xF3):
      guard !data.isEmpty, file.count + data.count <= size else {
        throw DecodeError(field: "data", offset: 7, reason: .malformed("more than the file has, or nothing"))
      }
      file += data
      return next()
    case (.closing, 0xF4): return end()
    default: return []
    }
  }

  private mutating func next() -> [DriverAction] {
    guard file.count < size else {
      step = .closing
      return records() + ask(0xF4, [])
    }
    let offset = UInt32(clamping: file.count)
    return ask(0xF3, (0..<4).map { UInt8(truncatingIfNeeded: offset >> UInt32(8 * $0)) })
  }

  private mutating func end() -> [DriverAction] {
    step = .over
    return [.stopTimer(BP2WDriver.answerTimer), .finish]
  }

  private func records() -> [DriverAction] {
    var actions: [DriverAction] = []
    var start = BP2WDriver.head
    while start + BP2WDriver.stride <= file.count {
      let record = Array(file[start..<(start + BP2WDriver.stride)])
      start += BP2WDriver.stride
      if let reading = BP2WDriver.reading(record) { actions.append(.reading(reading)) }
    }
    return actions
  }

  /// A record's reading; nil for an empty one.
  static func reading(_ record: [UInt8]) -> DeviceReading? {
    let (systolic, diastolic) = (ScaleField.le16(record, 13), ScaleField.le16(record, 15))
    guard record.count == stride, systolic > 0 || diastolic > 0 else { return nil }
    let seconds = ScaleField.le32(record, 0)
    var observations = [
      Observation(.systolic, .value(ExactDecimal(systolic)), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(diastolic)), unit: .millimetreOfMercury),
    ]
    let mean = ScaleField.le16(record, 17)
    if mean > 0 {
      observations.append(Observation(.meanArterial, .value(ExactDecimal(mean)), unit: .millimetreOfMercury))
    }
    if record[19] > 0 {
      observations.append(Observation(.cuffPulse, .value(ExactDecimal(Int64(record[19]))), unit: .perMinute))
    }
    var flags: [ReadingFlag] = []
    if record[20] & 0x02 != 0 { flags.append(.bodyMovement) }
    if record[20] & 0x01 != 0 { flags.append(.irregularPulse) }
    if seconds == 0 { flags.append(.clockNotSet) }
    return DeviceReading(
      kind: .bloodPressure, observations: observations, flags: flags,
      time: seconds == 0 ? nil : .local(DeviceDateTime(seconds: UInt64(seconds), since: 1970)), stored: true,
      raw: RawSource(source: "bp2nibp.list", octets: record))
  }

  static let profile = DeviceProfile(
    id: "viatom-bp2w", manufacturer: "Viatom", names: ["BP2W", "LP-BP2W (Armfit)"], transport: .gatt,
    recognition: [.namePrefix("BP2W"), .namePrefix("LP-BP2W")], kinds: [.bloodPressure],
    terms: BloodPressureProfile.terms, clock: .stampsOnly, memory: .records, verification: .unverified
  ) { BP2WDriver($0) }.pairs(.cannotBond, hint: "switch it on; it transfers while it shows its menu")
}
