// What a technician wants of a serial port.

/// Which port, and what is at it.
public struct PortWish: Sendable, Hashable {
  /// A node, one of its links, or where it is plugged in, as `serial.list` shows them.
  public var port: String
  /// A driver's id.
  public var driver: String
  /// The hub's name for the device; nil: made from the driver's. A known name is bound anew.
  public var id: String?
  /// Whose it is.
  public var patient: String?

  /// A port and a driver.
  public init(port: String, driver: String) {
    self.port = port
    self.driver = driver
  }
}
