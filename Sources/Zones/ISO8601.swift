// Instants as text: ISO 8601 / RFC 3339 with a numeric offset, as FHIR and the native format want them.

/// Instants in milliseconds since 1970 as text and back.
package enum ISO8601 {
  /// `2026-11-21T08:15:30+01:00`, with `.120` before the offset when asked for or when there are milliseconds.
  package static func text(milliseconds: Int64, offsetSeconds: Int32, withMilliseconds: Bool? = nil) -> String {
    let seconds = milliseconds.floorDivided(by: 1000)
    // Not by way of `seconds * 1000`, which the least Int64 would overflow.
    let remainder = Int(milliseconds % 1000)
    let fraction = remainder < 0 ? remainder + 1000 : remainder
    let (local, overflow) = seconds.addingReportingOverflow(Int64(offsetSeconds))
    var octets = civil(CivilTime(seconds: overflow ? seconds : local))
    if withMilliseconds ?? (fraction != 0) {
      octets.append(0x2E)
      digits(fraction, 3, &octets)
    }
    let minutes = Int(abs(Int64(offsetSeconds))) / 60
    octets.append(offsetSeconds < 0 ? 0x2D : 0x2B)
    digits(minutes / 60, 2, &octets)
    octets.append(0x3A)
    digits(minutes % 60, 2, &octets)
    return String(decoding: octets, as: UTF8.self)
  }

  /// `2026-11-21T08:15:30`, without zone.
  package static func text(_ time: CivilTime) -> String { String(decoding: civil(time), as: UTF8.self) }

  private static func civil(_ time: CivilTime) -> [UInt8] {
    var octets: [UInt8] = []
    octets.reserveCapacity(32)
    digits(time.year, 4, &octets)
    octets.append(0x2D)
    digits(time.month, 2, &octets)
    octets.append(0x2D)
    digits(time.day, 2, &octets)
    octets.append(0x54)
    digits(time.hour, 2, &octets)
    octets.append(0x3A)
    digits(time.minute, 2, &octets)
    octets.append(0x3A)
    digits(time.second, 2, &octets)
    return octets
  }

  private static func digits(_ value: Int, _ count: Int, _ octets: inout [UInt8]) {
    var divisor = 1
    for _ in 1..<count { divisor *= 10 }
    while divisor > 0 {
      octets.append(0x30 + UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }

  /// The date of a day, given as its number of days since 1970, such as `2026-12-20`.
  package static func date(day: Int64) -> String {
    let (seconds, overflow) = day.multipliedReportingOverflow(by: 86_400)
    return String(text(CivilTime(seconds: overflow ? 0 : seconds)).prefix(10))
  }

  /// The number of days since 1970 of a date such as `2026-12-20`; nil for anything else.
  package static func day(_ date: String) -> Int64? {
    guard date.utf8.count == 10 else { return nil }
    return instant("\(date)T00:00:00Z").map { $0.milliseconds / 86_400_000 }
  }

  /// The instant and offset of a full date-time with `Z` or a numeric offset, fraction of one to nine digits; nil for anything else.
  package static func instant(_ text: String) -> (milliseconds: Int64, offsetSeconds: Int32)? {
    let octets = Array(text.utf8)
    guard octets.count >= 20, octets[10] | 0x20 == 0x74, let civil = civilTime(octets) else { return nil }
    var index = 19
    var fraction: Int64 = 0
    if octets[index] == 0x2E {
      index += 1
      var count = 0
      while index < octets.count, let digit = digit(octets[index]) {
        if count < 3 { fraction = fraction * 10 + Int64(digit) }
        count += 1
        index += 1
      }
      guard (1...9).contains(count) else { return nil }
      for _ in min(count, 3)..<3 { fraction *= 10 }
    }
    let rest = octets[index...]
    var offset: Int32 = 0
    if rest.count == 1, let first = rest.first, first | 0x20 == 0x7A {
      offset = 0
    } else {
      let part = Array(rest)
      guard part.count == 6, part[0] == 0x2B || part[0] == 0x2D, part[3] == 0x3A, let hours = number(part[1...2]),
        let minutes = number(part[4...5]), hours <= 23, minutes <= 59
      else { return nil }
      offset = Int32(hours * 3600 + minutes * 60) * (part[0] == 0x2D ? -1 : 1)
    }
    return ((civil.seconds - Int64(offset)) * 1000 + fraction, offset)
  }

  private static func civilTime(_ octets: [UInt8]) -> CivilTime? {
    guard octets[4] == 0x2D, octets[7] == 0x2D, octets[13] == 0x3A, octets[16] == 0x3A,
      let year = number(octets[0...3]), let month = number(octets[5...6]), let day = number(octets[8...9]),
      let hour = number(octets[11...12]), let minute = number(octets[14...15]), let second = number(octets[17...18])
    else { return nil }
    return CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
  }

  private static func digit(_ octet: UInt8) -> Int? { octet >= 0x30 && octet <= 0x39 ? Int(octet - 0x30) : nil }

  private static func number(_ octets: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for octet in octets {
      guard let digit = digit(octet) else { return nil }
      value = value * 10 + digit
    }
    return value
  }
}
