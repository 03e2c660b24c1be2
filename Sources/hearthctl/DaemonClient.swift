// The connection to the daemon: one request, its answer; or a subscription that goes on.

import ControlProtocol
import Glibc
import JSON
import Platform

struct DaemonClient {
  /// Readable when the daemon said something; for those who wait for other things too.
  let fd: Int32
  private let path: String
  private var buffer: [UInt8] = []
  /// So much of the buffer holds no line end.
  private var searched = 0
  /// How long an answer may take, in milliseconds: a slow disk is asked before some.
  static let patience: Int64 = 30_000
  /// The longest pause within a line, in milliseconds.
  private static let pause: Int64 = 2000
  /// The longest answer in octets: ten thousand readings fit.
  private static let longestAnswer = 64 << 20

  /// Connects; says what to do when nobody answers.
  init(_ arguments: Arguments) throws(Failure) {
    path = DaemonClient.path(arguments)
    do throws(SystemError) {
      fd = try UnixSocket.connect(path)
    } catch {
      switch error.errno {
      case EACCES, EPERM:
        throw Failure(
          status: 77, code: "not-permitted", message: "you may not speak to the daemon at \(path)",
          hint: "use sudo, or let an administrator add you to the group \(Accounts.groupOfSocket(path) ?? "hearth")")
      case ENAMETOOLONG:
        throw Failure.usage("the path of the socket is too long", hint: "at most 107 octets: --socket PATH")
      case EAGAIN:
        throw Failure(status: 75, code: "busy", message: "the daemon is busy", hint: "try again in a moment")
      default:
        throw Failure(
          status: 111, code: "not-running", message: "the daemon is not running (\(error.message))",
          hint: "systemctl start hearthd, then systemctl status hearthd; hearthctl doctor looks further")
      }
    }
    sayHello()
  }

  /// With sudo the daemon hears who called it. A daemon of an earlier version takes no notice: nobody waits for an answer.
  private func sayHello() {
    guard geteuid() == 0,
      let caller = SudoCaller(
        name: Environment.get("SUDO_USER"), uid: Environment.get("SUDO_UID").flatMap { UInt32($0) }),
      caller.uid != 0
    else { return }
    var parameters = JSONObject()
    if let name = caller.name { parameters["user"] = .string(name) }
    if let uid = caller.uid { parameters["uid"] = .int(Int(uid)) }
    let line = ControlMessage.notification(method: "hello", parameters: JSONValue.object(parameters).encoded())
    _ = Descriptor.writeAll(fd, line + [0x0A])
  }

  static func path(_ arguments: Arguments) -> String {
    if let path = arguments.value("--socket") ?? Environment.get("HEARTH_SOCKET") { return path }
    return (Environment.get("RUNTIME_DIRECTORY") ?? "/run/hearth") + "/hearthd.sock"
  }

  /// The first of some lists of objects that a request's result must hold, and the whole result.
  mutating func list(
    _ method: String, _ parameters: JSONValue = [:], of keys: String...
  ) throws(Failure) -> (whole: JSONValue, items: [JSONValue]) {
    let result = try call(method, parameters)
    for key in keys {
      guard let items = result[key]?.array, items.allSatisfy({ $0.object != nil }) else {
        throw notUnderstood("its answer to \(method) has no list of \(key)")
      }
    }
    return (result, keys.first.flatMap { result[$0]?.array } ?? [])
  }

  /// The daemon's own version.
  mutating func version() throws(Failure) -> String {
    guard let version = try call("version")["version"]?.string else {
      throw notUnderstood("its answer to version tells none")
    }
    return version
  }

  /// The next notification of a subscription; waits for ever, or until nobody reads what this program writes.
  mutating func notification() throws(Failure) -> (method: String, parameters: JSONValue) {
    while true {
      switch try next(until: nil) {
      case .notification(let method, let parameters):
        guard parameters.object != nil else { throw notUnderstood("what it says of a \(method) is no object") }
        return (method, parameters)
      case .answer(.failure(let error)): throw DaemonClient.failure(error)
      case .answer(.result): continue
      }
    }
  }

  /// An answer that is no daemon's of this version. It is never shown as if all were well.
  private func notUnderstood(_ why: String) -> Failure {
    Failure(
      status: 1, code: "bad-answer", message: "what answers at \(path) is not understood: \(why)",
      hint: "does the hearthd of the same package listen there? --socket names another")
  }

  /// The result of a request, an object.
  /// - Parameter patience: how long the answer may take, in milliseconds.
  mutating func call(
    _ method: String, _ parameters: JSONValue = [:], within patience: Int64 = DaemonClient.patience
  ) throws(Failure) -> JSONValue {
    try send(id: 1, method, parameters)
    let deadline = Clocks.monotonic() + patience
    while true {
      guard case .answer(let answer) = try next(until: deadline) else { continue }
      switch answer {
      case .result(let value):
        guard value.object != nil else { throw notUnderstood("its answer to \(method) is no object") }
        return value
      case .failure(let error): throw DaemonClient.failure(error)
      }
    }
  }

  /// A request's line; its answer bears the id.
  mutating func send(id: Int, _ method: String, _ parameters: JSONValue = [:]) throws(Failure) {
    guard Descriptor.writeAll(fd, ControlMessage.request(id: id, method: method, parameters: parameters) + [0x0A])
    else {
      // The daemon may have said why before it closed: it has too many connections.
      while true {
        if case .answer(.failure(let error))? = try received()?.reply { throw DaemonClient.failure(error) }
        try fill()
      }
    }
  }

  /// Ends the connection: the daemon forgets what it began for it.
  func close() { Descriptor.close(fd) }

  static func failure(_ error: ControlError) -> Failure {
    let status: Int32 =
      switch error.code {
      case "not-permitted": 77
      case "not-found", "unsupported-device", "device.cannot", "gone": 69
      case "patient.national-id": 65
      case "bad-parameters", "unknown-method", "invalid-request": 64
      case "busy", "journal.full", "journal.sync-failed", "journal.outcome-unknown", "state.write-failed",
        "bluetooth.starting":
        75
      case "pairing.not-heard", "pairing.no-answer", "pairing.timeout": 75
      case "bad-configuration": 78
      case let code where code.hasPrefix("bluetooth."): 69
      default: 1
      }
    return Failure(status: status, code: error.code, message: error.message, hint: error.hint)
  }

  private static var gone: Failure {
    Failure(
      status: 111, code: "not-running", message: "the daemon ended the connection", hint: "systemctl status hearthd")
  }

  /// The next line from the daemon; for ever without a deadline. What cannot become an answer is refused by its first octet,
  /// and a line that was begun is there at once: the daemon writes whole lines.
  private mutating func next(until deadline: Int64?) throws(Failure) -> ControlReply {
    while true {
      if let reply = try received() { return reply.reply }
      guard try wait(until: deadline) else {
        guard buffer.isEmpty else { throw notUnderstood("a line does not end") }
        throw Failure(
          status: 75, code: "timeout", message: "the daemon did not answer in \(DaemonClient.patience / 1000) s",
          hint: "hearthctl doctor")
      }
      try fill()
    }
  }

  /// A whole line that is there already, with the id of the request that it answers; nil when none is.
  mutating func received() throws(Failure) -> (id: Int?, reply: ControlReply)? {
    if let end = buffer[searched...].firstIndex(of: 0x0A) {
      let line = Array(buffer[..<end])
      buffer.removeFirst(end + 1)
      searched = 0
      guard let reply = ControlMessage.read(line) else { throw notUnderstood("a line is no JSON-RPC message") }
      var id: Int?
      if case .answer = reply { id = (try? JSONReader(maximumSize: 64 << 20).value(line))?["id"]?.int }
      return (id, reply)
    }
    if let first = buffer.first, first != 0x7B { throw notUnderstood("a line is no JSON-RPC message") }
    searched = buffer.count
    guard buffer.count < DaemonClient.longestAnswer else { throw notUnderstood("a line does not end") }
    return nil
  }

  /// Reads what the daemon said, once there is something.
  mutating func fill() throws(Failure) {
    guard case .octets(let octets) = Descriptor.read(fd, count: 65_536) else {
      guard buffer.isEmpty else { throw notUnderstood("the connection ended within a line") }
      throw DaemonClient.gone
    }
    buffer += octets
  }

  /// Waits for octets; false when there was time enough. Ends the program when what it writes to was closed
  /// (`hearthctl watch | head -1`).
  private func wait(until deadline: Int64?) throws(Failure) -> Bool {
    let left = deadline.map { max(0, $0 - Clocks.monotonic()) } ?? Int64.max
    // Also for one that goes on talking of something else.
    guard left > 0 else { return false }
    let most = buffer.isEmpty ? left : min(left, DaemonClient.pause)
    guard most == Int64.max else { return Descriptor.wait(fd, Int16(POLLIN), milliseconds: Int32(clamping: most)) }
    var entries = [
      pollfd(fd: fd, events: Int16(POLLIN), revents: 0), pollfd(fd: 1, events: 0, revents: 0),
    ]
    while true {
      if poll(&entries, 2, -1) < 0 {
        guard errno == EINTR else { throw DaemonClient.gone }
        continue
      }
      if entries[0].revents != 0 { return true }
      if entries[1].revents != 0 { exit(0) }
    }
  }
}
