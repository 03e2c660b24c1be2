// The principles of plan language 2 hold in random stories: never silent, doubt asks, worse breaks through, bounded noise, known and not
// arrived. What was told is held against the plan's limits as the test works them out, never against the same code.

import Monitoring
import Readings
import Testing

private let second: Int64 = 1000
private let minute: Int64 = 60 * second
private let hour: Int64 = 60 * minute
private let day: Int64 = 24 * hour

/// One random story, played.
private struct Played {
  let plan: RandomPlan
  let history: RandomHistory
  let home: Home
  /// When each reading was known, in milliseconds.
  var known: [(given: Given, at: Int64)] = []

  init(_ plan: RandomPlan, _ history: RandomHistory, rough seed: UInt64? = nil) throws {
    (self.plan, self.history) = (plan, history)
    var dice = StoryDice(state: seed ?? 0)
    var home = Home(try plan.plan(), start: RandomHistory.start)
    for (at, step) in history.steps {
      if seed == nil { home.pass(to: at) } else { home.pass(to: at) { dice.once(in: 12) } }
      switch step {
      case .acknowledgement(let rule): home.acknowledge(rule)
      case .delivery(var items):
        if seed != nil { items.shuffle(using: &dice) }
        for (place, item) in items.enumerated() {
          home.pass(to: at + Int64(place) * 700)
          home.take(item.reading(receivedAt: at), isRefused: seed != nil && dice.once(in: 4))
          known.append((item, home.now))
          if seed != nil, dice.once(in: 4) { home.restart() }
        }
      }
    }
    home.pass(to: history.end)
    home.end()
    self.home = home
  }

  /// What was told, without its time.
  var words: [String] {
    home.told.map { told in
      let detail = told.event.detail
      return "\(told.event.rule) \(told.event.kind.rawValue) \(told.event.zone.rawValue) "
        + "\(detail.direction?.rawValue ?? "-") \(detail.value.map { "\($0)" } ?? "-") x\(told.event.count)"
    }.sorted()
  }

  /// What was told of a rule, for people.
  func lines(_ rule: String) -> [String] {
    home.told.filter { $0.event.rule == rule }.map {
      "\($0.at / 1000) \($0.event.kind.rawValue) \($0.event.zone.rawValue) \($0.event.detail.value.map { "\($0)" } ?? "-")"
    }
  }

  /// What was known of its measure: when, taken, tenths.
  func lines(of rule: RandomRule) -> [String] {
    known.filter { $0.given.watched.measure == rule.watched.measure }.map {
      "\($0.at / 1000) \($0.given.taken / 1000) \($0.given.tenths) \($0.given.worth)"
    }
  }

  func told(_ rule: String, _ range: ClosedRange<Int64>) -> [Home.Told] {
    home.told.filter { $0.event.rule == rule && range.contains($0.at) }
  }

  /// What was told of a rule and is not over before an instant.
  func open(_ rule: String, before time: Int64) -> [Home.Told] {
    var open: [Home.Told] = []
    for told in home.told where told.event.rule == rule && told.at < time {
      if told.event.kind == .cleared { open = [] } else if told.event.isTelling { open.append(told) }
    }
    return open
  }
}

@Suite struct PrincipleTests {
  private func story(_ seed: UInt64) -> (RandomPlan, RandomHistory) {
    var dice = StoryDice(state: seed &* 0x9E37_79B9_7F4A_7C15)
    let plan = RandomPlan(&dice)
    return (plan, RandomHistory(plan, &dice))
  }

  @Test(arguments: 1...100 as ClosedRange<UInt64>) func thePrinciplesHold(seed: UInt64) throws {
    let (plan, history) = story(seed)
    let played = try Played(plan, history)
    expectNeverSilent(played)
    expectDoubtEndsNothing(played)
    expectWorseIsTold(played)
    expectBoundedNoise(played)
    // Whose a weight is depends on the order of delivery: `OrderTests` has the case.
    guard !plan.rules.contains(where: { $0.watched.measure == .weight }) || plan.text.contains("single_user") else {
      return
    }
    // What is late for a rule that has ended is told or not: `PlanStoryTests` has the case.
    guard !plan.rules.contains(where: { $0.end != nil }) else { return }
    let rough = try Played(plan, history, rough: seed)
    #expect(rough.words == played.words, "\(plan.text)")
  }

  /// The stories are no empty ones.
  @Test func everythingIsHeardOf() throws {
    var kinds: [MonitoringEvent.Kind: Int] = [:]
    var words: Set<String> = []
    var rules: Set<String> = []
    for seed in 1...40 as ClosedRange<UInt64> {
      let (plan, history) = story(seed)
      for told in try Played(plan, history).home.told {
        kinds[told.event.kind, default: 0] += 1
        if let because = told.event.detail.because { words.insert(because) }
        rules.insert(plan.rules.first { $0.id == told.event.rule }?.kind ?? told.event.rule)
      }
    }
    #expect(kinds.keys.count == MonitoringEvent.Kind.allCases.count && kinds.values.allSatisfy { $0 > 4 }, "\(kinds)")
    #expect(
      words.isSuperset(of: ["other-direction", "quiet", "expired", "not-believable", "somebody-else"]), "\(words)")
    #expect(
      rules.isSuperset(of: [
        "band", "baseline", "delta", "average", "consecutive", "score", "missing", "bits", "quality", "doubt.bp",
      ]), "\(rules)")
  }

  // MARK: P1

  /// How long something may be held: the rule's own quiet, or that of flapping (plans-2, 3.4).
  private func hold(_ rule: RandomRule, _ time: Int64, _ played: Played) -> Int64 {
    let isFlapping = played.told(rule.id, (time - day)...time).count { $0.event.isTelling } >= 3
    return max(rule.quiet, isFlapping ? 4 * hour : 0)
  }

  /// When something is told at the latest: with its wait for a repeat, or that of a value in doubt, and a delivery's end.
  private func latest(_ rule: RandomRule, _ time: Int64, _ played: Played) -> Int64 {
    time + hold(rule, time, played) + max(rule.within ?? 0, 15 * minute) + 90 * second
  }

  private func expectNeverSilent(_ played: Played) {
    for (given, at) in played.known {
      guard let reading = played.home.readings[given.id] else {
        Issue.record("a reading is lost")
        continue
      }
      if isWatched(given, played), reading.evaluation?.zone == nil {
        #expect(reading.evaluation?.notJudged.isEmpty == false, "zone null stands alone: \(given) \(played.plan.text)")
      }
      if given.worth == .unbelieved { expectAsked(given, at, played) }
      for rule in played.plan.rules where rule.watched.measure == given.watched.measure {
        if given.worth != .unbelieved, ["band", "baseline"].contains(rule.kind) { expectTold(given, at, rule, played) }
      }
    }
    for rule in played.plan.rules where rule.kind == "average" && !rule.isNarrowed { expectMeanTold(rule, played) }
  }

  /// Some rule judges values of this measure.
  private func isWatched(_ given: Given, _ played: Played) -> Bool {
    played.plan.rules.contains { rule in
      rule.watched.measure == given.watched.measure && !["missing", "bits", "quality", "score"].contains(rule.kind)
    }
  }

  private func expectAsked(_ given: Given, _ at: Int64, _ played: Played) {
    guard isWatched(given, played), !played.plan.rules.contains(where: { $0.isNarrowed }) else { return }
    let name = given.watched.measure == .systolic ? "doubt.bp" : "doubt.\(given.watched.measure.rawValue)"
    // Two that agree are believed, and told by the rules themselves.
    let told = played.told(name, (at - day)...(at + longestHoldOfDoubt))
    let isAccepted = played.known.contains { other, _ in
      other.number != given.number && other.worth == .unbelieved && other.watched.measure == given.watched.measure
        && abs(other.taken - given.taken) <= 15 * minute
    }
    #expect(!told.isEmpty || isAccepted, "a value that cannot be is not asked about: \(given) \(played.plan.text)")
  }

  private var longestHoldOfDoubt: Int64 { 4 * hour + 16 * minute }

  private func expectTold(_ given: Given, _ at: Int64, _ rule: RandomRule, _ played: Played) {
    guard let verdict = rule.verdict(given.tenths) else { return }
    // What comes when the rule has ended: `PlanStoryTests` has the case.
    if let end = rule.end, at > end - 13 * hour { return }
    let reading = played.home.readings[given.id]
    if reading?.evaluation?.notJudged.contains(where: { $0.rule == rule.id }) == true { return }
    let before = played.told(rule.id, (at - day - rule.quiet)...at) + played.open(rule.id, before: at)
    let isKnown = before.contains { told in
      guard told.event.kind != .cleared, let known = told.event.verdict(rule) else { return false }
      return !rule.isWorse(verdict, than: known)
    }
    let after = played.told(rule.id, at...latest(rule, at, played)).contains { $0.event.kind != .cleared }
    let isAnswered = played.known.contains { other, time in
      other.worth == .sound && other.isPlaced && other.watched.measure == given.watched.measure
        && other.taken > given.taken && time >= at && time <= at + (rule.within ?? 15 * minute)
        && rule.verdict(other.tenths) == nil
    }
    #expect(
      isKnown || after || isAnswered,
      "silent: \(rule.text), \(given) known at \(at / 1000), told \(played.lines(rule.id)), known \(played.lines(of: rule))"
    )
  }

  private func expectMeanTold(_ rule: RandomRule, _ played: Played) {
    let mine = played.known.filter { $0.given.watched.measure == rule.watched.measure }
    // What may be believed later, or be somebody else's, is left to the stories.
    guard mine.allSatisfy({ $0.given.worth == .sound || $0.given.worth == .doubted }) else { return }
    for (given, at) in mine where given.worth == .sound && given.isPlaced && given.taken > at - hour {
      let values = mine.filter { $0.at <= at && $0.given.worth == .sound && $0.given.isPlaced }
        .map { (taken: $0.given.taken, tenths: $0.given.tenths) }
      guard rule.meanHolds(values, at: given.taken) == true else { continue }
      let isTold = !played.told(rule.id, at...latest(rule, at, played)).isEmpty
      let isKnown = !played.open(rule.id, before: at + 70 * second).isEmpty
      let isLate = !played.told(rule.id, (at - day)...at).isEmpty
      #expect(isTold || isKnown || isLate, "a mean is silent: \(rule.id) \(given) \(played.plan.text)")
    }
  }

  // MARK: P2

  private func expectDoubtEndsNothing(_ played: Played) {
    let given = Dictionary(uniqueKeysWithValues: played.known.map { ($0.given.id, $0.given) })
    for told in played.home.told where told.event.kind == .cleared {
      // Signs count of readings of all classes (plans-2, 4.7), and what is believed because it was said twice may be of the other side.
      let kind = played.plan.rules.first { $0.id == told.event.rule }?.kind
      guard told.event.detail.because == nil, kind != "bits", kind != "quality", let id = told.event.reading,
        let item = given[id]
      else { continue }
      // Trends are cleared by what was said twice, and scores by what is in doubt: `PlanStoryTests` has the cases.
      let isTrend = kind == "delta" || kind == "average" || kind == "consecutive" || kind == "score"
      #expect(
        item.worth == .sound || item.worth == .guest || (item.worth == .unbelieved && (isTrend || kind == nil))
          || kind == "score",
        "cleared by a value in doubt: \(told) \(played.plan.text)")
    }
    // What was asked about has a verdict.
    for rule in played.plan.rules where rule.within != nil && !rule.isNarrowed {
      for ask in played.home.told where ask.event.rule == rule.id && ask.event.kind == .repeatRequested {
        let wait = rule.within ?? 0
        let isOpen = !played.open(rule.id, before: ask.at).isEmpty
        let verdict = played.told(
          rule.id, (ask.at - second)...(ask.at + wait + 2 * second + hold(rule, ask.at, played))
        )
        .contains { $0.event.isTelling || $0.event.detail.because == "quiet" }
        // A sound value: in band, or of what stands already no worse.
        let isAnswered = played.known.contains { item, time in
          item.worth == .sound && item.watched.measure == rule.watched.measure && time > ask.at
            && time <= ask.at + wait + second && (isOpen || rule.verdict(item.tenths) == nil)
        }
        #expect(
          verdict || isAnswered,
          "an ask without a verdict: \(ask.at / 1000) of \(rule.text), told \(played.lines(rule.id)), known \(played.lines(of: rule))"
        )
      }
    }
  }

  // MARK: P3

  private func expectWorseIsTold(_ played: Played) {
    for rule in played.plan.rules where ["band", "baseline"].contains(rule.kind) && !rule.isNarrowed {
      for (given, at) in played.known where given.watched.measure == rule.watched.measure {
        guard given.worth == .sound, given.isPlaced, given.taken > at - hour, let verdict = rule.verdict(given.tenths)
        else {
          continue
        }
        let since = at - max(rule.quiet, day)
        let known = (played.told(rule.id, since...(at - 1)) + played.open(rule.id, before: at)).compactMap {
          $0.event.verdict(rule)
        }
        guard known.allSatisfy({ rule.isWorse(verdict, than: $0) }) else { continue }
        var told = played.told(rule.id, at...(at + second))
        // A change says nothing of a weight that may be somebody else's: it is asked about instead (plans-2, 1).
        // About one that agrees with what was asked about on this date nothing is said again.
        if rule.kind == "baseline" { told += played.told("doubt.weight", (at - day)...(at + second)) }
        #expect(
          told.contains { $0.event.kind == .raised || $0.event.kind == .repeatRequested },
          "worse than all that was told: \(rule.id) \(given) \(played.plan.text)")
      }
    }
  }

  // MARK: P4

  private func expectBoundedNoise(_ played: Played) {
    let names = Set(played.home.told.map(\.event.rule))
    for name in names {
      let rule = played.plan.rules.first { $0.id == name }
      let told = played.home.told.filter { $0.event.rule == name }
      for last in told {
        let window = told.filter { $0.at > last.at - day && $0.at <= last.at }
        let again = window.enumerated().filter { place, item in
          // Telling again has no bound yet: `PlanStoryTests` has the case.
          if item.event.detail.repeated != nil { return false }
          guard item.event.isTelling, let rule else { return item.event.isTelling }
          guard let verdict = item.event.verdict(rule) else { return true }
          return window[..<place].contains { earlier in
            earlier.event.verdict(rule).map { !rule.isWorse(verdict, than: $0) } ?? false
          }
        }.map(\.element)
        let isRed = window.contains { $0.event.zone == .red }
        #expect(again.count <= (isRed ? 27 : 9), "\(name): \(again.count) tellings a day, \(played.plan.text)")
        let asks = window.filter { $0.event.kind == .repeatRequested }
        #expect(asks.count <= 24, "\(name): \(asks.count) questions a day")
        let missing = window.filter { $0.event.kind == .missing }
        #expect(missing.count <= 3, "\(name): \(missing.count) missing a day")
      }
    }
  }
}
