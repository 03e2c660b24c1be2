// The load that a scale still shows when a session ends: the newest record of each device. Without it, the same person on the scale is
// measured once more after a start of the hub, or when the cable is plugged in again.

package import Drivers
package import JSON

/// A load whose weight was given, when, and whose it was.
package struct KeptLoad: Sendable, Hashable {
  package var load: HeldLoad
  /// When it was given, milliseconds since 1970.
  package var at: Int64
  /// Whose weight it was; nil: nobody's, or not known.
  package var patient: String?

  /// So many are remembered, so that snapshots stay small: a hub has fewer scales, but devices may be named anew without end.
  package static let most = 64
  /// How long a load that a printed line told is remembered over a start: most scales that print show no zero. In milliseconds.
  package static let printed: Int64 = 900_000

  /// A load that was given at a moment.
  package init(_ load: HeldLoad, at: Int64, patient: String? = nil) {
    self.load = load
    self.at = at
    self.patient = patient
  }

  /// Goes with this patient: it is hers, or may be.
  func isErased(with patient: String) -> Bool { self.patient == nil || self.patient == patient }

  /// What a session that begins at a moment has to know; nil: the load may be any.
  package func isKnown(at wall: Int64) -> Bool { load.isStreamed || abs(wall - at) <= KeptLoad.printed }

  /// As records and snapshots have it.
  package var json: JSONValue {
    var object = JSONObject()
    object["mg"] = .int(load.milligrams)
    object["streamed"] = .bool(load.isStreamed)
    object["at"] = .int(at)
    if let patient { object["patient"] = .string(patient) }
    return .object(object)
  }

  /// Nil when it is none.
  package init?(json value: JSONValue?) {
    guard case .number(let milligrams)? = value?["mg"], let weight = milligrams.int64,
      (1...1_000_000_000).contains(weight),
      let isStreamed = value?["streamed"]?.bool, case .number(let number)? = value?["at"], let at = number.int64,
      (0...253_402_300_800_000).contains(at)
    else { return nil }
    self.init(HeldLoad(milligrams: weight, isStreamed: isStreamed), at: at, patient: value?["patient"]?.string)
  }

  /// What a snapshot says; one of before they were kept says nothing.
  static func loads(json value: JSONValue?) -> [String: KeptLoad] {
    var loads: [String: KeptLoad] = [:]
    for member in (value?.object?.members ?? []).prefix(most) { loads[member.key] = KeptLoad(json: member.value) }
    return loads
  }
}

extension LedgerState {
  /// Takes what a scale holds now. Beyond the bound the oldest is forgotten: its scale gives one weight too many.
  mutating func hold(_ load: KeptLoad?, of device: String) {
    heldLoads[device] = load
    guard heldLoads.count > KeptLoad.most else { return }
    let oldest = heldLoads.filter { $0.key != device }.min { ($0.value.at, $0.key) < ($1.value.at, $1.key) }
    if let oldest { heldLoads[oldest.key] = nil }
  }
}
