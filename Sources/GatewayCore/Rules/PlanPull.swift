// When a backend is asked for plans, and what becomes of its answers: the higher version of a patient's plan is in force, wherever it
// came from; what is refused, withdrawn or unreachable leaves the old one in force and is told once.

internal import JSON
internal import Monitoring
internal import Settings
internal import Ledger

/// What is known of one backend that gives plans.
struct PlanPull: Sendable {
  /// The first wait after an answer that tells nothing; it doubles up to the interval. Milliseconds.
  static let firstWait: Int64 = 30_000
  /// A backend that says that plans are new is asked so soon after the last question, not sooner.
  static let hintSpacing: Int64 = 60_000

  var source: PlanSource
  /// When it is asked next, monotonic milliseconds; nil while it is being asked.
  var nextAt: Int64?
  var askedAt: Int64?
  var isUnderway = false
  var attempts = 0
  /// Sent with the next question: everything under this tag is in force, or refused for what stands in it.
  var etag: String?
  /// The tag of the last answer, and the last one that a delivery's answer told.
  var seen: String?
  var hinted: String?
  /// It was told while the question was under way: the answer may be older.
  var isHintedMeanwhile = false
  /// The tag of the plans that come into force next.
  var adopting: String?
  var refused: [String] = []
  var withdrawn: Set<String> = []
  var lastSuccess: Int64?
  var error: (code: String, text: String)?
  var isMisconfigured = false
  /// Since when no answer told anything, monotonic milliseconds.
  var failingSince: Int64?

  init(_ source: PlanSource, at time: Int64?) {
    self.source = source
    nextAt = time
  }

  var withdrawnText: String {
    "\(withdrawn.count) \(withdrawn.count == 1 ? "plan is" : "plans are") not in its answer any more; the last good ones stay in force"
  }

  /// What the source is called where people read it.
  var file: String { View.withoutSecrets(source.url) }
}

extension Rules {
  // MARK: When

  /// The sources of a configuration that comes into force.
  mutating func configurePulls(_ turn: inout Turn) {
    let now = turn.now
    let sources = turn.house.configuration.backends.filter { $0.plans != nil }.map(\.name)
    for name in pulls.keys where !sources.contains(name) { pulls[name] = nil }
    for backend in turn.house.configuration.backends {
      guard let source = backend.plans, pulls[backend.name]?.source != source else { continue }
      pulls[backend.name] = PlanPull(source, at: turn.house.isStarted ? now.monotonic : nil)
    }
  }

  mutating func startPulls(_ turn: inout Turn) {
    let now = turn.now
    for name in pulls.keys.sorted() {
      let wait = turn.house.identity.startSpread > 0 ? turn.jitter.next(0...turn.house.identity.startSpread) : 0
      pulls[name]?.nextAt = now.monotonic + wait
    }
  }

  /// A person wants to see what the backends have.
  mutating func plansWanted(_ turn: inout Turn) {
    let now = turn.now
    for name in pulls.keys {
      pulls[name]?.attempts = 0
      if pulls[name]?.isUnderway == false { pulls[name]?.nextAt = now.monotonic }
    }
  }

  mutating func pullsDue(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var effects: [Effect] = []
    for name in pulls.keys.sorted() {
      guard let pull = pulls[name], let time = pull.nextAt, time <= now.monotonic else { continue }
      pulls[name]?.nextAt = nil
      pulls[name]?.askedAt = now.monotonic
      pulls[name]?.isUnderway = true
      effects.append(.fetchPlans(backend: name, etag: pull.etag))
    }
    return effects
  }

  /// A tag that a delivery's answer told: each is acted on once, so that a backend that is at odds with itself is not asked for ever.
  mutating func plansHinted(_ name: String, _ etag: String, _ turn: inout Turn) {
    let now = turn.now
    guard let pull = pulls[name], etag != pull.seen, etag != pull.hinted else { return }
    pulls[name]?.hinted = etag
    pulls[name]?.isHintedMeanwhile = pull.isUnderway
    if let next = pull.nextAt {
      let soonest = pull.askedAt.map { max(now.monotonic, $0 + PlanPull.hintSpacing) } ?? now.monotonic
      pulls[name]?.nextAt = min(next, soonest)
    }
  }

  // MARK: Answers

  mutating func plansAnswered(_ name: String, _ url: String, _ answer: PlanAnswer, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard var pull = pulls[name], pull.isUnderway, pull.source.url == url else { return [] }
    pull.isUnderway = false
    var list = PlanList()
    var etag: String?
    switch answer {
    case .retry(let after, let code):
      return again(name, pull, after, code, &turn)
    case .unchanged where pull.etag == nil:
      return again(name, pull, nil, "http.304", &turn)
    case .misconfigured(let code, let text):
      let isNew = !pull.isMisconfigured
      pull.isMisconfigured = true
      pull.error = (code, text)
      let wait = min(pull.source.every, 3_600_000)
      pull.nextAt = now.monotonic + turn.jitter.next(wait / 2...wait)
      pulls[name] = pull
      guard isNew else { return [] }
      tell("plans.misconfigured", true, "backend \(name): \(text) (\(code))", about: name, &turn)
      return [.log(.warning, "backend \(name): \(code): plans cannot be read; hearthctl doctor says why")]
    case .unchanged:
      succeed(&pull, &turn)
      pulls[name] = pull
      isWell(name, &turn)
      return []
    case .unverified:
      // Nothing in it counts, not even what it leaves out.
      list.patients = nil
      list.refused = ["\(pull.file): the program \(pull.source.verifier ?? "") does not say that the signature is good"]
    case .none: break
    case .plans(let octets, let tag):
      list = PlanList(octets, file: pull.file)
      etag = tag
    }
    pull.seen = etag
    succeed(&pull, &turn)
    pulls[name] = pull
    isWell(name, &turn)
    return take(list, name, etag, &turn)
  }

  private mutating func again(_ name: String, _ pull: PlanPull, _ after: Int64?, _ code: String, _ turn: inout Turn)
    -> [Effect]
  {
    let now = turn.now
    var pull = pull
    pull.attempts += 1
    pull.failingSince = pull.failingSince ?? now.monotonic
    pull.error = (code, "plans could not be asked for: \(DeliveryWords.plansText(code))")
    let step = min(pull.source.every, PlanPull.firstWait << Int64(min(pull.attempts - 1, 12)))
    pull.nextAt = now.monotonic + max(turn.jitter.next(step / 2...step), after ?? 0)
    pulls[name] = pull
    return pull.attempts == 1
      ? [.log(.warning, "backend \(name): \(code): no plans: \(DeliveryWords.plansText(code))")] : []
  }

  /// An answer that tells something; hubs do not ask in step.
  private mutating func succeed(_ pull: inout PlanPull, _ turn: inout Turn) {
    let now = turn.now
    let every = pull.source.every
    pull.attempts = 0
    pull.failingSince = nil
    pull.error = nil
    pull.isMisconfigured = false
    pull.lastSuccess = now.wall
    pull.nextAt = now.monotonic + turn.jitter.next(every - every / 10...every + every / 10)
    if pull.isHintedMeanwhile, pull.hinted != pull.seen { pull.nextAt = now.monotonic + PlanPull.hintSpacing }
    pull.isHintedMeanwhile = false
  }

  private func isWell(_ name: String, _ turn: inout Turn) {
    tell("plans.misconfigured", false, "backend \(name): plans can be read again", about: name, &turn)
  }

  /// Tells that something began or is over; the same again is told only when it is news.
  private func tell(
    _ code: String, _ holds: Bool, _ message: String, about name: String, isNews: Bool = false, _ turn: inout Turn
  ) {
    turn.send(.watch(.tell(code, holds: holds, message, about: name, isNews: isNews)))
  }

  // MARK: Plans

  private mutating func take(_ list: PlanList, _ name: String, _ etag: String?, _ turn: inout Turn) -> [Effect] {
    // A plan of anybody else is a mistake.
    let known = turn.view.knownPatients
    var refused = list.refused
    var wanted: [PulledPlan] = []
    // A patient may become known; then all is read again.
    var isSettled = list.patients != nil
    for pulled in list.plans {
      let (patient, version) = (pulled.plan.patient, pulled.plan.version)
      if turn.house.plans[patient] == pulled.plan { continue }
      if !known.contains(patient) {
        refused.append("\(pulled.place).patient: nobody on this hub has this reference")
        isSettled = false
      } else if let old = turn.house.plans[patient], version <= old.version {
        refused.append(
          "\(pulled.place).version: \(old.version) is in force; expected a higher one for what is new, found \(version)"
        )
      } else {
        wanted.append(pulled)
      }
    }
    var withdrawn: Set<String> = pulls[name]?.withdrawn ?? []
    if let named = list.patients {
      withdrawn = Set(
        turn.head.origins.plans.filter { patient, origin in
          origin.by == PlanOrigin.name(ofBackend: name) && turn.house.plans[patient]?.version == origin.version
            && !named.contains(patient)
        }.keys)
    }
    pulls[name]?.etag = isSettled && wanted.isEmpty ? etag : nil
    tellWithdrawn(name, withdrawn, &turn)
    // What the disk says of the good ones belongs to the same news.
    guard !wanted.isEmpty, let source = pulls[name]?.source else { return tellRefused(name, refused, &turn) }
    var change = PlanChange(giver: .backend(name), plans: wanted)
    change.answer = PlanChange.Answer(source: source, tag: etag, isSettled: isSettled, refused: refused)
    return enter(change)
  }

  /// Plans of a backend are staged, but for those with a fault.
  mutating func stagedByBackend(
    _ change: PlanChange, _ name: String, _ faults: [String: StagingFault], _ turn: inout Turn
  ) -> [Effect] {
    // A source that the configuration has no more gives no plans.
    guard let answer = change.answer, pulls[name]?.source == answer.source else { return next() }
    var refused = answer.refused
    var good: [PulledPlan] = []
    var entries: [JournalEntry] = []
    let tag = answer.tag.map { ", tag \($0)" } ?? ""
    for pulled in change.plans {
      let (patient, version) = (pulled.plan.patient, pulled.plan.version)
      if let fault = faults[patient] {
        refused.append("\(pulled.place): \(fault.logged)")
        entries.append(
          .audit(
            uid: CallerName.nobody, action: "refused plan of \(patient), from backend \(name); the old one stays"))
      } else if !turn.head.erasing.contains(patient), version > turn.house.plans[patient]?.version ?? -1 {
        good.append(pulled)
        let origin = PlanOrigin(
          by: PlanOrigin.name(ofBackend: name), version: version, etag: answer.tag, at: turn.now.wall)
        entries += [
          .plan(patient: patient, origin),
          .audit(
            uid: CallerName.nobody, action: "set plan of \(patient), version \(version), from backend \(name)\(tag)"),
        ]
      }
    }
    if good.count < change.plans.count { changes[0].answer?.isSettled = false }
    let effects = tellRefused(name, refused, &turn)
    guard !entries.isEmpty else { return effects + changed(change.giver, isWritten: true, &turn) }
    let appended = turn.append(entries, for: .completion(.plansChanged(change.giver)))
    guard !good.isEmpty else { return effects + appended }
    return effects + appended + [.adoptPlans(good)]
  }

  /// The plans of a backend's answer are in force, or the disk refused who gave them.
  mutating func pullChanged(_ change: PlanChange, _ name: String, isWritten: Bool, _ now: Now) {
    guard let answer = change.answer, let pull = pulls[name], pull.source == answer.source else { return }
    if !isWritten {
      pulls[name]?.nextAt = pull.nextAt.map { min($0, now.monotonic + PlanPull.firstWait) }
    } else if answer.isSettled, answer.tag == pull.seen {
      // It counts from the moment when the plans are in force, which comes next.
      pulls[name]?.adopting = answer.tag
    }
  }

  /// What is refused is told when it is new: the same again is no news.
  private mutating func tellRefused(_ name: String, _ refused: [String], _ turn: inout Turn) -> [Effect] {
    let refused = refused.map { String($0.prefix(300)) }
    let old = pulls[name]?.refused ?? []
    guard old != refused else { return [] }
    pulls[name]?.refused = refused
    var words = refused.prefix(8).joined(separator: "; ")
    if refused.count > 8 { words += "; and \(refused.count - 8) more" }
    let message =
      refused.isEmpty
      ? "backend \(name): no plan is refused any more" : "backend \(name): \(words); what was in force stays so"
    tell("plan.refused", !refused.isEmpty, message, about: name, isNews: true, &turn)
    return refused.filter { !old.contains($0) }.prefix(8).map {
      .log(.warning, "backend \(name): plan.refused: the old one stays in force: \($0)")
    }
  }

  private mutating func tellWithdrawn(_ name: String, _ withdrawn: Set<String>, _ turn: inout Turn) {
    guard let old = pulls[name]?.withdrawn, old != withdrawn else { return }
    pulls[name]?.withdrawn = withdrawn
    let message = withdrawn.isEmpty ? "its plans are all there again" : pulls[name]?.withdrawnText ?? ""
    tell("plan.withdrawn", !withdrawn.isEmpty, "backend \(name): \(message)", about: name, isNews: true, &turn)
  }
}

extension CallerName {
  /// Nobody on this machine: a backend.
  static let nobody = UInt32.max
}
