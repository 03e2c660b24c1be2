// What a scan found: the newest of each address, in the order in which a technician looks for it.

import JSON

/// A device that is on the air, as the daemon tells of it.
struct FoundDevice: Equatable {
  var address: String
  var name: String?
  /// Signal in dBm.
  var rssi: Int
  /// The hub's name for it, when it is paired.
  var known: String?
  var driver: String?
  var what: String?
  /// Why a device that is known cannot be read.
  var refusal: String?
  var isSupported: Bool
  var isInPairingMode: Bool
  /// Monotonic milliseconds.
  var heardAt: Int64
  /// Its number in a choice, from 1; it keeps it.
  var number = 0

  /// Nil for what is no found device.
  init?(_ value: JSONValue, at now: Int64) {
    guard value["event"]?.string == "found", let address = value["address"]?.string else { return nil }
    self.address = address
    name = value["name"]?.string
    rssi = value["rssi"]?.int ?? -127
    known = value["known"]?.string
    driver = value["driver"]?.string
    what = value["what"]?.string
    refusal = value["refusal"]?.string
    isSupported = value["supported"]?.bool ?? false
    isInPairingMode = value["pairing_mode"]?.bool ?? false
    heardAt = now
  }

  /// What it is and by which driver.
  var kind: String {
    guard isSupported else { return refusal ?? "not supported" }
    return [what, driver.map { "(\($0))" }].compactMap { $0 }.joined(separator: " ")
  }

  /// How the hub stands to it.
  var state: String {
    if let known { return "known: \(known)" }
    return isInPairingMode ? "in pairing mode" : "new"
  }

  /// Four bars, fewer the weaker it is; nothing when it fell silent.
  func bars(at now: Int64) -> String { now - heardAt > 10_000 ? "silent" : Show.bars(rssi) }
}

/// All that were found.
struct FoundDevices {
  private(set) var all: [String: FoundDevice] = [:]
  private var lastNumber = 0

  /// Takes one; tells whether something else than its signal is new.
  mutating func take(_ device: FoundDevice) -> Bool {
    var device = device
    let before = all[device.address]
    device.number = before?.number ?? 0
    if device.isSupported, device.number == 0 {
      lastNumber += 1
      device.number = lastNumber
    }
    all[device.address] = device
    guard let before else { return true }
    var same = device
    (same.rssi, same.heardAt) = (before.rssi, before.heardAt)
    return same != before
  }

  /// Supported first, of those the ones in pairing mode where asked for, then by signal in steps of 5 dB, so that they keep
  /// their places.
  func sorted(pairingFirst: Bool = false) -> [FoundDevice] {
    func rank(_ device: FoundDevice) -> (Int, Int, Int, String) {
      (
        device.isSupported ? 0 : 1, pairingFirst && device.isInPairingMode && device.known == nil ? 0 : 1,
        -(device.rssi / 5),
        device.address
      )
    }
    return all.values.sorted { rank($0) < rank($1) }
  }

  var unsupported: Int { all.values.count { !$0.isSupported } }

  /// One line that stands for what is not shown.
  static func others(_ count: Int) -> String {
    count == 1
      ? "1 other device is not supported; --all shows it" : "\(count) others are not supported; --all shows them"
  }
}
