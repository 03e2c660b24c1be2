// What waits to be read is read before a timer runs out, however long the loop was held up.

import Glibc
import Testing

@testable import Platform

@Suite struct LoopOrderTests {
  /// A real pseudo-terminal, and a timer that is over.
  @Test(arguments: [1, 100]) func octetsThatWaitAreReadBeforeATimer(_ ports: Int) throws {
    let loop = try EventLoop(signals: [])
    var lines: [(device: Int32, port: Int32)] = []
    defer { for line in lines { for fd in [line.device, line.port] { Descriptor.close(fd) } } }
    var told: [String] = []
    var moments: [Int64] = []
    var moment: Int64 = 0
    loop.onWake { moment += 1 }
    for _ in 0..<ports {
      let (device, path) = try PseudoTerminal.open()
      let port = try SerialPort.open(path, LineSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1))
      lines.append((device, port))
      loop.watch(port, .read) { _ in
        guard case .octets(let octets) = Descriptor.read(port, count: 8) else { return }
        told.append("octets")
        moments.append(moment)
        _ = octets
      }
    }
    loop.onTimer {
      told.append("timer")
      loop.stop()
    }
    // The timer is over before the loop looks; each port has more than one reading takes.
    loop.wake(at: 1)
    for line in lines { _ = Descriptor.writeAll(line.device, Array("ST,+00072.15 kg\r\n".utf8)) }
    // The kernel hands octets over in its own time.
    for line in lines {
      var ready = pollfd(fd: line.port, events: Int16(POLLIN), revents: 0)
      #expect(poll(&ready, 1, 5000) == 1)
    }
    loop.run()
    #expect(told.last == "timer" && told.dropLast().allSatisfy { $0 == "octets" })
    #expect(told.count == 3 * ports + 1)
    #expect(Set(moments) == [1], "all in one moment")
  }

  /// One who never stops does not keep the timer waiting for ever.
  @Test func aPortThatBabblesDelaysATimerByABoundedAmount() throws {
    let loop = try EventLoop(signals: [])
    let (device, path) = try PseudoTerminal.open()
    let port = try SerialPort.open(path, LineSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1))
    defer { for fd in [device, port] { Descriptor.close(fd) } }
    var reads = 0
    loop.watch(port, .read) { _ in
      reads += 1
      _ = Descriptor.read(port, count: 8)
      _ = Descriptor.writeAll(device, Array("babble".utf8))
    }
    var ticks = 0
    loop.onTimer {
      ticks += 1
      loop.stop()
    }
    loop.wake(at: 1)
    _ = Descriptor.writeAll(device, Array("babble".utf8))
    loop.run()
    #expect(ticks == 1 && reads <= 65)
  }
}
