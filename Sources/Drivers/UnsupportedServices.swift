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
