// Serial ports that come and go: which device's each is, and listening to those that are nobody's. Nothing is ever sent to a port
// that is nobody's: some commands inflate a cuff.

internal import JSON
internal import ControlProtocol
internal import Drivers
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

/// Every serial port that is plugged in over USB.
struct Ports: Sendable {
  enum Input: Sendable {
    case configured
    /// A port is plugged in, or gone.
    case added(PortFacts)
    case removed(node: String)
    /// A port that is nobody's is open, says something, or is closed.
    case opened(node: String)
    case heard(node: String, [UInt8])
    case closed(node: String, LinkEnd)
    /// A device's port is open as its own.
    case deviceOpened(String)
    case list(RequestID)
    case identify(RequestID, port: String, driver: String?, CallerName)
    case bind(RequestID, PortWish, CallerName)
    case release(RequestID, device: String, CallerName)
    case due

    // MARK: Of the disk

    case bound(PortBound)
    case bindingRefused(PortBound)
    case registered(device: String, node: String)
    case registrationRefused(node: String)
    case released(device: String)
  }

  /// By node.
  var ports: [String: SerialPortState] = [:]
  /// Places whose port went away as soon as it had come, and was not seen again; when.
  var vanished: [(path: String, at: Int64)] = []
  /// How long that is told.
  static let vanishedMemory: Int64 = 600_000
  /// How often a port is recognised by itself: a device that seems to be another one each time is for a technician.
  private var registrations = Bucket(burst: 4, every: 21_600_000)

  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? { ports.values.compactMap(\.nextDeadline).min() }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let effects = decide(input, &turn)
    turn.house.ports = PortsFact(ports: ports.mapValues(\.fact), vanished: vanished.map(\.path))
    return effects
  }

  private mutating func decide(_ input: Input, _ turn: inout Turn) -> [Effect] {
    switch input {
    case .configured:
      guard turn.house.isStarted else { return [] }
      let effects = settleAll(&turn)
      // Behind what lets go of ports: they can be opened by others then.
      turn.send(.links(.openAll))
      return effects
    case .added(let facts): return added(facts, &turn)
    case .removed(let node): return removed(node, &turn)
    case .opened(let node): return opened(node, &turn)
    case .heard(let node, let octets): return heard(node, octets, &turn)
    case .closed(let node, let end): return closed(node, end, &turn)
    case .deviceOpened(let device):
      let octets = takeHeard(device)
      if !octets.isEmpty { turn.send(.links(.heardBefore(device, octets))) }
      return []
    case .list(let id): return [.answer(id, .result(list(&turn)))]
    case .identify(let id, let port, let driver, let caller):
      return identify(id, port: port, driver: driver, caller, &turn)
    case .bind(let id, let wish, let caller): return bind(id, wish, caller, &turn)
    case .release(let id, let device, let caller): return release(id, device, caller, &turn)
    case .due: return due(&turn)
    case .bound(let bound): return self.bound(bound, &turn)
    case .bindingRefused(let bound):
      ports[bound.node]?.isClaimed = false
      return []
    case .registered(let device, let node): return registered(device, node, &turn)
    case .registrationRefused(let node):
      ports[node]?.isClaimed = false
      // It is listened to again: what it is comes out again.
      ports[node]?.heard = []
      let now = turn.now
      return recognised(node, &turn) { $0.start(at: now.monotonic) }
    case .released(let device): return released(device, &turn)
    }
  }

  /// The port of a bound device.
  func port(of device: String) -> SerialPortState? { ports.values.first { $0.use == .bound(device: device) } }

  /// The port that a person means.
  func find(_ name: String) -> SerialPortState? {
    ports.values.sorted { $0.facts.node < $1.facts.node }.first { $0.facts.isNamed(name) }
  }
}

extension Ports {
  // MARK: Coming and going

  mutating func added(_ facts: PortFacts, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var effects = ports[facts.node] == nil ? [] : removed(facts.node, &turn)
    vanished.removeAll { $0.path == facts.path }
    ports[facts.node] = SerialPortState(facts, at: now.monotonic)
    effects += settle(facts.node, &turn)
    return effects
  }

  mutating func removed(_ node: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let port = ports.removeValue(forKey: node) else { return [] }
    var effects: [Effect] = []
    if port.isOpen { effects.append(.close(device: port.key)) }
    if let request = port.request {
      effects.append(.answer(request, .failure(.init(code: "port.gone", message: "\(node) was unplugged"))))
    }
    if now.monotonic - port.addedAt < SerialPortState.vanishing {
      if vanished.count < 16 { vanished.append((port.facts.path, now.monotonic)) }
      effects.append(
        .log(
          .warning,
          "port \(port.facts.path): port.vanished: it went away as soon as it had come; brltty is known to do that"))
    }
    guard case .bound(let id) = port.use else { return effects }
    turn.send(.links(.unplugged(id)))
    return effects
  }

  /// Decides what every port is for, after the configuration changed.
  mutating func settleAll(_ turn: inout Turn) -> [Effect] {
    var effects: [Effect] = []
    for node in ports.keys.sorted() {
      guard let port = ports[node] else { continue }
      let owner = named(node, &turn)
      switch port.use {
      case .named(let id) where owner == id: continue
      case .bound(let id) where owner == nil && turn.house.devices[id]?.configuration.isOnUSB ?? false: continue
      case .identifying where owner == nil: continue
      case .idle where port.isLeft && owner == nil: continue
      case .listening where turn.house.configuration.recognisesPorts && owner == nil: continue
      default: break
      }
      effects += leaveTo(owner, port, &turn)
      effects += settle(node, &turn)
    }
    return effects
  }

  /// A port gets another use: whoever has it lets go of it.
  private mutating func leaveTo(_ owner: String?, _ port: SerialPortState, _ turn: inout Turn) -> [Effect] {
    let node = port.facts.node
    var effects: [Effect] = []
    if let request = port.request {
      let message = "the configuration names \(node) for another device now"
      effects.append(.answer(request, .failure(.init(code: "port.taken", message: message))))
    }
    if port.isOpen { effects.append(.close(device: port.key)) }
    ports[node]?.isOpen = false
    ports[node]?.request = nil
    ports[node]?.identification = nil
    ports[node]?.retryAt = nil
    ports[node]?.fault = nil
    ports[node]?.use = .idle
    guard case .bound(let id) = port.use, let owner, turn.house.devices[id]?.isUp ?? false else { return effects }
    let end = LinkEnd(code: "port.taken", message: "hearth.json names its port for \(owner)")
    turn.send(.links(.end(id, end)))
    return effects
  }

  /// The device that the configuration names this port for.
  private func named(_ node: String, _ turn: inout Turn) -> String? {
    guard let facts = ports[node]?.facts else { return nil }
    for device in turn.house.configuration.devices {
      if case .serial(let path) = device.endpoint, facts.isNamed(path) { return device.id }
    }
    return nil
  }

  /// What this port is for.
  private mutating func settle(_ node: String, _ turn: inout Turn) -> [Effect] {
    guard let port = ports[node] else { return [] }
    if let id = named(node, &turn) {
      ports[node]?.use = .named(device: id)
      // Its device waits for it: no need to wait for the next try.
      if let device = turn.house.devices[id], !device.isUp, device.isReopening { turn.send(.links(.open(id))) }
      return []
    }
    let free = turn.knownDevices.compactMap { device -> (device: String, binding: PortBinding)? in
      guard case .usb(let binding) = device.endpoint, self.port(of: device.id) == nil else { return nil }
      return (device.id, binding)
    }
    let present = ports.values.map(\.facts)
    guard let match = PortMatch.find(port.facts, bindings: free, present: present) else {
      return turn.house.configuration.recognisesPorts ? listen(node, &turn) : leave(node)
    }
    ports[node]?.use = .bound(device: match.device)
    turn.send(.links(.plugged(match.device)))
    turn.send(.links(.open(match.device)))
    return match.isMoved ? moved(match.device, to: port.facts, &turn) : []
  }

  private mutating func leave(_ node: String) -> [Effect] {
    ports[node]?.use = .idle
    return []
  }

  /// A known adapter in another socket: its device goes with it.
  private mutating func moved(_ id: String, to facts: PortFacts, _ turn: inout Turn) -> [Effect] {
    guard case .usb(var binding)? = turn.house.devices[id]?.configuration.endpoint else { return [] }
    binding.path = facts.path
    var record = turn.head.register.record(id)
    guard record.device != nil else { return [] }
    record.device?.endpoint = .usb(binding)
    let message = "device \(id) is plugged in at another place: \(facts.path)"
    return [.log(.notice, "device \(id): device.moved: it is plugged in at another place: \(facts.path)")]
      + turn.append([.device(record), .event(turn.house.event(of: id, "device.moved", message, turn.now))])
  }

  // MARK: Listening

  /// Opens a port to listen; nothing is sent.
  mutating func listen(_ node: String, _ turn: inout Turn) -> [Effect] {
    guard let port = ports[node], let first = PortRecognition.schedule.first else { return [] }
    ports[node]?.use = .listening
    ports[node]?.retryAt = nil
    return [.openPort(device: port.key, path: port.facts.node, first)]
  }

  mutating func opened(_ node: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let port = ports[node], port.use == .listening || port.use == .identifying else {
      return [.close(device: SerialPortState.prefix + node)]
    }
    ports[node]?.isOpen = true
    ports[node]?.fault = nil
    ports[node]?.failures = 0
    if port.use == .identifying {
      return identified(node, &turn) { $0.start(at: now.monotonic) }
    }
    return recognised(node, &turn) { $0.start(at: now.monotonic) }
  }

  mutating func heard(_ node: String, _ octets: [UInt8], _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let port = ports[node], port.isOpen else { return [] }
    if port.use == .identifying { return identified(node, &turn) { $0.heard(octets, at: now.monotonic) } }
    let room = max(0, 16_384 - port.heard.count)
    ports[node]?.heard += octets.prefix(room)
    if port.isClaimed { return [] }
    return recognised(node, &turn) { $0.heard(octets, at: now.monotonic) }
  }

  mutating func closed(_ node: String, _ end: LinkEnd, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let port = ports[node] else { return [] }
    ports[node]?.isOpen = false
    guard port.use == .listening || port.use == .identifying, port.isOpen || end.isOpenFailure else { return [] }
    var effects: [Effect] = []
    if let request = port.request {
      ports[node]?.request = nil
      effects.append(.answer(request, .failure(.init(code: end.code, message: end.message, hint: end.hint))))
    }
    ports[node]?.use = turn.house.configuration.recognisesPorts ? .listening : .idle
    guard ports[node]?.use == .listening else { return effects }
    if end.isOpenFailure, port.fault?.code != end.code {
      effects.append(.log(.warning, "port \(node): \(end.code): \(end.words)"))
    }
    ports[node]?.fault = end.isOpenFailure ? end : nil
    let failures = min(port.failures + 1, 10)
    ports[node]?.failures = failures
    // 1, 2, 4 … 300 s, with jitter: another program may give the port back.
    let step = min(300_000, Int64(500) << Int64(failures))
    ports[node]?.retryAt = now.monotonic + turn.jitter.next(step / 2...step)
    return effects
  }

  /// Runs something on a port's recognition and does what came of it.
  mutating func recognised(
    _ node: String, _ turn: inout Turn, _ body: (inout PortRecognition) -> [PortRecognition.Step]
  ) -> [Effect] {
    guard var port = ports[node] else { return [] }
    let steps = body(&port.recognition)
    ports[node]?.recognition = port.recognition
    var effects: [Effect] = []
    for step in steps {
      switch step {
      case .listen(let settings):
        // An outcome before it may have closed the port.
        guard ports[node]?.isOpen ?? false else { continue }
        ports[node]?.heard = []
        effects.append(.setLine(device: port.key, settings))
      case .outcome(let outcome): effects += came(outcome, node, &turn)
      }
    }
    return effects
  }

  private mutating func came(_ outcome: RecognitionOutcome, _ node: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let port = ports[node] else { return [] }
    ports[node]?.outcome = outcome
    var effects: [Effect] = []
    if let request = port.request {
      ports[node]?.request = nil
      effects.append(.answer(request, .result(identification(of: outcome, port.facts))))
    }
    switch outcome {
    case .silent: return effects + (turn.house.configuration.recognisesPorts ? [] : stopListening(node))
    case .recognised(let score):
      return effects + (turn.house.configuration.recognisesPorts ? register(score, node, &turn) : stopListening(node))
    case .ambiguous(let scores):
      let drivers = scores.map(\.driver).joined(separator: " or ")
      effects.append(
        .log(
          .warning, "port \(port.facts.path): port.ambiguous: it may be \(drivers); hearthctl serial bind says which"))
      ports[node]?.isLeft = true
      return effects + stopListening(node)
    case .unknown:
      // What talks without sense is not listened to all the time.
      if !port.toldUnknown {
        effects.append(
          .log(
            .notice,
            "port \(port.facts.path): port.unknown: something talks that no driver knows; hearthctl drivers lists what is known"
          ))
      }
      ports[node]?.toldUnknown = true
      effects += stopListening(node)
      if turn.house.configuration.recognisesPorts {
        ports[node]?.use = .listening
        ports[node]?.retryAt = now.monotonic + SerialPortState.rest
      }
      return effects
    }
  }

  private mutating func stopListening(_ node: String) -> [Effect] {
    ports[node]?.isOpen = false
    ports[node]?.use = .idle
    return [.close(device: SerialPortState.prefix + node)]
  }

  /// One driver and no other fits: the port is a device's from now on. Its readings wait for a patient.
  private mutating func register(_ score: RecognitionScore, _ node: String, _ turn: inout Turn) -> [Effect] {
    guard let port = ports[node], let profile = Registry.profile(id: score.driver) else { return [] }
    guard registrations.next(at: turn.now.monotonic) == nil else {
      ports[node]?.isLeft = true
      let hint = "hearthctl serial bind \(node) --driver \(profile.id)"
      return [
        .log(
          .warning,
          "port \(port.facts.path): port.too-many: too many ports were recognised today; a technician binds it: \(hint)"
        )
      ]
        + stopListening(node)
    }
    let id = turn.head.register.freeName(profile.id, besides: turn.takenNames)
    let binding = PortBinding(
      port.facts, settings: score.settings, isUnique: port.facts.isUnique(among: ports.values.map(\.facts)))
    let device = DeviceConfiguration(id: id, driver: profile.id, endpoint: .usb(binding))
    ports[node]?.isClaimed = true
    let message = "recognised at \(port.facts.path) as \(profile.id); its readings wait for a patient"
    return turn.append(
      [
        .device(DeviceRecord(id: id, device: device)),
        .event(turn.house.event(of: id, "device.recognised", message, turn.now)),
      ], for: .completion(.recognised(device: id, node: node)))
      + [.log(.notice, "device \(id): device.recognised: \(message): hearthctl assign --device \(id) PATIENT")]
  }

  /// The device is on disk: the open port is its own, and nothing that arrived meanwhile is lost.
  mutating func registered(_ id: String, _ node: String, _ turn: inout Turn) -> [Effect] {
    registrations.owe(at: turn.now.monotonic)
    ports[node]?.isClaimed = false
    guard let device = turn.knownDevices.first(where: { $0.id == id }),
      let profile = Registry.profile(id: device.driver)
    else { return [] }
    turn.send(.links(.add(device, profile)))
    guard let port = ports[node] else { return [] }
    ports[node]?.use = .bound(device: id)
    let isOpen = port.isOpen
    ports[node]?.isOpen = false
    if !isOpen { turn.send(.links(.open(id))) }
    return isOpen ? [.adoptPort(from: port.key, device: id)] : []
  }

  /// What was heard while the device was recognised; its driver hears it first.
  mutating func takeHeard(_ device: String) -> [UInt8] {
    guard let port = port(of: device) else { return [] }
    let heard = port.heard
    ports[port.facts.node]?.heard = []
    return heard
  }

  // MARK: Asking

  mutating func identified(
    _ node: String, _ turn: inout Turn, _ body: (inout PortIdentification) -> [PortIdentification.Step]
  ) -> [Effect] {
    let now = turn.now
    guard let port = ports[node], var identification = port.identification else { return [] }
    let steps = body(&identification)
    ports[node]?.identification = identification
    var effects: [Effect] = []
    for step in steps {
      switch step {
      case .listen(let settings): effects.append(.setLine(device: port.key, settings))
      case .send(let octets): effects.append(.transmit(device: port.key, octets))
      case .outcome(let outcome):
        ports[node]?.identification = nil
        ports[node]?.request = nil
        if let request = port.request { effects.append(.answer(request, .result(answer(outcome, port.facts)))) }
        effects += stopListening(node)
        // Listening begins anew when the port is closed.
        if turn.house.configuration.recognisesPorts {
          ports[node]?.use = .listening
          ports[node]?.retryAt = now.monotonic + 500
        }
      }
    }
    return effects
  }

  // MARK: Time

  mutating func due(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var effects: [Effect] = []
    vanished.removeAll { now.monotonic - $0.at > Ports.vanishedMemory }
    for node in ports.keys.sorted() {
      guard let port = ports[node], !port.isClaimed, let deadline = port.nextDeadline,
        deadline <= now.monotonic
      else { continue }
      if let at = port.retryAt, at <= now.monotonic {
        ports[node]?.retryAt = nil
        if port.use == .listening, !port.isOpen { effects += listen(node, &turn) }
      } else if port.use == .identifying {
        effects += identified(node, &turn) { $0.tick(at: now.monotonic) }
      } else {
        effects += recognised(node, &turn) { $0.tick(at: now.monotonic) }
      }
    }
    return effects
  }
}
