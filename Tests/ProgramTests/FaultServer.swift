// The server of Support/fault_server.py, started for one test, and the certificates of Support/make_certificates.sh.

import Foundation
import Platform

/// An HTTP server on a port of its own that answers by the path. It ends with this object.
final class FaultServer {
  struct Failed: Error {}

  /// Whether the tests that need it can run.
  static let isPossible = find("python3") != nil

  private let child: ChildProcess
  private let control: Int32
  let port: Int
  private let scheme: String

  /// Starts it; with a certificate it speaks TLS.
  init(
    _ certificates: Certificates? = nil, _ name: String = "server", arguments: [String] = [],
    script: String = "fault_server.py"
  ) throws {
    scheme = certificates == nil ? "http" : "https"
    guard let python = FaultServer.find("python3") else { throw Failed() }
    var arguments = ["-W", "ignore", try FaultServer.support(script), "--control", "3"] + arguments
    if let certificates {
      arguments += ["--certificate", certificates.path("\(name).pem"), "--key", certificates.path("\(name).key")]
    }
    let (ours, theirs) = try UnixSocket.pair()
    control = ours
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    child = try ChildProcess.spawn(python, arguments, environment: environment, passing: theirs)
    Descriptor.close(theirs)
    var line: [UInt8] = []
    while line.last != 0x0A, case .octets(let octets) = Descriptor.read(ours) { line += octets }
    port = Int(String(decoding: line.dropLast(), as: UTF8.self)) ?? 0
    if port == 0 { throw Failed() }
  }

  deinit {
    Descriptor.close(control)
    child.kill()
    while child.reap() == nil { usleep(1000) }
  }

  func url(_ path: String, host: String = "127.0.0.1") -> String { "\(scheme)://\(host):\(port)/\(path)" }

  /// What the server answers to a GET of the path, read as JSON.
  func json(of path: String) throws -> Any {
    let process = Process()
    process.executableURL = URL(filePath: FaultServer.find("python3") ?? "")
    let script = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())"
    process.arguments = ["-c", script, url(path)]
    let out = Pipe()
    process.standardOutput = out
    try process.run()
    let data = out.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONSerialization.jsonObject(with: data)
  }

  static func support(_ name: String) throws -> String {
    guard let path = Foundation.Bundle.module.path(forResource: name, ofType: nil, inDirectory: "Support") else {
      throw Failed()
    }
    return path
  }

  static func find(_ program: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}

/// A folder of fresh certificates, which goes with this object.
final class Certificates {
  static let arePossible = FaultServer.isPossible && FaultServer.find("openssl") != nil

  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("hearth-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let child = try ChildProcess.spawn(
      "/bin/sh", [try FaultServer.support("make_certificates.sh"), folder.path],
      environment: ["PATH=\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"], passing: -1)
    var status: Int32?
    while status == nil {
      status = child.reap()
      usleep(1000)
    }
    guard status == 0 else { throw FaultServer.Failed() }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func octets(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(name)))) }
}
