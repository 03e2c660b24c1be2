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

  static func run(folder: String) -> [Figure] { judging() + memory() + RestartBench.run(folder: folder) }

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

  private static func judging() -> [Figure] {
    let plan = Plan(patient: "p", version: 1, liveWindow: 7_200_000, rules: rules)
    var figures: [Figure] = []
    for days in [30, 365] {
      let history = history(days: days)
      let now = start + Int64(days) * day
      let reading = weight(days, at: now)
      var after = history
      after.add(reading)
      var told = 0
      var times: [Double] = []
      for _ in 0..<9 {
        let begin = processorNanoseconds()
        for _ in 0..<200 {
          var state = PatientState()
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
        days == 365 ? Figure(name, least, "µs", atMost: 50) : Figure(name, least, "µs"))
    }
    return figures
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
    let year = pressures(days: 365, patient: "p")
    let before = kilobytes("/proc/self/status", "VmRSS:")
    var state = LedgerState()
    for patient in 0..<1000 {
      // As they come: one after the other.
      var history = PatientHistory()
      for reading in year { history.add(reading) }
      state.history["p-\(patient)"] = history
      state.rules["p-\(patient)"] = PatientState(rules: ["rule-1": RuleState()])
    }
    let used = (kilobytes("/proc/self/status", "VmRSS:") - before) / 1024
    guard state.history.count == 1000 else { return [] }
    return [Figure("1,000 patients with a year of blood pressure, four values", used, "MiB", atMost: 32)]
  }
}
