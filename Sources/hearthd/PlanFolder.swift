// The plans in a folder, one file a patient. A file that is no plan takes no other with it: whoever reads the folder decides.

import Readings
import GatewayCore
import Glibc
import JSON
import Monitoring
import Platform
import Settings

/// What was found in a folder of plans.
struct PlanFolder {
  /// A plan with the file that it was read from.
  struct Found: Sendable {
    var plan: Plan
    var path: String
    var text: [UInt8]
    var warnings: [SettingsWarning]
  }

  /// A file that is no plan.
  struct Refused {
    /// The patient by the file's name.
    var patient: String
    var path: String
    var fault: SettingsFault
  }

  /// The largest file that is read, in octets; what a plan may have is less.
  private static let largest = 1 << 20
  /// The most plans of one hub.
  private static let most = 256

  /// By patient.
  private(set) var plans: [String: Found] = [:]
  /// In the order of their names.
  private(set) var refused: [Refused] = []
  /// Why nothing is known of the folder: it is there and cannot be listed.
  private(set) var fault: SettingsFault?

  /// Nothing.
  init() {}

  /// Reads a folder; one that is not there is empty.
  init(_ folder: String, _ strictness: Strictness) {
    var names: [String] = []
    do throws(FileError) {
      names = try Directory.list(folder).map(\.name).filter { $0.hasSuffix(".json") }.sorted()
    } catch {
      if error.errno != ENOENT { fault = SettingsFault("\(folder): cannot be read: \(error)") }
    }
    if names.count > PlanFolder.most, strictness == .strict {
      fault = SettingsFault("\(folder): expected at most \(PlanFolder.most) plans, found \(names.count)")
    }
    for name in names {
      let path = "\(folder)/\(name)"
      let patient = String(name.dropLast(".json".utf8.count))
      do throws(SettingsFault) {
        plans[patient] = try PlanFolder.read(path, patient, strictness)
      } catch {
        refused.append(Refused(patient: patient, path: path, fault: error))
      }
    }
  }

  private static func read(
    _ path: String, _ patient: String, _ strictness: Strictness
  ) throws(SettingsFault) -> Found {
    let text: [UInt8]
    do throws(FileError) {
      guard let octets = try StateFile.read(path, maximumBytes: largest) else { throw FileError("open", path, ENOENT) }
      text = octets
    } catch {
      throw SettingsFault(
        plan: "\(path): cannot be read: \(error)", logged: "a plan cannot be read: \(error.reason)")
    }
    do throws(JSONError) {
      let (plan, warnings) = try PlanFile.read(text, patient: patient, strictness)
      return Found(plan: plan, path: path, text: text, warnings: warnings)
    } catch {
      throw SettingsFault(plan: path, error)
    }
  }

  /// All that is wrong with a folder's plans, a line each: of each file every fault that can be told beside the others.
  static func faults(_ folder: String) -> [String] {
    let read = PlanFolder(folder, .strict)
    var lines = [read.fault?.message].compactMap(\.self)
    for refused in read.refused {
      let text = (try? StateFile.read(refused.path, maximumBytes: largest)) ?? []
      var all = text.isEmpty ? [] : faults(text, refused.path)
      if !all.contains(refused.fault.message) { all.insert(refused.fault.message, at: 0) }
      // The name of the file is the reference, and that one is repeated nowhere.
      let isNumber = PatientReference.isNationalIdentityNumber(refused.patient)
      lines += isNumber ? all.map { $0.replacing(refused.patient, with: "PATIENT") } : all
    }
    for found in read.plans.values.sorted(by: { $0.path < $1.path }) { lines += faults(found.text, found.path) }
    return lines
  }

  private static func faults(_ text: [UInt8], _ path: String) -> [String] {
    PlanFile.faults(text, zoneFault: ZoneFile.fault).map { $0.description(file: path) }
  }

  /// The first of what is wrong.
  var firstFault: SettingsFault? { fault ?? refused.first?.fault }

  /// What a reload refused is not taken by the next start either, as long as the file is the same.
  /// - Parameter digests: of the files that were refused.
  /// - Returns: the digests of those that are still there.
  mutating func refuse(_ digests: Set<String>) -> Set<String> {
    var found: Set<String> = []
    guard !digests.isEmpty else { return found }
    for (patient, plan) in plans where digests.contains(LastGood.digest(plan.text)) {
      do throws(JSONError) {
        _ = try PlanFile.read(plan.text, patient: patient, .strict)
      } catch {
        found.insert(LastGood.digest(plan.text))
        plans[patient] = nil
        refused.append(Refused(patient: patient, path: plan.path, fault: SettingsFault(plan: plan.path, error)))
      }
    }
    refused.sort { $0.path < $1.path }
    return found
  }

  /// The digests of the files that are refused.
  var refusedDigests: Set<String> {
    Set(
      refused.compactMap {
        (try? StateFile.read($0.path, maximumBytes: PlanFolder.largest)).map { LastGood.digest($0) }
      })
  }
}
