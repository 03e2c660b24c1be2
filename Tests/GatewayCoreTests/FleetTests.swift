// Many hubs that come back together, against one server that can take only so much: they do not arrive together, and all are
// drained not much later than the server alone would need. HEARTH_FLEET=10000 gives the figures of a large one.

import Exchange
import Foundation
import GatewayCore
import Readings
import Testing
import Zones

private let backend = BackendConfiguration(
  name: "a", kind: .http(.native, HTTPBackend(url: "https://x")), maximumReadings: 50, maximumBytes: 1 << 18)

/// One server, many hubs, a queue of what happens when.
private struct Fleet {
  enum Happening {
    case start, timer
    case answer(OutboxLane)
  }

  let waiting: UInt64 = 20
  let rate: Int
  /// When the server is there again, in milliseconds; the hubs start at 0.
  let outage: Int64
  var hubs: [Gateway]
  var arrivals: [Int64: Int] = [:]
  var served: [Int64: Int] = [:]
  var drained = 0
  var lastDrained: Int64 = 0
  private var queue: [Int64: [(Int, Happening)]] = [:]
  private var time: Int64 = 0
  private var wakes: [Int64?]

  init(count: Int, rate: Int, outage: Int64, spread: Int64) {
    self.rate = rate
    self.outage = outage
    var state = GatewayState()
    state.stored = waiting
    wakes = Array(repeating: nil, count: count)
    hubs = (0..<count).map { number in
      var identity = Gateway.Identity(hubID: "h\(number)", version: "0", startedAt: 0)
      identity.startSpread = spread
      return Gateway(identity: identity, state: state, bindings: Bindings())
    }
    queue[0] = hubs.indices.map { ($0, .start) }
  }

  private var now: Now { Now(monotonic: time, wall: 1_795_248_930_000 + time, isSynchronised: true, bootID: "b") }

  mutating func run(until end: Int64) {
    while time <= end, drained < hubs.count {
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
      configuration.backends = [backend]
      send(hub, .configured(configuration, zones: ["UTC": .utc], plans: [:]))
      send(hub, .started(seed: UInt64(hub) &* 0x9E37_79B9 &+ 7))
    case .timer:
      guard let wake = wakes[hub], wake <= time else { return }
      wakes[hub] = nil
      send(hub, .timer)
    case .answer(let lane):
      let second = time / 1000
      arrivals[second, default: 0] += 1
      let outcome: DeliveryOutcome
      if time < outage {
        outcome = .retry(after: nil, code: "net.refused")
      } else if served[second, default: 0] < rate {
        served[second, default: 0] += 1
        outcome = .accepted(duplicates: 0, refused: [:])
      } else {
        outcome = .retry(after: nil, code: "http.503")
      }
      send(hub, .delivered(backend: "a", lane: lane, outcome))
    }
  }

  private mutating func send(_ hub: Int, _ event: Event) {
    var events = [event]
    while !events.isEmpty {
      for effect in hubs[hub].handle(events.removeFirst(), at: now) {
        switch effect {
        case .fetch(let request):
          let items =
            request.after >= waiting
            ? []
            : (request.after + 1...waiting).map {
              Deliverable(sequence: $0, id: "\(hub)-\($0)", isReading: true, receivedAt: 0, json: [])
            }
          events.append(.fetched(request, items, isAtEnd: true))
        case .deliver(_, let lane, _), .redeliver(_, let lane): later(hub, time + 50, .answer(lane))
        case .append(let id, let entries):
          events.append(.appended(id, sequences: entries.indices.map { 100 + UInt64($0) }))
          if entries.contains(where: { $0.kind == .acknowledgement }) {
            drained += 1
            lastDrained = time
          }
        case .wake(let at):
          wakes[hub] = at
          if let at { later(hub, max(at, time + 10), .timer) }
        default: break
        }
      }
    }
  }

  private mutating func later(_ hub: Int, _ at: Int64, _ happening: Happening) {
    // The grain of this clock is ten milliseconds.
    queue[(at + 9) / 10 * 10, default: []].append((hub, happening))
  }
}

@Suite struct FleetTests {
  @Test func hubsThatComeBackTogetherDoNotArriveTogether() {
    let count = ProcessInfo.processInfo.environment["HEARTH_FLEET"].flatMap { Int($0) } ?? 600
    let rate = max(1, count / 50)
    // The power is back everywhere at once; the server five minutes later.
    var fleet = Fleet(count: count, rate: rate, outage: 300_000, spread: 30_000)
    fleet.run(until: 1_800_000)
    #expect(fleet.drained == count)
    let first = (0..<30).map { fleet.arrivals[$0] ?? 0 }
    // At the start, tries again included: spread over half a minute instead of all in one second.
    #expect((first.max() ?? 0) < count / 3)
    // When the server is back: never more than a small part of all in one second, and it is kept busy until the end.
    let after = fleet.arrivals.filter { $0.key >= 300 }
    #expect((after.values.max() ?? 0) < count / 10)
    let seconds = (fleet.lastDrained - 300_000) / 1000
    #expect(seconds < 4 * 50)
    guard count >= 10_000 else { return }
    print("fleet: \(count) hubs, server \(rate)/s, drained \(seconds) s after its return (\(count / rate) s at least)")
    print("arrivals a second, start: \(first)")
    for second in stride(from: Int64(300), through: 300 + seconds, by: 10) {
      let slice = (second..<second + 10)
      print(
        "  \(second - 300) s: arrivals \(slice.map { fleet.arrivals[$0] ?? 0 }.max() ?? 0) at most, served",
        slice.reduce(0) { $0 + (fleet.served[$1] ?? 0) })
    }
  }
}
