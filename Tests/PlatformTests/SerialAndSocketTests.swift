// Ports, sockets and the loop, with real ptys and descriptors.

import CLinux
import Glibc
import Platform
import Testing

@Suite(.serialized) struct SerialAndSocketTests {
  @Test func lineSettingsAreWhatTheProtocolWants() throws {
    let scale = try #require(SerialPort.controlFlags(LineSettings(baud: 2400, dataBits: 7, parity: "E", stopBits: 1)))
    #expect(scale.control & tcflag_t(CSIZE) == tcflag_t(CS7))
    #expect(scale.control & tcflag_t(PARENB) != 0 && scale.control & tcflag_t(PARODD) == 0)
    let oximeter = try #require(
      SerialPort.controlFlags(LineSettings(baud: 19_200, dataBits: 8, parity: "O", stopBits: 1)))
    #expect(oximeter.control & tcflag_t(PARODD) != 0)
    // A damaged octet cuts a frame of fixed length, and spoils a line of text.
    #expect(oximeter.input & tcflag_t(INPCK | IGNPAR) == tcflag_t(INPCK | IGNPAR))
    #expect(scale.input & tcflag_t(INPCK | IGNPAR | PARMRK | ISTRIP) == tcflag_t(INPCK))
    // 0x11 and 0x13 are packet types of an oximeter: software flow control would swallow them.
    #expect(oximeter.input & tcflag_t(IXON | IXOFF | IXANY) == 0)
    let cuff = try #require(SerialPort.controlFlags(LineSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 2)))
    #expect(cuff.control & tcflag_t(CSTOPB) != 0 && cuff.control & tcflag_t(CLOCAL | CREAD) == tcflag_t(CLOCAL | CREAD))
    #expect(SerialPort.controlFlags(LineSettings(baud: 12_345, dataBits: 8, parity: "N", stopBits: 1)) == nil)
  }

  /// What the port is asked for; a pseudo terminal has neither.
  @Test func modemLinesAndFlowControlAreWhatTheProfileSays() throws {
    var settings = LineSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1)
    #expect(try #require(SerialPort.controlFlags(settings)).control & 0o20_000_000_000 == 0)
    settings.hasHardwareFlow = true
    #expect(try #require(SerialPort.controlFlags(settings)).control & 0o20_000_000_000 != 0)
    // Closing a port drops nothing either: a device that lives on its lines goes on.
    #expect(try #require(SerialPort.controlFlags(settings)).control & tcflag_t(HUPCL) == 0)
    for (dtr, rts, bits) in [
      (true, true, TIOCM_DTR | TIOCM_RTS), (true, false, TIOCM_DTR), (false, true, TIOCM_RTS), (false, false, 0),
    ] {
      let (master, path) = try PseudoTerminal.open()
      var asked: [Int32] = []
      let line = LineSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1, dtr: dtr, rts: rts)
      let port = try SerialPort.open(path, line) { _, raised in asked.append(raised) }
      #expect(asked == [Int32(bits)])
      Descriptor.close(port)
      Descriptor.close(master)
    }
  }

  @Test func aPortThatIsUnpluggedEnds() throws {
    let (master, path) = try PseudoTerminal.open()
    let port = try SerialPort.open(path, LineSettings(baud: 2400, dataBits: 7, parity: "E", stopBits: 1))
    #expect(Descriptor.writeAll(master, Array("ST,\r\n".utf8)))
    #expect(Descriptor.wait(port, Int16(POLLIN), milliseconds: 10_000))
    #expect(Descriptor.read(port) == .octets(Array("ST,\r\n".utf8)))
    #expect(Descriptor.read(port) == .wouldBlock)
    Descriptor.close(master)
    #expect(Descriptor.wait(port, Int16(POLLIN), milliseconds: 10_000))
    #expect(Descriptor.read(port) == .end)
    Descriptor.close(port)
  }

  @Test func aPortThatIsTakenOrMissingSaysWhatToDo() throws {
    let (master, path) = try PseudoTerminal.open()
    let settings = LineSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1)
    let port = try SerialPort.open(path, settings)
    #expect(throws: SerialPort.Failure.self) { try SerialPort.open(path, settings) }
    do {
      _ = try SerialPort.open("/dev/ttyNOT", settings)
      Issue.record("opened")
    } catch {
      #expect(error.error.message.contains("/dev/ttyNOT"))
      #expect(error.hint.contains("plugged"))
    }
    #expect(throws: SerialPort.Failure.self) { try SerialPort.open("/dev/null", settings) }
    Descriptor.close(port)
    Descriptor.close(master)
  }

  @Test func aStaleSocketIsReplacedAndALivingOneIsNot() throws {
    let path = "/tmp/hearth-test-\(getpid()).sock"
    unlink(path)
    let first = try UnixSocket.listen(path, mode: 0o600, group: nil)
    #expect(throws: SystemError.self) { try UnixSocket.listen(path, mode: 0o600, group: nil) }
    Descriptor.close(first)
    let second = try UnixSocket.listen(path, mode: 0o600, group: nil)
    var status = stat()
    stat(path, &status)
    #expect(status.st_mode & 0o777 == 0o600)
    let client = try UnixSocket.connect(path)
    let accepted = try #require(UnixSocket.accept(second))
    #expect(UnixSocket.peer(accepted)?.uid == getuid())
    #expect(UnixSocket.peer(accepted)?.pid == getpid())
    for fd in [client, accepted, second] { Descriptor.close(fd) }
    unlink(path)
    let file = open(path, O_CREAT | O_RDWR, 0o600)
    close(file)
    #expect(throws: SystemError.self) { try UnixSocket.listen(path, mode: 0o600, group: nil) }
    unlink(path)
  }

  @Test func theLoopRunsMessagesOfOtherThreadsAndTimers() throws {
    let loop = try EventLoop(signals: [])
    let mailbox = try Mailbox<Int>()
    let worker = try WorkerThread(0)
    var received: [Int] = []
    var ticks = 0
    mailbox.attach(to: loop) { message in
      received.append(message)
      if received.count == 3 { loop.wake(at: Clocks.monotonic()) }
    }
    loop.onTimer {
      ticks += 1
      loop.stop()
    }
    for _ in 0..<3 {
      worker.run { state in
        state += 1
        mailbox.post(state)
      }
    }
    loop.run()
    worker.stop()
    #expect(received == [1, 2, 3])
    #expect(ticks == 1)
  }

  @Test func aSocketWhoseOtherSideWentIsToldAsGone() throws {
    let loop = try EventLoop(signals: [])
    let (client, server) = try UnixSocket.pair()
    defer { Descriptor.close(server) }
    var told: [EventLoop.Interest] = []
    loop.watch(server, .write) { ready in
      told.append(ready)
      if told.count == 1 {
        Descriptor.close(client)
        loop.change(server, .read)
      } else {
        loop.stop()
      }
    }
    loop.run()
    #expect(told == [[.write], [.read, .gone]])
  }

  @Test func linesAreBoundedAndSplitAnywhere() throws {
    let loop = try EventLoop(signals: [])
    let (client, server) = try UnixSocket.pair()
    Descriptor.setNonBlocking(server)
    let connection = try #require(LineConnection(loop, server))
    var lines: [[UInt8]] = []
    var isClosed = false
    connection.start(
      onLine: { line in
        lines.append(line)
        connection.send(line)
      },
      onClose: {
        isClosed = true
        loop.stop()
      })
    let writer = try WorkerThread(client)
    writer.run { fd in
      for piece in ["{\"a\"", ":1}\n\n{}", "\n"] { _ = Descriptor.writeAll(fd, Array(piece.utf8)) }
      _ = Descriptor.writeAll(fd, [UInt8](repeating: 0x78, count: 70_000))
    }
    loop.run()
    writer.stop()
    #expect(lines == [Array("{\"a\":1}".utf8), Array("{}".utf8)])
    #expect(isClosed)
    guard case .octets(let answer) = Descriptor.read(client, count: 65_536) else {
      Issue.record("no answer")
      return
    }
    #expect(String(decoding: answer, as: UTF8.self).contains("too-large"))
    Descriptor.close(client)
  }

  @Test func readinessIsTold() throws {
    let path = "/tmp/hearth-notify-\(getpid()).sock"
    unlink(path)
    let listener = cl_unix_datagram(path)
    setenv("NOTIFY_SOCKET", path, 1)
    ServiceManager.notify("READY=1")
    unsetenv("NOTIFY_SOCKET")
    #expect(Descriptor.read(listener) == .octets(Array("READY=1".utf8)))
    Descriptor.close(listener)
    unlink(path)
  }

  @Test func aSecretThatOthersCanReadIsRefused() throws {
    let path = "/tmp/hearth-secret-\(getpid())"
    try StateFile.write(Array("token\n".utf8), to: path)
    #expect(try SmallFile.secret(path).get() == "token")
    chmod(path, 0o644)
    #expect(throws: SecretError.self) { try SmallFile.secret(path).get() }
    unlink(path)
  }

  /// What stands there may be half of a secret, or something else: nothing of it is sent.
  @Test(arguments: [
    ("to\nken\n", "more than one line"), ("to\r\nken", "more than one line"), ("tøken\n", "ASCII"), ("\n", "empty"),
  ])
  func aSecretIsOneLineOfASCII(text: String, words: String) throws {
    let path = "/tmp/hearth-line-\(getpid())"
    try StateFile.write(Array(text.utf8), to: path)
    defer { unlink(path) }
    let error = #expect(throws: SecretError.self) { try SmallFile.secret(path).get() }
    #expect(
      error?.message.contains(words) == true && error?.message.contains("ken") == false, "\(error?.message ?? "")")
    try StateFile.write(Array("token\r\n".utf8), to: path)
    #expect(try SmallFile.secret(path).get() == "token")
  }

  @Test func whatIsReplacedIsOverwritten() throws {
    let path = "/tmp/hearth-replaced-\(getpid())"
    try StateFile.write(Array("patient".utf8), to: path)
    let old = try File(path, flags: O_RDONLY)
    try Shredder.replace(path, by: Array("other".utf8))
    #expect(try old.read(at: 0, count: 7) == [UInt8](repeating: 0, count: 7))
    #expect(try StateFile.read(path) == Array("other".utf8))
    #expect(access("\(path).old", F_OK) != 0)
    // What an end in between left goes, too.
    try StateFile.write(Array("older".utf8), to: "\(path).old")
    try Shredder.replace(path, by: [])
    #expect(access("\(path).old", F_OK) != 0)
    unlink(path)
  }

  @Test func aStateFileIsWholeAndPrivate() throws {
    let path = "/tmp/hearth-state-\(getpid())"
    try StateFile.write([1, 2, 3], to: path)
    try StateFile.write([4], to: path)
    #expect(try StateFile.read(path) == [4])
    var status = stat()
    stat(path, &status)
    #expect(status.st_mode & 0o777 == 0o600)
    unlink(path)
    #expect(try StateFile.read(path) == nil)
  }
}
