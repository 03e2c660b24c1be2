// Serial ports that come and go: libudev's enumeration at the start, then its monitor on the loop (libudev(3)). The monitor is
// of udev, not of the kernel: when it tells, the node has its group and its links.

internal import CUdev
internal import Glibc

/// Tells which serial ports are plugged in over USB.
package final class PortMonitor {
  /// What happened.
  package enum Change: Sendable, Hashable {
    case added(SerialPortFacts)
    /// The node is gone.
    case removed(node: String)
  }

  private let loop: EventLoop
  private let udev: OpaquePointer
  private let monitor: OpaquePointer
  private let tell: (Change) -> Void
  private var present: [String: SerialPortFacts] = [:]

  /// Watches from now on; `start` tells what is there already. Throws when the kernel refuses the socket (AF_NETLINK).
  package init(_ loop: EventLoop, tell: @escaping (Change) -> Void) throws(SystemError) {
    guard let udev = udev_new() else { throw .last("use udev") }
    guard let monitor = udev_monitor_new_from_netlink(udev, "udev"),
      udev_monitor_filter_add_match_subsystem_devtype(monitor, "tty", nil) >= 0,
      udev_monitor_enable_receiving(monitor) >= 0
    else {
      let error = SystemError.last("watch udev")
      udev_unref(udev)
      throw error
    }
    self.loop = loop
    self.tell = tell
    self.udev = udev
    self.monitor = monitor
  }

  deinit {
    udev_monitor_unref(monitor)
    udev_unref(udev)
  }

  /// Tells every port that is there, and from now on what comes and goes.
  package func start() {
    // The monitor listens already: what comes meanwhile is not missed, and not told twice.
    list()
    loop.watch(udev_monitor_get_fd(monitor), .read) { [unowned self] _ in receive() }
  }

  /// Watches no more.
  package func stop() { loop.forget(udev_monitor_get_fd(monitor)) }

  private func receive() {
    while true {
      errno = 0
      guard let device = udev_monitor_receive_device(monitor) else {
        // Too many at once: some were dropped, so that everything is looked at anew.
        if errno == ENOBUFS { list() } else { return }
        continue
      }
      defer { udev_device_unref(device) }
      let action = udev_device_get_action(device).map { String(cString: $0) }
      if action == "remove" {
        guard let node = udev_device_get_devnode(device) else { continue }
        remove(String(cString: node))
      } else if let facts = SerialPortFacts(device) {
        add(facts)
      }
    }
  }

  private func add(_ facts: SerialPortFacts) {
    // `change` and `bind` events repeat what is known.
    guard present[facts.node] != facts else { return }
    if let before = present[facts.node], before.path != facts.path { remove(facts.node) }
    present[facts.node] = facts
    tell(.added(facts))
  }

  private func remove(_ node: String) {
    if present.removeValue(forKey: node) != nil { tell(.removed(node: node)) }
  }

  private func list() {
    guard let enumeration = udev_enumerate_new(udev) else { return }
    defer { udev_enumerate_unref(enumeration) }
    // One that udev has not finished with is told by the monitor.
    guard udev_enumerate_add_match_subsystem(enumeration, "tty") >= 0,
      udev_enumerate_add_match_is_initialized(enumeration) >= 0, udev_enumerate_scan_devices(enumeration) >= 0
    else { return }
    var found: [SerialPortFacts] = []
    var entry = udev_enumerate_get_list_entry(enumeration)
    while let item = entry {
      entry = udev_list_entry_get_next(item)
      guard let path = udev_list_entry_get_name(item), let device = udev_device_new_from_syspath(udev, path) else {
        continue
      }
      if let facts = SerialPortFacts(device) { found.append(facts) }
      udev_device_unref(device)
    }
    let nodes = Set(found.map(\.node))
    for node in present.keys.sorted() where !nodes.contains(node) { remove(node) }
    for facts in found.sorted(by: { $0.node < $1.node }) { add(facts) }
  }
}

extension SerialPortFacts {
  /// Nil for a terminal that is no USB port: a console, a pseudo terminal, a port of the mainboard.
  fileprivate init?(_ device: OpaquePointer) {
    func text(_ pointer: UnsafePointer<CChar>?) -> String? {
      // What an adapter says of itself is shown to people and written into files: bounded, without control characters.
      let text = pointer.map { String(cString: $0).unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F } }
      return text.map { String(String.UnicodeScalarView($0.prefix(128))) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    func property(_ name: String) -> String? { text(udev_device_get_property_value(device, name)) }
    guard let node = text(udev_device_get_devnode(device)),
      let usb = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device")
    else { return nil }
    func attribute(_ name: String) -> String? { text(udev_device_get_sysattr_value(usb, name)) }
    let interface = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_interface")
    let place = property("ID_PATH") ?? interface.flatMap { text(udev_device_get_sysname($0)) }
    guard let place,
      let vendor = (property("ID_VENDOR_ID") ?? attribute("idVendor")).flatMap({ UInt16($0, radix: 16) }),
      let product = (property("ID_MODEL_ID") ?? attribute("idProduct")).flatMap({ UInt16($0, radix: 16) })
    else { return nil }
    self.init(node: node, path: place, vendor: vendor, product: product)
    // An adapter with several ports behind one interface numbers them.
    let parent = udev_device_get_parent(device)
    if let number = parent.flatMap({ text(udev_device_get_sysattr_value($0, "port_number")) }), number != "0" {
      path += "-port\(number)"
    }
    serial = property("ID_SERIAL_SHORT") ?? attribute("serial")
    self.interface = property("ID_USB_INTERFACE_NUM").flatMap { UInt8($0, radix: 16) }
    manufacturer = property("ID_VENDOR") ?? attribute("manufacturer")
    model = property("ID_MODEL") ?? attribute("product")
    driver = property("ID_USB_DRIVER") ?? interface.flatMap { text(udev_device_get_driver($0)) }
    links = (udev_device_get_property_value(device, "DEVLINKS").map { String(cString: $0) } ?? "").split(separator: " ")
      .prefix(32).map(String.init).sorted()
  }
}
