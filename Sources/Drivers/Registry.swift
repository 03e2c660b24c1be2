// Every device family that Hearth knows, in one list; the README's table, the udev rules and `hearthctl drivers` come from it.

public import Octets
internal import Readings

/// The registry of all drivers.
public enum Registry {
  /// All profiles, in the order of the README's table. Those for one model stand before the generic one of their profile.
  public static let profiles: [DeviceProfile] = [
    BloodPressureProfile.andUA651,
    BloodPressureProfile.beurerBM85,
    BloodPressureProfile.generic,
    WeightProfile.andUC352,
    WeightProfile.beurerBF720,
    WeightProfile.generic,
    PulseOximeterProfile.generic,
    ThermometerProfile.andUT201,
    ThermometerProfile.generic,
    GlucoseProfile.generic,
    HeartRateProfile.generic,
    TaiDocDriver.ble,
    MiScaleDriver.scale1,
    MiScaleDriver.scale2,
    ContecV7Driver.profile,
    FiveOctetDriver.contecV5,
    FiveOctetDriver.bci,
    TextScaleDriver.and,
    TextScaleDriver.cas,
    TaiDocDriver.cable,
  ]

  /// The profile of an id.
  public static func profile(id: String) -> DeviceProfile? { profiles.first { $0.id == id } }

  /// The profile of a BLE device by what it advertises: a name counts more than service data, service data more than services.
  public static func claim(name: String?, services: [BluetoothUUID], serviceData: [BluetoothUUID]) -> DeviceProfile? {
    func first(_ matches: (RecognitionSign) -> Bool) -> DeviceProfile? {
      profiles.first { $0.recognition.contains(where: matches) }
    }
    let byName = first { sign in
      if case .namePrefix(let prefix) = sign, let name { return name.hasPrefix(prefix) }
      return false
    }
    let byData = first { sign in
      if case .serviceData(let uuid) = sign { return serviceData.contains(uuid) }
      return false
    }
    let byService = first { sign in
      if case .service(let uuid) = sign { return services.contains(uuid) }
      return false
    }
    return byName ?? byData ?? byService
  }

  /// The udev rules for the cables of the registry: access for the daemon's group, no modem probing, no suspend.
  public static func udevRules() -> String {
    func hex(_ value: UInt16) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: 4 - text.utf8.count) + text
    }
    var pairs: [(UInt16, UInt16, [String])] = []
    for profile in profiles {
      for case .usb(let vendor, let product) in profile.recognition {
        if let index = pairs.firstIndex(where: { $0.0 == vendor && $0.1 == product }) {
          pairs[index].2.append(profile.id)
        } else {
          pairs.append((vendor, product, [profile.id]))
        }
      }
    }
    var lines = [
      "# Serial cables of the devices that Hearth knows. Made from the registry of drivers; a test compares them.",
      "# The group hearth may open the port; ModemManager leaves it alone; the cable is not suspended.",
      "ACTION==\"remove\", GOTO=\"hearth_end\"", "SUBSYSTEM!=\"tty\", GOTO=\"hearth_end\"",
    ]
    for (vendor, product, ids) in pairs.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
      lines.append("# \(ids.joined(separator: ", "))")
      let match = "ATTRS{idVendor}==\"\(hex(vendor))\", ATTRS{idProduct}==\"\(hex(product))\""
      lines.append(
        "\(match), GROUP=\"hearth\", MODE=\"0660\", ENV{ID_MM_DEVICE_IGNORE}=\"1\", ENV{ID_MM_PORT_IGNORE}=\"1\", TAG+=\"hearth\""
      )
    }
    lines.append("LABEL=\"hearth_end\"")
    return lines.joined(separator: "\n") + "\n"
  }

  /// The README's table of supported devices, in Markdown.
  public static func markdownTable() -> String {
    var lines = [
      "| Driver | Devices | Transport | Readings | Checked against |", "| --- | --- | --- | --- | --- |",
    ]
    for profile in profiles {
      let transport =
        switch profile.transport {
        case .gatt: "BLE"
        case .advertisement: "BLE advertisements"
        case .serial(let settings): "serial \(settings.first?.text ?? "")"
        }
      let names = ([profile.manufacturer].compactMap { $0 } + [profile.names.joined(separator: ", ")]).joined(
        separator: ": ")
      let check = profile.verification == .captured ? "recorded octets" : "specification only, unverified on hardware"
      lines.append(
        "| `\(profile.id)` | \(names) | \(transport) | \(profile.kinds.map(\.rawValue).joined(separator: ", ")) | \(check) |"
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
