// A device's attributes across links (Bluetooth Core 5.4, volume 3 part G, 2.5.2, 7.1, 7.3): a cache is held against the
// database's hash, and Service Changed, Database Out Of Sync or a handle that is none make it worthless.

internal import Octets

extension GATTClient {
  /// The MTU is agreed on, or stays as it is: a cache without a hash is believed now.
  mutating func exchanged() -> [GATTOutput] {
    isGreeted = true
    if isGreeting { return next() + [.greeted] }
    return isCached && !isDiscovered && queue.isEmpty ? finishDiscovery() : next()
  }

  /// The answer to Read Using Characteristic UUID: one length octet, a handle, 16 octets. Anything else is no hash.
  mutating func foundHash(_ pdu: [UInt8]) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let size = try? reader.uint8("length"), size == 18, (try? reader.uint16("handle")) != nil,
      let octets = try? reader.take(16, "hash"), reader.isAtEnd
    else { return hashRefused() }
    let hash = Array(octets)
    guard isCached else {
      database.hash = hash
      return finishDiscovery()
    }
    if database.hash == hash { return finishDiscovery() }
    // It was read before what it tells of: should the database change meanwhile, the next link notices.
    discoverAnew(hash)
    return next()
  }

  /// The device has no hash, or does not give it: a cache that has one is not believed.
  mutating func hashRefused() -> [GATTOutput] {
    guard isCached else { return finishDiscovery() }
    discoverAnew(nil)
    return next()
  }

  /// A list ended. An end by anything but its end leaves a database that is no cache for another day.
  mutating func ended(_ code: UInt8) {
    // Some devices have their own idea of the regular end, or know no descriptors.
    let isRegular =
      code == ATTErrorCode.attributeNotFound || code == ATTErrorCode.invalidHandle
      || code == ATTErrorCode.requestNotSupported
    if !isRegular { database.isComplete = false }
  }

  /// Discovery has nothing left to ask: tells what it found, then what the device said meanwhile.
  mutating func finishDiscovery() -> [GATTOutput] {
    pending = nil
    // What was just found may be what Service Changed told of, or be over already: only a new search knows.
    if let place = early.firstIndex(where: isServiceChanged) {
      early.remove(at: place)
      return [.unknownIndication] + rediscover()
    }
    if isCached, early.contains(where: isUnknown) { return rediscover() }
    isDiscovered = true
    var outputs = next() + [.discovered(database)]
    wantsServiceChanged = isBonded && database.serviceChanged?.configurationHandle != nil
    let waiting = early
    early = []
    for pdu in waiting { outputs += value(pdu) }
    return outputs
  }

  /// True for an indication of Service Changed.
  func isServiceChanged(_ pdu: [UInt8]) -> Bool {
    guard pdu.first == ATTOpcode.indication, let characteristic = database.serviceChanged else { return false }
    return ATTPDU.handle(pdu) == characteristic.valueHandle
  }

  /// True for a value of a handle that the database does not have.
  private func isUnknown(_ pdu: [UInt8]) -> Bool {
    guard let handle = ATTPDU.handle(pdu) else { return false }
    return database.find(valueHandle: handle) == nil
  }

  private mutating func discoverAnew(_ hash: [UInt8]?) {
    isDiscovered = false
    isCached = false
    wantsServiceChanged = false
    services = []
    database = GATTDatabase()
    database.hash = hash
    queue = [.services(from: 1)]
  }

  /// What was known counts no more. A request that is open keeps its turn on the link until its answer comes; `refused` is
  /// over, and what was prepared for it is taken back.
  mutating func rediscover(after refused: GATTRequest? = nil) -> [GATTOutput] {
    if refused != nil { pending = nil }
    rediscoveries += 1
    guard rediscoveries <= GATTClient.mostRediscoveries else {
      return fail("the device changes its attributes again and again")
    }
    discoverAnew(nil)
    if let request = refused ?? pending ?? parked, request.hasPrepared { queue.insert(.forget, at: 0) }
    if parked != nil {
      parked = .forgotten
      return [.databaseChanged]
    }
    guard let request = pending else { return [.databaseChanged] + next() }
    // The agreement on the MTU is worth its answer all the same.
    if request != .exchangeMTU { pending = .forgotten }
    return [.databaseChanged]
  }
}
