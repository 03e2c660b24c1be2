// What is told of a rule's steps and what is held: quiet periods, rules that come and go, questions, telling again (plans-2, 3.4).

internal import Readings

extension Machine {
  // MARK: Telling

  /// Tells a finding, or holds it while it is quiet and no worse than what was told.
  func tell(
    _ kind: MonitoringEvent.Kind, _ finding: Finding, _ state: inout RuleState, because: String? = nil
  ) -> [Telling] {
    let quiet = quiet(state)
    let raw = kind == .unconfirmed ? finding.withoutDoubt : finding
    if quiet > 0, let told = last(state.told, of: finding.direction), now.moved(-told.at) < quiet {
      // What was not confirmed is compared by what it would have been.
      let against = kind == .unconfirmed ? told.finding.withoutDoubt : told.finding
      guard isWorse(raw, than: against) else {
        hold(kind, finding, &state)
        return []
      }
    }
    return [say(kind, finding, &state, because: because)]
  }

  /// Tells a finding whatever was told before.
  func say(
    _ kind: MonitoringEvent.Kind, _ finding: Finding, _ state: inout RuleState, because: String? = nil
  ) -> Telling {
    var kept = finding
    // What is told of something unconfirmed is yellow; what it would have been is kept beside it.
    if kind == .raised { kept.raw = max(kept.raw, kept.rank) }
    note(&state.told, kept, at: now)
    state.tellings = state.tellings.filter { now.moved(-$0) < Machine.day }
    var telling = Telling(
      kind, kind == .unconfirmed ? min(finding.rank.zone, .yellow) : finding.rank.zone, finding, because: because)
    if kind == .raised || kind == .unconfirmed {
      state.tellings.append(now)
      telling.isFlapping = state.tellings.count == Machine.flaps
      if state.tellings.count > Machine.mostTellings { state.tellings.removeFirst() }
    }
    release(finding.direction, &state)
    state.retold = (now, 0)
    state.episode?.noteRaised()
    telling.episode = state.episode
    return telling
  }

  /// So many tellings a day are flapping.
  static let flaps = 3
  /// The most that are kept.
  static let mostTellings = 64
  /// The most tellings of a red in a day, retellings among them.
  static let mostOfADay = 27

  /// How long nothing is told that is no worse: the rule's own time, or more where it comes and goes.
  func quiet(_ state: RuleState) -> Int64 {
    let recent = state.tellings.count { now.moved(-$0) < Machine.day }
    guard recent >= Machine.flaps else { return rule.quiet }
    let isRed = state.told.max { $0.at < $1.at }?.finding.rank.zone == .red
    return max(rule.quiet, isRed ? 3_600_000 : 4 * 3_600_000)
  }

  /// When a rule that comes and goes is quiet no longer than others; nil: it is not.
  private func lapse(_ state: RuleState) -> Int64? {
    let recent = state.tellings.filter { now.moved(-$0) < Machine.day }.sorted()
    return recent.count >= Machine.flaps ? recent[recent.count - Machine.flaps].moved(Machine.day) : nil
  }

  private func hold(_ kind: MonitoringEvent.Kind, _ finding: Finding, _ state: inout RuleState) {
    let index = state.held.firstIndex { $0.worst.direction == finding.direction }
    var held =
      index.map { state.held.remove(at: $0) }
      ?? RuleState.Held(count: 0, worst: finding, isUnconfirmed: true)
    held.count += 1
    held.worst = finding.worst(with: held.count == 1 ? nil : held.worst, steps: steps(finding))
    held.isUnconfirmed = held.isUnconfirmed && kind == .unconfirmed
    state.held.append(held)
  }

  private func release(_ direction: Direction?, _ state: inout RuleState) {
    state.held.removeAll { $0.worst.direction == nil || direction == nil || $0.worst.direction == direction }
  }

  // MARK: Questions

  /// Asks for a repeat, at most once an hour unless it is worse or a repeat of a repeat.
  func question(_ finding: Finding, _ state: inout RuleState, isCounted: Bool = false) -> [Telling] {
    let raw = finding.withoutDoubt
    if !isCounted, let asked = last(state.asked, of: finding.direction), now.moved(-asked.at) < Machine.askPause,
      !isWorse(raw, than: asked.finding)
    {
      return []
    }
    note(&state.asked, raw, at: now)
    state.episode?.isTold = true
    return [Telling(.repeatRequested, finding.raw.zone, finding)]
  }

  // MARK: What was told of a direction

  /// What was told last of a direction. None agrees with every direction.
  func last(_ told: [RuleState.Told], of direction: Direction?) -> RuleState.Told? {
    told.filter { direction == nil || $0.finding.direction == nil || $0.finding.direction == direction }
      .max { $0.at < $1.at }
  }

  func note(_ told: inout [RuleState.Told], _ finding: Finding, at: Int64) {
    told.removeAll { $0.finding.direction == finding.direction }
    told.append(.init(at: at, finding: finding))
  }

  // MARK: Time

  /// Ends what has run out by `now`: a wait for a repeat, a quiet period with something held, a retelling.
  func expire(_ state: inout RuleState) -> [Telling] {
    var told = endAsk(&state)
    told += endQuiet(&state)
    told += tellAgain(&state)
    told += reopen(&state)
    return told
  }

  /// When `expire` is to be called next; nil: when something else happens.
  func nextExpiry(_ state: RuleState) -> Int64? {
    var times: [Int64] = []
    if let ask = state.ask { times.append(ask.deadline) }
    let quiet = quiet(state)
    for held in state.held where !(rule.isMissing && state.phase != .normal) {
      let told = last(state.told, of: held.worst.direction)?.at ?? now
      times.append(told.moved(quiet))
      // What comes and goes is quiet for longer only while it did so within a day.
      if let lapse = lapse(state) { times.append(max(told.moved(rule.quiet), lapse)) }
    }
    if let next = nextRetelling(state) { times.append(next) }
    if let at = reopening(state) { times.append(at) }
    return times.min()
  }

  /// Rows 7 and 14.
  private func endAsk(_ state: inout RuleState) -> [Telling] {
    guard let ask = state.ask, ask.deadline <= now else { return [] }
    state.ask = nil
    guard let worst = ask.counted.reduce(nil, { $1.withoutDoubt.worst(with: $0, steps: []) }) else { return [] }
    guard state.phase == .pending else {
      guard !ask.isSaid else { return [] }
      state.phase = .raised
      state.acknowledgement = nil
      return tell(.unconfirmed, worst.at(min(worst.raw, .doubted)), &state)
    }
    state.phase = .raised
    // Two sound values of one direction are a verdict.
    var found: Finding?
    for direction in [Direction.high, .low, nil] {
      let sound = ask.counted.filter { !$0.isDoubted && $0.direction == direction }.sorted { $1.rank < $0.rank }
      guard sound.count >= 2, found.map({ $0.rank < sound[1].rank }) ?? true else { continue }
      found = sound[1]
    }
    if let found {
      state.current = found
      return tell(.raised, found, &state)
    }
    let unconfirmed = worst.at(min(worst.raw, .doubted))
    state.current = unconfirmed
    return tell(.unconfirmed, unconfirmed, &state)
  }

  private func endQuiet(_ state: inout RuleState) -> [Telling] {
    let quiet = quiet(state)
    var told: [Telling] = []
    for held in state.held {
      let since = last(state.told, of: held.worst.direction)?.at
      guard since.map({ now >= $0.moved(quiet) }) ?? true else { continue }
      // What did not come is told with what goes on not coming.
      if rule.isMissing, state.phase != .normal { continue }
      state.held.removeAll { $0 == held }
      if state.phase == .raised, let current = state.current, !held.worst.isOpposite(to: current) {
        let worst = held.worst.worst(with: current, steps: steps(current))
        var telling = say(held.isUnconfirmed ? .unconfirmed : .raised, worst, &state)
        telling.because = nil
        told.append(telling)
      } else {
        // It is over, and nobody heard of it.
        note(&state.told, held.worst, at: now)
        var telling = Telling(.late, .yellow, held.worst, because: "quiet")
        telling.count = held.count
        told.append(telling)
      }
    }
    return told
  }

  // MARK: Telling again

  private func nextRetelling(_ state: RuleState) -> Int64? {
    guard let retell = rule.retell, retell.times > 0, state.phase == .raised, state.zone == .red,
      let (from, count) = state.retold, count < retell.times
    else { return nil }
    return from.moved(retell.every.multipliedReportingOverflow(by: Int64(count + 1)).partialValue)
  }

  private func tellAgain(_ state: inout RuleState) -> [Telling] {
    guard let next = nextRetelling(state), next <= now, let retell = rule.retell, let (from, _) = state.retold,
      let current = state.current
    else { return [] }
    // What ran out while the hub was off is told once.
    let count = min(retell.times, Int(clamping: now.moved(-from) / max(1, retell.every)))
    let worst = state.held.filter { !$0.worst.isOpposite(to: current) }.reduce(current) {
      $1.worst.worst(with: $0, steps: steps(current))
    }
    state.held.removeAll { !$0.worst.isOpposite(to: current) }
    state.retold = (from, count)
    // Whatever the plan says, so many a day are told of what is no worse.
    state.tellings = state.tellings.filter { now.moved(-$0) < Machine.day }
    state.retellings = state.retellings.filter { now.moved(-$0) < Machine.day }
    // The last one, which calls somebody else, is never left out.
    guard count == retell.times || state.tellings.count + state.retellings.count < Machine.mostOfADay else { return [] }
    state.retellings.append(now)
    state.episode?.noteRaised()
    var telling = Telling(rule.isMissing ? .missing : .raised, current.rank.zone, worst)
    telling.repeated = count
    telling.escalates = count == retell.times
    return [telling]
  }

  private func reopening(_ state: RuleState) -> Int64? {
    guard state.phase == .acknowledged, let after = rule.afterAcknowledgement, let word = state.acknowledgement else {
      return nil
    }
    return word.at.moved(after)
  }

  private func reopen(_ state: inout RuleState) -> [Telling] {
    guard let at = reopening(state), at <= now, let current = state.current else { return [] }
    state.phase = .raised
    state.acknowledgement = nil
    var telling = say(rule.isMissing ? .missing : .raised, current, &state, because: "still-open")
    if rule.isMissing {
      if state.missed > 0 { (telling.count, state.missed) = (state.missed, 0) }
      // One a date.
      state.toldDate = state.missedDate ?? state.toldDate
    }
    return [telling]
  }
}
