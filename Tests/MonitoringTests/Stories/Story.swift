// A story: a plan, what a patient measures on the wall clock at home, and what people are told. Written down as it would be told.

import Monitoring
import Octets
import Readings
import Testing
import Zones

func number(_ text: String) -> ExactDecimal { ExactDecimal(text) ?? .zero }

/// `Europe/Oslo` as a zone file without transitions: the rule of its footer holds always.
let oslo: TimeZoneRules = {
  func header(_ types: UInt8, _ characters: UInt8) -> [UInt8] {
    Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + [UInt8](repeating: 0, count: 16)
      + [0, 0, 0, types, 0, 0, 0, characters]
  }
  let block: [UInt8] = [0, 0, 0x0E, 0x10, 0, 0] + Array("CET\0".utf8)
  let octets = header(1, 4) + block + header(1, 4) + block + Array("\nCET-1CEST,M3.5.0,M10.5.0/3\n".utf8)
  return (try? TimeZoneRules(tzif: octets)) ?? .utc
}()

/// A patient's story, told on the wall clock of Oslo.
struct Story {
  var replay: PlanReplay
  let zone: TimeZoneRules
  private let month: Int
  private let year: Int
  private var count: UInt64 = 0

  /// Day 1 is the first of a month; a month's days may go on past its end.
  init(_ plan: Plan, _ year: Int, _ month: Int, from start: String, zone: TimeZoneRules = oslo, settling: Int64 = 0) {
    self.year = year
    self.month = month
    self.zone = zone
    replay = PlanReplay(
      plan: plan, zone: zone, start: Story.instant(year, month, start, zone), settling: settling)
  }

  /// `3 07:30`: the instant of a day and a time on the wall clock.
  static func instant(_ year: Int, _ month: Int, _ text: String, _ zone: TimeZoneRules) -> Int64 {
    let words = text.split(separator: " ")
    let clock = words.last?.split(separator: ":").compactMap { Int64($0) } ?? []
    let day = Int64(words.first ?? "") ?? 1
    let first = CivilTime(year: year, month: month, day: 1)?.seconds ?? 0
    let seconds = first + (day - 1) * 86_400 + (clock.first ?? 0) * 3600 + (clock.last ?? 0) * 60
    switch zone.instants(of: CivilTime(seconds: seconds)) {
    case .one(let seconds), .gap(let seconds), .fold(let seconds, _): return seconds * 1000
    }
  }

  func instant(_ text: String) -> Int64 { Story.instant(year, month, text, zone) }

  /// A measurement; `arrives` when the hub hears of it, else at once.
  @discardableResult
  mutating func measure(
    _ taken: String?, _ values: [(Term, String)], flags: [ReadingFlag] = [], arrives: String? = nil
  ) -> Evaluation? {
    count += 1
    let time = taken.map { Timestamp(milliseconds: instant($0), offsetSeconds: 0) }
    let received = arrives.map { instant($0) } ?? time?.milliseconds ?? 0
    let kind: ReadingKind =
      switch values.first?.0 {
      case .some(.weight): .bodyWeight
      case .some(.spo2): .pulseOximetry
      case .some(.temperature): .bodyTemperature
      default: .bloodPressure
      }
    let reading = Reading(
      id: ReadingID(high: 1, low: count), kind: kind,
      observations: values.map { Observation($0.0, .value(number($0.1)), unit: $0.0.unit) }, flags: flags,
      takenAt: time,
      timeQuality: taken == nil ? .unplaced : .device, deviceTime: nil,
      receivedAt: Timestamp(milliseconds: received, offsetSeconds: 0), user: nil, patient: "p",
      device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil, raw: RawSource(source: "t", octets: []))
    return replay.take(reading, at: received)
  }

  /// The story ends.
  mutating func end(_ at: String) { replay.pass(to: instant(at)) }

  /// `3 07:30 rule raised yellow`, on the wall clock.
  var told: [String] {
    let first = (CivilTime(year: year, month: month, day: 1)?.seconds ?? 0) / 86_400
    return replay.told.map { told in
      let seconds = told.at / 1000
      let local = seconds + Int64(zone.local(at: seconds).offset)
      let civil = CivilTime(seconds: local)
      func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
      let times = told.event.count > 1 ? " x\(told.event.count)" : ""
      return "\(local / 86_400 - first + 1) \(two(civil.hour)):\(two(civil.minute)) \(told.event.rule) "
        + "\(told.event.kind.rawValue) \(told.event.zone.rawValue)\(times)"
    }
  }
}

/// The rules of the example file of published practice.
enum Practice {
  static func plan(_ rules: [Rule]) -> Plan { Plan(patient: "p", version: 1, liveWindow: 7_200_000, rules: rules) }
  static func limit(_ zone: Zone, _ comparison: ZoneLimit.Comparison, _ text: String) -> ZoneLimit {
    ZoneLimit(zone, [.init(comparison, number(text))])
  }
  static let minute: Int64 = 60_000
  static let hour: Int64 = 3_600_000
  static let day: Int64 = 86_400_000

  /// Heart failure: more than 2 kg in 3 days (HFA/ESC).
  static let weight3d = Rule(
    id: "hf.weight3d",
    kind: DeltaRule(
      measure: .weight, reference: .min, window: 3 * day,
      zones: [limit(.yellow, .atLeast, "2.0"), limit(.red, .atLeast, "3.0")], hysteresis: number("0.3")))
  /// Extremes at once, with a repeat within five minutes.
  static let extreme = Rule(
    id: "bp.extreme",
    kind: BandRule(
      measure: .systolic, zones: [limit(.red, .atLeast, "180"), limit(.red, .lessThan, "90")],
      hysteresis: number("5"),
      confirm: Confirmation(count: 2, within: 5 * minute), isImmediate: true))
  /// Carbon dioxide kept back: 88–92 % is the target (BTS).
  static let copd = Rule(
    id: "spo2.copd",
    kind: BandRule(
      measure: .spo2,
      zones: [
        limit(.red, .lessThan, "85"), limit(.yellow, .lessThan, "88"), limit(.green, .atMost, "92"),
        limit(.yellow, .greaterThan, "96"),
      ], hysteresis: number("1"), confirm: Confirmation(count: 2, within: 15 * minute)))
  /// Home blood pressure: seven days, the first left out, at least twelve, 135/85 (ESH).
  static let week = Rule(
    id: "bp.week",
    kind: AverageRule(
      measures: [.systolic, .diastolic], window: 7 * day, dropsFirstDay: true, minimumCount: 12,
      zones: [.init(zone: .yellow, comparison: .atLeast, limits: [number("135"), number("85")])]))
  /// A child with an infection is looked at every eight hours.
  static let child = Rule(
    id: "miss.child8h",
    kind: MissingRule(measure: .temperature, schedule: .interval(8 * hour), grace: 30 * minute, zone: .yellow)
  )
  static let fever = Rule(
    id: "temp",
    kind: BandRule(
      measure: .temperature, zones: [limit(.yellow, .greaterThan, "38.0"), limit(.red, .greaterThan, "39.0")],
      hysteresis: number("0.2")))
  /// Every morning on the scale.
  static let missingWeight = Rule(
    id: "miss.weight",
    kind: MissingRule(
      measure: .weight, schedule: .slots([DayHours(from: 420, to: 600)], days: []), grace: 2 * hour,
      remindAfter: hour, zone: .yellow))
}
