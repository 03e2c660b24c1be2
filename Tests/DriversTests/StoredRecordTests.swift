// What oximeters recorded while nobody listened: read once, placed in time as well as it can be, erased only when a technician
// asks and everything is on disk. And the continuous mode of live ones.

import Drivers
import Octets
import Readings
import Testing

struct StoredRecordTests {
  private static let hub = DeviceDateTime(year: 2026, month: 11, day: 21, hours: 8, minutes: 15, seconds: 30)

  private func driver(_ id: String) throws -> any Driver {
    try #require(Registry.profile(id: id)).make(DriverContext(localTime: StoredRecordTests.hub, storedRecords: true))
  }

  private func readings(_ actions: [DriverAction]) -> [DeviceReading] {
    actions.compactMap { if case .reading(let reading) = $0 { reading } else { nil } }
  }

  private func answers(_ actions: [DriverAction]) -> [DriverAnswer] {
    actions.compactMap { if case .answer(let answer) = $0 { answer } else { nil } }
  }

  private func commands(_ actions: [DriverAction]) -> [UInt8] {
    actions.compactMap { if case .transmit(let octets) = $0 { octets.count == 9 ? octets[2] : nil } else { nil } }
  }

  /// A V7 device with one segment of twelve seconds, dated when it has a clock. Gives what the driver did.
  private func answer(_ driver: inout any Driver, _ begun: [DriverAction], hasClock: Bool = true) throws
    -> [DriverAction]
  {
    let start = hasClock ? "07808080949a8b95" + "1280808087889e80" : "0780808080808080" + "1280808080808080"
    let answers: [UInt8: String] = [
      0xA7: "0c80", 0xA2: "0c80", 0xA0: "06808087", 0xB0: "118181818080808080", 0xAC: "0e8081",
      0xA8: "0281ffaba0a0a0a0a0", 0xA9: "0380a0a0a0a0a0a0a0", 0xAA: "0480f5f3e5f2a0a0a0", 0xA3: "0a808081",
      0xA4: "0880808098808080", 0xA5: start,
      0xA6: String(repeating: "0f80e2c7e2c7e2c7", count: 4), 0xAE: "0b80ae80", 0xA1: "01e085ae95c1e1ffff",
    ]
    var done = begun
    var index = 0
    let mayAsk = 40
    while index < commands(done).count, index < mayAsk {
      let command = commands(done)[index]
      index += 1
      guard let text = answers[command] else { continue }
      let actions = driver.handle(.received(try Hex.decode(text)))
      done += actions
      if !readings(actions).isEmpty { done += driver.handle(.committed) }
    }
    return done
  }

  @Test func aSegmentThatIsOnDiskIsNotReadAgainWhileThePortIsOpen() throws {
    var oximeter = try driver("contec-v7")
    let first = try answer(&oximeter, oximeter.handle(.opened))
    #expect(readings(first).count == 1)
    #expect(readings(first).first?.time == .local(DeviceDateTime(2026, 11, 21, 7, 8, 39)))
    #expect(commands(first).contains(0xA6))
    // Nothing is heard for a while: it was switched off and on.
    _ = oximeter.handle(.timer(2))
    let second = try answer(&oximeter, oximeter.handle(.timer(2)))
    #expect(commands(second).contains(0xA5) && !commands(second).contains(0xA6))
    #expect(readings(second).isEmpty)
    #expect(commands(second).last == 0xA1, "live data again")
  }

  @Test func aRecordWithoutClockIsReadAgainAndItsTimeIsAnEstimate() throws {
    var oximeter = try driver("contec-v7")
    let first = try answer(&oximeter, oximeter.handle(.opened), hasClock: false)
    let reading = try #require(readings(first).first)
    #expect(reading.flags == [.estimatedTime])
    _ = oximeter.handle(.timer(2))
    let second = try answer(&oximeter, oximeter.handle(.timer(2)), hasClock: false)
    #expect(readings(second).first?.raw == reading.raw && readings(second).first?.recordNumber == reading.recordNumber)
  }

  @Test func aTechnicianMayEraseWhatIsOnDiskAndNothingElse() throws {
    var oximeter = try driver("contec-v7")
    let early = oximeter.handle(.request(.deleteStored))
    #expect(commands(early) == [])
    #expect(answers(early).count == 1)
    let read = try answer(&oximeter, oximeter.handle(.opened))
    #expect(!commands(read).contains(0xAE), "never by itself")
    #expect(answers(oximeter.handle(.request(.countStored))) == [.storedCount(1)])
    let erased = try answer(&oximeter, oximeter.handle(.request(.deleteStored)))
    #expect(commands(erased) == [0xAE])
    #expect(answers(erased) == [.storedDeleted])
  }

  @Test func nothingIsErasedBeforeTheDiskHasIt() throws {
    var oximeter = try driver("contec-v7")
    _ = try answer(&oximeter, oximeter.handle(.opened))
    // A download whose reading the disk has not taken yet.
    _ = oximeter.handle(.timer(2))
    _ = oximeter.handle(.timer(2))
    _ = oximeter.handle(.received(try Hex.decode("0880808098808080" + String(repeating: "0f80e2c5e2c5e2c5", count: 4))))
    let actions = oximeter.handle(.request(.deleteStored))
    #expect(commands(actions).isEmpty && answers(actions).count == 1)
  }

  @Test func anOldContecGivesEstimates() throws {
    var samples = try Hex.decode("f28000f28000f28000808026")
    for _ in 0..<13 { samples += try Hex.decode("f0c461") }
    var plus = try driver("contec-v5")
    #expect(plus.handle(.opened).first == .transmit([0xF5, 0xF5]))
    let reading = try #require(readings(plus.handle(.received(samples))).first)
    #expect(reading.flags == [.estimatedTime])
    // Thirteen samples ended when the session began; the tenth of them.
    #expect(reading.time == .local(DeviceDateTime(2026, 11, 21, 8, 15, 26)))
    var withStart = try Hex.decode("f29505f29505f29505")
    for _ in 0..<13 { withStart += try Hex.decode("f0c461") }
    var old = try driver("contec-v5")
    _ = old.handle(.opened)
    let yesterday = try #require(readings(old.handle(.received(withStart))).first)
    #expect(yesterday.time == .local(DeviceDateTime(2026, 11, 20, 21, 5, 9)), "21:05 was yesterday")
    #expect(yesterday.flags == [.estimatedTime])
  }

  @Test func theContinuousModeGivesAReadingEachInterval() throws {
    let frame = try Hex.decode("01e085ae95c1e1ffff")
    var oximeter = try #require(Registry.profile(id: "contec-v7")).make(DriverContext(continuousInterval: 60))
    var moments: [Int] = []
    for second in 1...200 {
      let octets = (0..<60).flatMap { _ in frame }
      if !readings(oximeter.handle(.received(octets))).isEmpty { moments.append(second) }
    }
    #expect(moments == [10, 70, 130, 190])
  }
}

extension DeviceDateTime {
  fileprivate init(_ year: UInt16, _ month: UInt8, _ day: UInt8, _ hours: UInt8, _ minutes: UInt8, _ seconds: UInt8) {
    self.init(year: year, month: month, day: day, hours: hours, minutes: minutes, seconds: seconds)
  }
}
