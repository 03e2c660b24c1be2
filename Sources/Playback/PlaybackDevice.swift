// A capture that acts as the device it was recorded from. Over BLE it is a small ATT server: it answers discovery and reads,
// sends what was recorded once it is subscribed to, one indication at a time, and again after a link that ended without
// confirmation. It keeps what was not confirmed, as cuffs do.

internal import Octets

/// What a playback does to the world.
public enum PlaybackOutput: Sendable, Hashable {
  /// The device has something and can be connected to.
  case inRange
  /// An advertisement with service data of a 16-bit UUID.
  case advertise(service: UInt16, [UInt8])
  /// One PDU, or octets of a serial line.
  case send([UInt8])
  /// The device ends the link.
  case disconnect
  /// Nothing more will come.
  case ended
}

/// A recorded device.
public struct PlaybackDevice: Sendable {
  private struct Attribute: Sendable {
    var type: BluetoothUUID
    var value: [UInt8]
    /// For the last attribute of a service declaration: where the service ends.
    var groupEnd: UInt16 = 0
    /// The characteristic that it belongs to, as `SERVICE/CHARACTERISTIC`.
    var source = ""
    var isConfiguration = false
  }

  private let capture: CaptureFile
  /// Attributes by handle − 1.
  private var attributes: [Attribute] = []
  private var valueHandles: [String: UInt16] = [:]
  private var startedAt: Int64
  private var next = 0
  /// Values that were measured and not yet confirmed, oldest first.
  private var memory: [(source: String, octets: [UInt8])] = []
  private var subscriptions: [String: UInt8] = [:]
  private var isConnected = false
  private var awaitsConfirmation = false
  private var hangUpAt: Int64?
  private var advertiseAt: Int64?
  private var hasEnded = false

  /// A device that starts at a monotonic millisecond.
  public init(_ capture: CaptureFile, at now: Int64) {
    self.capture = capture
    startedAt = now
    build()
  }

  /// How the device is reached.
  public var transport: CaptureFile.Transport { capture.transport }

  private mutating func build() {
    var services: [BluetoothUUID] = []
    for characteristic in capture.characteristics where !services.contains(characteristic.service) {
      services.append(characteristic.service)
    }
    for service in services {
      let start = attributes.count
      attributes.append(Attribute(type: BluetoothUUID(0x2800), value: service.littleEndian))
      for characteristic in capture.characteristics where characteristic.service == service {
        let source = "\(service)/\(characteristic.uuid)"
        let handle = UInt16(attributes.count + 2)
        var declaration = OctetWriter()
        declaration.uint8(characteristic.properties)
        declaration.uint16(handle)
        declaration.append(characteristic.uuid.littleEndian)
        attributes.append(Attribute(type: BluetoothUUID(0x2803), value: declaration.octets))
        attributes.append(Attribute(type: characteristic.uuid, value: characteristic.value, source: source))
        valueHandles[source] = handle
        if characteristic.properties & 0x30 != 0 {
          attributes.append(
            Attribute(type: BluetoothUUID(0x2902), value: [0, 0], source: source, isConfiguration: true))
        }
      }
      attributes[start].groupEnd = UInt16(attributes.count)
    }
  }

  /// When `advance` wants to be called next, monotonic milliseconds.
  public var nextTime: Int64? {
    var times = [hangUpAt, advertiseAt].compactMap { $0 }
    if next < capture.items.count {
      times.append(startedAt + capture.items[next].at)
    } else if let after = capture.repeatAfter {
      times.append(startedAt + after)
    } else if !hasEnded, memory.isEmpty, !isConnected {
      times.append(startedAt)
    }
    return times.min()
  }

  /// Time went on. `localTime` is the 7 octets of a Date Time, for placeholders.
  public mutating func advance(to now: Int64, localTime: [UInt8]) -> [PlaybackOutput] {
    var outputs: [PlaybackOutput] = []
    while next < capture.items.count, startedAt + capture.items[next].at <= now {
      outputs += measure(capture.items[next], now, localTime)
      next += 1
    }
    if next == capture.items.count, let after = capture.repeatAfter, startedAt + after <= now {
      startedAt = now
      next = 0
    }
    if let time = hangUpAt, time <= now {
      hangUpAt = nil
      if isConnected, memory.isEmpty {
        disconnected(at: now)
        outputs.append(.disconnect)
      }
    }
    if let time = advertiseAt, time <= now {
      // As long as something waits, the device is on the air once a second.
      advertiseAt = memory.isEmpty || isConnected ? nil : now + 1000
      if advertiseAt != nil { outputs.append(.inRange) }
    }
    if next == capture.items.count, capture.repeatAfter == nil, memory.isEmpty, !isConnected, !hasEnded {
      hasEnded = true
      outputs.append(.ended)
    }
    return outputs
  }

  private mutating func measure(_ item: CaptureFile.Item, _ now: Int64, _ localTime: [UInt8]) -> [PlaybackOutput] {
    var octets = item.octets
    for offset in item.clockOffsets where localTime.count == 7 {
      octets.replaceSubrange(offset..<(offset + 7), with: localTime)
    }
    switch capture.transport {
    case .serial: return [.send(octets)]
    case .advertisement:
      guard let uuid = UInt16(item.source.dropFirst("adv/".count), radix: 16) else { return [] }
      return [.advertise(service: uuid, octets)]
    case .gatt:
      memory.append((item.source, octets))
      if isConnected { return flush(now) }
      advertiseAt = now + 1000
      return [.inRange]
    }
  }

  /// A link is up.
  public mutating func connect(at now: Int64) {
    isConnected = true
    awaitsConfirmation = false
    subscriptions = [:]
    advertiseAt = nil
    // A device that nobody speaks to gives up.
    hangUpAt = nil
  }

  /// The link is gone.
  public mutating func disconnected(at now: Int64) {
    isConnected = false
    awaitsConfirmation = false
    subscriptions = [:]
    hangUpAt = nil
    if !memory.isEmpty { advertiseAt = now + 1000 }
  }

  /// The hub sent a PDU.
  public mutating func received(_ pdu: [UInt8], at now: Int64) -> [PlaybackOutput] {
    guard isConnected, let opcode = pdu.first else { return [] }
    var reader = OctetReader(pdu, from: 1)
    let first = (try? reader.uint16("handle")) ?? 0
    switch opcode {
    case 0x02: return [.send([0x03, 0xF7, 0x00])]
    case 0x04:
      let last = (try? reader.uint16("handle")) ?? 0
      return [.send(information(first, last))]
    case 0x08, 0x10:
      let last = (try? reader.uint16("handle")) ?? 0
      let type = BluetoothUUID(littleEndian: reader.rest()) ?? BluetoothUUID(0)
      return [.send(opcode == 0x10 ? services(first, last) : declarations(first, last, type))]
    case 0x0A: return [.send(read(first, 0))]
    case 0x0C:
      let offset = (try? reader.uint16("offset")) ?? 0
      return [.send(read(first, Int(offset), isBlob: true))]
    case 0x12:
      write(first, Array(reader.rest()))
      return [.send([0x13])] + flush(now)
    case 0x52:
      write(first, Array(reader.rest()))
      return []
    case 0x1E:
      guard awaitsConfirmation else { return [] }
      awaitsConfirmation = false
      if !memory.isEmpty { memory.removeFirst() }
      return flush(now)
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
      guard size == 0 || size == attribute.value.count + 4, writer.octets.count < 200 else { break }
      size = attribute.value.count + 4
      writer.uint16(UInt16(handle))
      writer.uint16(attribute.groupEnd)
      writer.append(attribute.value)
    }
    return size == 0 ? error(0x10, first, 0x0A) : [0x11, UInt8(size)] + writer.octets
  }

  private func declarations(_ first: UInt16, _ last: UInt16, _ type: BluetoothUUID) -> [UInt8] {
    var writer = OctetWriter()
    var size = 0
    for handle in handles(first, last) where attributes[handle - 1].type == type {
      let value = attributes[handle - 1].value
      guard size == 0 || size == value.count + 2, writer.octets.count < 200 else { break }
      size = value.count + 2
      writer.uint16(UInt16(handle))
      writer.append(value)
    }
    return size == 0 ? error(0x08, first, 0x0A) : [0x09, UInt8(size)] + writer.octets
  }

  private func information(_ first: UInt16, _ last: UInt16) -> [UInt8] {
    var writer = OctetWriter()
    for handle in handles(first, last) {
      guard let short = attributes[handle - 1].type.short, writer.octets.count < 200 else { break }
      writer.uint16(UInt16(handle))
      writer.uint16(short)
    }
    return writer.octets.isEmpty ? error(0x04, first, 0x0A) : [0x05, 0x01] + writer.octets
  }

  private func read(_ handle: UInt16, _ offset: Int, isBlob: Bool = false) -> [UInt8] {
    let opcode: UInt8 = isBlob ? 0x0C : 0x0A
    guard handle >= 1, Int(handle) <= attributes.count else { return error(opcode, handle, 0x01) }
    let value = attributes[Int(handle) - 1].value
    guard offset <= value.count else { return error(opcode, handle, 0x07) }
    return [opcode + 1] + value[offset...].prefix(200)
  }

  private mutating func write(_ handle: UInt16, _ value: [UInt8]) {
    guard handle >= 1, Int(handle) <= attributes.count else { return }
    let attribute = attributes[Int(handle) - 1]
    if attribute.isConfiguration {
      subscriptions[attribute.source] = value.first ?? 0
    } else {
      attributes[Int(handle) - 1].value = value
    }
  }

  /// Sends what waits and is subscribed to; hangs up a second after the last.
  private mutating func flush(_ now: Int64) -> [PlaybackOutput] {
    var outputs: [PlaybackOutput] = []
    while !awaitsConfirmation, let first = memory.first {
      guard let bits = subscriptions[first.source], bits != 0, let handle = valueHandles[first.source] else {
        return outputs
      }
      let isIndication = bits & 2 != 0
      outputs.append(.send([isIndication ? 0x1D : 0x1B, UInt8(handle & 0xFF), UInt8(handle >> 8)] + first.octets))
      if isIndication { awaitsConfirmation = true } else { memory.removeFirst() }
    }
    if memory.isEmpty, !subscriptions.isEmpty { hangUpAt = now + 1000 }
    return outputs
  }
}
