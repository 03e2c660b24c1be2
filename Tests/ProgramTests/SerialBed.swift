// USB serial ports for the real daemon: udev's part is played by umockdev's test bed (Support/serial_ports.py), the line by pseudo
// terminals. The daemon's libudev, monitor and ports are its own.

import CLinux
import Foundation
import Glibc
import Platform

/// A test bed in which adapters are plugged in and pulled.
final class SerialBed {
  struct Failed: Error {}

  private static let library = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/libumockdev-preload.so.0" }.first {
    FileManager.default.fileExists(atPath: $0)
  }
  /// Debian's libumockdev0 and umockdev are there.
  static let isPossible = library != nil && FaultServer.isPossible

  private let process = Process()
  private let (commands, answers) = (Pipe(), Pipe())
  private let root: String
  /// The far ends of what is plugged in, by name.
  private var lines: [String: Int32] = [:]

  init() throws {
    guard let library = SerialBed.library else { throw Failed() }
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", try FaultServer.support("serial_ports.py")]
    process.environment = ProcessInfo.processInfo.environment.merging(["LD_PRELOAD": library]) { $1 }
    process.standardInput = commands
    process.standardOutput = answers
    try process.run()
    root = try SerialBed.line(answers)
  }

  deinit {
    for fd in lines.values { Descriptor.close(fd) }
    try? commands.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// What makes a program see this test bed instead of the machine's own devices.
  var environment: [String: String] { ["LD_PRELOAD": SerialBed.library ?? "", "UMOCKDEV_DIR": root] }

  private func command(_ words: String...) throws {
    try commands.fileHandleForWriting.write(contentsOf: Data((words.joined(separator: " ") + "\n").utf8))
    guard try SerialBed.line(answers) == "ok" else { throw Failed() }
  }

  private static func line(_ pipe: Pipe) throws -> String {
    var line: [UInt8] = []
    while line.last != 0x0A {
      guard case .octets(let octets) = Descriptor.read(pipe.fileHandleForReading.fileDescriptor) else {
        throw Failed()
      }
      line += octets
    }
    return String(decoding: line.dropLast(), as: UTF8.self)
  }

  /// Plugs an adapter in; gives its node.
  @discardableResult func plug(_ name: String, at place: String, serial: String = "-") throws -> String {
    let (master, node) = try PseudoTerminal.open()
    lines[name] = master
    try command("plug", name, node, place, "0403", "6001", serial)
    return node
  }

  /// Pulls it: the line is hung up, then udev tells.
  func pull(_ name: String) throws {
    if let fd = lines.removeValue(forKey: name) { Descriptor.close(fd) }
    try command("pull", name)
  }

  /// The device says this.
  func say(_ name: String, _ text: String) {
    if let fd = lines[name] { _ = Descriptor.writeAll(fd, Array(text.utf8)) }
  }

  /// What the daemon sent to the device.
  func heard(_ name: String) -> [UInt8] {
    guard let fd = lines[name], case .octets(let octets) = Descriptor.read(fd) else { return [] }
    return octets
  }
}
