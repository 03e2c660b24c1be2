// The text of a recorded session: what is read, and where a fault is said to be.

import Foundation
import Octets
import Playback
import Testing

struct CaptureFileTests {
  @Test func aSessionIsRead() throws {
    let capture = try CaptureFile(
      """
      # device: a cuff
      # transport: gatt
      # repeat: 5000
      # a remark without a colon counts for nothing
      # characteristic: 1810/2A35 read,indicate
      # characteristic: 180A/2A29 read "A&D Medical"
      # characteristic: 1805/2A2B read,write,write-command {datetime}060000

      @ 100
      < 1810/2a35 1e 80 00 {datetime} 01
      > write 1805/2A2B 00
      @ 200
      < 1810/2A35 02
      """)
    #expect(capture.transport == .gatt && capture.repeatAfter == 5000)
    #expect(capture.headers["device"] == "a cuff")
    #expect(capture.characteristics.map(\.properties) == [0x22, 0x02, 0x0E])
    #expect(capture.characteristics[1].value == Array("A&D Medical".utf8))
    #expect(capture.characteristics[2].clockOffsets == [0] && capture.characteristics[2].value.count == 10)
    #expect(capture.items.map(\.at) == [100, 200])
    #expect(capture.items.map(\.source) == ["1810/2A35", "1810/2A35"])
    #expect(capture.items[0].octets.count == 11 && capture.items[0].clockOffsets == [3])
  }

  @Test func frameCanBeSaidManyTimes() throws {
    let capture = try CaptureFile("# transport: serial\n@ 0\n< 3x 01e0\n< 02\n")
    #expect(capture.items.map(\.octets) == [[1, 0xE0, 1, 0xE0, 1, 0xE0], [2]])
  }

  @Test(arguments: [
    ("hello", 1), ("@ x", 1), ("@ -1", 1), ("@ 9223372036854775807", 1), ("@ 5\n@ 4", 2), ("# transport: smoke", 1),
    ("# a: b\n< 1z", 2), ("< {now}", 1), ("< 10001x 00", 1), ("< 0x 00", 1),
    ("< 10000x \(String(repeating: "00", count: 2000))", 1),
    ("# characteristic: 1810", 1), ("# characteristic: 1810/2A35 shout", 1), ("# characteristic: 18/2A35 read", 1),
    ("# characteristic: 1810/2A35 read 1", 1), ("# repeat: 0", 1), ("# repeat: 9223372036854775807", 1),
    // What a BLE device sends has its characteristic in the header.
    ("# transport: gatt\n\n< 1810/2A35 00", 3),
    ("# transport: gatt\n# characteristic: 180A/2A29 read\n< 180A/2A29 00", 3),
    (String(repeating: "# characteristic: 1810/2A35 indicate\n", count: 501), 501),
  ])
  func aFaultNamesItsLine(text: String, line: Int) {
    let error = #expect(throws: CaptureError.self) { try CaptureFile(text) }
    #expect(error?.line == line)
    #expect(error?.message.isEmpty == false)
  }

  /// The drivers' captures are the same format: playback reads every one of them.
  @Test func everyCaptureOfTheDriversIsRead() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "DriversTests/Captures")
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var count = 0
    for case let url as URL in files where url.pathExtension == "capture" {
      let capture = try CaptureFile(String(contentsOf: url, encoding: .utf8))
      #expect(capture.headers["driver"] != nil, "\(url.lastPathComponent)")
      count += 1
    }
    #expect(count >= 10)
  }
}
