// What technicians ask about serial ports, and what they are told.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings
internal import Ledger

extension Ports {
  // MARK: Ports

  /// Every port that is plugged in, and the bound devices whose port is not.
  func list(_ turn: inout Turn) -> JSONValue {
    let view = turn.view
    var list = ports.values.sorted { $0.facts.node < $1.facts.node }.map { json($0, view) }
    for device in turn.knownDevices {
      guard case .usb(let binding) = device.endpoint, port(of: device.id) == nil else { continue }
      list.append([
        "node": .null, "path": .string(binding.path), "state": "absent", "device": .string(device.id),
        "driver": .string(device.driver),
        "adapter": ["text": .string("\(PortFacts.hex(binding.vendor)):\(PortFacts.hex(binding.product))")],
      ])
    }
    return ["ports": .array(list)]
  }

  private func json(_ port: SerialPortState, _ view: View) -> JSONValue {
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
    object["state"] = .string(stateText(port, view))
    switch port.use {
    case .named(let id), .bound(let id):
      object["device"] = .string(id)
      if let device = view.devices[id] {
        object["driver"] = .string(device.profile.id)
        object["connected"] = .bool(device.isUp)
        if !device.isUp, let end = device.lastEnd { add(end, to: &object) }
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

  private func stateText(_ port: SerialPortState, _ view: View) -> String {
    switch port.use {
    case .named(let id): return view.devices[id]?.change != nil ? "changed" : "named"
    case .bound(let id):
      return view.devices[id]?.change != nil ? "changed" : view.isNobodys(id) ? "recognised" : "bound"
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

  /// The port, or what is said instead.
  private func freePort(_ id: RequestID, _ name: String, besides own: String?) -> (port: SerialPortState?, [Effect]) {
    guard let port = find(name) else {
      let near = Suggestion.nearest(to: name, among: ports.values.map(\.facts.node))
      return (
        nil,
        .failure(
          id, "not-found", "no USB port is \(name)",
          near.map { "did you mean \($0)?" } ?? "hearthctl serial list shows the ports that are plugged in")
      )
    }
    guard !port.isClaimed else {
      return (nil, .failure(id, "port.busy", "\(port.facts.node) is being bound already", "wait some seconds"))
    }
    switch port.use {
    case .named(let device):
      return (
        nil,
        .failure(
          id, "port.taken", "the configuration names \(port.facts.node) for device \(device)",
          "take it out of hearth.json first, then systemctl reload hearthd")
      )
    case .bound(let device) where device != own:
      return (
        nil,
        .failure(
          id, "port.taken", "\(port.facts.node) belongs to device \(device)",
          "hearthctl serial release \(device), or --id \(device) to bind it anew")
      )
    case .identifying:
      return (nil, .failure(id, "port.busy", "\(port.facts.node) is being asked already", "wait some seconds"))
    default: return (port, [])
    }
  }

  mutating func identify(
    _ id: RequestID, port name: String, driver: String?, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    let (found, refusal) = freePort(id, name, besides: nil)
    guard let port = found else { return refusal }
    let node = port.facts.node
    if port.request != nil { return .failure(id, "port.busy", "\(node) is being listened to already", "wait for it") }
    if let driver {
      guard Registry.profile(id: driver) != nil else { return unknownDriver(id, driver) }
      guard let identification = PortIdentification(driver: driver) else {
        return .failure(
          id, "driver.only-listens", "\(driver) has no question that changes nothing on the device",
          "hearthctl serial identify \(name) listens; or bind it: hearthctl serial bind \(name) --driver \(driver)")
      }
      ports[node]?.identification = identification
      ports[node]?.use = .identifying
    } else {
      ports[node]?.use = .listening
    }
    ports[node]?.request = id
    ports[node]?.outcome = nil
    ports[node]?.isLeft = false
    ports[node]?.retryAt = nil
    let audit = turn.append(
      [caller.audit("identify port \(port.facts.path) \(driver ?? "by listening")")])
    if port.isOpen { return audit + opened(node, &turn) }
    let settings = PortRecognition.schedule.first ?? SerialSettings(9600)
    return audit + [.openPort(device: port.key, path: node, settings)]
  }

  private func unknownDriver(_ id: RequestID, _ driver: String) -> [Effect] {
    let known = Registry.profiles.filter { if case .serial = $0.transport { true } else { false } }.map(\.id)
    let near = Suggestion.nearest(to: driver, among: known)
    return .failure(
      id, "not-found", "there is no serial driver \(driver)",
      near.map { "did you mean \($0)?" } ?? "hearthctl drivers lists them")
  }

  /// A technician says that the device behind a port of the configuration is the right one, whatever number it tells.
  private mutating func acceptNamed(
    _ id: RequestID, _ name: String, _ wish: PortWish, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    guard let device = turn.house.devices[name], device.profile.id == wish.driver,
      wish.patient == nil || wish.patient == device.configuration.patient
    else {
      return .failure(
        id, "port.taken", "the configuration says what device \(name) is, and whose",
        "change it in hearth.json, then systemctl reload hearthd")
    }
    var record = turn.head.register.record(name)
    record.serial = nil
    return turn.append(
      [.device(record), caller.audit("bind port \(wish.port) to \(name)")],
      for: .completion(.accepted(device: name)))
      + [.answer(id, .result(["bound": .string(name), "driver": .string(wish.driver), "path": .string(wish.port)]))]
  }

  mutating func bind(_ id: RequestID, _ wish: PortWish, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    if let name = wish.id, wish.patient != nil, let session = turn.head.sessions.open[name],
      !turn.head.sessions.over(turn.now).contains(name)
    {
      return .failure(
        id, "device.session-open", "a session of \(session.patient) is open on \(name)",
        "hearthctl session end --device \(name), then bind it")
    }
    if let name = wish.id, case .serial(let path)? = turn.house.devices[name]?.configuration.endpoint,
      wish.port == path || find(wish.port)?.use == .named(device: name)
    {
      return acceptNamed(id, name, wish, caller, &turn)
    }
    let (found, refusal) = freePort(id, wish.port, besides: wish.id)
    guard let port = found else { return refusal }
    guard let profile = Registry.profile(id: wish.driver), case .serial(let usual) = profile.transport else {
      return unknownDriver(id, wish.driver)
    }
    let node = port.facts.node
    let name = wish.id ?? turn.head.register.freeName(profile.id, besides: turn.takenNames)
    let known = turn.head.register.devices.first { $0.id == name }
    if turn.house.configuration.devices.contains(where: { $0.id == name }) || known.map({ !$0.isOnUSB }) ?? false {
      return .failure(id, "device.taken", "\(name) is another device already", "choose another --id")
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
          port.facts, settings: settings, isUnique: port.facts.isUnique(among: ports.values.map(\.facts)))),
      patient: wish.patient ?? known?.patient, users: known?.users ?? [:])
    device.name = known?.name
    device.model = wish.model ?? (known?.driver == profile.id ? known?.model : nil)
    ports[node]?.isClaimed = true
    var result = JSONObject()
    result["bound"] = .string(name)
    result["driver"] = .string(profile.id)
    result["path"] = .string(port.facts.path)
    var notice: [Effect] = []
    // Bound all the same: the safe rule holds until somebody looks at the device.
    if let question = profile.modelQuestion, !(device.model.map(question.isAnswered) ?? false) {
      result["asks"] = question.json
      let hint =
        "hearthctl serial bind \(node) --driver \(profile.id) --id \(name) --model \"\(question.answers.first ?? "")\""
      let words = "the driver has to know the model: \(question.question); until then \(question.untilThen): \(hint)"
      notice.append(.log(.notice, "device \(name): device.model-unknown: \(words)"))
    }
    return turn.append(
      [
        .device(DeviceRecord(id: name, device: device)),
        caller.audit("bind port \(port.facts.path) to \(name)"),
      ], for: .completion(.bound(PortBound(device: name, node: node))))
      + notice + [.answer(id, .result(.object(result)))]
  }

  /// The binding is on disk: the port is the device's.
  mutating func bound(_ bound: PortBound, _ turn: inout Turn) -> [Effect] {
    let (name, node) = (bound.device, bound.node)
    ports[node]?.isClaimed = false
    guard let device = turn.knownDevices.first(where: { $0.id == name }),
      let profile = Registry.profile(id: device.driver)
    else { return [] }
    var effects: [Effect] = []
    if turn.house.devices[name]?.isUp ?? false { turn.send(.links(.end(name, .boundAnew))) }
    turn.send(.links(.replace(device, profile, keepsSession: false)))
    // Unplugged meanwhile: it is opened when it is plugged in again.
    guard let port = ports[node] else { return effects }
    // Its old port is nobody's now, and is not guessed at.
    if let old = self.port(of: name), old.facts.node != node {
      ports[old.facts.node]?.use = .idle
      ports[old.facts.node]?.isLeft = true
    }
    if port.isOpen { effects.append(.close(device: port.key)) }
    if let request = port.request {
      effects += .failure(request, "port.taken", "the port was bound meanwhile", "hearthctl serial list")
    }
    ports[node]?.use = .bound(device: name)
    ports[node]?.isOpen = false
    ports[node]?.request = nil
    ports[node]?.retryAt = nil
    ports[node]?.fault = nil
    ports[node]?.heard = []
    turn.send(.links(.open(name)))
    return effects
  }

  mutating func release(_ id: RequestID, _ name: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard let device = turn.head.register.devices.first(where: { $0.id == name && $0.isOnUSB }) else {
      let bound = turn.head.register.devices.filter(\.isOnUSB).map(\.id)
      let near = Suggestion.nearest(to: name, among: bound)
      return .failure(
        id, "not-found", "no port is bound to a device \(name)",
        near.map { "did you mean \($0)?" } ?? "hearthctl serial list shows the bound ones")
    }
    return turn.append(
      [.device(DeviceRecord(id: name, device: nil))] + turn.forgettingPatients(of: name)
        + [caller.audit("release \(name)")],
      for: .completion(.portReleased(device: name)))
      + [.answer(id, .result(["released": .string(name), "driver": .string(device.driver)]))]
  }

  /// The register has the device no more: its port is nobody's.
  mutating func released(_ name: String, _ turn: inout Turn) -> [Effect] {
    if turn.house.devices[name]?.isUp ?? false {
      turn.send(.links(.end(name, LinkEnd(code: "ended", message: "released"))))
    }
    // It would be recognised again at once: the port is left alone until it is plugged in anew, or asked for.
    if let port = port(of: name) {
      ports[port.facts.node]?.use = .idle
      ports[port.facts.node]?.isLeft = true
      ports[port.facts.node]?.outcome = nil
    }
    turn.send(.links(.remove(name)))
    return []
  }
}

/// A port whose binding to a device is on its way to the disk.
struct PortBound: Sendable {
  var device: String
  var node: String
}

extension ModelQuestion {
  /// As `serial.bind` answers and `hearthctl drivers --json` shows it.
  var json: JSONValue {
    [
      "question": .string(question), "answers": .array(answers.map { .string($0) }), "until_then": .string(untilThen),
    ]
  }
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
