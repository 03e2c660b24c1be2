// What is on the air: a technician looks for devices, a pairing waits for its own, a scale says its weight.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import JSON
internal import Octets
internal import Readings

extension Gateway {
  mutating func scan(_ id: RequestID, seconds: Int, _ now: Now) -> [Effect] {
    if let fault = bluetoothFault { return openBluetooth() + [.answer(id, .failure(fault))] }
    bluetooth.scans[id.connection] = now.monotonic + Int64(seconds) * 1000
    bluetooth.neighbourhood.tellAnew()
    return [.answer(id, .result(["scanning": true, "seconds": .int(seconds)]))] + discover()
  }

  /// Asks for discovery where it is wanted and not on.
  func discover() -> [Effect] {
    guard !bluetooth.scans.isEmpty || bluetooth.pairing?.stage == .searching else { return [] }
    // The kernel does not pair well while it searches.
    if let stage = bluetooth.pairing?.stage, stage.keepsFromDiscovery { return [] }
    return bluetooth.controllers.values.filter { $0.isReady && !$0.isDiscovering }.sorted { $0.index < $1.index }.map {
      manage(.startDiscovery, $0.index)
    }
  }

  mutating func endScans(_ now: Now) -> [Effect] {
    let ended = bluetooth.scans.filter { $0.value <= now.monotonic }.keys.sorted()
    guard !ended.isEmpty else { return [] }
    for connection in ended { bluetooth.scans[connection] = nil }
    return ended.map { .notify(connection: $0, method: "scan", ["event": "ended"]) } + stopDiscovery()
  }

  /// After a pairing: who looks goes on looking; when nobody does, discovery ends.
  func resumeDiscovery() -> [Effect] { bluetooth.scans.isEmpty ? stopDiscovery() : discover() }

  /// Ends discovery when nobody looks any more.
  func stopDiscovery() -> [Effect] {
    guard bluetooth.scans.isEmpty, bluetooth.pairing?.stage != .searching else { return [] }
    return bluetooth.controllers.values.filter(\.isDiscovering).sorted { $0.index < $1.index }.map {
      manage(.stopDiscovery, $0.index)
    }
  }

  mutating func callerGone(_ connection: UInt64, _ now: Now) -> [Effect] {
    captures[connection] = nil
    bluetooth.scans[connection] = nil
    var effects = stopDiscovery()
    if bluetooth.pairing?.request.connection == connection {
      effects += failPairing(ControlError(code: "pairing.cancelled", message: "the technician left"), now)
    }
    return effects
  }

  mutating func heard(
    _ address: PeerAddress, _ rssi: Int8, _ octets: [UInt8], _ index: UInt16, _ now: Now
  ) -> [Effect] {
    var effects: [Effect] = []
    if let id = bluetooth.devices[address] {
      devices[id]?.rssi = rssi
      effects += advertised(id, octets, now)
    }
    guard !bluetooth.scans.isEmpty || bluetooth.pairing?.stage == .searching else { return effects }
    let neighbour = bluetooth.neighbourhood.hear(address, octets, rssi: rssi, at: now.monotonic)
    if !bluetooth.scans.isEmpty, bluetooth.neighbourhood.mayTell(address, at: now.monotonic) {
      let value = found(neighbour)
      effects += bluetooth.scans.keys.sorted().map { .notify(connection: $0, method: "scan", value) }
    }
    if let pairing = bluetooth.pairing, pairing.stage == .searching,
      pairing.wish.address.uppercased() == address.description
    {
      effects += chosen(neighbour, now)
    }
    return effects
  }

  /// Values in the advertisement of a device that sends them so.
  private mutating func advertised(_ id: String, _ octets: [UInt8], _ now: Now) -> [Effect] {
    guard let device = devices[id], case .advertisement = device.profile.transport else { return [] }
    let advertisement = Advertisement(octets)
    var effects: [Effect] = []
    for data in advertisement.serviceData {
      effects += advertised(id, AdvertisedData(service: data.uuid, octets: data.octets), now)
    }
    for (company, octets) in advertisement.manufacturerData.sorted(by: { $0.key < $1.key }) {
      effects += advertised(id, AdvertisedData(company: company, octets: octets), now)
    }
    return effects
  }

  private func found(_ neighbour: Neighbour) -> JSONValue {
    var object = JSONObject()
    object["event"] = "found"
    object["address"] = .string(neighbour.address.description)
    object["address_type"] = neighbour.address.kind == .randomLE ? "random" : "public"
    object["name"] = neighbour.name.map { .string($0) } ?? .null
    object["rssi"] = .int(Int(neighbour.rssi))
    object["known"] = bluetooth.devices[neighbour.address].map { .string($0) } ?? .null
    let profile = neighbour.profile
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

  mutating func discovering(_ isOn: Bool, _ index: UInt16, _ now: Now) -> [Effect] {
    bluetooth.controllers[index]?.isDiscovering = isOn
    guard !isOn else { return [] }
    if let pairing = bluetooth.pairing, pairing.stage == .stoppingDiscovery, pairing.controller == index {
      return beginPairing(now)
    }
    // The kernel searches in bouts of ten seconds.
    return discover()
  }
}
