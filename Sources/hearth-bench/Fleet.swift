// Many hubs that come back together, against one server that takes only so many batches a second. The hubs are real gateways, with
// their own outboxes, start-up jitter and back-off; time, seeds, journal and server are simulated.

import Exchange
import GatewayCore
import Settings
import Zones
import Ledger

/// A rehearsal of hubs, one server, and a queue of what happens when.
package struct Fleet {
  /// How the server is while it cannot be used.
  package enum Outage {
    /// Nothing answers: refused at once.
    case refused
    /// Busy until a moment that it tells, as HTTP's `Retry-After` with a date does.
    case announced
  }

  /// What is rehearsed. Times are in milliseconds from the first second.
  package struct Scenario {
    package var hubs = 600
    /// Batches that the server takes in a second; it answers 503 to the rest.
    package var rate = 12
    /// When the server is there.
    package var serverBackAt: Int64 = 0
    package var outage = Outage.refused
    /// The hubs start within so much; 0: the power comes back everywhere at once.
    package var startedOver: Int64 = 0
    /// The hub's own setting, as the daemon gives it after a start of the machine.
    package var startSpread: Int64 = 30_000
    /// False: every hub draws the same numbers, so that its back-off is as good as none.
    package var isJittered = true
    /// One in so many accepted batches loses its answer on the way; 0: none.
    package var losesOneIn = 0
    /// Longer than this is not looked at.
    package var horizon: Int64 = 1_800_000

    package init() {}
  }

  private enum Happening {
    case start, timer
    case arrival(OutboxLane)
    case answer(OutboxLane, UploadOutcome)
  }

  /// The readings of every hub: so many of the past, and behind them fresh ones. A batch takes fewer than either half.
  package static let old: UInt64 = 20
  package static let fresh: UInt64 = 2
  package static let batch = 8
  private static let all = old + fresh
  private static let deadline: Int64 = 10_000

  package let scenario: Scenario
  /// Requests that reached the server or its closed door, and batches that it took, by the second.
  package private(set) var arrivals: [Int] = []
  package private(set) var served: [Int] = []
  /// Hubs that know that the server has everything, and when the last of them did.
  package private(set) var drained = 0
  /// Milliseconds of the model's clock.
  package private(set) var lastDrained: Int64 = 0
  /// What the server took as new, and what it had already.
  package private(set) var accepted = 0
  package private(set) var repeated = 0
  /// Readings that were confirmed to a hub and are not at the server.
  package private(set) var lost = 0
  /// Hubs by how many batches of the past went before their fresh readings.
  package private(set) var pastBeforeFresh = [0, 0, 0, 0]

  private var hubs: [Gateway]
  private var hands: [[OutboxLane: [UInt64]]]
  /// What the server has of each hub: a bit for a sequence number.
  private var books: [UInt64]
  private var known: [UInt64]
  private var sequences: [UInt64]
  private var wakes: [Int64?]
  private var queue: [Int64: [(Int, Happening)]] = [:]
  private var time: Int64 = 0
  private var batches = 0
  private static let wall: Int64 = 1_795_248_930_000

  package init(_ scenario: Scenario) {
    self.scenario = scenario
    let count = scenario.hubs
    let snapshot =
      #"{"version":1,"stored":\#(Fleet.all),"cursors":{},"recent":{},"rules":{},"parked":[],"fragments":{},"urgent":["#
      + (Fleet.old + 1...Fleet.all).map { "[\($0),\(Fleet.wall)]" }.joined(separator: ",") + "]}"
    var state = LedgerState()
    if let entry = JournalEntry(kind: .snapshot, payload: Array(snapshot.utf8)) { state.apply(entry, at: 1) }
    hubs = (0..<count).map { number in
      var identity = Gateway.Identity(hubID: "h\(number)", version: "0", startedAt: 0)
      identity.startSpread = scenario.startSpread
      return Gateway(identity: identity, state: state)
    }
    hands = Array(repeating: [:], count: count)
    books = Array(repeating: 0, count: count)
    known = Array(repeating: 0, count: count)
    sequences = Array(repeating: 100, count: count)
    wakes = Array(repeating: nil, count: count)
    for hub in 0..<count {
      let spread = max(scenario.startedOver, 1)
      later(hub, Int64(clamping: Fleet.mixed(UInt64(hub)) % UInt64(spread)), .start)
    }
  }

  private var now: Now {
    Now(monotonic: time, wall: Fleet.wall + time, isSynchronised: true, bootID: "b")
  }

  /// The least time that the server needs for all, in milliseconds: the fresh ones are a batch, the rest fills others.
  package var leastTime: Int64 {
    let batches = 1 + (Int(Fleet.old) + Fleet.batch - 1) / Fleet.batch
    return Int64(scenario.hubs * batches * 1000 / max(1, scenario.rate))
  }

  /// The most arrivals of a second from the server's return to the end, and their mean.
  package var crowd: (most: Int, mean: Double) {
    let seconds = arrivals.dropFirst(Int(scenario.serverBackAt / 1000))
    return (seconds.max() ?? 0, Double(seconds.reduce(0, +)) / Double(max(1, seconds.count)))
  }

  package mutating func run() {
    while time <= scenario.horizon, drained < hubs.count {
      while let happenings = queue.removeValue(forKey: time) {
        for (hub, happening) in happenings { happen(hub, happening) }
      }
      time += 10
    }
  }

  private mutating func happen(_ hub: Int, _ happening: Happening) {
    switch happening {
    case .start:
      var configuration = Configuration()
      configuration.backends = [
        BackendConfiguration(
          name: "a", kind: .http(.native, HTTPBackend(url: "https://x")), maximumReadings: Fleet.batch,
          maximumBytes: 1 << 18)
      ]
      send(hub, .configured(configuration, zones: ["UTC": .utc], plans: [:]))
      send(hub, .started(seed: Fleet.mixed(scenario.isJittered ? UInt64(hub) : 0)))
    case .timer:
      guard let wake = wakes[hub], wake <= time else { return }
      wakes[hub] = nil
      send(hub, .timer)
    case .arrival(let lane):
      let (outcome, wait) = arrive(hub, hands[hub][lane] ?? [])
      later(hub, time + wait, .answer(lane, outcome))
    case .answer(let lane, let outcome):
      if case .items = outcome { for sequence in hands[hub][lane] ?? [] { known[hub] |= 1 << sequence } }
      send(hub, .delivered(backend: "a", lane: lane, outcome))
    }
  }

  /// A request reaches the server: its answer, and how many milliseconds later the hub has it.
  private mutating func arrive(_ hub: Int, _ sequences: [UInt64]) -> (UploadOutcome, Int64) {
    let second = Int(time / 1000)
    while arrivals.count <= second {
      arrivals.append(0)
      served.append(0)
    }
    arrivals[second] += 1
    guard time >= scenario.serverBackAt else {
      switch scenario.outage {
      case .refused: return (.unknown(code: "net.refused"), 30)
      case .announced: return (.busy(after: scenario.serverBackAt - time, code: "http.503"), 30)
      }
    }
    guard served[second] < scenario.rate else { return (.busy(after: nil, code: "http.503"), 30) }
    served[second] += 1
    batches += 1
    let past = (books[hub] & ((1 << (Fleet.old + 1)) - 1)).nonzeroBitCount
    for sequence in sequences {
      if sequence == Fleet.all, books[hub] & (1 << sequence) == 0 {
        pastBeforeFresh[(past + Fleet.batch - 1) / Fleet.batch] += 1
      }
      if books[hub] & (1 << sequence) == 0 { accepted += 1 } else { repeated += 1 }
      books[hub] |= 1 << sequence
    }
    if scenario.losesOneIn > 0, batches % scenario.losesOneIn == 0 {
      return (.unknown(code: "net.timeout"), Fleet.deadline)
    }
    return (.items([:]), 30)
  }

  private mutating func send(_ hub: Int, _ event: Event) {
    var events = [event]
    while !events.isEmpty {
      for effect in hubs[hub].handle(events.removeFirst(), at: now) {
        switch effect {
        case .fetch(let request): events.append(fetched(hub, request))
        case .deliver(_, let lane, let items):
          hands[hub][lane] = items.map(\.sequence)
          later(hub, time + 20, .arrival(lane))
        case .redeliver(_, let lane): later(hub, time + 20, .arrival(lane))
        case .append(let id, let entries, _):
          let first = sequences[hub]
          sequences[hub] += UInt64(entries.count)
          events.append(.appended(id, sequences: entries.indices.map { first + UInt64($0) }))
          if entries.contains(where: { $0.kind == .acknowledgement }) { check(hub) }
        case .wake(let at):
          wakes[hub] = at
          if let at { later(hub, max(at, time + 10), .timer) }
        default: break
        }
      }
    }
  }

  /// What the journal has for a lane.
  private func fetched(_ hub: Int, _ request: FetchRequest) -> Event {
    let skipped = Set(request.skipping)
    let range = (1...Fleet.all).filter {
      $0 > request.after && $0 < request.before ?? .max && !skipped.contains($0)
        && (request.only.isEmpty || request.only.contains($0))
    }
    let items = range.prefix(request.maximumCount).map {
      Deliverable(sequence: $0, id: "\(hub)-\($0)", isReading: true, receivedAt: 0, json: [])
    }
    return .fetched(request, items, isAtEnd: items.count == range.count)
  }

  private mutating func check(_ hub: Int) {
    guard known[hub].nonzeroBitCount == Int(Fleet.all) else { return }
    drained += 1
    lastDrained = time
    lost += (known[hub] & ~books[hub]).nonzeroBitCount
  }

  private mutating func later(_ hub: Int, _ at: Int64, _ happening: Happening) {
    // The grain of this clock is ten milliseconds.
    queue[(at + 9) / 10 * 10, default: []].append((hub, happening))
  }

  /// Numbers with nothing in common, from their places: splitmix64.
  private static func mixed(_ number: UInt64) -> UInt64 {
    var z = (number &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
