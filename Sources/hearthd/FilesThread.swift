// Small files that may take long to reach the disk, on a thread of their own: the thread that decides never waits for them.

import GatewayCore
import Platform
import Ledger
import Monitoring
import Settings
import Zones

/// What the thread of files tells.
enum FilesMessage: Sendable {
  case kept(KeysID)
  case failed(KeysID, String)
  /// Plans are staged, with the zones that they name; but for those with a fault, by patient.
  case staged([String: TimeZoneRules], faults: [String: StagingFault])
  /// What is kept for a start that finds the files broken was written; with what went wrong.
  case lastGood(Int, fault: String?)
  /// An erased patient's files are gone; with what went wrong.
  case removed(patient: String, fault: String?)
}

final class FilesThread {
  let mailbox: Mailbox<FilesMessage>
  private let worker: WorkerThread<Void>
  private let directory: String

  init(_ directory: String) throws(SystemError) {
    self.directory = directory
    mailbox = try Mailbox()
    worker = try WorkerThread(())
  }

  /// Where the keys of devices are, mode 0600.
  static func keys(_ directory: String) -> String { "\(directory)/keys.json" }

  /// Writes the file of keys.
  func keep(_ id: KeysID, _ octets: [UInt8]) {
    worker.run { [mailbox, directory] _ in
      do throws(FileError) {
        try StateFile.write(octets, to: FilesThread.keys(directory))
        mailbox.post(.kept(id))
      } catch {
        mailbox.post(.failed(id, "\(error)"))
      }
    }
  }

  /// Writes plans beside those in force.
  func stage(_ plans: [PulledPlan]) {
    worker.run { [mailbox, directory] _ in
      var zones: [String: TimeZoneRules] = [:]
      var faults: [String: StagingFault] = [:]
      for pulled in plans {
        do throws(SettingsFault) {
          if let name = pulled.plan.timeZone, zones[name] == nil { zones[name] = try ZoneFile.read(name) }
        } catch {
          let fault = ZoneFile.placed(error, pulled.plan.timeZone ?? "", pulled.octets, "plan", logged: "a plan")
          faults[pulled.plan.patient] = StagingFault(message: fault.message, logged: fault.logged, isDisk: false)
          continue
        }
        do throws(FileError) {
          try PlanStore.stage(pulled.octets, of: pulled.plan.patient, directory)
        } catch {
          let words = "the disk of the hub does not take it: \(error.reason)"
          faults[pulled.plan.patient] = StagingFault(message: words, logged: words, isDisk: true)
        }
      }
      mailbox.post(.staged(zones, faults: faults))
    }
  }

  /// What was accepted is kept for a start that finds the files broken.
  func keep(_ keeping: LastGood.Keeping, number: Int) {
    worker.run { [mailbox, directory] _ in
      mailbox.post(.lastGood(number, fault: LastGood.keep(keeping, directory)))
    }
  }

  /// An erased patient's plans go, and what could not be read and may name the patient.
  func remove(_ patient: String) {
    worker.run { [mailbox, directory] _ in
      mailbox.post(.removed(patient: patient, fault: PlanStore.remove(patient, state: directory)))
    }
  }

  /// Old state files hold what was erased or unpaired.
  func shredImported() {
    worker.run { [directory] _ in StateMigration.shred(directory) }
  }

  /// The records are on disk.
  func finishImport() {
    worker.run { [directory] _ in StateMigration.finish(directory) }
  }

  /// Finishes everything that was handed over.
  func stop() { worker.stop() }
}
