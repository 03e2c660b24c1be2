// The port of a device that a technician bound, or that was recognised: where it is plugged in, and by which adapter.

public import Drivers

/// The port of one device.
public struct PortBinding: Sendable, Hashable {
  /// Where it is plugged in.
  public var path: String
  /// USB vendor id.
  public var vendor: UInt16
  /// USB product id.
  public var product: UInt16
  /// The adapter's USB serial number, where no other adapter has it.
  public var serial: String?
  /// The line settings at which the device was recognised; nil: the driver's usual ones.
  public var settings: SerialSettings?

  /// A place and an adapter.
  public init(
    path: String, vendor: UInt16, product: UInt16, serial: String? = nil, settings: SerialSettings? = nil
  ) {
    self.path = path
    self.vendor = vendor
    self.product = product
    self.serial = serial
    self.settings = settings
  }
}
