// Every recorded session against its driver: what comes out, what goes to the device, and that no damage traps.

import Drivers
import Foundation
import Octets
import Readings
import Testing

struct CaptureReplayTests {
  @Test func thereAreCaptures() { #expect(Capture.all.count >= 8) }

  @Test(arguments: Capture.all) func givesWhatIsExpected(_ capture: Capture) throws {
    let replay = try #require(Replay.run(capture))
    #expect(replay.sent == capture.sent)
    if ProcessInfo.processInfo.environment["HEARTH_RECORD_CAPTURES"] != nil {
      // Writes what came out beside the capture, for the author of a driver to read and to commit.
      let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Captures")
      let text = replay.lines.joined(separator: "\n") + "\n"
      let name = capture.name.replacing(".capture", with: ".expected")
      try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    } else {
      #expect(replay.lines == capture.expected)
    }
  }

  @Test(arguments: Capture.all) func splitsOfReadsChangeNothing(_ capture: Capture) throws {
    for chunk in [1, 2, 3, 7, 8, 64] {
      let replay = try #require(Replay.run(capture, chunk: chunk))
      #expect(replay.lines == capture.expected, "in pieces of \(chunk)")
      #expect(replay.sent == capture.sent, "in pieces of \(chunk)")
    }
  }

  /// A driver is a value: it is copied before each octet, and the copy meets the end of the line, or a changed octet.
  @Test(arguments: Capture.all) func everyPrefixAndEveryChangedOctetIsSurvived(_ capture: Capture) throws {
    var replay = try #require(Replay(capture))
    let most = 2000
    var seen = 0
    for item in capture.items {
      replay.advance(to: item.at)
      guard seen < most else { break }
      if item.request != nil {
        replay.feed(item)
        continue
      }
      if item.source.isEmpty {
        for index in item.octets.indices where seen < most {
          seen += 1
          var cut = replay
          cut.close()
          let rest = item.octets[(index + 1)...].prefix(24)
          for change: UInt8 in [0x01, 0x80, 0xFF] {
            var damaged = replay
            damaged.feed(Capture.Item(at: item.at, source: "", octets: [item.octets[index] ^ change] + rest))
          }
          replay.feed(Capture.Item(at: item.at, source: "", octets: [item.octets[index]]))
        }
      } else {
        for index in item.octets.indices {
          seen += 1
          var cut = replay
          cut.feed(Capture.Item(at: item.at, source: item.source, octets: Array(item.octets[..<index])))
          for change: UInt8 in [0x01, 0x80, 0xFF] {
            var damaged = replay
            var octets = item.octets
            octets[index] ^= change
            damaged.feed(Capture.Item(at: item.at, source: item.source, octets: octets))
          }
        }
        replay.feed(item)
      }
    }
    #expect(seen > 0 || capture.items.isEmpty)
  }
}
