// Which port is which device's. Vendor and product of an adapter say nothing of the device behind it, and the serial number of
// many adapters is that of all their kind: the place where it is plugged in counts first, a serial number only where it is
// unique, and what the device itself says last.

internal import Drivers
internal import Settings
internal import Ledger

/// A serial port that is plugged in over USB, as udev tells it.
package struct PortFacts: Sendable, Hashable {
  /// The device node, such as `/dev/ttyUSB0`; another one after the next plugging in, perhaps.
  package var node: String
  /// Other names of the node.
  package var links: [String] = []
  /// Where it is plugged in; the same after each plugging in and each start.
  package var path: String
  /// USB vendor id.
  package var vendor: UInt16
  /// USB product id.
  package var product: UInt16
  /// The adapter's USB serial number.
  package var serial: String?
  /// The adapter's maker, in its own words.
  package var manufacturer: String?
  /// The adapter, in its own words.
  package var model: String?
  /// The kernel's driver.
  package var driver: String?

  /// A port at a place.
  package init(node: String, path: String, vendor: UInt16, product: UInt16, serial: String? = nil) {
    self.node = node
    self.path = path
    self.vendor = vendor
    self.product = product
    self.serial = serial
  }

  /// True when a person or the configuration means this port by a name.
  func isNamed(_ name: String) -> Bool {
    node == name || path == name || links.contains(name) || node == "/dev/\(name)"
  }

  /// `FTDI FT232R` or `0403:6001`.
  var adapter: String {
    let words = [manufacturer, model].compactMap { $0 }.joined(separator: " ")
    return words.isEmpty ? "\(PortFacts.hex(vendor)):\(PortFacts.hex(product))" : words
  }

  static func hex(_ value: UInt16) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 4 - text.utf8.count) + text
  }
}

extension PortBinding {
  /// A port as it is now. Its serial number counts when no other port has it and it is none that whole batches have.
  init(_ facts: PortFacts, settings: SerialSettings?, isUnique: Bool) {
    self.init(path: facts.path, vendor: facts.vendor, product: facts.product, settings: settings)
    serial = isUnique ? facts.serial : nil
  }

  /// The same kind of adapter, and the same adapter as far as that can be told.
  func isAdapter(of facts: PortFacts) -> Bool {
    vendor == facts.vendor && product == facts.product && (serial == nil || serial == facts.serial)
  }

  /// Serial numbers that makers put into every adapter: `0001` of CP2102, zeros, counted digits.
  static func tellsApart(_ serial: String?) -> Bool {
    guard let serial, serial.utf8.count >= 4, Set(serial.utf8).count > 2 else { return false }
    let counted = "0123456789ABCDEF0123456789"
    return !(0..<16).contains { counted.dropFirst($0).hasPrefix(serial.uppercased()) }
  }
}

/// Finds the device of a port.
struct PortMatch: Sendable, Hashable {
  var device: String
  /// It is at another place than before.
  var isMoved: Bool

  /// The device whose port this is: at its place, else its adapter, found by a serial number that no other present port has.
  static func find(_ facts: PortFacts, bindings: [(device: String, binding: PortBinding)], present: [PortFacts])
    -> PortMatch?
  {
    if let there = bindings.first(where: { $0.binding.path == facts.path && $0.binding.isAdapter(of: facts) }) {
      return PortMatch(device: there.device, isMoved: false)
    }
    let moved = bindings.filter { $0.binding.serial != nil && $0.binding.isAdapter(of: facts) }
    guard moved.count == 1, let device = moved.first?.device, facts.isUnique(among: present) else { return nil }
    return PortMatch(device: device, isMoved: true)
  }
}

extension PortFacts {
  /// No other port of the same kind of adapter has its serial number.
  func isUnique(among present: [PortFacts]) -> Bool {
    PortBinding.tellsApart(serial)
      && !present.contains {
        $0.node != node && $0.vendor == vendor && $0.product == product && $0.serial == serial
      }
  }
}
