// Nellcor N-560: a line of columns every two seconds, 9600 8N1 as far as is known. Source: four recorded lines.
//
// `dd-MMM-yy HH:MM:SS  SpO2  BPM  PA  status`; an asterisk marks a value in alarm, dashes are "none", status is words of two
// letters (MO motion, AO alarm off; LP lost pulse, LM lost pulse with motion, PS pulse search, SD and SO no sensor). Headings come
// between them. Nothing is sent.

internal import Octets
internal import Readings

/// The lines.
enum NellcorLine: OximeterLine {
  static let id = "nellcor-ascii"
  static let longestFrame = 128
  static let framesPerSecond = 1
  static let secondsPerFrame = 2
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// What is shown with one of these is an old value.
  private static let lost: Set<String> = ["LP", "LM", "PS", "SD", "SO"]
  private static let headings = ["BPM", "N-560"].map { Array($0.utf8) }

  private struct Columns: Sendable {
    var time: DeviceDateTime
    var spo2: Int?
    var pulse: Int?
    var amplitude: Int?
    var status: [String]
  }

  private static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> Columns {
    func bad(_ field: String) -> DecodeError {
      DecodeError(field: field, offset: 0, reason: .malformed("no such column"))
    }
    let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    guard words.count >= 5, words[0].utf8.count == 9, words[1].utf8.count == 8 else { throw bad("line") }
    let date = words[0].split(separator: "-")
    let clock = words[1].split(separator: ":").map { UInt8($0) }
    guard date.count == 3, let day = UInt8(date[0]), (1...31).contains(day),
      let month = months.firstIndex(where: { $0.lowercased() == date[1].lowercased() }), date[2].utf8.count == 2,
      let year = UInt16(date[2]),
      clock.count == 3, let hours = clock[0], let minutes = clock[1], let seconds = clock[2], hours < 24, minutes < 60,
      seconds < 60
    else { throw bad("time") }
    func value(_ word: String, _ range: ClosedRange<Int>) throws(DecodeError) -> Int? {
      let text = word.hasSuffix("*") ? word.dropLast() : word[...]
      if text.allSatisfy({ $0 == "-" }) { return nil }
      guard text.utf8.count <= 3, let number = Int(text) else { throw bad("value") }
      return range.contains(number) ? number : nil
    }
    let status = Array(words.dropFirst(5))
    guard status.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x41...0x5A).contains($0) } }) else {
      throw bad("status")
    }
    return Columns(
      time: DeviceDateTime(
        year: 2000 + year, month: UInt8(month + 1), day: day, hours: hours, minutes: minutes, seconds: seconds),
      spo2: try value(words[2], 1...100), pulse: try value(words[3], 1...321), amplitude: try value(words[4], 0...999),
      status: status)
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let step = TextFraming.step(octets) { line throws(DecodeError) in
      do throws(DecodeError) {
        _ = try parse(line)
        return 0
      } catch {
        // A half line before a whole one costs only itself: a line begins with its date.
        let whole = line.indices.dropFirst().last { index in
          line.endIndex - index > 18 && line[index + 2] == 0x2D && line[index + 6] == 0x2D
            && (try? parse(line[index...])) != nil
        }
        guard let whole else { throw error }
        return whole - line.startIndex
      }
    }
    // Headings name the columns.
    guard case .skip(let count, let code, _) = step, code == "malformed" else { return step }
    let line = octets.prefix(count)
    let isHeading = line.indices.contains { at in headings.contains { line[at...].starts(with: $0) } }
    return isHeading ? .pass(count) : step
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard let columns = try? parse(frame[...]), lost.isDisjoint(with: columns.status) else { return nil }
    let flags: [ReadingFlag] = columns.status.contains("MO") ? [.sensorInterference] : []
    return reading(spo2: columns.spo2, pulse: columns.pulse, flags: flags, time: .local(columns.time), frame)
  }

  /// A moving finger gives no value that counts.
  static func steady(_ frame: [UInt8]) -> DeviceReading? { reading(frame).flatMap { $0.flags.isEmpty ? $0 : nil } }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard let columns = try? parse(frame[...]) else { return [] }
    func number(_ value: Int?) -> DecodedValue { value.map { .integer(Int64($0)) } ?? .absent }
    return [
      NamedValue("time", .text(columns.time.description)), NamedValue("spo2", number(columns.spo2)),
      NamedValue("pulse", number(columns.pulse)), NamedValue("pulseAmplitude", number(columns.amplitude)),
      NamedValue("status", .list(columns.status.map { .text($0) })),
    ]
  }

  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(frame, 64) }

  static let family = SerialFamily(
    NellcorLine.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "Nellcor", names: ["N-560 (line settings unconfirmed)"],
      transport: .serial([SerialSettings(9600)]), recognition: [.frames("lines of columns behind a date")],
      kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse], clock: .stampsOnly, memory: .none,
      verification: .captured,
      rule: SpotCheckRule.sentence
    ) { SpotCheckDriver<NellcorLine>($0) })
}
