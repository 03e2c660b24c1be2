// Serial ports that come and go: which device's each is, and listening to those that are nobody's. Nothing is ever sent to a port
// that is nobody's: some commands inflate a cuff.

internal import ControlProtocol
internal import Drivers
internal import Readings
internal import Settings
internal import Zones

extension Gateway {
  // MARK: Coming and going

  mutating func portAdded(_ facts: PortFacts, _ now: Now) -> [Effect] {
    var effects = serial.ports[facts.node] == nil ? [] : portRemoved(facts.node, now)
    serial.vanished.removeAll { $0.path == facts.path }
    serial.ports[facts.node] = SerialPortState(facts, at: now.monotonic)
    effects += settle(facts.node, now)
    return effects
  }

  mutating func portRemoved(_ node: String, _ now: Now) -> [Effect] {
    guard let port = serial.ports.removeValue(forKey: node) else { return [] }
    var effects: [Effect] = []
    if port.isOpen { effects.append(.close(device: port.key)) }
    if let request = port.request {
      effects.append(.answer(request, .failure(.init(code: "port.gone", message: "\(node) was unplugged"))))
    }
    if now.monotonic - port.addedAt < SerialPortState.vanishing {
      if serial.vanished.count < 16 { serial.vanished.append((port.facts.path, now.monotonic)) }
      effects.append(
        .log(.warning, "port \(port.facts.path): it went away as soon as it had come; brltty is known to do that"))
    }
    guard case .bound(let id) = port.use else { return effects }
    let expected = register.serials[id]
    devices[id]?.proof = DeviceProof(expected: expected)
    devices[id]?.reopenAt = nil
    let end = LinkEnd(code: "unplugged", message: "the cable is not plugged in", hint: "plug the cable in again")
    let wasOpen = devices[id]?.session != nil
    effects += linkClosed(id, end, now)
    // The descriptor is given back at once: as long as it is open, the kernel keeps the name of the port.
    if wasOpen { effects.append(.close(device: id)) }
    return effects
  }

  /// Decides what every port is for, after the configuration changed.
  mutating func settlePorts(_ now: Now) -> [Effect] {
    var effects: [Effect] = []
    for node in serial.ports.keys.sorted() {
      guard let port = serial.ports[node] else { continue }
      let owner = named(node)
      switch port.use {
      case .named(let id) where owner == id: continue
      case .bound(let id) where owner == nil && devices[id]?.configuration.isOnUSB ?? false: continue
      case .identifying where owner == nil: continue
      case .idle where port.isLeft && owner == nil: continue
      case .listening where configuration.recognisesPorts && owner == nil: continue
      default: break
      }
      effects += leaveTo(owner, port, now)
      effects += settle(node, now)
    }
    return effects
  }

  /// A port gets another use: whoever has it lets go of it.
  private mutating func leaveTo(_ owner: String?, _ port: SerialPortState, _ now: Now) -> [Effect] {
    let node = port.facts.node
    var effects: [Effect] = []
    if let request = port.request {
      let message = "the configuration names \(node) for another device now"
      effects.append(.answer(request, .failure(.init(code: "port.taken", message: message))))
    }
    if port.isOpen { effects.append(.close(device: port.key)) }
    serial.ports[node]?.isOpen = false
    serial.ports[node]?.request = nil
    serial.ports[node]?.identification = nil
    serial.ports[node]?.retryAt = nil
    serial.ports[node]?.fault = nil
    serial.ports[node]?.use = .idle
    guard case .bound(let id) = port.use, let owner, devices[id]?.session != nil else { return effects }
    effects += linkClosed(id, LinkEnd(code: "port.taken", message: "hearth.json names its port for \(owner)"), now)
    return effects + [.close(device: id)]
  }

  /// The device that the configuration names this port for.
  private func named(_ node: String) -> String? {
    guard let facts = serial.ports[node]?.facts else { return nil }
    for device in configuration.devices {
      if case .serial(let path) = device.endpoint, facts.isNamed(path) { return device.id }
    }
    return nil
  }

  /// What this port is for.
  private mutating func settle(_ node: String, _ now: Now) -> [Effect] {
    guard let port = serial.ports[node] else { return [] }
    if let id = named(node) {
      serial.ports[node]?.use = .named(device: id)
      // Its device waits for it: no need to wait for the next try.
      return devices[id]?.session == nil && devices[id]?.reopenAt != nil ? open(id, now) : []
    }
    let free = knownDevices.compactMap { device -> (device: String, binding: PortBinding)? in
      guard case .usb(let binding) = device.endpoint, serial.port(of: device.id) == nil else { return nil }
      return (device.id, binding)
    }
    let present = serial.ports.values.map(\.facts)
    guard let match = PortMatch.find(port.facts, bindings: free, present: present) else {
      return configuration.recognisesPorts ? listen(node, now) : leave(node)
    }
    serial.ports[node]?.use = .bound(device: match.device)
    let expected = register.serials[match.device]
    devices[match.device]?.proof = DeviceProof(expected: expected)
    devices[match.device]?.failures = 0
    var effects = open(match.device, now)
    if match.isMoved { effects += moved(match.device, to: port.facts, now) }
    return effects
  }

  private mutating func leave(_ node: String) -> [Effect] {
    serial.ports[node]?.use = .idle
    return []
  }

  /// A known adapter in another socket: its device goes with it.
  private mutating func moved(_ id: String, to facts: PortFacts, _ now: Now) -> [Effect] {
    guard case .usb(var binding)? = devices[id]?.configuration.endpoint else { return [] }
    binding.path = facts.path
    var record = register.record(id)
    guard record.device != nil else { return [] }
    record.device?.endpoint = .usb(binding)
    let message = "device \(id) is plugged in at another place: \(facts.path)"
    return [.log(.notice, message)]
      + append([.device(record), .event(deviceEvent(id, "device.moved", message, now))], now: now)
  }

  func deviceEvent(_ id: String, _ code: String, _ message: String, _ now: Now) -> HubEvent {
    let zone = zones[configuration.timeZone] ?? .utc
    return HubEvent(
      device: id, code: code, message: message, at: now.wall,
      offsetSeconds: Int32(clamping: zone.local(at: now.wall / 1000).offset))
  }

  // MARK: Listening

  /// Opens a port to listen; nothing is sent.
  mutating func listen(_ node: String, _ now: Now) -> [Effect] {
    guard let port = serial.ports[node], let first = PortRecognition.schedule.first else { return [] }
    serial.ports[node]?.use = .listening
    serial.ports[node]?.retryAt = nil
    return [.openPort(device: port.key, path: port.facts.node, first)]
  }

  mutating func portOpened(_ node: String, _ now: Now) -> [Effect] {
    guard let port = serial.ports[node], port.use == .listening || port.use == .identifying else {
      return [.close(device: SerialPortState.prefix + node)]
    }
    serial.ports[node]?.isOpen = true
    serial.ports[node]?.fault = nil
    serial.ports[node]?.failures = 0
    if port.use == .identifying {
      return identified(node, now) { $0.start(at: now.monotonic) }
    }
    return recognised(node, now) { $0.start(at: now.monotonic) }
  }

  mutating func portHeard(_ node: String, _ octets: [UInt8], _ now: Now) -> [Effect] {
    guard let port = serial.ports[node], port.isOpen else { return [] }
    if port.use == .identifying { return identified(node, now) { $0.heard(octets, at: now.monotonic) } }
    let room = max(0, 16_384 - port.heard.count)
    serial.ports[node]?.heard += octets.prefix(room)
    if port.isClaimed { return [] }
    return recognised(node, now) { $0.heard(octets, at: now.monotonic) }
  }

  mutating func portClosed(_ node: String, _ end: LinkEnd, _ now: Now) -> [Effect] {
    guard let port = serial.ports[node] else { return [] }
    serial.ports[node]?.isOpen = false
    guard port.use == .listening || port.use == .identifying, port.isOpen || end.isOpenFailure else { return [] }
    var effects: [Effect] = []
    if let request = port.request {
      serial.ports[node]?.request = nil
      effects.append(.answer(request, .failure(.init(code: end.code, message: end.message, hint: end.hint))))
    }
    serial.ports[node]?.use = configuration.recognisesPorts ? .listening : .idle
    guard serial.ports[node]?.use == .listening else { return effects }
    if end.isOpenFailure, port.fault?.code != end.code {
      effects.append(.log(.warning, "port \(node): \(end.message)"))
    }
    serial.ports[node]?.fault = end.isOpenFailure ? end : nil
    let failures = min(port.failures + 1, 10)
    serial.ports[node]?.failures = failures
    // 1, 2, 4 … 300 s, with jitter: another program may give the port back.
    let step = min(300_000, Int64(500) << Int64(failures))
    serial.ports[node]?.retryAt = now.monotonic + jitter.next(step / 2...step)
    return effects
  }

  /// Runs something on a port's recognition and does what came of it.
  mutating func recognised(
    _ node: String, _ now: Now, _ body: (inout PortRecognition) -> [PortRecognition.Step]
  ) -> [Effect] {
    guard var port = serial.ports[node] else { return [] }
    let steps = body(&port.recognition)
    serial.ports[node]?.recognition = port.recognition
    var effects: [Effect] = []
    for step in steps {
      switch step {
      case .listen(let settings):
        // An outcome before it may have closed the port.
        guard serial.ports[node]?.isOpen ?? false else { continue }
        serial.ports[node]?.heard = []
        effects.append(.setLine(device: port.key, settings))
      case .outcome(let outcome): effects += came(outcome, node, now)
      }
    }
    return effects
  }

  private mutating func came(_ outcome: RecognitionOutcome, _ node: String, _ now: Now) -> [Effect] {
    guard let port = serial.ports[node] else { return [] }
    serial.ports[node]?.outcome = outcome
    var effects: [Effect] = []
    if let request = port.request {
      serial.ports[node]?.request = nil
      effects.append(.answer(request, .result(identification(of: outcome, port.facts))))
    }
    switch outcome {
    case .silent: return effects + (configuration.recognisesPorts ? [] : stopListening(node))
    case .recognised(let score):
      return effects + (configuration.recognisesPorts ? register(score, node, now) : stopListening(node))
    case .ambiguous(let scores):
      let drivers = scores.map(\.driver).joined(separator: " or ")
      effects.append(.log(.warning, "port \(port.facts.path): it may be \(drivers); a technician has to say which"))
      serial.ports[node]?.isLeft = true
      return effects + stopListening(node)
    case .unknown:
      // What talks without sense is not listened to all the time.
      if !port.toldUnknown {
        effects.append(.log(.notice, "port \(port.facts.path): something talks that no driver knows"))
      }
      serial.ports[node]?.toldUnknown = true
      effects += stopListening(node)
      if configuration.recognisesPorts {
        serial.ports[node]?.use = .listening
        serial.ports[node]?.retryAt = now.monotonic + SerialPortState.rest
      }
      return effects
    }
  }

  private mutating func stopListening(_ node: String) -> [Effect] {
    serial.ports[node]?.isOpen = false
    serial.ports[node]?.use = .idle
    return [.close(device: SerialPortState.prefix + node)]
  }

  /// One driver and no other fits: the port is a device's from now on. Its readings wait for a patient.
  private mutating func register(_ score: RecognitionScore, _ node: String, _ now: Now) -> [Effect] {
    guard let port = serial.ports[node], let profile = Registry.profile(id: score.driver) else { return [] }
    let id = register.freeName(profile.id, besides: takenNames)
    let binding = PortBinding(
      port.facts, settings: score.settings, isUnique: port.facts.isUnique(among: serial.ports.values.map(\.facts)))
    let device = DeviceConfiguration(id: id, driver: profile.id, endpoint: .usb(binding))
    serial.ports[node]?.isClaimed = true
    let message = "recognised at \(port.facts.path) as \(profile.id); its readings wait for a patient"
    return append(
      [
        .device(DeviceRecord(id: id, device: device)), .event(deviceEvent(id, "device.recognised", message, now)),
      ], completion: .recognised(device: id, node: node), now: now)
      + [.log(.notice, "device \(id): \(message): hearthctl assign --device \(id) PATIENT")]
  }

  /// The device is on disk: the open port is its own, and nothing that arrived meanwhile is lost.
  mutating func recognisedRecorded(_ id: String, _ node: String, _ now: Now) -> [Effect] {
    serial.ports[node]?.isClaimed = false
    guard let device = knownDevices.first(where: { $0.id == id }), let profile = Registry.profile(id: device.driver)
    else { return [] }
    if devices[id] == nil { devices[id] = DeviceState(device, profile) }
    guard let port = serial.ports[node] else { return [] }
    serial.ports[node]?.use = .bound(device: id)
    let isOpen = port.isOpen
    serial.ports[node]?.isOpen = false
    return isOpen ? [.adoptPort(from: port.key, device: id)] : open(id, now)
  }

  /// What was heard while the device was recognised; its driver hears it first.
  mutating func takeHeard(_ device: String) -> [UInt8] {
    guard let port = serial.port(of: device) else { return [] }
    let heard = port.heard
    serial.ports[port.facts.node]?.heard = []
    return heard
  }

  // MARK: Asking

  mutating func identified(
    _ node: String, _ now: Now, _ body: (inout PortIdentification) -> [PortIdentification.Step]
  ) -> [Effect] {
    guard let port = serial.ports[node], var identification = port.identification else { return [] }
    let steps = body(&identification)
    serial.ports[node]?.identification = identification
    var effects: [Effect] = []
    for step in steps {
      switch step {
      case .listen(let settings): effects.append(.setLine(device: port.key, settings))
      case .send(let octets): effects.append(.transmit(device: port.key, octets))
      case .outcome(let outcome):
        serial.ports[node]?.identification = nil
        serial.ports[node]?.request = nil
        if let request = port.request { effects.append(.answer(request, .result(answer(outcome, port.facts)))) }
        effects += stopListening(node)
        // Listening begins anew when the port is closed.
        if configuration.recognisesPorts {
          serial.ports[node]?.use = .listening
          serial.ports[node]?.retryAt = now.monotonic + 500
        }
      }
    }
    return effects
  }

  // MARK: Time

  mutating func serialDue(_ now: Now) -> [Effect] {
    var effects: [Effect] = []
    serial.vanished.removeAll { now.monotonic - $0.at > SerialState.vanishedMemory }
    for node in serial.ports.keys.sorted() {
      guard let port = serial.ports[node], !port.isClaimed, let deadline = port.nextDeadline,
        deadline <= now.monotonic
      else { continue }
      if let at = port.retryAt, at <= now.monotonic {
        serial.ports[node]?.retryAt = nil
        if port.use == .listening, !port.isOpen { effects += listen(node, now) }
      } else if port.use == .identifying {
        effects += identified(node, now) { $0.tick(at: now.monotonic) }
      } else {
        effects += recognised(node, now) { $0.tick(at: now.monotonic) }
      }
    }
    return effects
  }
}
