// Reading the configuration, the patients' plans and the zones that they name from disk. All of it is good, or none is taken.

import GatewayCore
import JSON
import Monitoring
import Octets
import Platform
import Settings
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
      var zones: [String: TimeZoneRules] = [:]
      for name in [configuration.timeZone] + configuration.devices.compactMap(\.timeZone) where zones[name] == nil {
        do throws(Fault) { zones[name] = try zone(name) } catch { throw placed(error, name, text, path) }
      }
      for plan in plans.values.sorted(by: { $0.patient < $1.patient }) {
        guard let name = plan.timeZone, zones[name] == nil else { continue }
        do throws(Fault) {
          zones[name] = try zone(name)
        } catch {
          let folders = [configuration.plans ?? folder(of: path) + "/plans", PlanStore.folder(state)]
          throw PlanStore.file(of: plan, in: folders).map { placed(error, name, $0.text, $0.path) } ?? error
        }
      }
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

  /// The fault of a zone with the place where the text of a configuration or of a plan first names it. The readers of
  /// both know only how a zone's name looks; which ones there are is the disk's to say.
  private static func placed(_ fault: Fault, _ name: String, _ text: [UInt8], _ file: String) -> Fault {
    guard let top = try? JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text),
      let members = try? JSONMembers(top)
    else { return fault }
    let owners = [members["hub"]].compactMap(\.self) + ((try? members["devices"]?.array()) ?? [])
    let nodes = [members["timezone"]] + owners.map { owner in (try? JSONMembers(owner))?["timezone"] }
    guard let node = nodes.compactMap(\.self).first(where: { $0.content == .string(name) }) else { return fault }
    return Fault(message: node.error("invalid-value", fault.message).description(file: file))
  }

  static func zone(_ name: String) throws(Fault) -> TimeZoneRules {
    if name == "UTC" { return .utc }
    let path = "/usr/share/zoneinfo/\(name)"
    guard let octets = SmallFile.read(path, atMost: 1 << 18) else {
      throw Fault(
        message: "expected a time zone that exists, such as \"Europe/Oslo\", found \"\(name)\": "
          + "\(path) cannot be read; is the package tzdata installed?")
    }
    do {
      return try TimeZoneRules(tzif: octets)
    } catch {
      throw Fault(message: "time zone \(name): \(path): \(error.message)")
    }
  }
}
