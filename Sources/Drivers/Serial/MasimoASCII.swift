// Masimo Rad-8, Radical-7 and Radical with the output "ASCII 1": one line of KEY=value a second over 9600 8N1. Sources: the Rad-8
// manual (bits of EXC), ten recorded lines of four devices.
//
// Keys differ by model and are not told by their place; dashes are "none". Trend lines (`SpO2= PR=`, one for two seconds) repeat
// what was live: they are told by `--every-frame` and are no measurement of a live line. Nothing is sent.

internal import Octets
internal import Readings

struct MasimoLine: Sendable, Hashable {
  /// Nil when the digits are no date: its clock was never set.
  let time: DeviceDateTime?
  let clockText: String
  let isTrend: Bool
  private let values: [String: String]

  /// The bits of EXC, with their names.
  private static let bits: [(mask: UInt32, name: String)] = [
    (0x001, "noSensor"), (0x002, "defectiveSensor"), (0x004, "lowPerfusion"), (0x008, "pulseSearch"),
    (0x010, "interference"), (0x020, "sensorOff"), (0x040, "ambientLight"), (0x080, "unrecognizedSensor"),
    (0x400, "lowSignalIQ"), (0x800, "masimoSET"),
  ]

  init(_ line: ArraySlice<UInt8>) throws(DecodeError) {
    func bad(_ field: String, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: 0, reason: .malformed(text))
    }
    let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    let date = words.first?.split(separator: "/").map { UInt8($0) } ?? []
    let clock = words.dropFirst().first?.split(separator: ":").map { UInt8($0) } ?? []
    guard words.count >= 4, date.count == 3, let month = date[0], let day = date[1], let year = date[2],
      clock.count == 3, let hours = clock[0], let minutes = clock[1], let seconds = clock[2],
      words[0].utf8.count == 8, words[1].utf8.count == 8
    else { throw bad("time", "no date and time at the beginning of the line") }
    let isDate =
      (1...12).contains(month) && (1...31).contains(day) && year < 100 && hours < 24 && minutes < 60 && seconds < 60
    time =
      isDate
      ? DeviceDateTime(
        year: 2000 + UInt16(year), month: month, day: day, hours: hours, minutes: minutes, seconds: seconds) : nil
    clockText = "\(words[0]) \(words[1])"
    var values: [String: String] = [:]
    for word in words.dropFirst(2) {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, values[String(parts[0])] == nil else {
        throw bad("key", "a part of the line is no KEY=value")
      }
      values[String(parts[0])] = String(parts[1])
    }
    self.values = values
    isTrend = values["SpO2"] != nil
    let isComplete = isTrend ? values["PR"] != nil : values["SPO2"] != nil && values["BPM"] != nil
    // EXC is the last that every model sends: without it the line was cut.
    guard isComplete, exceptionText != nil else { throw bad("line", "SPO2, BPM or EXC is missing") }
  }

  private var exceptionText: Substring? { values["EXC"]?.split(separator: ":").first }
  var exceptions: UInt32 { exceptionText.flatMap { UInt32($0, radix: 16) } ?? 0 }
  var serial: String? { values["SN"].flatMap { text in text.allSatisfy { $0 == "0" || $0 == "-" } ? nil : text } }

  private func number(_ keys: String...) -> ExactDecimal? {
    keys.lazy.compactMap { values[$0] }.first.flatMap { ExactDecimal($0.hasSuffix("%") ? $0.dropLast() : $0[...]) }
  }
  /// Zero is "none", also where no bit says so.
  private func whole(_ keys: [String], _ range: ClosedRange<Int64>) -> Int? {
    let number = keys.lazy.compactMap { self.number($0) }.first
    return number.flatMap { $0.exponent == 0 && range.contains($0.mantissa) ? Int($0.mantissa) : nil }
  }
  var spo2: Int? { whole(["SPO2", "SpO2"], 1...100) }
  var pulse: Int? { whole(["BPM", "PR"], 1...321) }
  var perfusion: ExactDecimal? { number("PI") }
  /// The sensor is missing, off, unusable or searching: what is told then is an old value.
  var isWithoutFinger: Bool { exceptions & 0x0AB != 0 }

  var flags: [ReadingFlag] {
    let names: [(UInt32, ReadingFlag)] = [
      (0x004, .signalLowPerfusion), (0x050, .sensorInterference), (0x400, .signalPoor),
    ]
    return names.filter { exceptions & $0.0 != 0 }.map(\.1)
  }

  var named: [NamedValue] {
    func integer(_ value: Int?) -> DecodedValue { value.map { .integer(Int64($0)) } ?? .absent }
    var named = [
      NamedValue("deviceTime", .text(clockText)), NamedValue("spo2", integer(spo2)),
      NamedValue("pulse", integer(pulse)), NamedValue("pi", perfusion.map { .decimal($0) } ?? .absent),
      NamedValue("exc", .integer(Int64(exceptions))),
      NamedValue("flags", .list(MasimoLine.bits.filter { exceptions & $0.mask != 0 }.map { .text($0.name) })),
    ]
    if let serial { named.append(NamedValue("serial", .text(serial))) }
    if let alarm = values["ALARM"].flatMap({ UInt32($0, radix: 16) }) {
      named.append(NamedValue("alarm", .integer(Int64(alarm))))
    }
    return named
  }
}

/// The lines on the wire.
enum MasimoASCIILine: OximeterLine {
  static let id = "masimo-ascii1"
  static let longestFrame = 320
  static let framesPerSecond = 1

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    TextFraming.step(octets) { line throws(DecodeError) in
      do throws(DecodeError) {
        _ = try MasimoLine(line)
        return 0
      } catch {
        // A half line before a whole one costs only itself: a line begins with its date.
        let whole = line.indices.dropFirst().last { index in
          line.endIndex - index > 8 && line[index + 2] == 0x2F && line[index + 5] == 0x2F
            && (try? MasimoLine(line[index...])) != nil
        }
        guard let whole else { throw error }
        return whole - line.startIndex
      }
    }
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] { (try? MasimoLine(frame[...]))?.named ?? [] }

  static func property(_ frame: [UInt8]) -> DeviceProperty? {
    (try? MasimoLine(frame[...]))?.serial.map { .serial($0) }
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard let line = try? MasimoLine(frame[...]), !line.isWithoutFinger else { return nil }
    let perfusion = line.perfusion.flatMap { $0.isZero || $0.isNegative ? nil : $0 }
    var reading = reading(
      spo2: line.spo2, pulse: line.pulse, perfusion: perfusion, flags: line.flags, time: line.time.map { .local($0) },
      frame)
    reading?.stored = line.isTrend
    return reading
  }

  static func steady(_ frame: [UInt8]) -> DeviceReading? { reading(frame).flatMap { $0.stored == true ? nil : $0 } }

  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(frame, 64) }

  static let family = SerialFamily(
    MasimoASCIILine.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "Masimo", names: ["Rad-8, Radical-7, Radical (output ASCII 1)"],
      transport: .serial([SerialSettings(9600)]), recognition: [.frames("lines of KEY=value behind a date")],
      kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .stampsOnly, memory: .none,
      verification: .captured, rule: SpotCheckRule.sentence
    ) { SpotCheckDriver<MasimoASCIILine>($0) })
}
