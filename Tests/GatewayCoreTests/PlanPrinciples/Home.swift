// A home for random stories: the real gateway, a clock that the test moves, a disk that refuses now and then, restarts from the octets
// that are on it.

import ControlProtocol
import JSON
import Monitoring
import Readings
import Settings
import Zones

@testable import GatewayCore
@testable import Ledger

/// What one patient's hub does with a story.
struct Home {
  struct Told {
    /// When it was on disk, in milliseconds of the story.
    var at: Int64
    var event: MonitoringEvent
  }

  /// What went to the disk, in order; a refused append is not in it.
  private(set) var told: [Told] = []
  private(set) var readings: [ReadingID: Reading] = [:]
  private(set) var notJudged: JSONValue = []
  /// The hub's clock shows so much more than the time, in milliseconds.
  var offset: Int64 = 0
  private(set) var now: Int64

  private let plan: Plan
  private let start: Int64
  private var gateway: Gateway
  private var records: [(sequence: UInt64, entry: JournalEntry)] = []
  private var waiting: [(id: AppendID, entries: [JournalEntry])] = []
  private var wakeAt: Int64?
  private var asked: UInt64 = 0
  /// Long since on when a story begins, in milliseconds.
  private static let uptime: Int64 = 10 * 86_400_000

  init(_ plan: Plan, start: Int64) {
    self.plan = plan
    self.start = start
    now = start
    gateway = Home.gateway(LedgerState())
    begin()
  }

  private static func gateway(_ state: LedgerState) -> Gateway {
    Gateway(
      identity: .init(hubID: "home", version: "0", startedAt: 0), state: state, keys: KeyFile(), imported: nil)
  }

  private mutating func begin() {
    send(.configured(Configuration(), zones: ["UTC": .utc], plans: [plan.patient: plan]))
    send(.started(seed: 1))
  }

  // MARK: What happens

  /// A reading arrives; a disk that refuses it gets it once more a second later, as a device sends again what was not confirmed.
  mutating func take(_ reading: Reading, isRefused: Bool = false) {
    send(.rehearsed(reading), isRefused: isRefused)
    guard isRefused else { return }
    pass(to: now + 400)
    guard readings[reading.id] == nil else { return }
    send(.rehearsed(reading))
  }

  mutating func acknowledge(_ rule: String) {
    asked += 1
    send(
      .asked(
        RequestID(connection: 1, number: asked),
        .acknowledge(patient: plan.patient, rule: rule, note: "", episode: nil), CallerName(uid: 0)))
  }

  mutating func setClock(_ offset: Int64) {
    self.offset = offset
    send(.clockChanged)
  }

  /// The power is cut: what is on disk is all that the hub knows.
  mutating func restart() {
    var state = LedgerState()
    for (sequence, entry) in records {
      if let read = JournalEntry(kind: entry.kind, payload: entry.payload) { state.apply(read, at: sequence) }
    }
    (wakeAt, waiting) = (nil, [])
    gateway = Home.gateway(state)
    begin()
  }

  /// Time passes; everything that falls due is done when it does. A refused append is tried again by the gateway.
  mutating func pass(to end: Int64, refusing: () -> Bool = { false }) {
    for _ in 0..<20_000 {
      guard let wake = wakeAt, wake - Home.uptime + start <= end else { break }
      now = max(now, wake - Home.uptime + start)
      wakeAt = nil
      let isRefused = refusing()
      send(.timer, isRefused: isRefused)
      if isRefused {
        now += 1000
        send(.timer)
      }
    }
    now = max(now, end)
  }

  mutating func end() { notJudged = gateway.turn.view.notJudged(nil) }

  // MARK: Effects

  private mutating func send(_ event: Event, isRefused: Bool = false) {
    run(gateway.handle(event, at: time))
    var rounds = 0
    while !waiting.isEmpty, rounds < 1000 {
      rounds += 1
      let (id, entries) = waiting.removeFirst()
      if isRefused, rounds == 1 {
        run(
          gateway.handle(.appendFailed(id, .init(code: "journal.full", message: "the disk is full")), at: time))
        continue
      }
      var sequences: [UInt64] = []
      for entry in entries {
        let sequence = (records.last?.sequence ?? 0) + 1
        records.append((sequence, entry))
        sequences.append(sequence)
        note(entry)
      }
      run(gateway.handle(.appended(id, sequences: sequences), at: time))
    }
  }

  private var time: Now {
    Now(monotonic: now - start + Home.uptime, wall: now + offset, isSynchronised: true, bootID: "home")
  }

  private mutating func run(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .append(let id, let entries, _): waiting.append((id, entries))
      case .wake(let at): wakeAt = at
      default: break
      }
    }
  }

  private mutating func note(_ entry: JournalEntry) {
    switch entry {
    case .reading(let reading): readings[reading.id] = reading
    case .event(let event):
      if let monitoring = event.monitoring { told.append(Told(at: now, event: monitoring)) }
    default: break
    }
  }
}
