// What was heard lately, for a technician who looks for a device: the newest advertisement of each address, bounded.

internal import BluetoothManagement
internal import Drivers
internal import GATT
internal import JSON
internal import Octets
internal import Ledger

/// A device that is on the air.
struct Neighbour: Sendable {
  var address: PeerAddress
  var rssi: Int8
  var heardAt: Int64
  /// When a technician was told of it last.
  var toldAt: Int64?
  var name: String?
  var services: [BluetoothUUID] = []
  /// The newest of each service and company.
  var data: [AdvertisedData] = []
  var flags: UInt8?

  init(_ address: PeerAddress) {
    self.address = address
    rssi = 0
    heardAt = 0
  }

  /// Adds what an advertisement or a scan response says; both belong to one device.
  mutating func hear(_ octets: [UInt8], rssi: Int8, at now: Int64) {
    let advertisement = Advertisement(octets)
    self.rssi = rssi
    heardAt = now
    if let name = advertisement.name, !name.isEmpty { self.name = name }
    for service in advertisement.services where !services.contains(service) { services.append(service) }
    for item in advertisement.serviceData {
      data.removeAll { $0.service == item.uuid }
      data.append(AdvertisedData(service: item.uuid, octets: item.octets))
    }
    for (company, octets) in advertisement.manufacturerData.sorted(by: { $0.key < $1.key }) {
      data.removeAll { $0.company == company }
      data.append(AdvertisedData(company: company, octets: octets))
    }
    if let flags = advertisement.flags { self.flags = flags }
  }

  /// The driver that claims it.
  var profile: DeviceProfile? { claim.profile }

  /// The driver that claims it, or why none does although it is known.
  var claim: Registry.Claim {
    Registry.recognise(
      name: name, services: services, serviceData: data.compactMap(\.service), companies: data.compactMap(\.company),
      data: data)
  }
}

/// What was heard lately.
struct Neighbourhood: Sendable {
  /// A block of flats has fewer.
  static let capacity = 256
  /// How long a device counts as there after it fell silent, in milliseconds: one that is to be paired has to answer.
  static let memory: Int64 = 10_000

  private(set) var neighbours: [PeerAddress: Neighbour] = [:]
  /// When each was heard: who has to give way is found without looking at all that they said.
  private var heardAt: [PeerAddress: Int64] = [:]

  mutating func hear(_ address: PeerAddress, _ octets: [UInt8], rssi: Int8, at now: Int64) -> Neighbour {
    var neighbour = neighbours[address] ?? Neighbour(address)
    neighbour.hear(octets, rssi: rssi, at: now)
    if heardAt[address] == nil, heardAt.count >= Neighbourhood.capacity {
      if let oldest = heardAt.min(by: { $0.value < $1.value })?.key {
        neighbours[oldest] = nil
        heardAt[oldest] = nil
      }
    }
    neighbours[address] = neighbour
    heardAt[address] = now
    return neighbour
  }

  /// Once a second is often enough for a list that a person reads.
  mutating func mayTell(_ address: PeerAddress, at now: Int64) -> Bool {
    if let told = neighbours[address]?.toldAt, now - told < 1000 { return false }
    neighbours[address]?.toldAt = now
    return true
  }

  /// Somebody new looks.
  mutating func tellAnew() { for address in neighbours.keys { neighbours[address]?.toldAt = nil } }

  /// The device of an address text, when it was heard a moment ago.
  func find(_ text: String, at now: Int64) -> Neighbour? {
    neighbours.values.first {
      $0.address.description == text.uppercased() && now - $0.heardAt <= Neighbourhood.memory
    }
  }

  /// A device whose link is up: it is there, and may not be on the air.
  mutating func connected(_ address: PeerAddress, at now: Int64) -> Neighbour {
    var neighbour = neighbours[address] ?? Neighbour(address)
    neighbour.heardAt = now
    return neighbour
  }
}
