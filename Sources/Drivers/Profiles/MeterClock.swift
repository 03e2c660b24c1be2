// Clocks of glucose meters that keep them in a characteristic of their maker: CareSens (C0 03 01 00 and the local time), Contour Next (01, the
// time in UTC and the minutes of the zone). Source: public programs, two for CareSens and one for Contour. They can be written only, so
// that how far a clock was off is not known.

internal import Octets
internal import Readings

enum MeterClock {
  static let careSens = CharacteristicID(
    BluetoothUUID(high: 0xC4DE_A010_5A9D_11E9, low: 0x8647_D663_BD87_3D93),
    BluetoothUUID(high: 0xC4DE_A3BC_5A9D_11E9, low: 0x8647_D663_BD87_3D93))
  /// Older meters have it where many makers have other things: their name has to say who they are.
  static let olderCareSens = CharacteristicID(0xFFF0, 0xFFF1)
  static let contour = CharacteristicID(
    BluetoothUUID(high: 0x0000_0000_0002_11E2, low: 0x9E96_0800_200C_9A66),
    BluetoothUUID(high: 0x0000_1026_0002_11E2, low: 0x9E96_0800_200C_9A66))

  /// Sets the clock that the meter has, while the hub knows the time.
  static func writes(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] {
    guard let now = context.localTime, now.isComplete else { return [] }
    if let id = [careSens, olderCareSens].first(where: { device.contains($0) && isCareSens($0, context) }) {
      let time: [UInt8] = [0xC0, 0x03, 0x01, 0x00] + fields(now)
      return [.subscribe(id, indications: false), .write(id, time, withResponse: true)]
    }
    guard device.contains(contour), let zone = context.zone, let local = now.seconds(since: 2000) else { return [] }
    let minutes = (Int64(zone.quarterHours) + Int64(zone.daylight)) * 15
    let seconds = Int64(clamping: local) - minutes * 60
    guard seconds > 0 else { return [] }
    let offset = UInt16(bitPattern: Int16(clamping: minutes))
    return [
      .subscribe(contour, indications: true),
      .write(
        contour,
        [0x01] + fields(DeviceDateTime(seconds: UInt64(seconds), since: 2000))
          + [UInt8(offset & 0xFF), UInt8(offset >> 8)], withResponse: true),
    ]
  }

  private static func isCareSens(_ id: CharacteristicID, _ context: DriverContext) -> Bool {
    id == careSens || [context.name, context.model].contains { $0?.uppercased().hasPrefix("CARESENS") ?? false }
  }

  private static func fields(_ time: DeviceDateTime) -> [UInt8] {
    [
      UInt8(time.year & 0xFF), UInt8(time.year >> 8), time.month, time.day, time.hours, time.minutes, time.seconds,
    ]
  }
}
