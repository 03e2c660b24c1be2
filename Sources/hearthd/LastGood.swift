// The configuration and the plans that were accepted last, kept in the state directory: a start that finds a file broken goes on
// with them.

import JSON
import Platform

enum LastGood {
  /// A configuration that was accepted.
  struct Kept {
    /// Where it was read from.
    var path: String
    /// Its text.
    var text: [UInt8]
  }

  /// The texts of a configuration, and of the plans beside it, that were accepted together.
  struct Accepted: Sendable {
    var configuration: String
    var text: [UInt8]
    /// By patient; of the configuration's folder alone, the state directory holds the others already.
    var plans: [String: [UInt8]] = [:]
    /// Patients whose plan was refused: what is kept of theirs stays.
    var refusedPlans: Set<String> = []
  }

  static func plans(_ state: String) -> String { "\(state)/last-good-plans" }

  private static func file(_ state: String) -> String { "\(state)/last-good.json" }

  /// The last configuration that was accepted; nil when there is none, or it cannot be read.
  static func configuration(_ state: String) -> Kept? {
    guard let octets = try? StateFile.read(file(state)),
      let value = try? JSONReader(maximumSize: 8 << 20).value(octets),
      value["version"]?.int == 1, let path = value["path"]?.string, let text = value["configuration"]?.string
    else { return nil }
    return Kept(path: path, text: Array(text.utf8))
  }

  /// The plan of a patient that was accepted last from the configuration's folder.
  static func plan(_ patient: String, _ state: String) -> [UInt8]? {
    try? StateFile.read("\(plans(state))/\(patient).json")
  }

  /// Keeps what was accepted. A disk that refuses is told, and nothing else comes of it.
  static func keep(_ accepted: Accepted, _ state: String) {
    do throws(FileError) {
      let kept = configuration(state)
      if kept?.path != accepted.configuration || kept?.text != accepted.text {
        let value: JSONValue = [
          "version": 1, "path": .string(accepted.configuration),
          "configuration": .string(String(decoding: accepted.text, as: UTF8.self)),
        ]
        // It may hold patients and the paths of secrets that the new one has no more.
        try Shredder.replace(file(state), by: value.encoded())
      }
      try keepPlans(accepted, state)
    } catch {
      SystemLog.write(
        4, "configuration.not-kept: the last good one is not kept for the next start: \(error.reason)")
    }
  }

  private static func keepPlans(_ accepted: Accepted, _ state: String) throws(FileError) {
    let folder = plans(state)
    try Directory.make(folder)
    for (patient, text) in accepted.plans.sorted(by: { $0.key < $1.key }) where plan(patient, state) != text {
      try Shredder.replace("\(folder)/\(patient).json", by: text)
    }
    for entry in try Directory.list(folder) where entry.isRegular {
      let patient = entry.name.hasSuffix(".json") ? String(entry.name.dropLast(".json".utf8.count)) : ""
      guard accepted.plans[patient] == nil, !accepted.refusedPlans.contains(patient) else { continue }
      try Shredder.remove("\(folder)/\(entry.name)")
    }
  }

  /// A patient's plan goes with the patient; gives what went wrong.
  static func forget(_ patient: String, _ state: String) -> String? {
    do throws(FileError) {
      let path = "\(plans(state))/\(patient).json"
      // An end in between leaves the octets that a newer plan replaced.
      for path in [path, "\(path).old", "\(file(state)).old"] where try StateFile.read(path) != nil {
        try Shredder.remove(path)
      }
      return nil
    } catch {
      return error.reason
    }
  }
}
