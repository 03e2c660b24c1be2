// A recorded session as text: `#` header, `@` milliseconds since the start, `<` from the device, `>` to the device. Driver tests
// replay it against a driver; the daemon replays it as a device.

package import Octets

/// Why a text is no capture.
package struct CaptureError: Error, Sendable, Hashable {
  /// From 1.
  package var line: Int
  /// What is wrong.
  package var message: String
}

/// A recorded session.
package struct CaptureFile: Sendable {
  /// How the device was reached.
  package enum Transport: String, Sendable {
    case gatt
    case advertisement
    case serial
  }

  /// A characteristic of the device, from a header line.
  package struct Characteristic: Sendable, Hashable {
    package var service: BluetoothUUID
    /// The characteristic.
    package var uuid: BluetoothUUID
    /// 0x02 read, 0x04 write without response, 0x08 write, 0x10 notify, 0x20 indicate.
    package var properties: UInt8
    /// What a read gives.
    package var value: [UInt8]
    /// Places in the value at which the 7 octets of the current local time go.
    package var clockOffsets: [Int]
  }

  /// Something that the device sent.
  package struct Item: Sendable, Hashable {
    /// Milliseconds since the start.
    package var at: Int64
    /// `1810/2A35`, `adv/181D`; empty for a serial line.
    package var source: String
    package var octets: [UInt8]
    /// Places at which the 7 octets of the current local time go.
    package var clockOffsets: [Int]
  }

  /// Header lines without meaning to playback, such as the device's name and the source.
  package var headers: [String: String] = [:]
  /// How the device was reached.
  package var transport = Transport.serial
  /// The device's attributes.
  package var characteristics: [Characteristic] = []
  /// What the device sent, in order.
  package var items: [Item] = []
  /// The session begins again after so many milliseconds; nil: it ends.
  package var repeatAfter: Int64?

  /// The longest time in a capture: ten years in milliseconds.
  private static let longestTime: Int64 = 315_576_000_000
  /// More attributes and octets than any session has.
  private static let mostCharacteristics = 500
  private static let mostOctets = 16 << 20

  private var octetCount = 0

  /// Reads a capture. Throws with the line that is wrong.
  package init(_ text: String) throws(CaptureError) {
    var time: Int64 = 0
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = raw.drop { $0 == " " }
      guard let mark = line.first else { continue }
      let rest = String(line.dropFirst().drop { $0 == " " })
      do throws(CaptureFault) {
        switch mark {
        case "#": try header(rest)
        case "@":
          guard let at = Int64(rest), (0...CaptureFile.longestTime).contains(at) else {
            throw CaptureFault("expected milliseconds")
          }
          guard at >= time else { throw CaptureFault("the time goes backwards") }
          time = at
        case "<":
          let item = try item(rest, time)
          octetCount += item.octets.count
          guard octetCount <= CaptureFile.mostOctets else { throw CaptureFault("more than 16 MiB") }
          items.append(item)
        case ">": continue
        default: throw CaptureFault("expected #, @, < or >")
        }
      } catch {
        throw CaptureError(line: index + 1, message: error.message)
      }
    }
  }

  private struct CaptureFault: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  private mutating func header(_ text: String) throws(CaptureFault) {
    guard let colon = text.firstIndex(of: ":") else { return }
    let key = String(text[..<colon])
    let value = String(text[text.index(after: colon)...].drop { $0 == " " })
    switch key {
    case "transport":
      guard let transport = Transport(rawValue: value) else {
        throw CaptureFault("expected gatt, advertisement or serial")
      }
      self.transport = transport
    case "repeat":
      guard let after = Int64(value), (1...CaptureFile.longestTime).contains(after) else {
        throw CaptureFault("expected milliseconds")
      }
      repeatAfter = after
    case "characteristic":
      guard characteristics.count < CaptureFile.mostCharacteristics else {
        throw CaptureFault("more than 500 characteristics")
      }
      characteristics.append(try characteristic(value))
    default: headers[key] = value
    }
  }

  /// `1810/2A35 indicate`, `180A/2A29 read "A&D Medical"`, `1810/2A08 read,write e907…`.
  private func characteristic(_ text: String) throws(CaptureFault) -> Characteristic {
    let parts = text.split(separator: " ", maxSplits: 2)
    let names = (parts.first ?? "").split(separator: "/")
    guard parts.count >= 2, names.count == 2, let service = BluetoothUUID(names[0]), let uuid = BluetoothUUID(names[1])
    else {
      throw CaptureFault("expected SERVICE/CHARACTERISTIC properties value")
    }
    var properties: UInt8 = 0
    for name in parts[1].split(separator: ",") {
      switch name {
      case "read": properties |= 0x02
      case "write-command": properties |= 0x04
      case "write": properties |= 0x08
      case "notify": properties |= 0x10
      case "indicate": properties |= 0x20
      default: throw CaptureFault("unknown property \(name)")
      }
    }
    var value: [UInt8] = []
    var clocks: [Int] = []
    if parts.count == 3 {
      let given = parts[2]
      if given.first == "\"" {
        value = Array(given.dropFirst().prefix { $0 != "\"" }.utf8)
      } else {
        (value, clocks) = try octets(given)
      }
      guard value.count <= 512 else { throw CaptureFault("a value has at most 512 octets") }
    }
    return Characteristic(service: service, uuid: uuid, properties: properties, value: value, clockOffsets: clocks)
  }

  /// Names the characteristic or the service data that a line belongs to, in capitals.
  private func source(_ text: Substring) throws(CaptureFault) -> String {
    let names = text.split(separator: "/")
    guard transport == .gatt else { return String(text) }
    guard names.count == 2, let service = BluetoothUUID(names[0]), let uuid = BluetoothUUID(names[1]),
      let known = characteristics.first(where: { $0.service == service && $0.uuid == uuid }),
      known.properties & 0x30 != 0
    else {
      throw CaptureFault("no header line says that \(text) notifies or indicates")
    }
    return "\(service)/\(uuid)"
  }

  private func item(_ text: String, _ time: Int64) throws(CaptureFault) -> Item {
    let parts = text.split(separator: " ", maxSplits: 1)
    if let first = parts.first, first.contains("/"), parts.count == 2 {
      let (octets, clocks) = try octets(parts[1])
      return Item(at: time, source: try source(first), octets: octets, clockOffsets: clocks)
    }
    // `60x 01e0…`: the same octets sixty times, as a stream of frames has them.
    let pieces = text.split(separator: "x", maxSplits: 1)
    guard pieces.count == 2 else {
      let (octets, clocks) = try octets(text[...])
      return Item(at: time, source: "", octets: octets, clockOffsets: clocks)
    }
    guard let times = Int(pieces[0]), (1...10_000).contains(times) else { throw CaptureFault("expected 1x to 10000x") }
    let once = try octets(pieces[1].drop { $0 == " " }).octets
    guard once.count <= CaptureFile.mostOctets / times else { throw CaptureFault("more than 16 MiB") }
    return Item(at: time, source: "", octets: (0..<times).flatMap { _ in once }, clockOffsets: [])
  }

  /// Hexadecimal digits, with `{datetime}` for the 7 octets of the local time at that moment.
  private func octets(_ text: Substring) throws(CaptureFault) -> (octets: [UInt8], clocks: [Int]) {
    var octets: [UInt8] = []
    var clocks: [Int] = []
    var rest = text
    while !rest.isEmpty {
      if rest.hasPrefix("{datetime}") {
        clocks.append(octets.count)
        octets += [UInt8](repeating: 0, count: 7)
        rest = rest.dropFirst("{datetime}".count)
        continue
      }
      let piece = rest.prefix { $0 != "{" }
      guard !piece.isEmpty, let decoded = try? Hex.decode(piece) else {
        throw CaptureFault("expected hexadecimal digits")
      }
      octets += decoded
      rest = rest.dropFirst(piece.count)
    }
    return (octets, clocks)
  }
}
