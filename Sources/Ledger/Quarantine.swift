// Devices in whose sessions the daemon died, and how often: the newest record of each.

package import JSON

/// Devices in whose sessions the daemon died.
package struct Quarantine: Sendable, Hashable {
  /// What is known of one device.
  package struct Entry: Sendable, Hashable {
    /// Sessions in which it died.
    package var crashes: Int
    /// Milliseconds since 1970.
    package var last: Int64

    package func json(_ device: String) -> JSONValue {
      ["device": .string(device), "crashes": .int(crashes), "last": .int(last)]
    }
  }

  /// So many make a quarantine.
  package static let limit = 3
  /// After so long without another one, what was before counts no more, in milliseconds.
  package static let memory: Int64 = 7 * 86_400_000

  package var devices: [String: Entry] = [:]

  /// Nobody.
  package init() {}

  package func holds(_ device: String) -> Bool { devices[device]?.crashes ?? 0 >= Quarantine.limit }

  package func crashes(of device: String) -> Int { devices[device]?.crashes ?? 0 }

  /// What is known of a device after one more crash.
  package func crashed(_ device: String, at wall: Int64) -> Entry {
    var entry = devices[device] ?? Entry(crashes: 0, last: wall)
    if entry.crashes < Quarantine.limit, abs(wall - entry.last) > Quarantine.memory { entry.crashes = 0 }
    entry.crashes = min(entry.crashes + 1, Quarantine.limit)
    entry.last = wall
    return entry
  }

  /// As snapshots have it.
  package var json: JSONValue {
    let list = devices.sorted { $0.key < $1.key }.map { id, entry in entry.json(id) }
    return ["version": 1, "devices": .array(list)]
  }

  /// From the state file's octets. Throws when they are no such file.
  package init(_ octets: [UInt8]) throws(JSONError) {
    let top = try JSONReader(maximumSize: 1 << 20).node(octets).object(known: ["version", "devices"])
    _ = try top.required("version", "1").int(in: 1...1)
    for item in try top.required("devices", "a list").array() {
      let entry = try item.object(known: ["device", "crashes", "last"])
      devices[try entry.required("device", "a device").string()] = Entry(
        crashes: try entry.required("crashes", "how many").int(in: 1...Quarantine.limit),
        last: Int64(try entry.required("last", "a time").int(in: 0...253_402_300_800_000)))
    }
  }
}
