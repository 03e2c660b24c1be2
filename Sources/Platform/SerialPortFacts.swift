// What udev knows of a serial port that is plugged in over USB (udev(7); 60-serial.rules, usb_id and path_id of Debian 12).

/// A serial port with a USB parent.
package struct SerialPortFacts: Sendable, Hashable {
  /// The device node, such as `/dev/ttyUSB0`. It may be another after the next plugging in.
  package var node: String
  /// Other names of the node that udev made, such as those under `/dev/serial/by-path`.
  package var links: [String]
  /// Where it is plugged in: host controller, hub sockets, interface and port of the adapter. The same after each plugging in,
  /// and nothing else has it at the same time.
  package var path: String
  /// USB vendor id.
  package var vendor: UInt16
  /// USB product id.
  package var product: UInt16
  /// The adapter's USB serial number; many adapters have none, or the same as all others of their kind.
  package var serial: String?
  /// The USB interface number.
  package var interface: UInt8?
  /// The maker's name, as the adapter tells it.
  package var manufacturer: String?
  /// The product's name, as the adapter tells it.
  package var model: String?
  /// The kernel's driver, such as `ftdi_sio`.
  package var driver: String?

  /// A port at a place.
  package init(node: String, path: String, vendor: UInt16, product: UInt16) {
    self.node = node
    self.path = path
    self.vendor = vendor
    self.product = product
    links = []
  }
}
