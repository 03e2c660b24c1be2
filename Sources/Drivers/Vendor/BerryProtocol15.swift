// BerryMed oximeters of protocol 1.5, over the same service as BCI 1.2: each notification is one packet of 20 octets that begins with
// FF AA, which cannot be in BCI 1.2. Source: two public decoders that agree; no capture of a device was found.
//
// [2] index; [3] status: 01 probe off, 02 no finger, 04 no pulse, 08 beat; [4] SpO2 mean and [5] momentary (35…100, 127 none); [6]
// pulse mean and [7] momentary (25…250, 255 none); [8-9] RR in 5 ms; [10], [11] perfusion in thousandths, mean and momentary; [12]
// pleth; [13-16] raw; [17] battery in bits 0-6; [18] packets a second; [19] the sum of all before. Version texts have 53 or 48 in [2].
//
// Oddities: one device has other values in [19], so a packet is not refused for them. The raw octets change from packet to packet, and
// any octets of BCI 1.2 may be found in them: once a packet was seen, nothing is looked for but packets.

internal import Octets
internal import Readings

/// One packet of protocol 1.5.
struct BerryPacket: Hashable {
  static let count = 20
  /// Packets a second that a device can be set to.
  private static let rates: Set<UInt8> = [1, 50, 100, 200]

  let octets: [UInt8]

  /// Nil for anything else.
  init?(_ octets: [UInt8]) {
    guard octets.count == BerryPacket.count, BerryPacket.begins(octets) else { return nil }
    self.octets = octets
  }

  /// True for octets that no frame of BCI 1.2 begins with.
  static func begins(_ octets: [UInt8]) -> Bool { octets.prefix(2) == [0xFF, 0xAA] }

  /// It holds a text.
  var isVersion: Bool { octets[2] == 0x53 || octets[2] == 0x48 }
  /// Packets a second; nil for a number that no device has.
  var rate: Int? { BerryPacket.rates.contains(octets[18]) ? Int(octets[18]) : nil }
  /// %.
  var battery: UInt8? { isVersion || octets[17] & 0x7F > 100 ? nil : octets[17] & 0x7F }

  /// The mean values; nil without a finger, without a pulse, or without one of the two.
  var reading: DeviceReading? {
    guard !isVersion, octets[3] & 0x07 == 0, (35...100).contains(octets[4]), (25...250).contains(octets[6]) else {
      return nil
    }
    let perfusion = octets[10] == 0 ? nil : ExactDecimal(Int64(octets[10]), exponent: -1)
    return BerryOximeterLine.reading(
      spo2: Int(octets[4]), pulse: Int(octets[6]), perfusion: perfusion, flags: [], octets)
  }

  var values: [NamedValue] {
    guard !isVersion else {
      return [NamedValue("version", .text(TextFraming.text(octets[3...17].prefix { $0 != 0 })))]
    }
    let reading = reading
    func value(_ term: Term) -> DecodedValue {
      reading?.observations.first { $0.term == term }?.value.decimal.map { .decimal($0) } ?? .absent
    }
    return [
      NamedValue("protocol", .text("1.5")), NamedValue("spo2", value(.spo2)),
      NamedValue("pulse", value(.oximeterPulse)),
      NamedValue("battery", battery.map { .integer(Int64($0)) } ?? .absent),
      NamedValue("packets_per_second", rate.map { .integer(Int64($0)) } ?? .absent),
    ]
  }

  /// A notification on its own, for `decode gatt`.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    guard let packet = BerryPacket(octets) else {
      throw DecodeError(field: "packet", offset: 0, reason: .malformed("\(octets.count) octets, a packet has 20"))
    }
    return Decoded(readings: packet.reading.map { [$0] } ?? [], values: packet.values)
  }
}

/// A Berry oximeter of either protocol: its first notification tells which.
struct BerryDriver: Driver {
  private let context: DriverContext
  /// The link, and the frames of BCI 1.2.
  private var older: NotifyingOximeter<BerryOximeterLine>
  /// It speaks protocol 1.5.
  private var isNewer = false
  private var rate = 0
  private var rule = SpotCheckRule(samplesPerSecond: 100)
  private var battery: UInt8?

  init(_ context: DriverContext) {
    self.context = context
    older = NotifyingOximeter(context)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .value(BerryOximeterLine.stream, let octets, _) = input else { return older.handle(input) }
    if BerryPacket.begins(octets) { isNewer = true }
    guard isNewer else { return older.handle(input) }
    guard let packet = BerryPacket(octets) else { return [] }
    older.noteProven(octets)
    var actions: [DriverAction] = []
    if let percent = packet.battery, percent != battery {
      battery = percent
      actions.append(.property(.battery(percent)))
    }
    // Without its rate nobody knows how long ten seconds are.
    guard !packet.isVersion, let rate = packet.rate else { return actions }
    if rate != self.rate {
      self.rate = rate
      rule = SpotCheckRule(samplesPerSecond: rate, intervalSeconds: context.continuousInterval)
    }
    let given = context.everyFrame ? packet.reading : rule.add(packet.reading)
    return actions + (given.map { [.reading($0)] } ?? [])
  }
}
