// Reading the configuration, the patients' plans and the zones that they name from disk. A check and a reload take all of it or
// nothing. A start takes what is good, and the last good of what is not: a home is never without its hub.

import ControlProtocol
import GatewayCore
import Glibc
import JSON
import Monitoring
import Platform
import Settings
import ZoneFiles
import Zones

/// A configuration with everything that it names.
struct LoadedConfiguration: Sendable {
  var configuration: Configuration
  var zones: [String: TimeZoneRules] = [:]
  var plans: [String: Plan] = [:]
  /// Why the configuration file is not in force; what is in force was accepted before.
  var refusal: HubFault?
  /// What else is wrong and does not keep the hub from working.
  var faults: [HubFault] = []
  /// What is kept for a start that finds the files broken; nil when nothing new was accepted.
  var accepted: LastGood.Accepted?
  /// Plans whose files are gone.
  var gone: [GonePlan] = []
  /// What a check finds beside the files and no reload refuses, a line each.
  var findings: [String] = []

  /// Takes a plan that is higher than the one there is, with its zone where that can be told.
  /// - Returns: false when the one there is stays.
  @discardableResult mutating func take(_ plan: Plan, zone: (String) -> TimeZoneRules?) -> Bool {
    guard plan.version > plans[plan.patient]?.version ?? -1 else { return false }
    plans[plan.patient] = plan
    if let name = plan.timeZone, let rules = zone(name) { zones[name] = rules }
    return true
  }
}

enum ConfigurationLoader {
  /// What the files are read for.
  enum Purpose {
    /// Nothing is changed on disk; see `ConfigurationLoader.check`.
    case check
    case reload
    case start
  }

  /// The largest configuration, in octets.
  private static let largest = 1 << 20
  private static let mend = "correct the file until hearthd --check finds it good, then hearthctl reload"

  /// Reads everything; the plans of the state directory too.
  /// - Parameter paired: the names of the devices that do not stand in the configuration; nil where nobody knows them yet.
  static func load(
    _ path: String, state: String, for purpose: Purpose, paired: () -> Set<String>? = { nil }
  ) -> Result<LoadedConfiguration, SettingsFault> {
    do throws(SettingsFault) {
      let octets = try text(path)
      if purpose == .start, let loaded = refused(octets, path, state) { return .success(loaded) }
      let file = try ConfigurationText(
        octets, path: path, purpose == .start ? .lenient : .strict, paired: paired)
      file.log()
      return .success(try LoadedPlans.read(beside: file, state, purpose).merged(into: file))
    } catch {
      guard purpose == .start, let loaded = lastGood(state, error) else { return .failure(error) }
      SystemLog.write(3, "configuration.refused: the last good one is in force: \(error.logged)")
      return .success(loaded)
    }
  }

  /// What a start goes on with where the file is the one that a reload refused: what was in force before stays so.
  private static func refused(_ octets: [UInt8], _ path: String, _ state: String) -> LoadedConfiguration? {
    guard LastGood.refused(state).contains(LastGood.digest(octets)) else { return nil }
    var fault = SettingsFault("\(path): a reload refused this file")
    do throws(SettingsFault) { _ = try ConfigurationText(octets, path: path, .strict) } catch { fault = error }
    guard let loaded = lastGood(state, fault) else { return nil }
    SystemLog.write(
      3, "configuration.refused: a reload refused this file, and the last good one is in force: \(fault.logged)")
    return loaded
  }

  /// The digests of those files that keep a reload from taking them: the next start does not take them either.
  static func refusedDigests(_ path: String, state: String, paired: () -> Set<String>?) -> Set<String> {
    guard let octets = try? text(path) else { return [] }
    let kept = LastGood.configuration(state)?.text
    guard let file = try? ConfigurationText(octets, path: path, .strict, paired: paired) else {
      // What is in force already, as an older version took it, stays so.
      return kept == LastGood.withoutPasswords(octets) ? [] : [LastGood.digest(octets)]
    }
    let accepted = PlanFolder(LastGood.plans(state), .lenient)
    let known = Set(accepted.plans.values.map { LastGood.digest($0.text) })
    return PlanFolder(file.planFolder, .strict).refusedDigests.subtracting(known)
  }

  /// What a check found, a line each.
  struct Report {
    var lines: [String] = []
    /// What is good; nil when something is not.
    var loaded: LoadedConfiguration?
  }

  /// What a check finds: everything that a reload would refuse, and what whoever checks may look at besides. Nothing is changed.
  static func check(_ path: String, state: String) -> Report {
    do throws(SettingsFault) {
      return check(try text(path), path, state)
    } catch {
      return Report(lines: [error.message])
    }
  }

  private static func check(_ text: [UInt8], _ path: String, _ state: String) -> Report {
    var (configuration, faults) = ConfigurationFile.faults(text)
    var lines = faults.map { $0.description(file: path) }
    guard let top = try? ConfigurationText.node(text) else { return Report(lines: lines) }
    let known = PairedDevices.all(state)
    // What stands beside the file is looked at as far as the file can be read.
    var newer = NewerRules(.lenient)
    let unjudged = DeviceChecks.all(configuration, known.map { Set($0.devices.map(\.id)) }, top, &newer)
    lines += newer.warnings.map { $0.description(file: path) }
    for name in Set([configuration.timeZone] + configuration.devices.compactMap(\.timeZone)).sorted() {
      do throws(SettingsFault) { _ = try ZoneFile.read(name) } catch {
        lines.append(ZoneFile.placed(error, name, text, path, logged: path).message)
      }
    }
    configuration.warnings = []
    var findings = DeviceChecks.findings(unjudged, configuration) + beside(configuration, top)
    let folder = configuration.plans ?? ConfigurationText.folder(of: path) + "/plans"
    lines += PlanFolder.faults(folder)
    findings += unreadable(configuration, top)
    let plans = PlanFolder(folder, .lenient)
    findings += PatientSlips.findings(top, plans, known?.patients ?? [])
    var report = Report(lines: lines)
    let isGood = lines.isEmpty && !findings.contains { $0.kind == .fault }
    do throws(SettingsFault) {
      let names = known.map { Set($0.devices.map(\.id)) }
      let file = try ConfigurationText(text, path: path, .strict, paired: { names })
      let loaded = try LoadedPlans.read(beside: file, state, .check).merged(into: file)
      if let question = ZoneAdvice.question(file, known?.devices ?? [], top) { findings.insert(question, at: 0) }
      if isGood { report.loaded = loaded }
    } catch {
      // All of it is told already, but for what only the whole of the files tells.
      if report.lines.isEmpty { report.lines.append(error.message) }
    }
    report.lines += findings.map { $0.description(file: path) } + PatientSlips.lines(top, plans, known?.patients ?? [])
    report.lines += PatientSlips.orphans(top, plans, known?.patients)
    let names = Set(configuration.backends.map(\.name))
    for (name, count) in (known?.waiting ?? [:]).sorted(by: { $0.key < $1.key })
    where count > 0 && !names.contains(name) {
      let items = Count.of(Int(clamping: count), "item waits", plural: "items wait")
      report.lines.append(
        "\(path): warning: backends: \"\(name)\" is not among them any more: \(items) for it and will not be sent")
    }
    let files = [path] + (access(folder, F_OK) == 0 ? [folder] : []) + plans.plans.values.map(\.path).sorted()
    report.lines += files.compactMap { HubAccess.fault($0, .reading) }.map { "\(path): warning: \($0)" }
    report.lines += Actions.idle(beside: path).map { "\($0): warning: \(Actions.idleWords)" }
    return report
  }

  /// Recordings that the daemon's user may not read, although whoever checks may.
  private static func unreadable(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    let nodes = (try? JSONMembers(top)["devices"]?.array()) ?? []
    return configuration.devices.compactMap { device in
      guard case .playback(let path) = device.endpoint, let node = DeviceChecks.node(of: device, among: nodes) else {
        return nil
      }
      return HubAccess.fault(path, .reading).map { Finding(.warning, node, member: "playback", $0) }
    }
  }

  /// What is wrong beside a configuration's text, by whatever it names: files of secrets and certificates, programs, recordings, ports,
  /// folders, groups. A check refuses it; a reload takes the text, and answers with the same.
  static func beside(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    SecretChecks.findings(configuration, top)
      + RunChecks.all(configuration, top).map { Finding(.fault, $0.node, $0.message) }
  }

  /// What was accepted last, with the plans beside it; nil when there is none, or it is not good either.
  private static func lastGood(_ state: String, _ fault: SettingsFault) -> LoadedConfiguration? {
    guard let kept = LastGood.configuration(state),
      let file = try? ConfigurationText(kept.text, path: kept.path, .lenient),
      let plans = try? LoadedPlans.read(beside: file, state, .start)
    else { return nil }
    var loaded = plans.merged(into: file)
    loaded.accepted = nil
    loaded.refusal = refusal("the configuration is refused, the last good one is in force", fault)
    return loaded
  }

  /// What is told while a configuration file is not in force.
  static func refusal(_ words: String, _ fault: SettingsFault) -> HubFault {
    HubFault(
      .configuration, "configuration.refused", "\(words): \(fault.message)", told: "\(words): \(fault.logged)",
      hint: mend)
  }

  private static func text(_ path: String) throws(SettingsFault) -> [UInt8] {
    do throws(FileError) {
      guard let text = try StateFile.read(path, maximumBytes: largest) else { throw FileError("open", path, ENOENT) }
      return text
    } catch {
      throw SettingsFault("\(path): cannot be read: \(error)")
    }
  }
}

/// A configuration's file that is good.
struct ConfigurationText {
  var path: String
  var text: [UInt8]
  var configuration: Configuration
  /// Of the hub and its devices.
  var zones: [String: TimeZoneRules] = [:]
  /// The machine's zone could not be told, and nothing else sets one.
  var zoneProblem: String?

  /// - Parameter paired: the names of the devices that do not stand in it; nil where nobody knows them. Asked only when a name is
  /// no device's of the configuration.
  init(
    _ text: [UInt8], path: String, _ strictness: Strictness, paired: () -> Set<String>? = { nil }
  ) throws(SettingsFault) {
    self.path = path
    self.text = text
    do throws(JSONError) {
      configuration = try ConfigurationFile.read(text, strictness)
      let top = try ConfigurationText.node(text)
      var newer = NewerRules(strictness)
      try DeviceChecks.ports(configuration, top, &newer)
      _ = try DeviceChecks.silentAfter(configuration, paired, top, &newer)
      configuration.warnings += newer.warnings
    } catch {
      // A value or a key may be a name or a secret that somebody typed in the wrong place.
      throw SettingsFault(
        plan: error.description(file: path), logged: error.withoutValue(file: path, OwnWords(text)))
    }
    if configuration.zoneOrigin == .unknown { takeSystemZone() }
    // Beside this file, wherever that is: whoever erases a patient removes the plan there.
    configuration.plans =
      configuration.plans ?? ConfigurationText.absolute(ConfigurationText.folder(of: path)) + "/plans"
    for name in [configuration.timeZone] + configuration.devices.compactMap(\.timeZone) where zones[name] == nil {
      do throws(SettingsFault) {
        zones[name] = try ZoneFile.read(name)
      } catch {
        throw ZoneFile.placed(error, name, text, path, logged: path)
      }
    }
  }

  /// Without `hub.timezone` the hub is in the zone that the machine is set to. A change of that counts from the next reading of the
  /// configuration on.
  private mutating func takeSystemZone() {
    let system = SystemZone()
    configuration.timeZone = system.name
    if let file = system.file { configuration.zoneOrigin = .system(file: file) }
    zoneProblem = system.problem
  }

  /// What is told of the zone while the machine's cannot be read.
  var zoneFault: HubFault? {
    guard let zoneProblem else { return nil }
    return HubFault(
      .configuration, "timezone.unknown",
      "hub.timezone is not set, and \(zoneProblem): \(configuration.timeZone) counts",
      hint: "write the home's zone into \(path), such as \(ZoneAdvice.line("Europe/Oslo")), then hearthctl reload",
      isWarning: true)
  }

  static func node(_ text: [UInt8]) throws(JSONError) -> JSONNode {
    try JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text)
  }

  /// What an earlier version took although it does not work.
  var runFaults: [HubFault] {
    guard let top = try? ConfigurationText.node(text) else { return [] }
    return RunChecks.all(configuration, top).compactMap { $0.fault(file: path, OwnWords(text)) }
  }

  /// What a check finds beside the text, a line each.
  var findings: [String] {
    guard let top = try? ConfigurationText.node(text) else { return [] }
    return ConfigurationLoader.beside(configuration, top).filter { $0.kind != .unchecked }.map {
      $0.description(file: path)
    }
  }

  /// What does not keep it from being in force.
  func log() {
    let own = OwnWords(text)
    for warning in configuration.warnings {
      let words = warning.error.withoutValue(file: path, own)
      SystemLog.write(4, "\(warning.code): \(words); it stays in force")
    }
    if let top = try? ConfigurationText.node(text) {
      for finding in RunChecks.all(configuration, top) {
        let code = finding.code ?? "device.unusable"
        let words = finding.node.error(code, finding.message).withoutValue(file: path, own)
        SystemLog.write(4, "\(code): \(words)")
      }
    }
    if let zoneFault { SystemLog.write(4, "\(zoneFault.code): \(zoneFault.message)") }
  }

  /// A path that means the same in every working directory.
  private static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path.isEmpty ? "/" : path }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  var planFolder: String { configuration.plans ?? ConfigurationText.folder(of: path) + "/plans" }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
  }
}
