// A GATT client as a value (Bluetooth Core 5.4, volume 3 part G, 4): PDUs go in, PDUs and events come out. One request at a
// time; indications may come between a request and its answer and are confirmed by the caller, never here.
//
// Events stand after the PDU and the timer of the request that follows them: what the caller asks in answer to an event
// finds the client in the state that it just reported.

internal import Octets

/// The client's side of one link.
public struct GATTClient: Sendable {
  /// Handle Value Confirmation.
  public static let confirmation: [UInt8] = [ATTOpcode.confirmation]
  /// The length of a transaction, in milliseconds.
  public static let transactionMilliseconds = 30_000
  /// What the hub can take in one PDU.
  public static let largestMTU: UInt16 = 517
  /// More than any health device has; a peer that lists on is hostile.
  static let mostCharacteristics = 512
  /// The longest value of an attribute (part F, 3.2.9).
  static let longestValue = 512
  /// Indications that wait for the disk. The protocol allows one; a device whose own timer is short may repeat it.
  static let mostUnconfirmed = 8
  /// Values of a bonded device that arrive before discovery knows their handles.
  static let mostEarly = 32

  enum Request: Hashable {
    case exchangeMTU
    case services(from: UInt16)
    case characteristics(service: Int, from: UInt16)
    case descriptors(characteristic: Int, from: UInt16)
    case read(GATTCharacteristic, soFar: [UInt8])
    case write(GATTCharacteristic, [UInt8])
    case writeCommand(GATTCharacteristic, [UInt8])
    case subscribe(GATTCharacteristic, UInt16)
  }

  struct Service: Hashable {
    var uuid: BluetoothUUID
    var first: UInt16
    var last: UInt16
  }

  private var mtu = 23
  var services: [Service] = []
  private var pending: Request?
  var queue: [Request] = []
  /// The request that waits for an encrypted link.
  private var parked: Request?
  /// The request that was repeated on an encrypted link: it is not parked twice.
  private var repeated: Request?
  /// Values that came before discovery was complete.
  private var early: [[UInt8]] = []
  private var isDiscovered = false
  private var unconfirmed = 0
  private var hasFailed = false
  /// What discovery found.
  public internal(set) var database = GATTDatabase()

  /// A client on a link that is just up.
  public init() {}

  /// Begins with the MTU and discovers everything.
  public mutating func start() -> [GATTOutput] {
    queue = [.exchangeMTU, .services(from: 1)]
    return next()
  }

  /// Reads a characteristic, however long its value is.
  public mutating func read(_ characteristic: GATTCharacteristic) -> [GATTOutput] {
    enqueue(.read(characteristic, soFar: []))
  }

  /// Writes a characteristic, with or without an acknowledgement. The value must fit one PDU.
  public mutating func write(
    _ characteristic: GATTCharacteristic, _ value: [UInt8], withResponse: Bool
  ) -> [GATTOutput] {
    guard value.count <= mtu - 3 else { return [.writeFailed(characteristic, ATTErrorCode.invalidLength)] }
    return enqueue(withResponse ? .write(characteristic, value) : .writeCommand(characteristic, value))
  }

  /// Writes the client characteristic configuration: notifications (1) or indications (2).
  public mutating func subscribe(_ characteristic: GATTCharacteristic, indications: Bool) -> [GATTOutput] {
    guard characteristic.configurationHandle != nil else {
      return [.subscribeFailed(characteristic, ATTErrorCode.attributeNotFound)]
    }
    return enqueue(.subscribe(characteristic, indications ? 2 : 1))
  }

  /// The 30 s of the open transaction are over.
  public mutating func timedOut() -> [GATTOutput] {
    pending == nil ? [] : fail("the device did not answer within 30 s")
  }

  /// The caller sent the confirmations that were due. Eight indications without one end the link.
  public mutating func confirmed() { unconfirmed = 0 }

  /// The link is encrypted now: the request that waited for it is repeated.
  public mutating func securityRaised() -> [GATTOutput] {
    guard let request = parked else { return [] }
    parked = nil
    repeated = request
    queue.insert(request, at: 0)
    return next()
  }

  /// The link could not be encrypted: the request that waited for it fails, the others go on.
  public mutating func securityRefused() -> [GATTOutput] {
    guard let request = parked else { return [] }
    parked = nil
    return refused(request, ATTErrorCode.insufficientAuthentication)
  }

  private mutating func enqueue(_ request: Request) -> [GATTOutput] {
    guard !hasFailed else { return [] }
    queue.append(request)
    return pending == nil && parked == nil ? next() : []
  }

  mutating func fail(_ reason: String) -> [GATTOutput] {
    hasFailed = true
    pending = nil
    parked = nil
    queue = []
    early = []
    return [.stopTimer, .failed(reason)]
  }

  /// Sends the next request; commands on the way to it are sent and done.
  mutating func next() -> [GATTOutput] {
    var outputs: [GATTOutput] = []
    var events: [GATTOutput] = []
    pending = nil
    while !queue.isEmpty, pending == nil {
      let request = queue.removeFirst()
      outputs.append(.transmit(pdu(request)))
      if case .writeCommand(let characteristic, _) = request {
        events.append(.written(characteristic))
      } else {
        pending = request
      }
    }
    return outputs + [pending == nil ? .stopTimer : .startTimer] + events
  }

  private func pdu(_ request: Request) -> [UInt8] {
    switch request {
    case .exchangeMTU: ATTPDU.exchangeMTU(GATTClient.largestMTU)
    case .services(let from):
      ATTPDU.readByType(ATTOpcode.readByGroupTypeRequest, from: from, to: 0xFFFF, BluetoothUUID(0x2800))
    case .characteristics(let service, let from):
      ATTPDU.readByType(ATTOpcode.readByTypeRequest, from: from, to: services[service].last, BluetoothUUID(0x2803))
    case .descriptors(let index, let from):
      ATTPDU.findInformation(from: from, to: database.characteristics[index].endHandle)
    case .read(let characteristic, let soFar):
      soFar.isEmpty
        ? ATTPDU.read(characteristic.valueHandle)
        : ATTPDU.readBlob(characteristic.valueHandle, offset: UInt16(clamping: soFar.count))
    case .write(let characteristic, let value):
      ATTPDU.write(characteristic.valueHandle, value, withResponse: true)
    case .writeCommand(let characteristic, let value):
      ATTPDU.write(characteristic.valueHandle, value, withResponse: false)
    case .subscribe(let characteristic, let bits):
      ATTPDU.write(characteristic.configurationHandle ?? 0, [UInt8(bits), 0], withResponse: true)
    }
  }

  /// Discovery has nothing left to ask: tells what it found, then what the device said meanwhile.
  mutating func finishDiscovery() -> [GATTOutput] {
    isDiscovered = true
    var outputs = next() + [.discovered(database)]
    let waiting = early
    early = []
    for pdu in waiting { outputs += value(pdu) }
    return outputs
  }
}

// What the peer sends.
extension GATTClient {
  /// Takes one PDU from the peer.
  public mutating func receive(_ pdu: [UInt8]) -> [GATTOutput] {
    guard !hasFailed, let opcode = pdu.first else { return [] }
    switch opcode {
    case ATTOpcode.notification, ATTOpcode.indication: return arrived(pdu)
    case ATTOpcode.errorResponse: return error(pdu)
    case ATTOpcode.exchangeMTURequest: return [.transmit(ATTPDU.exchangedMTU(GATTClient.largestMTU))]
    // Never asked for; a confirmation of nothing; a command that is not known.
    case ATTOpcode.multipleNotification, ATTOpcode.confirmation: return []
    case _ where opcode & ATTOpcode.commandFlag != 0: return []
    case _ where opcode & 1 == 0: return [.transmit(ATTPDU.notSupported(opcode))]
    default: return answer(opcode, pdu)
    }
  }

  /// A bonded device remembers its subscriptions and may send before discovery knows the handle: that is kept, not lost.
  private mutating func arrived(_ pdu: [UInt8]) -> [GATTOutput] {
    if pdu.first == ATTOpcode.indication {
      unconfirmed += 1
      guard unconfirmed <= GATTClient.mostUnconfirmed else {
        return fail("the device sends indications without waiting for their confirmation")
      }
    }
    guard isDiscovered else {
      // Only notifications can be too many here, and they promise nothing.
      if early.count < GATTClient.mostEarly || pdu.first == ATTOpcode.indication { early.append(pdu) }
      return []
    }
    return value(pdu)
  }

  private func value(_ pdu: [UInt8]) -> [GATTOutput] {
    let isIndication = pdu.first == ATTOpcode.indication
    var reader = OctetReader(pdu, from: 1)
    guard let handle = try? reader.uint16("handle"), let characteristic = database.find(valueHandle: handle) else {
      return isIndication ? [.unknownIndication] : []
    }
    return [.value(characteristic, Array(reader.rest()), isIndication: isIndication)]
  }

  private mutating func error(_ octets: [UInt8]) -> [GATTOutput] {
    guard let request = pending else { return [] }
    guard octets.count >= 5 else { return fail("a malformed error response") }
    // An error for something else, such as a command, ends nothing.
    guard octets[1] == pdu(request).first else { return [] }
    let code = octets[4]
    let isSecurity =
      code == ATTErrorCode.insufficientAuthentication || code == ATTErrorCode.insufficientEncryption
    if isSecurity, repeated != request {
      pending = nil
      parked = request
      return [.stopTimer, .securityRequired(code)]
    }
    return refused(request, code)
  }

  /// A request ended with an error code.
  private mutating func refused(_ request: Request, _ code: UInt8) -> [GATTOutput] {
    switch request {
    case .exchangeMTU: return next()
    case .services: return beginCharacteristics(0)
    case .characteristics(let service, _): return beginCharacteristics(service + 1)
    case .descriptors(let index, _): return beginDescriptors(index + 1)
    case .read(let characteristic, let soFar):
      // The value was exactly as long as what was read.
      let isWhole = code == ATTErrorCode.invalidOffset || code == ATTErrorCode.attributeNotLong
      let isDone = isWhole && !soFar.isEmpty
      return next() + [isDone ? .readDone(characteristic, soFar) : .readFailed(characteristic, code)]
    case .write(let characteristic, _), .writeCommand(let characteristic, _):
      return next() + [.writeFailed(characteristic, code)]
    case .subscribe(let characteristic, _): return next() + [.subscribeFailed(characteristic, code)]
    }
  }

  private mutating func answer(_ opcode: UInt8, _ octets: [UInt8]) -> [GATTOutput] {
    guard let request = pending else { return [] }
    guard opcode == (pdu(request).first ?? 0) | 1 else {
      return fail("the device answered opcode 0x\(Hex.encode([opcode])) to another request")
    }
    switch request {
    case .exchangeMTU:
      var reader = OctetReader(octets, from: 1)
      mtu = max(23, min(Int(GATTClient.largestMTU), Int((try? reader.uint16("mtu")) ?? 23)))
      return next()
    case .services(let from): return foundServices(octets, from)
    case .characteristics(let service, let from): return foundCharacteristics(octets, service, from)
    case .descriptors(let index, let from): return foundDescriptors(octets, index, from)
    case .read(let characteristic, let soFar):
      let whole = soFar + octets.dropFirst()
      // A full PDU may not be all of it.
      if octets.count >= mtu, whole.count < GATTClient.longestValue {
        queue.insert(.read(characteristic, soFar: whole), at: 0)
        return next()
      }
      return next() + [.readDone(characteristic, whole)]
    case .write(let characteristic, _): return next() + [.written(characteristic)]
    case .subscribe(let characteristic, _): return next() + [.subscribed(characteristic)]
    case .writeCommand: return next()
    }
  }
}
