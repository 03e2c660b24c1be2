// Judging by plans: one reading against fifty rules with a year of history, and what a thousand patients cost.

import GatewayCore
import Glibc
import Monitoring
import Readings
import Zones
import Ledger

enum PlanBench {
  static let day: Int64 = 86_400_000
  static let start: Int64 = 1_767_225_600_000

  static func run(folder: String) -> [Figure] {
    judging() + everyKind() + trying() + memory() + RestartBench.run(folder: folder)
  }

  static func weight(_ index: Int, at time: Int64) -> Reading {
    let time = Timestamp(milliseconds: time, offsetSeconds: 0)
    return Reading(
      id: ReadingID(high: 1, low: UInt64(index) &* 0x9E37_79B9_7F4A_7C15), kind: .bodyWeight,
      observations: [
        Observation(.weight, .value(ExactDecimal(8000 + Int64(index % 13) * 10, exponent: -2)), unit: .kilogram)
      ], flags: [], takenAt: time, timeQuality: .device, deviceTime: nil, receivedAt: time, user: nil, patient: "p",
      device: DeviceIdentity(id: "scale", transport: .ble), evaluation: nil, raw: RawSource(source: "b", octets: []))
  }

  static func history(days: Int) -> PatientHistory {
    var history = PatientHistory()
    for index in 0..<days { history.add(weight(index, at: start + Int64(index) * day)) }
    return history
  }

  private static func limits(_ value: Int64) -> [ZoneLimit] {
    [
      ZoneLimit(.yellow, [.init(.atLeast, ExactDecimal(value))]),
      ZoneLimit(.red, [.init(.atLeast, ExactDecimal(value + 5))]),
    ]
  }

  /// Fifty rules over weight, of all the kinds that look at a reading.
  private static var rules: [Rule] {
    (0..<50).map { index in
      let value = Int64(100 + index)
      let kind: any RuleKind =
        switch index % 5 {
        case 0: BandRule(measure: .weight, zones: limits(value), hysteresis: ExactDecimal(1))
        case 1: DeltaRule(measure: .weight, reference: .min, window: 3 * day, zones: limits(value))
        case 2: DeltaRule(measure: .weight, reference: .median, window: 7 * day, zones: limits(value))
        case 3:
          AverageRule(
            measures: [.weight], window: 7 * day, dropsFirstDay: true, minimumCount: 3,
            zones: [.init(zone: .yellow, comparison: .atLeast, limits: [ExactDecimal(value)])])
        default: ConsecutiveRule(measure: .weight, k: 3, of: 5, zones: limits(value))
        }
      return Rule(id: "rule-\(index)", kind: kind)
    }
  }

  /// Where a plan's rules stand once it is in force: that is judged once, not with each reading.
  private static func adopted(_ plan: Plan, _ history: PatientHistory, now: Int64) -> PatientState {
    var state = PatientState()
    _ = Monitor.adopt(plan, state: &state, history: history, now: now)
    return state
  }

  private static func judging() -> [Figure] {
    let plan = Plan(patient: "p", version: 1, liveWindow: 7_200_000, rules: rules)
    var figures: [Figure] = []
    for days in [30, 365] {
      let history = history(days: days)
      let now = start + Int64(days) * day
      let reading = weight(days, at: now)
      var after = history
      after.add(reading)
      let inForce = adopted(plan, history, now: now)
      var told = 0
      var times: [Double] = []
      for _ in 0..<9 {
        let begin = processorNanoseconds()
        for _ in 0..<200 {
          var state = inForce
          _ = Monitor.judge(reading, by: plan, state: &state, history: history, zone: .utc, now: now)
          // And, when nothing more comes, by its trends.
          state.noteUnsettled(reading)
          told += Monitor.settle(plan, state: &state, history: after, zone: .utc, now: now + Settling.pause).count
        }
        times.append((processorNanoseconds() - begin) / 200 / 1000)
      }
      // The least of the rounds: what others leave of the caches is not judged.
      let least = times.min() ?? .infinity
      guard told == 0 else { return [] }
      let name = "a reading by 50 rules, \(days) days of history"
      figures.append(
        days == 365 ? Figure(name, least, "µs", atMost: 60) : Figure(name, least, "µs"))
    }
    return figures
  }

  /// Sixty-four rules of every kind, with the keys that ask for most.
  private static func allKinds() -> [Rule] {
    (0..<64).map { index in
      let value = Int64(100 + index)
      let zones = limits(value)
      let kind: any RuleKind
      switch index % 8 {
      case 0: kind = BandRule(measure: .systolic, zones: zones, hysteresis: ExactDecimal(1))
      case 1: kind = DeltaRule(measure: .diastolic, reference: .median, window: 366 * day, zones: zones)
      case 2:
        var average = AverageRule(
          measures: [.systolic, .diastolic], window: 366 * day, dropsFirstDay: true, minimumCount: 3,
          zones: [
            .init(zone: .yellow, comparison: .atLeast, limits: [ExactDecimal(200 + value), ExactDecimal(200 + value)])
          ])
        average.spacing = 3_600_000
        kind = average
      case 3:
        var consecutive = ConsecutiveRule(measure: .pulse, k: 50, of: 100, zones: zones)
        consecutive.spacing = 1_800_000
        consecutive.window = 366 * day
        kind = consecutive
      case 4:
        kind = ScoreRule(
          parts: [Measure.systolic, .diastolic, .pulse].map { measure in
            .init(
              measure: measure,
              points: [.init(points: 3, limit: ZoneLimit(.yellow, [.init(.atLeast, ExactDecimal(300))]))])
          }, within: day, zones: [ZoneLimit(.yellow, [.init(.atLeast, ExactDecimal(5))])])
      case 5:
        kind = MissingRule(
          measure: .systolic,
          schedule: .slots((0..<12).map { DayHours(from: $0 * 120, to: $0 * 120 + 60) }, days: []), zone: .yellow)
      case 6: kind = BitsRule(readingKind: .bloodPressure, flags: [.irregularPulse], k: 50, of: 100, zone: .yellow)
      default: kind = DeltaRule(measure: .systolic, reference: .value(ExactDecimal(120)), window: 0, zones: zones)
      }
      return Rule(id: "rule-\(index)", kind: kind)
    }
  }

  private static func everyKind() -> [Figure] {
    let plan = Plan(patient: "p", version: 1, liveWindow: 7_200_000, rules: allKinds())
    var history = PatientHistory()
    for index in 0..<730 { history.add(pressure(index, at: start + Int64(index) * day / 2)) }
    let now = start + 365 * day
    let reading = pressure(730, at: now)
    var after = history
    after.add(reading)
    let inForce = adopted(plan, history, now: now)
    var (told, times) = (0, [Double]())
    for _ in 0..<9 {
      let begin = processorNanoseconds()
      for _ in 0..<20 {
        var state = inForce
        _ = Monitor.judge(reading, by: plan, state: &state, history: history, zone: .utc, now: now)
        state.noteUnsettled(reading)
        told += Monitor.settle(plan, state: &state, history: after, zone: .utc, now: now + Settling.pause).count
      }
      times.append((processorNanoseconds() - begin) / 20 / 1000)
    }
    guard told == 0, let least = times.min() else { return [] }
    return [Figure("a reading by 64 rules of all kinds, 365 days of history", least, "µs", atMost: 1000)]
  }

  /// The largest draft over a year of ten readings a day.
  private static func trying() -> [Figure] {
    let plan = Plan(patient: "p", version: 1, liveWindow: 7_200_000, rules: allKinds())
    let begin = processorNanoseconds()
    var replay = PlanReplay(plan: plan, zone: .utc, start: start)
    for index in 0..<3660 {
      let time = start + Int64(index) * day / 10
      replay.take(pressure(index, at: time), at: time)
    }
    replay.pass(to: start + 366 * day)
    let seconds = (processorNanoseconds() - begin) / 1e9
    guard replay.told.count < 100_000 else { return [] }
    return [Figure("plan try: 64 rules, 366 days, ten readings a day", seconds, "s", atMost: 4)]
  }

  private static func pressure(_ index: Int, at time: Int64) -> Reading {
    var reading = weight(index, at: time)
    reading.kind = .bloodPressure
    let values: [(Term, Int64)] = [(.systolic, 60), (.diastolic, 45), (.meanArterial, 50), (.cuffPulse, 62)]
    reading.observations = values.map { term, value in
      Observation(term, .value(ExactDecimal(value + Int64(index % 7))), unit: term.unit)
    }
    return reading
  }

  /// The processor's time alone: what else the machine does is not judged.
  private static func processorNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  /// A cuff's four values a day for a year, as hubs keep them.
  static func pressures(days: Int, patient: String) -> [Reading] {
    (0..<days).map { index in
      var reading = weight(index, at: start + Int64(index) * day)
      reading.kind = .bloodPressure
      reading.patient = patient
      let values: [(Term, Int64)] = [(.systolic, 118), (.diastolic, 71), (.meanArterial, 87), (.cuffPulse, 62)]
      reading.observations = values.map { term, value in
        Observation(term, .value(ExactDecimal(value + Int64(index % 23))), unit: term.unit)
      }
      return reading
    }
  }

  private static func memory() -> [Figure] {
    [
      memory(
        patients: 1000, pressures(days: 365, patient: "p"), atMost: 32,
        "1,000 patients with a year of blood pressure, four values"),
      memory(
        patients: 20, (0..<730).map { pressure($0, at: start + Int64($0) * day / 2) }, atMost: 2,
        "20 patients with a year of blood pressure twice a day"),
      memory(
        patients: 1000, (0..<730).map { pressure($0, at: start + Int64($0) * day / 2) }, atMost: 50,
        "1,000 patients with a year of blood pressure twice a day"),
    ].compactMap(\.self)
  }

  private static func memory(patients: Int, _ readings: [Reading], atMost most: Double, _ name: String) -> Figure? {
    let before = kilobytes("/proc/self/status", "VmRSS:")
    var state = LedgerState()
    for patient in 0..<patients {
      // As they come: one after the other.
      var history = PatientHistory()
      for reading in readings { history.add(reading) }
      state.history["p-\(patient)"] = history
      state.rules["p-\(patient)"] = PatientState(rules: ["rule-1": RuleState()])
    }
    let used = (kilobytes("/proc/self/status", "VmRSS:") - before) / 1024
    guard state.history.count == patients else { return nil }
    return Figure(name, used, "MiB", atMost: most)
  }
}
