// How a receiver recognises what it has already: the guide's identifier (HL7 PHD guide 2.0.0, Observation Identifier) and one of
// our own, a name-based UUID (RFC 9562, version 5) of the device record. Both go with every Observation; a backend's
// configuration says which one feeds the conditional creation.

internal import JSON
internal import Octets
internal import Readings
internal import Zones

enum FHIRIdentity {
  /// The namespace of names below: version 5 of the DNS namespace and `fhir.hearth`.
  private static let namespace = Array(
    SHA1.digest(
      [0x6B, 0xA7, 0xB8, 0x10, 0x9D, 0xAD, 0x11, 0xD1, 0x80, 0xB4, 0x00, 0xC0, 0x4F, 0xD4, 0x30, 0xC8]
        + Array("fhir.hearth".utf8)
    ).prefix(16))

  /// The UUID of a name, in lower case.
  static func uuid(_ name: String) -> String {
    var digest = Array(SHA1.digest(namespace + Array(name.utf8)).prefix(16))
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    let hex = Array(Hex.encode(digest))
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
  }

  /// An EUI-64 of local administration, minted from a name: upper-case pairs joined by dashes.
  static func mintedSystemID(_ name: String) -> String {
    var octets = Array(SHA1.digest(namespace + Array("eui-64|\(name)".utf8)).prefix(8))
    // Locally administered, one device: no manufacturer's number is claimed.
    octets[0] = octets[0] & 0xFC | 0x02
    return octets.map { Hex.encode([$0]).uppercased() }.joined(separator: "-")
  }

  /// The UUID of one Observation of a reading: the same for the same device record, for ever.
  static func observation(_ reading: Reading, _ mdc: UInt32) -> String { uuid("observation|\(reading.id)|\(mdc)") }

  /// An EUI-64 as the guide writes it; nil for what is none, or all zeros.
  static func systemID(_ device: DeviceIdentity) -> String? {
    pairs(device.systemID, count: 8)
  }

  /// An EUI-48 as the guide writes it; nil for what is none, and for a serial port's path.
  static func bluetoothAddress(_ device: DeviceIdentity) -> String? {
    device.transport == .ble ? pairs(device.address, count: 6) : nil
  }

  private static func pairs(_ text: String?, count: Int) -> String? {
    let parts = (text ?? "").split { $0 == ":" || $0 == "-" }.map { $0.uppercased() }
    guard parts.count == count, parts.allSatisfy({ $0.utf8.count == 2 && UInt8($0, radix: 16) != nil }),
      parts.contains(where: { $0 != "00" })
    else { return nil }
    return parts.joined(separator: "-")
  }

  /// The guide's identifier: device-patient-type-timestamp-supplemental. Nil when the device told no time, or has no address: then
  /// the parts would not tell one measurement from the next.
  static func guideKey(
    _ reading: Reading, patient: String, mdc: UInt32, supplemental: [UInt32] = []
  ) -> String? {
    guard let device = systemID(reading.device) ?? bluetoothAddress(reading.device),
      let time = reportedSeconds(reading.deviceTime)
    else { return nil }
    let parts = [device.filter { $0 != "-" }, patient, "\(mdc)", time] + supplemental.map { "\($0)" }
    return parts.joined(separator: "-")
  }

  /// Seconds since 2000-01-01 of the time as the device said it, never of a corrected one.
  private static func reportedSeconds(_ stamp: DeviceStamp?) -> String? {
    let epoch: Int64 = 946_684_800
    switch stamp {
    case .local(let fields): return civilSeconds(fields).map { "\($0 - epoch)" }
    case .utc(let milliseconds):
      let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
      guard seconds >= epoch else { return nil }
      let fraction = String(repeating: "0", count: 3 - "\(rest)".utf8.count) + "\(rest)"
      return rest == 0 ? "\(seconds - epoch)" : "\(seconds - epoch).\(fraction)"
    case nil: return nil
    }
  }

  /// Seconds since 1970 on the device's own line of civil time; nil for a date that does not exist.
  static func civilSeconds(_ fields: DeviceDateTime) -> Int64? {
    CivilTime(
      year: Int(fields.year), month: Int(fields.month), day: Int(fields.day), hour: Int(fields.hours),
      minute: Int(fields.minutes), second: Int(fields.seconds)
    )?.seconds
  }

  /// An Identifier.
  static func identifier(_ system: String, _ value: String, type: JSONValue? = nil) -> JSONValue {
    FHIRElement.object(["type": type, "system": .string(system), "value": .string(value)])
  }

  /// `identifier=system|value` for `ifNoneExist`: a token of FHIR search (R4 3.1.1.4.10) in a query string (RFC 3986).
  static func search(_ system: String, _ value: String) -> String {
    "identifier=\(token(system))|\(token(value))"
  }

  /// `$`, `,`, `|` and `\` are escaped for search; what a query does not carry is percent-encoded.
  private static func token(_ text: String) -> String {
    var octets: [UInt8] = []
    for octet in text.utf8 {
      if [0x24, 0x2C, 0x7C, 0x5C].contains(octet) { octets.append(0x5C) }
      octets.append(octet)
    }
    var result = ""
    for octet in octets {
      switch octet {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A, 0x2F:
        result.unicodeScalars.append(Unicode.Scalar(octet))
      default: result += "%" + Hex.encode([octet]).uppercased()
      }
    }
    return result
  }
}
