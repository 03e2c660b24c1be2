// A technician at the desk: pairing a device, letting one go. Bonds come into being only in here.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings
internal import Ledger

extension Bluetooth {
  /// What keeps Bluetooth from working now, for a technician; nil when a controller is ready.
  func bluetoothFault(_ turn: inout Turn) -> ControlError? {
    if readyController != nil { return nil }
    guard turn.house.configuration.bluetooth.isEnabled else {
      return ControlError(
        code: "bluetooth.disabled", message: "Bluetooth is switched off in the configuration",
        hint: "set bluetooth.enabled in hearth.json, then systemctl reload hearthd")
    }
    if let fault = fault { return ControlError(code: fault.code, message: fault.message, hint: fault.hint) }
    for index in controllers.keys.sorted() {
      if case .down(let code, let message, let hint, _)? = controllers[index]?.phase {
        return ControlError(code: code, message: message, hint: hint)
      }
    }
    if controllers.isEmpty {
      return ControlError(
        code: "bluetooth.absent", message: "there is no Bluetooth controller",
        hint: "plug in a Bluetooth 4.2 adapter or newer")
    }
    return ControlError(
      code: "bluetooth.starting", message: "the controller is coming up", hint: "try again in a second")
  }

  mutating func pair(_ id: RequestID, _ wish: PairingWish, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    func refuse(_ error: ControlError) -> [Effect] { [.answer(id, .failure(error))] }
    if let fault = bluetoothFault(&turn) { return openBluetooth(&turn) + refuse(fault) }
    guard pairing == nil else {
      return refuse(
        ControlError(
          code: "busy", message: "another pairing is under way", hint: "wait for its end, at most two minutes"))
    }
    guard PeerAddress(wish.address, kind: .publicLE) != nil else {
      return refuse(
        ControlError(
          code: "bad-parameters", message: "address: expected six pairs of digits such as F0:00:00:00:00:01",
          hint: "hearthctl scan shows the addresses of what is on the air"))
    }
    if let driver = wish.driver, Registry.profile(id: driver) == nil {
      let near = Suggestion.nearest(to: driver, among: Registry.ids)
      return refuse(
        ControlError(
          code: "bad-parameters", message: "there is no driver \(driver)",
          hint: near.map { "did you mean \($0)?" } ?? "hearthctl drivers"))
    }
    if let name = wish.id,
      peers.first(where: { $0.key.description == wish.address.uppercased() })?.value.id != name,
      turn.house.devices[name] != nil
    {
      return refuse(
        ControlError(
          code: "bad-parameters", message: "id: there is a device \(name) already", hint: "choose another name"))
    }
    guard let controller = readyController else { return [] }
    pairing = Pairing(
      request: id, caller: caller, wish: wish, controller: controller.index, now: now.monotonic)
    var effects = [manage(.setBondable(true), controller.index)]
    let known = peers.first { $0.key.description == wish.address.uppercased() }
    if let known, let device = turn.house.devices[known.value.id], device.isUp {
      if wish.driver == nil { self.pairing?.wish.driver = device.profile.id }
      effects += chosen(neighbourhood.connected(known.key, at: now.monotonic), &turn)
    } else if let neighbour = neighbourhood.find(wish.address, at: now.monotonic) {
      effects += chosen(neighbour, &turn)
    } else {
      if let pairing = pairing { effects.append(pairing.tell("searching")) }
      effects += discover()
    }
    return effects + turn.append([caller.audit("pairing window opened")])
  }

  /// The device was heard: which driver, and what is to be asked before.
  mutating func chosen(_ neighbour: Neighbour, _ turn: inout Turn) -> [Effect] {
    guard var pairing = pairing else { return [] }
    guard let profile = pairing.wish.driver.flatMap({ Registry.profile(id: $0) }) ?? neighbour.profile else {
      return failPairing(
        ControlError(
          code: "unsupported-device",
          message: neighbour.claim.refusal
            ?? "no driver knows this device\(neighbour.name.map { " (\($0))" } ?? "")",
          hint: "hearthctl drivers shows what is supported; --driver DRIVER tries one, --driver recorder only listens"),
        &turn)
    }
    if case .serial = profile.transport {
      return failPairing(
        ControlError(
          code: "bad-parameters", message: "the driver \(profile.id) speaks over a serial port",
          hint: "hearthctl drivers"), &turn)
    }
    if let user = pairing.wish.user, pairing.wish.patient != nil, !profile.tellsUser {
      return failPairing(
        ControlError(
          code: "device.tells-no-user",
          message: "a device of the driver \(profile.id) tells no user: no reading of it would be in slot \(user)",
          hint: "leave --user out: all of it is the patient's then"), &turn)
    }
    pairing.peer = neighbour.address
    pairing.advertisedName = neighbour.name
    pairing.profile = profile
    pairing.device =
      peers[neighbour.address]?.id ?? pairing.wish.id
      ?? turn.head.register.freeName(profile.id, besides: turn.takenNames)
    var effects = [
      pairing.tell(
        "found",
        [
          ("name", neighbour.name.map { .string($0) } ?? .null), ("driver", .string(profile.id)),
          ("device", .string(pairing.device ?? "")), ("rssi", .int(Int(neighbour.rssi))),
          ("address", .string(neighbour.address.description)),
          ("pairing_mode", .bool((neighbour.flags ?? 0) & 1 != 0)), ("hint", .string(profile.pairingHint)),
        ])
    ]
    if profile.asksConsent, pairing.wish.consent == nil {
      pairing.stage = .asking
      pairing.prompt = .consent
      effects.append(
        pairing.tell(
          "prompt",
          [
            ("prompt", "consent-code"),
            (
              "message",
              "The user's slot and consent code on the device, such as \"1 0520\"; empty when the device has none"
            ),
          ]))
      self.pairing = pairing
      return effects
    }
    self.pairing = pairing
    return effects + readyToPair(&turn)
  }

  /// Everything is known: discovery ends, then the kernel pairs.
  private mutating func readyToPair(_ turn: inout Turn) -> [Effect] {
    guard let pairing = pairing, let profile = pairing.profile, let peer = pairing.peer else { return [] }
    if case .advertisement = profile.transport { return finishPairing(identity: peer, &turn) }
    if profile.bonding == .cannotBond { return finishPairing(identity: peer, &turn) }
    if controllers[pairing.controller]?.isDiscovering ?? false {
      self.pairing?.stage = .stoppingDiscovery
      return [manage(.stopDiscovery, pairing.controller)]
    }
    return beginPairing(&turn)
  }

  /// The link of a pairing that failed is gone: whoever waited for that goes on.
  mutating func parted(_ turn: inout Turn) -> [Effect] {
    parting = nil
    return pairing?.stage == .parting ? beginPairing(&turn) : []
  }

  mutating func beginPairing(_ turn: inout Turn) -> [Effect] {
    guard let pairing = pairing, let peer = pairing.peer, let id = pairing.device,
      let profile = pairing.profile,
      let own = controllers[pairing.controller]?.address
    else { return [] }
    guard parting != peer else {
      self.pairing?.stage = .parting
      return []
    }
    let asks: [Effect] = [pairing.tell("pairing"), manage(.pair(peer, .keyboardDisplay), pairing.controller)]
    guard keys.keys.bonds.level(of: peer, on: own) != nil || peers[peer] != nil else {
      self.pairing?.stage = .pairing
      let link = BluetoothLink(controller: own, device: peer)
      turn.send(
        .links(
          .replace(
            DeviceConfiguration(id: id, driver: profile.id, endpoint: .bluetooth(link)), profile, keepsSession: false)))
      return asks
    }
    // Paired anew: the old keys are worth nothing, and the kernel refuses to pair beside them. Its old link has to end first:
    // a pairing that began on it would end with it.
    self.pairing?.stage = .forgetting
    controllers[pairing.controller]?.listed[peer] = nil
    var effects: [Effect] = []
    if isLinked(id, &turn) { effects.append(.close(device: id)) }
    return effects + [
      manage(.removeDevice(peer), pairing.controller), manage(.unpair(peer, disconnects: true), pairing.controller),
    ]
  }

  /// The kernel let go of a device: one that is paired anew is asked now.
  mutating func forgotten(_ data: [UInt8], _ index: UInt16) -> [Effect] {
    guard let pairing = pairing, pairing.stage == .forgetting, pairing.controller == index,
      let peer = pairing.peer, data.count < 6 || Array(data.prefix(6)) == peer.octets
    else { return [] }
    self.pairing?.stage = .pairing
    return [pairing.tell("pairing"), manage(.pair(peer, .keyboardDisplay), index)]
  }

  /// The kernel's questions in the middle of pairing.
  mutating func asked(_ event: ManagementEvent, _ index: UInt16) -> [Effect] {
    func isOurs(_ address: PeerAddress) -> Bool {
      pairing?.stage == .pairing && pairing?.controller == index
        && pairing?.peer == address
    }
    switch event {
    case .confirmationRequest(let address, let value, let isConsent):
      guard isOurs(address), let pairing = pairing else { return [manage(.confirm(address, false), index)] }
      // There is no number to compare: the technician consented by asking for the pairing.
      if isConsent { return [manage(.confirm(address, true), index)] }
      self.pairing?.prompt = .confirm(address, value)
      self.pairing?.wasAsked = true
      return [
        pairing.tell(
          "prompt",
          [
            ("prompt", "confirm"), ("value", .string(Bluetooth.sixDigits(value))),
            ("message", .string("Does the device show \(Bluetooth.sixDigits(value))?")),
          ])
      ]
    case .passkeyRequest(let address):
      guard isOurs(address), let pairing = pairing else { return [manage(.passkey(address, nil), index)] }
      self.pairing?.prompt = .passkey(address)
      self.pairing?.wasAsked = true
      return [
        pairing.tell("prompt", [("prompt", "passkey"), ("message", "The six digits on the device's display")])
      ]
    case .passkeyNotify(let address, let passkey, let entered):
      guard isOurs(address), let pairing = pairing else { return [] }
      self.pairing?.wasAsked = true
      return [
        pairing.tell(
          "passkey",
          [
            ("passkey", .string(Bluetooth.sixDigits(passkey))), ("entered", .int(entered)),
            ("message", .string("Type \(Bluetooth.sixDigits(passkey)) on the device")),
          ])
      ]
    default: return []
    }
  }

  static func sixDigits(_ number: UInt32) -> String {
    let text = String(number % 1_000_000)
    return String(repeating: "0", count: 6 - text.utf8.count) + text
  }

  /// What the technician answered.
  mutating func pairAnswer(_ id: RequestID, _ text: String, _ turn: inout Turn) -> [Effect] {
    func refuse(_ message: String, _ hint: String) -> [Effect] {
      [.answer(id, .failure(ControlError(code: "bad-parameters", message: message, hint: hint)))]
    }
    guard let pairing = pairing, let prompt = pairing.prompt else {
      return refuse("nothing was asked", "answers follow a prompt of the pairing under way")
    }
    let done: Effect = .answer(id, .result(["taken": true]))
    switch prompt {
    case .confirm(let address, _):
      guard let isYes = ["yes": true, "y": true, "no": false, "n": false][text.lowercased()] else {
        return refuse("expected yes or no", "compare the number with the one on the device")
      }
      self.pairing?.prompt = nil
      return [manage(.confirm(address, isYes), pairing.controller), done]
    case .passkey(let address):
      let digits = text.filter { $0 != " " }
      guard digits.utf8.count == 6, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let passkey = UInt32(digits)
      else {
        return refuse("expected six digits", "they stand on the device's display")
      }
      self.pairing?.prompt = nil
      return [manage(.passkey(address, passkey), pairing.controller), done]
    case .consent:
      if !text.isEmpty {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let user = UInt8(parts[0]), let code = UInt16(parts[1]), code <= 9999 else {
          return refuse(
            "expected a slot and a code of at most four digits, such as 1 0520", "an empty answer goes on without")
        }
        self.pairing?.wish.consent = Consent(user: user, code: code)
        // The slot is the patient's, not the whole device.
        self.pairing?.wish.user = pairing.wish.user ?? user
      }
      self.pairing?.prompt = nil
      return [done] + readyToPair(&turn)
    }
  }

  mutating func pairEnded(_ status: ManagementStatus, _ data: [UInt8], _ index: UInt16, _ turn: inout Turn) -> [Effect]
  {
    guard let pairing = pairing, pairing.stage == .pairing, pairing.controller == index,
      let peer = pairing.peer
    else { return [] }
    // One that knows no pairing says so as one that refuses does; with a number asked for, it knows.
    let isUnwilling = status == .authenticationFailed || status == .notSupported || status == .disconnected
    if pairing.profile?.bonding == .mayBond, !pairing.wasAsked, isUnwilling {
      return finishPairing(identity: peer, &turn)
    }
    guard status == .success || status == .alreadyPaired else { return failPairing(Pairing.failure(status), &turn) }
    guard !pairing.longTermKeys.isEmpty || pairing.profile?.bonding == .mayBond else {
      return failPairing(
        ControlError(
          code: "pairing.not-bonded", message: "the device paired but keeps no keys",
          hint: "look for a bonding or pairing mode in its manual"), &turn)
    }
    // The kernel names the identity address; a device that changes its address gave a key for it.
    return finishPairing(identity: pairing.identityKeys.last?.address ?? peer, &turn)
  }

  /// The file of keys first, then the record of the device, then the kernel's list and the answer.
  private mutating func finishPairing(identity: PeerAddress, _ turn: inout Turn) -> [Effect] {
    guard var pairing = pairing, let profile = pairing.profile, let asked = pairing.device,
      let own = controllers[pairing.controller]?.address
    else { return [] }
    // Whatever the disk says, the window closes.
    var effects = [manage(.setBondable(false), pairing.controller)]
    guard !keys.isBusy else {
      return effects
        + failPairing(
          ControlError(
            code: "busy", message: "another change of keys is on its way to the disk", hint: "try again in a second"),
          &turn)
    }
    // It was heard under an address that no key resolves, and turns out to be a known one: it stays what it was.
    let id = peers[identity]?.id ?? asked
    if id != asked {
      effects.append(.close(device: asked))
      turn.send(.links(.remove(asked)))
      pairing.device = id
    }
    var changed = keys.keys
    changed.bonds.remove(identity, on: own)
    for key in pairing.longTermKeys { changed.bonds.add(key, on: own) }
    for key in pairing.identityKeys { changed.bonds.add(key, on: own) }
    for parameters in pairing.parameters { changed.bonds.add(parameters, on: own) }
    changed.consents[id] = pairing.wish.consent ?? changed.consents[id]
    let previous = turn.head.register.devices.first { $0.id == id }
    var device = DeviceConfiguration(
      id: id, driver: profile.id, endpoint: .bluetooth(BluetoothLink(controller: own, device: identity)),
      patient: pairing.wish.user == nil ? pairing.wish.patient ?? previous?.patient : nil, users: previous?.users ?? [:]
    )
    if let user = pairing.wish.user, let patient = pairing.wish.patient { device.users[user] = patient }
    device.name = pairing.wish.name ?? previous?.name
    device.advertisedName = pairing.advertisedName ?? previous?.advertisedName
    pairing.stage = .saving
    pairing.deadline = .max
    self.pairing = pairing
    let outcome = PairingOutcome(pairing: pairing, device: device, profile: profile)
    if changed == keys.keys { return effects + recordPairing(outcome, keys: nil, &turn) }
    keys.propose(changed, .pairing(outcome))
    return effects
  }

  /// The keys are on disk: now the device.
  mutating func recordPairing(_ outcome: PairingOutcome, keys number: UInt64?, _ turn: inout Turn) -> [Effect] {
    var result = JSONObject()
    result["device"] = .string(outcome.device.id)
    result["driver"] = .string(outcome.profile.id)
    result["bonded"] = .bool(!outcome.pairing.longTermKeys.isEmpty)
    result["protected"] = .bool(outcome.pairing.longTermKeys.contains(where: \.isAuthenticated))
    return turn.append(
      [
        .device(DeviceRecord(id: outcome.device.id, device: outcome.device, keys: number)),
        outcome.pairing.caller.audit("paired \(outcome.device.id)"),
      ], for: .completion(.paired(outcome))) + [.answer(outcome.pairing.request, .result(.object(result)))]
  }

  /// Keys and device are on disk: the device is used.
  mutating func paired(_ outcome: PairingOutcome, _ turn: inout Turn) -> [Effect] {
    let id = outcome.device.id
    guard let device = turn.knownDevices.first(where: { $0.id == id }), case .bluetooth(let link) = device.endpoint
    else {
      return []
    }
    turn.send(.links(.replace(device, outcome.profile, keepsSession: true)))
    air[id] = Air()
    peers = peers.filter { $0.value.id != id }
    peers[link.device] = Peer(id: id, link: link, profile: outcome.profile)
    self.pairing = nil
    turn.send(.links(.paired(id, level: keys.keys.bonds.level(of: link.device, on: link.controller))))
    return listDevices(&turn) + resumeDiscovery()
  }

  /// The disk did not keep what a pairing brought: it did not come about. Who waits for it is told elsewhere.
  mutating func pairingRefused(_ outcome: PairingOutcome, _ turn: inout Turn) -> [Effect] {
    let id = outcome.device.id
    self.pairing = nil
    guard case .bluetooth(let link) = outcome.device.endpoint else { return [] }
    if turn.head.register.devices.contains(where: { $0.id == id }) {
      // Its old keys are worth nothing any more.
      keys.renew { $0.bonds.remove(link.device, on: link.controller) }
      air[id, default: Air()].fact.needsPairing = true
    } else {
      turn.send(.links(.remove(id)))
    }
    let effects: [Effect] = [
      .close(device: id), manage(.unpair(link.device, disconnects: true), outcome.pairing.controller),
    ]
    return effects + listDevices(&turn) + resumeDiscovery()
  }

  mutating func pairingTimedOut(_ turn: inout Turn) -> [Effect] {
    guard let pairing = pairing else { return [] }
    parting = nil
    let hint = pairing.profile?.pairingHint ?? ""
    let advice =
      hint.isEmpty ? "bring it into pairing mode (its manual says how), within a few metres of the hub" : hint
    return failPairing(
      pairing.stage == .searching
        ? ControlError(code: "pairing.not-heard", message: "the device was not heard within two minutes", hint: advice)
        : ControlError(code: "pairing.timeout", message: "the pairing did not end within two minutes", hint: advice),
      &turn)
  }

  /// Ends a pairing that did not come about: nothing of it stays.
  mutating func failPairing(_ error: ControlError, _ turn: inout Turn) -> [Effect] {
    guard let pairing = pairing else { return [] }
    self.pairing = nil
    var effects: [Effect] = []
    let isUnderWay = pairing.stage == .pairing || pairing.stage == .forgetting
    if let peer = pairing.peer, isUnderWay {
      effects.append(manage(.cancelPair(peer), pairing.controller))
      if let id = pairing.device, isLinked(id, &turn) {
        // Unpair leaves a link alone that has no keys yet, and a second pairing on it was seen to hang.
        parting = peer
        // The socket first: see `closeLinks`.
        effects.append(.close(device: id))
        effects.append(manage(.disconnect(peer), pairing.controller))
      }
      effects.append(manage(.unpair(peer, disconnects: true), pairing.controller))
    }
    if let id = pairing.device, !turn.head.register.devices.contains(where: { $0.id == id }) {
      if isLinked(id, &turn), !isUnderWay { effects.append(.close(device: id)) }
      turn.send(.links(.remove(id)))
    } else if let id = pairing.device, isUnderWay {
      // It was known and is to be paired anew: its old keys are gone.
      air[id, default: Air()].fact.needsPairing = true
      if let link = peers.values.first(where: { $0.id == id })?.link {
        keys.renew { $0.bonds.remove(link.device, on: link.controller) }
      }
    }
    effects.append(manage(.setBondable(false), pairing.controller))
    effects.append(.answer(pairing.request, .failure(error)))
    effects += resumeDiscovery()
    // Last: nothing of the above waits for the disk.
    return effects
      + turn.append([pairing.caller.audit("pairing failed: \(error.code)")])
  }

  // MARK: Letting go

  mutating func unpair(_ id: RequestID, _ device: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard case .bluetooth(let link)? = turn.house.devices[device]?.configuration.endpoint else {
      let near = Suggestion.nearest(to: device, among: turn.head.register.devices.map(\.id))
      return .failure(
        id, "not-found", "there is no paired device \(device)",
        near.map { "did you mean \($0)?" } ?? "hearthctl devices")
    }
    return turn.append(
      [.device(DeviceRecord(id: device, device: nil))] + turn.forgettingPatients(of: device)
        + [caller.audit("unpaired \(device)")],
      for: .completion(.unpaired(device: device, link)))
      + [.shredImported, .answer(id, .result(["unpaired": .string(device)]))]
  }

  /// The register has the device no more: the kernel lets go of it, and its keys go.
  mutating func unpaired(_ device: String, _ link: BluetoothLink, _ turn: inout Turn) -> [Effect] {
    peers[link.device] = nil
    air[device] = nil
    arrivals[device] = nil
    // The link first: what the kernel lets go of has none any more.
    var effects: [Effect] = []
    if turn.house.devices[device]?.isUp ?? false {
      effects.append(.close(device: device))
      turn.send(.links(.closed(device, LinkEnd(code: "ended", message: "unpaired"))))
    }
    turn.send(.links(.remove(device)))
    effects += listDevices(&turn)
    if let index = controllerIndex(link.controller) {
      effects.append(manage(.unpair(link.device, disconnects: true), index))
    }
    keys.renew {
      $0.bonds.remove(link.device, on: link.controller)
      $0.consents[device] = nil
      $0.deviceKeys[device] = nil
    }
    return effects
  }
}
