// The signs of all profiles, sorted once: a hub in a block of flats hears thousands of strangers, and each of them is compared with
// every name that some driver knows.

internal import Octets

/// Finds profiles, as places in the list that it was made of.
struct SignIndex: Sendable {
  private struct Name: Sendable {
    var octets: [UInt8]
    /// Octets of the name as the profile writes it: the longest decides.
    var length: Int
    var profile: Int
  }

  /// By the first octet.
  private var names: [[Name]] = Array(repeating: [], count: 256)
  /// Beurer writes the names of its devices in several ways: these are compared without blanks and maker, in capitals.
  private var short: [[Name]] = Array(repeating: [], count: 256)
  private var services: [BluetoothUUID: Int] = [:]
  private var serviceData: [BluetoothUUID: [Int]] = [:]
  private var companies: [UInt16: [Int]] = [:]
  private let accepts: [(@Sendable (AdvertisedData) -> Bool)?]

  init(_ profiles: [DeviceProfile]) {
    accepts = profiles.map(\.accepts)
    for (index, profile) in profiles.enumerated() {
      for sign in profile.recognition {
        switch sign {
        case .namePrefix(let prefix):
          let octets = Array(prefix.utf8)
          guard let first = octets.first else { continue }
          names[Int(first)].append(Name(octets: octets, length: octets.count, profile: index))
          guard ["Beurer", "Sanitas"].contains(profile.manufacturer) else { continue }
          let plain = ModelName.short(octets)
          if let first = plain.first {
            short[Int(first)].append(Name(octets: plain, length: octets.count, profile: index))
          }
        case .service(let uuid): if services[uuid] == nil { services[uuid] = index }
        case .serviceData(let uuid): serviceData[uuid, default: []].append(index)
        case .company(let company): companies[company, default: []].append(index)
        case .usb, .frames: continue
        }
      }
    }
  }

  /// The profile with the longest beginning of a name.
  func longest(_ name: [UInt8]) -> (profile: Int, length: Int)? {
    var best: Name?
    func look(_ list: [Name], _ text: [UInt8]) {
      for candidate in list where candidate.length > best?.length ?? 0 && text.starts(with: candidate.octets) {
        best = candidate
      }
    }
    if let first = name.first { look(names[Int(first)], name) }
    let plain = ModelName.short(name)
    if let first = plain.first { look(short[Int(first)], plain) }
    return best.map { ($0.profile, $0.length) }
  }

  /// Of service data: where its octets are known they decide.
  func first(serviceData uuids: [BluetoothUUID], _ data: [AdvertisedData]) -> Int? {
    first(
      uuids.flatMap { uuid in (serviceData[uuid] ?? []).filter { isAccepted($0, data.filter { $0.service == uuid }) } })
  }

  func first(services uuids: [BluetoothUUID]) -> Int? { first(uuids.compactMap { services[$0] }) }

  func first(companies ids: [UInt16], _ data: [AdvertisedData]) -> Int? {
    first(ids.flatMap { id in (companies[id] ?? []).filter { isAccepted($0, data.filter { $0.company == id }) } })
  }

  /// The profile that stands first.
  private func first(_ found: [Int]) -> Int? { found.min() }

  private func isAccepted(_ profile: Int, _ data: [AdvertisedData]) -> Bool {
    guard let accepts = accepts[profile], !data.isEmpty else { return true }
    return data.contains(where: accepts)
  }
}
