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

  /// The gateway hears what is wrong in the files that were read, and in what is kept of them.
  func tellFaults() {
    var faults = loaded.refusal.map { [$0] } ?? []
    let gone = (lostPlans() + loaded.gone).compactMap { $0.fault(loaded.plans) }
    for fault in gone { SystemLog.write(3, "plan.gone: the files of plans were read: \(fault.told)") }
    faults += gone + loaded.faults
    if !unsettledPlans.isEmpty { faults.append(HubFault.unsettledPlans(unsettledPlans.keys.sorted())) }
    if let reason = keeping.fault { faults.append(HubFault.notKept(reason)) }
    faults += unknownDevices() + needsRestart.map { HubFault.needsRestart($0, options.configuration) }
    faults += SetAside.faults(in: options.stateDirectory) + Actions.faults(beside: options.configuration)
    for path in Actions.idle(beside: options.configuration) {
      let name = path.split(separator: "/").last ?? ""
      SystemLog.write(4, "action \(name): action.idle: \(Actions.idleWords)")
    }
    handle(.faultsFound(faults))
  }

  /// Plans that somebody brought in, by the records of that, and of which no file is left.
  private func lostPlans() -> [GonePlan] {
    planOrigins.plans.sorted { $0.key < $1.key }.map { GonePlan($0.key, version: $0.value.version) }
  }

  /// Names in `watch.silent_after` that are no device's. A start takes them, as an older version did; which devices were paired is known
  /// when the journal is read.
  private func unknownDevices() -> [HubFault] {
    let configuration = loaded.configuration
    let known = pairedDevices.union(configuration.devices.map(\.id)).union(["*"])
    return configuration.watch.silentAfter.keys.filter { !known.contains($0) }.sorted().map { name in
      let told = "watch.silent_after names a device that is not known: nobody is told when it is silent"
      SystemLog.write(4, "device.unknown: a name is no device's: \(told)")
      return HubFault(
        .configuration, "device.unknown",
        "watch.silent_after: \"\(name)\" is no device: nobody is told when it is silent", told: told,
        hint: "correct the name in \(options.configuration) (hearthctl devices), then hearthctl reload", isWarning: true
      )
    }
  }

  /// What the configuration says and a running daemon cannot take: a start does.
  var needsRestart: [String] {
    let (now, begun) = (loaded.configuration, begun)
    var keys: [String] = []
    if now.hubID != begun.hubID, now.hubID != hubID { keys.append("hub.id") }
    if now.journal.segmentBytes != begun.journal.segmentBytes { keys.append("journal.segment_bytes") }
    if now.journal.maximumBytes != begun.journal.maximumBytes { keys.append("journal.maximum_bytes") }
    return keys
  }

  // MARK: What is kept for the next start

  /// What was accepted is kept for a start that finds the files broken.
  func keepAccepted() {
    if let accepted = loaded.accepted { keep(LastGood.Keeping(accepted: accepted)) }
    loaded.accepted = nil
  }

  private func keep(_ next: LastGood.Keeping) {
    guard options.action != .demo else { return }
    keeping.waiting.add(next)
    keeping.number += 1
    files.keep(keeping.waiting, number: keeping.number)
  }

  /// What became of it. What the disk refused is written again until it is there: until then a start would find an older one.
  func kept(_ number: Int, _ fault: String?) {
    guard number == keeping.number else { return }
    let before = keeping.fault
    keeping.fault = fault
    keeping.againAt = fault.map { _ in Clocks.monotonic() + Keeping.pause }
    if let fault {
      if before == nil {
        SystemLog.write(
          4, "configuration.not-kept: the last good one is not kept for the next start: \(fault); it is tried again")
      }
    } else {
      keeping.waiting = LastGood.Keeping()
      if before != nil { SystemLog.write(5, "configuration.kept: the last good one is kept for the next start now") }
    }
    if before != fault { tellFaults() }
  }

  /// Time went on.
  func keepAgain(at now: Int64) {
    guard let time = keeping.againAt, time <= now else { return }
    keeping.againAt = nil
    files.keep(keeping.waiting, number: keeping.number)
  }

  // MARK: Reading it again

  func reload(_ request: RequestID?) {
    ServiceManager.notify("RELOADING=1\nMONOTONIC_USEC=\(Clocks.monotonic() * 1000)")
    settleAdopted()
    switch ConfigurationLoader.load(
      options.configuration, state: options.stateDirectory, for: .reload, paired: { pairedDevices })
    {
    case .success(var loaded):
      loaded.forget(erasedPlans)
      keepUnsettled(&loaded)
      keepGonePlans(&loaded)
      let leaving = waiting(without: loaded.configuration)
      configure(loaded)
      tellFaults()
      keepAccepted()
      handle(.plansWanted)
      SystemLog.write(5, "configuration.taken: it was read again and is in force")
      let near = warnings(of: loaded)
      for _ in near {
        SystemLog.write(
          4, "patient.near: a patient in the configuration is one letter from another one: see hearthctl reload")
      }
      let warnings = near + leaving + needsRestart.map(HubFault.restartWords) + loaded.findings
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
      let refused = ConfigurationLoader.refusedDigests(
        options.configuration, state: options.stateDirectory, paired: { pairedDevices })
      keep(LastGood.Keeping(refused: refused))
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

  /// Backends that the configuration has no more, and for which something waits.
  private func waiting(without configuration: Configuration) -> [String] {
    let left = Set(configuration.backends.map(\.name))
    return loaded.configuration.backends.map(\.name).filter { !left.contains($0) }.compactMap { name in
      let count = gateway.waiting(for: name)
      guard count > 0 else { return nil }
      let words = "\(Count.of(Int(clamping: count), "item waits", plural: "items wait")) for it and will not be sent"
      SystemLog.write(4, "backend \(name): backend.removed: \(words), as long as no backend has this name")
      return
        "the backend \"\(name)\" is in the configuration no more: \(words); to send them, name a backend \"\(name)\" again before they are "
        + "older than journal.keep"
    }
  }

  /// Plans in force of which the files that were read hold nothing, or an older version, and of which no copy was kept, stay in force.
  private func keepGonePlans(_ loaded: inout LoadedConfiguration) {
    let zones = self.loaded.zones
    for plan in self.loaded.plans.values.sorted(by: { $0.patient < $1.patient }) {
      let there = loaded.plans[plan.patient]
      if loaded.take(plan, zone: { zones[$0] }) { loaded.gone.append(GonePlan(plan, there: there)) }
    }
  }

  /// Staged plans replace those in force.
  func adopt(_ plans: [PulledPlan]) {
    for pulled in plans {
      unsettledPlans[pulled.plan.patient] = pulled.plan
      // A reload may have brought a higher version meanwhile.
      guard loaded.take(pulled.plan, zone: { stagedZones[$0] }) else { continue }
      SystemLog.write(5, "plan.set: version \(pulled.plan.version) of a patient's plan is in force")
      erasedPlans.remove(pulled.plan.patient)
      keep(LastGood.Keeping(plans: [pulled.plan.patient: pulled.octets]))
    }
    settleAdopted()
    configure(loaded)
    // A plan that was gone is there again.
    tellFaults()
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

/// What is being kept for the next start.
struct Keeping {
  /// How long is waited before what the disk refused is written again, in milliseconds.
  static let pause: Int64 = 30_000

  var waiting = LastGood.Keeping()
  /// Counts what was handed over: an answer to less is no answer.
  var number = 0
  /// Why it could not be written.
  var fault: String?
  /// When it is tried again, monotonic milliseconds.
  var againAt: Int64?
}

extension LoadedConfiguration {
  /// Patients who are erased have no plan, whatever was read of one.
  mutating func forget(_ patients: Set<String>) {
    for patient in patients {
      plans[patient] = nil
      accepted?.plans[patient] = nil
    }
  }
}

extension HubFault {
  /// The state directory takes no copy of what is in force.
  fileprivate static func notKept(_ reason: String) -> HubFault {
    HubFault(
      .state, "configuration.not-kept",
      "what is in force could not be kept for the next start (\(reason)): one that finds the files broken goes on with older ones",
      hint: "see that the state directory can be written and has room; it is tried again by itself", isWarning: true)
  }

  /// What is said of a key that a running daemon cannot take.
  fileprivate static func restartWords(_ key: String) -> String {
    "\(key) is in force after the next restart: sudo systemctl restart hearthd"
  }

  fileprivate static func needsRestart(_ key: String, _ path: String) -> HubFault {
    HubFault(
      .configuration, "configuration.needs-restart",
      "\(path): \(key) has changed, and the old value counts until hearthd is restarted",
      hint: "sudo systemctl restart hearthd", isWarning: true)
  }

  /// Plans are in force and not in their place on the disk.
  fileprivate static func unsettledPlans(_ patients: [String]) -> HubFault {
    let told =
      Count.of(patients.count, "plan is", plural: "plans are") + " in force and not in its place on the disk"
    return HubFault(
      .plans, "plan.staged", "\(told): \(patients.joined(separator: ", "))", told: told,
      hint: "free space on the disk, then hearthctl reload")
  }
}
