// Health o meter Professional and Rice Lake medical scales: fields behind ESC over 9600 8N1, the CP210x inside the scale. Baby
// scales (2595KL, 522, 524, 553) send short frames at 2400 8N1. Source: Pelstar's communication protocols, 2023-07-11.
//
// `ESC R ESC I id ESC W weight ESC H height ESC B bmi [ESC T tare] ESC N m|c ESC E`, no check value; some models begin the second
// packet with `6R`. c means pounds and inches. Nothing is sent to the scale.

internal import Octets
internal import Readings

struct HealthOMeterPacket: Sendable, Hashable {
  /// The fields by their letters, as text.
  private(set) var fields: [UInt8: String] = [:]
  let isMetric: Bool
  let isBabyScale: Bool

  var weight: ExactDecimal? { fields[0x57].flatMap { ExactDecimal($0) } }
  var unit: UCUM { isMetric ? .kilogram : .pound }
  /// Zero stands for "not measured", and for "nobody is on the scale"; 999.99 is the overload of Rice Lake,
  /// 999.9 where it shows one place less.
  var isOverload: Bool {
    weight.map { weight in
      [ExactDecimal(99_999, exponent: -2), ExactDecimal(9999, exponent: -1)].contains { $0.isEqual(to: weight) }
    } ?? false
  }

  /// A packet from its start to ESC E, or a frame of a baby scale.
  init(_ octets: ArraySlice<UInt8>) throws(DecodeError) {
    func bad(_ field: String, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: 0, reason: .malformed(text))
    }
    isBabyScale = octets.first != 0x1B && octets.first != 0x36
    if isBabyScale {
      let digits = octets.dropFirst(4).dropLast()
      isMetric = octets.dropFirst().first == 0x82
      fields[0x57] = String(decoding: digits, as: UTF8.self)
      guard weight != nil else { throw bad("weight", "no number") }
      return
    }
    var nature = ""
    for part in octets.split(separator: 0x1B) {
      guard let letter = part.first else { continue }
      let field = part.dropFirst().drop { $0 == 0x20 }
      let text = String(
        decoding: field.prefix(field.count - field.reversed().prefix { $0 == 0x20 }.count), as: UTF8.self)
      switch letter {
      case 0x52, 0x36, 0x45: continue
      case 0x4E: nature = text
      case 0x57, 0x48, 0x42, 0x54:
        guard fields[letter] == nil else { throw bad("field", "a field comes twice") }
        // Some firmware sends garbage for a height: the weight is none the worse.
        guard ExactDecimal(text) != nil || letter != 0x57 else { throw bad("weight", "no number behind ESC W") }
        if ExactDecimal(text) != nil { fields[letter] = text }
      case 0x49: fields[letter] = text
      default: throw bad("field", "a field that this protocol does not have")
      }
    }
    guard nature == "m" || nature == "c" else { throw bad("unit", "neither m nor c") }
    isMetric = nature == "m"
    guard weight != nil else { throw bad("weight", "no weight") }
  }

  /// The reading; nil without a weight.
  func reading(raw: RawSource) -> DeviceReading? {
    guard let weight, !weight.isZero, !weight.isNegative, !isOverload else { return nil }
    var observations = [Observation(.weight, .value(weight), unit: unit)]
    // Some firmware sends garbage here: only what a person can be is taken.
    let lengths = isMetric ? ExactDecimal(40)...ExactDecimal(250) : ExactDecimal(16)...ExactDecimal(98)
    if let height = fields[0x48].flatMap({ ExactDecimal($0) }), lengths.contains(height) {
      observations.append(Observation(.height, .value(height), unit: isMetric ? .centimetre : .inch))
      if let index = fields[0x42].flatMap({ ExactDecimal($0) }), (ExactDecimal(5)...ExactDecimal(100)).contains(index) {
        observations.append(Observation(.bodyMassIndex, .value(index), unit: .kilogramPerSquareMetre))
      }
    }
    return DeviceReading(kind: .bodyWeight, observations: observations, stored: false, raw: raw)
  }

  var values: [NamedValue] {
    let names: [(UInt8, String)] = [
      (0x49, "patientId"), (0x57, "weight"), (0x48, "height"), (0x42, "bmi"), (0x54, "tare"),
    ]
    return names.compactMap { letter, name in fields[letter].map { NamedValue(name, .text($0)) } }
      + [NamedValue("unit", .text(isMetric ? "kg" : "lb"))]
  }
}

/// The packets on the line.
enum HealthOMeterLine: LineProtocol {
  static let id = "healthometer-esc"
  static let longestFrame = 128
  private static let escape: UInt8 = 0x1B

  /// True where a packet begins: ESC R, `6R` ESC, or, when its beginning was lost, ESC I or ESC W.
  private static func begins(_ octets: ArraySlice<UInt8>) -> Bool? {
    let head = Array(octets.prefix(4))
    switch head.first {
    case escape?: return head.count < 2 ? nil : [0x52, 0x49, 0x57].contains(head[1])
    case 0x36?:
      if head.count > 1, head[1] != 0x52 { return false }
      return head.count < 3 ? nil : head[2] == escape
    case 0x01?, 0x02?:
      for (octet, allowed) in zip(head.dropFirst(), [[0x80, 0x82], [0xD7], [0xE4]] as [[UInt8]])
      where !allowed.contains(octet) { return false }
      return head.count < 4 ? nil : true
    default: return false
    }
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let filler = octets.prefix { [0x00, 0x0D, 0x0A, 0x11, 0x13].contains($0) }.count
    guard filler == 0 else { return .pass(filler) }
    let start = octets.startIndex
    switch begins(octets) {
    case nil: return .wait
    case true?: break
    case false?:
      let next = octets.indices.dropFirst().first { begins(octets[$0...]) != false } ?? octets.endIndex
      return .skip(next - start, code: "malformed", message: "octets without a packet of this protocol")
    }
    let end: Int?
    if octets[start] == 0x01 || octets[start] == 0x02 {
      end = octets.firstIndex(of: 0x0D)
    } else {
      end = octets.indices.dropFirst().first { $0 > start && octets[$0 - 1] == escape && octets[$0] == 0x45 }
    }
    // Another packet begins before this one has ended.
    let cut = octets[..<(end ?? octets.endIndex)].indices.dropFirst(2).first { index in
      begins(octets[index...]) == true && (octets[index] != escape || octets[index + 1] == 0x52)
    }
    if let cut { return .skip(cut - start, code: "truncated", message: "a packet was cut by the next one") }
    guard let end else { return .wait }
    do {
      _ = try HealthOMeterPacket(octets[start...end])
      return .frame(end - start + 1)
    } catch {
      return .skip(end - start + 1, error)
    }
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] { (try? HealthOMeterPacket(frame[...]))?.values ?? [] }

  static func evidence(_ frame: [UInt8]) -> Int {
    Evidence.text(frame.filter { ![0x80, 0x82, 0xD7, 0xE4].contains($0) }, 48)
  }
}

/// Listens to the scale: one measurement for each stream.
struct HealthOMeterDriver: Driver {
  private static let silenceTimer: DriverTimer = 1
  private static let rule =
    "the first locked weight of a stream, which 3 s of silence or zero ends; a single packet with the weight before is a recall; "
    + "models that send unlocked weights (597, 599, 752, 600KL, baby scales) need three equal packets"
  /// Models whose packets are not all locked weights.
  private static let unlockedModels = ["597", "599", "752", "600"]

  private let context: DriverContext
  private var line = FramedLine<HealthOMeterLine>()
  /// The weight of the packet before, in this stream, and how often it came.
  private var weight: ExactDecimal?
  private var count = 0
  /// The weight that was given last, in any stream.
  private var last: ExactDecimal?
  private var isDone = false
  private var isOverloaded = false

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .timer(HealthOMeterDriver.silenceTimer):
      endStream()
      return []
    case .received(let octets):
      line.append(octets)
      var actions: [DriverAction] = []
      while let item = line.next() {
        switch item {
        case .problem(let problem): actions.append(.problem(problem))
        case .frame(let frame):
          actions += taken(frame)
          actions.append(
            .startTimer(HealthOMeterDriver.silenceTimer, milliseconds: WeighingRule.silenceMilliseconds))
        }
      }
      return actions
    default: return []
    }
  }

  private mutating func endStream() {
    weight = nil
    count = 0
    isDone = false
  }

  private mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    guard let packet = try? HealthOMeterPacket(frame[...]), let now = packet.weight else { return [] }
    let raw = RawSource(source: HealthOMeterLine.id, octets: frame)
    if packet.isOverload {
      defer { isOverloaded = true }
      let message = "the scale says that the weight is out of its range (overload)"
      return isOverloaded ? [] : [.problem(DriverProblem(code: "overload", message: message, raw: raw))]
    }
    isOverloaded = false
    guard let reading = packet.reading(raw: raw) else {
      endStream()
      return []
    }
    if context.everyFrame { return [.reading(reading)] }
    count = now == weight ? count + 1 : 1
    weight = now
    guard !isDone, count >= needed(now, packet) else { return [] }
    isDone = true
    last = now
    return [.reading(reading)]
  }

  private func needed(_ now: ExactDecimal, _ packet: HealthOMeterPacket) -> Int {
    let model = context.model ?? ""
    if packet.isBabyScale || isUnlocked(model) { return 3 }
    return now == last ? 2 : 1
  }

  /// By octets: a search in text would need the module of regular expressions, which the daemon is built without.
  private func isUnlocked(_ model: String) -> Bool {
    let octets = Array(model.utf8)
    return HealthOMeterDriver.unlockedModels.contains { number in
      octets.indices.contains { octets[$0...].starts(with: number.utf8) }
    }
  }

  static let family = SerialFamily(
    HealthOMeterLine.self,
    profile: DeviceProfile(
      id: HealthOMeterLine.id, manufacturer: "Health o meter Professional",
      names: ["scales with ESC packets", "Rice Lake medical scales", "2595KL, 522, 524, 553 (2400 8N1)"],
      transport: .serial([SerialSettings(9600), SerialSettings(2400)]),
      recognition: [.frames("ESC packets"), .usb(vendor: 0x10C4, product: 0xEA60)], kinds: [.bodyWeight],
      terms: [.weight, .height, .bodyMassIndex], clock: .none, memory: .none, verification: .unverified, rule: rule
    ) { HealthOMeterDriver($0) })
}
