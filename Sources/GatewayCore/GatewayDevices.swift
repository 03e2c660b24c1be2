// Devices: opening and closing links, and the one way of a reading from driver to disk.

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

extension Gateway {
  mutating func openDevices(besides opening: [String] = [], _ now: Now) -> [Effect] {
    knownDevices.map(\.id).filter { devices[$0]?.session == nil && !opening.contains($0) }.flatMap { open($0, now) }
  }

  mutating func open(_ id: String, _ now: Now) -> [Effect] {
    guard let device = devices[id], !isLeftAlone(id) else { return [] }
    devices[id]?.reopenAt = nil
    switch device.configuration.endpoint {
    case .serial(let path):
      guard let settings = device.lineSettings else { return [] }
      return [.openPort(device: id, path: path, settings)]
    case .usb:
      // Opened when its port is plugged in.
      guard let port = serial.port(of: id), let settings = device.lineSettings else { return [] }
      return [.openPort(device: id, path: port.facts.node, settings)]
    case .playback(let path): return [.openPlayback(device: id, path: path)]
    // The kernel connects to it as soon as it is heard.
    case .bluetooth: return []
    }
  }

  private func driverContext(_ device: DeviceState, _ now: Now) -> DriverContext {
    let zone = zone(for: device.configuration, patient: device.configuration.patient)
    let configuration = device.configuration
    // What the technician just said counts on the link of the pairing already.
    let pairing = bluetooth.pairing.flatMap { $0.device == configuration.id ? $0.wish.consent : nil }
    let consent = pairing ?? configuration.consent
    var context = DriverContext(
      model: configuration.model, continuousInterval: configuration.continuousInterval,
      storedRecords: configuration.readsStoredRecords, lastRecordNumber: state.lastRecord[configuration.id],
      consent: consent.map { ($0.user, $0.code) })
    context.key = configuration.key
    context.requests = device.requests
    if let link = device.link {
      context.address = link.device.octets.reversed()
      context.isPairing = bluetooth.pairing?.device == configuration.id
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
  func hubTime(_ id: String, _ now: Now) -> CurrentTimeOctets? {
    guard let device = devices[id] else { return nil }
    let context = driverContext(device, now)
    guard let time = context.localTime, let zone = context.zone else { return nil }
    let seconds = now.wall / 1000
    let offset = self.zone(for: device.configuration, patient: device.configuration.patient).local(at: seconds).offset
    // The first day of 1970 was a Thursday; Monday is 1.
    let weekday = UInt8(clamping: ((seconds + Int64(offset)) / 86_400 + 3) % 7 + 1)
    return CurrentTimeOctets(
      currentTime: CurrentTime(time, dayOfWeek: weekday).octets,
      localTimeInformation: LocalTimeInformation(timeZone: zone.quarterHours, dstOffset: zone.daylight).octets)
  }

  mutating func linkOpened(_ id: String, _ now: Now) -> [Effect] {
    guard let device = devices[id], !isLeftAlone(id) else { return [.close(device: id)] }
    let link = LinkSession(profile: device.profile, context: driverContext(device, now), terms: terms(device))
    devices[id]?.session = link
    devices[id]?.requests = []
    devices[id]?.isConnecting = false
    devices[id]?.reopenAt = nil
    devices[id]?.clock = nil
    devices[id]?.failures = 0
    devices[id]?.lastEnd = nil
    devices[id]?.lastContact = now.wall
    if case .serial = device.configuration.endpoint {
      // Opening it is all that is known of a cable that was plugged in.
      let expected = register.serials[id]
      devices[id]?.proof = DeviceProof(expected: expected)
    }
    var effects = session(id, now) { $0.opened(at: now.monotonic) }
    guard let settings = device.lineSettings else { return effects }
    devices[id]?.proof.listener = LineListener(settings)
    let heard = takeHeard(id)
    if !heard.isEmpty { effects += session(id, now) { $0.received(heard, at: now.monotonic) } }
    return effects
  }

  /// How a link over the air is to be used; nil for any other.
  private func terms(_ device: DeviceState) -> LinkTerms? {
    guard let link = device.link else { return nil }
    let isPairing = bluetooth.pairing?.device == device.configuration.id && bluetooth.pairing?.stage == .pairing
    // A device that bonds is heard only with its keys.
    // Of one that is paired anew the old keys are worth nothing.
    let bond = isPairing ? nil : bonds.level(of: link.device, on: link.controller)
    let level = bond ?? (device.profile.bonding == .bonds ? 2 : nil)
    return LinkTerms(level: level, isPairing: isPairing, attributes: register.attributes[device.configuration.id])
  }

  mutating func advertised(_ id: String, _ data: AdvertisedData, _ now: Now) -> [Effect] {
    guard let device = devices[id], !isLeftAlone(id) else { return [] }
    if device.session == nil {
      let link = LinkSession(profile: device.profile, context: driverContext(device, now))
      devices[id]?.session = link
    }
    let source = data.service.map { "adv/\($0)" }
    return captured(id, "<", data.octets, source: source, now)
      + session(id, now) { $0.advertised(data, at: now.monotonic) }
  }

  mutating func linkClosed(_ id: String, _ end: LinkEnd, _ now: Now) -> [Effect] {
    guard devices[id] != nil else { return [] }
    var effects: [Effect] = []
    let hadReading = devices[id]?.session?.hasReading ?? false
    if devices[id]?.session != nil {
      effects = session(id, now) { $0.closed(at: now.monotonic) }
      devices[id]?.session = nil
      effects += recoverFragments(of: id, now)
    }
    if devices[id]?.link != nil { effects += linkOverTheAirClosed(id, end, hadReading: hadReading, now) }
    let isNew = devices[id]?.lastEnd?.code != end.code
    devices[id]?.lastEnd = end
    let isOnPort: Bool =
      switch devices[id]?.configuration.endpoint {
      case .serial: true
      // Without its port there is nothing to try.
      case .usb: serial.port(of: id) != nil
      default: false
      }
    if !isOnPort, devices[id]?.configuration.isOnUSB ?? false {
      devices[id]?.lastEnd = LinkEnd(
        code: "unplugged", message: "the cable is not plugged in", hint: "plug the cable in again")
      if isNew, end.code == "unplugged" { effects.append(.log(.notice, "device \(id): unplugged")) }
    }
    if isOnPort, end.code != "stopping" {
      // 1, 2, 4 … 60 s, with jitter: a port that is gone costs nothing.
      let failures = min((devices[id]?.failures ?? 0) + 1, 10)
      devices[id]?.failures = failures
      let step = min(60_000, Int64(500) << Int64(failures))
      devices[id]?.reopenAt = now.monotonic + jitter.next(step / 2...step)
      if isNew, end.code != "ended" { effects.append(.log(.warning, "device \(id): \(end.message)")) }
    }
    return effects
  }

  /// What follows the end of a link over the air: the kernel goes on listening by itself.
  private mutating func linkOverTheAirClosed(
    _ id: String, _ end: LinkEnd, hadReading: Bool, _ now: Now
  ) -> [Effect] {
    devices[id]?.isConnecting = false
    if end.code == "security" { return bondLost(id, now) }
    if hadReading {
      devices[id]?.missedContacts = 0
      return []
    }
    devices[id]?.missedContacts += 1
    guard end.code == "ended", devices[id]?.relistAt == nil, bluetooth.pairing?.device != id else { return [] }
    // Ended by the hub because it said nothing: connecting again at once would empty its battery. Shorter at first than any
    // device is on the air after a measurement.
    let misses = min((devices[id]?.missedContacts ?? 1) - 1, 3)
    devices[id]?.relistAt = now.monotonic + min(30_000, 4000 << Int64(max(0, misses)))
    return listDevices(now)
  }

  /// Runs something on a device's session and carries out what came of it.
  mutating func session(
    _ id: String, _ now: Now, _ body: (inout LinkSession) -> SessionOutput
  ) -> [Effect] {
    guard var link = devices[id]?.session else { return [] }
    let output = body(&link)
    devices[id]?.session = link
    devices[id]?.lastContact = now.wall
    return carryOut(output, id, now)
  }

  private mutating func carryOut(_ output: SessionOutput, _ id: String, _ now: Now) -> [Effect] {
    guard let device = devices[id] else { return [] }
    var output = output
    output.problems.removeAll { !(devices[id]?.mayTell($0, at: now.monotonic) ?? false) }
    var effects: [Effect] = []
    for property in output.properties {
      devices[id]?.take(property)
      if case .serial(let text) = property { effects += toldSerial(id, text, now) }
    }
    for stamp in output.clocks {
      let zone = zone(for: device.configuration, patient: device.configuration.patient)
      devices[id]?.clock = Intake.clock(stamp, zone: zone, now: now)
    }
    if output.clockWasSet { devices[id]?.clock?.setAt = now.wall }
    for problem in output.problems {
      if device.lastProblem?.code != problem.code {
        effects.append(.log(.notice, "device \(id): \(problem.code): \(problem.message)"))
      }
      devices[id]?.lastProblem = problem
    }
    for answer in output.answers { effects += answered(answer, id) }
    // Most devices say the same each time.
    let found = output.discovered ?? (output.forgetsAttributes ? nil : register.attributes[id])
    if device.link != nil, register.devices.contains(where: { $0.id == id }), register.attributes[id] != found {
      effects += append([.deviceFacts(device: id, attributes: found)], now: now)
    }
    if let level = output.secures { effects.append(.secure(device: id, level: level)) }
    var mayConfirm = true
    var isKnown = false
    if output.mustStore {
      let (stored, complete) = store(output, id, now)
      mayConfirm = complete
      if stored.isEmpty {
        isKnown = complete && !isAppending(id)
        devices[id]?.session?.confirmed()
      } else {
        effects += stored
      }
    } else if output.confirms {
      devices[id]?.session?.confirmed()
    }
    for octets in output.transmit {
      effects += captured(id, ">", octets, now)
      effects.append(.transmit(device: id, octets))
    }
    if output.confirms {
      // A reading that is on its way to the disk from an earlier link is not confirmed on this one: the device sends it again.
      if mayConfirm { effects += captured(id, ">", GATTClient.confirmation, now) }
      effects.append(mayConfirm ? .transmit(device: id, GATTClient.confirmation) : .close(device: id))
    }
    // All of it was on disk already: a driver that acknowledges records hears so.
    if isKnown { effects += session(id, now) { $0.committed(at: now.monotonic) } }
    if output.closes { effects.append(.close(device: id)) }
    return effects
  }

  /// Everything of a session's output that goes to disk, judged. `complete` is false when a reading is still being written.
  private mutating func store(
    _ output: SessionOutput, _ id: String, _ now: Now
  ) -> (effects: [Effect], complete: Bool) {
    let taken = fragments(of: id, in: output.readings)
    var effects = append(output.fragments.map { .fragment(device: id, $0) }, device: id, now: now)
    var complete = true
    for raw in output.readings {
      guard let device = devices[id] else { continue }
      guard let reading = admit(raw, device, now, complete: &complete) else { continue }
      // Each is judged upon the ones before it.
      effects += append(judged(reading, now), device: id, now: now)
    }
    if output.takesFragments || !taken.isEmpty {
      effects += append(
        [.fragmentsTaken(device: id, output.takesFragments ? [] : taken)], device: id, now: now)
    }
    let problems = output.problems.filter { $0.raw != nil }
    effects += append(problems.map { .problem(device: id, $0) }, device: id, now: now)
    return (effects, complete)
  }

  /// The normalised reading with its patient; nil when it is known already.
  private mutating func admit(_ raw: DeviceReading, _ device: DeviceState, _ now: Now, complete: inout Bool) -> Reading?
  {
    let zone = zone(
      for: device.configuration, patient: device.patient(user: raw.user, bindings: bindings))
    // Only what is on disk is confirmed.
    let known = shown.recent[device.configuration.id]
    let underway = state.recent[device.configuration.id]
    if !Intake.hasOwnTime(raw), raw.stored != false {
      if known?.isResent(raw.raw, at: now.wall) ?? false { return nil }
      // The same octets over the next link, while the disk has not answered for those of the last.
      if underway?.isResent(raw.raw, at: now.wall) ?? false {
        complete = false
        return nil
      }
    }
    let clock = device.clock?.seen(at: now)
    var reading = Intake.normalise(
      raw, IntakeContext(device: device.identity, zone: zone, now: now, clock: clock))
    reading.anchor = anchor(clock, now)
    if known?.contains(reading.id) ?? false { return nil }
    if underway?.contains(reading.id) ?? false || isUnsaved(reading.id) {
      complete = false
      return nil
    }
    reading.patient = attributed(
      reading, device, hasOwnTime: Intake.hasOwnTime(raw), isStored: raw.stored ?? false, now)
    return reading
  }

  /// Whose a reading is; nil is nobody's.
  private mutating func attributed(
    _ reading: Reading, _ device: DeviceState, hasOwnTime: Bool, isStored: Bool, _ now: Now
  ) -> String? {
    let owner =
      device.patient(user: reading.user, bindings: bindings)
      ?? sessions.patient(
        of: device.configuration.id, takenAt: hasOwnTime ? reading.takenAt?.milliseconds : nil, isStored: isStored, now)
    guard device.configuration.isOnPort, !device.proof.isEnough else { return owner }
    // Perhaps another device: nobody's until it proves who it is.
    if let owner, device.proof.change == nil, device.proof.waiting.count < 1000 {
      devices[device.configuration.id]?.proof.waiting[reading.id] = owner
    }
    return nil
  }

  /// Whose a reading is that was held while the disk refused.
  mutating func owner(of reading: Reading, _ device: DeviceState, _ now: Now) -> String? {
    let hasOwnTime = reading.deviceTime != nil || reading.recordNumber != nil || reading.flags.contains(.estimatedTime)
    return attributed(reading, device, hasOwnTime: hasOwnTime, isStored: false, now)
  }

  /// A reading judged by its patient's plan: the rules' new state, so that who reads the journal knows what the reading waits
  /// for, the reading, and the events.
  mutating func judged(_ given: Reading, _ now: Now) -> [JournalEntry] {
    var reading = given
    // A value is judged once more when the disk refused what was said of it.
    reading.flags.removeAll { $0 == .suspectPerson }
    guard let patient = reading.patient, let plan = plans[patient] else { return [.reading(reading)] }
    let before = state.rules[patient] ?? PatientState()
    var after = before
    let outcome = Monitor.judge(
      reading, by: plan, state: &after, history: state.history[patient] ?? PatientHistory(), zone: planZone(plan),
      now: now.wall)
    reading.evaluation = outcome.evaluation
    reading.flags += outcome.flags
    var entries: [JournalEntry] = []
    if after != before {
      entries.append(.rules(patient: patient, after))
    }
    entries.append(.reading(reading))
    let offset = reading.receivedAt.offsetSeconds
    entries += outcome.events.map { .event(HubEvent($0, at: now.wall, offsetSeconds: offset, reading: reading.id)) }
    return entries
  }

  /// The fragments of a device, on disk or on their way there, whose octets these readings hold.
  private func fragments(of id: String, in readings: [DeviceReading]) -> [RawSource] {
    guard !readings.isEmpty else { return [] }
    return (state.fragments[id] ?? []).filter { raw in readings.contains { $0.raw.octets.holds(raw.octets) } }
  }

  /// Fragments that a crash, or a disk that refused what they became, left behind: readings by themselves.
  mutating func recoverFragments(_ now: Now) -> [Effect] {
    state.fragments.keys.sorted().reduce(into: []) { $0 += recoverFragments(of: $1, isOld: true, now) }
  }

  /// Those of one device whose driver holds them no more. `isOld`: nobody knows any more when they came.
  mutating func recoverFragments(of id: String, isOld: Bool = false, _ now: Now) -> [Effect] {
    var effects: [Effect] = []
    // While the disk refuses, they are as safe where they are.
    if journalFailure == nil, !isAppending(id), let fragments = state.fragments[id], let device = devices[id],
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
        effects += append([.fragmentsTaken(device: id, [])], now: now)
      } else {
        effects += carryOut(output, id, now)
      }
    }
    return effects
  }
}

// What a technician records.
extension Gateway {
  /// Tells the recording connections what went over a device's link, or what it said on the air (`source`, such as `adv/181D`).
  func captured(
    _ device: String, _ direction: String, _ octets: [UInt8], source: String? = nil, _ now: Now
  ) -> [Effect] {
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
