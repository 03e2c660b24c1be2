// Reading the configuration, the patients' plans and the zones that they name from disk. All of it is good, or none is taken.

import GatewayCore
import JSON
import Monitoring
import Octets
import Platform
import Zones

/// A configuration with everything that it names.
struct LoadedConfiguration: Sendable {
  var configuration: Configuration
  var zones: [String: TimeZoneRules]
  var plans: [String: Plan]
}

enum ConfigurationLoader {
  struct Fault: Error { var message: String }

  /// Reads everything; the plans of the state directory too.
  static func load(_ path: String, state: String) -> Result<LoadedConfiguration, Fault> {
    guard let text = SmallFile.read(path, atMost: 1 << 20) else {
      return .failure(Fault(message: "\(path): cannot be read: \(SystemError.last("open", path: path).message)"))
    }
    do {
      let configuration = try ConfigurationFile.read(text)
      let plans = try PlanStore.read(configuration.plans ?? folder(of: path) + "/plans")
        .merging(PlanStore.read(PlanStore.folder(state), passes: true)) { $0.version >= $1.version ? $0 : $1 }
      var names = Set([configuration.timeZone] + configuration.devices.compactMap(\.timeZone))
      names.formUnion(plans.values.compactMap(\.timeZone))
      var zones: [String: TimeZoneRules] = [:]
      for name in names { zones[name] = try zone(name) }
      return .success(LoadedConfiguration(configuration: configuration, zones: zones, plans: plans))
    } catch let error as JSONError {
      return .failure(Fault(message: error.description(file: path)))
    } catch let fault as Fault {
      return .failure(fault)
    } catch {
      return .failure(Fault(message: "\(path): \(error)"))
    }
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
  }

  static func zone(_ name: String) throws -> TimeZoneRules {
    if name == "UTC" { return .utc }
    let path = "/usr/share/zoneinfo/\(name)"
    guard let octets = SmallFile.read(path, atMost: 1 << 18) else {
      throw Fault(message: "time zone \(name): \(path) cannot be read; is the package tzdata installed?")
    }
    do {
      return try TimeZoneRules(tzif: octets)
    } catch {
      throw Fault(message: "time zone \(name): \(path): \(error.message)")
    }
  }
}
