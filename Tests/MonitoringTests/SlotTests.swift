// What `MissingRule.slots` and `Monitor.nextDue` compute by arithmetic is what the plain way gives: every instant worked out through
// the time zone, every slot of every day looked at. That way stands here.

import Foundation
import Readings
import Testing
import Zones

@testable import Monitoring

private let dayLength: Int64 = 86_400_000

private func zones() throws -> [TimeZoneRules] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "ZonesTests/Fixtures")
  let names = ["Europe_Oslo", "Africa_Casablanca", "Antarctica_Troll", "Australia_Lord_Howe", "Pacific_Apia"]
  return try [.utc]
    + names.map { try TimeZoneRules(tzif: [UInt8](Data(contentsOf: folder.appending(path: "\($0).tzif")))) }
}

/// The plain way.
private enum Plain {
  static func day(_ milliseconds: Int64, _ rules: TimeZoneRules) -> Int64 {
    let seconds = milliseconds.floorDivided(by: 1000)
    return (seconds + Int64(rules.local(at: seconds).offset)).floorDivided(by: 86_400)
  }

  static func instant(day: Int64, minute: Int, _ rules: TimeZoneRules) -> Int64 {
    switch rules.instants(of: CivilTime(seconds: day * 86_400 + Int64(minute) * 60)) {
    case .one(let seconds): seconds * 1000
    case .gap(let shifted): shifted * 1000
    case .fold(let first, _): first * 1000
    }
  }

  static func slots(_ rule: MissingRule, after: Int64, until: Int64, _ rules: TimeZoneRules, most: Int = 400) -> [Slot]
  {
    guard case .slots(let hours, let days) = rule.schedule, until > after else { return [] }
    let after = max(after, until - 100 * dayLength)
    var found: [Slot] = []
    var day = Plain.day(after, rules) - 1
    let last = Plain.day(until, rules) + 1
    while day <= last, found.count < most {
      let weekday = Int((day + 3) % 7 + 7) % 7 + 1
      if days.isEmpty || days.contains(weekday) {
        for hours in hours {
          let start = instant(day: day, minute: hours.from, rules)
          let end = instant(day: hours.to > hours.from ? day : day + 1, minute: hours.to, rules)
          if start > after, start <= until, end > start { found.append(Slot(start: start, end: end)) }
        }
      }
      day += 1
    }
    return found.sorted { $0.start < $1.start }
  }

  static func nextDue(
    _ plan: Plan, _ state: PatientState, _ history: PatientHistory, _ devices: [DeviceFacts], _ zone: TimeZoneRules,
    now: Int64
  ) -> Int64? {
    var times: [Int64] = []
    for rule in plan.rules where rule.isEnabled {
      if let missing = rule.kind as? MissingRule {
        guard let known = state.rules[rule.id], let through = known.judgedThrough else {
          times.append(now)
          continue
        }
        let told = known.told.last?.at
        if known.missed > 0, rule.quiet > 0, let told { times.append(told + rule.quiet) }
        switch missing.schedule {
        case .interval(let interval):
          times.append(max(history.last(missing.measure, upTo: now) ?? through, through) + interval + missing.grace + 1)
          // While it lasts it is told again (plans-2, 4.6).
          if known.phase == .raised, let told { times.append(told + max(rule.quiet, interval, dayLength)) }
          // One a date: what was not told on this one is told on the next.
          if known.phase == .raised, known.missed > 0 {
            times.append(instant(day: day(now, zone) + 1, minute: 0, zone))
          }
        case .slots:
          for slot in slots(missing, after: through, until: now + 8 * dayLength, zone, most: 3).prefix(3) {
            if let remind = missing.remindAfter, known.remindedFor != slot.start { times.append(slot.start + remind) }
            times.append(slot.end + missing.grace)
          }
        }
      } else if let device = rule.kind as? DeviceRule, case .silent(let length) = device.watch {
        for facts in devices { if let last = facts.lastContact { times.append(last + length + 1) } }
      }
    }
    return times.filter { $0 > now }.min()
  }
}

private func missing(_ dice: inout Dice) -> MissingRule {
  let hours = (0..<(1 + dice.next() % 12)).map { _ in
    DayHours(from: Int(dice.next() % 1440), to: Int(dice.next() % 1441))
  }
  let days = dice.next() % 3 == 0 ? (0..<3).map { _ in 1 + Int(dice.next() % 7) } : []
  return MissingRule(
    measure: .weight,
    schedule: dice.next() % 6 == 0 ? .interval(Int64(dice.next() % 3_000_000_000)) : .slots(hours, days: days),
    grace: Int64(dice.next() % 4) * 3_600_000,
    remindAfter: dice.next() % 2 == 0 ? Int64(dice.next() % 20_000_000) : nil,
    zone: .yellow)
}

/// Around a change of some zone's clocks, or anywhere from 2010 to 2045.
private func instant(_ dice: inout Dice) -> Int64 {
  let changes: [Int64] = [
    1_774_746_000_000, 1_792_890_000_000, 1_775_318_400_000, 1_790_956_800_000, 1_325_239_200_000, 1_771_120_800_000,
    1_774_144_800_000, 1_798_758_000_000,
  ]
  if dice.next() % 2 == 0 {
    return changes[Int(dice.next() % UInt64(changes.count))] + Int64(dice.next() % UInt64(16 * dayLength)) - 8
      * dayLength
  }
  return 1_262_304_000_000 + Int64(dice.next() % 1_104_537_600_000)
}

@Suite struct SlotTests {
  @Test(arguments: 1...6) func slotsAreThoseOfThePlainWay(_ seed: UInt64) throws {
    var dice = Dice(state: seed)
    let zones = try zones()
    var found = 0
    for _ in 0..<700 {
      let rule = missing(&dice)
      let zone = zones[Int(dice.next() % UInt64(zones.count))]
      let now = instant(&dice)
      let clock = PatientClock(zone, around: now)
      let after = now - Int64(dice.next() % UInt64((dice.next() % 20 == 0 ? 130 : 3) * dayLength))
      let past = rule.slots(after: after, until: now, clock)
      #expect(past == Plain.slots(rule, after: after, until: now, zone))
      let coming = rule.slots(after: after, until: now + 8 * dayLength, clock, first: 3)
      #expect(coming == Array(Plain.slots(rule, after: after, until: now + 8 * dayLength, zone, most: 3).prefix(3)))
      #expect(clock.day(after) == Plain.day(after, zone))
      let minute = Int(dice.next() % 1441)
      let some = Plain.day(after, zone)
      #expect(clock.instant(day: some, minute: minute) == Plain.instant(day: some, minute: minute, zone))
      found += past.count + coming.count
    }
    #expect(found > 5000)
  }

  @Test(arguments: 1...6) func theNextMomentIsThatOfThePlainWay(_ seed: UInt64) throws {
    var dice = Dice(state: seed &* 77)
    let zones = try zones()
    var known = 0
    for _ in 0..<250 {
      let zone = zones[Int(dice.next() % UInt64(zones.count))]
      let now = instant(&dice)
      var rules: [Rule] = []
      var state = PatientState()
      for index in 0..<4 {
        let quiet = dice.next() % 2 == 0 ? 6 * Int64(3_600_000) : 0
        let silent = DeviceRule(watch: .silent(for: Int64(dice.next() % UInt64(2 * dayLength))), zone: .yellow)
        rules.append(
          Rule(
            id: "r\(index)", isEnabled: dice.next() % 8 > 0, kind: index == 3 ? silent : missing(&dice), quiet: quiet))
        var stood = RuleState()
        if dice.next() % 6 > 0 { stood.judgedThrough = now - Int64(dice.next() % UInt64(2 * dayLength)) }
        if dice.next() % 3 == 0 {
          let told = now - Int64(dice.next() % UInt64(dayLength))
          (stood.missed, stood.told) = (1, [.init(at: told, finding: Finding(Rank(.yellow, 1), taken: told))])
        }
        if dice.next() % 3 == 0 { stood.phase = .raised }
        if index < 3, let slots = stood.judgedThrough, dice.next() % 2 == 0 {
          stood.remindedFor = (rules[index].kind as? MissingRule).flatMap {
            Plain.slots($0, after: slots, until: now + dayLength, zone).first?.start
          }
        }
        if dice.next() % 8 > 0 { state.rules["r\(index)"] = stood }
      }
      let plan = Plan(patient: "p", version: 1, liveWindow: dayLength, rules: rules)
      let devices = [DeviceFacts(lastContact: now - Int64(dice.next() % UInt64(3 * dayLength))), DeviceFacts()]
      var history = PatientHistory()
      history.values[.weight] = PatientHistory.Series([
        PatientHistory.Point(time: now - Int64(dice.next() % UInt64(dayLength)), id: 1, value: ExactDecimal(80))
      ])
      let next = Monitor.nextDue(plan, state: state, history: history, devices: devices, zone: zone, now: now)
      #expect(next == Plain.nextDue(plan, state, history, devices, zone, now: now))
      if next != nil { known += 1 }
    }
    #expect(known > 150)
  }
}
