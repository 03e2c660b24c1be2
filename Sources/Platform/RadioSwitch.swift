// The switches of radios (Documentation/ABI/stable/sysfs-class-rfkill of the kernel).

/// Reads radio switches.
package enum RadioSwitch {
  /// True when a Bluetooth radio is blocked, by a person, a program or its own switch.
  package static func isBluetoothBlocked() -> Bool {
    let folder = "/sys/class/rfkill"
    guard let entries = try? Directory.list(folder) else { return false }
    func text(_ name: String, _ file: String) -> String {
      let octets = SmallFile.read("\(folder)/\(name)/\(file)", atMost: 64) ?? []
      return String(decoding: octets.prefix { $0 != 0x0A }, as: UTF8.self)
    }
    return entries.contains { entry in
      text(entry.name, "type") == "bluetooth" && (text(entry.name, "soft") == "1" || text(entry.name, "hard") == "1")
    }
  }
}
