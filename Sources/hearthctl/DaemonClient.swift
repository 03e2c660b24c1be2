// The connection to the daemon: one request, its answer; or a subscription that goes on.

import ControlProtocol
import Glibc
import JSON
import Platform

struct DaemonClient {
  private let fd: Int32
  private var buffer: [UInt8] = []

  /// Connects; says what to do when nobody answers.
  init(_ arguments: Arguments) throws(Failure) {
    let path = DaemonClient.path(arguments)
    do throws(SystemError) {
      fd = try UnixSocket.connect(path)
    } catch {
      switch error.errno {
      case EACCES, EPERM:
        throw Failure(
          status: 77, code: "not-permitted", message: "you may not speak to the daemon at \(path)",
          hint: "use sudo, or let an administrator add you to the group hearth or hearth-tech")
      case EAGAIN:
        throw Failure(status: 75, code: "busy", message: "the daemon is busy", hint: "try again in a moment")
      default:
        throw Failure(
          status: 111, code: "not-running", message: "the daemon is not running (\(error.message))",
          hint: "systemctl start hearthd, then systemctl status hearthd; hearthctl doctor looks further")
      }
    }
  }

  static func path(_ arguments: Arguments) -> String {
    if let path = arguments.value("--socket") ?? Environment.get("HEARTH_SOCKET") { return path }
    return (Environment.get("RUNTIME_DIRECTORY") ?? "/run/hearth") + "/hearthd.sock"
  }

  /// The result of a request.
  mutating func call(_ method: String, _ parameters: JSONValue = [:]) throws(Failure) -> JSONValue {
    guard Descriptor.writeAll(fd, ControlMessage.request(id: 1, method: method, parameters: parameters) + [0x0A]) else {
      throw DaemonClient.gone
    }
    while true {
      guard case .answer(let answer) = try next(milliseconds: 30_000) else { continue }
      switch answer {
      case .result(let value): return value
      case .failure(let error): throw DaemonClient.failure(error)
      }
    }
  }

  private static func failure(_ error: ControlError) -> Failure {
    let status: Int32 =
      switch error.code {
      case "not-permitted": 77
      case "not-found": 69
      case "bad-parameters", "unknown-method", "invalid-request": 64
      case "busy", "journal.full", "journal.sync-failed": 75
      case "bad-configuration": 78
      default: 1
      }
    return Failure(status: status, code: error.code, message: error.message, hint: error.hint)
  }

  private static var gone: Failure {
    Failure(
      status: 111, code: "not-running", message: "the daemon ended the connection", hint: "systemctl status hearthd")
  }

  /// The next line from the daemon; waits for ever with -1.
  mutating func next(milliseconds: Int32 = -1) throws(Failure) -> ControlReply {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        if let reply = ControlMessage.read(line) { return reply }
        continue
      }
      guard Descriptor.wait(fd, Int16(POLLIN), milliseconds: milliseconds) else {
        throw Failure(
          status: 75, code: "timeout", message: "the daemon did not answer in \(milliseconds / 1000) s",
          hint: "hearthctl doctor")
      }
      guard case .octets(let octets) = Descriptor.read(fd, count: 65_536) else { throw DaemonClient.gone }
      buffer += octets
    }
  }
}
