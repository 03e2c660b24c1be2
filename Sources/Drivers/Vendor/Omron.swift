// Omron cuffs. Those that follow the SIG's profile (HEM-9200T, HEM-9210T and newer ones such as X4 Smart) are read by it. The others
// keep their records in a memory that is read by address: M4, M7, M700, RS7, EVOLV, X7 and relatives over the service ECBE3980, and
// M2 and X2 over FE4A. Source: omblepy and hass-omron, both checked by their users; captured records of two models.
//
// Oddities: a cuff over FE4A bonds; some are then to be given a token, others nothing. The cuff knows one host: pairing it with a phone locks the hub out, and the other way round. Over ECBE3980 the host has a
// key of its own: given once while the cuff shows -P- (02, then 00 and the key), presented at each contact (01). Nothing is ever
// written to the memory, not even the clock or the counter of unread records: all records come each time, and the hub knows those
// that it has. Models are told apart by their number only; names such as "M7 Intelli IT" stand for two layouts.

internal import Octets
internal import Readings

struct OmronDriver: Driver {
  static let classic = BluetoothUUID(high: 0xECBE_3980_C9A2_11E1, low: 0xB1BD_0002_A5D5_C51B)
  static let modern = BluetoothUUID(0xFE4A)
  private static let unlock = BluetoothUUID(high: 0xB305_B680_AEE7_11E1, low: 0xA730_0002_A5D5_C51B)
  private static let receive = [
    BluetoothUUID(high: 0x4912_3040_AEE8_11E1, low: 0xA74D_0002_A5D5_C51B),
    BluetoothUUID(high: 0x4D0B_F320_AEE8_11E1, low: 0xA0D9_0002_A5D5_C51B),
    BluetoothUUID(high: 0x5128_CE60_AEE8_11E1, low: 0xB84B_0002_A5D5_C51B),
    BluetoothUUID(high: 0x560F_1420_AEE8_11E1, low: 0x8184_0002_A5D5_C51B),
  ]
  private static let send = BluetoothUUID(high: 0xDB5B_55E0_AEE7_11E1, low: 0x965E_0002_A5D5_C51B)
  private static let answerTimer: DriverTimer = 1
  private static let answerMilliseconds = 1000
  private static let tokenMilliseconds = 2000
  private static let mostTries = 5
  /// Any four octets; the cuff gives them back.
  private static let token: [UInt8] = [0x48, 0x54, 0x48, 0x01]

  private enum Step: Sendable, Hashable {
    case model
    case programming
    case keying
    case unlocking
    case beginning
    case clock
    case records(user: Int, slot: Int)
    case ending
    case over
  }

  private var context: DriverContext
  private let isScale: Bool
  private var service = OmronDriver.classic
  private var device: [CharacteristicID: UInt8] = [:]
  private var standard: SIGDriver<BloodPressureProfile>?
  private var model: OmronModel?
  private var step = Step.model
  private var assembly = OmronAssembly()
  /// What waits for its answer.
  private var asked: (id: CharacteristicID, octets: [UInt8], tries: Int)?

  init(_ context: DriverContext, isScale: Bool = false) {
    self.context = context
    self.isScale = isScale
  }

  private func id(_ characteristic: BluetoothUUID) -> CharacteristicID { CharacteristicID(service, characteristic) }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    if case .connected(let discovered) = input { return begin(discovered) }
    if var standard {
      defer { self.standard = standard }
      return standard.handle(input)
    }
    switch input {
    case .value(let id, let octets, .read):
      let actions = DeviceProperty.actions(id, octets)
      guard step == .model, id.characteristic == BluetoothUUID(0x2A24) else { return actions }
      if case .property(.model(let text))? = actions.first { return actions + identified(text) }
      return actions + identified(nil)
    case .readFailed(let id, _):
      return step == .model && id.characteristic == BluetoothUUID(0x2A24) ? identified(nil) : []
    case .value(let id, let octets, _): return notified(id, octets)
    case .subscribed(let id): return subscribed(id)
    case .subscribeFailed(let id, let code), .writeFailed(let id, let code):
      return fail("link-failed", "the cuff refuses \(id) (ATT error \(code)); it has to be paired, and with no phone")
    case .timer(OmronDriver.answerTimer): return silence()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  var abilities: DeviceAbilities {
    if let standard { return standard.abilities }
    return device.isEmpty ? SIGDriver<BloodPressureProfile>.mayHave : []
  }

  private mutating func begin(_ discovered: [DiscoveredCharacteristic]) -> [DriverAction] {
    device = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
    let services = Set(device.keys.map(\.service))
    if isScale, !services.contains(OmronDriver.classic) {
      return [.problem(UnsupportedServices.problem(device.keys)), .finish]
    }
    if services.contains(OmronDriver.classic) {
      service = OmronDriver.classic
    } else if device[BloodPressureProfile.measurement] != nil || !services.contains(OmronDriver.modern) {
      var driver = SIGDriver(BloodPressureProfile(), context)
      defer { standard = driver }
      return driver.handle(.connected(discovered))
    } else {
      service = OmronDriver.modern
    }
    let number = CharacteristicID(0x180A, 0x2A24)
    let reads = DeviceProperty.reads(Set(device.keys)).filter { $0 != .read(number) }
    // The name that a scale advertises is its model.
    let text = isScale && !OmronModel.isNumber(context.model) ? context.name : context.model
    if !OmronModel.isNumber(text), device[number] != nil { return context.refusals + reads + [.read(number)] }
    return context.refusals + reads + identified(text)
  }

  /// The model is known, or cannot be.
  private mutating func identified(_ text: String?) -> [DriverAction] {
    // The same number may stand on a cuff of either service.
    model = OmronModel.named(text, isModern: service == OmronDriver.modern)
    guard let model, model.isScale == isScale else {
      let name = text.map { "\"\($0)\"" } ?? "without a name"
      let (kind, number) = isScale ? ("scale", "HBF") : ("cuff", "HEM")
      return fail(
        "unknown-model",
        "an Omron \(kind) \(name), whose memory no driver knows; give the \(number) number of its underside as the "
          + "model")
    }
    if model.isModern {
      step = .unlocking
      return subscribe(
        model.access == .token ? [OmronDriver.receive[0], OmronDriver.unlock] : [OmronDriver.receive[0]])
    }
    guard context.key?.count == 16 else {
      return fail(
        "key-missing", "this cuff needs a key of the hub; pair it: hold its Bluetooth button until -P- blinks")
    }
    step = context.isPairing ? .programming : .unlocking
    // The first subscription makes the link secure.
    return subscribe(OmronDriver.receive + [OmronDriver.unlock])
  }

  private func subscribe(_ characteristics: [BluetoothUUID]) -> [DriverAction] {
    characteristics.map { id($0) }.filter { device[$0] != nil }.map { .subscribe($0, indications: false) }
  }

  private mutating func subscribed(_ id: CharacteristicID) -> [DriverAction] {
    if id.characteristic == OmronDriver.unlock {
      switch step {
      case .programming: return ask(id, [0x02] + [UInt8](repeating: 0, count: 16))
      case .unlocking: return unlock()
      default: return []
      }
    }
    // A cuff without anything to unlock.
    let isOpen = model?.access == .open || device[self.id(OmronDriver.unlock)] == nil
    guard step == .unlocking, service == OmronDriver.modern, isOpen, id.characteristic == OmronDriver.receive[0] else {
      return []
    }
    return start()
  }

  private mutating func unlock() -> [DriverAction] {
    step = .unlocking
    let isModern = service == OmronDriver.modern
    let octets =
      isModern ? [0x11] + OmronDriver.token + [UInt8](repeating: 0, count: 15) : [0x01] + (context.key ?? [])
    return ask(id(OmronDriver.unlock), octets)
  }

  private mutating func start() -> [DriverAction] {
    step = .beginning
    return ask(id(OmronDriver.send), OmronPacket.begin)
  }

  private mutating func ask(_ id: CharacteristicID, _ octets: [UInt8]) -> [DriverAction] {
    asked = (id, octets, 1)
    return put(id, octets)
  }

  private func properties(_ id: CharacteristicID) -> UInt8 { device[id] ?? 0x08 }

  private func put(_ id: CharacteristicID, _ octets: [UInt8]) -> [DriverAction] {
    let isToken = step == .unlocking && service == OmronDriver.modern
    // A token goes without response at first.
    let withResponse = isToken ? asked?.tries != 1 || properties(id) & 0x04 == 0 : properties(id) & 0x08 != 0
    return [
      .write(id, octets, withResponse: withResponse),
      .startTimer(
        OmronDriver.answerTimer,
        milliseconds: isToken ? OmronDriver.tokenMilliseconds : OmronDriver.answerMilliseconds),
    ]
  }

  private mutating func silence() -> [DriverAction] {
    guard let (id, octets, tries) = asked else { return [] }
    guard tries < OmronDriver.mostTries else {
      // The end is only good manners.
      if step == .ending { return done() }
      return fail("no-answer", "the cuff does not answer; nothing else may be connected to it")
    }
    asked = (id, octets, tries + 1)
    return put(id, octets)
  }

  private mutating func fail(_ code: String, _ message: String) -> [DriverAction] {
    [.problem(DriverProblem(code: code, message: message))] + done()
  }

  private mutating func done() -> [DriverAction] {
    step = .over
    asked = nil
    return [.stopTimer(OmronDriver.answerTimer), .finish]
  }

  private mutating func notified(_ id: CharacteristicID, _ octets: [UInt8]) -> [DriverAction] {
    if id.characteristic == OmronDriver.unlock { return unlocked(octets) }
    guard let channel = OmronDriver.receive.firstIndex(of: id.characteristic),
      let whole = assembly.add(octets, channel: channel)
    else { return [] }
    do {
      return answered(try OmronPacket(whole))
    } catch {
      // A damaged answer is asked for again by the timer.
      return [.problem(DriverProblem(error, raw: RawSource(source: "omron", octets: whole)))]
    }
  }

  /// What the cuff says to a key or a token.
  private mutating func unlocked(_ octets: [UInt8]) -> [DriverAction] {
    guard let first = octets.first else { return [] }
    switch (step, first) {
    case (.programming, 0x82):
      step = .keying
      return ask(id(OmronDriver.unlock), [0x00] + (context.key ?? []))
    case (.keying, 0x80): return [.answer(.keyStored)] + unlock()
    case (.unlocking, 0x81) where octets.dropFirst().first == 0: return start()
    case (.unlocking, 0x91) where octets.dropFirst().first == 0: return start()
    // Not in its pairing mode yet: asked again by the timer.
    case (.programming, _): return []
    case (.keying, _): return fail("key-refused", "the cuff does not take the hub's key; it has to show -P-")
    case (.unlocking, _):
      return fail("key-wrong", "the cuff was paired with another host since; it knows one only: pair it again")
    default: return []
    }
  }

  private mutating func answered(_ packet: OmronPacket) -> [DriverAction] {
    guard let model else { return [] }
    switch (step, packet.type) {
    case (.beginning, 0x8000):
      guard let clock = model.clock else { return read(user: 0, slot: 0) }
      step = .clock
      return ask(id(OmronDriver.send), OmronPacket.read(clock.address, clock.count))
    case (.clock, 0x8100) where packet.address == model.clock?.address:
      let clock = model.clock.flatMap { OmronRecord.clock(packet.data, $0) }
      return (clock.map { [.deviceClock(.local($0))] } ?? []) + read(user: 0, slot: 0)
    case (.records(let user, let slot), 0x8100)
    where packet.address == address(model, user, slot):
      return taken(packet.data, model, user, slot)
    case (.ending, 0x8F00): return done()
    case (.beginning, 0x8F00), (.clock, 0x8F00), (.records, 0x8F00):
      guard packet.result != 0 else {
        return fail("read-cut", "the cuff ended the conversation before all of its memory was read")
      }
      return fail("read-refused", "the cuff refuses to be read (result \(packet.result)); its model may be another")
    default: return []
    }
  }

  private func address(_ model: OmronModel, _ user: Int, _ slot: Int) -> UInt16 {
    model.users[user] &+ UInt16(truncatingIfNeeded: slot * model.stride)
  }

  /// Whole records that one read takes.
  private func slots(_ model: OmronModel, _ slot: Int) -> Int {
    min(max(1, model.block / model.stride), model.records - slot)
  }

  private mutating func read(user: Int, slot: Int) -> [DriverAction] {
    guard let model, model.users.indices.contains(user) else {
      step = .ending
      return ask(id(OmronDriver.send), OmronPacket.end)
    }
    step = .records(user: user, slot: slot)
    return ask(
      id(OmronDriver.send), OmronPacket.read(address(model, user, slot), slots(model, slot) * model.stride))
  }

  private mutating func taken(_ data: [UInt8], _ model: OmronModel, _ user: Int, _ slot: Int) -> [DriverAction] {
    var actions: [DriverAction] = []
    for start in stride(from: 0, to: data.count - model.stride + 1, by: model.stride) {
      let record = Array(data[start..<(start + model.stride)])
      do {
        let number = model.users.count > 1 ? UInt8(clamping: user + 1) : nil
        let reading =
          model.isScale
          ? try OmronRecord.weighing(record, user: number, source: "omron")
          : try OmronRecord.reading(
            record, isSwapped: model.layout.isSwapped, takesFlags: model.takesFlags, user: number, source: "omron")
        if let reading { actions.append(.reading(reading)) }
      } catch {
        actions.append(.problem(DriverProblem(error, raw: RawSource(source: "omron", octets: record))))
      }
    }
    // The newest record stands anywhere in the ring, and it has holes: every slot is read. A block that was never written may be
    // refused, which is no data.
    // An answer with fewer records than were asked for is gone on from.
    let given = data.count / model.stride
    let next = slot + (given == 0 ? slots(model, slot) : min(given, slots(model, slot)))
    return actions + (next >= model.records ? read(user: user + 1, slot: 0) : read(user: user, slot: next))
  }

  static let profile = DeviceProfile(
    id: "omron", manufacturer: "Omron",
    names: [
      "HEM-7155T (M4)", "HEM-7322T, HEM-7361T (M7)", "HEM-7600T (EVOLV)", "HEM-6232T (RS7)", "HEM-6161T (RS3)",
      "HEM-7142T2, HEM-7143T1, HEM-7144T2, HEM-7146T2 (M2, X2)", "HEM-7155T_K4, HEM-7188T1, HEM-7380T1 and relatives",
    ],
    transport: .gatt,
    recognition: [
      .namePrefix("BLEsmart_0000"), .namePrefix("BLESmart_0000"), .namePrefix("HEM-1"), .namePrefix("HEM-6"),
      .namePrefix("HEM-7"), .namePrefix("HEM-8"), .service(classic), .service(modern),
    ],
    kinds: [.bloodPressure], terms: BloodPressureProfile.terms, clock: .stampsOnly, memory: .records,
    verification: .captured
  ) { OmronDriver($0) }
  .pairs(
    settles: 500,
    hint: "hold its Bluetooth button until -P- blinks; unpair it from every phone first, it knows one host")

  /// The beginnings of a scale's name: the group, which is 1, and the model; some write it with a capital S.
  private static let numbersOfScales =
    ["BLEsmart", "BLESmart"].flatMap { beginning in
      ["000C", "040C", "0011", "0009", "000B", "000D", "0408", "0110", "0208"].map { "\(beginning)_0001\($0)" }
    } + ["HBF-702T", "KRD-703T", "HBF-22", "HBF-230T", "BCM-500"]

  /// Scales that keep their weighings in the same kind of memory.
  static let scale = DeviceProfile(
    id: "omron-scale", manufacturer: "Omron",
    names: ["HBF-702T, KRD-703T", "HBF-222T, HBF-227T, HBF-228T, HBF-230T", "BCM-500, VIVA"], transport: .gatt,
    recognition: numbersOfScales.map { .namePrefix($0) },
    kinds: [.bodyWeight, .bodyComposition],
    terms: [.weight, .bodyMassIndex, .bodyFat, .basalMetabolism, .musclePercentage], clock: .stampsOnly,
    memory: .records, verification: .unverified
  ) { OmronDriver($0, isScale: true) }
  .pairs(
    settles: 500,
    hint: "hold its Bluetooth button until -P- blinks; unpair it from every phone first, it knows one host")

  static let standard = DeviceProfile(
    id: "omron-standard", manufacturer: "Omron", names: ["HEM-9200T", "HEM-9210T", "X4 Smart", "X2 Smart+"],
    transport: .gatt,
    recognition: [
      .namePrefix("HEM-9200T"), .namePrefix("HEM-9210T"), .namePrefix("X4 Smart"), .namePrefix("X2 Smart"),
    ],
    kinds: [.bloodPressure], terms: BloodPressureProfile.terms, clock: .settable, memory: .untilConfirmed,
    verification: .unverified
      // A name such as X4 Smart is on cuffs of either kind: the services tell.
  ) { OmronDriver($0) }
  .pairs(settles: 500, hint: "hold its Bluetooth button until the sign blinks; unpair it from every phone first")
}
