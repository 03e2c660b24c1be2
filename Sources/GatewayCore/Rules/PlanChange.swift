// How a plan comes into force: it is staged beside the one in force, then who set it becomes a record, then it replaces the old one. What
// the disk refuses on the way leaves the old plan in force, also after a restart; where the disk does not know what it did
// (`journal.outcome-unknown`), the next start tells.

internal import ControlProtocol
internal import JSON
internal import Ledger
internal import Monitoring
internal import Settings

/// Plans on their way into force. One change is under way at a time: two versions of a plan have one staged file.
struct PlanChange: Sendable {
  /// Who gave the plans.
  enum Giver: Sendable, Hashable {
    /// A person over the control socket, with the request that waits for the answer.
    case person(RequestID, CallerName)
    /// A backend, by its name.
    case backend(String)
  }

  /// A backend's answer, of which these plans are a part.
  struct Answer: Sendable, Hashable {
    /// Where it came from.
    var source: PlanSource
    var tag: String?
    /// Its tag counts when all of its plans are in force.
    var isSettled: Bool
    /// What is refused of it.
    var refused: [String]
  }

  /// The most changes of people that wait. Of each backend two may: the one under way, and the newest.
  static let mostOfPeople = 8

  var giver: Giver
  var plans: [PulledPlan]
  var answer: Answer?

  var isOfPerson: Bool { if case .person = giver { true } else { false } }
}

/// Why a plan could not be staged.
package struct StagingFault: Sendable, Hashable {
  /// With what is expected; for those who may see the plan.
  package var message: String
  /// The same for logs and for the backend: no value, and no path that names a patient.
  package var logged: String
  /// The plan is good, the hub's disk refused it.
  package var isDisk: Bool

  /// Why a plan could not be staged.
  package init(message: String, logged: String, isDisk: Bool) {
    self.message = message
    self.logged = logged
    self.isDisk = isDisk
  }
}

extension Rules {
  /// A plan that a person brought in.
  mutating func change(_ plan: PulledPlan, _ id: RequestID, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    if let refusal = versionRefusal(plan.plan, turn) { return [.answer(id, .failure(refusal))] }
    guard changes.count(where: \.isOfPerson) < PlanChange.mostOfPeople else {
      return .failure(id, "busy", "other plans are being written", "try again in a moment")
    }
    return enter(PlanChange(giver: .person(id, caller), plans: [plan]))
  }

  /// Puts a change behind the others.
  mutating func enter(_ change: PlanChange) -> [Effect] {
    if !change.isOfPerson, let older = changes.dropFirst().firstIndex(where: { $0.giver == change.giver }) {
      changes.remove(at: older)
    }
    changes.append(change)
    return changes.count == 1 ? [.stagePlans(change.plans)] : []
  }

  /// The oldest change is staged, or a part of it. What was decided when it came is looked at again: time has passed.
  mutating func staged(_ faults: [String: StagingFault], _ turn: inout Turn) -> [Effect] {
    guard let change = changes.first else { return [] }
    switch change.giver {
    case .person(let id, let caller): return stagedByPerson(change, id, caller, faults, &turn)
    case .backend(let name): return stagedByBackend(change, name, faults, &turn)
    }
  }

  private mutating func stagedByPerson(
    _ change: PlanChange, _ id: RequestID, _ caller: CallerName, _ faults: [String: StagingFault], _ turn: inout Turn
  ) -> [Effect] {
    guard let pulled = change.plans.first else { return next() }
    let plan = pulled.plan
    if let fault = faults[plan.patient] {
      let error =
        fault.isDisk
        ? ControlError(
          code: "state.write-failed", message: fault.message, hint: "free space on the disk, then try again")
        : ControlError(code: "bad-plan", message: fault.message, hint: "the old plan stays in force")
      return [
        .log(.error, "plan.refused: the old one stays in force: \(fault.logged)"), .answer(id, .failure(error)),
      ] + next()
    }
    if let refusal = versionRefusal(plan, turn) { return [.answer(id, .failure(refusal))] + next() }
    let origin = PlanOrigin(by: caller.by, version: plan.version, at: turn.now.wall)
    let entries: [JournalEntry] = [
      .plan(patient: plan.patient, origin),
      caller.audit("set plan of \(plan.patient), version \(plan.version)"),
    ]
    return turn.append(entries, for: .completion(.plansChanged(change.giver)))
      + [
        .adoptPlans(change.plans),
        .answer(id, .result(["version": .int(plan.version), "patient": .string(plan.patient)])),
      ]
  }

  /// Why a version cannot come into force; nil when it can.
  private func versionRefusal(_ plan: Plan, _ turn: Turn) -> ControlError? {
    if turn.head.erasing.contains(plan.patient) {
      return ControlError(
        code: "busy", message: "this patient is being erased", hint: "try again when the erasure is done")
    }
    guard let old = turn.house.plans[plan.patient], plan.version <= old.version else { return nil }
    return ControlError(
      code: "bad-plan", message: "version: \(old.version) is in force; expected a higher one, found \(plan.version)",
      hint: "raise the version with every change")
  }

  /// The records of the oldest change are on disk, and its plans in force; or the disk refused them, and nothing changed.
  mutating func changed(_ giver: PlanChange.Giver, isWritten: Bool, _ turn: inout Turn) -> [Effect] {
    guard let change = changes.first, change.giver == giver else { return [] }
    if case .backend(let name) = giver { pullChanged(change, name, isWritten: isWritten, turn.now) }
    return next()
  }

  /// The oldest change is done with.
  mutating func next() -> [Effect] {
    if !changes.isEmpty { changes.removeFirst() }
    return changes.first.map { [.stagePlans($0.plans)] } ?? []
  }
}
