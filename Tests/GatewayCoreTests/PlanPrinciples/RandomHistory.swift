// What a patient measures in a random story, and what the test itself knows of each value.

import Monitoring
import Readings

private let minute: Int64 = 60_000
private let hour: Int64 = 3_600_000
private let day: Int64 = 86_400_000

/// A reading as the test knows it.
struct Given {
  /// What its value is worth (plans-2, 1), as far as the reading says it by itself.
  enum Worth {
    case sound
    case doubted
    /// Outside of what can be.
    case unbelieved
    /// Perhaps somebody else's weight.
    case guest
  }

  var number: Int
  var watched: Watched
  var tenths: Int
  var worth = Worth.sound
  /// As stamped, in milliseconds.
  var taken: Int64
  /// Its stamp is believed.
  var isPlaced = true
  var isIrregular = false

  var id: ReadingID { ReadingID(high: 9, low: UInt64(number)) }

  func reading(receivedAt: Int64) -> Reading {
    let unit = watched.measure.unit
    func observation(_ term: Term, _ tenths: Int) -> Observation {
      Observation(term, .value(ExactDecimal(Int64(tenths), exponent: -1)), unit: unit)
    }
    var observations = [observation(watched.measure.usualTerm, tenths)]
    if watched.kind == .bloodPressure {
      observations.append(observation(.diastolic, max(250, min(1800, tenths * 6 / 10))))
    }
    var flags: [ReadingFlag] = isIrregular ? [.irregularPulse] : []
    if worth == .doubted { flags.append(watched.kind == .pulseOximetry ? .sensorDisplaced : .bodyMovement) }
    return Reading(
      id: id, kind: watched.kind, observations: observations, flags: flags,
      takenAt: Timestamp(milliseconds: taken, offsetSeconds: 0), timeQuality: .device, deviceTime: nil,
      receivedAt: Timestamp(milliseconds: receivedAt, offsetSeconds: 0), user: nil, patient: "p",
      device: DeviceIdentity(id: "device-\(watched.kind.rawValue)", transport: .ble), evaluation: nil,
      raw: RawSource(source: "story", octets: [UInt8(truncatingIfNeeded: number)]))
  }
}

extension Measure {
  fileprivate var usualTerm: Term {
    switch self {
    case .systolic: .systolic
    case .spo2: .spo2
    case .weight: .weight
    case .temperature: .temperature
    default: .glucoseCapillaryWholeBlood
    }
  }
}

/// What happens, in the order of time.
struct RandomHistory {
  enum Step {
    /// What comes within a few seconds, in the order of time.
    case delivery([Given])
    case acknowledgement(rule: String)
  }

  private(set) var steps: [(at: Int64, step: Step)] = []
  private(set) var end: Int64
  static let start: Int64 = 1_795_240_800_000

  init(_ plan: RandomPlan, _ dice: inout StoryDice) {
    var watched: [Watched] = []
    for rule in plan.rules where !watched.contains(where: { $0.measure == rule.watched.measure }) {
      watched.append(rule.watched)
    }
    var time = RandomHistory.start + minute
    var number = 0
    var isBad = false
    for _ in 0..<(14 + dice.roll(14)) {
      time += Int64(dice.pick([3, 4, 9, 20, 70, 200, 500])) * minute + Int64(dice.roll(59_000))
      if dice.once(in: 9) {
        steps.append((time, .acknowledgement(rule: dice.pick(plan.rules).id)))
        continue
      }
      var items: [Given] = []
      if dice.once(in: 6) {
        for _ in 0...dice.roll(3) {
          let taken = time - 3 * hour - Int64(dice.roll(Int(40 * hour)))
          items.append(RandomHistory.given(&number, dice.pick(watched), taken, isBad: dice.once(in: 2), &dice))
        }
      }
      if items.isEmpty || dice.once(in: 2) {
        // What is bad stays so for a while.
        if dice.once(in: 3) { isBad.toggle() }
        var live = RandomHistory.given(&number, dice.pick(watched), time - 5000, isBad: isBad, &dice)
        if items.isEmpty, dice.once(in: 14), live.worth == .sound {
          live.isPlaced = false
          live.taken = dice.once(in: 2) ? time + 30 * day : time - 2000 * day
        }
        items.append(live)
      }
      steps.append((time, .delivery(items.sorted { $0.taken < $1.taken })))
      // Soon after what is bad comes something in doubt that looks well.
      guard isBad, let last = items.last, last.isPlaced, last.taken > time - minute, dice.once(in: 3) else { continue }
      time += 2 * minute + Int64(dice.roll(59_000))
      var again = RandomHistory.given(&number, last.watched, time - 5000, isBad: false, &dice)
      if again.worth == .sound { again.worth = .doubted }
      steps.append((time, .delivery([again])))
    }
    end = time + 30 * hour
  }

  private static func given(
    _ number: inout Int, _ watched: Watched, _ taken: Int64, isBad: Bool, _ dice: inout StoryDice
  ) -> Given {
    number += 1
    var tenths = watched.usual.lowerBound + dice.roll(watched.usual.count)
    if isBad {
      let limit = dice.pick(watched.high + watched.low)
      let beyond = dice.roll(max(2, watched.step.low * 3))
      tenths = watched.high.contains(limit) ? limit + beyond : limit - 1 - beyond
      tenths = min(max(tenths, watched.gate.lowerBound), watched.gate.upperBound)
    }
    var given = Given(number: number, watched: watched, tenths: tenths, taken: taken)
    given.isIrregular = watched.kind == .bloodPressure && dice.once(in: 3)
    if dice.once(in: 7) {
      given.worth = .doubted
    } else if dice.once(in: 14) {
      given.worth = .unbelieved
      given.tenths = watched.gate.lowerBound - 1 - dice.roll(min(40, watched.gate.lowerBound - 2))
    } else if watched.measure == .weight, dice.once(in: 6) {
      given.worth = .guest
      given.tenths = dice.once(in: 2) ? 610 : 953
    }
    return given
  }
}
