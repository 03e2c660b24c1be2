// A GATT client as a value (Bluetooth Core 5.4, volume 3 part G, 4): PDUs go in, PDUs and events come out. One request at a
// time; indications may come between a request and its answer and are confirmed by the caller, never here.
//
// Events stand after the PDU and the timer of the request that follows them: what the caller asks in answer to an event
// finds the client in the state that it just reported.

internal import Octets

/// The client's side of one link.
package struct GATTClient: Sendable {
  /// Handle Value Confirmation.
  package static let confirmation: [UInt8] = [ATTOpcode.confirmation]
  /// The length of a transaction, in milliseconds.
  package static let transactionMilliseconds = 30_000
  /// What the hub can take in one PDU.
  package static let largestMTU: UInt16 = 517
  /// The MTU of a link on which nothing was agreed.
  static let defaultMTU = 23
  /// More than any health device has; a peer that lists on is hostile.
  static let mostCharacteristics = 512
  /// The longest value of an attribute (part F, 3.2.9).
  static let longestValue = 512
  /// Indications that wait for the disk. The protocol allows one; a device whose own timer is short may repeat it.
  static let mostUnconfirmed = 8
  /// Values of a bonded device that arrive before discovery knows their handles.
  static let mostEarly = 32
  /// Discoveries that a peer may cause on one link.
  static let mostRediscoveries = 3

  struct Service: Hashable {
    var uuid: BluetoothUUID
    var first: UInt16
    var last: UInt16
  }

  /// The octets that fit one PDU, in both directions: what hub and peer agreed on, 23…517.
  package internal(set) var mtu = GATTClient.defaultMTU
  /// False until one side has asked for the MTU.
  var hasExchangedMTU = false
  var services: [Service] = []
  /// The request whose answer is open, its PDU, and the MTU under which it was sent.
  var pending: GATTRequest?
  var sent: [UInt8] = []
  var sentMTU = GATTClient.defaultMTU
  var queue: [GATTRequest] = []
  /// The request that waits for an encrypted link, and the error that says so.
  var parked: GATTRequest?
  var parkedCode = ATTErrorCode.insufficientAuthentication
  /// The request that was repeated on an encrypted link: it is not parked twice.
  var repeated: GATTRequest?
  /// Values that came before discovery was complete.
  var early: [[UInt8]] = []
  var isDiscovered = false
  /// The handles come from the cache.
  var isCached = false
  /// A device without a bond keeps no subscription, and gets no request more than its driver has for it.
  var isBonded = true
  /// Service Changed is to be subscribed to when nothing of the driver's waits.
  var wantsServiceChanged = false
  /// The device gives Service Changed on an encrypted link only.
  var needsEncryptionForServiceChanged = false
  var rediscoveries = 0
  /// Only the MTU is asked for now; and it was answered.
  var isGreeting = false
  var isGreeted = false
  var unconfirmed = 0
  var hasFailed = false
  /// What discovery found, or the cache knew.
  package internal(set) var database = GATTDatabase()

  /// A client on a link that is just up.
  package init() {}

  /// Exchanges the MTU and nothing else, ending in `.greeted`: for a link that is to be encrypted before anything is asked.
  package mutating func greet() -> [GATTOutput] {
    isGreeting = true
    queue = [.exchangeMTU]
    return next()
  }

  /// Begins with the MTU, then discovers everything; or, with a cache of the same bond, compares the database's hash where
  /// the device has one, and discovers only what has changed. Only a device with a bond is asked to tell of changes. What
  /// came before, while the link was not encrypted, is given after `discovered`.
  package mutating func start(cached: GATTDatabase? = nil, isBonded: Bool = true) -> [GATTOutput] {
    self.isBonded = isBonded
    isGreeting = false
    queue = isGreeted || pending == .exchangeMTU ? [] : [.exchangeMTU]
    if let cached, !cached.characteristics.isEmpty {
      isCached = true
      database = cached
      if cached.databaseHash != nil { queue.append(.hash) }
    } else {
      queue.append(.services(from: 1))
    }
    if pending == .exchangeMTU { return [] }
    // A cache without hash is all there is to know.
    return queue.isEmpty ? exchanged() : next()
  }

  /// Reads a characteristic, however long its value is. As every request, it fails with Database Out Of Sync (0x12) while
  /// the client does not know the handles.
  package mutating func read(_ characteristic: GATTCharacteristic) -> [GATTOutput] {
    enqueue(.read(characteristic, soFar: []))
  }

  /// Writes a characteristic, with or without an acknowledgement. With one, a value that does not fit a PDU goes in parts, up
  /// to 512 octets; a command must fit.
  package mutating func write(
    _ characteristic: GATTCharacteristic, _ value: [UInt8], withResponse: Bool
  ) -> [GATTOutput] {
    let limit = withResponse ? GATTClient.longestValue : mtu - 3
    guard value.count <= limit else { return [.writeFailed(characteristic, ATTErrorCode.invalidLength)] }
    return enqueue(withResponse ? .write(characteristic, value) : .writeCommand(characteristic, value))
  }

  /// Writes the client characteristic configuration: notifications (1) or indications (2).
  package mutating func subscribe(_ characteristic: GATTCharacteristic, indications: Bool) -> [GATTOutput] {
    guard characteristic.configurationHandle != nil else {
      return [.subscribeFailed(characteristic, ATTErrorCode.attributeNotFound)]
    }
    return enqueue(.subscribe(characteristic, indications ? 2 : 1))
  }

  /// The 30 s of the open transaction are over.
  package mutating func timedOut() -> [GATTOutput] {
    pending == nil ? [] : fail("the device did not answer within 30 s")
  }

  /// The caller sent the confirmations that were due. Eight indications without one end the link.
  package mutating func confirmed() { unconfirmed = 0 }

  /// The link is encrypted now: the request that waited for it is repeated.
  package mutating func securityRaised() -> [GATTOutput] {
    if needsEncryptionForServiceChanged {
      needsEncryptionForServiceChanged = false
      wantsServiceChanged = true
    }
    guard let request = parked else { return [] }
    parked = nil
    guard request != .forgotten else { return next() }
    repeated = request
    queue.insert(request, at: 0)
    return next()
  }

  /// The link could not be encrypted: the request that waited for it fails, the others go on.
  package mutating func securityRefused() -> [GATTOutput] {
    guard let request = parked else { return [] }
    parked = nil
    return refused(request, parkedCode)
  }

  private mutating func enqueue(_ request: GATTRequest) -> [GATTOutput] {
    guard !hasFailed else { return [] }
    guard isDiscovered else { return failure(of: request, ATTErrorCode.databaseOutOfSync) }
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
    while pending == nil, let request = nextRequest() {
      sent = pdu(request)
      sentMTU = mtu
      outputs.append(.transmit(sent))
      if case .writeCommand(let characteristic, _) = request {
        events.append(.written(characteristic))
      } else {
        pending = request
      }
    }
    return outputs + [pending == nil ? .stopTimer : .startTimer] + events
  }

  /// What is to be sent now: the caller's requests in their order, then the client's own subscription.
  private mutating func nextRequest() -> GATTRequest? {
    guard queue.isEmpty else {
      let request = queue.removeFirst()
      // Only now is it known how much fits.
      if case .write(let characteristic, let value) = request, value.count > mtu - 3 {
        return .prepare(characteristic, value, offset: 0)
      }
      return request
    }
    guard wantsServiceChanged, let characteristic = database.serviceChanged else { return nil }
    wantsServiceChanged = false
    return .serviceChanged(characteristic)
  }
}
