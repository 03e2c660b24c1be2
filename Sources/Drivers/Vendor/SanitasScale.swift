// Sanitas SBF70, SBF75 and Beurer BF700, BF710, BF800 by the service FFE0, one characteristic FFE1 for both ways. Frames begin with E7
// or F7; which of the two a model has, its name does not always tell (a BF710 may be named BF700), so its answer does. Source: captured
// frames in public tests and issues, and the programs of two projects.
//
// The conversation: `x6 01` asks whether it is there (x is E or F), `x9` and the time set its clock, `4F` asks for its state, `33` for
// its users, `41` for what it keeps of one, `46` for what it keeps of nobody. What it tells (34, 42, 47, 4C, 59) is acknowledged with
// `F1` and the octets 1 to 3, the last part when the weighing is on disk. Never sent: 43 and 49 (erase), 32 (erase a user), 31 and 35
// (change one), 4B (give a weighing to one).

internal import Octets
internal import Readings

struct SanitasScaleDriver: Driver {
  static let link = CharacteristicID(0xFFE0, 0xFFE1)
  private static let idleTimer: DriverTimer = 1
  private static let answerTimer: DriverTimer = 2
  /// How long the scale is waited for, first and later, in milliseconds.
  private static let firstMilliseconds = 1500
  private static let answerMilliseconds = 3000
  /// More than any scale has.
  private static let mostUsers = 10
  private static let starts: Set<UInt8> = [0xE7, 0xF7]

  private enum Question: Sendable, Hashable {
    case state
    case users
    case records(of: [UInt8])
    case unknown
  }

  private let context: DriverContext
  /// E7 or F7: by the name, until the scale has said something.
  private var start: UInt8
  private var isKnown = false
  private var wasAskedAnew = false
  private var proof: ProtocolProof
  private var properties: UInt8 = 0
  private var questions: [Question] = [.state, .users, .unknown]
  private var asked: Question?
  private var users = 0
  /// The records that are on their way, by their kind.
  private var records: [UInt8: SanitasRecord] = [:]

  init(_ context: DriverContext, start: UInt8) {
    self.context = context
    self.start = start
    proof = ProtocolProof("a Beurer or Sanitas scale of this family", isAsked: true)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      guard let found = discovered.first(where: { $0.id == SanitasScaleDriver.link }) else {
        return [.problem(UnsupportedServices.problem(discovered.map(\.id))), .finish]
      }
      properties = found.properties
      return [.subscribe(SanitasScaleDriver.link, indications: false), idle(120_000), proof.start]
        + DeviceProperty.reads(Set(discovered.map(\.id))) + context.refusals
    case .subscribed(SanitasScaleDriver.link): return greeting()
    case .value(SanitasScaleDriver.link, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(SanitasScaleDriver.answerTimer): return silence()
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .timer(SanitasScaleDriver.idleTimer): return [.finish]
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func idle(_ milliseconds: Int) -> DriverAction {
    .startTimer(SanitasScaleDriver.idleTimer, milliseconds: milliseconds)
  }

  private func write(_ octets: [UInt8]) -> DriverAction {
    .write(SanitasScaleDriver.link, octets, withResponse: properties & 0x08 != 0)
  }

  /// `E6` for E7, `F9` for F7.
  private func head(_ low: UInt8) -> UInt8 { start & 0xF0 | low }

  private func greeting() -> [DriverAction] {
    [
      write([head(6), 0x01]),
      .startTimer(SanitasScaleDriver.answerTimer, milliseconds: SanitasScaleDriver.firstMilliseconds),
    ]
  }

  /// Before the scale has said anything, it is asked in the other way, once. Later a question without an answer is passed over.
  private mutating func silence() -> [DriverAction] {
    guard !isKnown else { return ask() }
    guard !wasAskedAnew else { return [] }
    wasAskedAnew = true
    start = start == 0xE7 ? 0xF7 : 0xE7
    return greeting()
  }

  private mutating func ask() -> [DriverAction] {
    guard !questions.isEmpty else {
      asked = nil
      return [.stopTimer(SanitasScaleDriver.answerTimer)]
    }
    let question = questions.removeFirst()
    asked = question
    let octets: [UInt8] =
      switch question {
      case .state: [0x4F] + [UInt8](repeating: 0, count: 8)
      case .users: [0x33]
      case .records(let user): [0x41] + user
      case .unknown: [0x46]
      }
    return [write([start] + octets), waitOn]
  }

  private var waitOn: DriverAction {
    .startTimer(SanitasScaleDriver.answerTimer, milliseconds: SanitasScaleDriver.answerMilliseconds)
  }

  /// The first octets that can only be a scale's fix how it is spoken to.
  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    guard let first = octets.first else { return [] }
    let isGreeting = first == 0xE6 || first == 0xF6
    guard octets.count >= 2,
      isGreeting || SanitasScaleDriver.starts.contains(first) && SanitasScaleDriver.isKind(octets[1])
    else {
      proof.heard(octets, proves: false)
      return []
    }
    proof.heard(octets, proves: true)
    guard isKnown else {
      isKnown = true
      start = first | 0x07
      return [.stopTimer(ProtocolProof.timer)] + clock() + ask() + (isGreeting ? [] : said(octets))
    }
    return isGreeting ? [] : said(octets)
  }

  private static func isKind(_ octet: UInt8) -> Bool {
    [0xF0, 0xF1, 0x34, 0x42, 0x47, 0x4C, 0x58, 0x59].contains(octet)
  }

  private mutating func said(_ octets: [UInt8]) -> [DriverAction] {
    guard octets[0] == start, octets.count >= 4 else { return [] }
    switch octets[1] {
    case 0xF0: return answered(octets)
    case 0x34: return acknowledge(octets) + userTold(octets)
    case 0x47: return acknowledge(octets) + (asked == .unknown ? [waitOn] : [])
    // Whoever stands on it is measured first.
    case 0x58: return [idle(15_000)] + (questions.isEmpty && asked == nil ? [] : [waitOn])
    case let kind:
      guard let origin = SanitasRecord.Origin(rawValue: kind) else { return [] }
      return taken(octets, origin)
    }
  }

  private func acknowledge(_ octets: [UInt8]) -> [DriverAction] { [write([start, 0xF1] + octets[1...3])] }

  private mutating func answered(_ octets: [UInt8]) -> [DriverAction] {
    switch (octets[2], asked) {
    case (0x4F, .state):
      let battery = octets.count > 4 && octets[4] <= 100 ? [DriverAction.property(.battery(octets[4]))] : []
      return battery + ask()
    case (0x33, .users): return octets.count > 4 && octets[4] == 0 ? ask() : [waitOn]
    case (0x41, .records), (0x46, .unknown): return [waitOn]
    default: return []
    }
  }

  /// A user of the scale: what it keeps of them is asked for.
  private mutating func userTold(_ octets: [UInt8]) -> [DriverAction] {
    guard octets.count >= 12, users < SanitasScaleDriver.mostUsers else { return [] }
    users += 1
    questions.insert(.records(of: Array(octets[4..<12])), at: max(0, questions.count - 1))
    guard asked == .users else { return [] }
    return octets[3] >= octets[2] ? ask() : [waitOn]
  }

  private mutating func taken(_ octets: [UInt8], _ origin: SanitasRecord.Origin) -> [DriverAction] {
    var actions: [DriverAction] = []
    var owner: UInt8?
    if case .records(let user) = asked { owner = user.last }
    do {
      var record = records[origin.rawValue] ?? SanitasRecord()
      defer { records[origin.rawValue] = record }
      if let reading = try record.add(octets, origin, user: origin == .user ? owner : nil) {
        actions.append(.reading(reading))
      }
    } catch {
      actions.append(.problem(DriverProblem(error, raw: RawSource(source: "FFE0/FFE1", octets: octets))))
    }
    actions += acknowledge(octets)
    guard origin != .live else {
      return actions + [idle(15_000)] + (questions.isEmpty && asked == nil ? [] : [waitOn])
    }
    // The last part of all that were asked for.
    return actions + (asked != nil && octets[3] >= octets[2] ? ask() : [waitOn]) + [idle(15_000)]
  }

  /// x9 and the seconds since 1970, big-endian.
  private func clock() -> [DriverAction] {
    guard let seconds = TranstekTime.seconds(context, since: 1970) else { return [] }
    var writer = OctetWriter(capacity: 5)
    writer.uint8(head(9))
    writer.uint32BigEndian(seconds)
    return [write(writer.octets)]
  }

  /// A frame on its own, for `decode gatt`.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    var reader = OctetReader(octets)
    let start = try reader.uint8("start")
    let type = try reader.uint8("type")
    if start == 0xE6 || start == 0xF6 { return Decoded(values: [NamedValue("greeting", .flag(true))]) }
    guard starts.contains(start) else {
      throw DecodeError(field: "start", offset: 0, reason: .invalidValue(Int64(start)))
    }
    let first = try reader.uint8(type == 0x58 ? "state" : type == 0xF0 ? "question" : "parts")
    guard type != 0xF0 else { return answer(first, octets) }
    guard type == 0x58 else {
      let part = try reader.uint8("part")
      return Decoded(values: [NamedValue("part", .integer(Int64(part)))] + beginning(octets, type, part))
    }
    // A weight while somebody still moves is nobody's reading.
    let weight = ExactDecimal(Int64(try reader.uint16BigEndian("weight")) * 5, exponent: -2)
    return Decoded(values: [
      NamedValue("state", .integer(Int64(first))), NamedValue("weight", .decimal(weight)),
      NamedValue("unit", .text("kg")), NamedValue("final", .flag(first == 0)),
    ])
  }

  /// What it answers to a question.
  private static func answer(_ question: UInt8, _ octets: [UInt8]) -> Decoded {
    var values = [NamedValue("answer", .integer(Int64(question)))]
    if question == 0x4F, octets.count > 4, octets[4] <= 100 {
      values.append(NamedValue("battery", .integer(Int64(octets[4]))))
    }
    if question == 0x33, octets.count > 4 { values.append(NamedValue("users", .integer(Int64(octets[4])))) }
    return Decoded(values: values)
  }

  /// A record begins in its first part, one of now in its second: time, weight, impedance and fat stand there.
  private static func beginning(_ octets: [UInt8], _ type: UInt8, _ part: UInt8) -> [NamedValue] {
    let isStored = type == SanitasRecord.Origin.user.rawValue || type == SanitasRecord.Origin.nobody.rawValue
    let isLive = type == SanitasRecord.Origin.live.rawValue
    guard octets.count >= 12, isLive && part % 3 == 2 || isStored && part % 2 == 1 else { return [] }
    let time = DeviceDateTime(seconds: UInt64(ScaleField.be32(octets, 4) & 0x7FFF_FFFF), since: 1970)
    var values = [
      NamedValue("time_utc", .text("\(time)Z")),
      NamedValue("weight", .decimal(ExactDecimal(ScaleField.be16(octets, 8) * 5, exponent: -2))),
      NamedValue("unit", .text("kg")), NamedValue("impedance_ohm", .integer(ScaleField.be16(octets, 10))),
    ]
    if octets.count >= 14 {
      values.append(NamedValue("body_fat_pct", .decimal(ExactDecimal(ScaleField.be16(octets, 12), exponent: -1))))
    }
    return values
  }

  private static let terms: [Term] = [.weight, .bodyFat, .musclePercentage, .impedance]
  private static let kinds: [ReadingKind] = [.bodyWeight, .bodyComposition]
  private static let hint = "step on it; a user has to be set up on the scale"

  static let sbf70 = DeviceProfile(
    id: "sanitas-sbf70", manufacturer: "Sanitas", names: ["SBF70", "SBF75", "Beurer BF710"], transport: .gatt,
    recognition: [
      .namePrefix("SANITAS SBF70"), .namePrefix("SBF70"), .namePrefix("SBF75"), .namePrefix("BF710"),
      .namePrefix("AICDSCALE1"),
    ], kinds: kinds, terms: terms, clock: .settable, memory: .records, verification: .captured
  ) { SanitasScaleDriver($0, start: 0xE7) }.pairs(.cannotBond, hint: hint)

  static let bf700 = DeviceProfile(
    id: "beurer-bf700", manufacturer: "Beurer", names: ["BF700", "BF800", "Runtastic Libra"], transport: .gatt,
    recognition: [
      .namePrefix("BF-700"), .namePrefix("BF-800"), .namePrefix("BF700"), .namePrefix("BF800"),
      .namePrefix("RT-Libra"), .namePrefix("Libra-"),
    ], kinds: kinds, terms: terms, clock: .settable, memory: .records, verification: .captured
  ) { SanitasScaleDriver($0, start: 0xF7) }.pairs(.cannotBond, hint: hint)
}
