// The one way of a reading from driver to disk.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import HealthProfiles
internal import JSON
internal import Monitoring
internal import Octets
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

extension Links {
  mutating func received(_ id: String, _ octets: [UInt8], _ turn: inout Turn) -> [Effect] {
    // Only what a device says by itself waits: an answer is waited for.
    let mayWait = with(id) { $0.session != nil && (!$0.isBLE || Links.isValue(octets)) } ?? false
    guard mayWait else { return take(id, octets, &turn) }
    switch devices[id]?.admission.queues(octets, at: turn.now.monotonic) {
    case true?: return tellFlood(of: id, &turn)
    case false?:
      // Nothing of it was confirmed: the device keeps it.
      devices[id]?.admission.forgetOctets()
      turn.send(.bluetooth(.rest(id, milliseconds: Links.refusedRetry)))
      return closed(id, LinkEnd(code: "flooding", message: "it says more than can be stored"), &turn)
        + [.close(device: id)]
    case nil: return take(id, octets, &turn)
    }
  }

  /// A notification or an indication (Core Specification, Vol 3, Part F, 3.4.7).
  private static func isValue(_ octets: [UInt8]) -> Bool { [0x1B, 0x1D, 0x23].contains(octets.first) }

  private mutating func take(_ id: String, _ octets: [UInt8], _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    devices[id]?.heard(octets, at: now)
    // Some cuffs read the hub's clock.
    if let opcode = octets.first, ATTOpcode.reads.contains(opcode) {
      let time = hubTime(id, &turn)
      devices[id]?.session?.hubTime = time
    }
    return captured(id, "<", octets, &turn) + overhear(id, octets, &turn)
      + session(id, &turn) { $0.received(octets, at: now.monotonic) }
  }

  private func driverContext(_ device: DeviceState, _ turn: inout Turn) -> DriverContext {
    let now = turn.now
    let zone = turn.house.zone(for: device.configuration, patient: device.configuration.patient)
    let configuration = device.configuration
    // What the technician just said counts on the link of the pairing already.
    let pairing = turn.house.bluetooth.pairing.flatMap { $0.device == configuration.id ? $0 : nil }
    let consent = pairing?.consent ?? configuration.consent
    var context = DriverContext(
      model: configuration.model, continuousInterval: configuration.continuousInterval,
      storedRecords: configuration.readsStoredRecords, lastRecordNumber: turn.head.lastRecord[configuration.id],
      consent: consent.map { ($0.user, $0.code) })
    context.name = configuration.advertisedName
    context.heldLoad = turn.head.heldLoads[configuration.id].flatMap { $0.isKnown(at: now.wall) ? $0.load : nil }
    context.key = configuration.key
    context.requests = device.requests
    context.knowsIdentity = turn.head.register.identities[configuration.id].map { !$0.isEmpty } ?? false
    if let link = device.link {
      context.address = link.device.octets.reversed()
      context.isPairing = pairing != nil
    }
    if now.isSynchronised {
      let seconds = now.wall / 1000
      let local = zone.local(at: seconds)
      let civil = CivilTime(seconds: seconds + Int64(local.offset))
      let daylight = local.isDaylight ? 3600 : 0
      context.zone = LocalZone(
        quarterHours: Int8(clamping: (local.offset - daylight) / 900), daylight: UInt8(clamping: daylight / 900))
      context.localTime = DeviceDateTime(
        year: UInt16(clamping: civil.year), month: UInt8(clamping: civil.month), day: UInt8(clamping: civil.day),
        hours: UInt8(clamping: civil.hour), minutes: UInt8(clamping: civil.minute),
        seconds: UInt8(clamping: civil.second))
    }
    return context
  }

  /// What the hub's clock shows in the device's zone; nil while it is not synchronised: never a wrong time.
  func hubTime(_ id: String, _ turn: inout Turn) -> CurrentTimeOctets? {
    let now = turn.now
    guard let device = devices[id] else { return nil }
    let context = driverContext(device, &turn)
    guard let time = context.localTime, let zone = context.zone else { return nil }
    let seconds = now.wall / 1000
    let offset = turn.house.zone(for: device.configuration, patient: device.configuration.patient).local(at: seconds)
      .offset
    // The first day of 1970 was a Thursday; Monday is 1.
    let weekday = UInt8(clamping: ((seconds + Int64(offset)) / 86_400 + 3) % 7 + 1)
    return CurrentTimeOctets(
      currentTime: CurrentTime(time, dayOfWeek: weekday).octets,
      localTimeInformation: LocalTimeInformation(timeZone: zone.quarterHours, dstOffset: zone.daylight).octets)
  }

  mutating func opened(_ id: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let device = devices[id], !turn.isLeftAlone(id) else { return [.close(device: id)] }
    let link = LinkSession(profile: device.profile, context: driverContext(device, &turn), terms: terms(device, &turn))
    devices[id]?.session = link
    devices[id]?.requests = []
    devices[id]?.hasNews = false
    devices[id]?.isOfAnotherKind = false
    devices[id]?.reopenAt = nil
    devices[id]?.clock = nil
    devices[id]?.failures = 0
    devices[id]?.lastEnd = nil
    // That a port was opened says nothing of the device behind it.
    if device.isBLE { devices[id]?.lastContact = now.wall }
    if case .serial = device.configuration.endpoint {
      // Opening it is all that is known of a cable that was plugged in.
      let expected = turn.head.register.serials[id]
      devices[id]?.proof = DeviceProof(expected: expected)
    }
    if device.link != nil { turn.send(.bluetooth(.linkOpened(id))) }
    let effects = session(id, &turn) { $0.opened(at: now.monotonic) }
    if let settings = device.lineSettings { devices[id]?.proof.listener = LineListener(settings) }
    return effects
  }

  /// How a link over the air is to be used; nil for any other.
  private func terms(_ device: DeviceState, _ turn: inout Turn) -> LinkTerms? {
    guard let link = device.link else { return nil }
    let pairing = turn.house.bluetooth.pairing
    let isPairing = pairing?.device == device.configuration.id && pairing?.isPairing ?? false
    // A device that bonds is heard only with its keys.
    // Of one that is paired anew the old keys are worth nothing.
    let bond = isPairing ? nil : turn.house.keys.bonds.level(of: link.device, on: link.controller)
    let level = bond ?? (device.profile.bonding == .bonds ? 2 : nil)
    return LinkTerms(
      level: level, isPairing: isPairing, attributes: turn.head.register.attributes[device.configuration.id])
  }

  mutating func advertised(_ id: String, _ data: AdvertisedData, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let isUp = with(id, { $0.session != nil }), !turn.isLeftAlone(id) else { return [] }
    if !isUp, let device = devices[id] {
      let link = LinkSession(profile: device.profile, context: driverContext(device, &turn))
      devices[id]?.session = link
    }
    devices[id]?.lastContact = now.wall
    var effects: [Effect] = []
    if !captures.isEmpty {
      let source = data.service.map { "adv/\($0)" } ?? data.company.map { AdvertisedData.source(company: $0) }
      effects += captured(id, "<", data.octets, source: source, &turn)
    }
    return effects
      + session(id, &turn) { $0.advertised(data, at: now.monotonic) }
  }

  mutating func closed(_ id: String, _ end: LinkEnd, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard devices[id] != nil else { return [] }
    var effects: [Effect] = []
    var waited: [Effect] = []
    while devices[id]?.session != nil, let octets = devices[id]?.admission.takeOctetsAtEnd(at: now.monotonic) {
      waited += take(id, octets, &turn).filter { !$0.isOverLink(of: id) }
      // Nobody waits for its confirmation any more.
      devices[id]?.session?.confirmed()
    }
    devices[id]?.admission.forgetOctets()
    let hadReading = devices[id]?.session?.hasReading ?? false
    if devices[id]?.session != nil {
      effects = session(id, &turn) { $0.closed(at: now.monotonic) }
      if let known = devices[id]?.session?.abilities { devices[id]?.abilities = known }
      devices[id]?.session = nil
      effects += recoverFragments(of: id, &turn)
    }
    if devices[id]?.link != nil {
      let device = devices[id]
      let news = LinkNews(
        hadReading: hadReading, isNew: device?.hasNews ?? false, isOfAnotherKind: device?.isOfAnotherKind ?? false)
      turn.send(.bluetooth(.linkClosed(id, end, news)))
    }
    let before = devices[id]?.lastEnd
    let isNew = before?.code != end.code
    devices[id]?.lastEnd = end
    devices[id]?.lastEnd?.since = isNew ? turn.now.wall : before?.since
    let isOnPort: Bool =
      switch devices[id]?.configuration.endpoint {
      case .serial: true
      // Without its port there is nothing to try.
      case .usb: turn.house.ports.node(of: id) != nil
      default: false
      }
    if !isOnPort, devices[id]?.configuration.isOnUSB ?? false {
      devices[id]?.lastEnd = .unplugged
      if isNew, end.code == "unplugged" {
        effects.append(.log(.notice, "device \(id): device.unplugged: its adapter was unplugged; plug it in again"))
      }
    }
    if isOnPort, end.code != "stopping" {
      // 1, 2, 4 … 60 s, with jitter: a port that is gone costs nothing.
      let failures = min((devices[id]?.failures ?? 0) + 1, 10)
      devices[id]?.failures = failures
      let step = min(60_000, Int64(500) << Int64(failures))
      devices[id]?.reopenAt = now.monotonic + turn.jitter.next(step / 2...step)
      if isNew, end.code != "ended" { effects.append(.log(.warning, "device \(id): \(end.code): \(end.words)")) }
    }
    return waited + effects
  }

  /// Runs something on a device's session and carries out what came of it.
  mutating func session(
    _ id: String, _ turn: inout Turn, _ body: (inout LinkSession) -> SessionOutput
  ) -> [Effect] {
    guard let output = with(id, { $0.session?.run(body) }) ?? nil else { return [] }
    return carryOut(output, id, &turn)
  }

  private mutating func carryOut(_ output: SessionOutput, _ id: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var output = output
    let known: Void? = with(id) { device in
      device.garbled.take(output, isSerial: device.isSerial)
      output.problems.removeAll { !device.mayTell($0, at: now.monotonic) }
    }
    guard known != nil else { return [] }
    let lastProblem = output.problems.isEmpty ? nil : devices[id]?.lastProblem?.code
    let configuration = output.clocks.isEmpty ? nil : devices[id]?.configuration
    var effects: [Effect] = []
    for property in output.properties {
      devices[id]?.take(property)
      if case .serial(let text) = property { effects += toldSerial(id, text, &turn) }
    }
    if !output.properties.isEmpty { effects += keepIdentity(of: id, &turn) }
    for stamp in output.clocks {
      guard let configuration else { continue }
      let zone = turn.house.zone(for: configuration, patient: configuration.patient)
      devices[id]?.clock = Intake.clock(stamp, zone: zone, now: now)
    }
    if output.clockWasSet { devices[id]?.clock?.setAt = now.wall }
    for problem in output.problems {
      if lastProblem != problem.code {
        effects.append(.log(.notice, "device \(id): \(problem.code): \(problem.message)"))
      }
      devices[id]?.lastProblem = problem
      if problem.code == "unsupported-device" { devices[id]?.isOfAnotherKind = true }
    }
    for answer in output.answers { effects += answered(answer, id, &turn) }
    // Most devices say the same each time.
    if output.discovered != nil || output.forgetsAttributes, turn.head.register.attributes[id] != output.discovered,
      devices[id]?.link != nil, turn.head.register.devices.contains(where: { $0.id == id })
    {
      effects += turn.append([.deviceFacts(device: id, attributes: output.discovered)])
    }
    if let level = output.secures { effects.append(.secure(device: id, level: level)) }
    var mayConfirm = true
    var isKnown = false
    if output.mustStore {
      let (stored, complete) = store(output, id, &turn)
      mayConfirm = complete
      if stored.isEmpty {
        isKnown = complete && !turn.isAppending(id)
        devices[id]?.session?.confirmed()
      } else {
        effects += stored
      }
    } else if output.confirms {
      devices[id]?.session?.confirmed()
    }
    // In one group with the reading, and a record of its own only where the load left.
    if let load = output.heldLoad, turn.head.heldLoads[id]?.load != load {
      let patient =
        devices[id].flatMap { turn.head.bindings.patient(of: $0.configuration, user: nil) }
        ?? turn.head.sessions.patient(of: id, takenAt: nil, isStored: false, now)
      let kept = load.map { KeptLoad($0, at: max(0, now.wall), patient: patient) }
      effects += turn.append([.heldLoad(device: id, kept)])
    }
    for octets in output.transmit {
      effects += captured(id, ">", octets, &turn)
      effects.append(.transmit(device: id, octets))
    }
    if output.confirms {
      // A reading that is on its way to the disk from an earlier link is not confirmed on this one: the device sends it again.
      if mayConfirm { effects += captured(id, ">", GATTClient.confirmation, &turn) }
      effects.append(mayConfirm ? .transmit(device: id, GATTClient.confirmation) : .close(device: id))
    }
    // All of it was on disk already: a driver that acknowledges records hears so.
    if isKnown { effects += session(id, &turn) { $0.committed(at: now.monotonic) } }
    if output.closes { effects.append(.close(device: id)) }
    return effects
  }

  /// Everything of a session's output that goes to disk, judged. `complete` is false when a reading is still being written.
  private mutating func store(
    _ output: SessionOutput, _ id: String, _ turn: inout Turn
  ) -> (effects: [Effect], complete: Bool) {
    let taken = fragments(of: id, in: output.readings, &turn)
    var effects = turn.append(output.fragments.map { .fragment(device: id, $0) }, for: .device(id))
    var complete = true
    var refused: [Part] = []
    defer { devices[id]?.clockFault = nil }
    for raw in output.readings {
      guard let device = devices[id] else { continue }
      guard let reading = admit(raw, device, complete: &complete, &turn) else {
        if !complete { devices[id]?.hasNews = true }
        continue
      }
      devices[id]?.hasNews = true
      guard !turn.isCongested else {
        // As good as refused by the disk, which is behind.
        refused.append(Part(entries: [.reading(reading)], ticket: .device(id)))
        complete = false
        continue
      }
      guard devices[id]?.admission.admits(reading, at: turn.now.monotonic) ?? true else {
        effects += tellFlood(of: id, &turn)
        continue
      }
      // Each is judged upon the ones before it.
      effects += turn.append(turn.judged(reading), for: .device(id))
    }
    effects += tellClockFault(of: id, &turn)
    effects += self.refused(refused, &turn)
    // What became of them is not on its way to the disk: they stay.
    if refused.isEmpty, output.takesFragments || !taken.isEmpty {
      effects += turn.append(
        [.fragmentsTaken(device: id, output.takesFragments ? [] : taken)], for: .device(id))
    }
    let problems = output.problems.filter { $0.raw != nil }
    effects += turn.append(problems.map { .problem(device: id, $0) }, for: .device(id))
    return (effects, complete)
  }

  /// What waited for its turn, because the device says too much.
  mutating func resume(_ id: String, _ turn: inout Turn) -> [Effect] {
    var effects = storeNewest(of: id, &turn)
    while let octets = devices[id]?.admission.takeOctets(at: turn.now.monotonic) { effects += take(id, octets, &turn) }
    return effects
  }

  private mutating func storeNewest(of id: String, _ turn: inout Turn) -> [Effect] {
    guard let reading = devices[id]?.admission.takeNewest(at: turn.now.monotonic) else { return [] }
    return turn.append(turn.judged(reading), for: .device(id))
  }

  /// The device says more than is admitted: told once a day.
  private mutating func tellFlood(of id: String, _ turn: inout Turn) -> [Effect] {
    guard let passedOver = devices[id]?.admission.toTell(at: turn.now.monotonic), let device = devices[id] else {
      return []
    }
    let count =
      passedOver == 0
      ? "" : "; \(Count.of(passedOver, "reading was", plural: "readings were")) passed over since this was told last"
    let message = "it sends more than anybody measures, and is slowed to \(device.admission.pace)\(count)"
    return [.log(.warning, "device \(id): device.flooding: \(message)")]
      + turn.append([.event(turn.house.event(of: id, "device.flooding", message, turn.now))])
  }

  /// The normalised reading with its patient; nil when it is known already.
  private mutating func admit(
    _ raw: DeviceReading, _ device: DeviceState, complete: inout Bool, _ turn: inout Turn
  ) -> Reading? {
    let now = turn.now
    let zone = turn.house.zone(
      for: device.configuration, patient: turn.head.bindings.patient(of: device.configuration, user: raw.user))
    // Only what is on disk is confirmed.
    let known = turn.durable.recent[device.configuration.id]
    let underway = turn.head.recent[device.configuration.id]
    if !Intake.hasOwnTime(raw), raw.stored != false {
      if known?.isResent(raw.raw, at: now.wall) ?? false { return nil }
      // The same octets over the next link, while the disk has not answered for those of the last.
      if underway?.isResent(raw.raw, at: now.wall) ?? false {
        complete = false
        return nil
      }
    }
    let clock = device.clock?.seen(at: now)
    let intake = IntakeContext(device: device.identity, zone: zone, now: now, clock: clock)
    var reading = Intake.normalise(raw, intake)
    reading.device.address = device.address
    reading.anchor = anchor(clock, &turn)
    if let distance = Intake.clockFault(raw, intake) { devices[device.configuration.id]?.clockFault = distance }
    if known?.contains(reading.id) ?? false { return nil }
    if underway?.contains(reading.id) ?? false || isUnsaved(reading.id) {
      complete = false
      return nil
    }
    reading.patient = attributed(
      reading, device, hasOwnTime: Intake.hasOwnTime(raw), isStored: raw.stored ?? false, &turn)
    return reading
  }

  /// Whose a reading is; nil is nobody's.
  private mutating func attributed(
    _ reading: Reading, _ device: DeviceState, hasOwnTime: Bool, isStored: Bool, _ turn: inout Turn
  ) -> String? {
    let now = turn.now
    let owner =
      turn.head.bindings.patient(of: device.configuration, user: reading.user)
      ?? turn.head.sessions.patient(
        of: device.configuration.id, takenAt: hasOwnTime ? reading.takenAt?.milliseconds : nil, isStored: isStored, now)
    guard device.configuration.isOnPort, !device.proof.isEnough else { return owner }
    // Perhaps another device: nobody's until it proves who it is.
    if let owner, device.proof.change == nil, device.proof.waiting.count < 1000 {
      devices[device.configuration.id]?.proof.waiting[reading.id] = owner
    }
    return nil
  }

  /// Whose a reading is that was held while the disk refused.
  mutating func owner(of reading: Reading, _ device: DeviceState, _ turn: inout Turn) -> String? {
    let hasOwnTime = reading.deviceTime != nil || reading.recordNumber != nil || reading.flags.contains(.estimatedTime)
    return attributed(reading, device, hasOwnTime: hasOwnTime, isStored: false, &turn)
  }

  /// The fragments of a device, on disk or on their way there, whose octets these readings hold.
  private func fragments(
    of id: String, in readings: [DeviceReading], _ turn: inout Turn
  ) -> [RawSource] {
    guard !readings.isEmpty else { return [] }
    return (turn.head.fragments[id] ?? []).filter { raw in readings.contains { $0.raw.octets.holds(raw.octets) } }
  }

  /// Fragments that a crash, or a disk that refused what they became, left behind: readings by themselves.
  mutating func recoverFragments(_ turn: inout Turn) -> [Effect] {
    turn.head.fragments.keys.sorted().reduce(into: []) { $0 += recoverFragments(of: $1, isOld: true, &turn) }
  }

  /// Those of one device whose driver holds them no more. `isOld`: nobody knows any more when they came.
  mutating func recoverFragments(of id: String, isOld: Bool = false, _ turn: inout Turn) -> [Effect] {
    var effects: [Effect] = []
    // While the disk refuses, they are as safe where they are.
    if turn.house.journalFailure == nil, !turn.isCongested, !turn.isAppending(id),
      let fragments = turn.head.fragments[id],
      let device = devices[id],
      device.session == nil
    {
      var driver = device.profile.make(DriverContext(model: device.configuration.model))
      let ids = fragments.compactMap { CharacteristicID(source: $0.source) }
      _ = driver.handle(.connected(Set(ids).map { DiscoveredCharacteristic(id: $0, properties: 0x20) }))
      var output = SessionOutput()
      var actions: [DriverAction] = []
      for (fragment, id) in zip(fragments, ids) { actions += driver.handle(.value(id, fragment.octets, .indication)) }
      actions += driver.handle(.closed)
      for case .reading(var reading) in actions {
        if isOld { reading.stored = true }
        output.readings.append(reading)
      }
      output.takesFragments = true
      if output.readings.isEmpty {
        effects += turn.append([.fragmentsTaken(device: id, [])])
      } else {
        effects += carryOut(output, id, &turn)
      }
    }
    return effects
  }
}

// What devices answer to requests, and what a technician records.
extension Links {
  /// What came of a request, or what the device waits for.
  private mutating func answered(_ answer: DriverAnswer, _ id: String, _ turn: inout Turn) -> [Effect] {
    devices[id]?.lastAnswer = answer.message
    switch answer {
    // The device says it once: it counts at once, and is written until the disk has it.
    case .userRegistered(let user, let code): turn.send(.bluetooth(.toldConsent(id, Consent(user: user, code: code))))
    case .keyGiven(let key): turn.send(.bluetooth(.toldKey(id, key)))
    default: break
    }
    return [.log(.notice, "device \(id): device.answered: \(answer.message)")]
  }

  /// Tells the recording connections what went over a device's link, or what it said on the air (`source`, such as `adv/181D`).
  func captured(
    _ device: String, _ direction: String, _ octets: [UInt8], source: String? = nil, _ turn: inout Turn
  ) -> [Effect] {
    let now = turn.now
    guard !captures.isEmpty else { return [] }
    var heard = JSONObject()
    heard["direction"] = .string(direction)
    heard["at"] = .int(now.monotonic)
    heard["hex"] = .string(Hex.encode(octets))
    if let source { heard["source"] = .string(source) }
    return captures.filter { $0.value == device }.keys.sorted().map {
      .notify(connection: $0, method: "capture", .object(heard))
    }
  }
}

extension CharacteristicID {
  /// From `1810/2A35`.
  init?(source: String) {
    let parts = source.split(separator: "/")
    guard parts.count == 2, let service = BluetoothUUID(parts[0]), let characteristic = BluetoothUUID(parts[1]) else {
      return nil
    }
    self.init(service, characteristic)
  }
}
