// What the daemon was told to do, and how that changes while it runs: SIGHUP, `hearthctl reload`, plans that came in.

import ControlProtocol
import GatewayCore
import JSON
import Ledger
import Monitoring
import Platform
import Settings

extension Daemon {
  func configure(_ loaded: LoadedConfiguration) {
    self.loaded = loaded
    control?.configure(loaded.configuration)
    backends?.configure(loaded.configuration, plans: loaded.plans)
    handle(.configured(loaded.configuration, zones: loaded.zones, plans: loaded.plans))
  }

  /// The gateway hears what is wrong in the files that were read.
  func tellFaults() {
    let refusal = loaded.refusal.map { [$0] } ?? []
    let unsettled = unsettledPlans.isEmpty ? [] : [HubFault.unsettledPlans(unsettledPlans.keys.sorted())]
    let idle = Actions.faults(beside: options.configuration)
    for path in Actions.idle(beside: options.configuration) {
      let name = path.split(separator: "/").last ?? ""
      SystemLog.write(4, "action \(name): action.idle: \(Actions.idleWords)")
    }
    handle(.faultsFound(refusal + loaded.faults + unsettled + SetAside.faults(in: options.stateDirectory) + idle))
  }

  /// What was accepted is kept for a start that finds the files broken.
  func keepAccepted() {
    if let accepted = loaded.accepted, options.action != .demo { files.keep(accepted) }
    loaded.accepted = nil
  }

  func reload(_ request: RequestID?) {
    ServiceManager.notify("RELOADING=1\nMONOTONIC_USEC=\(Clocks.monotonic() * 1000)")
    settleAdopted()
    switch ConfigurationLoader.load(
      options.configuration, state: options.stateDirectory, for: .reload, paired: { pairedDevices })
    {
    case .success(var loaded):
      keepUnsettled(&loaded)
      tellGonePlans(&loaded)
      configure(loaded)
      tellFaults()
      keepAccepted()
      handle(.plansWanted)
      SystemLog.write(5, "configuration.taken: it was read again and is in force")
      let warnings = warnings(of: loaded)
      for _ in warnings {
        SystemLog.write(
          4, "patient.near: a patient in the configuration is one letter from another one: see hearthctl reload")
      }
      if let request {
        var answer = JSONObject()
        answer["reloaded"] = true
        if !warnings.isEmpty { answer["warnings"] = .array(warnings.map { .string($0) }) }
        control?.answer(request, .result(.object(answer)))
      }
    case .failure(let fault):
      SystemLog.write(3, "configuration.refused: what was in force stays: \(fault.logged)")
      loaded.refusal = ConfigurationLoader.refusal(
        "the configuration is refused, what was in force before stays", fault)
      tellFaults()
      if let request {
        control?.answer(
          request,
          .failure(
            ControlError(
              code: "bad-configuration", message: fault.message, hint: "hearthd --check tells whether it is good")))
      }
    }
    ServiceManager.notify("READY=1")
  }

  /// A plan that is not there any more, or that went back to an older version, is told until the next reading of the files.
  private func tellGonePlans(_ loaded: inout LoadedConfiguration) {
    let gone = self.loaded.plans.filter { $0.value.version > loaded.plans[$0.key]?.version ?? -1 }
    guard !gone.isEmpty else { return }
    let older = gone.keys.count { loaded.plans[$0] != nil }
    let told =
      Count.of(gone.count, "plan that was in force is not", plural: "plans that were in force are not")
      + " any more, \(older) of them for an older version"
    SystemLog.write(4, "plan.gone: the files that were read hold them no more: \(told)")
    loaded.faults.append(
      HubFault(
        .plans, "plan.gone", "\(told): \(gone.keys.sorted().joined(separator: ", "))", told: told,
        hint: "if this is meant, hearthctl reload once more; else put the files back, then hearthctl reload",
        isWarning: true))
  }

  /// Staged plans replace those in force.
  func adopt(_ plans: [PulledPlan]) {
    for pulled in plans {
      unsettledPlans[pulled.plan.patient] = pulled.plan
      // A reload may have brought a higher version meanwhile.
      guard loaded.take(pulled.plan, zone: { stagedZones[$0] }) else { continue }
      SystemLog.write(5, "plan.set: version \(pulled.plan.version) of a patient's plan is in force")
    }
    settleAdopted()
    configure(loaded)
    if !unsettledPlans.isEmpty { tellFaults() }
  }

  /// Puts plans that are in force into their place. What cannot be put there stays in force, and is told.
  func settleAdopted() {
    for patient in unsettledPlans.keys.sorted() {
      do throws(FileError) {
        try PlanStore.adopt(patient, options.stateDirectory)
        unsettledPlans[patient] = nil
      } catch {
        SystemLog.write(
          3,
          "plan.staged: a plan is in force and not in its place yet: \(error.reason); a reload or a start tries again")
      }
    }
  }

  /// Stages plans; none of a patient whose plan before it is not in its place yet: it would be written over.
  func stage(_ plans: [PulledPlan]) {
    settleAdopted()
    guard plans.contains(where: { unsettledPlans[$0.plan.patient] != nil }) else { return files.stage(plans) }
    let words = "the disk of the hub does not take it: the plan before it is not in its place yet"
    let fault = StagingFault(message: words, logged: words, isDisk: true)
    handle(.plansStaged(faults: Dictionary(plans.map { ($0.plan.patient, fault) }, uniquingKeysWith: { $1 })))
  }

  /// What is in force stays so when the files are read again.
  private func keepUnsettled(_ loaded: inout LoadedConfiguration) {
    for plan in unsettledPlans.values { loaded.take(plan, zone: { self.loaded.zones[$0] }) }
  }

  /// Takes plans that a daemon before this one had staged, and whose records are on disk.
  func settlePlans(_ origins: PlanOrigins) {
    for plan in PlanStore.settle(origins, options.stateDirectory) {
      let zones = loaded.zones
      loaded.take(plan, zone: { zones[$0] ?? (try? ZoneFile.read($0)) })
    }
  }
}

extension HubFault {
  /// Plans are in force and not in their place on the disk.
  fileprivate static func unsettledPlans(_ patients: [String]) -> HubFault {
    let told =
      Count.of(patients.count, "plan is", plural: "plans are") + " in force and not in its place on the disk"
    return HubFault(
      .plans, "plan.staged", "\(told): \(patients.joined(separator: ", "))", told: told,
      hint: "free space on the disk, then hearthctl reload")
  }
}
