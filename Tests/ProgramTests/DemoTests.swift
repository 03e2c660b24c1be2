// The demo as a newcomer sees it: short plain lines, readings that are numbered as they come, and nothing that is left behind.

import Foundation
import Testing

@Suite(.serialized) struct DemoTests {
  /// A folder of the demo that its output names.
  private func folder(_ text: String) throws -> String {
    let start = try #require(text.range(of: "/tmp/hearth-demo."))
    // Six characters make it unlike any other.
    return String(text[start.lowerBound...].prefix("/tmp/hearth-demo.".count + 6))
  }

  @Test func itsLinesAreShortAndItsFolderGoes() throws {
    let demo = try Home.run("hearthd", ["--demo"])
    #expect(demo.status == 0)
    #expect(demo.error.isEmpty, "\(demo.error)")
    let lines = demo.out.split(separator: "\n")
    for line in lines { #expect(line.count <= 60, "\(line)") }
    // Readings are numbered from 1 on, and each was delivered.
    let readings = lines.filter { $0.contains(" s  reading ") }
    #expect(readings.count == 6)
    for (number, line) in readings.enumerated() { #expect(line.contains("reading \(number + 1)  "), "\(line)") }
    #expect(readings.first?.contains("cuff: 106/71 mmHg, pulse 63/min, green") == true)
    #expect(demo.out.contains("message    red: please measure again\n"))
    #expect(demo.out.contains("message    red again: the care team is told\n"))
    #expect(demo.out.contains("waiting    nothing can be delivered now\n"))
    #expect(demo.out.contains("The demo is over: 6 readings and 2 messages.\nDelivered: 8 of 8, each of them once.\n"))
    for word in ["backlog", "octets", "journal", "mm[Hg]", "p-demo", "directory.", "seq", "up to #"] {
      #expect(!demo.out.contains(word), "\(word)")
    }
    #expect(demo.out.hasSuffix("at; with --stay the demo goes on until Ctrl-C.\n"))
    #expect(!FileManager.default.fileExists(atPath: try folder(demo.out)))
  }

  @Test func aFolderThatIsKeptIsNamed() throws {
    let demo = try Home.run("hearthd", ["--demo", "--keep"])
    let folder = try folder(demo.out)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(demo.status == 0)
    for line in demo.out.split(separator: "\n") { #expect(line.count <= 60, "\(line)") }
    #expect(demo.out.contains("What it wrote is in \(folder):\n"))
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/delivered")
    let delivered = try files.map { try String(contentsOfFile: "\(folder)/delivered/\($0)", encoding: .utf8) }.joined()
    #expect(delivered.split(separator: "\n").count == 8)
  }

  @Test func aDemoThatStaysAnswersAndLeavesItsFolder() throws {
    let process = Process()
    process.executableURL = Home.programs.appending(path: "hearthd")
    process.arguments = ["--demo", "--stay"]
    let out = Pipe()
    process.standardOutput = out
    try process.run()
    var text = ""
    while !text.contains("the story is over; Ctrl-C ends the demo\n") {
      let octets = out.fileHandleForReading.availableData
      try #require(!octets.isEmpty, "\(text)")
      text += String(decoding: octets, as: UTF8.self)
    }
    let folder = try folder(text)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // As its first lines say.
    let readings = try Home.run("hearthctl", ["readings", "--json", "--socket", "\(folder)/run/hearthd.sock"])
    #expect(readings.status == 0 && readings.out.split(separator: "\n").count == 6)
    process.terminate()
    process.waitUntilExit()
    text += String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(process.terminationStatus == 0)
    #expect(text.contains("What it wrote is in \(folder):\n"))
    #expect(FileManager.default.fileExists(atPath: "\(folder)/hearth.json"))
  }
}
