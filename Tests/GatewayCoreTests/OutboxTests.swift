// Each backend's way out: one batch in flight, back-off, the one bad reading found, none waits for another.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import Journal
import JSON
import Readings
import Settings
import Testing
@testable import Ledger

private let backends = ["a", "b"].map {
  BackendConfiguration(name: $0, kind: .directory(path: "/\($0)"), maximumReadings: 8, maximumBytes: 1 << 20)
}
private let cuff = Cuff.device(patient: "p-1")

/// A hub with readings on disk, and a journal that answers fetches.
private struct Sender: DeliveringHub {
  var hub: Hub

  init(readings: UInt8, disk: [(sequence: UInt64, entry: JournalEntry)] = []) {
    hub = Hub(.with([cuff], backends: backends), disk: disk)
    serve()
    Cuff.connect(&hub)
    hub.done = hub.done.filter { if case .deliver = $0 { true } else { false } }
    for index in 0..<readings {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 100 + index)))
      hub.sync()
    }
  }

  var words: [Acknowledgement] {
    hub.disk.compactMap { if case .acknowledgement(let word) = $0.entry { word } else { nil } }
  }
}

private let stored = UploadOutcome.items([:])

@Suite struct OutboxTests {
  @Test func aBacklogDrainsInOrderOneBatchAtATime() {
    var sender = Sender(readings: 0)
    var all: [UInt64] = []
    sender = Sender(readings: 20)
    while let items = sender.delivery("a") {
      #expect(sender.delivery("a") == nil)
      all += items.map(\.sequence)
      sender.answer("a", stored)
    }
    #expect(all.count == 20)
    #expect(all == all.sorted())
    #expect(sender.words.filter { $0.backend == "a" }.map(\.delivered).reduce(0, +) == 20)
  }

  @Test func aDeadBackendDelaysNoOther() {
    var sender = Sender(readings: 3)
    _ = sender.delivery("a")
    _ = sender.delivery("b")
    sender.answer("a", .unknown(code: "net.refused"))
    for _ in 0..<3 { sender.answer("b", stored); _ = sender.delivery("b") }
    #expect(sender.words.filter { $0.backend == "b" }.map(\.delivered).reduce(0, +) == 3)
    #expect(!sender.words.contains { $0.backend == "a" })
  }

  @Test func anUnknownOutcomeSendsTheSameOctetsAgainAfterAWait() {
    var sender = Sender(readings: 1)
    _ = sender.delivery("a")
    sender.answer("a", .unknown(code: "net.timeout"))
    #expect(!sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
    sender.hub.pass(1000)
    #expect(sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
    sender.answer("a", stored)
    #expect(sender.words.filter { $0.backend == "a" }.count == 1)
  }

  @Test func retryAfterIsHonoured() {
    var sender = Sender(readings: 1)
    _ = sender.delivery("a")
    sender.answer("a", .busy(after: 120_000, code: "http.503"))
    sender.hub.pass(119_000)
    #expect(!sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
    // Others were told the same: it comes within a minute of that.
    sender.hub.pass(61_000)
    #expect(sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
  }

  @Test func aCertificateThatIsRefusedIsToldAndLookedAtAgainSoon() {
    var sender = Sender(readings: 1)
    _ = sender.delivery("a")
    sender.answer("a", .untrusted(code: "tls-certificate", text: "certificate has expired"))
    sender.hub.send(.asked(RequestID(connection: 9, number: 9), .status, CallerName(uid: 0)))
    let status = sender.hub.done.compactMap { if case .answer(_, .result(let value)) = $0 { value } else { nil } }.last
    let problem = status?["problems"]?.array?.first { $0["code"]?.string == "backend.misconfigured" }
    #expect(problem?["message"]?.string == "backend a: certificate has expired (tls-certificate)")
    #expect(problem?["hint"]?.string?.contains("ca_file") == true)
    sender.hub.pass(1000)
    #expect(sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
  }

  @Test func whoReloadsHasMendedSomething() {
    var sender = Sender(readings: 1)
    _ = sender.delivery("a")
    sender.answer("a", .misconfigured(code: "http.403", text: "no"))
    sender.hub.pass(60_000)
    #expect(!sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
    sender.hub.send(.configured(.with([cuff], backends: backends), zones: [:], plans: [:]))
    #expect(sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
  }

  @Test func aBatchOfOneThatIsRefusedIsSetAsideAndTheRestFlows() {
    var sender = Sender(readings: 8)
    // Who sends divides a batch; what is refused whole all the same is sent again as it was.
    guard let items = sender.delivery("a") else { return }
    sender.answer("a", .refused(code: "http.422", text: "refused"))
    sender.hub.pass(60_000)
    #expect(sender.hub.done.contains { if case .redeliver("a", .backlog) = $0 { true } else { false } })
    sender.answer("a", .items([items[5].id: .rejected("refused")]))
    #expect(sender.words.filter { $0.backend == "a" }.flatMap(\.refused) == [items[5].sequence])
    var alone = Sender(readings: 1)
    guard let single = alone.delivery("a") else { return }
    alone.answer("a", .refused(code: "http.422", text: "refused"))
    #expect(alone.words.filter { $0.backend == "a" }.flatMap(\.refused) == [single[0].sequence])
  }

  @Test func anItemThatIsRefusedByItselfDoesNotBlock() {
    var sender = Sender(readings: 1)
    guard let items = sender.delivery("a") else { return }
    sender.answer("a", .items([items[0].id: .rejected("invalid")]))
    #expect(sender.words.first { $0.backend == "a" }?.refused == [items[0].sequence])
    // Its reason is on disk before the word that leaves it behind, and survives a restart.
    let kinds = sender.hub.disk.map { $0.entry.kind }
    let (reason, word) = (kinds.firstIndex(of: .refusal), kinds.firstIndex(of: .acknowledgement))
    #expect(reason != nil && word != nil && (reason ?? 0) < (word ?? 0))
    var recovered = LedgerState()
    for place in sender.hub.disk where place.entry.kind == .refusal {
      let isRead = recovered.restore(kind: .refusal, sequence: place.sequence, payload: place.entry.payload)
      #expect(isRead)
    }
    #expect(recovered.refusals["a"]?.map(\.reason) == ["invalid"])
    #expect(recovered.refusals["a"]?.first?.sequence == items[0].sequence)
    var copy = LedgerState()
    let isRead = copy.restore(kind: .snapshot, sequence: 1, payload: recovered.encoded)
    #expect(isRead && copy == recovered)
  }

  @Test func tooLargeMakesBatchesSmaller() {
    var sender = Sender(readings: 9)
    guard let large = sender.delivery("a") else { return }
    #expect(large.count == 8)
    sender.hub.send(.delivered(backend: "a", lane: .backlog, .items([:]), mostItems: 1))
    sender.hub.sync()
    #expect(sender.delivery("a")?.count == 1)
    #expect(sender.words.last?.limit == 1)
  }

  @Test func aRestartGoesOnBehindTheLastDurableWord() {
    var sender = Sender(readings: 12)
    _ = sender.delivery("a")
    sender.answer("a", stored)
    let through = sender.words.filter { $0.backend == "a" }.map(\.through).max() ?? 0
    var restarted = Sender(readings: 0, disk: sender.hub.disk)
    let items = restarted.delivery("a")
    #expect(items?.allSatisfy { $0.sequence > through } ?? false)
    #expect(items?.count == 4)
  }

  @Test func misconfigurationIsToldOnceAndTriedSlowly() {
    var sender = Sender(readings: 1)
    _ = sender.delivery("a")
    sender.hub.done = []
    for _ in 0..<3 {
      sender.answer("a", .misconfigured(code: "http.401", text: "refused"))
      sender.hub.pass(300_001)
    }
    let warnings = sender.hub.done.filter {
      if case .log(.warning, let text) = $0 { text.contains("http.401") } else { false }
    }
    #expect(warnings.count == 1)
  }
}

extension OutboxTests {
  @Test func settingsThatChangeUnderwayHoldForWhatIsSentNext() {
    var sender = Sender(readings: 3)
    guard let items = sender.delivery("a") else { return }
    // Long ago: nothing is fresh that could overtake.
    sender.hub.wall += 7_200_000
    var configuration = Configuration.with([cuff], backends: backends)
    configuration.backends[0].kind = .directory(path: "/elsewhere")
    configuration.backends[0].maximumReadings = 2
    sender.hub.send(.configured(configuration, zones: [:], plans: [:]))
    // Nothing else goes out before the answer, and what has none is made anew: nobody holds the old octets.
    #expect(sender.delivery("a") == nil)
    sender.answer("a", .unknown(code: "net.timeout"))
    sender.hub.pass(1000)
    #expect(!sender.hub.done.contains { if case .redeliver("a", _) = $0 { true } else { false } })
    #expect(sender.delivery("a")?.map(\.id) == items.prefix(2).map(\.id))
    sender.answer("a", stored)
    #expect(sender.words.filter { $0.backend == "a" }.map(\.delivered) == [2])
  }
}
