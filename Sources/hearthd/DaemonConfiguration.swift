// What the daemon was told to do, and how that changes while it runs: SIGHUP, `hearthctl reload`, plans that came in.

import ControlProtocol
import GatewayCore
import JSON
import Monitoring
import Platform
import Settings
import Zones

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
    if let accepted = loaded.accepted, options.action != .demo { LastGood.keep(accepted, options.stateDirectory) }
    loaded.accepted = nil
  }

  func reload(_ request: RequestID?) {
    ServiceManager.notify("RELOADING=1\nMONOTONIC_USEC=\(Clocks.monotonic() * 1000)")
    switch ConfigurationLoader.load(options.configuration, state: options.stateDirectory, for: .reload) {
    case .success(let loaded):
      configure(loaded)
      tellFaults()
      keepAccepted()
      handle(.plansWanted)
      SystemLog.write(5, "configuration: read again")
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

  func savePlan(_ request: RequestID, _ patient: String, _ version: Int, _ octets: [UInt8]) {
    do throws(SettingsFault) {
      let plan: Plan
      do throws(JSONError) { plan = try PlanFile.read(octets, patient: patient) } catch {
        throw SettingsFault(plan: "plan", error)
      }
      do throws(SettingsFault) { try readZone(of: plan) } catch {
        throw ZoneFile.placed(error, plan.timeZone ?? "", octets, "plan", logged: "a plan")
      }
      try keep(plan, octets)
      configure(loaded)
      SystemLog.write(5, "plan: version \(version) of a patient is in force")
      control?.answer(request, .result(["version": .int(version), "patient": .string(patient)]))
    } catch {
      SystemLog.write(3, "plan: refused, the old one stays in force: \(error.logged)")
      control?.answer(
        request,
        .failure(ControlError(code: "bad-plan", message: error.message, hint: "the old plan stays in force")))
    }
  }

  func keepPlans(_ backend: String, _ plans: [PulledPlan]) {
    var faults: [String: String] = [:]
    for pulled in plans {
      do throws(SettingsFault) {
        try readZone(of: pulled.plan)
        try keep(pulled.plan, pulled.octets)
      } catch {
        faults[pulled.plan.patient] = error.logged
      }
    }
    if faults.count < plans.count { configure(loaded) }
    handle(.plansKept(backend: backend, faults: faults))
  }

  private func readZone(of plan: Plan) throws(SettingsFault) {
    guard let name = plan.timeZone, loaded.zones[name] == nil else { return }
    loaded.zones[name] = try ZoneFile.read(name)
  }

  /// Writes a plan and takes it beside what is in force. Throws when everything stays as it was.
  private func keep(_ plan: Plan, _ octets: [UInt8]) throws(SettingsFault) {
    do throws(FileError) {
      try PlanStore.write(octets, of: plan.patient, options.stateDirectory)
    } catch {
      throw SettingsFault("the disk of the hub does not take it: \(error.reason)")
    }
    loaded.plans[plan.patient] = plan
  }
}
