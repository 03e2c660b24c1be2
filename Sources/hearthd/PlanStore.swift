// Plans that were brought in over the control socket or that backends gave: one file a patient in the state directory. They stand
// beside those of the configuration; of two plans of a patient the higher version is in force.

import GatewayCore
import Platform

enum PlanStore {
  static func folder(_ state: String) -> String { "\(state)/plans" }

  /// Writes the plan of a patient over the one before it.
  static func write(_ octets: [UInt8], of patient: String, _ state: String) throws(FileError) {
    try Directory.make(folder(state))
    try StateFile.write(octets, to: "\(folder(state))/\(patient).json")
  }

  /// An erased patient's plans go, and what could not be read and may be one; gives what went wrong.
  static func remove(_ patient: String, state: String) -> String? {
    var fault: String?
    do throws(FileError) {
      let path = "\(folder(state))/\(patient).json"
      if try StateFile.read(path) != nil { try Shredder.remove(path) }
    } catch {
      fault = error.reason
    }
    let others = [
      LastGood.forget(patient, state), SetAside.shred(in: state), SetAside.shred(in: folder(state)),
    ]
    return fault ?? others.compactMap(\.self).first
  }
}
