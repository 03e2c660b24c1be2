// PDUs of a Bluetooth link as the lines of a capture: which characteristic was read, written, subscribed to, and what it said
// (Bluetooth Core 5.4, volume 3 part F, 3.4, and part G, 4.4 to 4.12).

import GATT
import Octets

/// One line of a capture.
struct CaptureLine: Equatable {
  /// Milliseconds since the start.
  var at: Int64
  /// From the device; else the hub's.
  var isFromDevice: Bool
  /// `1810/2A35`, `write 1810/2A08`; empty on a serial line.
  var words: String
  var octets: [UInt8]
}

struct GATTTranscript {
  /// What the hub asked last, until it is answered.
  private enum Request {
    case services
    case characteristics
    case descriptors
    case read(UInt16)
  }
  private struct Service {
    var first: UInt16
    var last: UInt16
    var uuid: BluetoothUUID
  }

  private(set) var database: GATTDatabase
  private(set) var lines: [CaptureLine] = []
  /// What a read gave, by the value's handle.
  private(set) var values: [UInt16: [UInt8]] = [:]
  /// What has no place in a capture: PDUs of unknown handles, and refusals.
  private(set) var remarks: [String] = []
  private var services: [Service] = []
  private var pending: Request?
  private var prepared: [UInt8] = []
  private static let mostRemarks = 50
  private static let mostCharacteristics = 500

  /// - Parameter database: what the daemon knew of the device before; its own discovery on the link adds to it.
  init(_ database: GATTDatabase = GATTDatabase()) { self.database = database }

  /// A PDU that went over the link.
  mutating func take(_ pdu: [UInt8], isFromDevice: Bool, at: Int64) {
    if isFromDevice { takeAnswer(pdu, at) } else { takeRequest(pdu, at) }
  }

  /// Puts something else in the place of values: `change` gets octets, the characteristic, and whether the device sent them.
  mutating func replace(_ change: ([UInt8], String, Bool) -> [UInt8]) {
    for index in lines.indices {
      let words = lines[index].words.split(separator: " ")
      guard let name = words.count > 1 ? words[1] : words.first else { continue }
      lines[index].octets = change(lines[index].octets, String(name), lines[index].isFromDevice)
    }
    for characteristic in database.characteristics {
      guard let value = values[characteristic.valueHandle] else { continue }
      values[characteristic.valueHandle] = change(value, "\(characteristic.service)/\(characteristic.uuid)", true)
    }
  }

  // MARK: From the hub

  private mutating func takeRequest(_ pdu: [UInt8], _ at: Int64) {
    guard let opcode = pdu.first else { return }
    func say(_ words: String, _ octets: [UInt8] = []) {
      lines.append(CaptureLine(at: at, isFromDevice: false, words: words, octets: octets))
    }
    let handle = GATTTranscript.number(pdu, 1)
    switch opcode {
    case ATTOpcode.readByGroupTypeRequest: pending = .services
    case ATTOpcode.readByTypeRequest:
      pending = GATTTranscript.number(pdu, 5) == 0x2803 && pdu.count == 7 ? .characteristics : nil
    case ATTOpcode.findInformationRequest: pending = .descriptors
    case ATTOpcode.readRequest:
      guard let handle else { return }
      pending = .read(handle)
      guard let name = name(handle) else { return unknown(pdu, at, false) }
      if let name = name.shown { say("read \(name)") }
    case ATTOpcode.readBlobRequest: pending = handle.map { .read($0) }
    case ATTOpcode.writeRequest, ATTOpcode.writeCommand:
      guard let handle else { return }
      let value = Array(pdu.dropFirst(3))
      if let owner = database.characteristics.first(where: { $0.configurationHandle == handle }) {
        guard let bits = value.first, bits & 3 != 0, let name = Name(owner).shown else { return }
        return say("subscribe \(name) \(bits & 2 != 0 ? "indicate" : "notify")")
      }
      guard let name = name(handle) else { return unknown(pdu, at, false) }
      if let name = name.shown { say("write \(name)", value) }
    case ATTOpcode.prepareWriteRequest: prepared += pdu.dropFirst(5)
    case ATTOpcode.executeWriteRequest:
      defer { prepared = [] }
      guard pdu.last == 1, let handle = preparedHandle, let name = name(handle)?.shown else { return }
      say("write \(name)", prepared)
    default: return
    }
    if opcode == ATTOpcode.prepareWriteRequest { preparedHandle = handle }
  }

  private var preparedHandle: UInt16?

  // MARK: From the device

  private mutating func takeAnswer(_ pdu: [UInt8], _ at: Int64) {
    guard let opcode = pdu.first else { return }
    switch opcode {
    case ATTOpcode.notification, ATTOpcode.indication:
      guard let handle = GATTTranscript.number(pdu, 1) else { return }
      guard let name = name(handle) else { return unknown(pdu, at, true) }
      guard let shown = name.shown else { return }
      lines.append(CaptureLine(at: at, isFromDevice: true, words: shown, octets: Array(pdu.dropFirst(3))))
    case ATTOpcode.readResponse:
      // A later read of the same characteristic may give something else: the first one is what the device had.
      if case .read(let handle) = pending, values[handle] == nil { values[handle] = Array(pdu.dropFirst()) }
    case ATTOpcode.readBlobResponse:
      if case .read(let handle) = pending { values[handle, default: []] += pdu.dropFirst() }
    case ATTOpcode.readByGroupTypeResponse: foundServices(pdu)
    case ATTOpcode.readByTypeResponse: foundCharacteristics(pdu)
    case ATTOpcode.findInformationResponse: foundDescriptors(pdu)
    case ATTOpcode.errorResponse:
      // 0x0A ends every list of discovery.
      guard pdu.count >= 5, pdu[4] != 0x0A, let handle = GATTTranscript.number(pdu, 2), let name = name(handle)?.shown
      else { return }
      remark("refused: \(name) at \(at), code \(Hex.encode([pdu[4]]))")
    default: return
    }
  }

  /// The entries of a list whose octets have equal length, behind the opcode and that length.
  private func entries(_ pdu: [UInt8], _ sizes: [Int]) -> [[UInt8]] {
    guard pdu.count >= 2, sizes.contains(Int(pdu[1])) else { return [] }
    let size = Int(pdu[1])
    return stride(from: 2, through: pdu.count - size, by: size).map { Array(pdu[$0..<$0 + size]) }
  }

  private mutating func foundServices(_ pdu: [UInt8]) {
    guard case .services = pending else { return }
    for entry in entries(pdu, [6, 20]) {
      guard let first = GATTTranscript.number(entry, 0), let last = GATTTranscript.number(entry, 2),
        let uuid = BluetoothUUID(littleEndian: entry.dropFirst(4))
      else { continue }
      services.append(Service(first: first, last: last, uuid: uuid))
    }
  }

  private mutating func foundCharacteristics(_ pdu: [UInt8]) {
    guard case .characteristics = pending else { return }
    for entry in entries(pdu, [7, 21]) {
      guard let declaration = GATTTranscript.number(entry, 0), let value = GATTTranscript.number(entry, 3),
        let uuid = BluetoothUUID(littleEndian: entry.dropFirst(5)),
        let service = services.first(where: { $0.first <= declaration && declaration <= $0.last }),
        database.find(valueHandle: value) == nil, database.characteristics.count < GATTTranscript.mostCharacteristics
      else { continue }
      database.characteristics.append(
        GATTCharacteristic(
          service: service.uuid, uuid: uuid, properties: entry[2], valueHandle: value, endHandle: service.last))
    }
  }

  private mutating func foundDescriptors(_ pdu: [UInt8]) {
    guard case .descriptors = pending, pdu.count > 2, pdu[1] == 1 else { return }
    for index in stride(from: 2, through: pdu.count - 4, by: 4) {
      guard let handle = GATTTranscript.number(pdu, index), GATTTranscript.number(pdu, index + 2) == 0x2902 else {
        continue
      }
      let owner = database.characteristics.indices.filter { database.characteristics[$0].valueHandle < handle }
        .max { database.characteristics[$0].valueHandle < database.characteristics[$1].valueHandle }
      if let owner { database.characteristics[owner].configurationHandle = handle }
    }
  }

  // MARK: Names

  /// A characteristic's name; not shown where it belongs to the link, not to the driver.
  private struct Name {
    var shown: String?
    init(_ characteristic: GATTCharacteristic) {
      let isOfTheLink =
        characteristic.service == BluetoothUUID(0x1800) || characteristic.service == BluetoothUUID(0x1801)
      shown = isOfTheLink ? nil : "\(characteristic.service)/\(characteristic.uuid)"
    }
  }

  private func name(_ handle: UInt16) -> Name? { database.find(valueHandle: handle).map(Name.init) }

  /// A handle that nobody told the name of: the session began before the capture.
  private mutating func unknown(_ pdu: [UInt8], _ at: Int64, _ isFromDevice: Bool) {
    remark(
      "unknown: at \(at) \(isFromDevice ? "<" : ">") handle \(GATTTranscript.number(pdu, 1) ?? 0), \(pdu.count) octets")
  }

  private mutating func remark(_ text: String) {
    if remarks.count < GATTTranscript.mostRemarks { remarks.append(text) }
  }

  private static func number(_ octets: [UInt8], _ index: Int) -> UInt16? {
    guard index >= 0, octets.count >= index + 2 else { return nil }
    return UInt16(octets[index]) | UInt16(octets[index + 1]) << 8
  }
}
