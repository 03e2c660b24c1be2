// The driver of whichever SIG profile a device turns out to follow: for makers whose newer models left their own protocol.

internal import Octets

enum StandardDrivers {
  /// Nil when the device follows none.
  static func driver(for device: Set<CharacteristicID>, _ context: DriverContext) -> (any Driver)? {
    if device.contains(BloodPressureProfile.measurement) { return SIGDriver(BloodPressureProfile(), context) }
    if device.contains(GlucoseProfile.measurement) { return SIGDriver(GlucoseProfile(), context) }
    if device.contains(WeightProfile.weight) { return SIGDriver(WeightProfile(), context) }
    if device.contains(ThermometerProfile.measurement) { return SIGDriver(ThermometerProfile(), context) }
    if device.contains(PulseOximeterProfile.spotCheck) || device.contains(PulseOximeterProfile.continuous) {
      return SIGDriver(PulseOximeterProfile(), context)
    }
    return nil
  }
}
