// Plans that were brought in over the control socket: one file a patient in the state directory. They stand beside those of the
// configuration, and plans that backends gave beside them; of two plans of a patient the higher version is in force.

import GatewayCore
import JSON
import Monitoring
import Platform
import Settings

enum PlanStore {
  static func folder(_ state: String) -> String { "\(state)/plans" }

  private static func path(_ patient: String, _ state: String) -> String { "\(folder(state))/\(patient).json" }

  /// The plans in a folder, by patient. A file that is no plan is told, and passed over when `passes`.
  static func read(_ folder: String, passes: Bool = false) throws -> [String: Plan] {
    var plans: [String: Plan] = [:]
    guard let names = try? Directory.list(folder) else { return [:] }
    for entry in names.map(\.name).sorted() where entry.hasSuffix(".json") {
      let path = "\(folder)/\(entry)"
      do {
        guard let text = SmallFile.read(path, atMost: 1 << 20) else {
          throw ConfigurationLoader.Fault(
            message: "\(path): cannot be read: \(SystemError.last("open", path: path).message)")
        }
        let plan: Plan
        do throws(JSONError) {
          plan = try PlanFile.read(text, patient: String(entry.dropLast(".json".count)))
        } catch {
          throw ConfigurationLoader.Fault(message: error.description(file: path))
        }
        plans[plan.patient] = plan
      } catch let fault as ConfigurationLoader.Fault {
        guard passes else { throw fault }
        SystemLog.write(3, "plan: \(fault.message); it is not in force")
      }
    }
    return plans
  }

  /// The file that a plan was read from, in one of some folders, with its text.
  static func file(of plan: Plan, in folders: [String]) -> (path: String, text: [UInt8])? {
    for folder in folders {
      let path = "\(folder)/\(plan.patient).json"
      guard let text = SmallFile.read(path, atMost: 1 << 20), let read = try? PlanFile.read(text),
        read.version == plan.version, read.timeZone == plan.timeZone
      else { continue }
      return (path, text)
    }
    return nil
  }

  /// The plan that came over the control socket goes with its patient; gives what went wrong.
  static func remove(_ patient: String, state: String) -> String? {
    do throws(FileError) {
      let path = path(patient, state)
      if try StateFile.read(path) != nil { try Shredder.remove(path) }
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Writes plans that a backend gave and reads everything again; gives what is in force then, nil when nothing is new, and what is
  /// wrong with each of them, by patient and in words without the patient. Old files come back when the whole is not good.
  static func keep(
    _ plans: [PulledPlan], state: String, load: () -> Result<LoadedConfiguration, ConfigurationLoader.Fault>
  ) -> (loaded: LoadedConfiguration?, faults: [String: String]) {
    var faults: [String: String] = [:]
    var written: [(patient: String, old: [UInt8]?)] = []
    for pulled in plans {
      let patient = pulled.plan.patient
      do {
        if let zone = pulled.plan.timeZone { _ = try ConfigurationLoader.zone(zone) }
        written.append((patient, try replace(pulled.octets, of: patient, state)))
      } catch let fault as ConfigurationLoader.Fault {
        faults[patient] = fault.message
      } catch let error as FileError {
        faults[patient] = "the disk of the hub does not take it (errno \(error.errno))"
      } catch {
        faults[patient] = "the hub cannot keep it"
      }
    }
    guard !written.isEmpty else { return (nil, faults) }
    switch load() {
    case .success(let loaded): return (loaded, faults)
    case .failure(let fault):
      SystemLog.write(3, "plans: not taken, the configuration on disk is not good: \(fault.message)")
      for (patient, old) in written {
        try? putBack(old, of: patient, state)
        faults[patient] = "the hub's configuration on disk is not good; hearthd --check tells why"
      }
      return (nil, faults)
    }
  }

  /// Writes a plan and reads everything again; gives what is in force then. The old plan's file comes back when that fails.
  static func keep(
    _ octets: [UInt8], patient: String, state: String,
    load: () -> Result<LoadedConfiguration, ConfigurationLoader.Fault>
  ) -> Result<LoadedConfiguration, ConfigurationLoader.Fault> {
    do throws(FileError) {
      let old = try replace(octets, of: patient, state)
      let result = load()
      if case .failure = result { try putBack(old, of: patient, state) }
      return result
    } catch {
      return .failure(ConfigurationLoader.Fault(message: "\(error)"))
    }
  }

  /// Writes the plan of a patient; gives the one before it.
  private static func replace(_ octets: [UInt8], of patient: String, _ state: String) throws(FileError) -> [UInt8]? {
    try Directory.make(folder(state))
    let old = try StateFile.read(path(patient, state))
    try StateFile.write(octets, to: path(patient, state))
    return old
  }

  private static func putBack(_ old: [UInt8]?, of patient: String, _ state: String) throws(FileError) {
    if let old {
      try StateFile.write(old, to: path(patient, state))
    } else {
      try Directory.remove(path(patient, state))
    }
  }
}
