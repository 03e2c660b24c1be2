// A device on the simulated air: an attribute server that keeps what was not confirmed, as cuffs do (Bluetooth Core 5.4, volume
// 3 part F), and what it is like at pairing.

import BluetoothManagement
import Octets
import Zones

/// A measuring device.
struct Peripheral {
  /// What happens when it is paired.
  enum Pairing: Equatable {
    case justWorks
    /// Keys of Bluetooth 4.0 and 4.1.
    case legacy
    /// It shows a number that the technician types at the hub.
    case passkeyOnHub(UInt32)
    /// The hub shows a number that is typed on it.
    case passkeyOnDevice(UInt32)
    /// Both show a number.
    case compares(UInt32)
    case refuses
    /// It pairs, but keeps nothing.
    case keepsNoKeys
  }

  struct Characteristic {
    var service: UInt16
    var uuid: UInt16
    /// 0x02 read, 0x08 write, 0x10 notify, 0x20 indicate.
    var properties: UInt8
    var value: [UInt8] = []
  }

  private struct Attribute {
    var type: UInt16
    var value: [UInt8]
    var groupEnd: UInt16 = 0
  }

  let name: String
  /// On the air; a resolvable address changes.
  var address: PeerAddress
  var identity: PeerAddress
  var identityKey: [UInt8]?
  var pairing = Pairing.justWorks
  /// What an advertisement says beside name and services.
  var serviceData: [UInt8] = []
  /// It answers no connection.
  var isDeaf = false
  /// It gives its values only on an encrypted link.
  var needsEncryption = true
  /// It sends as soon as the link is up, with the subscriptions of its bond.
  var sendsAtOnce = false
  /// Hangs up when everything is confirmed.
  var hangsUp = true
  /// The key of its bond.
  var bond: [UInt8]?

  /// Values that were not confirmed, oldest first.
  private(set) var memory: [[UInt8]] = []
  /// Values that the hub confirmed.
  private(set) var confirmed: [[UInt8]] = []
  private var awaitsConfirmation = false
  private var isSubscribed = false
  /// What the hub answered to the device's own requests.
  private(set) var answers: [[UInt8]] = []
  /// PDUs that the hub sent on this link.
  private(set) var heard = 0

  private var attributes: [Attribute] = []
  private let services: [UInt16]
  private var measurement: UInt16 = 0
  private let isIndicated: Bool

  init(_ name: String, address: String, kind: PeerAddress.Kind = .randomLE, _ characteristics: [Characteristic]) {
    self.name = name
    let own = PeerAddress(address, kind: kind) ?? PeerAddress(bits: 0, kind: kind)
    self.address = own
    identity = own
    var services: [UInt16] = []
    for item in characteristics where !services.contains(item.service) { services.append(item.service) }
    self.services = services
    isIndicated = characteristics.first { $0.properties & 0x30 != 0 }.map { $0.properties & 0x20 != 0 } ?? false
    for service in services {
      let start = attributes.count
      attributes.append(Attribute(type: 0x2800, value: Peripheral.octets(service)))
      for item in characteristics where item.service == service {
        let handle = UInt16(attributes.count + 2)
        attributes.append(
          Attribute(
            type: 0x2803, value: [item.properties] + Peripheral.octets(handle) + Peripheral.octets(item.uuid)))
        attributes.append(Attribute(type: item.uuid, value: item.value))
        guard item.properties & 0x30 != 0 else { continue }
        if measurement == 0 { measurement = handle }
        attributes.append(Attribute(type: 0x2902, value: [0, 0]))
      }
      attributes[start].groupEnd = UInt16(attributes.count)
    }
  }

  static func octets(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }

  /// What it says on the air.
  var advertisement: [UInt8] {
    var data: [UInt8] = [2, 0x01, 0x06]
    if !services.isEmpty { data += [UInt8(1 + 2 * services.count), 0x03] + services.flatMap(Peripheral.octets) }
    if !serviceData.isEmpty { data += [UInt8(1 + serviceData.count), 0x16] + serviceData }
    return data + [UInt8(1 + name.utf8.count), 0x09] + Array(name.utf8)
  }

  /// A person measured.
  mutating func measure(_ value: [UInt8]) { memory.append(value) }

  /// A link is up.
  mutating func connected() -> [[UInt8]] {
    awaitsConfirmation = false
    heard = 0
    isSubscribed = sendsAtOnce && bond != nil
    return isSubscribed ? flush() : []
  }

  /// What was measured while a link is up.
  mutating func sendsMore() -> [[UInt8]] { awaitsConfirmation ? [] : flush() }

  mutating func disconnected() {
    awaitsConfirmation = false
    isSubscribed = false
    if !isIndicated { memory = [] }
  }

  /// Nothing is left to send.
  var isDone: Bool { isSubscribed && memory.isEmpty && hangsUp }
  /// The value that it would forget with the next confirmation.
  var unconfirmed: [UInt8]? { awaitsConfirmation ? memory.first : nil }

  /// Takes a PDU of the hub; gives what it sends.
  mutating func received(_ pdu: [UInt8], isEncrypted: Bool) -> [[UInt8]] {
    heard += 1
    func word(_ at: Int) -> UInt16 { at + 1 < pdu.count ? UInt16(pdu[at]) | UInt16(pdu[at + 1]) << 8 : 0 }
    let handle = word(1)
    func error(_ code: UInt8) -> [[UInt8]] { [[0x01, pdu[0]] + Peripheral.octets(handle) + [code]] }
    func all(_ types: (Attribute) -> Bool) -> [Int] {
      attributes.indices.filter { $0 + 1 >= Int(handle) && $0 + 1 <= Int(word(3)) && types(attributes[$0]) }
    }
    switch pdu.first {
    case 0x02: return [[0x03, 247, 0]]
    case 0x10:
      guard let first = all({ $0.type == 0x2800 }).first else { return error(0x0A) }
      return [
        [0x11, 6] + Peripheral.octets(UInt16(first + 1)) + Peripheral.octets(attributes[first].groupEnd)
          + attributes[first].value
      ]
    case 0x08:
      guard word(5) == 0x2803, let first = all({ $0.type == 0x2803 }).first else { return error(0x0A) }
      return [[0x09, 7] + Peripheral.octets(UInt16(first + 1)) + attributes[first].value]
    case 0x04:
      guard let first = all({ _ in true }).first else { return error(0x0A) }
      return [[0x05, 1] + Peripheral.octets(UInt16(first + 1)) + Peripheral.octets(attributes[first].type)]
    case 0x0A:
      guard handle > 0, Int(handle) <= attributes.count else { return error(0x01) }
      return [[0x0B] + attributes[Int(handle) - 1].value]
    case 0x12:
      guard handle > 0, Int(handle) <= attributes.count else { return error(0x01) }
      guard attributes[Int(handle) - 1].type == 0x2902 else { return [[0x13]] }
      guard isEncrypted || !needsEncryption else { return error(0x05) }
      if handle == measurement + 1 { isSubscribed = word(3) != 0 }
      return [[0x13]] + (awaitsConfirmation ? [] : flush())
    case 0x1E:
      guard awaitsConfirmation else { return [] }
      awaitsConfirmation = false
      confirmed.append(memory.removeFirst())
      return flush()
    case .some(let opcode) where opcode & 1 == 1 && opcode & 0x40 == 0:
      answers.append(pdu)
      return []
    default: return []
    }
  }

  private mutating func flush() -> [[UInt8]] {
    guard isSubscribed else { return [] }
    let header = [isIndicated ? 0x1D : 0x1B] + Peripheral.octets(measurement)
    if isIndicated {
      guard let value = memory.first else { return [] }
      awaitsConfirmation = true
      return [header + value]
    }
    defer { memory = [] }
    return memory.map { header + $0 }
  }
}

extension Peripheral {
  /// A cuff of the Blood Pressure Profile.
  static func cuff(_ name: String = "Lab Cuff", address: String = "F0:00:00:00:00:01") -> Peripheral {
    Peripheral(name, address: address, [Characteristic(service: 0x1810, uuid: 0x2A35, properties: 0x20)])
  }

  /// A scale of the Weight Scale Profile.
  static func scale(address: String = "F0:00:00:00:00:02") -> Peripheral {
    Peripheral("Lab Scale", address: address, [Characteristic(service: 0x181D, uuid: 0x2A9D, properties: 0x20)])
  }

  /// A thermometer of the Health Thermometer Profile.
  static func thermometer(address: String = "F0:00:00:00:00:03") -> Peripheral {
    Peripheral("Lab Thermometer", address: address, [Characteristic(service: 0x1809, uuid: 0x2A1C, properties: 0x20)])
  }

  /// A strap of the Heart Rate Profile, which may bond or not.
  static func strap() -> Peripheral {
    Peripheral(
      "Lab Strap", address: "F0:00:00:00:00:01", [Characteristic(service: 0x180D, uuid: 0x2A37, properties: 0x10)])
  }

  /// Sends its weights in advertisements.
  static func advertisingScale(address: String = "C8:47:8C:00:00:04") -> Peripheral {
    Peripheral("MI SCALE2", address: address, kind: .publicLE, [])
  }

  /// A fingertip oximeter that cannot bond and streams.
  static func oximeter(address: String = "C0:00:00:00:00:05") -> Peripheral {
    var oximeter = Peripheral(
      "Lab Oximeter", address: address, [Characteristic(service: 0x1822, uuid: 0x2A5E, properties: 0x20)])
    oximeter.needsEncryption = false
    return oximeter
  }

  /// A Medisana BS430: it cannot bond, and counts seconds since 1970.
  static func transtekScale(address: String) -> Peripheral {
    var scale = Peripheral(
      "0203B\(address.suffix(2))", address: address,
      [
        Characteristic(service: 0x78B2, uuid: 0x8A21, properties: 0x20),
        Characteristic(service: 0x78B2, uuid: 0x8A81, properties: 0x08),
      ])
    scale.needsEncryption = false
    return scale
  }

  /// Seconds since 1970 of 2010-01-01, where clocks begin that were never set.
  static let start2010: Int64 = 1_262_304_000

  /// A FORA IR20 whose clock shows twenty days of 2010.
  static func thermometerOf2010(address: String) -> Peripheral {
    Peripheral(
      "IR20 \(address.suffix(2))", address: address,
      [
        Characteristic(service: 0x1809, uuid: 0x2A1C, properties: 0x20),
        Characteristic(service: 0x1809, uuid: 0x2A08, properties: 0x0A, value: stamp(start2010 + 20 * 86_400)),
      ])
  }

  /// 2A35 of a cuff that puts four octets before the value and one behind it.
  static func prefixedPressure(_ systolic: UInt8, at seconds: Int64) -> [UInt8] {
    [0xFE, 0x20, 0x27, 0, systolic, 0, 60, 0, 70, 0] + stamp(seconds) + [70, 0, 1]
  }

  /// 8A21 in hundredths of a kilogram, without user.
  static func transtekWeight(_ hundredths: UInt16, at seconds: Int64) -> [UInt8] {
    [0x01] + octets(hundredths) + [0, 0xFE] + octets(UInt16(truncatingIfNeeded: seconds))
      + octets(UInt16(truncatingIfNeeded: seconds >> 16))
  }

  /// Octets of a Date Time.
  static func stamp(_ seconds: Int64) -> [UInt8] {
    let civil = CivilTime(seconds: seconds)
    return octets(UInt16(civil.year))
      + [civil.month, civil.day, civil.hour, civil.minute, civil.second].map { UInt8($0) }
  }

  /// 2A35 at seconds since 1970.
  static func bloodPressure(_ systolic: UInt8, at seconds: Int64) -> [UInt8] {
    [0x06, systolic, 0, 80, 0, 95, 0] + stamp(seconds) + [70, 0]
  }

  /// 2A9D in steps of 5 g.
  static func weight(_ steps: UInt16, at seconds: Int64) -> [UInt8] { [0x02] + octets(steps) + stamp(seconds) }

  /// 2A1C in tenths of a degree.
  static func temperature(_ tenths: UInt16, at seconds: Int64) -> [UInt8] {
    [0x02] + octets(tenths) + [0, 0xFF] + stamp(seconds)
  }

  /// 2A5E with a time stamp.
  static func spotCheck(_ percent: UInt16, at seconds: Int64) -> [UInt8] {
    [0x01] + octets(percent) + octets(70) + stamp(seconds)
  }

  /// Service data of a Mi Scale 1: a stable weight in steps of 5 g.
  static func miScale(_ steps: UInt16, at seconds: Int64) -> [UInt8] {
    octets(0x181D) + [0x22] + octets(steps) + stamp(seconds)
  }
}
