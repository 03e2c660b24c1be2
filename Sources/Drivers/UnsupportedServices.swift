// Devices that are recognised by their services and cannot be read, because their maker keeps the protocol closed and nobody has
// published it. The technician is told so, instead of seeing a device that stays silent.

internal import Octets

enum UnsupportedServices {
  private static let sentences: [BluetoothUUID: String] = [
    AAndD.olderScale: "this is an early A&D scale; its own service is documented nowhere",
    BluetoothUUID(high: 0x54C2_1000_A720_4B4F, low: 0x11E4_9FE2_0002_A5D5):
      "Masimo's protocol is closed; a licence of the maker is needed",
    BluetoothUUID(high: 0x3A1B_C6E0_FB06_11E1, low: 0xB9C2_0002_A5D5_C51B):
      "this is a Marsden or Charder scale; what its octets mean is documented nowhere",
    BluetoothUUID(high: 0xE8FB_0001_A14B_98F9, low: 0x831B_4E29_41D0_1248):
      "not supported: this is an O2Ring S or T8520: it speaks another protocol than the older rings",
  ]

  /// Why a device without any characteristic of its driver cannot be read.
  static func problem(_ device: some Collection<CharacteristicID>) -> DriverProblem {
    if let sentence = device.compactMap({ sentences[$0.service] }).first {
      return DriverProblem(code: "unsupported-device", message: sentence)
    }
    return DriverProblem(
      code: "service-missing", message: "the device lacks the measurement that its driver expects")
  }
}

extension WantedCapture {
  /// Devices that no driver reads, because nobody has published what their octets mean.
  static let unread: [WantedCapture] = [
    ("yuwell-ye680a", "Yuwell YE680A", "its values stand behind octets of the maker (FE 0A …)"),
    ("viatom-bp2", "Viatom BP2, BP2A, BP2T", "the layout of its file is not known"),
    ("viatom-o2ring-s", "Viatom O2Ring S, T8520", "one public source describes its newer protocol"),
    ("marsden", "Marsden and Charder scales", "what their octets mean is documented nowhere"),
    ("and-uc352-early", "the first A&D UC-352BLE", "its own service is documented nowhere"),
  ].map { id, devices, missing in
    WantedCapture(
      id: id, devices: devices, grade: nil, missing: missing,
      how: "hearthctl pair ADDRESS --driver recorder, then hearthctl capture while it measures")
  }
}

/// Devices that are known by their names and not read: their maker's secret key is needed, or they are of another kind than the names
/// and services that they share say.
enum UnsupportedDevices {
  private static let secret = "known, not supported: needs the maker's secret key"
  private static let viatomCuff = "known, not supported: a cuff of Viatom, whose protocol this version does not speak"
  private static let electrocardiograph = "known, not supported: an electrocardiograph"
  private static let newRing =
    "known, not supported: an O2Ring S or T8520, which speaks another protocol than the older rings"

  private static let names: [(prefix: [UInt8], sentence: String)] =
    (["KN-550BT", "BP3L", "BP5", "BP7", "PO3", "PT3", "AH100", "CH100"].map { ($0, secret) }
    + ["ER1", "ER2", "VBeat", "DuoEK"].map { ($0, electrocardiograph) }
    + ["O2Ring S", "S8-AW", "T8520"].map { ($0, newRing) }
    + ["BP2", "Checkme BP2"].map { ($0, viatomCuff) }
    + ["PC-80B"].map { ($0, electrocardiograph) }
    + ["BLEsmart_0001", "BLESmart_0001"].map {
      ($0, "known, not supported: a scale of Omron whose memory is not known")
    })
    .map { (Array($0.0.utf8), $0.1) }
  private static let ring = Array("O2Ring S".utf8)

  /// Scales of QN whose service opens only with a secret key.
  private static let locked = BluetoothUUID(0xAE00)
  private static let viatom = ViatomO2Line.service

  /// Why a device is not read, and how much of its name says so; nil for any other.
  static func refusal(name: [UInt8]?, services: [BluetoothUUID]) -> (sentence: String, length: Int)? {
    var best: (sentence: String, length: Int)?
    if let name {
      for known in names
      where known.prefix.count > best?.length ?? 0 && name.starts(with: known.prefix) && isWhole(name, known.prefix) {
        best = (known.sentence, known.prefix.count)
      }
    }
    if let best { return best }
    if services.contains(locked) { return (secret, 0) }
    guard services.contains(viatom) else { return nil }
    return ("known, not supported: a device of Viatom whose name does not tell whether it is an oximeter or a cuff", 0)
  }

  /// `O2Ring S` is another ring, `O2Ring SN123` is not.
  private static func isWhole(_ name: [UInt8], _ prefix: [UInt8]) -> Bool {
    guard prefix == ring, name.count > ring.count else { return true }
    let next = name[ring.count] | 0x20
    return !(0x61...0x7A).contains(next)
  }
}
