// A recording acts as its device: it keeps what was not confirmed and gives it again over the next link.

import Octets
import Playback
import Testing

private let capture = """
  # device: a cuff
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  # characteristic: 180A/2A29 read "A&D"
  @ 100
  < 1810/2A35 1e 80 00 {datetime} 01
  @ 200
  < 1810/2A35 02
  """

private let clock: [UInt8] = [0xEA, 7, 11, 21, 8, 15, 30]

private func device(_ text: String = capture) throws -> PlaybackDevice { PlaybackDevice(try CaptureFile(text), at: 0) }

@Suite struct PlaybackDeviceTests {
  @Test func itIsOnTheAirWhenItHasMeasured() throws {
    var cuff = try device()
    #expect(cuff.nextTime == 100)
    #expect(cuff.advance(to: 50, localTime: clock).isEmpty)
    #expect(cuff.advance(to: 100, localTime: clock) == [.inRange])
  }

  @Test func oneIndicationAtATimeAndAgainWithoutConfirmation() throws {
    var cuff = try device()
    _ = cuff.advance(to: 250, localTime: clock)
    cuff.connect(at: 300)
    // Service 1, declaration 2, value 3, configuration 4.
    let sent = cuff.received([0x12, 4, 0, 2, 0], at: 301)
    #expect(sent == [.send([0x13]), .send([0x1D, 3, 0, 0x1E, 0x80, 0] + clock + [1])])
    #expect(cuff.received([0x0A, 7, 0], at: 302) == [.send([0x0B] + Array("A&D".utf8))])
    cuff.disconnected(at: 303)
    #expect(cuff.advance(to: 1400, localTime: clock) == [.inRange])
    cuff.connect(at: 1500)
    #expect(cuff.received([0x12, 4, 0, 2, 0], at: 1501) == sent)
    #expect(cuff.received([0x1E], at: 1502) == [.send([0x1D, 3, 0, 2])])
    #expect(cuff.received([0x1E], at: 1503).isEmpty)
    #expect(cuff.advance(to: 2600, localTime: clock).contains(.disconnect))
  }

  @Test func discoveryIsAnswered() throws {
    var cuff = try device()
    cuff.connect(at: 0)
    #expect(
      cuff.received([0x10, 1, 0, 0xFF, 0xFF, 0, 0x28], at: 1) == [
        .send([0x11, 6, 1, 0, 4, 0, 0x10, 0x18, 5, 0, 7, 0, 0x0A, 0x18])
      ])
    #expect(cuff.received([0x08, 1, 0, 4, 0, 3, 0x28], at: 1) == [.send([0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A])])
    #expect(cuff.received([0x04, 4, 0, 4, 0], at: 1) == [.send([0x05, 1, 4, 0, 2, 0x29])])
    for opcode in UInt8.min...UInt8.max { _ = cuff.received([opcode, 0xFF, 0xFF, 0xFF], at: 2) }
    for opcode in UInt8.min...UInt8.max { _ = cuff.received([opcode], at: 2) }
  }

  @Test func aSerialRecordingKeepsItsTimes() throws {
    var port = try device("# transport: serial\n@ 10\n< 53542c\n@ 20\n< 0d0a\n")
    port.connect(at: 0)
    #expect(port.advance(to: 10, localTime: clock) == [.send([0x53, 0x54, 0x2C])])
    #expect(port.advance(to: 30, localTime: clock).first == .send([0x0D, 0x0A]))
  }

  @Test(arguments: [
    ("hello", 1), ("@ x", 1), ("# transport: smoke", 1), ("# a: b\n< 1z", 2), ("@ 1\n\n< 1810/2A35 {now}", 3),
    ("# characteristic: 1810", 1),
    ("# characteristic: 1810/2A35 shout", 1), ("# repeat: 0", 1),
  ])
  func aFaultNamesItsLine(text: String, line: Int) {
    do {
      _ = try CaptureFile(text)
      Issue.record("taken")
    } catch { #expect(error.line == line) }
  }
}
