// What the daemon was told to do, and how that changes while it runs: SIGHUP, `hearthctl reload`, plans that came in.

import ControlProtocol
import GatewayCore
import JSON
import Platform

extension Daemon {
  func configure(_ loaded: LoadedConfiguration) {
    self.loaded = loaded
    control?.configure(loaded.configuration)
    backends?.configure(loaded.configuration, plans: loaded.plans)
    handle(.configured(loaded.configuration, zones: loaded.zones, plans: loaded.plans))
  }

  func reload(_ request: RequestID?) {
    ServiceManager.notify("RELOADING=1\nMONOTONIC_USEC=\(Clocks.monotonic() * 1000)")
    switch ConfigurationLoader.load(options.configuration, state: options.stateDirectory) {
    case .success(let loaded):
      configure(loaded)
      handle(.plansWanted)
      SystemLog.write(5, "configuration: read again")
      if let request { control?.answer(request, .result(["reloaded": true])) }
    case .failure(let fault):
      SystemLog.write(3, "configuration: refused, the old one stays in force: \(fault.message)")
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
    let result = PlanStore.keep(octets, patient: patient, state: options.stateDirectory) {
      ConfigurationLoader.load(options.configuration, state: options.stateDirectory)
    }
    switch result {
    case .success(let loaded):
      configure(loaded)
      SystemLog.write(5, "plan: version \(version) of a patient is in force")
      control?.answer(request, .result(["version": .int(version), "patient": .string(patient)]))
    case .failure(let fault):
      SystemLog.write(3, "plan: refused, the old one stays in force: \(fault.message)")
      control?.answer(
        request,
        .failure(ControlError(code: "bad-plan", message: fault.message, hint: "the old plan stays in force")))
    }
  }

  func keepPlans(_ backend: String, _ plans: [PulledPlan]) {
    let (loaded, faults) = PlanStore.keep(plans, state: options.stateDirectory) {
      ConfigurationLoader.load(options.configuration, state: options.stateDirectory)
    }
    if let loaded { configure(loaded) }
    handle(.plansKept(backend: backend, faults: faults))
  }
}
