// Something that listens where the daemon should, and answers each request with the same octets; and a folder with programs
// that stand in for the system's.

import Foundation
import Platform
import Synchronization

/// What a finished hearthctl left.
struct CommandOutcome {
  var status: Int32
  var out: String
  var error: String

  /// Runs the real hearthctl; `environment` is added to the test's own.
  static func hearthctl(_ arguments: [String], environment: [String: String] = [:]) throws -> CommandOutcome {
    let process = Process()
    process.executableURL = Bundle.module.bundleURL.deletingLastPathComponent().appending(path: "hearthctl")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (out, error) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = out
    process.standardError = error
    try process.run()
    let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaint = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return CommandOutcome(status: process.terminationStatus, out: text, error: complaint)
  }
}

/// A folder that goes with this object.
final class TestFolder: Sendable {
  let url = FileManager.default.temporaryDirectory.appending(path: "hearth-ctl-\(UUID().uuidString.prefix(8))")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  /// A program of the shell.
  func program(_ name: String, _ script: String) throws {
    try Data("#!/bin/sh\n\(script)\n".utf8).write(to: url.appending(path: name))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path(name))
  }
}

/// Listens; every line that comes is answered with the same octets. Connections stay open until the other side goes, or end
/// behind the first answer.
final class FakeDaemon: Sendable {
  private let folder: TestFolder
  private let listener: Int32
  private let isOver = Atomic(false)
  let socket: String

  convenience init(_ answer: String, ends: Bool = false) throws { try self.init(Array(answer.utf8), ends: ends) }

  init(_ answer: [UInt8], ends: Bool = false) throws {
    folder = try TestFolder()
    socket = folder.path("hearthd.sock")
    listener = try UnixSocket.listen(socket, mode: 0o600, group: nil)
    let listener = listener
    Thread.detachNewThread { FakeDaemon.serve(listener, answer, ends) }
  }

  /// The result of a request.
  convenience init(result: String) throws { try self.init(#"{"jsonrpc":"2.0","id":1,"result":"# + result + "}\n") }

  func hearthctl(_ arguments: String...) throws -> CommandOutcome {
    try CommandOutcome.hearthctl(arguments + ["--socket", socket])
  }

  // The thread sees that and closes.
  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  private static func serve(_ listener: Int32, _ answer: [UInt8], _ ends: Bool) {
    defer { Descriptor.close(listener) }
    while Descriptor.wait(listener, Int16(POLLIN), milliseconds: -1), let connection = UnixSocket.accept(listener) {
      defer { Descriptor.close(connection) }
      while Descriptor.wait(connection, Int16(POLLIN), milliseconds: -1),
        case .octets(let octets) = Descriptor.read(connection)
      {
        if octets.last == 0x0A { _ = Descriptor.writeAll(connection, answer) }
        if ends { break }
      }
    }
  }
}
