// Every device family that Hearth knows, in one list; the README's table, the udev rules and `hearthctl drivers` come from it.

package import Octets
internal import Readings

/// The registry of all drivers.
package enum Registry {
  /// All profiles, in the order of the README's table. Those for one model stand before the generic one of their profile.
  package static let profiles: [DeviceProfile] = wireless + SerialFamily.all.map(\.profile)

  /// Those that are spoken to over the air.
  private static let wireless: [DeviceProfile] =
    [
      AAndD.ua651,
      Beurer.bm85,
      Beurer.cuffs,
      OmronDriver.standard,
      OmronDriver.profile,
      MicrolifeDriver.profile,
      YonkerDriver.profile,
      TranstekDriver.cuff,
      FDFDCuffDriver.profile,
      AirBPDriver.profile,
      BP2WDriver.profile,
      JamrDriver.profile,
      AndesfitDriver.profile,
      PulseWaveDriver.profile,
      BloodPressureProfile.qardio,
      BloodPressureProfile.generic,
      AAndD.uc352,
      Beurer.bf720,
      Beurer.bf915,
      Beurer.bf500,
      SanitasScaleDriver.sbf70,
      SanitasScaleDriver.bf700,
      TranstekDriver.profile,
      QNScale.profile,
      RenphoScale.profile,
      EtekcityScale.profile,
      IcomonScale.profile,
      EufyScale.profile,
      ByoneScale.profile,
      ActiveEraScale.profile,
      YunmaiScale.profile,
      InlifeScale.profile,
      SoehnleScale.profile,
      VitafitScale.profile,
      SenssunScale.profile,
      HoffenScale.profile,
      OmronDriver.scale,
      WeightProfile.generic,
      Nonin3230Driver.profile,
      BerryOximeterLine.profile,
      JumperOximeterLine.profile,
      PC60OximeterLine.profile,
      SP20OximeterLine.profile,
      FS20FLine.profile,
      ViatomO2Line.profile,
      BeurerPO60Driver.profile,
      ContecOximeterLine.profile,
      PulseOximeterProfile.generic,
      AAndD.ut201,
      TempSitterDriver.profile,
      JumperThermometerDriver.profile,
      ThermometerProfile.generic,
      Beurer.gl50,
      OneTouchDriver.profile,
      GlucoseProfile.generic,
      HealthSensorDriver.profile,
      HeartRateProfile.generic,
      TaiDocDriver.ble,
      MiScaleDriver.scale1,
      MiScaleDriver.scale2,
      XiaomiEncryptedDriver.profile,
    ] + CompanyScaleDriver.profiles

  /// The profile of an id; `recorder` is one too, although it reads no device.
  package static func profile(id: String) -> DeviceProfile? {
    profiles.first { $0.id == id } ?? (id == recorder ? RecorderDriver.profile : nil)
  }

  /// The id of the driver that only listens.
  package static let recorder = RecorderDriver.profile.id

  /// What a technician may name as a driver.
  package static let ids: [String] = profiles.map(\.id) + [recorder]

  /// Who a BLE device is by what it advertises.
  package struct Claim: Sendable {
    /// Its profile; nil where none is known, or where the device is known and cannot be read.
    package var profile: DeviceProfile?
    /// Why a device that is known cannot be read, one sentence.
    package var refusal: String?
  }

  /// The profile of a BLE device by what it advertises: a name counts more than service data, service data more than services.
  /// The longest name that fits decides. Company ids count least, because one maker's devices are many. `data` holds the octets of
  /// the service data, where they are known: some UUIDs are on devices of every kind.
  package static func recognise(
    name: String?, services: [BluetoothUUID], serviceData: [BluetoothUUID], companies: [UInt16] = [],
    data: [AdvertisedData] = []
  ) -> Claim {
    let octets = name.map { Array($0.utf8) }
    let byName = octets.flatMap { signs.longest($0) }
    let refused = UnsupportedDevices.refusal(name: octets, services: services)
    if let refused, refused.length >= byName?.length ?? 0 { return Claim(profile: nil, refusal: refused.sentence) }
    let found =
      byName?.profile ?? signs.first(serviceData: serviceData, data) ?? signs.first(services: services)
      ?? signs.first(companies: companies, data)
    return Claim(profile: found.map { profiles[$0] })
  }

  private static let signs = SignIndex(profiles)

  /// The profile alone.
  package static func claim(
    name: String?, services: [BluetoothUUID], serviceData: [BluetoothUUID], companies: [UInt16] = [],
    data: [AdvertisedData] = []
  ) -> DeviceProfile? {
    recognise(name: name, services: services, serviceData: serviceData, companies: companies, data: data).profile
  }

  /// Adapters that any device may hang on, and devices that are their own: no sign of a driver. CH9102 and the devices of Omron and
  /// Nonin are CDC-ACM (`ttyACM`), which older versions of ModemManager probe with `AT`.
  private static let adapters: [(vendor: UInt16, product: UInt16, name: String)] = [
    (0x1A86, 0x7523, "CH340"), (0x1A86, 0x55D4, "CH9102, as CDC-ACM"), (0x0403, 0x6015, "FT231X, FT230X, FT234X"),
    (0x10C4, 0xEA60, "CP2102N"), (0x067B, 0x23A3, "PL2303GC"), (0x04B4, 0x5500, "Cypress, Microlife"),
  ]

  /// The udev rules for the cables of the registry: access for the daemon's group, no modem probing, no suspend. Before
  /// ModemManager's own rules (77-), because an `AT` wakes scales and cuffs.
  package static func udevRules() -> String {
    func hex(_ value: UInt16) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: 4 - text.utf8.count) + text
    }
    var cables: [(vendor: UInt16, product: UInt16, ids: [String])] = []
    for profile in profiles {
      for case .usb(let vendor, let product) in profile.recognition {
        if let index = cables.firstIndex(where: { $0.vendor == vendor && $0.product == product }) {
          cables[index].ids.append(profile.id)
        } else {
          cables.append((vendor, product, [profile.id]))
        }
      }
    }
    for adapter in adapters
    where !cables.contains(where: { $0.vendor == adapter.vendor && $0.product == adapter.product }) {
      cables.append((adapter.vendor, adapter.product, [adapter.name]))
    }
    cables.sort { ($0.vendor, $0.product) < ($1.vendor, $1.product) }
    var lines = [
      "# Serial cables of the devices that Hearth knows. Made from the registry of drivers; a test compares them.",
      "# A cable tells nothing of the device behind it: these rules give access, the technician binds the port.",
      "ACTION==\"remove\", GOTO=\"hearth_end\"",
      "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", GOTO=\"hearth_usb\"",
      "SUBSYSTEM==\"tty\", SUBSYSTEMS==\"usb\", GOTO=\"hearth_tty\"", "GOTO=\"hearth_end\"", "",
      "# The cable: ModemManager leaves it alone, it is not suspended.", "LABEL=\"hearth_usb\"",
    ]
    for cable in cables {
      lines.append("# \(cable.ids.joined(separator: ", "))")
      lines.append(
        "ATTR{idVendor}==\"\(hex(cable.vendor))\", ATTR{idProduct}==\"\(hex(cable.product))\", "
          + "ENV{ID_MM_DEVICE_IGNORE}=\"1\", TEST==\"power/control\", ATTR{power/control}=\"on\"")
    }
    lines += [
      "GOTO=\"hearth_end\"", "", "# Its port: the daemon and who is of the group hearth-device may open it.",
      "LABEL=\"hearth_tty\"",
    ]
    for cable in cables {
      lines.append(
        "ATTRS{idVendor}==\"\(hex(cable.vendor))\", ATTRS{idProduct}==\"\(hex(cable.product))\", GROUP=\"hearth-device\", "
          + "MODE=\"0660\", ENV{ID_MM_PORT_IGNORE}=\"1\", TAG+=\"hearth\"")
    }
    lines += ["", "LABEL=\"hearth_end\""]
    return lines.joined(separator: "\n") + "\n"
  }

  /// The README's table of supported devices, in Markdown.
  package static func markdownTable() -> String {
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
      let evidence = profile.evidence
      let details = [evidence.transport, evidence.firmware.map { "firmware \($0)" }].compactMap { $0 }
      let seen = evidence.grade.words + (details.isEmpty ? "" : " (\(details.joined(separator: ", ")))")
      let check = profile.obstacle == nil ? seen : "\(seen); cannot be plugged in"
      lines.append(
        "| `\(profile.id)` | \(names) | \(transport) | \(profile.kinds.map(\.rawValue).joined(separator: ", ")) | \(check) |"
      )
    }
    for (name, isSerial) in [("Over the air", false), ("Serial", true)] {
      let counts = counts(serial: isSerial).map { "\($0.count) \($0.grade.words)" }.joined(separator: ", ")
      lines += ["", "\(name): \(counts)."]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
