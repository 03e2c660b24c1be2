// Which stored readings are asked for.

package import Readings

/// Which stored readings a technician asks for.
package struct ReadingQuery: Sendable, Hashable {
  /// Measured (where that is known, else received) at or after this, in milliseconds since 1970.
  package var since: Int64?
  /// Measured before this, in milliseconds since 1970.
  package var until: Int64?
  /// By this device alone.
  package var device: String?
  /// Of these zones alone; empty: of all.
  package var zones: [Zone] = []
  /// Of this patient alone.
  package var patient: String?
  /// Of this kind alone.
  package var kind: ReadingKind?
  /// Only those that wait for a patient.
  package var parkedOnly: Bool
  /// The newest so many.
  package var limit: Int
  /// These alone, by sequence number.
  package var sequences: Set<UInt64>?

  /// Which stored readings.
  package init(
    since: Int64? = nil, patient: String? = nil, kind: ReadingKind? = nil, parkedOnly: Bool = false, limit: Int
  ) {
    self.since = since
    self.patient = patient
    self.kind = kind
    self.parkedOnly = parkedOnly
    self.limit = limit
  }

  /// True when a stored reading is one of those that are asked for, by all but its sequence number.
  package func matches(_ reading: Reading) -> Bool {
    let time = (reading.takenAt ?? reading.receivedAt).milliseconds
    if let since, time < since { return false }
    if let until, time >= until { return false }
    if let patient, reading.patient != patient { return false }
    if let device, reading.device.id != device { return false }
    if let kind, reading.kind != kind { return false }
    if !zones.isEmpty {
      guard let zone = reading.evaluation?.zone, zones.contains(zone) else { return false }
    }
    return !parkedOnly || reading.patient == nil
  }
}
