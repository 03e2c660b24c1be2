// A capture that acts as the device it was recorded from. Over BLE it is a small ATT server: it answers discovery and reads,
// sends what was recorded once it is subscribed to, one indication at a time, and again after a link that ended without
// confirmation. It keeps what was not confirmed, as cuffs do.

internal import Octets

/// What a playback does to the world.
package enum PlaybackOutput: Sendable, Hashable {
  /// The device has something and can be connected to.
  case inRange
  /// An advertisement with service data of a 16-bit UUID.
  case advertise(service: UInt16, [UInt8])
  /// An advertisement with manufacturer data of a company id.
  case advertiseCompany(UInt16, [UInt8])
  /// One PDU, or octets of a serial line.
  case send([UInt8])
  /// The device ends the link.
  case disconnect
  /// Nothing more will come.
  case ended
}

/// A recorded device.
package struct PlaybackDevice: Sendable {
  struct Attribute: Sendable {
    var type: BluetoothUUID
    var value: [UInt8]
    /// Places in the value at which the current local time goes.
    var clockOffsets: [Int] = []
    /// For the last attribute of a service declaration: where the service ends.
    var groupEnd: UInt16 = 0
    /// The characteristic that it belongs to, as `SERVICE/CHARACTERISTIC`.
    var source = ""
    var isConfiguration = false
    var isReadable = true
    var isWritable = false
  }

  /// What the device can take in one PDU.
  static let largestMTU = 247
  /// Measurements that the device keeps; the oldest goes when it is full.
  private static let mostKept = 250

  private let capture: CaptureFile
  /// Attributes by handle − 1.
  var attributes: [Attribute] = []
  var valueHandles: [String: UInt16] = [:]
  private var startedAt: Int64
  private var next = 0
  /// Values that were measured and not yet confirmed, oldest first.
  var memory: [(source: String, octets: [UInt8])] = []
  var mtu = 23
  var subscriptions: [String: UInt8] = [:]
  var isConnected = false
  var awaitsConfirmation = false
  var hangUpAt: Int64?
  private var advertiseAt: Int64?
  /// A device that holds a conversation over several characteristics speaks when the hub is done with subscribing, in the order of the
  /// recording.
  var speaksAt: Int64?
  /// The services of such conversations: at least two characteristics notify, and one is written to.
  private(set) var conversations: Set<String> = []
  static let subscribesFor: Int64 = 300
  private var hasEnded = false

  /// A device that starts at a monotonic millisecond.
  package init(_ capture: CaptureFile, at now: Int64) {
    self.capture = capture
    startedAt = now
    build()
  }

  /// How the device is reached.
  package var transport: CaptureFile.Transport { capture.transport }

  private mutating func build() {
    var services: [BluetoothUUID] = []
    for characteristic in capture.characteristics where !services.contains(characteristic.service) {
      services.append(characteristic.service)
    }
    for service in services {
      let own = capture.characteristics.filter { $0.service == service }
      if own.count(where: { $0.properties & 0x30 != 0 }) > 1, own.contains(where: { $0.properties & 0x0C != 0 }) {
        conversations.insert("\(service)")
      }
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
        attributes.append(
          Attribute(
            type: characteristic.uuid, value: characteristic.value, clockOffsets: characteristic.clockOffsets,
            source: source, isReadable: characteristic.properties & 0x02 != 0,
            isWritable: characteristic.properties & 0x0C != 0))
        valueHandles[source] = handle
        if characteristic.properties & 0x30 != 0 {
          attributes.append(
            Attribute(
              type: BluetoothUUID(0x2902), value: [0, 0], source: source, isConfiguration: true, isWritable: true))
        }
      }
      attributes[start].groupEnd = UInt16(attributes.count)
    }
  }

  /// When `advance` wants to be called next, monotonic milliseconds.
  package var nextTime: Int64? {
    var times = [hangUpAt, advertiseAt, speaksAt].compactMap { $0 }
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
  package mutating func advance(to now: Int64, localTime: [UInt8]) -> [PlaybackOutput] {
    var outputs: [PlaybackOutput] = []
    while next < capture.items.count, startedAt + capture.items[next].at <= now {
      outputs += measure(capture.items[next], now, localTime)
      next += 1
    }
    if next == capture.items.count, let after = capture.repeatAfter, startedAt + after <= now {
      startedAt = now
      next = 0
    }
    if let time = speaksAt, time <= now {
      speaksAt = nil
      if isConnected { outputs += flush(now) }
    }
    if let time = hangUpAt, time <= now {
      hangUpAt = nil
      if isConnected, !hasDeliverable {
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
    let octets = PlaybackDevice.filled(item.octets, item.clockOffsets, localTime)
    switch capture.transport {
    case .serial: return [.send(octets)]
    case .advertisement:
      if item.source.hasPrefix("adv/company:") {
        guard let company = UInt16(item.source.dropFirst("adv/company:".count), radix: 16) else { return [] }
        return [.advertiseCompany(company, octets)]
      }
      guard let uuid = UInt16(item.source.dropFirst("adv/".count), radix: 16) else { return [] }
      return [.advertise(service: uuid, octets)]
    case .gatt:
      memory.append((item.source, octets))
      // What is on the air already stays: its confirmation takes it away.
      if memory.count > PlaybackDevice.mostKept { memory.remove(at: awaitsConfirmation ? 1 : 0) }
      if isConnected { return speaksAt == nil ? flush(now) : [] }
      advertiseAt = now + 1000
      return [.inRange]
    }
  }

  /// Something waits that the hub has subscribed to.
  var hasDeliverable: Bool { memory.contains { subscriptions[$0.source] ?? 0 != 0 } }

  static func filled(_ octets: [UInt8], _ clockOffsets: [Int], _ localTime: [UInt8]) -> [UInt8] {
    guard localTime.count == 7 else { return octets }
    var octets = octets
    for offset in clockOffsets { octets.replaceSubrange(offset..<(offset + 7), with: localTime) }
    return octets
  }

  /// A link is up.
  package mutating func connect(at now: Int64) {
    isConnected = true
    mtu = 23
    awaitsConfirmation = false
    subscriptions = [:]
    speaksAt = nil
    advertiseAt = nil
    // A device that nobody speaks to gives up.
    hangUpAt = nil
  }

  /// The link is gone.
  package mutating func disconnected(at now: Int64) {
    isConnected = false
    awaitsConfirmation = false
    subscriptions = [:]
    speaksAt = nil
    hangUpAt = nil
    // A stream that nobody listened to is gone; what is indicated is kept.
    memory.removeAll { item in
      capture.characteristics.contains { "\($0.service)/\($0.uuid)" == item.source && $0.properties & 0x20 == 0 }
    }
    if !memory.isEmpty { advertiseAt = now + 1000 }
  }
}
