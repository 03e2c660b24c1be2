// The side of ATT that a recorded device has (Bluetooth Core 5.4, volume 3 part F, 3.4): discovery, reads, writes and
// subscriptions, within the MTU that the hub asked for.

internal import Octets

extension PlaybackDevice {
  /// The hub sent a PDU. `localTime` is the 7 octets of a Date Time, for placeholders in what is read.
  package mutating func received(_ pdu: [UInt8], at now: Int64, localTime: [UInt8] = []) -> [PlaybackOutput] {
    guard isConnected, let opcode = pdu.first else { return [] }
    var reader = OctetReader(pdu, from: 1)
    let first = (try? reader.uint16("handle")) ?? 0
    switch opcode {
    case 0x02:
      mtu = max(23, min(PlaybackDevice.largestMTU, Int(first)))
      return [.send([0x03, UInt8(PlaybackDevice.largestMTU), 0x00])]
    case 0x04:
      let last = (try? reader.uint16("handle")) ?? 0
      return [.send(information(first, last))]
    case 0x08, 0x10:
      let last = (try? reader.uint16("handle")) ?? 0
      let type = BluetoothUUID(littleEndian: reader.rest()) ?? BluetoothUUID(0)
      return [.send(opcode == 0x10 ? services(first, last) : declarations(first, last, type))]
    case 0x0A: return [.send(read(first, 0, localTime))]
    case 0x0C:
      let offset = (try? reader.uint16("offset")) ?? 0
      return [.send(read(first, Int(offset), localTime, isBlob: true))]
    case 0x12:
      if let code = write(first, Array(reader.rest())) { return [.send(error(opcode, first, code))] }
      let attribute = attributes[Int(first) - 1]
      if attribute.isConfiguration, conversations.contains(String(attribute.source.prefix { $0 != "/" })) {
        speaksAt = now + PlaybackDevice.subscribesFor
      }
      return [.send([0x13])] + (speaksAt == nil ? flush(now) : [])
    case 0x52:
      _ = write(first, Array(reader.rest()))
      return []
    case 0x1E:
      guard awaitsConfirmation else { return [] }
      awaitsConfirmation = false
      if !memory.isEmpty { memory.removeFirst() }
      return flush(now)
    // Other commands have no answer.
    case _ where opcode & 0x40 != 0: return []
    default: return [.send([0x01, opcode, 0, 0, 0x06])]
    }
  }

  private func error(_ opcode: UInt8, _ handle: UInt16, _ code: UInt8) -> [UInt8] {
    [0x01, opcode, UInt8(handle & 0xFF), UInt8(handle >> 8), code]
  }

  private func handles(_ first: UInt16, _ last: UInt16) -> Range<Int> {
    let low = max(1, Int(first))
    let high = min(attributes.count, Int(last))
    return low <= high ? low..<(high + 1) : 0..<0
  }

  private func services(_ first: UInt16, _ last: UInt16) -> [UInt8] {
    var writer = OctetWriter()
    var size = 0
    for handle in handles(first, last) where attributes[handle - 1].type == BluetoothUUID(0x2800) {
      let attribute = attributes[handle - 1]
      let wanted = attribute.value.count + 4
      guard size == 0 || size == wanted, writer.octets.count + wanted <= mtu - 2 else { break }
      size = wanted
      writer.uint16(UInt16(clamping: handle))
      writer.uint16(attribute.groupEnd)
      writer.append(attribute.value)
    }
    return size == 0 ? error(0x10, first, 0x0A) : [0x11, UInt8(size)] + writer.octets
  }

  private func declarations(_ first: UInt16, _ last: UInt16, _ type: BluetoothUUID) -> [UInt8] {
    guard type == BluetoothUUID(0x2803) else { return error(0x08, first, 0x0A) }
    var writer = OctetWriter()
    var size = 0
    for handle in handles(first, last) where attributes[handle - 1].type == type {
      let value = attributes[handle - 1].value
      let wanted = value.count + 2
      guard size == 0 || size == wanted, writer.octets.count + wanted <= mtu - 2 else { break }
      size = wanted
      writer.uint16(UInt16(clamping: handle))
      writer.append(value)
    }
    return size == 0 ? error(0x08, first, 0x0A) : [0x09, UInt8(size)] + writer.octets
  }

  private func information(_ first: UInt16, _ last: UInt16) -> [UInt8] {
    var writer = OctetWriter()
    var size = 0
    for handle in handles(first, last) {
      let type = attributes[handle - 1].type.littleEndian
      guard size == 0 || size == type.count, writer.octets.count + type.count + 2 <= mtu - 2 else { break }
      size = type.count
      writer.uint16(UInt16(clamping: handle))
      writer.append(type)
    }
    return size == 0 ? error(0x04, first, 0x0A) : [0x05, size == 2 ? 1 : 2] + writer.octets
  }

  private func read(_ handle: UInt16, _ offset: Int, _ localTime: [UInt8], isBlob: Bool = false) -> [UInt8] {
    let opcode: UInt8 = isBlob ? 0x0C : 0x0A
    guard handle >= 1, Int(handle) <= attributes.count else { return error(opcode, handle, 0x01) }
    let attribute = attributes[Int(handle) - 1]
    guard attribute.isReadable else { return error(opcode, handle, 0x02) }
    let value = PlaybackDevice.filled(attribute.value, attribute.clockOffsets, localTime)
    guard offset <= value.count else { return error(opcode, handle, 0x07) }
    return [opcode + 1] + value[offset...].prefix(mtu - 1)
  }

  /// Takes a write; gives an error code when it is refused.
  private mutating func write(_ handle: UInt16, _ value: [UInt8]) -> UInt8? {
    guard handle >= 1, Int(handle) <= attributes.count else { return 0x01 }
    let attribute = attributes[Int(handle) - 1]
    guard attribute.isWritable else { return 0x03 }
    if attribute.isConfiguration {
      guard value.count == 2 else { return 0x0D }
      subscriptions[attribute.source] = value[0]
    } else {
      attributes[Int(handle) - 1].value = value
      attributes[Int(handle) - 1].clockOffsets = []
    }
    return nil
  }

  /// Sends what waits and is subscribed to, oldest first; hangs up a second after the last.
  mutating func flush(_ now: Int64) -> [PlaybackOutput] {
    var outputs: [PlaybackOutput] = []
    while !awaitsConfirmation, let index = memory.firstIndex(where: { subscriptions[$0.source] ?? 0 != 0 }) {
      let item = memory.remove(at: index)
      guard let bits = subscriptions[item.source], let handle = valueHandles[item.source] else { continue }
      let isIndication = bits & 2 != 0
      let value = item.octets.prefix(mtu - 3)
      outputs.append(.send([isIndication ? 0x1D : 0x1B, UInt8(handle & 0xFF), UInt8(handle >> 8)] + value))
      guard isIndication else { continue }
      // It stays until it is confirmed, before everything else.
      memory.insert(item, at: 0)
      awaitsConfirmation = true
    }
    if !hasDeliverable, !subscriptions.isEmpty { hangUpAt = now + 1000 }
    return outputs
  }
}
