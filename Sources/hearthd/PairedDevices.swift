// The devices that technicians brought in stand in the journal and not in the configuration. A check reads them there, beside a
// daemon that may be running: nothing is locked or written.

import Glibc
import Journal
import JournalFiles
import Ledger
import Settings

enum PairedDevices {
  /// All of them; none where there is no journal yet, nil where it may not be read.
  static func all(_ state: String) -> [DeviceConfiguration]? {
    var ledger = LedgerState()
    do throws(DiskError) {
      let found = try JournalInspection.look(at: ReadOnlyJournalDisk(directory: "\(state)/journal")) {
        _ = ledger.restore($0)
      }
      guard found.segments.allSatisfy({ $0.errno == 0 }) else { return nil }
    } catch {
      return error.errno == ENOENT ? [] : nil
    }
    return ledger.register.devices
  }
}
