// TaiDoc and FORA meters (P20, P30+, D40, TD-3128, IR20, TD-8255, W310 …): eight-octet frames, the same over BLE (service
// 00001523-1212-EFDE-1523-785FEABCD123, one characteristic) and over the USB cable (19200 8N1). Sources: two public gateways,
// captures of thermometer, oximeter and cuff.
//
// Frame: 51 command d0 d1 d2 d3 end sum; the end is A3 from the hub, A5 from the meter. Records are asked for by index, 0 the
// newest, in two parts: time (25), value (26). Glucose below 20 mg/dL is LO, above 600 HI: no numbers. One stored record is one
// measurement; the sum over the frame lets one damaged frame of 256 pass.
// Never sent: 43 inflates a cuff, 52 erases the memory.

internal import HealthProfiles
internal import Octets
internal import Readings

/// The frames.
enum TaiDocProtocol {
  static let service = BluetoothUUID(high: 0x0000_1523_1212_EFDE, low: 0x1523_785F_EABC_D123)
  static let characteristic = BluetoothUUID(high: 0x0000_1524_1212_EFDE, low: 0x1523_785F_EABC_D123)
  static let link = CharacteristicID(service, characteristic)

  /// A question of the hub.
  static func request(_ command: UInt8, index: UInt16 = 0, user: UInt8 = 0) -> [UInt8] {
    let octets: [UInt8] = [0x51, command, UInt8(index & 0xFF), UInt8(index >> 8), 0, user, 0xA3]
    return octets + [Checksum.sum8(octets)]
  }

  /// Checks a frame of eight octets from the meter.
  static func check(_ frame: [UInt8]) throws(DecodeError) {
    guard frame.count == 8 else {
      throw DecodeError(field: "frame", offset: 0, reason: .truncated(needed: 8, available: frame.count))
    }
    guard frame[0] == 0x51 else { throw DecodeError(field: "start", offset: 0, reason: .invalidValue(Int64(frame[0]))) }
    guard frame[6] == 0xA5 || frame[6] == 0xA3 else {
      throw DecodeError(field: "stop", offset: 6, reason: .invalidValue(Int64(frame[6])))
    }
    let sum = Checksum.sum8(frame.prefix(7))
    guard sum == frame[7] else {
      throw DecodeError(field: "sum", offset: 7, reason: .checksum(computed: UInt32(sum), found: UInt32(frame[7])))
    }
  }

  /// A value of the BLE characteristic, for `decode gatt`; nil for other characteristics.
  static func decode(characteristic: BluetoothUUID, octets: [UInt8]) throws(DecodeError) -> Decoded? {
    guard characteristic == TaiDocProtocol.characteristic else { return nil }
    try check(octets)
    let frame = TaiDocFrame(octets)
    let raw = RawSource(source: "taidoc", octets: octets)
    if octets[1] == 0x26, frame.isAnswer, let outcome = frame.value(kind: nil, time: nil, raw: raw) { return outcome }
    return Decoded(values: frame.values)
  }
}

/// The frames on the line.
enum TaiDocLine: LineProtocol {
  static let longestFrame = 8

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    guard octets.first == 0x51 else {
      let garbage = octets.prefix { $0 != 0x51 }.count
      return .skip(garbage, code: "malformed", message: "octets without a frame of this protocol")
    }
    guard octets.count >= 8 else { return .wait }
    do {
      try TaiDocProtocol.check(Array(octets.prefix(8)))
      return .frame(8)
    } catch {
      // A frame that was cut may have lost its end to the beginning of a good one.
      return .skip((octets.dropFirst().firstIndex(of: 0x51) ?? octets.endIndex) - octets.startIndex, error)
    }
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    [NamedValue("command", GATTDecoding.hex(frame[1], 2))] + TaiDocFrame(frame).values
  }

  /// 51, the end mark of a meter, the sum. What a host says proves no meter.
  static func evidence(_ frame: [UInt8]) -> Int { TaiDocFrame(frame).isAnswer ? 24 : 0 }
}

/// One checked frame from a meter.
struct TaiDocFrame: Hashable, Sendable {
  let octets: [UInt8]
  init(_ octets: [UInt8]) { self.octets = octets }

  var command: UInt8 { octets[1] }
  /// False for the hub's own question, which some cables echo.
  var isAnswer: Bool { octets[6] == 0xA5 }
  private var d0: UInt8 { octets[2] }
  private var d1: UInt8 { octets[3] }
  private var d2: UInt8 { octets[4] }
  private var d3: UInt8 { octets[5] }
  /// d0 and d1 as a number.
  var word: UInt16 { UInt16(d0) | UInt16(d1) << 8 }

  /// The answer to 24: the two octets of the model as digits, `4132`.
  var model: String { Hex.encode([d1, d0]).uppercased() }
  /// The answers to 27 and 28: four octets of the serial number, most significant first.
  var serialOctets: [UInt8] { [d3, d2, d1, d0] }

  /// The minute of a record part A: grows with time, the same for the same record at every time of asking.
  var minute: UInt32 {
    UInt32(d1 >> 1) << 20 | UInt32(d0 >> 5 | (d1 & 1) << 3) << 16 | UInt32(d0 & 0x1F) << 11
      | UInt32(d3 & 0x1F) << 6 | UInt32(d2 & 0x3F)
  }

  /// The time of a record part A (25) or of the clock (23).
  var time: DeviceDateTime {
    DeviceDateTime(
      year: 2000 + UInt16(d1 >> 1), month: d0 >> 5 | (d1 & 1) << 3, day: d0 & 0x1F, hours: d3 & 0x1F,
      minutes: d2 & 0x3F, seconds: 0)
  }
  var isBloodPressure: Bool { d2 & 0x80 != 0 }
  var hasArrhythmia: Bool { d2 & 0x40 != 0 || d3 >> 5 & 3 != 0 }

  /// What a meter measures, by its model number (TD-31xx cuffs, TD-82xx oximeters, TD-11xx and TD-12xx thermometers, TD-41xx and
  /// TD-42xx glucose). Part B does not say: 97/60 with pulse 76 and 97 % with pulse 76 are the same octets.
  enum Kind: Sendable, Hashable {
    case cuff
    case oximeter
    case thermometer
    case glucose
    /// Cuff and glucose in one; part A tells which.
    case multi

    init?(model: String) {
      switch model.prefix(2) {
      case "30", "31": self = .cuff
      case "82": self = .oximeter
      case "11", "12": self = .thermometer
      case "41", "42": self = .glucose
      case "32": self = .multi
      default: return nil
      }
    }
  }

  /// A guess for a frame on its own, for support only.
  private var guess: Kind {
    if d1 == 0, (50...100).contains(d0), d2 >= 25, d3 >= 25 { return .oximeter }
    if d2 >= 25, d0 > d2, d3 >= 25 { return .cuff }
    let low = word & 0x0FFF
    let isTemperature = (300...450).contains(low) || (3000...4095).contains(low) || (4096...4600).contains(word)
    if isTemperature, word != 0xFFFF, d3 & 0xC0 == 0 { return .thermometer }
    return .glucose
  }

  /// °C of a thermometer's record: tenths in the low 12 bits or, from models with a finer display, hundredths; nil when
  /// it is neither. A word of hundredths may need the bit above those (4096 is 40.96 °C).
  private var celsius: ExactDecimal? {
    let low = word & 0x0FFF
    // All ones is no value; without its upper bits it would be 40.95 °C.
    guard word != 0xFFFF else { return nil }
    if (200...460).contains(low) { return ExactDecimal(Int64(low), exponent: -1) }
    if (2000...4600).contains(word) { return ExactDecimal(Int64(word), exponent: -2) }
    return (2000...4095).contains(low) ? ExactDecimal(Int64(low), exponent: -2) : nil
  }

  /// The value of a record part B. Without `kind` it is a guess and marked as such.
  func value(kind known: Kind?, time part: TaiDocFrame?, raw: RawSource) -> Decoded? {
    let stamp = part.map { DateTimeStamp($0.time) }.flatMap { ReadingBuilder.time($0) }
    func reading(_ kind: ReadingKind, _ observations: [Observation], _ flags: [ReadingFlag] = []) -> Decoded {
      Decoded(readings: [
        DeviceReading(
          kind: kind, observations: observations, flags: known == nil ? flags + [.questionable] : flags, time: stamp,
          recordNumber: part?.minute, stored: true, raw: raw)
      ])
    }
    func whole(_ term: Term, _ value: some BinaryInteger) -> Observation {
      Observation(term, .value(ExactDecimal(Int64(value))), unit: term.unit)
    }
    var kind = known ?? guess
    if kind == .multi {
      // Only part A tells what a cuff with a glucose meter measured.
      guard let part else { return nil }
      kind = part.isBloodPressure ? .cuff : .glucose
    }
    switch kind {
    case .cuff, .multi:
      guard d0 > d2, d2 > 0 else { return ReadingBuilder.failed("blood pressure measurement", raw) }
      // d1 is the mean; some models leave it zero.
      let mean =
        d1 > d2 && d1 < d0
        ? whole(.meanArterial, d1) : Observation(.meanArterial, .absent(.notPerformed), unit: .millimetreOfMercury)
      // Neither zero nor 255 is a pulse.
      let pulse =
        d3 > 0 && d3 < 255 ? whole(.cuffPulse, d3) : Observation(.cuffPulse, .absent(.notPerformed), unit: .perMinute)
      let flags: [ReadingFlag] = part?.hasArrhythmia ?? false ? [.irregularPulse] : []
      return reading(.bloodPressure, [whole(.systolic, d0), whole(.diastolic, d2), mean, pulse], flags)
    case .oximeter:
      guard d1 == 0, (1...100).contains(d0), d3 > 0, d3 < 255 else { return ReadingBuilder.failed("oximetry", raw) }
      return reading(.pulseOximetry, [whole(.spo2, d0), whole(.oximeterPulse, d3)])
    case .thermometer:
      guard let number = celsius else { return ReadingBuilder.failed("temperature measurement", raw) }
      return reading(.bodyTemperature, [Observation(.temperature, .value(number), unit: .degreeCelsius)])
    case .glucose: return glucose(reading, raw)
    }
  }

  /// mg/dL that are numbers.
  private static let glucoseRange: ClosedRange<UInt16> = 20...600

  private func glucose(
    _ reading: (ReadingKind, [Observation], [ReadingFlag]) -> Decoded, _ raw: RawSource
  ) -> Decoded? {
    let analyte = d3 >> 2 & 0x0F
    guard analyte == 0 else {
      return Decoded(problems: [
        DriverProblem(
          code: "unsupported", message: "a record of another analyte (code \(analyte)) is not delivered", raw: raw)
      ])
    }
    if d3 >> 6 == 3 {
      return Decoded(problems: [
        DriverProblem(
          code: "control-solution", message: "a control solution was measured; it is never a patient's value", raw: raw)
      ])
    }
    guard word != 0 else { return ReadingBuilder.failed("glucose measurement", raw) }
    var number = ObservedValue.value(ExactDecimal(Int64(word)))
    var flags: [ReadingFlag] = d3 >> 6 == 1 ? [.mealBefore] : d3 >> 6 == 2 ? [.mealAfter] : []
    // The meter's display shows LO and HI there: the word is no number.
    if word < TaiDocFrame.glucoseRange.lowerBound {
      number = .absent(.belowRange)
      flags.append(.resultBelowRange)
    } else if word > TaiDocFrame.glucoseRange.upperBound {
      number = .absent(.aboveRange)
      flags.append(.resultAboveRange)
    }
    return reading(.glucose, [Observation(.glucoseCapillaryWholeBlood, number, unit: .milligramPerDecilitre)], flags)
  }

  /// The frame as named values.
  var values: [NamedValue] {
    guard isAnswer else { return [NamedValue("isRequest", .flag(true))] }
    func serial() -> DecodedValue { .text(Hex.encode(serialOctets).uppercased()) }
    switch command {
    case 0x24: return [NamedValue("model", .text(model))]
    case 0x27: return [NamedValue("serialLow", serial())]
    case 0x28: return [NamedValue("serialHigh", serial())]
    case 0x2B: return [NamedValue("records", .integer(Int64(word)))]
    case 0x25, 0x23:
      return [
        NamedValue("time", .text(String(time.description.dropLast(3)))),
        NamedValue("isBloodPressure", .flag(isBloodPressure)),
        NamedValue("irregularHeartbeat", .integer(Int64(d3 >> 5 & 3))), NamedValue("average", .flag(d3 & 0x80 != 0)),
      ]
    case 0x49: return [NamedValue("spo2_pct", .integer(Int64(d0))), NamedValue("pulse_bpm", .integer(Int64(d3)))]
    default: return []
    }
  }
}

/// What a hub says to it.
extension TaiDocLine {
  private static let commandNames: [UInt8: String] = [
    0x23: "clock", 0x24: "model", 0x25: "record part A (time)", 0x26: "record part B (value)",
    0x27: "serial number, low part",
    0x28: "serial number, high part", 0x2B: "number of records", 0x43: "start BP measurement",
    0x49: "SpO2", 0x50: "turn off", 0x52: "clear memory", 0x54: "enter communication / wake",
  ]

  /// Eight octets that end in A3 and their sum.
  static func hubCommand(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(8))
    guard frame.count == 8, frame[6] == 0xA3, (try? TaiDocProtocol.check(frame)) != nil else { return nil }
    return HubCommand(count: 8, name: commandNames[frame[1]] ?? "unknown", values: [.hex("code", frame[1])])
  }
}
