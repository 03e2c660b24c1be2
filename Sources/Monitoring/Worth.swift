// What each value of a reading is worth (plans-2, 1): void, unbelieved, doubted or sound; and whether its place in time is believed (2).

package import Readings

/// The class of a value.
package enum Worth: Sendable, Hashable {
  /// A demonstration, a test, a control solution: never judged.
  case test
  /// No number: a measurement that failed.
  case void
  /// Outside of what can be, or contradictory; `isImpossible`: no person has it, nothing makes it sound.
  case unbelieved(isImpossible: Bool)
  /// A weight that may be somebody else's.
  case suspect
  /// The device says that it is in doubt.
  case doubted
  case sound
  /// Unbelieved or suspect, and said once more, or a person says that it is right: it may raise or worsen, it ends nothing.
  case accepted

  /// It is judged by values as they are.
  var isBelieved: Bool {
    switch self {
    case .doubted, .sound, .accepted: true
    case .test, .void, .unbelieved, .suspect: false
    }
  }

  var isUnbelieved: Bool { if case .unbelieved = self { true } else { false } }
}

/// Measures that are believed or not together.
package enum DoubtGroup: Sendable, Hashable, CaseIterable {
  case pressure
  case mean
  case pulse
  case spo2
  case perfusion
  case weight
  case bodyFat
  case bodyMassIndex
  case temperature
  case glucose
  case heartRate

  package init(_ measure: Measure) {
    self =
      switch measure {
      case .systolic, .diastolic: .pressure
      case .meanArterial: .mean
      case .pulse: .pulse
      case .spo2: .spo2
      case .perfusion: .perfusion
      case .weight: .weight
      case .bodyFat: .bodyFat
      case .bodyMassIndex: .bodyMassIndex
      case .temperature: .temperature
      case .glucose: .glucose
      case .heartRate: .heartRate
      }
  }

  package var measures: [Measure] { Measure.allCases.filter { DoubtGroup($0) == self } }
}

extension Measure {
  /// What a living person may have, borders inside; nil: nothing is known.
  package var gate: ClosedRange<ExactDecimal>? { Measure.gates[place] }

  private static let gates = allCases.map { gate(of: $0) }

  private static func gate(of measure: Measure) -> ClosedRange<ExactDecimal>? {
    func range(_ low: Int64, _ high: Int64, _ exponent: Int8 = 0) -> ClosedRange<ExactDecimal> {
      ExactDecimal(low, exponent: exponent)...ExactDecimal(high, exponent: exponent)
    }
    switch measure {
    case .systolic: return range(50, 280)
    case .diastolic: return range(25, 180)
    case .meanArterial: return range(25, 260)
    case .pulse, .heartRate: return range(25, 300)
    case .spo2: return range(50, 100)
    case .weight: return range(5, 3000, -1)
    case .temperature: return range(300, 430, -1)
    case .glucose: return range(6, 333, -1)
    case .perfusion, .bodyFat, .bodyMassIndex: return nil
    }
  }

  /// How far two values may lie apart and still say the same; nil: they are not compared.
  var agreement: ExactDecimal? {
    switch self {
    case .systolic, .diastolic, .meanArterial, .pulse, .heartRate: ExactDecimal(15)
    case .spo2: ExactDecimal(4)
    case .weight: ExactDecimal(1)
    case .temperature: ExactDecimal(5, exponent: -1)
    case .glucose: ExactDecimal(10, exponent: -1)
    case .perfusion, .bodyFat, .bodyMassIndex: nil
    }
  }

  /// Two values say the same.
  func agree(_ one: ExactDecimal, _ other: ExactDecimal) -> Bool {
    guard let agreement, let difference = one.subtracting(other)?.magnitude else { return false }
    return !(agreement < difference)
  }

  /// Why no person can have a value; it is compared with nothing else.
  func isImpossible(_ value: ExactDecimal) -> Bool {
    !(value > .zero) || (self == .spo2 && ExactDecimal(100) < value)
  }
}

extension ExactDecimal {
  /// Without its sign.
  package var magnitude: ExactDecimal { isNegative ? ExactDecimal.zero.subtracting(self) ?? self : self }
}

/// A reading as rules see it: its values with what each is worth, and its place in time.
package struct Sighting: Sendable {
  /// With what is known of it now.
  package let reading: Reading
  /// The numbers that a plan can watch, whatever they are worth.
  package var values = PerMeasure<ExactDecimal>()
  /// Beyond all that the device can measure: true above, false below.
  package var beyond = PerMeasure<Bool>()
  /// What each number, and each that is missing, is worth.
  package var worth = PerMeasure<Worth>()
  /// When it was taken, in milliseconds since 1970: when it was received where its place is not believed.
  package var time: Int64
  /// Its place in time is believed.
  package var isPlaced: Bool
  /// It was placed by nothing, or the device's clock moved as the hub's since the last such value: it is of now.
  package var isOfNow = false
  /// Unbelieved or suspect values that this one confirms, by what they belong to.
  var confirmed: [DoubtGroup: PatientHistory.Candidate] = [:]

  /// The device, as histories know it.
  let device: UInt64

  init(reading: Reading, time: Int64, isPlaced: Bool) {
    self.reading = reading
    self.time = time
    self.isPlaced = isPlaced
    device = PatientHistory.DeviceTrail.key(reading.device.id)
  }

  /// A number, or beyond all numbers.
  func holds(_ measure: Measure) -> Bool { values[measure] != nil || beyond[measure] != nil }

  /// What a pair of pressures is worth; nil when the reading has none.
  var pressure: Worth? { worth[.systolic] ?? worth[.diastolic] }
}

extension PatientHistory {
  /// How far ahead of its reception a stamp may be, in milliseconds.
  package static let mostAhead: Int64 = 300_000
  /// Values so close together are of one measurement, in milliseconds.
  static let together: Int64 = 300_000
  /// A value that confirms another comes within so many milliseconds.
  static let confirmation: Int64 = 900_000

  /// What is to be seen in a reading, by what was known before it.
  package func sighting(_ reading: Reading) -> Sighting {
    let received = reading.receivedAt.milliseconds
    let isPlaced = isPlaced(reading)
    var seen = Sighting(
      reading: reading, time: isPlaced ? reading.takenAt?.milliseconds ?? received : received, isPlaced: isPlaced)
    if !isPlaced { seen.isOfNow = movedWithHub(reading) }
    read(&seen)
    if reading.correction?.kind == .accepted {
      accept(&seen)
    } else {
      suspect(&seen)
      confirm(&seen)
    }
    return seen
  }

  // MARK: The place in time

  private func isPlaced(_ reading: Reading) -> Bool {
    guard let taken = reading.takenAt?.milliseconds else { return false }
    // The hub's own moment of reception is no stamp of a device.
    if reading.timeQuality == .received || reading.timeQuality == .receivedUnsynced { return true }
    let (age, overflow) = reading.receivedAt.milliseconds.subtractingReportingOverflow(taken)
    guard !overflow, age >= -PatientHistory.mostAhead, age <= PatientHistory.length else { return false }
    guard let number = reading.recordNumber, let trail = trail(reading), let last = trail.number, number > last else {
      return true
    }
    // A clock that was ahead once orders nothing.
    return taken >= trail.newest || trail.newest > reading.receivedAt.milliseconds.moved(PatientHistory.mostAhead)
  }

  private func movedWithHub(_ reading: Reading) -> Bool {
    guard let stamp = reading.takenAt?.milliseconds else { return true }
    guard let last = trail(reading)?.misplaced else { return false }
    let (clock, one) = stamp.subtractingReportingOverflow(last.stamp)
    let (hub, other) = reading.receivedAt.milliseconds.subtractingReportingOverflow(last.received)
    let (difference, third) = clock.subtractingReportingOverflow(hub)
    return !one && !other && !third && difference.magnitude <= PatientHistory.mostAhead.magnitude
  }

  private func trail(_ reading: Reading) -> DeviceTrail? {
    guard !trails.isEmpty else { return nil }
    let key = DeviceTrail.key(reading.device.id)
    return trails.first { $0.device == key }
  }

  // MARK: Classes

  private func read(_ seen: inout Sighting) {
    let flags = seen.reading.flags
    let isTest = flags.contains { $0 == .demonstration || $0 == .testData || $0 == .controlSolution }
    let isFailed = flags.contains { $0 == .invalid || $0 == .notAvailable || $0 == .measurementFailed }
    var isDoubted = flags.contains { $0.isDoubt && $0 != .suspectPerson }
    for observation in seen.reading.observations {
      guard let measure = Measure.of(observation.term), !seen.holds(measure) else { continue }
      switch observation.value {
      case .value(let value):
        seen.values[measure] = value
        seen.worth[measure] = isTest ? .test : isFailed ? .void : .sound
      case .absent(let reason):
        if let above = reason.isAbove {
          seen.beyond[measure] = above
          seen.worth[measure] = isTest ? .test : .sound
        } else if seen.worth[measure] == nil {
          seen.worth[measure] = isTest ? .test : reason == .implausible ? .unbelieved(isImpossible: true) : .void
        }
      }
    }
    if let perfusion = seen.values[.perfusion], seen.reading.kind == .pulseOximetry,
      perfusion < ExactDecimal(3, exponent: -1)
    {
      isDoubted = true
    }
    for measure in Measure.allCases where seen.worth[measure] == .sound {
      if let value = seen.values[measure], let gate = measure.gate, !gate.contains(value) {
        seen.worth[measure] = .unbelieved(isImpossible: measure.isImpossible(value))
      } else if let value = seen.values[measure], measure.gate != nil, measure.isImpossible(value) {
        seen.worth[measure] = .unbelieved(isImpossible: true)
      } else if isDoubted {
        seen.worth[measure] = .doubted
      }
    }
    readPressures(&seen)
    // Of pressures that are not believed nothing is judged, their pulse neither.
    if seen.pressure?.isUnbelieved ?? false, seen.worth[.pulse]?.isBelieved ?? false {
      seen.worth[.pulse] = .unbelieved(isImpossible: false)
    }
    if let pulse = seen.values[.pulse], seen.worth[.pulse] == .sound, contradicts(pulse, seen) {
      seen.worth[.pulse] = .doubted
    }
  }

  /// Pressures of one cuff are believed together.
  private func readPressures(_ seen: inout Sighting) {
    let (systolic, diastolic) = (seen.values[.systolic], seen.values[.diastolic])
    if let systolic, let diastolic, seen.worth[.systolic] != .test, seen.worth[.systolic] != .void {
      let difference = systolic.subtracting(diastolic) ?? .zero
      if difference < ExactDecimal(10) {
        let worth = Worth.unbelieved(isImpossible: !(difference > .zero))
        seen.worth[.systolic] = PatientHistory.worse(seen.worth[.systolic], worth)
        seen.worth[.diastolic] = PatientHistory.worse(seen.worth[.diastolic], worth)
      }
    }
    if let one = seen.worth[.systolic], let other = seen.worth[.diastolic] {
      let worst = PatientHistory.worse(one, other)
      (seen.worth[.systolic], seen.worth[.diastolic]) = (worst, worst)
    }
    guard let mean = seen.values[.meanArterial] else { return }
    if !(mean > .zero) {
      // What some cuffs send when they compute none.
      seen.worth[.meanArterial] = .void
    } else if let pressure = seen.pressure, pressure.isUnbelieved || pressure == .doubted || pressure == .void {
      seen.worth[.meanArterial] = PatientHistory.worse(seen.worth[.meanArterial], pressure)
    } else if seen.worth[.meanArterial]?.isBelieved ?? false,
      systolic.map({ $0 < mean }) ?? false || diastolic.map({ mean < $0 }) ?? false
    {
      seen.worth[.meanArterial] = .unbelieved(isImpossible: false)
    }
  }

  private static func worse(_ one: Worth?, _ other: Worth) -> Worth {
    func order(_ worth: Worth) -> Int {
      switch worth {
      case .test: 6
      case .unbelieved(true): 5
      case .unbelieved(false): 4
      case .void: 3
      case .suspect: 2
      case .doubted: 1
      case .accepted, .sound: 0
      }
    }
    guard let one else { return other }
    return order(one) < order(other) ? other : one
  }

  /// A pulse of a cuff and one of an oximeter at the same time are more than 30 apart: one of them is wrong.
  private func contradicts(_ pulse: ExactDecimal, _ seen: Sighting) -> Bool {
    guard seen.isPlaced, seen.reading.kind == .bloodPressure || seen.reading.kind == .pulseOximetry else {
      return false
    }
    let near = points(.pulse, from: seen.time - PatientHistory.together, to: seen.time + PatientHistory.together)
    return near.contains { point in
      guard !point.isDoubtful, point.id != seen.reading.id.low, !point.isBeyond,
        let apart = pulse.subtracting(point.value)?.magnitude, ExactDecimal(30) < apart,
        let sign = signs.last(where: { $0.id == point.id })
      else { return false }
      return sign.kind != seen.reading.kind && (sign.kind == .bloodPressure || sign.kind == .pulseOximetry)
    }
  }

  // MARK: Whose it is, and what is said twice

  private func suspect(_ seen: inout Sighting) {
    guard let weight = seen.values[.weight], seen.worth[.weight]?.isBelieved ?? false else { return }
    guard isSomebodyElse(weight, of: seen.reading.id.low, at: seen.time) else { return }
    for measure in Measure.allCases where seen.worth[measure]?.isBelieved ?? false { seen.worth[measure] = .suspect }
  }

  /// A person says that it is right: all that can be.
  private func accept(_ seen: inout Sighting) {
    for measure in Measure.allCases {
      if case .unbelieved(false) = seen.worth[measure] { seen.worth[measure] = .accepted }
      if seen.worth[measure] == .sound { seen.worth[measure] = .accepted }
    }
  }

  /// A second value of the same device that says the same as one that was not believed makes both sound. What the device itself
  /// doubts confirms nothing: a loose cuff errs twice alike.
  private func confirm(_ seen: inout Sighting) {
    guard !candidates.isEmpty, !seen.reading.flags.contains(where: { $0.isDoubt && $0 != .suspectPerson }) else {
      return
    }
    let hidesPulse = seen.pressure?.isUnbelieved ?? false
    for group in DoubtGroup.allCases where !(group == .pulse && hidesPulse) {
      let asked = group.measures.filter { measure in
        switch seen.worth[measure] {
        case .suspect: measure == .weight
        case .unbelieved(false): seen.values[measure] != nil
        default: false
        }
      }
      guard let first = asked.first, asked.count == group.measures.count(where: { seen.values[$0] != nil }) else {
        continue
      }
      let isSuspect = seen.worth[first] == .suspect
      let found = candidates.last { candidate in
        candidate.device == seen.device && candidate.id.low != seen.reading.id.low && candidate.isSuspect == isSuspect
          && abs(seen.time - candidate.time) <= PatientHistory.confirmation
          && asked.allSatisfy { measure in
            guard let one = candidate.values[measure], let other = seen.values[measure] else { return false }
            return measure.agree(one, other)
          }
      }
      guard let found else { continue }
      seen.confirmed[group] = found
      if isSuspect {
        for measure in Measure.allCases where seen.worth[measure] == .suspect { seen.worth[measure] = .accepted }
      } else {
        for measure in asked { seen.worth[measure] = .accepted }
        if group == .pressure, let pulse = seen.values[.pulse], Measure.pulse.gate?.contains(pulse) ?? false,
          seen.worth[.pulse]?.isUnbelieved ?? false
        {
          seen.worth[.pulse] = .sound
        }
        // The mean of pressures that are believed now.
        if group == .pressure, seen.worth[.meanArterial]?.isUnbelieved ?? false, let mean = seen.values[.meanArterial],
          let gate = Measure.meanArterial.gate, gate.contains(mean)
        {
          seen.worth[.meanArterial] = .accepted
        }
      }
    }
  }
}

extension AbsentReason {
  /// Above all that can be measured, or below; nil: something else.
  package var isAbove: Bool? {
    switch self {
    case .positiveInfinity, .aboveRange: true
    case .negativeInfinity, .belowRange: false
    default: nil
    }
  }
}

extension Worth {
  /// What the values of a reading are worth by themselves.
  package static func all(of observations: [Observation]) -> [Worth] {
    var reading = nobodys
    reading.observations = observations
    return PatientHistory().sighting(reading).worth.pairs.map(\.value)
  }

  /// A reading of which nothing is known but its values.
  private static let nobodys: Reading = {
    let time = Timestamp(milliseconds: 0, offsetSeconds: 0)
    return Reading(
      id: ReadingID(high: 0, low: 0), kind: .bloodPressure, observations: [], flags: [], takenAt: time,
      timeQuality: .received, deviceTime: nil, receivedAt: time, user: nil, patient: nil,
      device: DeviceIdentity(id: "", transport: .ble), evaluation: nil, raw: RawSource(source: "", octets: []))
  }()

  /// True when every value is a number that a living person may have, and pressures fit each other: then none is unbelieved, and
  /// most readings are so. False: they may still be.
  package static func areOrdinary(_ observations: [Observation]) -> Bool {
    var pressures = (systolic: ExactDecimal?.none, diastolic: ExactDecimal?.none, mean: ExactDecimal?.none)
    for observation in observations {
      guard case .value(let value) = observation.value else { return false }
      guard let measure = Measure.of(observation.term) else { continue }
      if let gate = measure.gate, !gate.contains(value) || measure.isImpossible(value) { return false }
      switch measure {
      case .systolic where pressures.systolic == nil: pressures.systolic = value
      case .diastolic where pressures.diastolic == nil: pressures.diastolic = value
      case .meanArterial where pressures.mean == nil: pressures.mean = value
      case .systolic, .diastolic, .meanArterial: return false
      default: break
      }
    }
    if let systolic = pressures.systolic, let diastolic = pressures.diastolic {
      guard let difference = systolic.subtracting(diastolic), !(difference < ExactDecimal(10)) else { return false }
    }
    guard let mean = pressures.mean else { return true }
    return !(pressures.systolic.map { $0 < mean } ?? false) && !(pressures.diastolic.map { mean < $0 } ?? false)
  }
}

extension Measure {
  /// A reading says that this is beyond all that the device can measure: true above; nil: it does not.
  package func isBeyond(in reading: Reading) -> Bool? {
    for observation in reading.observations where covers(observation.term) {
      if case .absent(let reason) = observation.value, let above = reason.isAbove { return above }
    }
    return nil
  }
}
