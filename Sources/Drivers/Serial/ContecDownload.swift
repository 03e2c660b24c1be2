// Stored data of a V7 oximeter: one sample a second, in packets 0F (three samples) or 09 (one, with perfusion index). Length and
// start come before it. A record of hours gives one spot-check for each time that a finger was in the sensor, as live data does.

internal import Octets
internal import Readings

/// One segment that is being read.
struct ContecDownload: Sendable {
  private let context: DriverContext
  private var rule = SpotCheckRule(samplesPerSecond: 1)
  /// Octets of the samples as the device counts them: two a sample, four with perfusion index. Nil when it was not told.
  private var announcedOctets: Int?
  private var date: (year: UInt16, month: UInt8, day: UInt8)?
  private var time: (hours: UInt8, minutes: UInt8, seconds: UInt8)?
  /// The packets that told them: with them two records of equal samples are different octets.
  private var announcement: [UInt8] = []
  private var samples = 0
  private var octetsPerSample = 2

  init(_ context: DriverContext) { self.context = context }

  /// Takes length (08), date (07) or time (12) of the segment.
  mutating func announce(_ packet: ContecPacket, _ frame: [UInt8]) {
    let data = packet.data
    guard data.count == 6, announcement.count < 64 else { return }
    announcement += frame
    switch packet.type {
    case 0x08: announcedOctets = data[2..<6].reversed().reduce(0) { $0 << 8 | Int($1) }
    case 0x07: date = (UInt16(data[2]) * 100 + UInt16(data[3]), data[4], data[5])
    case 0x12: time = (data[2], data[3], data[4])
    default: break
    }
  }

  /// Takes a packet of samples; gives the readings that it completes.
  mutating func add(_ packet: ContecPacket, _ frame: [UInt8]) -> [DriverAction] {
    octetsPerSample = packet.type == 0x09 ? 4 : 2
    var actions: [DriverAction] = []
    for sample in packet.storedReadings(frame) {
      // The last packet is padded.
      guard !isComplete else { break }
      samples += 1
      guard var reading = rule.add(sample) else { continue }
      reading.raw.octets = announcement + reading.raw.octets
      reading.time = stamp(second: samples - 1)
      reading.recordNumber = number(second: samples - 1, reading.time)
      if reading.time != nil, !hasClock { reading.flags.append(.estimatedTime) }
      actions.append(.reading(reading))
    }
    return actions
  }

  /// Every announced sample is there.
  var isComplete: Bool { announcedOctets.map { samples >= $0 / octetsPerSample } ?? false }

  /// Says what is missing.
  func finish() -> [DriverAction] {
    guard let announcedOctets, !isComplete, samples > 0 || announcedOctets > 0 else { return [] }
    let message = "\(samples) of \(announcedOctets / octetsPerSample) stored samples came"
    return [.problem(DriverProblem(code: "stored-incomplete", message: message))]
  }

  /// What tells this segment from all others, by the device's own clock; nil without one, because then the next record may be
  /// announced by the same octets.
  var identity: [UInt8]? { hasClock ? announcement : nil }

  /// Seconds since 2000 by the device's clock; without one, which second of the record it was.
  private func number(second: Int, _ time: DeviceStamp?) -> UInt32 {
    if hasClock, case .local(let fields)? = time, let seconds = fields.seconds(since: 2000) {
      return UInt32(clamping: seconds)
    }
    return UInt32(clamping: second)
  }

  private var hasClock: Bool { (date?.year ?? 0) >= 2000 && time != nil }

  /// When the sample was taken. A device without clock says the year 0: its record is taken to end when the session began.
  private func stamp(second: Int) -> DeviceStamp? {
    if hasClock, let date, let time {
      let start = DeviceDateTime(
        year: date.year, month: date.month, day: date.day, hours: time.hours, minutes: time.minutes,
        seconds: time.seconds)
      return start.advanced(bySeconds: second).map { .local($0) }
    }
    guard let now = context.localTime, let announcedOctets else { return nil }
    return now.advanced(bySeconds: second - announcedOctets / octetsPerSample).map { .local($0) }
  }
}
