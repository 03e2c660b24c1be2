// The load that a scale still shows when a session ends: the newest record of each device. Without it, the same person on the scale is
// measured once more after a start of the hub, or when the cable is plugged in again.

package import Drivers
package import JSON

/// A load whose weight was given, and when.
package struct KeptLoad: Sendable, Hashable {
  package var load: HeldLoad
  /// When it was given, milliseconds since 1970.
  package var at: Int64

  /// How long a load that a printed line told is remembered over a start: most scales that print show no zero. In milliseconds.
  package static let printed: Int64 = 900_000

  package init(_ load: HeldLoad, at: Int64) {
    self.load = load
    self.at = at
  }

  /// What a session that begins at a moment has to know; nil: the load may be any.
  package func isKnown(at wall: Int64) -> Bool { load.isStreamed || abs(wall - at) <= KeptLoad.printed }

  /// As records and snapshots have it.
  package var json: JSONValue {
    ["mg": .int(load.milligrams), "streamed": .bool(load.isStreamed), "at": .int(at)]
  }

  /// Nil when it is none.
  package init?(json value: JSONValue?) {
    guard case .number(let milligrams)? = value?["mg"], let weight = milligrams.int64,
      (1...1_000_000_000).contains(weight),
      let isStreamed = value?["streamed"]?.bool, case .number(let number)? = value?["at"], let at = number.int64,
      (0...253_402_300_800_000).contains(at)
    else { return nil }
    self.init(HeldLoad(milligrams: weight, isStreamed: isStreamed), at: at)
  }

  /// All of them, by device, as snapshots have them.
  static func json(_ loads: [String: KeptLoad]) -> JSONValue {
    var object = JSONObject()
    for (device, load) in loads.sorted(by: { $0.key < $1.key }) { object[device] = load.json }
    return .object(object)
  }

  /// What a snapshot says; one of before they were kept says nothing.
  static func loads(json value: JSONValue?) -> [String: KeptLoad] {
    var loads: [String: KeptLoad] = [:]
    for member in value?.object?.members ?? [] { loads[member.key] = KeptLoad(json: member.value) }
    return loads
  }
}
