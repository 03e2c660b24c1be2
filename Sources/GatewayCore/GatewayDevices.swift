// Devices: opening and closing links, and the one way of a reading from driver to disk.

internal import Drivers
internal import Monitoring
internal import Octets
internal import Readings
internal import Zones

extension Gateway {
  mutating func openDevices(_ now: Now) -> [Effect] {
    configuration.devices.map(\.id).filter { devices[$0]?.session == nil }.flatMap { open($0, now) }
  }

  mutating func open(_ id: String, _ now: Now) -> [Effect] {
    guard let device = devices[id] else { return [] }
    devices[id]?.reopenAt = nil
    switch device.configuration.endpoint {
    case .serial(let path):
      guard case .serial(let settings) = device.profile.transport, let first = settings.first else { return [] }
      return [.openPort(device: id, path: path, first)]
    case .playback(let path): return [.openPlayback(device: id, path: path)]
    }
  }

  private func driverContext(_ device: DeviceState, _ now: Now) -> DriverContext {
    let zone = zone(for: device.configuration, patient: device.configuration.patient)
    let configuration = device.configuration
    var context = DriverContext(
      model: configuration.model, continuousInterval: configuration.continuousInterval,
      storedRecords: configuration.readsStoredRecords, lastRecordNumber: state.lastRecord[configuration.id])
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

  mutating func linkOpened(_ id: String, _ now: Now) -> [Effect] {
    guard let device = devices[id] else { return [.close(device: id)] }
    let link = LinkSession(profile: device.profile, context: driverContext(device, now))
    devices[id]?.session = link
    devices[id]?.clock = nil
    devices[id]?.failures = 0
    devices[id]?.lastEnd = nil
    devices[id]?.lastContact = now.wall
    return session(id, now) { $0.opened(at: now.monotonic) }
  }

  mutating func advertised(_ id: String, _ data: AdvertisedData, _ now: Now) -> [Effect] {
    guard let device = devices[id] else { return [] }
    if device.session == nil {
      let link = LinkSession(profile: device.profile, context: driverContext(device, now))
      devices[id]?.session = link
    }
    return session(id, now) { $0.advertised(data, at: now.monotonic) }
  }

  mutating func linkClosed(_ id: String, _ end: LinkEnd, _ now: Now) -> [Effect] {
    guard devices[id] != nil else { return [] }
    var effects: [Effect] = []
    if devices[id]?.session != nil {
      effects = session(id, now) { $0.closed(at: now.monotonic) }
      devices[id]?.session = nil
    }
    let isNew = devices[id]?.lastEnd?.code != end.code
    devices[id]?.lastEnd = end
    if case .serial? = devices[id]?.configuration.endpoint, end.code != "stopping" {
      // 1, 2, 4 … 60 s, with jitter: a port that is gone costs nothing.
      let failures = min((devices[id]?.failures ?? 0) + 1, 10)
      devices[id]?.failures = failures
      let step = min(60_000, Int64(500) << Int64(failures))
      devices[id]?.reopenAt = now.monotonic + jitter.next(step / 2...step)
      if isNew, end.code != "ended" { effects.append(.log(.warning, "device \(id): \(end.message)")) }
    }
    return effects
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
    for property in output.properties { devices[id]?.take(property) }
    for stamp in output.clocks {
      let zone = zone(for: device.configuration, patient: device.configuration.patient)
      devices[id]?.clock = Intake.clock(stamp, zone: zone, now: now)
    }
    var effects: [Effect] = []
    for problem in output.problems {
      if device.lastProblem?.code != problem.code {
        effects.append(.log(.notice, "device \(id): \(problem.code): \(problem.message)"))
      }
      devices[id]?.lastProblem = problem
    }
    effects += output.answers.map { .log(.notice, "device \(id): \($0.message)") }
    var mayConfirm = true
    var isKnown = false
    if output.mustStore {
      let (entries, rulesBefore, complete) = store(output, id, now)
      mayConfirm = complete
      if entries.isEmpty {
        isKnown = complete && devices[id]?.pendingAppends == 0
        devices[id]?.session?.confirmed()
      } else {
        effects += append(entries, device: id, rulesBefore: rulesBefore, now: now)
      }
    } else if output.confirms {
      devices[id]?.session?.confirmed()
    }
    effects += output.transmit.map { .transmit(device: id, $0) }
    if output.confirms {
      // A reading that is on its way to the disk from an earlier link is not confirmed on this one: the device sends it again.
      effects.append(mayConfirm ? .transmit(device: id, [0x1E]) : .close(device: id))
    }
    // All of it was on disk already: a driver that acknowledges records hears so.
    if isKnown { effects += session(id, now) { $0.committed(at: now.monotonic) } }
    if output.closes { effects.append(.close(device: id)) }
    return effects
  }

  /// Everything of a session's output that goes to disk, judged. `complete` is false when a reading is still being written.
  private mutating func store(
    _ output: SessionOutput, _ id: String, _ now: Now
  ) -> (entries: [JournalEntry], rulesBefore: [String: PatientState], complete: Bool) {
    var entries: [JournalEntry] = output.fragments.map { .fragment(device: id, $0) }
    var rulesBefore: [String: PatientState] = [:]
    var complete = true
    for raw in output.readings {
      guard let device = devices[id] else { continue }
      guard let reading = admit(raw, device, now, complete: &complete) else { continue }
      var judged = reading
      entries += judge(&judged, now, &rulesBefore)
      entries.insert(.reading(judged), at: output.fragments.count)
    }
    if !output.readings.isEmpty, state.fragments[id] != nil { entries.append(.fragmentsTaken(device: id)) }
    for problem in output.problems where problem.raw != nil { entries.append(.problem(device: id, problem)) }
    return (entries, rulesBefore, complete)
  }

  /// The normalised reading with its patient; nil when it is known already.
  private func admit(_ raw: DeviceReading, _ device: DeviceState, _ now: Now, complete: inout Bool) -> Reading? {
    let patient = device.patient(user: raw.user, bindings: bindings)
    let zone = zone(for: device.configuration, patient: patient)
    let recent = state.recent[device.configuration.id]
    if !Intake.hasOwnTime(raw), raw.stored != false, recent?.isResent(raw.raw, at: now.wall) ?? false { return nil }
    var reading = Intake.normalise(
      raw, IntakeContext(device: device.identity, zone: zone, now: now, clock: device.clock))
    if recent?.contains(reading.id) ?? false { return nil }
    if inFlight.contains(reading.id) {
      complete = false
      return nil
    }
    reading.patient = patient
    return reading
  }

  /// Judges a reading by its patient's plan; gives the events and the rules' new state.
  mutating func judge(
    _ reading: inout Reading, _ now: Now, _ rulesBefore: inout [String: PatientState]
  ) -> [JournalEntry] {
    guard let patient = reading.patient, let plan = plans[patient] else { return [] }
    let before = state.rules[patient] ?? PatientState()
    var after = before
    let outcome = Monitor.judge(reading, by: plan, state: &after, now: now.wall)
    reading.evaluation = outcome.evaluation
    var entries: [JournalEntry] = []
    if after != before {
      if rulesBefore[patient] == nil { rulesBefore[patient] = before }
      state.rules[patient] = after.rules.isEmpty ? nil : after
      entries.append(.rules(patient: patient, after))
      planRuleDeadline(now)
    }
    let offset = reading.receivedAt.offsetSeconds
    entries += outcome.events.map { .event(HubEvent($0, at: now.wall, offsetSeconds: offset, reading: reading.id)) }
    return entries
  }

  /// Fragments that a crash left behind become readings by themselves.
  mutating func recoverFragments(_ now: Now) -> [Effect] {
    var effects: [Effect] = []
    for (id, fragments) in state.fragments.sorted(by: { $0.key < $1.key }) {
      guard let device = devices[id] else { continue }
      var driver = device.profile.make(DriverContext(model: device.configuration.model))
      let ids = fragments.compactMap { CharacteristicID(source: $0.source) }
      _ = driver.handle(.connected(Set(ids).map { DiscoveredCharacteristic(id: $0, properties: 0x20) }))
      var output = SessionOutput()
      var actions: [DriverAction] = []
      for (fragment, id) in zip(fragments, ids) { actions += driver.handle(.value(id, fragment.octets, .indication)) }
      actions += driver.handle(.closed)
      for case .reading(let reading) in actions { output.readings.append(reading) }
      if output.readings.isEmpty {
        effects += append([.fragmentsTaken(device: id)], now: now)
      } else {
        effects += carryOut(output, id, now)
      }
    }
    return effects
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
