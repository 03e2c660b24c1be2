// What is on the air: a technician looks for devices, a pairing waits for its own, a scale says its weight.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import JSON
internal import Octets
internal import Readings
internal import Ledger

extension Bluetooth {
  mutating func scan(_ id: RequestID, seconds: Int, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    if let fault = bluetoothFault(&turn) { return openBluetooth(&turn) + [.answer(id, .failure(fault))] }
    scans[id.connection] = now.monotonic + Int64(seconds) * 1000
    neighbourhood.tellAnew()
    return [.answer(id, .result(["scanning": true, "seconds": .int(seconds)]))] + discover()
  }

  /// Asks for discovery where it is wanted and not on.
  func discover() -> [Effect] {
    guard !scans.isEmpty || pairing?.stage == .searching else { return [] }
    // The kernel does not pair well while it searches.
    if let stage = pairing?.stage, stage.keepsFromDiscovery { return [] }
    return controllers.values.filter { $0.isReady && !$0.isDiscovering }.sorted { $0.index < $1.index }.map {
      manage(.startDiscovery, $0.index)
    }
  }

  mutating func endScans(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    let ended = scans.filter { $0.value <= now.monotonic }.keys.sorted()
    guard !ended.isEmpty else { return [] }
    for connection in ended { scans[connection] = nil }
    return ended.map { .notify(connection: $0, method: "scan", ["event": "ended"]) } + stopDiscovery()
  }

  /// After a pairing: who looks goes on looking; when nobody does, discovery ends.
  func resumeDiscovery() -> [Effect] { scans.isEmpty ? stopDiscovery() : discover() }

  /// Ends discovery when nobody looks any more.
  func stopDiscovery() -> [Effect] {
    guard scans.isEmpty, pairing?.stage != .searching else { return [] }
    return controllers.values.filter(\.isDiscovering).sorted { $0.index < $1.index }.map {
      manage(.stopDiscovery, $0.index)
    }
  }

  mutating func callerGone(_ connection: UInt64, _ turn: inout Turn) -> [Effect] {
    scans[connection] = nil
    var effects = stopDiscovery()
    if pairing?.request.connection == connection {
      effects += failPairing(ControlError(code: "pairing.cancelled", message: "the technician left"), &turn)
    }
    return effects
  }

  mutating func heard(
    _ address: PeerAddress, _ rssi: Int8, _ octets: [UInt8], _ index: UInt16, _ turn: inout Turn
  ) -> [Effect] {
    let now = turn.now
    var effects: [Effect] = []
    concern = .none
    if let peer = peers[address] {
      concern = .air(peer.id)
      air[peer.id, default: Air()].fact.rssi = rssi
      if case .advertisement = peer.profile.transport { advertised(peer.id, octets, &turn) }
    }
    guard !scans.isEmpty || pairing?.stage == .searching else { return effects }
    let neighbour = neighbourhood.hear(address, octets, rssi: rssi, at: now.monotonic)
    if !scans.isEmpty, neighbourhood.mayTell(address, at: now.monotonic) {
      let value = found(neighbour)
      effects += scans.keys.sorted().map { .notify(connection: $0, method: "scan", value) }
    }
    if let pairing = pairing, pairing.stage == .searching,
      pairing.wish.address.uppercased() == address.description
    {
      concern = .all
      effects += chosen(neighbour, &turn)
    }
    return effects
  }

  /// Values in the advertisement of a device that sends them so.
  private func advertised(_ id: String, _ octets: [UInt8], _ turn: inout Turn) {
    let advertisement = Advertisement(octets)
    for data in advertisement.serviceData {
      turn.send(.links(.advertised(id, AdvertisedData(service: data.uuid, octets: data.octets))))
    }
    for (company, octets) in advertisement.manufacturerData.sorted(by: { $0.key < $1.key }) {
      turn.send(.links(.advertised(id, AdvertisedData(company: company, octets: octets))))
    }
  }

  private func found(_ neighbour: Neighbour) -> JSONValue {
    var object = JSONObject()
    object["event"] = "found"
    object["address"] = .string(neighbour.address.description)
    object["address_type"] = neighbour.address.kind == .randomLE ? "random" : "public"
    object["name"] = neighbour.name.map { .string($0) } ?? .null
    object["rssi"] = .int(Int(neighbour.rssi))
    object["known"] = peers[neighbour.address].map { .string($0.id) } ?? .null
    let claim = neighbour.claim
    let profile = claim.profile
    if let refusal = claim.refusal { object["refusal"] = .string(refusal) }
    object["supported"] = .bool(profile != nil)
    object["driver"] = profile.map { .string($0.id) } ?? .null
    if let profile {
      object["what"] = .string(
        ([profile.manufacturer].compactMap { $0 } + [profile.kinds.map(\.rawValue).joined(separator: ", ")]).joined(
          separator: " "))
    }
    object["pairing_mode"] = .bool((neighbour.flags ?? 0) & 1 != 0)
    return .object(object)
  }

  mutating func discovering(_ isOn: Bool, _ index: UInt16, _ turn: inout Turn) -> [Effect] {
    controllers[index]?.isDiscovering = isOn
    guard !isOn else { return [] }
    if let pairing = pairing, pairing.stage == .stoppingDiscovery, pairing.controller == index {
      return beginPairing(&turn)
    }
    // The kernel searches in bouts of ten seconds.
    return discover()
  }
}
