// A device's attributes across links: the cache is believed as long as the device says nothing else, and never longer.

import GATT
import Octets
import Testing

struct CacheTests {
  private let hashRequest: [UInt8] = [0x08, 1, 0, 0xFF, 0xFF, 0x2A, 0x2B]

  @Test func theFirstLinkFindsEverythingAndTheHash() {
    let cache = BondedCuff.cache()
    #expect(cache.hash == [UInt8](repeating: 0xA1, count: 16))
    #expect(cache.isComplete)
    #expect(cache.characteristics.map(\.valueHandle) == [3, 6, 9])
    #expect(cache.characteristics.map(\.configurationHandle) == [4, nil, 10])
  }

  @Test func anEqualHashSparesDiscovery() {
    let cache = BondedCuff.cache()
    var client = GATTClient()
    var cuff = BondedCuff()
    let events = cuff.converse(&client, client.start(cached: cache))
    #expect(cuff.asked == [[0x02, 0x05, 0x02], hashRequest])
    #expect(events == [.discovered(cache)])
  }

  @Test func aDeviceWithoutAHashIsBelievedAtOnce() {
    var client = GATTClient()
    let cache = Cuff.discovered().database
    #expect(client.start(cached: cache) == [.transmit([0x02, 0x05, 0x02]), .startTimer])
    #expect(client.receive([0x03, 185, 0]) == [.stopTimer, .discovered(cache)])
    // One that knows no MTU request, too.
    var old = GATTClient()
    _ = old.start(cached: cache)
    #expect(old.receive([0x01, 0x02, 0, 0, 0x06]) == [.stopTimer, .discovered(cache)])
  }

  @Test func anEmptyCacheIsNone() {
    var client = GATTClient()
    _ = client.start(cached: GATTDatabase())
    #expect(client.receive([0x03, 23, 0]).sent == [[0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28]])
  }

  @Test func anotherHashMeansDiscovery() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    cuff.update()
    let events = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    #expect(events == [.discovered(client.database)])
    #expect(try #require(client.measurement).valueHandle == 13)
    // The hash that was read first is kept: it is asked for once.
    #expect(client.database.hash == cuff.hash)
    #expect(cuff.asked.filter { $0 == hashRequest }.count == 1)
  }

  @Test(
    arguments: [
      [0x01, 0x08, 1, 0, 0x0A], [0x01, 0x08, 1, 0, 0x0E], [0x01, 0x08, 1, 0, 0x05], [0x09], [0x09, 18, 6, 0, 1, 2],
      [0x09, 4, 6, 0, 1, 2], [0x09, 18, 6, 0] + [UInt8](repeating: 0xA1, count: 17),
    ] as [[UInt8]]) func aHashThatIsNoneMeansDiscovery(_ answer: [UInt8])
  {
    var client = GATTClient()
    _ = client.start(cached: BondedCuff.cache())
    _ = client.receive([0x03, 23, 0])
    #expect(client.receive(answer) == [.transmit([0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28]), .startTimer])
    #expect(client.database.characteristics.isEmpty)
  }

  @Test func serviceChangedIsSubscribedToBehindTheDriversFirstRequest() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    let measurement = try #require(client.measurement)
    #expect(client.subscribe(measurement, indications: true).sent == [[0x12, 10, 0, 2, 0]])
    #expect(
      client.receive([0x13]) == [.transmit([0x12, 4, 0, 2, 0]), .startTimer, .subscribed(measurement)])
    // Whether it is acknowledged or refused: nobody else hears of it, and it is not asked again.
    #expect(client.receive([0x01, 0x12, 4, 0, 0x03]) == [.stopTimer])
    _ = client.read(measurement)
    #expect(client.receive([0x0B, 1]) == [.stopTimer, .readDone(measurement, [1])])
  }

  @Test func serviceChangedIsNoReasonToPairButIsAskedForOnceTheLinkIsEncrypted() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    let measurement = try #require(client.measurement)
    _ = client.read(measurement)
    _ = client.receive([0x0B, 1])
    #expect(client.receive([0x01, 0x12, 4, 0, 0x0F]) == [.stopTimer])
    _ = client.subscribe(measurement, indications: true)
    #expect(client.receive([0x01, 0x12, 10, 0, 0x05]) == [.stopTimer, .securityRequired(0x05)])
    #expect(client.securityRaised().sent == [[0x12, 10, 0, 2, 0]])
    #expect(client.receive([0x13]).sent == [[0x12, 4, 0, 2, 0]])
  }

  @Test func aDeviceWithoutABondIsAskedNothingMore() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(isBonded: false))
    let measurement = try #require(client.measurement)
    _ = client.subscribe(measurement, indications: true)
    #expect(client.receive([0x13]) == [.stopTimer, .subscribed(measurement)])
  }

  @Test func serviceChangedInTheMiddleForgetsWhatWasAskedAndBeginsAgain() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    let measurement = try #require(client.measurement)
    _ = client.subscribe(measurement, indications: true)
    _ = client.read(measurement)
    cuff.update()
    #expect(client.receive([0x1D, 3, 0, 1, 0, 0xFF, 0xFF]) == [.unknownIndication, .databaseChanged])
    // Meanwhile nothing can be asked.
    #expect(client.read(measurement) == [.readFailed(measurement, 0x12)])
    // The answer to the open request is awaited, because there is one at a time, and means nothing.
    let outputs = client.receive([0x13])
    #expect(outputs.sent == [[0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28]] && outputs.events.isEmpty)
    let events = cuff.converse(&client, outputs)
    #expect(events == [.discovered(client.database)])
    #expect(client.measurement?.valueHandle == 13)
    #expect(client.subscribe(try #require(client.measurement), indications: true).sent == [[0x12, 14, 0, 2, 0]])
  }

  @Test func serviceChangedWhileTheHashIsAskedDropsTheCache() {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = client.start(cached: BondedCuff.cache())
    #expect(client.receive([0x1D, 3, 0, 1, 0, 0xFF, 0xFF]) == [.unknownIndication, .databaseChanged])
    // The MTU is still what the device says.
    let outputs = client.receive([0x03, 185, 0])
    #expect(client.mtu == 185)
    #expect(cuff.converse(&client, outputs) == [.discovered(client.database)])
  }

  @Test func serviceChangedDuringDiscoveryMeansAnotherOne() {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = client.start()
    _ = client.receive([0x1D, 3, 0, 1, 0, 0xFF, 0xFF])
    let events = cuff.converse(&client, client.receive([0x03, 185, 0]))
    #expect(events == [.unknownIndication, .databaseChanged, .discovered(client.database)])
  }

  @Test func serviceChangedWhilePairingWaitsForItsEnd() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    _ = client.subscribe(try #require(client.measurement), indications: true)
    _ = client.receive([0x01, 0x12, 10, 0, 0x05])
    #expect(client.receive([0x1D, 3, 0, 1, 0, 0xFF, 0xFF]) == [.unknownIndication, .databaseChanged])
    var refused = client
    for outputs in [client.securityRaised(), refused.securityRefused()] {
      #expect(outputs == [.transmit([0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28]), .startTimer])
    }
  }

  @Test(arguments: [UInt8(0x01), 0x12]) func aCachedHandleThatIsNoneDropsTheCache(_ code: UInt8) throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    _ = client.subscribe(try #require(client.measurement), indications: true)
    cuff.update()
    let outputs = client.receive([0x01, 0x12, 10, 0, code])
    #expect(outputs == [.databaseChanged, .transmit([0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28]), .startTimer])
    #expect(cuff.converse(&client, outputs).last == .discovered(client.database))
    // What discovery found is not doubted: the driver hears of the error.
    let measurement = try #require(client.measurement)
    _ = client.subscribe(measurement, indications: true)
    #expect(client.receive([0x01, 0x12, 14, 0, 0x01]).events == [.subscribeFailed(measurement, 0x01)])
  }

  @Test func aReadingUnderAnUnknownHandleOutlivesTheCache() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    cuff.update()
    let outputs = client.receive([0x1D, 13, 0, 0x00, 120, 0])
    #expect(outputs.events == [.databaseChanged])
    let events = cuff.converse(&client, outputs)
    let measurement = try #require(client.measurement)
    #expect(
      events.suffix(2) == [.discovered(client.database), .value(measurement, [0x00, 120, 0], isIndication: true)])
    // After a discovery nobody knows such a handle: it is confirmed.
    #expect(client.receive([0x1D, 99, 0, 1]) == [.unknownIndication])
  }

  @Test func aReadingBeforeTheHashIsKnownIsHeldAgainstTheRightHandles() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    let outputs = client.start(cached: BondedCuff.cache())
    #expect(client.receive([0x1D, 9, 0, 0x00, 120, 0]).isEmpty)
    let events = cuff.converse(&client, outputs)
    let measurement = try #require(client.measurement)
    #expect(events == [.discovered(client.database), .value(measurement, [0x00, 120, 0], isIndication: true)])
  }

  @Test func aReadingUnderAnUnknownHandleBeforeTheCacheIsBelievedDropsIt() throws {
    var client = GATTClient()
    var cuff = BondedCuff()
    let outputs = client.start(cached: BondedCuff.cache())
    cuff.update()
    cuff.hash = [UInt8](repeating: 0xA1, count: 16)
    #expect(client.receive([0x1D, 13, 0, 0x00, 120, 0]).isEmpty)
    // The device forgot to change its hash. The driver hears of the right handles only.
    let events = cuff.converse(&client, outputs)
    let measurement = try #require(client.measurement)
    #expect(
      events == [
        .databaseChanged, .discovered(client.database), .value(measurement, [0x00, 120, 0], isIndication: true),
      ])
  }

  @Test func aDeviceThatChangesForEverLosesItsLink() {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    var changes = 0
    var outputs: [GATTOutput] = []
    while outputs.failure == nil, changes < 100 {
      outputs = client.receive([0x1D, 3, 0, 1, 0, 0xFF, 0xFF])
      client.confirmed()
      if outputs.failure == nil { _ = cuff.converse(&client, outputs) }
      changes += 1
    }
    #expect(changes == 4)
  }

  @Test func whatWasRefusedDuringDiscoveryIsNoCache() {
    var client = GATTClient()
    _ = client.start()
    _ = client.receive([0x03, 23, 0])
    _ = client.receive([0x11, 6, 1, 0, 6, 0, 0x10, 0x18])
    _ = client.receive([0x01, 0x10, 7, 0, 0x0A])
    #expect(client.receive([0x01, 0x08, 1, 0, 0x05]).events == [.securityRequired(0x05)])
    #expect(client.securityRefused().events == [.discovered(client.database)])
    #expect(!client.database.isComplete)
  }
}
