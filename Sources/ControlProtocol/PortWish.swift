// What a technician wants of a serial port.

/// Which port, and what is at it.
package struct PortWish: Sendable, Hashable {
  /// A node, one of its links, or where it is plugged in, as `serial.list` shows them.
  package var port: String
  /// A driver's id.
  package var driver: String
  /// The hub's name for the device; nil: made from the driver's. A known name is bound anew.
  package var id: String?
  /// Whose it is.
  package var patient: String?
  /// Which model it is, where the driver needs to know.
  package var model: String?

  package init(port: String, driver: String) {
    self.port = port
    self.driver = driver
  }
}
