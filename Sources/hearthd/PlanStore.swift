// Plans that were brought in over the control socket or that backends gave: one file a patient in the state directory. They stand
// beside those of the configuration; of two plans of a patient the higher version is in force.
//
// A plan on its way into force is PATIENT.json.staged. It replaces PATIENT.json when the record of who set it is on disk. Where the
// daemon ended between the two, the next start does it; one without its record is removed.

import GatewayCore
import Glibc
import JSON
import Ledger
import Monitoring
import Platform
import Settings

enum PlanStore {
  private static let suffix = ".staged"

  static func folder(_ state: String) -> String { "\(state)/plans" }

  private static func path(_ patient: String, _ state: String) -> String { "\(folder(state))/\(patient).json" }

  /// Writes a plan beside the one in force.
  static func stage(_ octets: [UInt8], of patient: String, _ state: String) throws(FileError) {
    try Directory.make(folder(state))
    try StateFile.write(octets, to: path(patient, state) + suffix)
  }

  /// A staged plan replaces the one in force. It needs no sync: the next start would do it again.
  static func adopt(_ patient: String, _ state: String) throws(FileError) {
    try Directory.rename(path(patient, state) + suffix, to: path(patient, state))
  }

  /// Adopts staged plans whose records are on disk, of a daemon that ended in between. Others are removed: nobody was told of them.
  /// - Returns: what came into force.
  static func settle(_ origins: PlanOrigins, _ state: String) -> [Plan] {
    var adopted: [Plan] = []
    for entry in (try? Directory.list(folder(state))) ?? [] where entry.isRegular && entry.name.hasSuffix(suffix) {
      let patient = String(entry.name.dropLast(".json\(suffix)".utf8.count))
      do throws(FileError) {
        let old = plan(path(patient, state), patient)
        if let staged = plan(path(patient, state) + suffix, patient),
          staged.version == origins.plans[patient]?.version, staged.version > old?.version ?? -1
        {
          try adopt(patient, state)
          adopted.append(staged)
        } else {
          try Shredder.remove("\(folder(state))/\(entry.name)")
        }
      } catch {
        SystemLog.write(
          3, "plan.staged: a plan that was set is not in force yet: \(error.reason); a reload tries again")
      }
    }
    return adopted
  }

  private static func plan(_ path: String, _ patient: String) -> Plan? {
    guard let octets = try? StateFile.read(path) else { return nil }
    return try? PlanFile.read(octets, patient: patient, .lenient).0
  }

  /// An erased patient's plans go, and what could not be read and may be one; gives what went wrong.
  static func remove(_ patient: String, state: String) -> String? {
    var fault: String?
    // An end in the middle of a write leaves its temporary file.
    for suffix in ["", ".new", suffix, "\(suffix).new"] {
      let path = path(patient, state) + suffix
      do throws(FileError) {
        if access(path, F_OK) == 0 { try Shredder.remove(path) }
      } catch {
        fault = error.reason
      }
    }
    let others = [
      LastGood.forget(patient, state), SetAside.shred(in: state), SetAside.shred(in: folder(state)),
    ]
    return fault ?? others.compactMap(\.self).first
  }
}
