// A technician at the desk: pairing a device, letting one go. Bonds come into being only in here.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import JSON
internal import Octets
internal import Readings
internal import Settings

extension Gateway {
  /// What keeps Bluetooth from working now, for a technician; nil when a controller is ready.
  var bluetoothFault: ControlError? {
    if readyController != nil { return nil }
    guard configuration.bluetooth.isEnabled else {
      return ControlError(
        code: "bluetooth.disabled", message: "Bluetooth is switched off in the configuration",
        hint: "set bluetooth.enabled in hearth.json, then systemctl reload hearthd")
    }
    if let fault = bluetooth.fault { return ControlError(code: fault.code, message: fault.message, hint: fault.hint) }
    for index in bluetooth.controllers.keys.sorted() {
      if case .down(let code, let message, let hint, _)? = bluetooth.controllers[index]?.phase {
        return ControlError(code: code, message: message, hint: hint)
      }
    }
    if bluetooth.controllers.isEmpty {
      return ControlError(
        code: "bluetooth.absent", message: "there is no Bluetooth controller",
        hint: "plug in a Bluetooth 4.2 adapter or newer")
    }
    return ControlError(
      code: "bluetooth.starting", message: "the controller is coming up", hint: "try again in a second")
  }

  mutating func pair(_ id: RequestID, _ wish: PairingWish, _ caller: CallerName, _ now: Now) -> [Effect] {
    func refuse(_ error: ControlError) -> [Effect] { [.answer(id, .failure(error))] }
    if let fault = bluetoothFault { return openBluetooth() + refuse(fault) }
    guard bluetooth.pairing == nil else {
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
      let near = Suggestion.nearest(to: driver, among: Registry.profiles.map(\.id))
      return refuse(
        ControlError(
          code: "bad-parameters", message: "there is no driver \(driver)",
          hint: near.map { "did you mean \($0)?" } ?? "hearthctl drivers"))
    }
    if let name = wish.id,
      bluetooth.devices.first(where: { $0.key.description == wish.address.uppercased() })?.value != name,
      devices[name] != nil
    {
      return refuse(
        ControlError(
          code: "bad-parameters", message: "id: there is a device \(name) already", hint: "choose another name"))
    }
    guard let controller = readyController else { return [] }
    bluetooth.pairing = Pairing(
      request: id, caller: caller, wish: wish, controller: controller.index, now: now.monotonic)
    var effects = [manage(.setBondable(true), controller.index)]
    let known = bluetooth.devices.first { $0.key.description == wish.address.uppercased() }
    if let known, let device = devices[known.value], device.session != nil {
      if wish.driver == nil { bluetooth.pairing?.wish.driver = device.profile.id }
      effects += chosen(bluetooth.neighbourhood.connected(known.key, at: now.monotonic), now)
    } else if let neighbour = bluetooth.neighbourhood.find(wish.address, at: now.monotonic) {
      effects += chosen(neighbour, now)
    } else {
      if let pairing = bluetooth.pairing { effects.append(pairing.tell("searching")) }
      effects += discover()
    }
    return effects + append([.audit(uid: caller.uid, action: "pairing window opened")], now: now)
  }

  /// The device was heard: which driver, and what is to be asked before.
  mutating func chosen(_ neighbour: Neighbour, _ now: Now) -> [Effect] {
    guard var pairing = bluetooth.pairing else { return [] }
    guard let profile = pairing.wish.driver.flatMap({ Registry.profile(id: $0) }) ?? neighbour.profile else {
      return failPairing(
        ControlError(
          code: "unsupported-device",
          message: "no driver knows this device\(neighbour.name.map { " (\($0))" } ?? "")",
          hint: "hearthctl drivers shows what is supported; --driver DRIVER tries one"), now)
    }
    if case .serial = profile.transport {
      return failPairing(
        ControlError(
          code: "bad-parameters", message: "the driver \(profile.id) speaks over a serial port",
          hint: "hearthctl drivers"), now)
    }
    pairing.peer = neighbour.address
    pairing.profile = profile
    pairing.device =
      bluetooth.devices[neighbour.address] ?? pairing.wish.id
      ?? register.freeName(profile.id, besides: takenNames)
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
      bluetooth.pairing = pairing
      return effects
    }
    bluetooth.pairing = pairing
    return effects + readyToPair(now)
  }

  /// Everything is known: discovery ends, then the kernel pairs.
  private mutating func readyToPair(_ now: Now) -> [Effect] {
    guard let pairing = bluetooth.pairing, let profile = pairing.profile, let peer = pairing.peer else { return [] }
    if case .advertisement = profile.transport { return finishPairing(identity: peer, now) }
    if profile.bonding == .cannotBond { return finishPairing(identity: peer, now) }
    if bluetooth.controllers[pairing.controller]?.isDiscovering ?? false {
      bluetooth.pairing?.stage = .stoppingDiscovery
      return [manage(.stopDiscovery, pairing.controller)]
    }
    return beginPairing(now)
  }

  /// The link of a pairing that failed is gone: whoever waited for that goes on.
  mutating func parted(_ now: Now) -> [Effect] {
    bluetooth.parting = nil
    return bluetooth.pairing?.stage == .parting ? beginPairing(now) : []
  }

  mutating func beginPairing(_ now: Now) -> [Effect] {
    guard let pairing = bluetooth.pairing, let peer = pairing.peer, let id = pairing.device,
      let profile = pairing.profile,
      let own = bluetooth.controllers[pairing.controller]?.address
    else { return [] }
    guard bluetooth.parting != peer else {
      bluetooth.pairing?.stage = .parting
      return []
    }
    let asks: [Effect] = [pairing.tell("pairing"), manage(.pair(peer, .keyboardDisplay), pairing.controller)]
    guard bonds.level(of: peer, on: own) != nil || bluetooth.devices[peer] != nil else {
      bluetooth.pairing?.stage = .pairing
      devices[id] = DeviceState(
        DeviceConfiguration(
          id: id, driver: profile.id, endpoint: .bluetooth(BluetoothLink(controller: own, device: peer))), profile)
      return asks
    }
    // Paired anew: the old keys are worth nothing, and the kernel refuses to pair beside them. Its old link has to end first:
    // a pairing that began on it would end with it.
    bluetooth.pairing?.stage = .forgetting
    bluetooth.controllers[pairing.controller]?.listed[peer] = nil
    var effects: [Effect] = []
    if devices[id]?.session != nil || devices[id]?.isConnecting ?? false { effects.append(.close(device: id)) }
    return effects + [
      manage(.removeDevice(peer), pairing.controller), manage(.unpair(peer, disconnects: true), pairing.controller),
    ]
  }

  /// The kernel let go of a device: one that is paired anew is asked now.
  mutating func forgotten(_ data: [UInt8], _ index: UInt16) -> [Effect] {
    guard let pairing = bluetooth.pairing, pairing.stage == .forgetting, pairing.controller == index,
      let peer = pairing.peer, data.count < 6 || Array(data.prefix(6)) == peer.octets
    else { return [] }
    bluetooth.pairing?.stage = .pairing
    return [pairing.tell("pairing"), manage(.pair(peer, .keyboardDisplay), index)]
  }

  /// The kernel's questions in the middle of pairing.
  mutating func asked(_ event: ManagementEvent, _ index: UInt16) -> [Effect] {
    func isOurs(_ address: PeerAddress) -> Bool {
      bluetooth.pairing?.stage == .pairing && bluetooth.pairing?.controller == index
        && bluetooth.pairing?.peer == address
    }
    switch event {
    case .confirmationRequest(let address, let value, let isConsent):
      guard isOurs(address), let pairing = bluetooth.pairing else { return [manage(.confirm(address, false), index)] }
      // There is no number to compare: the technician consented by asking for the pairing.
      if isConsent { return [manage(.confirm(address, true), index)] }
      bluetooth.pairing?.prompt = .confirm(address, value)
      bluetooth.pairing?.wasAsked = true
      return [
        pairing.tell(
          "prompt",
          [
            ("prompt", "confirm"), ("value", .string(Gateway.sixDigits(value))),
            ("message", .string("Does the device show \(Gateway.sixDigits(value))?")),
          ])
      ]
    case .passkeyRequest(let address):
      guard isOurs(address), let pairing = bluetooth.pairing else { return [manage(.passkey(address, nil), index)] }
      bluetooth.pairing?.prompt = .passkey(address)
      bluetooth.pairing?.wasAsked = true
      return [
        pairing.tell("prompt", [("prompt", "passkey"), ("message", "The six digits on the device's display")])
      ]
    case .passkeyNotify(let address, let passkey, let entered):
      guard isOurs(address), let pairing = bluetooth.pairing else { return [] }
      bluetooth.pairing?.wasAsked = true
      return [
        pairing.tell(
          "passkey",
          [
            ("passkey", .string(Gateway.sixDigits(passkey))), ("entered", .int(entered)),
            ("message", .string("Type \(Gateway.sixDigits(passkey)) on the device")),
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
  mutating func pairAnswer(_ id: RequestID, _ text: String, _ now: Now) -> [Effect] {
    func refuse(_ message: String, _ hint: String) -> [Effect] {
      [.answer(id, .failure(ControlError(code: "bad-parameters", message: message, hint: hint)))]
    }
    guard let pairing = bluetooth.pairing, let prompt = pairing.prompt else {
      return refuse("nothing was asked", "answers follow a prompt of the pairing under way")
    }
    let done: Effect = .answer(id, .result(["taken": true]))
    switch prompt {
    case .confirm(let address, _):
      guard let isYes = ["yes": true, "y": true, "no": false, "n": false][text.lowercased()] else {
        return refuse("expected yes or no", "compare the number with the one on the device")
      }
      bluetooth.pairing?.prompt = nil
      return [manage(.confirm(address, isYes), pairing.controller), done]
    case .passkey(let address):
      let digits = text.filter { $0 != " " }
      guard digits.utf8.count == 6, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let passkey = UInt32(digits)
      else {
        return refuse("expected six digits", "they stand on the device's display")
      }
      bluetooth.pairing?.prompt = nil
      return [manage(.passkey(address, passkey), pairing.controller), done]
    case .consent:
      if !text.isEmpty {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let user = UInt8(parts[0]), let code = UInt16(parts[1]), code <= 9999 else {
          return refuse(
            "expected a slot and a code of at most four digits, such as 1 0520", "an empty answer goes on without")
        }
        bluetooth.pairing?.wish.consent = Consent(user: user, code: code)
        // The slot is the patient's, not the whole device.
        bluetooth.pairing?.wish.user = pairing.wish.user ?? user
      }
      bluetooth.pairing?.prompt = nil
      return [done] + readyToPair(now)
    }
  }

  mutating func pairEnded(_ status: ManagementStatus, _ data: [UInt8], _ index: UInt16, _ now: Now) -> [Effect] {
    guard let pairing = bluetooth.pairing, pairing.stage == .pairing, pairing.controller == index,
      let peer = pairing.peer
    else { return [] }
    // One that knows no pairing says so as one that refuses does; with a number asked for, it knows.
    let isUnwilling = status == .authenticationFailed || status == .notSupported || status == .disconnected
    if pairing.profile?.bonding == .mayBond, !pairing.wasAsked, isUnwilling {
      return finishPairing(identity: peer, now)
    }
    guard status == .success || status == .alreadyPaired else { return failPairing(Pairing.failure(status), now) }
    guard !pairing.longTermKeys.isEmpty || pairing.profile?.bonding == .mayBond else {
      return failPairing(
        ControlError(
          code: "pairing.not-bonded", message: "the device paired but keeps no keys",
          hint: "look for a bonding or pairing mode in its manual"), now)
    }
    // The kernel names the identity address; a device that changes its address gave a key for it.
    return finishPairing(identity: pairing.identityKeys.last?.address ?? peer, now)
  }

  /// The file of keys first, then the record of the device, then the kernel's list and the answer.
  private mutating func finishPairing(identity: PeerAddress, _ now: Now) -> [Effect] {
    guard var pairing = bluetooth.pairing, let profile = pairing.profile, let asked = pairing.device,
      let own = bluetooth.controllers[pairing.controller]?.address
    else { return [] }
    // Whatever the disk says, the window closes.
    var effects = [manage(.setBondable(false), pairing.controller)]
    guard !keys.isBusy else {
      return effects
        + failPairing(
          ControlError(
            code: "busy", message: "another change of keys is on its way to the disk", hint: "try again in a second"),
          now)
    }
    // It was heard under an address that no key resolves, and turns out to be a known one: it stays what it was.
    let id = bluetooth.devices[identity] ?? asked
    if id != asked {
      effects.append(.close(device: asked))
      devices[asked] = nil
      pairing.device = id
    }
    var changed = keys.keys
    changed.bonds.remove(identity, on: own)
    for key in pairing.longTermKeys { changed.bonds.add(key, on: own) }
    for key in pairing.identityKeys { changed.bonds.add(key, on: own) }
    for parameters in pairing.parameters { changed.bonds.add(parameters, on: own) }
    changed.consents[id] = pairing.wish.consent ?? changed.consents[id]
    let previous = register.devices.first { $0.id == id }
    var device = DeviceConfiguration(
      id: id, driver: profile.id, endpoint: .bluetooth(BluetoothLink(controller: own, device: identity)),
      patient: pairing.wish.user == nil ? pairing.wish.patient ?? previous?.patient : nil, users: previous?.users ?? [:]
    )
    if let user = pairing.wish.user, let patient = pairing.wish.patient { device.users[user] = patient }
    device.name = pairing.wish.name ?? previous?.name
    pairing.stage = .saving
    pairing.deadline = .max
    bluetooth.pairing = pairing
    let outcome = PairingOutcome(pairing: pairing, device: device, profile: profile)
    if changed == keys.keys { return effects + recordPairing(outcome, keys: nil, now) }
    keys.propose(changed, .pairing(outcome))
    return effects
  }

  /// The keys are on disk: now the device.
  mutating func recordPairing(_ outcome: PairingOutcome, keys number: UInt64?, _ now: Now) -> [Effect] {
    var result = JSONObject()
    result["device"] = .string(outcome.device.id)
    result["driver"] = .string(outcome.profile.id)
    result["bonded"] = .bool(!outcome.pairing.longTermKeys.isEmpty)
    result["protected"] = .bool(outcome.pairing.longTermKeys.contains(where: \.isAuthenticated))
    return append(
      [
        .device(DeviceRecord(id: outcome.device.id, device: outcome.device, keys: number)),
        .audit(uid: outcome.pairing.caller.uid, action: "paired \(outcome.device.id)"),
      ], completion: .paired(outcome), now: now) + [.answer(outcome.pairing.request, .result(.object(result)))]
  }

  /// Keys and device are on disk: the device is used.
  mutating func paired(_ outcome: PairingOutcome, _ now: Now) -> [Effect] {
    let id = outcome.device.id
    guard let device = knownDevices.first(where: { $0.id == id }), case .bluetooth(let link) = device.endpoint else {
      return []
    }
    let session = devices[id]?.session
    devices[id] = DeviceState(device, outcome.profile)
    devices[id]?.session = session
    bluetooth.devices = bluetooth.devices.filter { $0.value != id }
    bluetooth.devices[link.device] = id
    bluetooth.pairing = nil
    var effects = listDevices(now)
    if session != nil {
      let level = bonds.level(of: link.device, on: link.controller)
      effects += self.session(id, now) { $0.paired(level: level, at: now.monotonic) }
    }
    return effects + resumeDiscovery()
  }

  /// The disk did not keep what a pairing brought: it did not come about. Who waits for it is told elsewhere.
  mutating func pairingRefused(_ outcome: PairingOutcome, _ now: Now) -> [Effect] {
    let id = outcome.device.id
    bluetooth.pairing = nil
    guard case .bluetooth(let link) = outcome.device.endpoint else { return [] }
    if register.devices.contains(where: { $0.id == id }) {
      // Its old keys are worth nothing any more.
      keys.renew { $0.bonds.remove(link.device, on: link.controller) }
      devices[id]?.needsPairing = true
    } else {
      devices[id] = nil
    }
    let effects: [Effect] = [
      .close(device: id), manage(.unpair(link.device, disconnects: true), outcome.pairing.controller),
    ]
    return effects + listDevices(now) + resumeDiscovery()
  }

  mutating func pairingTimedOut(_ now: Now) -> [Effect] {
    guard let pairing = bluetooth.pairing else { return [] }
    bluetooth.parting = nil
    let hint = pairing.profile?.pairingHint ?? ""
    let advice =
      hint.isEmpty ? "bring it into pairing mode (its manual says how), within a few metres of the hub" : hint
    return failPairing(
      pairing.stage == .searching
        ? ControlError(code: "pairing.not-heard", message: "the device was not heard within two minutes", hint: advice)
        : ControlError(code: "pairing.timeout", message: "the pairing did not end within two minutes", hint: advice),
      now)
  }

  /// Ends a pairing that did not come about: nothing of it stays.
  mutating func failPairing(_ error: ControlError, _ now: Now) -> [Effect] {
    guard let pairing = bluetooth.pairing else { return [] }
    bluetooth.pairing = nil
    var effects: [Effect] = []
    let isUnderWay = pairing.stage == .pairing || pairing.stage == .forgetting
    if let peer = pairing.peer, isUnderWay {
      effects.append(manage(.cancelPair(peer), pairing.controller))
      if let id = pairing.device, devices[id]?.session != nil || devices[id]?.isConnecting ?? false {
        // Unpair leaves a link alone that has no keys yet, and a second pairing on it was seen to hang.
        bluetooth.parting = peer
        effects.append(manage(.disconnect(peer), pairing.controller))
      }
      effects.append(manage(.unpair(peer, disconnects: true), pairing.controller))
    }
    if let id = pairing.device, !register.devices.contains(where: { $0.id == id }) {
      if devices[id]?.session != nil || devices[id]?.isConnecting ?? false { effects.append(.close(device: id)) }
      devices[id] = nil
    } else if let id = pairing.device, isUnderWay {
      // It was known and is to be paired anew: its old keys are gone.
      devices[id]?.needsPairing = true
      if let link = devices[id]?.link { keys.renew { $0.bonds.remove(link.device, on: link.controller) } }
    }
    effects.append(manage(.setBondable(false), pairing.controller))
    effects.append(.answer(pairing.request, .failure(error)))
    effects += resumeDiscovery()
    // Last: nothing of the above waits for the disk.
    return effects
      + append([.audit(uid: pairing.caller.uid, action: "pairing failed: \(error.code)")], now: now)
  }

  // MARK: Letting go

  mutating func unpair(_ id: RequestID, _ device: String, _ caller: CallerName, _ now: Now) -> [Effect] {
    guard let state = devices[device], let link = state.link else {
      let near = Suggestion.nearest(to: device, among: register.devices.map(\.id))
      return [
        .answer(
          id,
          .failure(
            ControlError(
              code: "not-found", message: "there is no paired device \(device)",
              hint: near.map { "did you mean \($0)?" } ?? "hearthctl devices")))
      ]
    }
    guard importing == nil else { return stillImporting(id) }
    return append(
      [.device(DeviceRecord(id: device, device: nil))] + forgettingPatients(of: device)
        + [.audit(uid: caller.uid, action: "unpaired \(device)")],
      completion: .unpaired(device: device, link), now: now)
      + [.shredImported, .answer(id, .result(["unpaired": .string(device)]))]
  }

  /// The register has the device no more: the kernel lets go of it, and its keys go.
  mutating func unpaired(_ device: String, _ link: BluetoothLink, _ now: Now) -> [Effect] {
    bluetooth.devices[link.device] = nil
    var effects: [Effect] = []
    if devices[device]?.session != nil {
      effects += linkClosed(device, LinkEnd(code: "ended", message: "unpaired"), now)
      effects.append(.close(device: device))
    }
    devices[device] = nil
    effects += listDevices(now)
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

  /// Whose a device's readings are, is forgotten with the device: one that gets its name later is another one.
  func forgettingPatients(of device: String) -> [JournalEntry] {
    let slots = bindings.slots.keys.filter { $0.device == device }.sorted { ($0.user ?? 0) < ($1.user ?? 0) }
    let records = slots.map { JournalEntry.binding(Binding(slot: $0, patient: nil, sweeps: false)) }
    return records + (sessions.open[device] == nil ? [] : [.session(device: device, nil)])
  }

  /// Names that a new device may not get: those of others, and of devices that are gone but whose readings wait for a patient.
  var takenNames: [String] {
    configuration.devices.map(\.id) + devices.keys + Set(state.parked.values.map(\.device))
  }
}
