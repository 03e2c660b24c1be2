// What the headers of a recorded session say that its hub knew: a driver that is replayed begins as it began then.

internal import Octets
internal import Readings

extension DriverContext {
  /// From the headers of a capture, such as `local-time: 2026-11-21T08:15:30`, `model: UA-651BLE`, `consent: 1 3752`, `zone: 4 4`
  /// (quarters of an hour, octet for daylight), `last-record: 17`, `key: 00a1…`. What is not there, or not of this form, is not known.
  package init(recorded headers: [String: String]) {
    func numbers(_ name: String) -> [Int] { (headers[name] ?? "").split(separator: " ").compactMap { Int($0) } }
    self.init(
      localTime: headers["local-time"].flatMap(DriverContext.time), model: headers["model"],
      everyFrame: headers["every-frame"] == "true", storedRecords: headers["stored-records"] == "true",
      lastRecordNumber: headers["last-record"].flatMap { UInt32($0) })
    let (consent, zone) = (numbers("consent"), numbers("zone"))
    if consent.count == 2 { setConsent(user: UInt8(clamping: consent[0]), code: UInt16(clamping: consent[1])) }
    if zone.count == 2 {
      self.zone = LocalZone(quarterHours: Int8(clamping: zone[0]), daylight: UInt8(clamping: zone[1]))
    }
    name = headers["name"]
    key = headers["key"].flatMap { try? Hex.decode($0) }
    address = headers["address"].flatMap { try? Hex.decode($0) }
    isPairing = headers["pairing"] == "true"
  }

  /// `2026-11-21T08:15:30`.
  private static func time(_ text: String) -> DeviceDateTime? {
    let fields = text.split { !$0.isNumber }.compactMap { UInt16($0) }
    guard fields.count == 6 else { return nil }
    let small = fields.dropFirst().map { UInt8(clamping: $0) }
    return DeviceDateTime(
      year: fields[0], month: small[0], day: small[1], hours: small[2], minutes: small[3], seconds: small[4])
  }
}
