// What the hub knows of time when an event happens, stamped once per event by the shell.

/// The clocks of one event.
package struct Now: Sendable, Hashable {
  /// CLOCK_BOOTTIME in milliseconds: never steps, goes on in suspend. Deadlines and back-off stand on it.
  package var monotonic: Int64
  /// The wall clock in milliseconds since 1970.
  package var wall: Int64
  /// True when something keeps the wall clock right.
  package var isSynchronised: Bool
  /// The kernel's id of this boot.
  package var bootID: String

  /// The clocks of one event.
  package init(monotonic: Int64, wall: Int64, isSynchronised: Bool, bootID: String) {
    self.monotonic = monotonic
    self.wall = wall
    self.isSynchronised = isSynchronised
    self.bootID = bootID
  }
}
