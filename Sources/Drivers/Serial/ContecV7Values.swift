// What V7 packets say beside live values: identity, stored data, answers. Used by `decode serial contec-v7`.

internal import Octets
internal import Readings

extension ContecPacket {
  /// The packet as named values.
  var values: [NamedValue] {
    func number(_ name: String, _ index: Int) -> [NamedValue] {
      index < data.count ? [NamedValue(name, .integer(Int64(data[index])))] : []
    }
    func pad(_ index: Int) -> String {
      guard index < data.count else { return "00" }
      return data[index] < 10 ? "0\(data[index])" : "\(data[index])"
    }
    let head = [NamedValue("type", .integer(Int64(type)))]
    switch type {
    case 0x01: return head + live
    case 0x02: return head + number("segment", 0) + [NamedValue("text", .text(text(from: 1, asSent: true)))]
    case 0x03: return head + [NamedValue("text", .text(text(from: 0, asSent: true)))]
    case 0x04: return head + [NamedValue("deviceId", .text(text(from: 0, asSent: true)))]
    case 0x05: return head + number("userIndex", 0) + [NamedValue("user", .text(text(from: 1)))]
    case 0x06: return head + [NamedValue("payload", .list(data.map { .integer(Int64($0)) }))]
    case 0x07 where data.count >= 6:
      let date = "\(pad(2))\(pad(3))-\(pad(4))-\(pad(5))"
      return head + number("userIndex", 0) + number("segment", 1) + [NamedValue("date", .text(date))]
    case 0x12 where data.count >= 5:
      let time = "\(pad(2)):\(pad(3)):\(pad(4))"
      return head + number("userIndex", 0) + number("segment", 1) + [NamedValue("time", .text(time))]
    case 0x08 where data.count >= 6:
      let bytes = data[2..<6].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
      return head + number("userIndex", 0) + number("segment", 1)
        + [NamedValue("bytes", .integer(bytes)), NamedValue("samples", .integer(bytes / 2))]
    case 0x09 where data.count >= 4:
      let index = Int64(data[2]) | Int64(data[3]) << 8
      return head + pair(0)
        + [NamedValue("piPercent", index == 0xFFFF ? .absent : .decimal(ExactDecimal(index, exponent: -2)))]
    case 0x0F where data.count >= 6:
      return head + [NamedValue("samples", .list([0, 2, 4].map { .object(pair($0)) }))]
    case 0x0A: return head + number("userIndex", 0) + number("segments", 1)
    case 0x0B: return head + number("command", 0) + number("reason", 1)
    case 0x0D: return head + number("reason", 0)
    case 0x0E: return head + [NamedValue("piSupported", .flag(data.first == 0))]
    case 0x10: return head + number("users", 0)
    case 0x11: return head + [NamedValue("hasStoredData", .flag(data.count > 1 && data[1] & 0x7F != 0))]
    default: return head
    }
  }

  private func pair(_ index: Int) -> [NamedValue] {
    [
      NamedValue("spo2", ContecPacket.spo2(data[index]).map { .integer(Int64($0)) } ?? .absent),
      NamedValue("pulse", ContecPacket.pulse(data[index + 1]).map { .integer(Int64($0)) } ?? .absent),
    ]
  }

  private var live: [NamedValue] {
    guard data.count == 7 else { return [] }
    let index = Int64(data[5]) | Int64(data[6]) << 8
    return [
      NamedValue("signalStrength", .integer(Int64(data[0] & 0x0F))),
      NamedValue("searchTooLong", .flag(data[0] & 0x10 != 0)), NamedValue("lowSpO2", .flag(data[0] & 0x20 != 0)),
      NamedValue("beep", .flag(data[0] & 0x40 != 0)), NamedValue("probeError", .flag(data[0] & 0x80 != 0)),
      NamedValue("searching", .flag(data[1] & 0x80 != 0)), NamedValue("waveform", .integer(Int64(data[1] & 0x7F))),
      NamedValue("barGraph", .integer(Int64(data[2] & 0x0F))), NamedValue("piInvalidFlag", .flag(data[2] & 0x10 != 0)),
      NamedValue("pulse", ContecPacket.pulse(data[3]).map { .integer(Int64($0)) } ?? .absent),
      NamedValue("spo2", ContecPacket.spo2(data[4]).map { .integer(Int64($0)) } ?? .absent),
      NamedValue(
        "piPercent", index == 0xFFFF || data[2] & 0x10 != 0 ? .absent : .decimal(ExactDecimal(index, exponent: -2))),
    ]
  }
}
