// A daemon that follows a script: what it says to each request, on as many connections at once as there are; and hearthctl
// beside it, as a child that is talked to, by pipes or at a terminal.

import CLinux
import Foundation
import Glibc
import Platform
import Synchronization
import Testing

/// Listens; a closure says which lines each request brings. What was asked is kept.
final class ScriptedDaemon: Sendable {
  /// A request as it came.
  struct Request: Sendable {
    var id: Int
    var method: String
    /// Its parameters' text, keys sorted.
    var parameters: String

    func result(_ json: String) -> String { #"{"jsonrpc":"2.0","id":\#(id),"result":\#(json)}"# }
    func error(_ code: String, _ message: String, hint: String = "do something") -> String {
      #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32000,"message":"\#(message)","data":{"code":"\#(code)","hint":"\#(hint)"}}}"#
    }
  }

  typealias Script = @Sendable (Request) -> [String]

  private let folder: TestFolder
  private let listener: Int32
  private let notes = Notes()
  let socket: String

  init(_ script: @escaping Script) throws {
    folder = try TestFolder()
    socket = folder.path("hearthd.sock")
    listener = try UnixSocket.listen(socket, mode: 0o600, group: nil)
    let (listener, notes) = (listener, notes)
    Thread.detachNewThread {
      defer { Descriptor.close(listener) }
      while Descriptor.wait(listener, Int16(POLLIN), milliseconds: -1), let connection = UnixSocket.accept(listener) {
        Thread.detachNewThread { ScriptedDaemon.serve(connection, script, notes) }
      }
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  /// `method parameters` of everything that was asked, in order.
  var requests: [String] { notes.asked.withLock { $0 } }

  /// Says something, unasked, on the connection that asked for a method last.
  func say(_ line: String, to method: String) {
    guard let fd = notes.connections.withLock({ $0[method] }) else { return }
    _ = Descriptor.writeAll(fd, Array((line + "\n").utf8))
  }

  static func notification(_ method: String, _ json: String) -> String {
    #"{"jsonrpc":"2.0","method":"\#(method)","params":\#(json)}"#
  }

  /// What was asked, and the connection that asked for each method last.
  private final class Notes: Sendable {
    let asked = Mutex<[String]>([])
    let connections = Mutex<[String: Int32]>([:])
    func take(_ request: Request, _ fd: Int32) {
      asked.withLock { $0.append("\(request.method) \(request.parameters)") }
      connections.withLock { $0[request.method] = fd }
    }
  }

  private static func serve(_ fd: Int32, _ script: Script, _ notes: Notes) {
    defer { Descriptor.close(fd) }
    var buffer: [UInt8] = []
    while Descriptor.wait(fd, Int16(POLLIN), milliseconds: -1), case .octets(let octets) = Descriptor.read(fd) {
      buffer += octets
      while let end = buffer.firstIndex(of: 0x0A) {
        let line = Data(buffer[..<end])
        buffer.removeFirst(end + 1)
        guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
          let id = object["id"] as? Int, let method = object["method"] as? String,
          let parameters = try? JSONSerialization.data(withJSONObject: object["params"] ?? [:], options: [.sortedKeys])
        else { continue }
        let request = Request(id: id, method: method, parameters: String(decoding: parameters, as: UTF8.self))
        notes.take(request, fd)
        for answer in script(request) { _ = Descriptor.writeAll(fd, Array((answer + "\n").utf8)) }
      }
    }
  }
}

/// hearthctl while it runs.
final class RunningProgram {
  private let process = Process()
  /// What it reads and writes: a pipe, or a terminal's other side.
  private let input: FileHandle
  private let output: FileHandle
  private var buffer = ""

  /// - Parameter atTerminal: its standard input and output are a pseudo terminal of so many columns and 30 lines.
  init(_ arguments: [String], atTerminal: Bool = false, columns: UInt16 = 100) throws {
    // A program that ended takes no more words.
    signal(SIGPIPE, SIG_IGN)
    process.executableURL = Bundle.module.bundleURL.deletingLastPathComponent().appending(path: "hearthctl")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    process.environment = ProcessInfo.processInfo.environment.merging(["TERM": "vt100", "NO_COLOR": "1"]) { $1 }
    if atTerminal {
      var (master, slave) = (Int32(-1), Int32(-1))
      var size = winsize(ws_row: 30, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
      try #require(openpty(&master, &slave, nil, nil, &size) == 0)
      let inner = FileHandle(fileDescriptor: slave, closeOnDealloc: true)
      let outer = FileHandle(fileDescriptor: master, closeOnDealloc: true)
      (process.standardInput, process.standardOutput, process.standardError) = (inner, inner, inner)
      (input, output) = (outer, outer)
      try process.run()
      // Then reading ends when the program does.
      try inner.close()
    } else {
      let (toward, from) = (Pipe(), Pipe())
      (process.standardInput, process.standardOutput) = (toward, from)
      (input, output) = (toward.fileHandleForWriting, from.fileHandleForReading)
      try process.run()
      try from.fileHandleForWriting.close()
    }
  }

  deinit { if process.isRunning { process.terminate() } }

  /// Reads until a text appears, and gives everything up to it and with it; fails when the program says nothing for 20 s
  /// or ends.
  @discardableResult func wait(for text: String) throws -> String {
    while true {
      if let range = buffer.range(of: text) {
        let before = String(buffer[..<range.upperBound])
        buffer = String(buffer[range.upperBound...])
        return before
      }
      try #require(Descriptor.wait(output.fileDescriptor, Int16(POLLIN), milliseconds: 20_000), "\(text) in \(buffer)")
      guard case .octets(let octets) = Descriptor.read(output.fileDescriptor) else {
        Issue.record("it ended before \"\(text)\": \(buffer)")
        throw CancellationError()
      }
      buffer += String(decoding: octets, as: UTF8.self)
    }
  }

  func say(_ text: String) { _ = Descriptor.writeAll(input.fileDescriptor, Array(text.utf8)) }

  func closeInput() throws { try input.close() }

  /// Ctrl-C.
  func interrupt() { process.interrupt() }

  /// SIGKILL: a program inherits which signals the tests' threads hold back.
  func kill() { Glibc.kill(process.processIdentifier, SIGKILL) }

  /// Everything it still says, and its exit status.
  func end() -> (status: Int32, rest: String) {
    while case .octets(let octets) = Descriptor.read(output.fileDescriptor) {
      buffer += String(decoding: octets, as: UTF8.self)
    }
    process.waitUntilExit()
    return (process.terminationStatus, buffer)
  }
}
