// The port of a device that a technician bound, or that was recognised: where it is plugged in, and by which adapter.

package import Drivers

/// The port of one device.
package struct PortBinding: Sendable, Hashable {
  /// Where it is plugged in.
  package var path: String
  /// USB vendor id.
  package var vendor: UInt16
  /// USB product id.
  package var product: UInt16
  /// The adapter's USB serial number, where no other adapter has it.
  package var serial: String?
  /// The line settings at which the device was recognised; nil: the driver's usual ones.
  package var settings: SerialSettings?

  /// A place and an adapter.
  package init(
    path: String, vendor: UInt16, product: UInt16, serial: String? = nil, settings: SerialSettings? = nil
  ) {
    self.path = path
    self.vendor = vendor
    self.product = product
    self.serial = serial
    self.settings = settings
  }
}
