// Readings with which a backend is tried: one of each kind, with ordinary values, each marked as a test. They are made for one trial and
// never stored.

package import Readings

/// A reading of a trial, and what it is.
package struct TestReading: Sendable, Hashable {
  /// Its kind.
  package var kind: ReadingKind
  /// As it goes to the backend.
  package var item: OutgoingItem
}

/// Makes the readings of a trial.
package enum TestReadings {
  /// One reading of each kind, of this patient.
  ///
  /// - Parameters:
  ///   - trial: tells one trial from the next; the identifiers come from it.
  ///   - version: of Hearth, as the firmware of the device that there is none of.
  package static func all(
    patient: String, at time: Timestamp, isSynchronised: Bool, trial: String, version: String
  ) -> [TestReading] {
    ReadingKind.allCases.compactMap { kind in
      guard let id = ReadingID(FHIRIdentity.uuid("test|\(trial)|\(kind.rawValue)")) else { return nil }
      let reading = Reading(
        id: id, kind: kind, observations: values(kind).map { Observation($0, .value($1), unit: $0.unit) },
        flags: [.testData], takenAt: time, timeQuality: isSynchronised ? .received : .receivedUnsynced, deviceTime: nil,
        receivedAt: time, user: nil, patient: patient,
        device: DeviceIdentity(
          id: "hearth-test", manufacturer: "Hearth", model: "test reading", serial: "TEST", firmware: version,
          transport: .serial),
        evaluation: nil, raw: RawSource(source: "test", octets: Array("test".utf8)))
      return TestReading(
        kind: kind,
        item: OutgoingItem(id: id.description, isReading: true, json: ReadingJSON.encode(reading)))
    }
  }

  private static func values(_ kind: ReadingKind) -> [(Term, ExactDecimal)] {
    func tenths(_ mantissa: Int64) -> ExactDecimal { ExactDecimal(mantissa, exponent: -1) }
    switch kind {
    case .bloodPressure:
      return [
        (.systolic, ExactDecimal(120)), (.diastolic, ExactDecimal(80)), (.meanArterial, ExactDecimal(93)),
        (.cuffPulse, ExactDecimal(70)),
      ]
    case .bodyWeight: return [(.weight, tenths(700))]
    case .bodyComposition: return [(.weight, tenths(700)), (.bodyFat, tenths(200))]
    case .pulseOximetry: return [(.spo2, ExactDecimal(97)), (.oximeterPulse, ExactDecimal(70))]
    case .bodyTemperature: return [(.temperature, tenths(368))]
    case .glucose: return [(.glucoseCapillaryWholeBlood, tenths(55))]
    case .heartRate: return [(.heartRate, ExactDecimal(70))]
    }
  }
}
