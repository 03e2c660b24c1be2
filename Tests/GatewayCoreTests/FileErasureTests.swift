// An erasure and the files of directory backends: when they are looked through, what survives a restart, and who is answered what.

import ControlProtocol
@testable import GatewayCore
import JSON
import Settings
import Testing
@testable import Ledger

private let configuration = Configuration.with(
  [Cuff.device(patient: "p-1")],
  backends: [BackendConfiguration(name: "a", kind: .directory(path: "/a"), maximumReadings: 8, maximumBytes: 1 << 20)])

private let report = ErasureReport(readings: 3, counted: [], left: [], error: nil)

/// The patient's lines in the files of a backend, and what became of them.
private func found(removed: Bool, left: [FileErasure.Left] = []) -> [FileErasure] {
  var files = FileErasure(backend: "a", folder: "/a")
  (files.files, files.lines) = (2, 7)
  if removed { (files.rewritten, files.removed, files.left) = (2, 7, left) }
  return [files]
}

/// Nothing could be done.
private func stuck(_ left: [FileErasure.Left]) -> FileErasure {
  var files = FileErasure(backend: "a", folder: "/a")
  files.left = left
  return files
}

extension Hub {
  fileprivate mutating func ask(_ number: UInt64, _ request: ControlRequest) {
    send(.asked(RequestID(connection: 1, number: number), request, CallerName(uid: 0)))
    sync()
  }

  fileprivate func answer(_ number: UInt64) -> JSONValue? {
    let id = RequestID(connection: 1, number: number)
    return done.compactMap { if case .answer(id, .result(let value)) = $0 { value } else { nil } }.last
  }

  fileprivate var looks: [Bool] {
    done.compactMap { if case .eraseFiles("p-1", let removes) = $0 { removes } else { nil } }
  }

  fileprivate mutating func tell(_ event: Event) {
    send(event)
    sync()
  }
}

@Suite struct FileErasureTests {
  @Test func withoutAWishTheLinesAreCounted() {
    var hub = Hub(configuration)
    hub.ask(1, .erase(patient: "p-1"))
    #expect(hub.looks == [])
    hub.tell(.erased(patient: "p-1", report))
    #expect(hub.looks == [false] && hub.answer(1) == nil)
    hub.tell(.filesErased(patient: "p-1", removes: false, found(removed: false)))
    let answer = hub.answer(1)
    #expect(answer?["readings"]?.int == 3 && answer?["configured"]?.array == ["cuff"])
    let files = answer?["files"]?.array?.first
    #expect(files?["backend"]?.string == "a" && files?["folder"]?.string == "/a" && files?["files"]?.int == 2)
    #expect(files?["lines"]?.int == 7 && files?["removed"]?.int == 0 && files?["left"]?.array == [])
    #expect(Hub(configuration, disk: hub.disk).atStart.allSatisfy { if case .eraseFiles = $0 { false } else { true } })
  }

  @Test func theWishSurvivesEveryEnd() {
    var hub = Hub(configuration)
    hub.ask(1, .erase(patient: "p-1", files: true))
    // Before the journal is done, all of it begins again.
    var again = Hub(configuration, disk: hub.disk)
    #expect(again.atStart.contains { if case .erase("p-1") = $0 { true } else { false } })
    again.tell(.erased(patient: "p-1", report))
    #expect(again.looks == [true])
    // After that, the files alone.
    again = Hub(configuration, disk: again.disk)
    #expect(!again.atStart.contains { if case .erase = $0 { true } else { false } })
    #expect(again.atStart.contains { if case .eraseFiles("p-1", true) = $0 { true } else { false } })
    again.tell(.filesErased(patient: "p-1", removes: true, found(removed: true)))
    #expect(again.done.contains { if case .log(.notice, let text) = $0 { text.contains("7 lines") } else { false } })
    again = Hub(configuration, disk: again.disk)
    #expect(again.atStart.allSatisfy { if case .eraseFiles = $0 { false } else { true } })
    #expect(again.gateway.turn.ledger.durable.erasingFiles.isEmpty)
  }

  @Test func whatCouldNotBeDoneIsToldWithTheReason() {
    var hub = Hub(configuration)
    hub.ask(1, .erase(patient: "p-1", files: true))
    hub.tell(.erased(patient: "p-1", report))
    let left = [FileErasure.Left(file: "2026-11-21.ndjson", reason: "open: Is a directory")]
    hub.tell(.filesErased(patient: "p-1", removes: true, found(removed: true, left: left)))
    let told = hub.answer(1)?["files"]?.array?.first?["left"]?.array?.first
    #expect(told?["file"]?.string == "2026-11-21.ndjson" && told?["reason"]?.string == "open: Is a directory")
    let words = hub.done.compactMap { if case .log(.error, let text) = $0 { text } else { nil } }
    #expect(words.contains { $0.hasPrefix("patient.files-left: 1 file of") } && !words.contains { $0.contains("p-1") })
    // It is tried again every ten minutes, told as long as it stands, and not logged each time.
    #expect(
      Hub(configuration, disk: hub.disk).atStart.contains {
        if case .eraseFiles("p-1", true) = $0 { true } else { false }
      })
    for _ in 0..<3 {
      hub.done = []
      hub.pass(599_000)
      #expect(hub.looks == [])
      hub.pass(2000)
      #expect(hub.looks == [true])
      hub.tell(.filesErased(patient: "p-1", removes: true, [stuck(left)]))
      #expect(!hub.done.contains { if case .log = $0 { true } else { false } })
      #expect(hub.gateway.turn.view.standingProblems().contains { $0.kind == .filesErasureFailing })
    }
    hub.pass(601_000)
    hub.tell(.filesErased(patient: "p-1", removes: true, found(removed: true)))
    #expect(hub.gateway.turn.ledger.durable.erasingFiles.isEmpty)
    #expect(!hub.gateway.turn.view.standingProblems().contains { $0.kind == .filesErasureFailing })
  }

  @Test func whoAsksWhileLinesAreCountedGetsThemRemoved() {
    var hub = Hub(configuration)
    hub.ask(1, .erase(patient: "p-1"))
    hub.tell(.erased(patient: "p-1", report))
    hub.ask(2, .erase(patient: "p-1", files: true))
    hub.tell(.filesErased(patient: "p-1", removes: false, found(removed: false)))
    #expect(hub.answer(1) == nil && hub.answer(2) == nil)
    hub.tell(.erased(patient: "p-1", report))
    #expect(hub.looks == [false, true])
    hub.tell(.filesErased(patient: "p-1", removes: true, found(removed: true)))
    for number in [1, 2] as [UInt64] {
      #expect(hub.answer(number)?["files"]?.array?.first?["removed"]?.int == 7)
    }
  }

  /// Nobody is erased of whom nothing is known: no record, no audit.
  @Test func whoIsKnownNowhereIsNotErased() {
    var hub = Hub(configuration)
    let before = hub.disk.count
    hub.ask(1, .erase(patient: "nobody", files: true))
    hub.tell(.filesErased(patient: "nobody", removes: false, []))
    let id = RequestID(connection: 1, number: 1)
    #expect(
      hub.done.contains {
        if case .answer(id, .failure(let error)) = $0 { error.code == "not-found" } else { false }
      })
    #expect(hub.disk.count == before)
    // Lines in a file are something that is known.
    hub.ask(2, .erase(patient: "nobody", files: true))
    hub.tell(.filesErased(patient: "nobody", removes: false, found(removed: false)))
    hub.tell(.erased(patient: "nobody", ErasureReport(readings: 0, counted: [], left: [], error: nil)))
    hub.tell(.filesErased(patient: "nobody", removes: true, found(removed: true)))
    #expect(hub.answer(2)?["files"]?.array?.first?["removed"]?.int == 7)
  }

  @Test func aDiskThatRefusesTheEndIsAnsweredAndTriedAgain() {
    var hub = Hub(configuration)
    hub.ask(1, .erase(patient: "p-1", files: true))
    hub.tell(.erased(patient: "p-1", report))
    hub.send(.filesErased(patient: "p-1", removes: true, found(removed: true)))
    #expect(hub.answer(1) == nil)
    hub.refuse()
    let id = RequestID(connection: 1, number: 1)
    #expect(
      hub.done.contains {
        if case .answer(id, .failure(let error)) = $0 { error.code == "journal.full" } else { false }
      })
    hub.done = []
    hub.pass(600_000)
    #expect(hub.looks == [true])
  }

  @Test func aSnapshotKeepsTheWishAndAnOlderRecordHasNone() {
    var state = LedgerState()
    state.apply(.erase(patient: "p-1", files: true), at: 1)
    state.apply(.erased(patient: "p-1", Erased(counts: [:])), at: 2)
    #expect(state.erasing.isEmpty && state.erasingFiles == ["p-1"])
    #expect(state.throughSnapshot.state.erasingFiles == ["p-1"])
    state.apply(.erased(patient: "p-1", .ofFiles), at: 3)
    #expect(state.erasingFiles.isEmpty)
    let old = JournalEntry(kind: .erase, payload: Array(#"{"patient":"p-1"}"#.utf8))
    #expect(old == .erase(patient: "p-1"))
    #expect(JournalEntry.erase(patient: "p-1").payload == Array(#"{"patient":"p-1"}"#.utf8))
  }
}
