// Programs that do not read what they are given: the loop never waits for them.

import Glibc
import Platform
import Testing

@Suite struct ChildInputTests {
  private let loop: EventLoop
  /// Far more than a pipe holds (64 KiB).
  private let long = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 % 251) }

  init() throws { loop = try EventLoop(signals: []) }

  private func start(_ script: String, _ octets: [UInt8]) throws -> (ChildProcess, ChildInput) {
    let input = try ChildInput(loop, octets)
    let child = try ChildProcess.spawn(
      "/bin/sh", ["-c", script], environment: ["PATH=/usr/bin:/bin"], passing: input.readEnd)
    input.begin()
    return (child, input)
  }

  /// Runs the loop until nothing of the input waits.
  private func untilTaken(_ input: ChildInput) {
    loop.onTimer { [loop] in
      if input.waiting == 0 { loop.stop() } else { loop.wake(at: Clocks.monotonic() + 1) }
    }
    loop.wake(at: Clocks.monotonic())
    loop.run()
  }

  /// How a child ended: its exit status, or the signal; waits for it.
  private func end(of child: ChildProcess) -> Int32 {
    var status: Int32 = -1
    while waitpid(child.pid, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 : status & 0x7F
  }

  @Test func aProgramThatReadsGetsEverything() throws {
    let path = "/tmp/hearth-child-input-\(getpid())"
    let (child, input) = try start("cat <&3 >\(path)", long)
    untilTaken(input)
    #expect(end(of: child) == 0)
    #expect(SmallFile.read(path, atMost: 1 << 20) == long)
    unlink(path)
  }

  @Test func aProgramThatNeverReadsStopsNobody() throws {
    let (child, input) = try start("exec sleep 60", long)
    // The pipe is full, and the loop goes on.
    #expect(input.waiting > 0)
    var turns = 0
    loop.onTimer { [loop] in
      turns += 1
      if turns == 5 { loop.stop() } else { loop.wake(at: Clocks.monotonic()) }
    }
    loop.wake(at: Clocks.monotonic())
    loop.run()
    #expect(turns == 5 && input.waiting > 0)
    // Its time is over: what it did not take is dropped.
    input.close()
    #expect(input.waiting == 0)
    child.kill()
    #expect(end(of: child) == SIGKILL)
  }

  @Test func aProgramThatClosesItsInputIsLeftAlone() throws {
    let (child, input) = try start("exec 3<&-; exec sleep 60", long)
    // The loop hears that the other end is closed, and nobody is killed by SIGPIPE.
    untilTaken(input)
    child.kill()
    #expect(end(of: child) == SIGKILL)
  }

  @Test func aPipeThatNobodyKeepsIsClosed() throws {
    var input: ChildInput? = try ChildInput(loop, long)
    let reader = dup(input?.readEnd ?? -1)
    input?.begin()
    input = nil
    // What the pipe held comes, then the end.
    var count = 0
    while case .octets(let octets) = Descriptor.read(reader, count: 65_536) { count += octets.count }
    #expect(count > 0 && count < long.count)
    Descriptor.close(reader)
  }
}
