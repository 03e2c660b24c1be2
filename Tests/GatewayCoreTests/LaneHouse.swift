// A hub, a disk and a backend that keeps books, for the lanes of the outbox.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import Journal
import Monitoring
import Readings
import Settings
import Zones
@testable import Ledger

/// A backend that knows items by their identifiers.
struct BookKeeper {
  /// What was accepted as new, in the order of arrival, and its octets.
  var order: [String] = []
  var octets: [String: [UInt8]] = [:]
  /// What was refused for good.
  var refused: Set<String> = []
  /// Items received, repeats included.
  var received = 0
  /// The largest batch that it takes, how often it refused one, and the largest that it took.
  var most = 1000
  var tooLarge = 0
  var largest = 0
  /// The most items that it had and the hub did not know of when the hub died.
  var mostInDoubt = 0

  /// How many items of a batch went at once where all of it was too large: who sends divides it.
  private(set) var divided: Int?

  mutating func take(_ items: [Deliverable], poisons: Bool) -> UploadOutcome {
    divided = nil
    var part = items.count
    while part > most {
      tooLarge += 1
      part = max(1, part / 2)
      divided = part
    }
    received += items.count
    largest = max(largest, part)
    var reasons: [String: ItemResult] = [:]
    for item in items {
      if poisons, item.id.hasSuffix("7") {
        refused.insert(item.id)
        reasons[item.id] = .rejected("refused")
      } else if octets[item.id] == nil {
        order.append(item.id)
        octets[item.id] = item.json
      }
    }
    return .items(reasons)
  }
}

/// The house. Its journal answers as the daemon's does.
struct LaneHouse {
  let backend: BackendConfiguration
  private let configuration: Configuration
  private let plan: Plan
  var hub: Hub
  var server = BookKeeper()
  /// The backend refuses items whose identifier ends so.
  var poisons = false
  var faults: [String] = []
  private var hands: [OutboxLane: [Deliverable]] = [:]
  private var sending: Set<OutboxLane> = []
  private var measured = 0
  private var keepsDisk = false
  private var doubted: Set<UInt64> = []

  init(backend: BackendConfiguration, plan: Plan) {
    self.backend = backend
    self.plan = plan
    configuration = .with(
      [Cuff.device(patient: "p-1")],
      backends: [backend])
    hub = Hub(configuration, plans: [plan])
    open()
  }

  private mutating func open() {
    Cuff.connect(&hub)
    serve()
  }

  /// Values that the cuff took so long ago and gives now.
  mutating func measure(_ count: Int, daysAgo: Int, systolic: UInt8 = 120) {
    for _ in 0..<count {
      measured += 1
      let now = (hub.wall + hub.time) / 1000 - Int64(daysAgo) * 86_400 - (daysAgo > 0 ? Int64(20_000 - measured) : 0)
      let civil = CivilTime(seconds: now)
      hub.send(
        .linkReceived(
          device: "cuff",
          [0x1D, 3, 0] + [
            0x1E, systolic, 0, 80, 0, 95, 0, UInt8(civil.year & 0xFF), UInt8(civil.year >> 8), UInt8(civil.month),
            UInt8(civil.day), UInt8(civil.hour), UInt8(civil.minute), UInt8(civil.second), UInt8(40 + measured % 100),
            0, 1, 0, 0,
          ]))
      if !keepsDisk { hub.sync() }
    }
    serve()
  }

  /// The disk is slow while something happens.
  mutating func lateSync(_ body: (inout LaneHouse) -> Void) {
    keepsDisk = true
    body(&self)
    keepsDisk = false
    serve()
    hub.sync()
    serve()
  }

  mutating func refuseDisk(_ random: inout SplitMix) {
    keepsDisk = true
    measure(1, daysAgo: 0)
    if let lane = sending.sorted(by: { $0.rawValue < $1.rawValue }).first, random.next() % 2 == 0 {
      hub.send(.delivered(backend: "a", lane: lane, accept(lane, nil)))
    }
    keepsDisk = false
    hub.refuse()
    serve()
    // The cuff's link was closed: it comes again.
    hub.send(.linkClosed(device: "cuff", LinkEnd(code: "peer", message: "gone")))
    open()
  }

  mutating func pass(_ milliseconds: Int64) {
    hub.pass(milliseconds)
    hub.sync()
    serve()
  }

  mutating func restart() {
    let known = replayed
    let cursor = known.cursors["a"]
    let ahead = Set(cursor?.ahead ?? [])
    let inDoubt = hub.disk.filter { place in
      guard let id = identifier(place.entry) else { return false }
      return server.octets[id] != nil && place.sequence > cursor?.through ?? 0 && !ahead.contains(place.sequence)
    }
    // What a life before this one left in doubt was counted then.
    let sequences = Set(inDoubt.map(\.sequence))
    server.mostInDoubt = max(server.mostInDoubt, sequences.subtracting(doubted).count)
    doubted = sequences
    hands = [:]
    sending = []
    let (time, wall) = (hub.time, hub.wall)
    hub = Hub(configuration, plans: [plan], disk: hub.disk, time: time)
    hub.wall = wall
    hub.done += hub.atStart.filter { if case .deliver = $0 { true } else { false } }
    open()
  }

  /// What recovery makes of the disk.
  var replayed: LedgerState {
    Hub.state(of: hub.disk)
  }

  private func identifier(_ entry: JournalEntry) -> String? {
    switch entry {
    case .reading(let reading): reading.id.description
    case .event(let event): event.id
    default: nil
    }
  }

  /// What a backend is to get, in the order of the journal.
  var expected: [String] { hub.disk.compactMap { identifier($0.entry) } }

  var isComplete: Bool {
    for (_, entry) in hub.disk {
      guard let id = identifier(entry) else { continue }
      if poisons, id.hasSuffix("7") {
        guard server.refused.contains(id) else { return false }
      } else if server.octets[id] != entry.payload {
        return false
      }
    }
    return server.order.count == Set(server.order).count && replayed.waiting("a") == 0
      && replayed.cursors["a"]?.delivered ?? 0 == UInt64(expected.count)
  }

  var words: [Acknowledgement] {
    hub.disk.compactMap { if case .acknowledgement(let word) = $0.entry { word } else { nil } }
  }

  func hand(_ lane: OutboxLane) -> [Deliverable] { sending.contains(lane) ? hands[lane] ?? [] : [] }
  func isSending(_ lane: OutboxLane) -> Bool { sending.contains(lane) }

  // MARK: The journal's answers and the transports

  private func fetch(_ request: FetchRequest) -> Event {
    var items: [Deliverable] = []
    var isAtEnd = true
    for (sequence, entry) in hub.disk {
      guard let id = identifier(entry) else { continue }
      if request.lane == .express {
        guard request.only.contains(sequence) else { continue }
      } else {
        if let before = request.before, sequence >= before { isAtEnd = false; break }
        guard sequence > request.after, !request.skipping.contains(sequence) else { continue }
      }
      guard items.count < request.maximumCount else { isAtEnd = false; break }
      var received = hub.wall
      if case .reading(let reading) = entry { received = reading.receivedAt.milliseconds }
      items.append(
        Deliverable(sequence: sequence, id: id, isReading: true, receivedAt: received, json: entry.payload))
    }
    return .fetched(request, items, isAtEnd: isAtEnd)
  }

  private mutating func serve() {
    while let index = hub.done.firstIndex(where: {
      switch $0 {
      case .fetch, .deliver, .redeliver: true
      default: false
      }
    }) {
      switch hub.done.remove(at: index) {
      case .fetch(let request): hub.send(fetch(request))
      case .deliver(_, let lane, let items):
        begin(lane)
        hands[lane] = items
        let other: OutboxLane = lane == .backlog ? .express : .backlog
        let both = Set(items.map(\.sequence)).intersection((hands[other] ?? []).map(\.sequence))
        if sending.contains(other), !both.isEmpty { faults.append("\(both) in both lanes") }
      case .redeliver(_, let lane):
        begin(lane)
        if hands[lane] == nil { faults.append("nothing to send again") }
      default: break
      }
      if !keepsDisk { hub.sync() }
    }
    hub.done = []
  }

  private mutating func begin(_ lane: OutboxLane) {
    if !sending.insert(lane).inserted { faults.append("two batches on the \(lane.rawValue) lane") }
  }

  /// The server's part of an answer; nil: what it says by itself.
  mutating func accept(_ lane: OutboxLane, _ outcome: UploadOutcome?) -> UploadOutcome {
    sending.remove(lane)
    switch outcome {
    case .items, nil: return server.take(hands[lane] ?? [], poisons: poisons)
    case .some(let other): return other
    }
  }

  mutating func answer(_ lane: OutboxLane, _ outcome: UploadOutcome?) {
    guard sending.contains(lane) else { return }
    let outcome = accept(lane, outcome)
    let isTaken = if case .items = outcome { true } else { false }
    hub.send(.delivered(backend: "a", lane: lane, outcome, mostItems: isTaken ? server.divided : nil))
    hub.sync()
    serve()
  }

  mutating func answerAny(_ random: inout SplitMix, dies: Bool) {
    let lanes = sending.sorted { $0.rawValue < $1.rawValue }
    guard !lanes.isEmpty else { return }
    let lane = lanes[Int(random.next() % UInt64(lanes.count))]
    if dies {
      hub.send(.delivered(backend: "a", lane: lane, accept(lane, nil)))
      return restart()
    }
    switch random.next() % 8 {
    case 0: answer(lane, .busy(after: random.next() % 2 == 0 ? nil : 5000, code: "http.503"))
    case 1:
      // It was stored, but the answer is lost.
      _ = accept(lane, nil)
      sending.insert(lane)
      answer(lane, .unknown(code: "net.reset"))
    case 2: answer(lane, .misconfigured(code: "http.401", text: "refused"))
    case 3 where (hands[lane] ?? []).count > 1: answer(lane, .refused(code: "http.422", text: "refused"))
    default: answer(lane, nil)
    }
  }

  /// The backend is well: everything goes.
  mutating func drain(steps: Int = 10_000) {
    var quiet = 0
    for _ in 0..<steps {
      if let lane = sending.sorted(by: { $0.rawValue < $1.rawValue }).last {
        quiet = 0
        answer(lane, nil)
      } else {
        quiet += 1
        guard quiet < 8 else { return }
        pass(300_000)
      }
    }
  }
}
