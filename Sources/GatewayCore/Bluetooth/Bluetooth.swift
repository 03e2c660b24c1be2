// The kernel's Bluetooth: controllers that come and go, the list of devices that the kernel connects to by itself, keys, links.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import JSON
internal import Octets
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

/// What a link over the air brought.
struct LinkNews: Sendable {
  /// It gave a reading.
  var hadReading = false
  /// A reading that was not known before.
  var isNew = false
  /// The device speaks another protocol than its driver.
  var isOfAnotherKind = false
}

/// The kernel's Bluetooth, and the keys of devices.
struct Bluetooth: Sendable {
  enum Input: Sendable {
    case configured
    case started
    /// The kernel's Bluetooth can be spoken to.
    case opened
    case closed(LinkEnd)
    /// One packet of the kernel's management interface.
    case received([UInt8])
    /// The daemon ends.
    case leave
    /// The kernel's list of devices is to be put right.
    case list
    case linkOpened(String)
    case linkClosed(String, LinkEnd, LinkNews)
    /// A device is not to be connected to for a while.
    case rest(String, milliseconds: Int64)
    case scan(RequestID, seconds: Int)
    case pair(RequestID, PairingWish, CallerName)
    case pairAnswer(RequestID, String)
    case pairCancel(RequestID)
    case unpair(RequestID, String, CallerName)
    case callerGone(UInt64)
    /// A secret of a device that a technician said.
    case keepSecret(KeyChange.SecretChange, key: [UInt8]?)
    /// Secrets that a device told.
    case toldConsent(String, Consent)
    case toldKey(String, [UInt8])
    case due
    case turnEnds

    // MARK: Of the disk

    /// The file of keys is on disk.
    case keysKept(KeysID)
    case keysRefused(KeysID, String)
    case paired(PairingOutcome)
    case pairingRefused(PairingOutcome)
    case unpaired(String, BluetoothLink)
    case recorded(DeviceRecord)
    /// The record that brings a change of keys into force is lost.
    case recordRefused
  }

  /// Whose facts an input changes.
  enum Concern: Sendable {
    case none
    /// What is known of a device on the air, and nothing else: so with what is heard a thousand times a second.
    case air(String)
    case all
  }

  enum Door: Sendable, Hashable {
    case closed
    case opening
    case open
  }

  /// A device that is registered with the hub.
  struct Peer: Sendable {
    var id: String
    var link: BluetoothLink
    var profile: DeviceProfile
  }

  /// What is known of a device on the air.
  struct Air: Sendable {
    var fact = AirFact()
    /// A link is coming up.
    var isConnecting = false
    /// When the kernel may connect to it again, after a link on which it said nothing; monotonic milliseconds.
    var relistAt: Int64?
    /// Links in a row that brought nothing new.
    var linksWithoutNews = 0
  }

  var door = Door.closed
  /// Why it is closed.
  var fault: LinkEnd?
  var reopenAt: Int64?
  var controllers: [UInt16: Controller] = [:]
  /// Registered devices by address.
  var peers: [PeerAddress: Peer] = [:]
  /// By the hub's name of the device.
  var air: [String: Air] = [:]
  /// By the hub's name of the device.
  var arrivals: [String: Arrival] = [:]
  var neighbourhood = Neighbourhood()
  /// Control connections that look for devices, until a monotonic millisecond.
  var scans: [UInt64: Int64] = [:]
  var pairing: Pairing?
  /// The device whose link is being ended after a pairing that failed: the next one waits for that.
  var parting: PeerAddress?
  /// Discovery was refused: it is asked for again.
  var rediscoverAt: Int64?
  /// Secrets of devices.
  var keys: KeyStore
  /// Whose facts the input that is being handled changes.
  var concern = Concern.all

  init(_ keys: KeyStore) { self.keys = keys }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    // The end of a turn changes nothing that others see.
    if case .turnEnds = input { return write(turn.house.isStarted, turn.now) }
    concern = .all
    let effects = decide(input, &turn)
    switch concern {
    case .none: break
    case .air(let id): turn.house.air[id] = air[id]?.fact
    case .all: publish(&turn)
    }
    return effects
  }

  /// The file of keys, when it is to be written.
  private mutating func write(_ isStarted: Bool, _ now: Now) -> [Effect] {
    guard isStarted, let (id, file) = keys.toWrite(at: now.monotonic) else { return [] }
    return [.keep(id, file.encoded)]
  }

  private mutating func decide(_ input: Input, _ turn: inout Turn) -> [Effect] {
    switch input {
    case .configured: return configured(&turn)
    case .started: return openBluetooth(&turn)
    case .opened: return opened()
    case .closed(let end): return closed(end, &turn)
    case .received(let octets): return received(octets, &turn)
    case .leave: return leave()
    case .list: return listDevices(&turn)
    case .linkOpened(let id):
      air[id]?.isConnecting = false
      return []
    case .linkClosed(let id, let end, let news): return linkClosed(id, end, news, &turn)
    case .rest(let id, let milliseconds):
      air[id, default: Air()].relistAt = turn.now.monotonic + milliseconds
      return listDevices(&turn)
    case .scan(let id, let seconds): return scan(id, seconds: seconds, &turn)
    case .pair(let id, let wish, let caller): return pair(id, wish, caller, &turn)
    case .pairAnswer(let id, let text): return pairAnswer(id, text, &turn)
    case .pairCancel(let id):
      let error = ControlError(code: "pairing.cancelled", message: "the pairing was cancelled")
      return failPairing(error, &turn) + [.answer(id, .result(["cancelled": true]))]
    case .unpair(let id, let device, let caller): return unpair(id, device, caller, &turn)
    case .callerGone(let connection): return callerGone(connection, &turn)
    case .keepSecret(let change, let key): return keepSecret(change, key)
    case .toldConsent(let device, let consent):
      return told(device, &turn) { $0.consents[device] = consent }
    case .toldKey(let device, let key): return told(device, &turn) { $0.deviceKeys[device] = key }
    case .due: return due(&turn)
    case .turnEnds: return []
    case .keysKept(let id): return keysKept(id, &turn)
    case .keysRefused(let id, let message): return keysRefused(id, message, &turn)
    case .paired(let outcome): return paired(outcome, &turn)
    case .pairingRefused(let outcome): return pairingRefused(outcome, &turn)
    case .unpaired(let device, let link): return unpaired(device, link, &turn)
    case .recorded(let record):
      if let number = record.keys { keys.promote(number) }
      return []
    case .recordRefused:
      keys.dropCandidate()
      return []
    }
  }

  private func publish(_ turn: inout Turn) {
    turn.house.air = air.mapValues(\.fact)
    turn.house.keys = keys.keys
    turn.house.keysFault = keys.fault
    turn.house.bluetooth = BluetoothFact(
      fault: bluetoothFault(&turn),
      controllers: controllers.values.sorted { $0.index < $1.index }.map {
        .init(index: $0.index, address: $0.address?.description, isReady: $0.isReady)
      },
      pairing: pairing.map {
        .init(device: $0.device, consent: $0.wish.consent, isPairing: $0.stage == .pairing)
      }, isNeeded: !peers.isEmpty)
  }

  private mutating func configured(_ turn: inout Turn) -> [Effect] {
    peers = [:]
    for device in turn.knownDevices {
      guard case .bluetooth(let link) = device.endpoint, let profile = Registry.profile(id: device.driver) else {
        continue
      }
      peers[link.device] = Peer(id: device.id, link: link, profile: profile)
    }
    let known = Set(peers.values.map(\.id))
    air = air.filter { known.contains($0.key) }
    return turn.house.isStarted ? openBluetooth(&turn) + listDevices(&turn) : []
  }
}

extension Bluetooth {
  /// How long a closed door or a controller that is down waits, in milliseconds.
  static let bluetoothRetry: Int64 = 30_000

  mutating func openBluetooth(_ turn: inout Turn) -> [Effect] {
    let settings = turn.house.configuration.bluetooth
    guard settings.isEnabled, door == .closed else { return [] }
    door = .opening
    reopenAt = nil
    return [.openBluetooth(ignoresOtherDaemons: settings.ignoresOtherDaemons)]
  }

  mutating func opened() -> [Effect] {
    door = .open
    fault = nil
    controllers = [:]
    departed { _ in true }
    return [manage(.readIndexList, ManagementCommand.noIndex)]
  }

  mutating func closed(_ end: LinkEnd, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    let isNew = fault?.code != end.code
    door = .closed
    fault = end
    controllers = [:]
    departed { _ in true }
    parting = nil
    var effects = failPairing(ControlError(code: end.code, message: end.message, hint: end.hint), &turn)
    let isWanted = !peers.isEmpty
    // Without devices nobody waits for it: it is tried again when a technician asks.
    if isWanted { reopenAt = now.monotonic + Bluetooth.bluetoothRetry }
    if isNew, isWanted { effects.append(.log(.warning, "\(end.code): \(end.words)")) }
    return effects
  }

  func manage(_ command: ManagementCommand, _ index: UInt16) -> Effect { .manage(command.packet(index: index)) }

  /// The index of a controller by its address.
  func controllerIndex(_ address: PeerAddress) -> UInt16? {
    controllers.values.first { $0.address == address && $0.isReady }?.index
  }

  /// The registered device of an address, when its bond is with this controller.
  private func device(_ address: PeerAddress, on index: UInt16) -> String? {
    guard let peer = peers[address], let own = controllers[index]?.address, peer.link.controller == own else {
      return nil
    }
    return peer.id
  }

  /// The controller for a new device: the configured one, or the first that is ready.
  var readyController: Controller? {
    controllers.values.filter(\.isReady).min { $0.index < $1.index }
  }

  mutating func received(_ octets: [UInt8], _ turn: inout Turn) -> [Effect] {
    let packet: ManagementPacket
    do {
      packet = try ManagementPacket(octets)
    } catch {
      return [
        .log(.debug, "bluetooth.unreadable: an event of the kernel cannot be read and is left out: \(error.message)")
      ]
    }
    let index = packet.index
    switch packet.event {
    case .complete(let opcode, let status, let data): return completed(opcode, status, data, index, &turn)
    case .indexAdded: return addController(index, &turn)
    case .indexRemoved: return removeController(index, &turn)
    case .settings(let settings): return settingsChanged(settings, index, &turn)
    case .connected(let address, let advertising): return connected(address, advertising, index, &turn)
    case .disconnected(let address, let reason):
      let effects = address == parting ? parted(&turn) : []
      departed { $0.controller == index && $0.address == address }
      guard reason == .authenticationFailure, let id = device(address, on: index) else { return effects }
      return effects + bondLost(id, &turn)
    case .connectFailed(let address, _):
      if let id = device(address, on: index) { air[id, default: Air()].fact.missedContacts += 1 }
      return []
    case .found(let address, let rssi, let data): return heard(address, rssi, data, index, &turn)
    case .discovering(let isOn): return discovering(isOn, index, &turn)
    case .newLongTermKey(let key, let stores):
      return stores
        ? keep(key.address, index) {
          $0.add(key, on: $1)
        } pairing: {
          $0.longTermKeys.append(key)
        } : []
    case .newIdentityKey(let key, let random, let stores):
      return stores
        ? keep(key.address, seenAs: random, index) {
          $0.add(key, on: $1)
        } pairing: {
          $0.identityKeys.append(key)
        } : []
    case .newConnectionParameters(let parameters, let stores):
      return stores ? keepParameters(parameters, index) : []
    case .confirmationRequest, .passkeyRequest, .passkeyNotify: return asked(packet.event, index)
    case .deviceRemoved, .deviceAdded:
      // The kernel does not tell us of our own: another program steers the controller.
      return anotherProgram(&turn)
    case .controllerError, .authenticationFailed, .unpaired, .other: return []
    }
  }

  // MARK: The kernel's list of devices

  /// Puts on the kernel's list what is to be there, and takes off what is not.
  mutating func listDevices(_ turn: inout Turn) -> [Effect] {
    var effects: [Effect] = []
    for index in controllers.keys.sorted() {
      guard let controller = controllers[index], controller.isReady else { continue }
      var wanted: [PeerAddress: ManagementCommand.DeviceAction] = [:]
      for (address, peer) in peers {
        let air = air[peer.id] ?? Air()
        guard peer.link.controller == controller.address, !air.fact.needsPairing, air.relistAt == nil,
          !turn.isLeftAlone(peer.id)
        else { continue }
        if case .advertisement = peer.profile.transport {
          wanted[address] = .report
        } else {
          wanted[address] = .connect
        }
      }
      for address in controller.listed.keys.sorted(by: { $0.bits < $1.bits }) where wanted[address] == nil {
        effects.append(manage(.removeDevice(address), index))
      }
      for (address, action) in wanted.sorted(by: { $0.key.bits < $1.key.bits })
      where controller.listed[address] != action {
        effects.append(manage(.addDevice(address, action), index))
      }
      controllers[index]?.listed = wanted
    }
    return effects
  }

  // MARK: Links

  private mutating func connected(
    _ address: PeerAddress, _ advertising: [UInt8], _ index: UInt16, _ turn: inout Turn
  ) -> [Effect] {
    let isPairing = pairing?.peer == address && pairing?.stage == .pairing
    guard let id = isPairing ? pairing?.device : device(address, on: index),
      let device = turn.house.devices[id]
    else {
      return []
    }
    guard !device.isUp, !turn.isLeftAlone(id) else { return [] }
    return arrived(id, Arrival(controller: index, address: address, opensAt: turn.now.monotonic), &turn)
  }

  /// What follows the end of a link over the air: the kernel goes on listening by itself.
  private mutating func linkClosed(
    _ id: String, _ end: LinkEnd, _ news: LinkNews, _ turn: inout Turn
  ) -> [Effect] {
    guard pairing?.device == id || peers.values.contains(where: { $0.id == id }) else { return [] }
    air[id, default: Air()].isConnecting = false
    if end.code == "security" { return bondLost(id, &turn) }
    if news.hadReading { air[id]?.fact.missedContacts = 0 } else { air[id]?.fact.missedContacts += 1 }
    guard !news.isNew else {
      air[id]?.linksWithoutNews = 0
      return []
    }
    air[id]?.linksWithoutNews += 1
    let links = air[id]?.linksWithoutNews ?? 1
    // A device that hung up once may have been disturbed; one that does so again has nothing to say.
    guard end.code == "ended" || end.code == "peer" && links > 1, air[id]?.relistAt == nil, pairing?.device != id else {
      return []
    }
    air[id]?.relistAt =
      turn.now.monotonic
      + (news.isOfAnotherKind && end.code == "ended" ? Bluetooth.longestPause : Bluetooth.pause(links))
    return listDevices(&turn)
  }

  /// How long a device of another protocol is left alone, in milliseconds.
  private static let longestPause: Int64 = 600_000

  /// How long a device that stays on the air is left alone, in milliseconds: connecting again at once would keep it awake and empty
  /// its battery. Shorter at first than any device is on the air after a measurement; longer for one that has been quiet long.
  private static func pause(_ links: Int) -> Int64 {
    links > 20 ? 60_000 : min(30_000, 4000 << Int64(max(0, min(links - 1, 3))))
  }

  /// The device has no key for this hub any more, or never kept it. It is tried no more until a technician pairs it again.
  mutating func bondLost(_ id: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard let device = turn.house.devices[id], !(air[id]?.fact.needsPairing ?? false), pairing?.device != id else {
      return []
    }
    air[id, default: Air()].fact.needsPairing = true
    let event = HubEvent(
      device: id, code: "device.needs-pairing", message: "the device does not know this hub any more", at: now.wall,
      offsetSeconds: Int32(
        clamping: turn.house.zone(for: device.configuration, patient: nil).local(at: now.wall / 1000).offset))
    return [
      .log(
        .warning,
        "device \(id): device.needs-pairing: it does not know this hub any more; pair it again: hearthctl pair")
    ]
      + listDevices(&turn) + turn.append([.event(event)])
  }

  // MARK: Keys

  /// Keeps a key: of the pairing under way until it is complete, of a known device at once. A stranger's is not kept.
  private mutating func keep(
    _ address: PeerAddress, seenAs random: PeerAddress? = nil, _ index: UInt16,
    _ add: (inout Bonds, PeerAddress) -> Void, pairing collect: (inout Pairing) -> Void
  ) -> [Effect] {
    guard let own = controllers[index]?.address else { return [] }
    if pairing?.controller == index, pairing?.stage == .pairing, var pairing = pairing,
      pairing.concerns(address) || random == pairing.peer
    {
      collect(&pairing)
      self.pairing = pairing
      return []
    }
    guard device(address, on: index) != nil else { return [] }
    // The kernel uses it already: it counts at once, and is written until the disk has it.
    keys.renew { add(&$0.bonds, own) }
    return []
  }

  private mutating func keepParameters(_ parameters: ConnectionParameters, _ index: UInt16) -> [Effect] {
    guard let own = controllers[index]?.address else { return [] }
    if pairing?.concerns(parameters.address) ?? false {
      self.pairing?.parameters.append(parameters)
      return []
    }
    guard device(parameters.address, on: index) != nil, !keys.keys.bonds.keys(of: own).parameters.contains(parameters)
    else {
      return []
    }
    keys.renew { $0.bonds.add(parameters, on: own) }
    return []
  }
}
