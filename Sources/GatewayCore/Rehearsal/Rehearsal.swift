// The gateway as it runs in the home, under a clock of a story: every reading is judged, stored and told by the same code, every deadline
// comes when it is due, and a disk in memory takes every record.

internal import ControlProtocol
package import JSON
internal import Journal
internal import Ledger
package import Monitoring
internal import Readings
internal import Settings
internal import Zones

enum NameBasedReading {
  static func id(_ name: String) -> ReadingID { NameBasedUUID.make(Array(name.utf8)) }
}

/// What came of a story.
package struct RehearsalResult: Sendable {
  /// Something that was told, and when: milliseconds since 1970.
  package struct Told: Sendable {
    /// Milliseconds since 1970.
    package var at: Int64
    package var event: MonitoringEvent
    /// The event as backends get it.
    package var json: JSONValue
  }

  /// In the order in which it was told.
  package var told: [Told] = []
  /// What the story expected and did not get.
  package var missing: [PlanStory.Expected] = []
  /// Places in `told` of what the story did not expect.
  package var unexpected: [Int] = []
  /// What else there is to say, such as an acknowledgement of what was not raised.
  package var remarks: [String] = []
  /// Rules that do not judge at the end of the story, and why.
  package var notJudged: JSONValue = []
  /// The story says what is to be told, and that came about.
  package var isAsExpected: Bool { missing.isEmpty && unexpected.isEmpty }
}

/// One story at work.
package struct Rehearsal {
  private let story: PlanStory
  private var gateway: Gateway
  private var plan: Plan
  private var now: Int64
  private var wakeAt: Int64?
  private var clock = (isSynchronised: true, offset: Int64(0))
  private var records: [(sequence: UInt64, entry: JournalEntry)] = []
  private var waiting: [(AppendID, [JournalEntry])] = []
  private var answers: [ControlAnswer] = []
  private var asked: UInt64 = 0
  private var result = RehearsalResult()

  /// The most moments of a story: of a year with a plan of many rules there are some ten thousand.
  private static let mostMoments = 2_000_000
  /// How long after its time an event may be told, in milliseconds.
  private static let tolerance: Int64 = 90_000
  /// The hub runs long since when a story begins, in milliseconds.
  private static let uptime: Int64 = 10 * 86_400_000

  /// Plays a story to its end.
  package static func play(_ story: PlanStory) -> RehearsalResult {
    var rehearsal = Rehearsal(story)
    rehearsal.run()
    return rehearsal.result
  }

  private init(_ story: PlanStory) {
    self.story = story
    plan = story.plan
    now = story.start
    gateway = Gateway(
      identity: .init(hubID: "rehearsal", version: "0", startedAt: 0), state: LedgerState(), keys: KeyFile(),
      imported: nil)
    begin()
  }

  private var time: Now {
    Now(
      monotonic: now - story.start + Rehearsal.uptime, wall: now + clock.offset, isSynchronised: clock.isSynchronised,
      bootID: "rehearsal")
  }

  private mutating func begin() {
    configure()
    send(.started(seed: 1))
  }

  private mutating func configure() {
    var zones: [String: TimeZoneRules] = ["UTC": .utc]
    for name in [plan.timeZone, story.plan.timeZone].compactMap(\.self) { zones[name] = story.zone }
    send(.configured(Configuration(), zones: zones, plans: [plan.patient: plan]))
  }

  private mutating func run() {
    var moments = 0
    for (at, step) in story.steps where at <= story.end {
      pass(before: at, &moments)
      now = max(now, at)
      take(step)
    }
    pass(before: story.end + 1, &moments)
    now = max(now, story.end)
    if moments >= Rehearsal.mostMoments { result.remarks.append("the story was ended: it has too many moments") }
    result.notJudged = gateway.turn.view.notJudged(nil)
    compare()
  }

  /// Timers that fall due before a moment: at one instant readings come before timers.
  private mutating func pass(before end: Int64, _ moments: inout Int) {
    while let next = wakeAt, moments < Rehearsal.mostMoments {
      let due = next - Rehearsal.uptime + story.start
      guard due < end else { return }
      moments += 1
      now = max(now, due)
      wakeAt = nil
      send(.timer)
    }
  }

  private mutating func take(_ step: PlanStory.Step) {
    switch step {
    case .clock(let isSynchronised, let offset):
      let isLost = clock.isSynchronised && !isSynchronised
      clock = (isSynchronised, offset)
      // A hub that runs knows the time it once had: one that does not has started without.
      if isLost { restart() } else { send(.clockChanged) }
    case .restart: restart()
    case .plan(let next):
      plan = next
      configure()
      send(.timer)
    case .reading(var reading):
      reading.receivedAt.milliseconds += clock.offset
      send(.rehearsed(reading))
    case .accept(let index):
      let id = NameBasedReading.id("rehearsal|\(index)").description
      ask(.correctReading(.accept, id: id), "accept of reading \(index)")
    case .acknowledge(let rule):
      ask(
        .acknowledge(patient: plan.patient, rule: rule, note: "", episode: nil), "acknowledgement of \(rule)")
    case .pause(let from, let to, let rules):
      for rule in rules.map({ $0.map { Optional($0) } }) ?? [nil] {
        ask(
          .planPause(patient: plan.patient, from: from, to: to, rules: rule.map { [$0] }, note: ""),
          "pause from \(from) to \(to)")
      }
    }
  }

  /// A request of a person; what refuses it is a remark.
  private mutating func ask(_ request: ControlRequest, _ what: String) {
    asked += 1
    answers = []
    send(.asked(RequestID(connection: 1, number: asked), request, CallerName(uid: 0)))
    for case .failure(let error) in answers { result.remarks.append("\(what) was refused: \(error.message)") }
  }

  /// What is on the disk is all that the hub knows.
  private mutating func restart() {
    var state = LedgerState()
    for (sequence, entry) in records {
      if let read = JournalEntry(kind: entry.kind, payload: entry.payload) { state.apply(read, at: sequence) }
    }
    wakeAt = nil
    var identity = Gateway.Identity(hubID: "rehearsal", version: "0", startedAt: 0)
    if !clock.isSynchronised { (identity.startedAt, identity.hasBatteryClock) = (time.monotonic, false) }
    gateway = Gateway(identity: identity, state: state, keys: KeyFile(), imported: nil)
    begin()
  }

  // MARK: Effects

  private mutating func send(_ event: Event) {
    run(gateway.handle(event, at: time))
    var rounds = 0
    while !waiting.isEmpty, rounds < 10_000 {
      rounds += 1
      let (id, entries) = waiting.removeFirst()
      var sequences: [UInt64] = []
      for entry in entries {
        let sequence = (records.last?.sequence ?? 0) + 1
        // A snapshot stands for everything before it; a story has no use for it.
        records.append((sequence, entry))
        sequences.append(sequence)
        note(entry)
      }
      run(gateway.handle(.appended(id, sequences: sequences), at: time))
    }
  }

  private mutating func run(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .append(let id, let entries, _): waiting.append((id, entries))
      case .wake(let at): wakeAt = at
      case .answer(_, let answer): answers.append(answer)
      case .read(let id, .locate(let beginning)):
        let found = records.reversed().lazy.compactMap { record -> Reading? in
          guard case .reading(let reading) = record.entry, reading.id.description.hasPrefix(beginning) else {
            return nil
          }
          return reading
        }.first
        run(gateway.handle(.located(id, .success(found.map { [$0] } ?? [])), at: time))
      default: break
      }
    }
  }

  private mutating func note(_ entry: JournalEntry) {
    guard case .event(let event) = entry, let monitoring = event.monitoring else { return }
    result.told.append(.init(at: now, event: monitoring, json: event.json))
  }

  // MARK: What was expected

  /// Each event meets at most one entry: as many as can be.
  private mutating func compare() {
    guard let expected = story.expected else { return }
    let told = result.told
    var taken: [Int: Int] = [:]
    func place(_ index: Int, _ seen: inout Set<Int>) -> Bool {
      for (slot, item) in told.enumerated() where !seen.contains(slot) {
        guard item.at >= expected[index].at, item.at <= expected[index].at + Rehearsal.tolerance,
          expected[index].matches(item.event)
        else { continue }
        seen.insert(slot)
        guard let other = taken[slot] else {
          taken[slot] = index
          return true
        }
        if place(other, &seen) {
          taken[slot] = index
          return true
        }
      }
      return false
    }
    for index in expected.indices {
      var seen: Set<Int> = []
      if !place(index, &seen) { result.missing.append(expected[index]) }
    }
    result.unexpected = told.indices.filter { taken[$0] == nil }
  }
}
