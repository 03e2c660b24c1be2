// A recording acts as its device: it keeps what was not confirmed and gives it again over the next link.

import Octets
import Playback
import Testing

private let capture = """
  # device: a cuff
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  # characteristic: 1810/2A36 notify
  # characteristic: 180A/2A29 read "A&D"
  # characteristic: 1805/2A2B read,write {datetime}060000
  @ 100
  < 1810/2A36 05
  < 1810/2A35 1e 80 00 {datetime} 01
  @ 200
  < 1810/2A35 02
  """

/// Handles: 1 service 1810, 2-4 2A35 with its configuration, 5-7 2A36, 8 service 180A, 9-10 2A29, 11 service 1805, 12-13 2A2B.
private let subscribe: [UInt8] = [0x12, 4, 0, 2, 0]
private let clock: [UInt8] = [0xEA, 7, 11, 21, 8, 15, 30]

private func device(_ text: String = capture) throws -> PlaybackDevice { PlaybackDevice(try CaptureFile(text), at: 0) }

struct PlaybackDeviceTests {
  @Test func itIsOnTheAirWhenItHasMeasured() throws {
    var cuff = try device()
    #expect(cuff.nextTime == 100)
    #expect(cuff.advance(to: 50, localTime: clock).isEmpty)
    #expect(Set(cuff.advance(to: 100, localTime: clock)) == [.inRange])
    // Once a second, until somebody connects.
    #expect(cuff.nextTime == 200)
    _ = cuff.advance(to: 200, localTime: clock)
    #expect(cuff.nextTime == 1200)
    #expect(cuff.advance(to: 1200, localTime: clock) == [.inRange])
    cuff.connect(at: 1300)
    #expect(cuff.nextTime == nil)
  }

  @Test func oneIndicationAtATimeAndAgainWithoutConfirmation() throws {
    var cuff = try device()
    _ = cuff.advance(to: 250, localTime: clock)
    cuff.connect(at: 300)
    let sent = cuff.received(subscribe, at: 301)
    #expect(sent == [.send([0x13]), .send([0x1D, 3, 0, 0x1E, 0x80, 0] + clock + [1])])
    #expect(cuff.received([0x0A, 10, 0], at: 302) == [.send([0x0B] + Array("A&D".utf8))])
    cuff.disconnected(at: 303)
    #expect(cuff.advance(to: 1400, localTime: clock) == [.inRange])
    // Over the next link nothing comes before it is subscribed again; then the same record comes first.
    cuff.connect(at: 1500)
    #expect(cuff.received([0x1E], at: 1500).isEmpty)
    #expect(cuff.received(subscribe, at: 1501) == sent)
    #expect(cuff.received([0x1E], at: 1502) == [.send([0x1D, 3, 0, 2])])
    #expect(cuff.received([0x1E], at: 1503).isEmpty)
    #expect(cuff.advance(to: 2502, localTime: clock).isEmpty)
    #expect(cuff.advance(to: 2503, localTime: clock).contains(.disconnect))
    #expect(cuff.advance(to: 2504, localTime: clock).isEmpty)
  }

  @Test func aMeasurementDuringTheLinkIsSentAtItsTime() throws {
    var cuff = try device()
    _ = cuff.advance(to: 100, localTime: clock)
    cuff.connect(at: 110)
    _ = cuff.received(subscribe, at: 120)
    _ = cuff.received([0x1E], at: 130)
    #expect(cuff.advance(to: 199, localTime: clock).isEmpty)
    #expect(cuff.advance(to: 200, localTime: clock) == [.send([0x1D, 3, 0, 2])])
  }

  @Test func aStreamThatNobodySubscribedToHoldsNothingUp() throws {
    var cuff = try device()
    _ = cuff.advance(to: 250, localTime: clock)
    cuff.connect(at: 300)
    _ = cuff.received(subscribe, at: 301)
    _ = cuff.received([0x1E], at: 302)
    _ = cuff.received([0x1E], at: 303)
    #expect(cuff.advance(to: 1303, localTime: clock) == [.disconnect, .ended])
  }

  @Test func theClockIsReadAndSet() throws {
    var cuff = try device()
    cuff.connect(at: 0)
    #expect(cuff.received([0x0A, 13, 0], at: 1, localTime: clock) == [.send([0x0B] + clock + [6, 0, 0])])
    let set: [UInt8] = [0xEA, 7, 1, 2, 3, 4, 5, 0, 0, 1]
    #expect(cuff.received([0x12, 13, 0] + set, at: 2) == [.send([0x13])])
    #expect(cuff.received([0x0A, 13, 0], at: 3, localTime: clock) == [.send([0x0B] + set)])
  }

  @Test func requestsOfNonsenseAreRefused() throws {
    var cuff = try device()
    #expect(cuff.received([0x0A, 10, 0], at: 0).isEmpty)
    cuff.connect(at: 0)
    #expect(cuff.received([0x0A, 99, 0], at: 1) == [.send([0x01, 0x0A, 99, 0, 0x01])])
    #expect(cuff.received([0x0A, 3, 0], at: 1) == [.send([0x01, 0x0A, 3, 0, 0x02])])
    #expect(cuff.received([0x12, 10, 0, 1], at: 1) == [.send([0x01, 0x12, 10, 0, 0x03])])
    #expect(cuff.received([0x12, 4, 0, 1], at: 1) == [.send([0x01, 0x12, 4, 0, 0x0D])])
    #expect(cuff.received([0x0C, 10, 0, 4, 0], at: 1) == [.send([0x01, 0x0C, 10, 0, 0x07])])
    #expect(cuff.received([0x16, 1, 0], at: 1) == [.send([0x01, 0x16, 0, 0, 0x06])])
    for opcode in UInt8.min...UInt8.max {
      for count in 0..<6 { _ = cuff.received([opcode] + [UInt8](repeating: 0xFF, count: count), at: 2) }
    }
  }

  @Test func aSessionCanBeginAgain() throws {
    var port = try device("# transport: serial\n# repeat: 1000\n@ 10\n< 5354\n")
    port.connect(at: 0)
    var sent: [Int64] = []
    while let time = port.nextTime, time < 3500 {
      if port.advance(to: time, localTime: clock).contains(.send([0x53, 0x54])) { sent.append(time) }
    }
    #expect(sent == [10, 1010, 2010, 3010])
  }

  @Test func aSerialRecordingKeepsItsTimes() throws {
    var port = try device("# transport: serial\n@ 10\n< 53542c\n@ 20\n< 0d0a\n")
    port.connect(at: 0)
    #expect(port.nextTime == 10)
    #expect(port.advance(to: 10, localTime: clock) == [.send([0x53, 0x54, 0x2C])])
    #expect(port.advance(to: 19, localTime: clock).isEmpty)
    #expect(port.advance(to: 20, localTime: clock).first == .send([0x0D, 0x0A]))
  }

  @Test func advertisementsComeAsServiceData() throws {
    var scale = try device("# transport: advertisement\n@ 10\n< adv/181D 229e43\n")
    #expect(scale.advance(to: 10, localTime: clock) == [.advertise(service: 0x181D, [0x22, 0x9E, 0x43]), .ended])
    #expect(scale.nextTime == nil)
  }

  @Test func whatNobodyFetchesDoesNotGrowForEver() throws {
    var cuff = try device(
      "# transport: gatt\n# repeat: 10\n# characteristic: 1810/2A35 indicate\n@ 1\n< 1810/2A35 02\n")
    for time in 0..<Int64(20_000) { _ = cuff.advance(to: time, localTime: clock) }
    cuff.connect(at: 20_000)
    var records = 0
    var outputs = cuff.received(subscribe, at: 20_000)
    while outputs.contains(.send([0x1D, 3, 0, 2])) {
      records += 1
      outputs = cuff.received([0x1E], at: 20_000)
    }
    #expect(records == 250)
  }
}
