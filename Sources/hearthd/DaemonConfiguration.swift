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
    handle(.faultsFound(refusal + loaded.faults + SetAside.faults(in: options.stateDirectory)))
  }

  /// What was accepted is kept for a start that finds the files broken.
  func keepAccepted() {
    if let accepted = loaded.accepted, options.action != .demo { files.keep(accepted) }
    loaded.accepted = nil
  }

  func reload(_ request: RequestID?) {
    ServiceManager.notify("RELOADING=1\nMONOTONIC_USEC=\(Clocks.monotonic() * 1000)")
    _ = PlanStore.settle(planOrigins, options.stateDirectory, removesOthers: false)
    switch ConfigurationLoader.load(
      options.configuration, state: options.stateDirectory, for: .reload, paired: { pairedDevices })
    {
    case .success(let loaded):
      configure(loaded)
      tellFaults()
      keepAccepted()
      handle(.plansWanted)
      SystemLog.write(5, "configuration.taken: it was read again and is in force")
      if let request { control?.answer(request, .result(["reloaded": true])) }
    case .failure(let fault):
      SystemLog.write(3, "configuration.refused: what was in force stays: \(fault.logged)")
      loaded.refusal = ConfigurationLoader.refusal(
        "the configuration is refused, what was in force before stays: \(fault.message)")
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

  /// Staged plans replace those in force.
  func adopt(_ plans: [PulledPlan]) {
    for pulled in plans {
      let patient = pulled.plan.patient
      do throws(FileError) {
        try PlanStore.adopt(patient, options.stateDirectory)
      } catch {
        SystemLog.write(
          3, "plan.staged: a plan is in force and not in its place yet: \(error.reason); a start tries again")
      }
      loaded.plans[patient] = pulled.plan
      if let name = pulled.plan.timeZone, let zone = stagedZones[name] { loaded.zones[name] = zone }
    }
    configure(loaded)
  }

  /// Takes plans that a daemon before this one had staged, and whose records are on disk.
  func settlePlans(_ origins: PlanOrigins) {
    let settled = PlanStore.settle(origins, options.stateDirectory, removesOthers: true)
    for plan in settled where plan.version > loaded.plans[plan.patient]?.version ?? -1 {
      loaded.plans[plan.patient] = plan
      if let name = plan.timeZone, loaded.zones[name] == nil { loaded.zones[name] = try? ZoneFile.read(name) }
    }
  }
}
