// The conversation with a scale that notifies its own frames over BLE: subscribe, start it where it has to be started, answer what it
// asks, and make one reading of a weighing: the final weight, and the impedance that some send behind it. What a person's application
// computes of them (fat, water, muscle) is an estimate of the application and is not made here.

internal import Octets
internal import Readings

/// What one value of a scale says.
enum ScaleWord: Sendable, Hashable {
  /// A frame of the protocol without a weight that counts.
  case known
  /// Somebody still moves: what comes next is a new weighing.
  case live(ExactDecimal, UCUM)
  /// The weight of a weighing.
  case final(ExactDecimal, UCUM, impedance: ExactDecimal?)
  /// The impedance of the weighing whose weight was final, in ohm.
  case impedance(ExactDecimal)
  /// A weighing with its own time, perhaps out of the memory; nothing is joined to it.
  case record(ExactDecimal, UCUM, impedance: ExactDecimal?, time: DeviceStamp?, user: UInt8?)
  case battery(UInt8)
  /// An answer of the hub.
  case send([UInt8])
  /// What the scale says that it could not do.
  case failed(String)
}

/// A family of scales: its frames; who is spoken to and when stands in `NotifyingScale`.
protocol ScaleProtocol: Sendable {
  static var id: String { get }
  /// What is spoken to, such as `a Yunmai scale`.
  static var device: String { get }
  /// Where frames come from, in the order in which they are subscribed to; the device has at least one of them.
  static var streams: [CharacteristicID] { get }
  /// Where commands go: the first that the device has.
  static var commands: [CharacteristicID] { get }
  /// How long a final weight waits for its impedance, in milliseconds; 0: it has none, or has it in the same frame.
  static var impedanceMilliseconds: Int { get }
  init(_ context: DriverContext)
  /// What is sent once everything is subscribed to.
  mutating func begin() -> [[UInt8]]
  /// The frame that the last value completed, where it came in pieces.
  var joined: [UInt8]? { get }
  /// Throws for a value that is no frame of the protocol.
  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord]
}

extension ScaleProtocol {
  static var commands: [CharacteristicID] { [] }
  static var impedanceMilliseconds: Int { 0 }
  var joined: [UInt8]? { nil }
  mutating func begin() -> [[UInt8]] { [] }

  /// A value on its own, for `decode gatt`.
  static func decode(
    _ octets: [UInt8], _ stream: CharacteristicID, _ context: DriverContext = DriverContext()
  ) throws(DecodeError) -> Decoded {
    var scale = Self(context)
    let words = try scale.said(octets, stream)
    var decoded = Decoded()
    func name(_ unit: UCUM) -> String { unit == .pound ? "lb" : unit == .jin ? "jin" : "kg" }
    for word in words {
      switch word {
      case .live(let weight, let unit):
        decoded.values += [
          NamedValue("weight", .decimal(weight)), NamedValue("unit", .text(name(unit))),
          NamedValue("final", .flag(false)),
        ]
      case .impedance(let ohms): decoded.values.append(NamedValue("impedance_ohm", .decimal(ohms)))
      case .failed(let message):
        decoded.problems.append(
          DriverProblem(
            code: "measurement-failed", message: message, raw: RawSource(source: "\(stream)", octets: octets)))
      default:
        if let reading = reading(word, RawSource(source: "\(stream)", octets: octets)) {
          decoded.readings.append(reading)
        }
      }
    }
    return decoded
  }

  /// The reading of a whole weighing; nil for anything else, and for a scale that is empty.
  static func reading(_ word: ScaleWord, _ raw: RawSource) -> DeviceReading? {
    let weight: ExactDecimal
    let unit: UCUM
    let ohms: ExactDecimal?
    var reading: DeviceReading
    switch word {
    case .final(let value, let given, let impedance):
      (weight, unit, ohms) = (value, given, impedance)
      reading = DeviceReading(kind: .bodyWeight, observations: [], stored: false, raw: raw)
    case .record(let value, let given, let impedance, let time, let user):
      (weight, unit, ohms) = (value, given, impedance)
      reading = DeviceReading(kind: .bodyWeight, observations: [], time: time, user: user, raw: raw)
    default: return nil
    }
    guard !weight.isZero else { return nil }
    reading.observations = [Observation(.weight, .value(weight), unit: unit)]
    if let ohms, !ohms.isZero {
      reading.observations.append(Observation(.impedance, .value(ohms), unit: .ohm))
      reading.kind = .bodyComposition
    }
    return reading
  }
}

/// Listens to a scale of one family.
struct NotifyingScale<Scale: ScaleProtocol>: Driver {
  private static var joinTimer: DriverTimer { 1 }
  private static var idleTimer: DriverTimer { 2 }
  private static var idleMilliseconds: Int { 60_000 }
  private static var afterMilliseconds: Int { 15_000 }

  private let context: DriverContext
  private var scale: Scale
  private var proof: ProtocolProof
  private var device: [CharacteristicID: UInt8] = [:]
  /// Subscriptions that are not acknowledged yet; what starts the scale is sent behind the last.
  private var awaited: Set<CharacteristicID> = []
  /// A final weight that waits for its impedance.
  private var waiting: (word: ScaleWord, raw: RawSource)?
  /// The final weight that was given last; scales repeat it until the person steps off.
  private var given: ScaleWord?

  init(_ context: DriverContext) {
    self.context = context
    var scale = Scale(context)
    proof = ProtocolProof(Scale.device, isAsked: !scale.begin().isEmpty)
    self.scale = Scale(context)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered): return begin(discovered)
    case .subscribed(let id), .subscribeFailed(let id, _):
      guard awaited.remove(id) != nil, awaited.isEmpty else { return [] }
      return scale.begin().flatMap { write($0) }
    case .value(let id, let octets, let origin) where origin != .read && Scale.streams.contains(id):
      return took(octets, id)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(NotifyingScale.joinTimer): return flush()
    case .timer(NotifyingScale.idleTimer): return flush() + [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return flush() + proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private mutating func begin(_ discovered: [DiscoveredCharacteristic]) -> [DriverAction] {
    device = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
    let streams = Scale.streams.filter { device[$0] != nil }
    guard !streams.isEmpty else { return [.problem(UnsupportedServices.problem(device.keys)), .finish] }
    awaited = Set(streams)
    return streams.map { .subscribe($0, indications: (device[$0] ?? 0) & 0x30 == 0x20) }
      + [.startTimer(NotifyingScale.idleTimer, milliseconds: NotifyingScale.idleMilliseconds), proof.start]
      + DeviceProperty.reads(Set(device.keys)) + context.refusals
  }

  private func write(_ octets: [UInt8]) -> [DriverAction] {
    guard let id = Scale.commands.first(where: { device[$0] != nil }), let properties = device[id] else { return [] }
    return [.write(id, octets, withResponse: properties & 0x08 != 0)]
  }

  private mutating func took(_ octets: [UInt8], _ stream: CharacteristicID) -> [DriverAction] {
    var raw = RawSource(source: "\(stream)", octets: octets)
    do {
      let words = try scale.said(octets, stream)
      raw.octets = scale.joined ?? octets
      proof.heard(octets, proves: !words.isEmpty)
      return words.flatMap { heard($0, raw) }
    } catch {
      proof.heard(octets, proves: false)
      // What another protocol says is told once, by the proof.
      return proof.isProven ? [.problem(DriverProblem(error, raw: raw))] : []
    }
  }

  private mutating func heard(_ word: ScaleWord, _ raw: RawSource) -> [DriverAction] {
    switch word {
    case .known: return []
    case .battery(let percent): return percent <= 100 ? [.property(.battery(percent))] : []
    case .send(let octets): return write(octets)
    case .failed(let message):
      return [.problem(DriverProblem(code: "measurement-failed", message: message, raw: raw))]
    case .live:
      given = nil
      return flush() + [idle]
    case .record: return (Scale.reading(word, raw).map { [.reading($0)] } ?? []) + [idle]
    case .final(_, _, let impedance):
      guard word != given else { return [] }
      if let (before, _) = waiting, before == word { return [] }
      given = word
      guard impedance == nil, Scale.impedanceMilliseconds > 0 else {
        // The same weighing again, with its impedance.
        waiting = nil
        return [.stopTimer(NotifyingScale.joinTimer)] + (Scale.reading(word, raw).map { [.reading($0)] } ?? []) + [idle]
      }
      let before = flush()
      waiting = (word, raw)
      return before + [.startTimer(NotifyingScale.joinTimer, milliseconds: Scale.impedanceMilliseconds), idle]
    case .impedance(let ohms):
      guard case .final(let weight, let unit, nil)? = waiting?.word, let first = waiting?.raw else { return [] }
      waiting = nil
      let both = RawSource(source: first.source, octets: first.octets + raw.octets)
      let reading = Scale.reading(.final(weight, unit, impedance: ohms), both)
      return [.stopTimer(NotifyingScale.joinTimer)] + (reading.map { [.reading($0)] } ?? []) + [idle]
    }
  }

  private var idle: DriverAction {
    .startTimer(NotifyingScale.idleTimer, milliseconds: NotifyingScale.afterMilliseconds)
  }

  /// A weight whose impedance did not come stands for itself.
  private mutating func flush() -> [DriverAction] {
    guard let (word, raw) = waiting else { return [] }
    waiting = nil
    return [.stopTimer(NotifyingScale.joinTimer)] + (Scale.reading(word, raw).map { [.reading($0)] } ?? [])
  }

  /// The profile of a family; its weights have no user, so a technician says whose they are.
  static func profile(
    _ manufacturer: String?, _ names: [String], _ signs: [RecognitionSign], impedance: Bool,
    clock: ClockBehaviour = .none, memory: MemoryBehaviour = .none, captured: Bool, rule: String
  ) -> DeviceProfile {
    DeviceProfile(
      id: Scale.id, manufacturer: manufacturer, names: names, transport: .gatt, recognition: signs,
      kinds: impedance ? [.bodyWeight, .bodyComposition] : [.bodyWeight],
      terms: impedance ? [.weight, .impedance] : [.weight], clock: clock, memory: memory,
      verification: captured ? .captured : .unverified, rule: rule
    ) { NotifyingScale<Scale>($0) }.pairs(.cannotBond, hint: "step on it: it is on the air while somebody stands on it")
  }
}

/// Fields of frames, read without a trap.
enum ScaleField {
  static func be16(_ octets: [UInt8], _ at: Int) -> Int64 {
    at >= 0 && octets.count >= at + 2 ? Int64(octets[at]) << 8 | Int64(octets[at + 1]) : 0
  }
  static func le16(_ octets: [UInt8], _ at: Int) -> Int64 {
    at >= 0 && octets.count >= at + 2 ? Int64(octets[at + 1]) << 8 | Int64(octets[at]) : 0
  }
  static func be24(_ octets: [UInt8], _ at: Int) -> Int64 {
    at >= 0 && octets.count >= at + 3 ? Int64(octets[at]) << 16 | be16(octets, at + 1) : 0
  }
  static func le24(_ octets: [UInt8], _ at: Int) -> Int64 {
    at >= 0 && octets.count >= at + 3 ? Int64(octets[at + 2]) << 16 | le16(octets, at) : 0
  }
  static func be32(_ octets: [UInt8], _ at: Int) -> Int64 { be16(octets, at) << 16 | be16(octets, at + 2) }
  static func le32(_ octets: [UInt8], _ at: Int) -> Int64 { le16(octets, at + 2) << 16 | le16(octets, at) }

  /// Throws unless the octet at a place, without one the last, is the check that was computed.
  static func check(_ octets: [UInt8], _ computed: UInt8, at place: Int? = nil) throws(DecodeError) {
    let offset = place ?? octets.count - 1
    let found = octets.indices.contains(offset) ? octets[offset] : nil
    guard found == computed else {
      throw DecodeError(
        field: "check", offset: offset, reason: .checksum(computed: UInt32(computed), found: UInt32(found ?? 0)))
    }
  }

  /// Throws unless a frame has so many octets.
  static func expect(_ count: Int, _ octets: [UInt8]) throws(DecodeError) {
    guard octets.count < count else {
      guard octets.count > count else { return }
      throw DecodeError(field: "frame", offset: count, reason: .malformed("\(octets.count) octets, expected \(count)"))
    }
    throw DecodeError(field: "frame", offset: octets.count, reason: .truncated(needed: count, available: octets.count))
  }

  /// Octets that no frame of the protocol begins with.
  static func foreign(_ octets: [UInt8]) -> DecodeError {
    DecodeError(field: "start", offset: 0, reason: .invalidValue(Int64(octets.first ?? 0)))
  }
}
