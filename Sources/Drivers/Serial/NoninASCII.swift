// Nonin's lines of text: 9600, 2500 PalmSAT, 8500, 9847, one a second over 9600 baud. Source: the manuals' chapters on communication.
//
// `[HH:MM:SS ]SPO2=097 HR=068[ F][ B][*]`: dashes for "none", F for values of the fast average, B for a breath, an asterisk for an
// event mark. Some send two stop bits, some nine bits of which the ninth is a mark: both are read as 8N1. Nothing is sent. There is no
// check value: the median of ten seconds is not moved by a damaged line.

internal import Octets
internal import Readings

/// The lines.
enum NoninASCIILine: OximeterLine {
  static let id = "nonin-ascii"
  static let longestFrame = 64
  static let framesPerSecond = 1

  /// Saturation and pulse; zero and dashes are none.
  private static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> (spo2: Int?, pulse: Int?) {
    let error = DecodeError(field: "line", offset: 0, reason: .malformed("no SPO2= and HR="))
    var words = line.split(separator: 0x20).map { Array($0.filter { $0 != 0x2A }) }.filter { !$0.isEmpty }
    if let first = words.first, first.count == 8, first[2] == 0x3A, first[5] == 0x3A { words.removeFirst() }
    // Fast values, and breaths.
    while words.count > 2, let last = words.last, last == [0x46] || last == [0x42] { words.removeLast() }
    guard words.count == 2 else { throw error }
    func value(_ word: [UInt8], _ key: String, _ range: ClosedRange<Int>) throws(DecodeError) -> Int? {
      let text = word.dropFirst(key.utf8.count)
      guard word.starts(with: Array(key.utf8)), text.count == 3 else { throw error }
      if text.allSatisfy({ $0 == 0x2D }) { return nil }
      guard text.allSatisfy({ (0x30...0x39).contains($0) }) else { throw error }
      let number = text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      return range.contains(number) ? number : nil
    }
    return (try value(words[0], "SPO2=", 1...100), try value(words[1], "HR=", 1...321))
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    TextFraming.step(octets) { line throws(DecodeError) in
      // A half line before a whole one costs only itself.
      let start = line.indices.last { line[$0...].starts(with: Array("SPO2=".utf8)) }
      guard let start else { throw DecodeError(field: "line", offset: 0, reason: .malformed("no SPO2=")) }
      let clock = start - 9
      if clock >= line.startIndex, (try? parse(line[clock...])) != nil { return clock - line.startIndex }
      _ = try parse(line[start...])
      return start - line.startIndex
    }
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard let (spo2, pulse) = try? parse(frame[...]) else { return nil }
    return reading(spo2: spo2, pulse: pulse, flags: [], frame)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard let (spo2, pulse) = try? parse(frame[...]) else { return [] }
    return [
      NamedValue("spo2", spo2.map { .integer(Int64($0)) } ?? .absent),
      NamedValue("pulse", pulse.map { .integer(Int64($0)) } ?? .absent),
      NamedValue("eventMark", .flag(frame.contains(0x2A))), NamedValue("fast", .flag(frame.last == 0x46)),
    ]
  }

  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(frame, 40) }

  static let family = SerialFamily(
    NoninASCIILine.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "Nonin", names: ["9600, 2500 PalmSAT, 8500, 9847 (lines of text)"],
      transport: .serial([SerialSettings(9600)]), recognition: [.frames("lines SPO2= HR=")], kinds: [.pulseOximetry],
      terms: [.spo2, .oximeterPulse], clock: .none, memory: .none, verification: .unverified,
      rule: SpotCheckRule.sentence
    ) { SpotCheckDriver<NoninASCIILine>($0) })
}
