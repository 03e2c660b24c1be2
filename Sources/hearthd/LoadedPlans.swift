// Which plans are in force: those of the configuration's folder and those of the state directory, of two of a patient the higher
// version. A file that is refused at a start leaves the last good version of its plan in force, and so does one that is gone: what ends
// a plan is a higher version without rules, or the erasure of its patient.

import GatewayCore
import JSON
import Monitoring
import Platform
import Settings
import Zones

struct LoadedPlans {
  private let given: PlanFolder
  private var zones: [String: TimeZoneRules]
  private var plans: [String: Plan] = [:]
  private var faults: [HubFault] = []
  private let isKept: Bool
  /// What was in force when plans were accepted last; nothing where files are only checked.
  private let lastGood: PlanFolder
  private var gone: [GonePlan] = []
  /// The texts of the plans in force.
  private var texts: [String: [UInt8]] = [:]
  /// Digests of files that a reload refused and that are still there.
  private var refused: Set<String> = []

  /// Reads the plans beside a configuration. Throws the first fault of the configuration's folder, but not at a start.
  static func read(
    beside file: ConfigurationText, _ state: String, _ purpose: ConfigurationLoader.Purpose
  ) throws(SettingsFault) -> LoadedPlans {
    let isStart = purpose == .start
    var given = PlanFolder(file.planFolder, isStart ? .lenient : .strict)
    if !isStart, let fault = given.firstFault { throw fault }
    let refused = isStart ? given.refuse(LastGood.refused(state)) : []
    // These came over the control socket or from a backend, and were good when they came.
    let own = PlanFolder(PlanStore.folder(state), .lenient)
    for refused in own.refused {
      SystemLog.write(3, "plan.refused: \(refused.fault.logged); it is not in force")
      if purpose != .check { SetAside.move(refused.path) }
    }
    let lastGood = purpose == .check ? PlanFolder() : PlanFolder(LastGood.plans(state), .lenient)
    var plans = LoadedPlans(file, given, isKept: purpose != .check, lastGood: lastGood)
    plans.refused = refused
    let setAside = SetAside.found(in: PlanStore.folder(state))
    let found = plans.choose(own, setAside: Set(setAside.map(SetAside.patient)))
    try plans.readZones(of: found, beside: file, isStart)
    plans.tell(found, setAside: setAside)
    return plans
  }

  private init(_ file: ConfigurationText, _ given: PlanFolder, isKept: Bool, lastGood: PlanFolder) {
    self.given = given
    self.isKept = isKept
    self.lastGood = lastGood
    zones = file.zones
  }

  /// The plan of each patient that is in force.
  private mutating func choose(_ own: PlanFolder, setAside: Set<String>) -> [PlanFolder.Found] {
    var chosen = given.plans
    // Of the same version the one that was brought in is in force: it was higher than every other when it came.
    chosen.merge(own.plans) { given, own in
      if given.plan.version == own.plan.version, given.plan != own.plan {
        faults.append(
          HubFault(
            .plans, "plan.same-version",
            "\(given.path) is not in force: another plan of version \(own.plan.version) was brought in",
            told: "a plan of the folder is not in force: another one of the same version was brought in",
            hint: "raise the version in the file, then hearthctl reload", isWarning: true))
      }
      return given.plan.version > own.plan.version ? given : own
    }
    for (patient, last) in lastGood.plans.sorted(by: { $0.key < $1.key }) {
      let there = chosen[patient]
      guard last.plan.version > there?.plan.version ?? -1 else { continue }
      chosen[patient] = last
      // Of a file that is refused, or a folder that cannot be read, it is told that the last good version stays.
      guard given.fault == nil, !given.refused.contains(where: { $0.patient == patient }), !setAside.contains(patient)
      else { continue }
      gone.append(GonePlan(last.plan, there: there?.plan))
    }
    for refused in lastGood.refused where chosen[refused.patient] == nil { gone.append(GonePlan(refused.patient)) }
    plans = chosen.mapValues(\.plan)
    texts = chosen.mapValues(\.text)
    return chosen.values.sorted { $0.plan.patient < $1.plan.patient }
  }

  /// A zone that is not there refuses a plan of the configuration's folder when it is checked. One that is in force already is
  /// judged by the hub's clock until it is there again.
  private mutating func readZones(
    of found: [PlanFolder.Found], beside file: ConfigurationText, _ isStart: Bool
  ) throws(SettingsFault) {
    for found in found {
      guard let name = found.plan.timeZone, zones[name] == nil else { continue }
      do throws(SettingsFault) {
        zones[name] = try ZoneFile.read(name)
      } catch {
        let fault = ZoneFile.placed(error, name, found.text, found.path, logged: "a plan")
        if !isStart, given.plans[found.plan.patient]?.path == found.path { throw fault }
        SystemLog.write(3, "plan.zone-missing: \(error.logged); the hub's zone is used")
        faults.append(
          HubFault(
            .plans, "plan.zone-missing", "\(fault.message); until then the hub's own zone is used",
            told: "\(error.logged); until then the hub's own zone is used",
            hint: "install tzdata or correct the plan, then hearthctl reload", isWarning: true))
      }
    }
  }

  private mutating func tell(_ found: [PlanFolder.Found], setAside: [String]) {
    if let fault = given.fault {
      refuse(fault, "the last good versions stay in force", hint: "make the folder readable, then hearthctl reload")
    }
    for refused in given.refused {
      refuse(refused.fault, stays(refused.patient), hint: "correct it until hearthd --check finds it good, then reload")
    }
    for path in setAside {
      let patient = SetAside.patient(path)
      faults.append(
        HubFault(
          .plans, "plan.refused", "\(path) was set aside: it could not be understood; \(stays(patient))",
          told: "a plan was set aside: it could not be understood; \(stays(patient))",
          hint: "hearthctl plan set brings the plan in again, with a higher version; then remove the file and reload"))
    }
    for found in found {
      faults += found.warnings.map { HubFault($0, .plans, file: found.path) }
    }
  }

  private mutating func refuse(_ fault: SettingsFault, _ consequence: String, hint: String) {
    SystemLog.write(3, "plan.refused: \(fault.logged); \(consequence)")
    faults.append(
      HubFault(
        .plans, "plan.refused", "\(fault.message); \(consequence)", told: "\(fault.logged); \(consequence)", hint: hint)
    )
  }

  private func stays(_ patient: String) -> String {
    plans[patient].map { "version \($0.version) of this plan stays in force" }
      ?? "no other version is known, and nothing is judged by it"
  }

  /// The configuration with these plans.
  func merged(into file: ConfigurationText) -> LoadedConfiguration {
    var loaded = LoadedConfiguration(configuration: file.configuration, zones: zones, plans: plans)
    loaded.faults =
      file.configuration.warnings.map { HubFault($0, .configuration, file: file.path, OwnWords(file.text)) } + faults
      + file.runFaults
    if let fault = file.zoneFault { loaded.faults.append(fault) }
    loaded.gone = gone
    guard isKept else { return loaded }
    loaded.findings = file.findings
    var accepted = LastGood.Accepted(configuration: file.path, text: file.text)
    accepted.plans = texts
    accepted.unreadable = Set(lastGood.refused.map(\.patient))
    accepted.refused = refused
    loaded.accepted = accepted
    return loaded
  }
}

extension HubFault {
  /// What stays in force although a newer rule refuses it.
  fileprivate init(_ warning: SettingsWarning, _ subject: Subject, file: String, _ own: OwnWords? = nil) {
    let shown = subject == .plans ? "a plan" : file
    let told = own.map { warning.error.withoutValue(file: shown, $0) } ?? warning.description(file: shown)
    self.init(
      subject, warning.code, "\(warning.description(file: file)); it stays in force",
      told: "\(told); it stays in force",
      hint: "correct it: a reload and hearthd --check refuse it", isWarning: true)
  }
}
