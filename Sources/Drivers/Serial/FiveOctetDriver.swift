// The conversation with a five-octet oximeter: it streams without a question. A V5 device is asked for its stored data when
// that is wished (F5 F5), and sent back to live data (F6 F6 F6) when it fell silent for 2 s.

internal import Octets
internal import Readings

struct FiveOctetDriver<Protocol: LineProtocol>: FramedDriver {
  private static var downloadTimer: DriverTimer { 1 }
  private static var downloadMilliseconds: Int { 2000 }

  private let dialect: FiveOctetDialect
  private let context: DriverContext
  var line = FramedLine<Protocol>()
  private var spotCheck: SpotCheckRule
  private var stored = SpotCheckRule(samplesPerSecond: 1)
  private var storedSamples = 0
  /// How many samples the record has, and the hour and minute of its start; nil when the device did not tell.
  private var announcedSamples: Int?
  private var start: (hours: UInt8, minutes: UInt8)?
  private var isDownloading = false

  init(_ dialect: FiveOctetDialect, _ context: DriverContext) {
    self.dialect = dialect
    self.context = context
    spotCheck = SpotCheckRule(
      samplesPerSecond: dialect.samplesPerSecond, intervalSeconds: context.continuousInterval)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened where dialect == .contec && context.storedRecords:
      isDownloading = true
      return [.transmit([0xF5, 0xF5]), downloadContinues]
    case .timer(FiveOctetDriver.downloadTimer) where isDownloading:
      isDownloading = false
      return [.transmit([0xF6, 0xF6, 0xF6])]
    case .received(let octets):
      return frames(of: octets)
    default: return []
    }
  }

  /// When a sample was taken, by the hub's clock: after the last such hour and minute, or so that the record ended when the
  /// session began.
  private func estimate(second: Int) -> DeviceDateTime? {
    guard let now = context.localTime else { return nil }
    if let start {
      var begin = now
      (begin.hours, begin.minutes, begin.seconds) = (start.hours, start.minutes, 0)
      let isYesterday = begin.seconds(since: now).map { $0 > 0 } ?? true
      return begin.advanced(bySeconds: second - (isYesterday ? 86_400 : 0))
    }
    return announcedSamples.flatMap { now.advanced(bySeconds: second - $0) }
  }

  private var downloadContinues: DriverAction {
    .startTimer(FiveOctetDriver.downloadTimer, milliseconds: FiveOctetDriver.downloadMilliseconds)
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    guard frame.count == 3 || frame.count == 6 else {
      let reading = FiveOctetFrame(frame)?.reading(dialect)
      if context.everyFrame { return reading.map { [.reading($0)] } ?? [] }
      // A value that is shown while the device searches is an old one.
      let steady = reading.flatMap { $0.flags.isEmpty ? $0 : nil }
      let searches = reading?.flags.contains(.signalSearching) ?? false
      return spotCheck.add(steady, isSearching: searches).map { [.reading($0)] } ?? []
    }
    let waits = isDownloading ? [downloadContinues] : []
    guard let sample = ContecV5Line.sample(frame) else {
      // A header: a new record begins.
      stored = SpotCheckRule(samplesPerSecond: 1)
      storedSamples = 0
      announcedSamples = ContecV5Line.storedOctets(frame).map { $0 / 3 } ?? announcedSamples
      start = ContecV5Line.storedStart(frame)
      return waits
    }
    storedSamples += 1
    let reading = sample.spo2.flatMap { spo2 in
      sample.pulse.map { FiveOctetFrame.reading(dialect, spo2: spo2, pulse: $0, flags: [], stored: true, frame) }
    }
    if context.everyFrame { return (reading.map { [.reading($0)] } ?? []) + waits }
    guard var done = stored.add(reading) else { return waits }
    // The record has no date; which second of it this was is all that is told.
    done.recordNumber = UInt32(clamping: storedSamples - 1)
    if let time = estimate(second: storedSamples - 1) {
      done.time = .local(time)
      done.flags.append(.estimatedTime)
    }
    return [.reading(done)] + waits
  }
}

/// The two families.
enum FiveOctetOximeters {
  static let contecV5 = SerialFamily(
    ContecV5Line.self, .agreement,
    profile: DeviceProfile(
      id: FiveOctetDialect.contec.rawValue, manufacturer: "Contec", names: ["CMS50D+/E/F (firmware before 4.6)"],
      transport: .serial([SerialSettings(19_200, parity: .odd), SerialSettings(4800, parity: .odd)]),
      recognition: [
        .frames("60 five-octet frames a second"), .usb(vendor: 0x10C4, product: 0xEA60),
        .usb(vendor: 0x067B, product: 0x2303),
      ],
      kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse], clock: .none, memory: .records,
      verification: .unverified,
      rule: SpotCheckRule.sentence
    ) { FiveOctetDriver<ContecV5Line>(.contec, $0) },
    commands: HubCommands.fixed([([0xF6, 0xF6, 0xF6], "reset to live streaming"), ([0xF5, 0xF5], "send stored")]),
    pace: { _ in 3000...4200 })

  static let bci = SerialFamily(
    BCILine.self, .agreement,
    profile: DeviceProfile(
      id: FiveOctetDialect.bci.rawValue, manufacturer: "Berry", names: ["BM1000 and other BCI 1.2 oximeters"],
      transport: .serial([SerialSettings(115_200), SerialSettings(4800, parity: .odd), SerialSettings(4800)]),
      recognition: [.frames("100 five-octet frames a second")], kinds: [.pulseOximetry],
      terms: [.spo2, .oximeterPulse], clock: .none, memory: .none, verification: .unverified,
      rule: SpotCheckRule.sentence
    ) { FiveOctetDriver<BCILine>(.bci, $0) },
    pace: { settings in
      // At 4800 baud a hundred frames a second do not fit; how many there are is not known.
      settings.baud > 9600 ? 5100...6900 : nil
    })
}
