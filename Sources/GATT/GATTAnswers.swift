// What a peer sends to the client (Bluetooth Core 5.4, volume 3 part F, 3.4): answers to its requests, values, and the peer's
// own requests, which go on to the hub's server.

internal import Octets

extension GATTClient {
  /// Takes one PDU from the peer.
  package mutating func receive(_ pdu: [UInt8]) -> [GATTOutput] {
    guard !hasFailed, let opcode = pdu.first else { return [] }
    switch opcode {
    case ATTOpcode.notification, ATTOpcode.indication: return arrived(pdu)
    case ATTOpcode.errorResponse: return error(pdu)
    case ATTOpcode.exchangeMTURequest: return [.transmit(exchangeMTU(pdu))]
    // A confirmation of nothing; commands of any kind, whose results nobody may see.
    case ATTOpcode.confirmation: return []
    case _ where opcode & ATTOpcode.commandFlag != 0: return []
    case _ where opcode & 1 == 0: return [.peerRequest(pdu)]
    case _ where ATTOpcode.isResponse(opcode): return answer(opcode, pdu)
    // Notifications of several handles, which were never asked for, and what later specifications may add.
    default: return []
    }
  }

  /// The peer says what it can take, which counts for both directions (3.4.2.1).
  private mutating func exchangeMTU(_ pdu: [UInt8]) -> [UInt8] {
    var reader = OctetReader(pdu, from: 1)
    guard pdu.count == 3, let theirs = try? reader.uint16("mtu") else {
      return ATTPDU.error(ATTOpcode.exchangeMTURequest, 0, ATTErrorCode.invalidPDU)
    }
    agree(theirs)
    return ATTPDU.exchangedMTU(GATTClient.largestMTU)
  }

  /// Both directions may exchange; a peer that says two things gets the smaller.
  private mutating func agree(_ theirs: UInt16) {
    let offered = max(GATTClient.defaultMTU, min(Int(GATTClient.largestMTU), Int(theirs)))
    mtu = hasExchangedMTU ? min(mtu, offered) : offered
    hasExchangedMTU = true
  }

  /// A bonded device remembers its subscriptions and may send before discovery knows the handle: that is kept, not lost.
  private mutating func arrived(_ pdu: [UInt8]) -> [GATTOutput] {
    if pdu.first == ATTOpcode.indication {
      unconfirmed += 1
      guard unconfirmed <= GATTClient.mostUnconfirmed else {
        return fail("the device sends indications without waiting for their confirmation")
      }
    }
    // The cache knows the handle of Service Changed before it is itself believed.
    if isDiscovered || isCached, isServiceChanged(pdu) { return [.unknownIndication] + rediscover() }
    guard isDiscovered else {
      keep(pdu)
      return []
    }
    return value(pdu)
  }

  private mutating func keep(_ pdu: [UInt8]) {
    // Only notifications can be too many here, and they promise nothing.
    if early.count < GATTClient.mostEarly || pdu.first == ATTOpcode.indication { early.append(pdu) }
  }

  mutating func value(_ pdu: [UInt8]) -> [GATTOutput] {
    let isIndication = pdu.first == ATTOpcode.indication
    guard let handle = ATTPDU.handle(pdu) else { return isIndication ? [.unknownIndication] : [] }
    guard let characteristic = database.find(valueHandle: handle) else {
      // A cache that does not know it is an old one: a reading would be lost if it were confirmed now.
      if isCached {
        keep(pdu)
        return rediscover()
      }
      return isIndication ? [.unknownIndication] : []
    }
    return [.value(characteristic, Array(pdu.dropFirst(3)), isIndication: isIndication)]
  }

  private mutating func error(_ octets: [UInt8]) -> [GATTOutput] {
    guard let request = pending else { return [] }
    guard octets.count >= 5 else { return fail("a malformed error response") }
    // An error for something else, such as a command, ends nothing.
    guard octets[1] == sent.first else { return [] }
    let code = octets[4]
    if ATTErrorCode.isCuredByEncryption(code), repeated != request, isWorthEncrypting(request) {
      pending = nil
      parked = request
      parkedCode = code
      return [.stopTimer, .securityRequired(code)]
    }
    return refused(request, code)
  }

  /// The client's own wishes are no reason to pair.
  private func isWorthEncrypting(_ request: GATTRequest) -> Bool {
    switch request {
    case .hash, .serviceChanged, .forgotten, .forget, .cancel: false
    default: true
    }
  }

  /// A request ended with an error code.
  mutating func refused(_ request: GATTRequest, _ code: UInt8) -> [GATTOutput] {
    if isDiscovered, request != .forgotten, request != .forget,
      code == ATTErrorCode.databaseOutOfSync || isCached && code == ATTErrorCode.invalidHandle
    {
      return rediscover(after: request)
    }
    switch request {
    case .exchangeMTU: return exchanged()
    case .hash: return hashRefused()
    case .services:
      ended(code)
      return beginCharacteristics(0)
    case .characteristics(let service, _):
      ended(code)
      return beginCharacteristics(service + 1)
    case .descriptors(let index, _):
      ended(code)
      return beginDescriptors(index + 1)
    case .read(let characteristic, let soFar) where !soFar.isEmpty && isEndOfValue(code):
      return next() + [.readDone(characteristic, soFar)]
    case .prepare(let characteristic, _, let offset) where offset > 0:
      queue.insert(.cancel(characteristic, code), at: 0)
      return next()
    case .cancel(let characteristic, let first): return next() + [.writeFailed(characteristic, first)]
    case .serviceChanged:
      needsEncryptionForServiceChanged = ATTErrorCode.isCuredByEncryption(code)
      return next()
    case .read, .write, .writeCommand, .prepare, .execute, .subscribe, .forgotten, .forget:
      return next() + failure(of: request, code)
    }
  }

  /// The value was exactly as long as what was read. Who has no long values needs no Read Blob.
  private func isEndOfValue(_ code: UInt8) -> Bool {
    code == ATTErrorCode.invalidOffset || code == ATTErrorCode.attributeNotLong
      || code == ATTErrorCode.requestNotSupported
  }

  /// What the caller hears of a request that failed.
  func failure(of request: GATTRequest, _ code: UInt8) -> [GATTOutput] {
    switch request {
    case .read(let characteristic, _): [.readFailed(characteristic, code)]
    case .write(let characteristic, _), .writeCommand(let characteristic, _), .prepare(let characteristic, _, _),
      .execute(let characteristic):
      [.writeFailed(characteristic, code)]
    case .subscribe(let characteristic, _): [.subscribeFailed(characteristic, code)]
    default: []
    }
  }

  private mutating func answer(_ opcode: UInt8, _ octets: [UInt8]) -> [GATTOutput] {
    guard let request = pending else { return [] }
    guard opcode == (sent.first ?? 0) | 1 else {
      return fail("the device answered opcode 0x\(Hex.encode([opcode])) to another request")
    }
    repeated = nil
    switch request {
    case .exchangeMTU:
      var reader = OctetReader(octets, from: 1)
      agree((try? reader.uint16("mtu")) ?? 0)
      return exchanged()
    case .hash: return foundHash(octets)
    case .services(let from): return foundServices(octets, from)
    case .characteristics(let service, let from): return foundCharacteristics(octets, service, from)
    case .descriptors(let index, let from): return foundDescriptors(octets, index, from)
    case .read(let characteristic, let soFar):
      let whole = soFar + octets.dropFirst()
      // A full PDU may not be all of it; while the MTU changes, full is what either of the two says.
      if octets.count >= min(mtu, sentMTU), whole.count < GATTClient.longestValue {
        queue.insert(.read(characteristic, soFar: whole), at: 0)
        return next()
      }
      return next() + [.readDone(characteristic, whole)]
    case .write(let characteristic, _), .execute(let characteristic):
      return next() + [.written(characteristic)]
    case .prepare(let characteristic, let value, let offset):
      return prepared(characteristic, value, offset, octets)
    case .cancel(let characteristic, let code): return next() + [.writeFailed(characteristic, code)]
    case .subscribe(let characteristic, _): return next() + [.subscribed(characteristic)]
    case .serviceChanged, .writeCommand, .forgotten, .forget: return next()
    }
  }

  /// A part of a long value stands in the device's queue. It says what it took (part G, 4.9.5): anything else is taken back.
  private mutating func prepared(
    _ characteristic: GATTCharacteristic, _ value: [UInt8], _ offset: Int, _ octets: [UInt8]
  ) -> [GATTOutput] {
    let taken = sent.count - 5
    if octets.dropFirst() != sent.dropFirst() || taken <= 0 {
      queue.insert(.cancel(characteristic, ATTErrorCode.unlikelyError), at: 0)
    } else if offset + taken < value.count {
      queue.insert(.prepare(characteristic, value, offset: offset + taken), at: 0)
    } else {
      queue.insert(.execute(characteristic), at: 0)
    }
    return next()
  }
}
