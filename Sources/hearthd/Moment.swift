// What the clocks show.

import Ledger
import Platform

extension Now {
  /// Reads the clocks. The demonstration takes the machine's clock for right.
  init(bootID: String, isDemo: Bool) {
    self.init(
      monotonic: Clocks.monotonic(), wall: Clocks.wall(), isSynchronised: Clocks.isSynchronised() || isDemo,
      bootID: bootID)
  }
}
