// Links: the sessions with devices. Octets become readings here, readings become records, and what a device is told waits for the
// disk.

internal import ControlProtocol
internal import Monitoring
internal import Octets
internal import Drivers
internal import Readings
internal import Settings
internal import Ledger

/// Every device's session, and what waits with it.
struct Links: Sendable {
  enum Input: Sendable {
    case configured
    case started
    /// Every device that has no link yet is to be opened.
    case openAll
    case open(String)
    /// A link is up.
    case opened(String)
    case inRange(String)
    case advertised(String, AdvertisedData)
    case received(String, [UInt8])
    /// What a port said while it was recognised.
    case heardBefore(String, [UInt8])
    case secured(String, level: UInt8)
    case closed(String, LinkEnd)
    /// A link is to end, and what it brought is kept.
    case end(String, LinkEnd)
    /// A device's port is plugged in: it has to prove who it is.
    case plugged(String)
    case unplugged(String)
    /// A technician says that the device at a port is the right one.
    case accepted(String)
    /// A device that is being paired; it is not on disk yet.
    case add(DeviceConfiguration, DeviceProfile)
    /// A device is another one now. `keepsSession`: its link stays.
    case replace(DeviceConfiguration, DeviceProfile, keepsSession: Bool)
    case remove(String)
    /// What is known of a device changed: its settings are read again.
    case refresh(String)
    /// Pairing is complete: the link has this level.
    case paired(String, level: UInt8?)
    case request(String, DriverRequest)
    case capture(connection: UInt64, device: String)
    case callerGone(UInt64)
    case sessionCrashed(String)
    case loaded(UInt64, Reading?)
    case due
    case turnEnds
    case stopping

    // MARK: Of the disk

    case stored(Reading, sequence: UInt64)
    /// Everything of a device so far is on disk.
    case committed(String)
    case recorded(DeviceRecord)
    case crashRecorded(String)
    case crashRefused(String)
    case restampRefused(ReadingID)
    case refused([Part])
    case diskRecovered
    /// A patient is erased.
    case forget(String)
  }

  /// Whose facts an input may change.
  enum Concern: Sendable {
    case none
    case device(String)
    case all
  }

  var devices: [String: DeviceState] = [:]
  /// Devices of which the disk does not have yet that the daemon died in their session.
  var crashed: Set<String> = []
  /// Control connections that record a device's link.
  var captures: [UInt64: String] = [:]
  /// Readings of devices without memory that the disk refused, and events: tried again until it takes them.
  var unsaved: [Unsaved] = []
  /// Monotonic milliseconds.
  var retryUnsavedAt: Int64?
  /// Readings that a device without memory gave while the disk refused and no more could be held. Told for as long as the
  /// daemon runs.
  var lost = 0
  var clock = HubClock()
  /// Devices whose port was opened in this turn: once is enough.
  private var openedNow: Set<String> = []

  /// When each device wants something done without an event, monotonic milliseconds; those that want nothing are not in it. Looking at
  /// every device's whole state after each event would cost more than the event.
  private var deadlines: [String: Int64] = [:]

  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? {
    var next = Links.earliest(retryUnsavedAt, clock.lookAt)
    for time in deadlines.values { next = Links.earliest(next, time) }
    return next
  }

  private static func earliest(_ one: Int64?, _ other: Int64?) -> Int64? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let effects = decide(input, &turn)
    noteUnsaved(&turn)
    turn.house.lost = lost
    switch input.concern {
    case .none: break
    case .device(let id):
      turn.house.devices[id] = with(id) { $0.fact }
      deadlines[id] = with(id) { $0.deadline } ?? nil
    case .all:
      publish(&turn)
      deadlines = devices.compactMapValues(\.deadline)
    }
    return effects
  }

  /// Looks at a device, or changes it, where it stands: `devices[id]` alone copies all that is known of it. Nil: there is none.
  mutating func with<Result>(_ id: String, _ body: (inout DeviceState) -> Result) -> Result? {
    guard let index = devices.index(forKey: id) else { return nil }
    return body(&devices.values[index])
  }

  private mutating func decide(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    switch input {
    case .configured: return configured(&turn)
    case .started: return openAll(&turn) + recoverFragments(&turn)
    case .openAll: return turn.house.isStarted ? openAll(&turn) : []
    case .open(let id): return devices[id]?.session == nil ? open(id, &turn) : []
    case .opened(let id): return opened(id, &turn)
    case .inRange(let id):
      guard let device = devices[id], device.session == nil, !turn.isLeftAlone(id) else { return [] }
      return [.connect(device: id)]
    case .advertised(let id, let data): return advertised(id, data, &turn)
    case .received(let id, let octets): return received(id, octets, &turn)
    case .heardBefore(let id, let octets):
      devices[id]?.heard(octets, at: now)
      return session(id, &turn) { $0.received(octets, at: now.monotonic) }
    case .secured(let id, let level): return session(id, &turn) { $0.secured(level: level, at: now.monotonic) }
    case .closed(let id, let end): return closed(id, end, &turn)
    case .end(let id, let end):
      let wasUp = devices[id]?.session != nil
      return closed(id, end, &turn) + (wasUp ? [.close(device: id)] : [])
    case .plugged(let id):
      devices[id]?.proof = DeviceProof(expected: turn.head.register.serials[id])
      devices[id]?.garbled = Garbled()
      devices[id]?.failures = 0
      return []
    case .unplugged(let id):
      devices[id]?.proof = DeviceProof(expected: turn.head.register.serials[id])
      devices[id]?.reopenAt = nil
      return decide(.end(id, .unplugged), &turn)
    case .accepted(let id):
      let ended = devices[id]?.session == nil ? [] : decide(.end(id, .boundAnew), &turn)
      devices[id]?.proof = DeviceProof()
      return ended + open(id, &turn)
    case .add(let configuration, let profile):
      if devices[configuration.id] == nil {
        devices[configuration.id] = DeviceState(
          configuration, profile, known: turn.head.register.identities[configuration.id])
      }
      return []
    case .replace(let configuration, let profile, let keepsSession):
      let stored = storeWaiting([configuration.id], &turn)
      let session = keepsSession ? devices[configuration.id]?.session : nil
      devices[configuration.id] = DeviceState(
        configuration, profile, known: turn.head.register.identities[configuration.id])
      devices[configuration.id]?.session = session
      return stored
    case .remove(let id):
      let stored = storeWaiting([id], &turn)
      devices[id] = nil
      return stored
    case .refresh(let id):
      if let device = turn.knownDevices.first(where: { $0.id == id }) { devices[id]?.configuration = device }
      return []
    case .paired(let id, let level): return session(id, &turn) { $0.paired(level: level, at: now.monotonic) }
    case .request(let id, let request):
      guard devices[id]?.session == nil else { return session(id, &turn) { $0.request(request, at: now.monotonic) } }
      devices[id]?.requests.append(request)
      return []
    case .capture(let connection, let device):
      captures[connection] = device
      return []
    case .callerGone(let connection):
      captures[connection] = nil
      return []
    case .sessionCrashed(let id): return sessionCrashed(id, &turn)
    case .loaded(let sequence, let reading): return loaded(sequence, reading, &turn)
    case .due: return due(&turn)
    case .turnEnds:
      openedNow = []
      return lookAtClock(&turn)
    case .stopping:
      let ended = devices.keys.sorted().filter { devices[$0]?.session != nil }
        .flatMap { decide(.end($0, LinkEnd(code: "stopping", message: "the daemon stops")), &turn) }
      // What a driver held back to the end may wait, too; and what the disk refused is tried once more.
      return ended + storeWaiting(Array(devices.keys), &turn) + retryUnsaved(most: .max, &turn)
    case .stored(let reading, let sequence): return stored(reading, sequence, &turn)
    case .committed(let id): return committed(id, &turn)
    case .recorded(let record): return recorded(record, &turn)
    case .crashRecorded(let id): return crashRecorded(id, &turn)
    case .crashRefused(let id):
      if crashed.contains(id), unsaved.count < Links.mostUnsaved { unsaved.append(.crash(device: id)) }
      return []
    case .restampRefused(let id): return restampRefused(id, &turn)
    case .refused(let parts): return refused(parts, &turn)
    case .diskRecovered:
      if !unsaved.isEmpty { retryUnsavedAt = now.monotonic }
      return recoverFragments(&turn)
    case .forget(let patient): return forget(patient, &turn)
    }
  }

  private func publish(_ turn: inout Turn) {
    for id in turn.house.devices.keys where devices[id] == nil { turn.house.devices[id] = nil }
    for (id, device) in devices { turn.house.devices[id] = device.fact }
    turn.house.crashed = crashed
  }

  // MARK: Which devices there are

  private mutating func configured(_ turn: inout Turn) -> [Effect] {
    var effects: [Effect] = []
    let known = turn.knownDevices
    for (id, device) in devices.sorted(by: { $0.key < $1.key }) where !known.contains(device.configuration) {
      // What a device on a port still held back was measured under the old settings.
      if device.session != nil, device.configuration.isOnPort {
        effects += closed(id, LinkEnd(code: "ended", message: "its configuration changed"), &turn)
      }
      effects.append(.close(device: id))
      effects += storeWaiting([id], &turn)
      devices[id] = nil
      effects += forgetSerial(of: device.configuration, &turn)
    }
    for device in known where devices[device.id] == nil {
      if let profile = Registry.profile(id: device.driver) {
        devices[device.id] = DeviceState(device, profile, known: turn.head.register.identities[device.id])
      }
    }
    return effects
  }

  /// Readings that wait for their turn in vain.
  private mutating func storeWaiting(_ ids: [String], _ turn: inout Turn) -> [Effect] {
    var effects: [Effect] = []
    for id in ids.sorted() {
      guard let reading = devices[id]?.admission.newest else { continue }
      effects += turn.append(turn.judged(reading), for: .device(id))
      devices[id]?.admission.forgetNewest()
    }
    return effects
  }

  /// A device of the register came, changed or went, and that is on disk.
  private mutating func recorded(_ record: DeviceRecord, _ turn: inout Turn) -> [Effect] {
    let id = record.id
    if devices[id]?.proof.expected == nil, let serial = record.serial, devices[id]?.session != nil {
      devices[id]?.proof.expected = serial
      devices[id]?.proof.isGiven = true
    }
    guard let device = turn.knownDevices.first(where: { $0.id == id }), devices[id]?.profile.id == device.driver else {
      return []
    }
    devices[id]?.configuration = device
    return []
  }

  /// A patient is erased: nothing held is theirs, and no device.
  private mutating func forget(_ patient: String, _ turn: inout Turn) -> [Effect] {
    unsaved.removeAll { item in
      if case .reading(let reading) = item { reading.patient == patient } else { false }
    }
    for (id, device) in devices where device.admission.newest?.patient == patient {
      devices[id]?.admission.forgetNewest()
    }
    for device in turn.knownDevices { devices[device.id]?.configuration = device }
    return []
  }

  // MARK: Opening

  private mutating func openAll(_ turn: inout Turn) -> [Effect] {
    turn.knownDevices.map(\.id).filter { devices[$0]?.session == nil }.flatMap { open($0, &turn) }
  }

  mutating func open(_ id: String, _ turn: inout Turn) -> [Effect] {
    guard let device = devices[id], !turn.isLeftAlone(id) else { return [] }
    devices[id]?.reopenAt = nil
    guard case .bluetooth = device.configuration.endpoint else {
      return openedNow.insert(id).inserted ? opening(device, turn) : []
    }
    // The kernel connects to it as soon as it is heard.
    return []
  }

  private func opening(_ device: DeviceState, _ turn: Turn) -> [Effect] {
    let id = device.configuration.id
    switch device.configuration.endpoint {
    case .serial(let path): return device.lineSettings.map { [.openPort(device: id, path: path, $0)] } ?? []
    case .usb:
      // Opened when its port is plugged in.
      guard let node = turn.house.ports.node(of: id), let settings = device.lineSettings else { return [] }
      return [.openPort(device: id, path: node, settings)]
    case .playback(let path): return [.openPlayback(device: id, path: path)]
    case .bluetooth: return []
    }
  }

  // MARK: Time

  private mutating func due(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var effects: [Effect] = []
    for id in devices.keys.sorted() {
      if let deadline = devices[id]?.session?.nextDeadline, deadline <= now.monotonic {
        effects += session(id, &turn) { $0.due(at: now.monotonic) }
      }
      if let time = devices[id]?.reopenAt, time <= now.monotonic { effects += open(id, &turn) }
      if let time = devices[id]?.admission.resumeAt, time <= now.monotonic { effects += resume(id, &turn) }
    }
    if let time = retryUnsavedAt, time <= now.monotonic { effects += retryUnsaved(&turn) }
    return effects
  }
}

extension LinkEnd {
  static let unplugged = LinkEnd(
    code: "unplugged", message: "the cable is not plugged in", hint: "plug the cable in again")
  static let boundAnew = LinkEnd(code: "ended", message: "bound anew")
}

extension Links.Input {
  /// Whose facts it may change: those of one device where it comes with each value that is measured.
  var concern: Links.Concern {
    switch self {
    case .turnEnds, .loaded, .capture, .callerGone: .none
    case .received(let id, _), .heardBefore(let id, _), .advertised(let id, _), .secured(let id, _), .committed(let id):
      .device(id)
    case .stored(let reading, _): .device(reading.device.id)
    default: .all
    }
  }
}
