// How plans come into force: staged, recorded, adopted; one change after the other.

import ControlProtocol
@testable import GatewayCore
import JSON
import Journal
import Ledger
import Monitoring
import Readings
import Settings
import Testing
import Zones

private func text(_ version: Int, patient: String = "p-1") -> String {
  #"{"patient":"\#(patient)","version":\#(version),"rules":[{"id":"bp","kind":"band","measure":"bp.systolic","zones":[{"red":{"gte":"180"}}]}]}"#
}

private let configuration = Configuration.with([Cuff.device(users: [1: "p-1", 2: "p-2"])])

extension Hub {
  fileprivate var staged: [[Int]] {
    done.compactMap { if case .stagePlans(let plans) = $0 { plans.map(\.plan.version) } else { nil } }
  }

  fileprivate var adopted: [Int] {
    done.flatMap { effect -> [Int] in
      if case .adoptPlans(let plans) = effect { plans.map(\.plan.version) } else { [] }
    }
  }

  fileprivate mutating func set(_ version: Int, patient: String = "p-1", number: UInt64) {
    send(
      .asked(
        RequestID(connection: 1, number: number), .planSet(text: text(version, patient: patient)), CallerName(uid: 7)))
  }

  /// What a request was answered: a version, or the code of a refusal.
  fileprivate func answer(_ number: UInt64) -> String? {
    for case .answer(RequestID(connection: 1, number: number), let answer) in done {
      switch answer {
      case .result(let value): return "\(value["version"]?.int ?? -1)"
      case .failure(let error): return error.code
      }
    }
    return nil
  }

  /// The shell takes what came into force, as the daemon does.
  fileprivate mutating func take(_ version: Int) throws {
    let plan = try PlanFile.read(Array(text(version).utf8))
    send(.configured(configuration, zones: ["UTC": .utc], plans: ["p-1": plan]))
  }
}

@Suite struct PlanChangeTests {
  private func hub() -> Hub {
    var hub = Hub(configuration)
    hub.stagesPlans = false
    return hub
  }

  @Test func aPlanIsInForceWhenItsRecordIsOnDisk() {
    var hub = hub()
    hub.set(3, number: 1)
    #expect(hub.staged == [[3]] && hub.waiting.isEmpty && hub.answer(1) == nil)
    hub.send(.plansStaged(faults: [:]))
    #expect(hub.adopted.isEmpty && hub.answer(1) == nil && hub.waiting.count == 1)
    hub.sync()
    #expect(hub.adopted == [3] && hub.answer(1) == "3")
    #expect(hub.gateway.planOrigins.plans["p-1"]?.version == 3)
  }

  @Test func aPlanThatTheJournalRefusesIsNotInForceAndTheNextOneIsTaken() {
    var hub = hub()
    hub.set(3, number: 1)
    hub.set(4, number: 2)
    #expect(hub.staged == [[3]])
    hub.send(.plansStaged(faults: [:]))
    hub.refuse()
    #expect(hub.adopted.isEmpty && hub.answer(1) == "journal.full" && hub.gateway.planOrigins == PlanOrigins())
    #expect(hub.staged == [[3], [4]])
    hub.send(.plansStaged(faults: [:]))
    hub.sync()
    #expect(hub.adopted == [4] && hub.answer(2) == "4")
  }

  @Test func aPlanThatTheDiskDoesNotTakeLeavesNoRecord() {
    var hub = hub()
    hub.set(3, number: 1)
    let fault = StagingFault(message: "the disk is full", logged: "the disk is full", isDisk: true)
    hub.send(.plansStaged(faults: ["p-1": fault]))
    hub.sync()
    #expect(hub.answer(1) == "state.write-failed" && hub.adopted.isEmpty)
    #expect(!hub.disk.contains { $0.entry.kind == .plan || $0.entry.kind == .audit })
    hub.set(3, number: 2)
    let zone = StagingFault(message: "there is no such zone", logged: "no such zone", isDisk: false)
    hub.send(.plansStaged(faults: ["p-1": zone]))
    #expect(hub.answer(2) == "bad-plan")
  }

  /// Two people at once: the version is looked at again when the first one's plan is in force.
  @Test func anOlderVersionThatWaitedIsRefused() throws {
    var hub = hub()
    hub.set(5, number: 1)
    hub.set(4, number: 2)
    hub.send(.plansStaged(faults: [:]))
    hub.sync()
    try hub.take(5)
    hub.send(.plansStaged(faults: [:]))
    hub.sync()
    #expect(hub.adopted == [5] && hub.answer(2) == "bad-plan")
    #expect(hub.gateway.planOrigins.plans["p-1"]?.version == 5)
  }

  @Test func whatWaitsHasABound() {
    var hub = hub()
    for number in 1...9 { hub.set(number, number: UInt64(number)) }
    #expect(hub.answer(9) == "busy" && hub.staged == [[1]])
  }

  /// A plan must not come back for a patient who is erased meanwhile.
  @Test func anErasureOvertakesAStagedPlan() throws {
    var hub = hub()
    try hub.take(1)
    hub.set(2, number: 1)
    hub.send(.asked(RequestID(connection: 2, number: 1), .erase(patient: "p-1"), CallerName(uid: 0)))
    hub.sync()
    hub.send(.plansStaged(faults: [:]))
    hub.sync()
    #expect(hub.adopted.isEmpty && hub.answer(1) == "busy")
  }

  @Test func anAnswerThatNobodyWaitsForIsNone() {
    var hub = hub()
    hub.send(.plansStaged(faults: [:]))
    #expect(hub.waiting.isEmpty && hub.adopted.isEmpty)
  }
}
