// What the end of the daemon takes with it.

import ControlProtocol
import GatewayCore
import Platform

extension Daemon {
  /// What the disk refused to the last is lost with the process.
  func tellUnsaved() {
    let (readings, events) = gateway.unsaved
    guard readings + events > 0 else { return }
    SystemLog.write(
      3,
      "readings.unsaved: lost with the end of the daemon, because the disk took no records: \(Count.of(readings, "reading")) and \(Count.of(events, "event"))"
    )
  }
}
