// The conversation with a TaiDoc or FORA meter, over BLE and over the cable: who are you, how many records, then the records,
// oldest first, so that what is on disk is always everything up to some record and a broken session goes on where it ended.
//
// Index 0 is the newest record. A record has no number of its own: its minute (part A) serves as one. With a last known
// record the parts A are walked from index 0 until that minute has passed by; records of the same minute are taken again,
// which the hub recognises by their octets, rather than missed.

internal import Octets
internal import Readings

struct TaiDocDriver: Driver {
  private static let answerTimer: DriverTimer = 1
  private static let pollTimer: DriverTimer = 2
  private static let answerMilliseconds = 2000
  /// A meter on a cable is asked again every minute: it wakes when it is used, and nothing else tells of a new record.
  private static let pollMilliseconds = 60_000
  /// The most records that are walked through; the largest memories hold 1000.
  private static let mostRecords: UInt16 = 1000

  private enum Phase: Sendable {
    case identity
    /// Looking for the last known record, by parts A.
    case walk
    /// Taking records, from an old index down to 0.
    case take
  }

  private var context: DriverContext
  private let isSerial: Bool
  /// For a model that follows a standard profile.
  private var standard: (any Driver)?
  private var line = FramedLine<TaiDocLine>()
  private var kind: TaiDocFrame.Kind?
  private var serialLow: [UInt8] = []
  private var phase = Phase.identity
  private var records: UInt16 = 0
  /// How many records the meter said that it keeps; nil until it said so.
  private var counted: UInt16?
  private var index: UInt16 = 0
  private var partA: TaiDocFrame?
  private var hasPassedKnown = false
  /// The minute of the newest record that is on disk, from an earlier session or from this one.
  private var lastMinute: UInt32?
  /// The minute of the newest record that was given, and all that were given of it: they are not given again.
  private var given: (minute: UInt32, records: [[UInt8]])?
  /// The question that waits for its answer, and how often it was asked.
  private var asked: (octets: [UInt8], times: Int)?

  init(_ context: DriverContext, isSerial: Bool) {
    self.context = context
    self.isSerial = isSerial
    lastMinute = context.lastRecordNumber
    kind = context.model.flatMap { TaiDocFrame.Kind(model: String($0.filter(\.isNumber))) }
  }

  /// The meter counts its records with each contact. Newer models without a cable follow a standard profile.
  var abilities: DeviceAbilities {
    standard?.abilities ?? (isSerial || counted != nil ? .count : SIGDriver<GlucoseProfile>.mayHave)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    if var standard {
      defer { self.standard = standard }
      return standard.handle(input)
    }
    switch input {
    case .opened: return ask(0x54) + [pollLater]
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      if device.contains(TaiDocProtocol.link) {
        return [.subscribe(TaiDocProtocol.link, indications: false)] + refusals
      }
      // Newer models left this protocol for the standard profiles.
      guard var driver = StandardDrivers.driver(for: device, context) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      defer { standard = driver }
      return driver.handle(input)
    case .request(.countStored):
      if let counted { return [.answer(.storedCount(UInt32(counted)))] }
      context.requests.append(.countStored)
      return []
    case .request(let request): return [request.refusal]
    case .subscribed: return ask(0x24)
    case .received(let octets), .value(TaiDocProtocol.link, let octets, _): return received(octets)
    case .timer(TaiDocDriver.answerTimer): return silence()
    case .committed:
      lastMinute = given?.minute ?? lastMinute
      return []
    case .timer(TaiDocDriver.pollTimer): return (asked == nil ? ask(0x24) : []) + [pollLater]
    default: return []
    }
  }

  /// The meter counts with each contact; erasing it is not offered.
  private var refusals: [DriverAction] { context.requests.filter { $0 != .countStored }.map(\.refusal) }

  private var pollLater: DriverAction {
    .startTimer(TaiDocDriver.pollTimer, milliseconds: TaiDocDriver.pollMilliseconds)
  }

  private mutating func received(_ octets: [UInt8]) -> [DriverAction] {
    line.append(octets)
    var actions: [DriverAction] = []
    while let item = line.next() {
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let octets):
        let frame = TaiDocFrame(octets)
        guard frame.isAnswer else { continue }
        actions += context.isRecording || context.everyFrame ? recorded(frame) : answer(frame)
      }
    }
    return actions
  }

  /// A recording, or every frame: the model is told by the recording or guessed.
  private mutating func recorded(_ frame: TaiDocFrame) -> [DriverAction] {
    switch frame.command {
    case 0x24: return identified(frame)
    case 0x27: serialLow = frame.serialOctets
    case 0x28: return serial(frame)
    case 0x25: partA = frame
    case 0x26: return value(frame)
    default: break
    }
    return []
  }

  private mutating func ask(_ command: UInt8, index: UInt16 = 0) -> [DriverAction] {
    let octets = TaiDocProtocol.request(command, index: index)
    asked = (octets, 1)
    return send(octets)
  }

  private func send(_ octets: [UInt8]) -> [DriverAction] {
    [
      isSerial ? .transmit(octets) : .write(TaiDocProtocol.link, octets, withResponse: true),
      .startTimer(TaiDocDriver.answerTimer, milliseconds: TaiDocDriver.answerMilliseconds),
    ]
  }

  /// A question without answer is asked three times; then the meter sleeps. On a cable it is asked again in a minute.
  private mutating func silence() -> [DriverAction] {
    guard let (octets, times) = asked else { return [] }
    // Waking is not answered by every meter.
    if octets[1] == 0x54 { return ask(0x24) }
    guard times < 3 else {
      asked = nil
      phase = .identity
      return isSerial
        ? []
        : [.problem(DriverProblem(code: "no-answer", message: "the meter does not answer; switch it on")), .finish]
    }
    asked = (octets, times + 1)
    return send(octets)
  }

  /// An answer to the question that waits; others are none of this session's. A meter says 54 by itself when it is switched on.
  private mutating func answer(_ frame: TaiDocFrame) -> [DriverAction] {
    guard frame.command == 0x54 || frame.command == asked?.octets[1] else { return [] }
    switch frame.command {
    case 0x54: return phase == .identity ? ask(0x24) : []
    case 0x24:
      let actions = identified(frame)
      guard kind != nil else {
        asked = nil
        return actions + [.stopTimer(TaiDocDriver.answerTimer)] + (isSerial ? [] : [.finish])
      }
      return actions + ask(0x27)
    case 0x27:
      serialLow = frame.serialOctets
      return ask(0x28)
    case 0x28:
      return serial(frame) + ask(0x2B)
    case 0x2B:
      counted = frame.word
      records = min(frame.word, TaiDocDriver.mostRecords)
      hasPassedKnown = false
      let count: [DriverAction] =
        context.requests.contains(.countStored) ? [.answer(.storedCount(UInt32(frame.word)))] : []
      guard records > 0 else { return count + done() }
      phase = lastMinute == nil ? .take : .walk
      index = phase == .take ? records - 1 : 0
      return count + ask(0x25, index: index)
    case 0x25: return phase == .walk ? walked(frame) : taken(frame)
    case 0x26:
      let actions = value(frame)
      guard index > 0 else { return actions + done() }
      index -= 1
      return actions + ask(0x25, index: index)
    default: return []
    }
  }

  private mutating func identified(_ frame: TaiDocFrame) -> [DriverAction] {
    let model = frame.model
    kind = TaiDocFrame.Kind(model: model) ?? context.model.flatMap { TaiDocFrame.Kind(model: $0.filter(\.isNumber)) }
    let known: [DriverAction] = [.property(.manufacturer("TaiDoc")), .property(.model("TD-\(model)"))]
    guard kind == nil else { return known }
    let message = "the meter says that it is a TD-\(model), which no driver knows; its values are not taken"
    return known + [.problem(DriverProblem(code: "unknown-model", message: message))]
  }

  /// The two halves of the number; zeros are none.
  private func serial(_ frame: TaiDocFrame) -> [DriverAction] {
    let octets = frame.serialOctets + serialLow
    return octets.allSatisfy { $0 == 0 } ? [] : [.property(.serial(Hex.encode(octets).uppercased()))]
  }

  /// Part A of the next older record: on, until the last known minute has passed by.
  private mutating func walked(_ frame: TaiDocFrame) -> [DriverAction] {
    let isKnown = frame.minute == lastMinute
    if hasPassedKnown, !isKnown {
      // The record before this one is the oldest of the known minute.
      phase = .take
      index -= index > 0 ? 1 : 0
      return ask(0x25, index: index)
    }
    hasPassedKnown = isKnown
    guard index + 1 < records else {
      phase = .take
      return taken(frame)
    }
    index += 1
    return ask(0x25, index: index)
  }

  private mutating func taken(_ frame: TaiDocFrame) -> [DriverAction] {
    partA = frame
    return ask(0x26, index: index)
  }

  private mutating func value(_ frame: TaiDocFrame) -> [DriverAction] {
    let raw = RawSource(source: "taidoc", octets: (partA?.octets ?? []) + frame.octets)
    defer { partA = nil }
    if let minute = partA?.minute {
      if given?.minute != minute { given = (minute, []) }
      guard given.map({ !$0.records.contains(raw.octets) }) ?? true else { return [] }
      given?.records.append(raw.octets)
    }
    return frame.value(kind: kind, time: partA, raw: raw)?.actions ?? []
  }

  private mutating func done() -> [DriverAction] {
    asked = nil
    phase = .identity
    return [.stopTimer(TaiDocDriver.answerTimer)] + (isSerial ? [] : [.finish])
  }

  private static let kinds: [ReadingKind] = [.bloodPressure, .pulseOximetry, .bodyTemperature, .glucose]
  private static let terms: [Term] = [
    .systolic, .diastolic, .meanArterial, .cuffPulse, .spo2, .oximeterPulse, .temperature, .glucoseCapillaryWholeBlood,
  ]
  private static let names = ["P20", "P30+", "D40", "TD-3128", "IR20", "TD-8255", "and relatives"]
  private static let rule = "one stored record is one measurement"

  static let cable = SerialFamily(
    TaiDocLine.self, .unchecked(falsePerThousand: 1),
    profile: DeviceProfile(
      id: "taidoc", manufacturer: "TaiDoc", names: names, transport: .serial([SerialSettings(19_200)]),
      recognition: [.frames("eight-octet frames beginning with 51"), .usb(vendor: 0x10C4, product: 0xEA60)],
      kinds: kinds,
      terms: terms, clock: .stampsOnly, memory: .records, verification: .captured, rule: rule
    ) { TaiDocDriver($0, isSerial: true) },
    query: HarmlessQuery(
      sentence: "wakes the meter and asks for its model and number",
      questions: [0x54, 0x24, 0x27, 0x28].map { TaiDocProtocol.request($0, index: 0) }, answerMilliseconds: 2000),
    commands: TaiDocLine.hubCommand)

  /// With those of the standard profiles that newer models follow.
  private static let standardTerms: [Term] =
    (ThermometerProfile.terms + GlucoseProfile.terms + WeightProfile.weightTerms
    + [.perfusionIndex]).reduce(into: terms) { if !$0.contains($1) { $0.append($1) } }

  static let ble = DeviceProfile(
    id: "taidoc-ble", manufacturer: "TaiDoc", names: names, transport: .gatt,
    recognition: [
      .namePrefix("TAIDOC"), .namePrefix("FORA"), .namePrefix("TD-"), .service(TaiDocProtocol.service),
    ], kinds: kinds + [.bodyWeight], terms: standardTerms, clock: .stampsOnly, memory: .records,
    verification: .captured, rule: rule
  ) { TaiDocDriver($0, isSerial: false) }
  .pairs(hint: "measure once, or hold its Bluetooth button until the sign blinks")
}
