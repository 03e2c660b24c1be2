// The devices that technicians brought in stand in the journal and not in the configuration. A check reads them there, beside a
// daemon that may be running: nothing is locked or written.

import Glibc
import Journal
import JournalFiles
import Ledger
import Settings

enum PairedDevices {
  /// What the journal knows beside the configuration.
  struct Known {
    var devices: [DeviceConfiguration] = []
    /// Whose slots there are, and of whom something was measured.
    var patients: Set<String> = []
    /// Backends of which something is known, and how much waits for each; those that the configuration lost before are left out.
    var waiting: [String: UInt64] = [:]
  }

  /// All of it; nothing where there is no journal yet, nil where it may not be read.
  static func all(_ state: String) -> Known? {
    var ledger = LedgerState()
    do throws(DiskError) {
      let found = try JournalInspection.look(at: ReadOnlyJournalDisk(directory: "\(state)/journal")) {
        _ = ledger.restore($0)
      }
      guard found.segments.allSatisfy({ $0.errno == 0 }) else { return nil }
    } catch {
      return error.errno == ENOENT ? Known() : nil
    }
    let devices = ledger.register.devices
    let owners = devices.flatMap { [$0.patient].compactMap(\.self) + $0.users.values }
    let waiting = ledger.gone(without: []).map { ($0, ledger.waiting($0)) }
    return Known(
      devices: devices, patients: Set(ledger.bindings.slots.values).union(ledger.history.keys).union(owners),
      waiting: Dictionary(uniqueKeysWithValues: waiting))
  }
}
