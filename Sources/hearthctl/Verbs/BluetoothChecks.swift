// hearthctl doctor: what keeps Bluetooth from working, as sysfs, systemd and the kernel's name tell it.

import BluetoothManagement
import Glibc
import Platform

enum BluetoothChecks {
  static func all() -> [Check] { [adapter(), radio(), otherDaemon(), capability(), kernel()] }

  /// Where sysfs is mounted.
  private static let classes = (Environment.get("SYSFS_PATH") ?? "/sys") + "/class"

  private static func names(_ folder: String) -> [String]? {
    guard let entries = try? Directory.list(classes + "/" + folder) else { return nil }
    return entries.map(\.name).sorted()
  }

  private static func value(_ path: String) -> String? {
    guard let octets = SmallFile.read(classes + "/" + path, atMost: 4096) else { return nil }
    return String(decoding: octets, as: UTF8.self).trimmingSpaces
  }

  private static func adapter() -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "bluetooth-adapter", state: state, message: message, hint: hint)
    }
    guard let entries = names("bluetooth") else {
      return check(
        .warning, "the kernel has no Bluetooth",
        "only Bluetooth devices need it: plug in an adapter, or sudo modprobe bluetooth; a container has none")
    }
    // `hci0:64` is a connection.
    let adapters = entries.filter { $0.hasPrefix("hci") && !$0.contains(":") }
    guard !adapters.isEmpty else {
      return check(
        .warning, "there is no Bluetooth adapter",
        "only Bluetooth devices need it: plug in one of Bluetooth 4.2 or newer; if it is plugged in, lsusb and "
          + "journalctl -k -g Bluetooth tell whether its firmware is missing")
    }
    return check(.ok, "adapters: \(adapters.joined(separator: ", "))")
  }

  /// rfkill: `soft` is a program's block, `hard` a switch's (Documentation/ABI/stable/sysfs-class-rfkill of the kernel).
  private static func radio() -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "bluetooth-radio", state: state, message: message, hint: hint)
    }
    let radios = (names("rfkill") ?? []).filter { value("rfkill/\($0)/type") == "bluetooth" }
    if let radio = radios.first(where: { value("rfkill/\($0)/hard") == "1" }) {
      return check(
        .failed, "the Bluetooth radio is off by a switch (\(radio))",
        "the hub's radio switch or key, or its firmware's settings; rfkill list tells when it worked")
    }
    if let radio = radios.first(where: { value("rfkill/\($0)/soft") == "1" }) {
      return check(.failed, "the Bluetooth radio is blocked (\(radio))", "sudo rfkill unblock bluetooth")
    }
    return check(.ok, "nothing blocks the Bluetooth radio")
  }

  private static func otherDaemon() -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "bluetooth-owner", state: state, message: message, hint: hint)
    }
    let stop = "sudo systemctl disable --now bluetooth.service; Hearth speaks to the kernel itself"
    let unit = HelperProgram.properties(
      "bluetooth.service", ["LoadState", "ActiveState", "UnitFileState", "DropInPaths"])
    let process = OtherProgram.find("bluetoothd", unit: "bluetooth.service")
    if unit?["ActiveState"] == "active" || process != nil {
      let which = process.map { " (process \($0))" } ?? ""
      return check(.failed, "bluetoothd runs\(which): two programs cannot steer one adapter", stop)
    }
    // The package's own condition keeps it away, unless somebody put another file in its place.
    let isKeptAway = unit?["DropInPaths"]?.contains("/lib/systemd/system/bluetooth.service.d/hearth.conf") ?? false
    if unit?["LoadState"] == "loaded", unit?["UnitFileState"] == "enabled", !isKeptAway {
      return check(.warning, "bluetoothd does not run, but starts with the hub", stop)
    }
    return check(.ok, "no other program steers the adapter")
  }

  private static func capability() -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "bluetooth-capability", state: state, message: message, hint: hint)
    }
    let asked = ["LoadState", "User", "AmbientCapabilities", "CapabilityBoundingSet"]
    guard let unit = HelperProgram.properties("hearthd.service", asked), unit["LoadState"] == "loaded" else {
      return check(
        .unknown, "whether the daemon may steer Bluetooth cannot be told here",
        "it needs CAP_NET_ADMIN: its systemd unit gives it, or start it as root")
    }
    let right = "cap_net_admin"
    let isRoot = ["", "root", "0"].contains(unit["User"] ?? "")
    guard isRoot || unit["AmbientCapabilities"]?.contains(right) == true,
      unit["CapabilityBoundingSet"]?.contains(right) != false
    else {
      return check(
        .failed, "hearthd.service does not give the capability CAP_NET_ADMIN",
        "systemctl cat hearthd.service shows whether something overrides the package's unit: "
          + "AmbientCapabilities= and CapabilityBoundingSet= need it")
    }
    return check(.ok, "the daemon's unit gives it CAP_NET_ADMIN")
  }

  /// The management interface and what is fixed in LE of 4.18: older ones are not tried by anybody.
  private static func kernel() -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "bluetooth-kernel", state: state, message: message, hint: hint)
    }
    guard let names = RunningKernel.names else {
      return check(.unknown, "the kernel's version cannot be told", "uname -r; it takes 4.18 or newer")
    }
    let release = names.release
    let kernel = KernelRelease(release: release, build: names.build)
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    guard numbers.count == 2 else {
      return check(.unknown, "the kernel's version cannot be told", "uname -r; it takes 4.18 or newer")
    }
    guard numbers[0] > 4 || numbers[0] == 4 && numbers[1] >= 18 else {
      return check(
        .failed, "the kernel \(release) is too old for Bluetooth LE as Hearth uses it",
        "it takes 4.18 or newer: Debian 10 has 4.19")
    }
    if let advice = KernelAdvice(kernel) {
      return check(advice.isCertain ? .warning : .unknown, advice.message, advice.hint)
    }
    return check(.ok, "the kernel is new enough (\(kernel.text))")
  }
}
