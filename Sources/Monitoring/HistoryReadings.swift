// A patient's history as readings again: what is held against a draft, and what a plan is explained by.

package import Readings

extension PatientHistory {
  /// What was measured at or after `from` (milliseconds since 1970), oldest first: values of the same reading together, with its
  /// remarks as far as they are kept.
  package func readings(patient: String, from: Int64) -> [Reading] {
    readings(of: values, patient: patient, from: from)
  }

  /// The same of what may be somebody else's.
  package func asideReadings(patient: String, from: Int64) -> [Reading] {
    readings(of: asides, patient: patient, from: from).map { reading in
      var reading = reading
      if !reading.flags.contains(.suspectPerson) { reading.flags.append(.suspectPerson) }
      return reading
    }
  }

  private func readings(of values: PerMeasure<Series>, patient: String, from: Int64) -> [Reading] {
    struct Key: Hashable { var time: Int64, id: UInt64 }
    var found: [Key: [(Measure, ExactDecimal)]] = [:]
    var doubtful: Set<UInt64> = []
    for measure in Measure.allCases {
      for point in values[measure] ?? Series() where point.time >= from {
        found[Key(time: point.time, id: point.id), default: []].append((measure, point.value))
        if point.isDoubtful { doubtful.insert(point.id) }
      }
    }
    let remarks = Dictionary(signs.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    return found.sorted { ($0.key.time, $0.key.id) < ($1.key.time, $1.key.id) }.map { key, values in
      let time = Timestamp(milliseconds: key.time, offsetSeconds: 0)
      return Reading(
        id: ReadingID(high: 0, low: key.id), kind: remarks[key.id]?.kind ?? values.first?.0.kind ?? .bloodPressure,
        observations: values.map { Observation($0.0.term, .value($0.1), unit: $0.0.unit) },
        flags: remarks[key.id]?.flags ?? (doubtful.contains(key.id) ? [.questionable] : []), takenAt: time,
        timeQuality: .device, deviceTime: nil, receivedAt: time,
        user: nil, patient: patient, device: DeviceIdentity(id: "", transport: .ble), evaluation: nil,
        raw: RawSource(source: "", octets: []))
    }
  }
}

extension Measure {
  /// The term under which a value of this measure is known, where several are.
  var term: Term {
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
  var kind: ReadingKind {
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
