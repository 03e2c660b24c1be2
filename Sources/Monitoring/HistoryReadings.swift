// A patient's history as readings again: what is held against a draft, and what a plan is explained by.

package import Readings

extension PatientHistory {
  /// Everything that was measured at or after `from` (milliseconds since 1970), oldest first, as a hub would receive it: values of the
  /// same reading together, with its remarks as far as they are kept; also what is not believed, what may be somebody else's and what is
  /// beyond all that a device measures.
  package func readings(patient: String, from: Int64) -> [Reading] {
    readings(of: [values, asides, unbelieved], patient: patient, from: from)
  }

  /// Of those the ones that may be somebody else's.
  package func asideReadings(patient: String, from: Int64) -> [Reading] {
    readings(of: [asides], patient: patient, from: from).map { reading in
      var reading = reading
      if !reading.flags.contains(.suspectPerson) { reading.flags.append(.suspectPerson) }
      return reading
    }
  }

  private func readings(of stores: [PerMeasure<Series>], patient: String, from: Int64) -> [Reading] {
    struct Key: Hashable { var time: Int64, id: UInt64 }
    var found: [Key: [(Measure, Point)]] = [:]
    for measure in Measure.allCases {
      for store in stores {
        for point in store[measure] ?? Series() where point.time >= from {
          found[Key(time: point.time, id: point.id), default: []].append((measure, point))
        }
      }
    }
    let remarks = Dictionary(signs.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let accepted = Set(accepted)
    return found.sorted { ($0.key.time, $0.key.id) < ($1.key.time, $1.key.id) }.map { key, points in
      let time = Timestamp(milliseconds: key.time, offsetSeconds: 0)
      let kind = remarks[key.id]?.kind ?? points.first?.0.kind ?? .bloodPressure
      let isDoubtful = points.contains { $0.1.isDoubtful }
      var reading = Reading(
        id: ReadingID(high: 0, low: key.id), kind: kind,
        observations: points.map { measure, point in
          let term = measure == .pulse && kind == .pulseOximetry ? Term.oximeterPulse : measure.term
          guard point.isBeyond else { return Observation(term, .value(point.value), unit: measure.unit) }
          return Observation(
            term, .absent(point.value.isNegative ? .belowRange : .aboveRange), unit: measure.unit)
        },
        flags: remarks[key.id]?.flags.filter { $0 != .suspectPerson } ?? (isDoubtful ? [.questionable] : []),
        takenAt: time, timeQuality: .device, deviceTime: nil, receivedAt: time, user: nil, patient: patient,
        device: DeviceIdentity(id: kind.rawValue, transport: .ble), evaluation: nil,
        raw: RawSource(source: "", octets: []))
      if accepted.contains(key.id) { reading.correction = ReadingCorrection(.accepted) }
      return reading
    }
  }
}

extension Measure {
  /// The term under which a value of this measure is known, where several are.
  package var term: Term {
    switch self {
    case .systolic: .systolic
    case .diastolic: .diastolic
    case .meanArterial: .meanArterial
    case .pulse: .cuffPulse
    case .spo2: .spo2
    case .perfusion: .perfusionIndex
    case .weight: .weight
    case .bodyFat: .bodyFat
    case .bodyMassIndex: .bodyMassIndex
    case .temperature: .temperature
    case .glucose: .glucoseCapillaryWholeBlood
    case .heartRate: .heartRate
    }
  }

  /// The kind of reading that usually holds it.
  package var kind: ReadingKind {
    switch self {
    case .systolic, .diastolic, .meanArterial, .pulse: .bloodPressure
    case .spo2, .perfusion: .pulseOximetry
    case .weight, .bodyFat, .bodyMassIndex: .bodyWeight
    case .temperature: .bodyTemperature
    case .glucose: .glucose
    case .heartRate: .heartRate
    }
  }
}
