// The steps of a rule, whatever its kind (plans-2, 3.3): a finding comes in, the rule moves, and something is told or not. The comments
// name the rows of that table.

internal import Readings

/// What is to be told of a rule, before it is an event.
package struct Telling: Sendable, Hashable {
  var kind: MonitoringEvent.Kind
  var zone: Zone
  var finding: Finding?
  var because: String?
  var count = 1
  var repeated: Int?
  var escalates = false
  var isFlapping = false
  /// Of the episode that it ends; nil: of the one that goes on.
  var episode: RuleState.Episode?

  init(_ kind: MonitoringEvent.Kind, _ zone: Zone, _ finding: Finding? = nil, because: String? = nil) {
    self.kind = kind
    self.zone = zone
    self.finding = finding
    self.because = because
  }
}

/// What a finding may do to a rule.
package struct Power: Sendable {
  /// It may begin something.
  var begins = true
  /// It may end, lower and answer something.
  var ends = true

  /// Everything.
  static let full = Power()
}

/// A rule with what its steps ask for.
struct Machine {
  let rule: Rule
  let now: Int64
  var confirm: Confirmation? { rule.kind.confirm }

  /// The usual wait for a repeat of what is in doubt, in milliseconds.
  static let usualWait: Int64 = 900_000
  /// Nobody is asked for a repeat more often, in milliseconds.
  static let askPause: Int64 = 3_600_000
  static let day: Int64 = 86_400_000
  /// The most values in doubt that are remembered.
  static let mostDoubts = 16

  private var wait: Int64 { confirm?.within ?? Machine.usualWait }

  /// How far out counts as worse.
  func steps(_ finding: Finding) -> [ExactDecimal?] { rule.kind.steps(finding.direction) }

  func isWorse(_ finding: Finding, than other: Finding) -> Bool {
    finding.isWorse(than: other, steps: steps(finding))
  }

  // MARK: A finding

  /// The rule's next state after a finding, and what is told.
  func take(_ finding: Finding, _ state: inout RuleState, _ power: Power = .full) -> [Telling] {
    defer { if !finding.isDoubted, power.ends { state.doubts = [] } }
    forget(&state)
    switch state.phase {
    case .normal: return takeNormal(finding, &state, power)
    case .pending: return takePending(finding, &state, power)
    case .raised, .acknowledged: return takeRaised(finding, &state, power)
    }
  }

  /// What nothing is compared with any more.
  private func forget(_ state: inout RuleState) {
    let longest = max(rule.quiet, Machine.day)
    if state.held.isEmpty { state.told.removeAll { now.moved(-$0.at) >= longest } }
    state.asked.removeAll { now.moved(-$0.at) >= Machine.askPause }
    state.lateTold.removeAll { now.moved(-$0.at) >= Machine.day }
    state.tellings.removeAll { now.moved(-$0) >= Machine.day }
    state.retellings.removeAll { now.moved(-$0) >= Machine.day }
  }

  private func takeNormal(_ finding: Finding, _ state: inout RuleState, _ power: Power) -> [Telling] {
    guard !finding.isGreen, power.begins else { return [] }
    begin(finding, &state)
    guard confirm != nil else {
      // Row 1.
      state.phase = .raised
      var told = tell(.raised, finding, &state)
      if finding.isDoubted, finding.raw.zone > .yellow {
        state.ask = ask(finding, isSaid: true)
        told += question(finding, &state)
      }
      return told
    }
    state.ask = ask(finding, isSaid: rule.kind.isImmediate)
    guard rule.kind.isImmediate else {
      // Row 2.
      state.phase = .pending
      return question(finding, &state)
    }
    // Row 3.
    state.phase = .raised
    return tell(.raised, finding, &state) + question(finding, &state)
  }

  private func begin(_ finding: Finding, _ state: inout RuleState) {
    state.episode = .init(reading: finding.reading, since: finding.reading == nil ? now : finding.taken)
    state.current = finding
    state.acknowledgement = nil
    state.doubts = finding.isDoubted ? [finding.withoutDoubt] : []
  }

  private func ask(_ finding: Finding, isSaid: Bool) -> RuleState.Ask {
    RuleState.Ask(
      deadline: now.moved(wait), since: now, first: finding.taken, counted: [finding], isSaid: isSaid)
  }

  private func takePending(_ finding: Finding, _ state: inout RuleState, _ power: Power) -> [Telling] {
    guard var ask = state.ask else {
      state.phase = .normal
      return takeNormal(finding, &state, power)
    }
    guard !finding.isGreen else {
      // Row 6. What is in doubt answers nothing.
      guard !finding.isDoubted, power.ends else { return [] }
      normalise(&state)
      return []
    }
    if finding.isDoubted { note(doubt: finding, &state) }
    ask.counted.append(finding)
    if let confirm, ask.counted.count < confirm.count, finding.taken.moved(-ask.first) <= confirm.within {
      // Row 4.
      state.ask = ask
      state.current = finding
      return question(finding, &state, isCounted: true)
    }
    // Row 5.
    state.ask = nil
    state.phase = .raised
    var raised = finding
    if ask.counted.contains(where: \.isDoubted) {
      let sound = ask.counted.filter { !$0.isDoubted && !$0.isOpposite(to: finding) }.map(\.rank).max()
      raised.rank = min(finding.raw, max(.doubted, sound ?? .doubted))
    }
    state.current = raised
    var told = tell(.raised, raised, &state)
    if let other = opposite(to: raised, ask.counted) {
      told += tell(.unconfirmed, other.at(min(other.raw, .doubted)), &state, because: "other-direction")
    }
    return told
  }

  /// The worst that counted on the other side: it was abnormal, too.
  private func opposite(to finding: Finding, _ counted: [Finding]) -> Finding? {
    worst(counted.filter { $0.isOpposite(to: finding) })
  }

  private func worst(_ findings: [Finding]) -> Finding? {
    findings.reduce(nil) { $1.withoutDoubt.worst(with: $0, steps: []) }
  }

  private func takeRaised(_ finding: Finding, _ state: inout RuleState, _ power: Power) -> [Telling] {
    guard let current = state.current else { return [] }
    if finding.isDoubted {
      // Row 13, else row 12.
      let raw = finding.withoutDoubt
      guard !raw.isGreen, isWorse(raw, than: current), state.doubts.allSatisfy({ isWorse(raw, than: $0) }) else {
        return []
      }
      note(doubt: finding, &state)
      state.ask = ask(finding, isSaid: false)
      return question(finding, &state)
    }
    if finding.isGreen {
      // Row 11.
      return power.ends ? clear(finding, &state) : []
    }
    if finding.isOpposite(to: current) {
      // Row 10.
      var told = clear(finding, &state, because: "other-direction")
      begin(finding, &state)
      state.phase = .raised
      told += tell(.raised, finding, &state)
      return told
    }
    let isWorseThanTold =
      !state.held.isEmpty && last(state.told, of: finding.direction).map { isWorse(finding, than: $0.finding) } ?? false
    if isWorse(finding, than: current) || isWorseThanTold {
      // Row 9.
      state.current = finding
      state.phase = .raised
      state.acknowledgement = nil
      state.ask = nil
      return tell(.raised, finding, &state)
    }
    // Row 8.
    guard power.ends else { return [] }
    if finding.rank < current.rank { state.current = finding }
    state.ask = nil
    return []
  }

  private func note(doubt finding: Finding, _ state: inout RuleState) {
    state.doubts.append(finding.withoutDoubt)
    if state.doubts.count > Machine.mostDoubts { state.doubts.removeFirst() }
  }

  // MARK: Back to normal

  /// Nothing is abnormal any more.
  func clear(_ finding: Finding?, _ state: inout RuleState, because: String? = nil) -> [Telling] {
    let episode = state.episode
    normalise(&state)
    guard episode?.isRaised ?? false else { return [] }
    var telling = Telling(.cleared, .green, finding, because: because)
    telling.episode = episode
    return [telling]
  }

  private func normalise(_ state: inout RuleState) {
    state.phase = .normal
    (state.current, state.ask, state.episode, state.acknowledgement) = (nil, nil, nil, nil)
    (state.raisedAt, state.lastToldAt, state.retold) = (nil, nil, nil)
    state.doubts = []
    state.askedAbout = []
    state.doubt = nil
  }

  /// Row 16: the rule leaves force.
  func leave(_ state: inout RuleState, because: String) -> [Telling] {
    let wasTold = state.episode?.isTold ?? false
    let episode = state.episode
    normalise(&state)
    (state.missed, state.missedSlot) = (0, nil)
    guard wasTold else { return [] }
    var telling = Telling(.cleared, .green, nil, because: because)
    telling.episode = episode
    return [telling]
  }

  // MARK: People

  /// Row 15. Nil when nothing is raised.
  func acknowledge(_ word: RuleAcknowledgement, _ state: inout RuleState) -> Telling? {
    guard state.phase == .raised, let current = state.current else { return nil }
    state.phase = .acknowledged
    state.acknowledgement = word
    state.held.removeAll { !$0.worst.isOpposite(to: current) }
    note(&state.told, current, at: now)
    state.retold = nil
    state.episode?.noteRaised()
    return Telling(.acknowledged, current.rank.zone, current)
  }
}
