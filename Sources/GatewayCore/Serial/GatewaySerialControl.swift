// What technicians ask about serial ports, and what they are told.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings

extension Gateway {
  // MARK: Ports

  /// Every port that is plugged in, and the bound devices whose port is not.
  func serialList() -> JSONValue {
    var list = serial.ports.values.sorted { $0.facts.node < $1.facts.node }.map(json)
    for device in knownDevices {
      guard case .usb(let binding) = device.endpoint, serial.port(of: device.id) == nil else { continue }
      list.append([
        "node": .null, "path": .string(binding.path), "state": "absent", "device": .string(device.id),
        "driver": .string(device.driver),
        "adapter": ["text": .string("\(PortFacts.hex(binding.vendor)):\(PortFacts.hex(binding.product))")],
      ])
    }
    return ["ports": .array(list)]
  }

  private func json(_ port: SerialPortState) -> JSONValue {
    var object = JSONObject()
    object["node"] = .string(port.facts.node)
    object["path"] = .string(port.facts.path)
    object["links"] = .array(port.facts.links.map { .string($0) })
    var adapter = JSONObject()
    adapter["text"] = .string(port.facts.adapter)
    adapter["vendor"] = .string(PortFacts.hex(port.facts.vendor))
    adapter["product"] = .string(PortFacts.hex(port.facts.product))
    for (key, value) in [
      ("serial", port.facts.serial), ("manufacturer", port.facts.manufacturer), ("model", port.facts.model),
      ("driver", port.facts.driver),
    ] {
      if let value { adapter[key] = .string(value) }
    }
    object["adapter"] = .object(adapter)
    object["state"] = .string(stateText(port))
    switch port.use {
    case .named(let id), .bound(let id):
      object["device"] = .string(id)
      if let device = devices[id] {
        object["driver"] = .string(device.profile.id)
        object["connected"] = .bool(device.session != nil)
        if device.session == nil, let end = device.lastEnd { add(end, to: &object) }
      }
    default: break
    }
    if let fault = port.fault { add(fault, to: &object) }
    if case .ambiguous(let scores)? = port.outcome {
      object["candidates"] = .array(scores.map { .string($0.driver) })
    }
    return .object(object)
  }

  private func add(_ end: LinkEnd, to object: inout JSONObject) {
    object["code"] = .string(end.code)
    object["message"] = .string(end.message)
    if let hint = end.hint { object["hint"] = .string(hint) }
  }

  private func stateText(_ port: SerialPortState) -> String {
    switch port.use {
    case .named(let id): return devices[id]?.proof.change != nil ? "changed" : "named"
    case .bound(let id): return devices[id]?.proof.change != nil ? "changed" : isNobodys(id) ? "recognised" : "bound"
    case .identifying: return "identifying"
    case .idle, .listening:
      if let fault = port.fault {
        return fault.code == "port.busy" ? "busy" : fault.code == "port.permission" ? "no-permission" : "failed"
      }
      switch port.outcome {
      case .ambiguous?: return "ambiguous"
      case .unknown?: return "unknown"
      case .silent? where port.use == .listening: return "silent"
      default: return port.use == .listening ? "listening" : "idle"
      }
    }
  }

  /// A device that no patient has yet and that is not public.
  func isNobodys(_ id: String) -> Bool {
    guard let device = devices[id], case .usb = device.configuration.endpoint else { return false }
    return device.configuration.patient == nil && device.configuration.users.isEmpty
      && !bindings.slots.keys.contains { $0.device == id } && !register.publicDevices.contains(id)
  }

  /// What came of listening, for who asked.
  func identification(of outcome: RecognitionOutcome, _ facts: PortFacts) -> JSONValue {
    func candidates(_ scores: [RecognitionScore]) -> JSONValue {
      .array(
        scores.map {
          [
            "driver": .string($0.driver), "settings": .string($0.settings.text), "frames": .int($0.frames),
            "evidence": .int($0.evidence),
          ]
        })
    }
    switch outcome {
    case .recognised(let score):
      return ["port": .string(facts.node), "outcome": "recognised", "candidates": candidates([score])]
    case .ambiguous(let scores):
      return ["port": .string(facts.node), "outcome": "ambiguous", "candidates": candidates(scores)]
    case .silent: return ["port": .string(facts.node), "outcome": "silent", "candidates": []]
    case .unknown: return ["port": .string(facts.node), "outcome": "unknown", "candidates": []]
    }
  }

  /// What came of asking.
  func answer(_ outcome: PortIdentification.Outcome, _ facts: PortFacts) -> JSONValue {
    switch outcome {
    case .confirmed(let score, let properties):
      var told = JSONObject()
      for property in properties {
        switch property {
        case .manufacturer(let text): told["manufacturer"] = .string(text)
        case .model(let text): told["model"] = .string(text)
        case .serial(let text): told["serial"] = .string(text)
        case .firmware(let text): told["firmware"] = .string(text)
        default: break
        }
      }
      return [
        "port": .string(facts.node), "outcome": "confirmed", "driver": .string(score.driver),
        "settings": .string(score.settings.text), "device": .object(told),
      ]
    case .denied(let count):
      return ["port": .string(facts.node), "outcome": "denied", "heard_octets": .int(count)]
    }
  }

  func failure(_ id: RequestID, _ code: String, _ message: String, _ hint: String) -> [Effect] {
    [.answer(id, .failure(ControlError(code: code, message: message, hint: hint)))]
  }

  /// The port, or what is said instead.
  private func freePort(_ id: RequestID, _ name: String, besides own: String?) -> (port: SerialPortState?, [Effect]) {
    guard let port = serial.find(name) else {
      let near = Suggestion.nearest(to: name, among: serial.ports.values.map(\.facts.node))
      return (
        nil,
        failure(
          id, "not-found", "no USB port is \(name)",
          near.map { "did you mean \($0)?" } ?? "hearthctl serial list shows the ports that are plugged in")
      )
    }
    guard !port.isClaimed else {
      return (nil, failure(id, "port.busy", "\(port.facts.node) is being bound already", "wait some seconds"))
    }
    switch port.use {
    case .named(let device):
      return (
        nil,
        failure(
          id, "port.taken", "the configuration names \(port.facts.node) for device \(device)",
          "take it out of hearth.json first, then systemctl reload hearthd")
      )
    case .bound(let device) where device != own:
      return (
        nil,
        failure(
          id, "port.taken", "\(port.facts.node) belongs to device \(device)",
          "hearthctl serial release \(device), or --id \(device) to bind it anew")
      )
    case .identifying:
      return (nil, failure(id, "port.busy", "\(port.facts.node) is being asked already", "wait some seconds"))
    default: return (port, [])
    }
  }

  mutating func serialIdentify(
    _ id: RequestID, port name: String, driver: String?, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    let (found, refusal) = freePort(id, name, besides: nil)
    guard let port = found else { return refusal }
    let node = port.facts.node
    if port.request != nil { return failure(id, "port.busy", "\(node) is being listened to already", "wait for it") }
    if let driver {
      guard Registry.profile(id: driver) != nil else { return unknownDriver(id, driver) }
      guard let identification = PortIdentification(driver: driver) else {
        return failure(
          id, "driver.only-listens", "\(driver) has no question that changes nothing on the device",
          "hearthctl serial identify \(name) listens; or bind it: hearthctl serial bind \(name) --driver \(driver)")
      }
      serial.ports[node]?.identification = identification
      serial.ports[node]?.use = .identifying
    } else {
      serial.ports[node]?.use = .listening
    }
    serial.ports[node]?.request = id
    serial.ports[node]?.outcome = nil
    serial.ports[node]?.isLeft = false
    serial.ports[node]?.retryAt = nil
    let audit = append(
      [.audit(uid: caller.uid, action: "identify port \(port.facts.path) \(driver ?? "by listening")")], now: now)
    if port.isOpen { return audit + portOpened(node, now) }
    let settings = PortRecognition.schedule.first ?? SerialSettings(9600)
    return audit + [.openPort(device: port.key, path: node, settings)]
  }

  private func unknownDriver(_ id: RequestID, _ driver: String) -> [Effect] {
    let known = Registry.profiles.filter { if case .serial = $0.transport { true } else { false } }.map(\.id)
    let near = Suggestion.nearest(to: driver, among: known)
    return failure(
      id, "not-found", "there is no serial driver \(driver)",
      near.map { "did you mean \($0)?" } ?? "hearthctl drivers lists them")
  }

  /// A technician says that the device behind a port of the configuration is the right one, whatever number it tells.
  private mutating func acceptNamed(
    _ id: RequestID, _ name: String, _ wish: PortWish, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    guard let device = devices[name], device.profile.id == wish.driver,
      wish.patient == nil || wish.patient == device.configuration.patient
    else {
      return failure(
        id, "port.taken", "the configuration says what device \(name) is, and whose",
        "change it in hearth.json, then systemctl reload hearthd")
    }
    var record = register.record(name)
    record.serial = nil
    return append(
      [.device(record), .audit(uid: caller.uid, action: "bind port \(wish.port) to \(name)")],
      completion: .accepted(device: name), now: now)
      + [.answer(id, .result(["bound": .string(name), "driver": .string(wish.driver), "path": .string(wish.port)]))]
  }

  /// Its old number counts no more: it is opened anew.
  mutating func accepted(_ name: String, _ now: Now) -> [Effect] {
    var effects: [Effect] = []
    if devices[name]?.session != nil {
      effects += linkClosed(name, LinkEnd(code: "ended", message: "bound anew"), now)
      effects.append(.close(device: name))
    }
    devices[name]?.proof = DeviceProof()
    return effects + open(name, now)
  }

  mutating func serialBind(_ id: RequestID, _ wish: PortWish, _ caller: CallerName, _ now: Now) -> [Effect] {
    if let name = wish.id, case .serial(let path)? = devices[name]?.configuration.endpoint,
      wish.port == path || serial.find(wish.port)?.use == .named(device: name)
    {
      return acceptNamed(id, name, wish, caller, now)
    }
    let (found, refusal) = freePort(id, wish.port, besides: wish.id)
    guard let port = found else { return refusal }
    guard let profile = Registry.profile(id: wish.driver), case .serial(let usual) = profile.transport else {
      return unknownDriver(id, wish.driver)
    }
    let node = port.facts.node
    let name = wish.id ?? register.freeName(profile.id, besides: takenNames)
    let known = register.devices.first { $0.id == name }
    if configuration.devices.contains(where: { $0.id == name }) || known.map({ !$0.isOnUSB }) ?? false {
      return failure(id, "device.taken", "\(name) is another device already", "choose another --id")
    }
    // At the line settings that were heard, where the driver has several.
    var settings: SerialSettings?
    if case .ambiguous(let scores)? = port.outcome {
      settings = scores.first { $0.driver == profile.id }?.settings
    } else if usual.count > 1, case .recognised(let score)? = port.outcome, score.driver == profile.id {
      settings = score.settings
    }
    var device = DeviceConfiguration(
      id: name, driver: profile.id,
      endpoint: .usb(
        PortBinding(
          port.facts, settings: settings, isUnique: port.facts.isUnique(among: serial.ports.values.map(\.facts)))),
      patient: wish.patient ?? known?.patient, users: known?.users ?? [:])
    device.name = known?.name
    device.model = known?.model
    serial.ports[node]?.isClaimed = true
    return append(
      [
        .device(DeviceRecord(id: name, device: device)),
        .audit(uid: caller.uid, action: "bind port \(port.facts.path) to \(name)"),
      ], completion: .bound(PortBound(device: name, node: node)), now: now)
      + [
        .answer(
          id, .result(["bound": .string(name), "driver": .string(profile.id), "path": .string(port.facts.path)]))
      ]
  }

  /// The binding is on disk: the port is the device's.
  mutating func portBound(_ bound: PortBound, _ now: Now) -> [Effect] {
    let (name, node) = (bound.device, bound.node)
    serial.ports[node]?.isClaimed = false
    guard let device = knownDevices.first(where: { $0.id == name }), let profile = Registry.profile(id: device.driver)
    else { return [] }
    var effects: [Effect] = []
    if devices[name]?.session != nil {
      effects += linkClosed(name, LinkEnd(code: "ended", message: "bound anew"), now)
      effects.append(.close(device: name))
    }
    devices[name] = DeviceState(device, profile)
    // Unplugged meanwhile: it is opened when it is plugged in again.
    guard let port = serial.ports[node] else { return effects }
    // Its old port is nobody's now, and is not guessed at.
    if let old = serial.port(of: name), old.facts.node != node {
      serial.ports[old.facts.node]?.use = .idle
      serial.ports[old.facts.node]?.isLeft = true
    }
    if port.isOpen { effects.append(.close(device: port.key)) }
    if let request = port.request {
      effects += failure(request, "port.taken", "the port was bound meanwhile", "hearthctl serial list")
    }
    serial.ports[node]?.use = .bound(device: name)
    serial.ports[node]?.isOpen = false
    serial.ports[node]?.request = nil
    serial.ports[node]?.retryAt = nil
    serial.ports[node]?.fault = nil
    serial.ports[node]?.heard = []
    return effects + open(name, now)
  }

  mutating func serialRelease(_ id: RequestID, _ name: String, _ caller: CallerName, _ now: Now) -> [Effect] {
    guard let device = register.devices.first(where: { $0.id == name && $0.isOnUSB }) else {
      let bound = register.devices.filter(\.isOnUSB).map(\.id)
      let near = Suggestion.nearest(to: name, among: bound)
      return failure(
        id, "not-found", "no port is bound to a device \(name)",
        near.map { "did you mean \($0)?" } ?? "hearthctl serial list shows the bound ones")
    }
    return append(
      [.device(DeviceRecord(id: name, device: nil))] + forgettingPatients(of: name)
        + [.audit(uid: caller.uid, action: "release \(name)")],
      completion: .portReleased(device: name), now: now)
      + [.answer(id, .result(["released": .string(name), "driver": .string(device.driver)]))]
  }

  /// The register has the device no more: its port is nobody's.
  mutating func portReleased(_ name: String, _ now: Now) -> [Effect] {
    var effects: [Effect] = []
    if devices[name]?.session != nil {
      effects += linkClosed(name, LinkEnd(code: "ended", message: "released"), now)
      effects.append(.close(device: name))
    }
    // It would be recognised again at once: the port is left alone until it is plugged in anew, or asked for.
    if let port = serial.port(of: name) {
      serial.ports[port.facts.node]?.use = .idle
      serial.ports[port.facts.node]?.isLeft = true
      serial.ports[port.facts.node]?.outcome = nil
    }
    devices[name] = nil
    return effects
  }

  // MARK: What needs a person

  /// By which a person names the port of a device.
  private func portName(_ device: DeviceConfiguration) -> String {
    if case .serial(let path) = device.endpoint { return path }
    return serial.port(of: device.id)?.facts.node ?? "PORT"
  }

  func serialProblems() -> [(code: String, message: String, hint: String)] {
    var list: [(code: String, message: String, hint: String)] = []
    for port in serial.ports.values.sorted(by: { $0.facts.node < $1.facts.node }) {
      if let fault = port.fault {
        list.append((fault.code, fault.message, fault.hint ?? "hearthctl serial list"))
      } else if case .ambiguous(let scores)? = port.outcome, port.use == .idle {
        let node = port.facts.node
        list.append(
          (
            "port.ambiguous", "\(node) may be \(scores.map(\.driver).joined(separator: " or "))",
            "look at the device, then hearthctl serial bind \(node) --driver DRIVER"
          ))
      }
    }
    for (path, _) in serial.vanished {
      list.append(
        (
          "port.vanished", "a port at \(path) went away as soon as it had come",
          "brltty is known to take adapters away: apt remove brltty, then plug it in again"
        ))
    }
    for device in knownDevices {
      if let change = devices[device.id]?.proof.change {
        list.append(
          (
            "device.changed", "device \(device.id): \(change); its readings are parked",
            "plug the right one in, or, if this is right: hearthctl serial bind \(portName(device)) --driver \(device.driver) --id \(device.id)"
          ))
      } else if isNobodys(device.id) {
        list.append(
          (
            "device.unassigned", "device \(device.id) has no patient; its readings are parked",
            "hearthctl assign --device \(device.id) PATIENT, or for a public device hearthctl session start"
          ))
      }
    }
    return list
  }
}

/// A port whose binding to a device is on its way to the disk.
struct PortBound: Sendable {
  var device: String
  var node: String
}

extension DeviceConfiguration {
  /// On a serial port, bound or named.
  var isOnPort: Bool {
    if case .serial = endpoint { return true }
    return isOnUSB
  }

  /// Bound to a USB port.
  var isOnUSB: Bool {
    if case .usb = endpoint { return true }
    return false
  }
}
