// Beurer PO60: an oximeter that keeps its measurements. Service FF12, write FF01, notify FF02; commands and frames end with the sum of
// the octets before it in seven bits. `90 05`, then `99 00` asks for the records, `99 01` for those that follow. Source: two public
// descriptions; no capture of a device was found.
//
// A record has 24 octets: E9, number and "last" (bit 6), start and end of the measurement, three octets that nobody explains, then
// maximum, minimum and average of the saturation, those of the pulse, check. Octets have seven bits, and where the eighth bit of a
// pulse above 127 goes is not known: the pulse is therefore not taken.

internal import Octets
internal import Readings

/// The records on the characteristic.
enum PO60Line: LineProtocol {
  static let longestFrame = 24

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    guard octets.first == 0xE9 else { return .pass(max(1, octets.prefix { $0 != 0xE9 }.count)) }
    guard octets.count >= 24 else { return .wait }
    let frame = octets.prefix(24)
    let computed = Checksum.sum8(frame.dropLast()) & 0x7F
    guard let found = frame.last, found & 0x7F == computed else {
      return .skip(
        1,
        DecodeError(
          field: "check", offset: 23,
          reason: .checksum(computed: UInt32(computed), found: UInt32(frame.last ?? 0))))
    }
    return .frame(24)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] { [] }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard frame.count == 24, (1...100).contains(frame[19]) else { return nil }
    let time = DeviceDateTime(
      year: 2000 + UInt16(frame[2] & 0x7F), month: frame[3] & 0x0F, day: frame[4] & 0x1F, hours: frame[5] & 0x1F,
      minutes: frame[6] & 0x3F, seconds: frame[7] & 0x3F)
    let isDate =
      (1...12).contains(time.month) && time.day > 0 && time.hours < 24 && time.minutes < 60 && time.seconds < 60
    return DeviceReading(
      kind: .pulseOximetry, observations: [Observation(.spo2, .value(ExactDecimal(Int64(frame[19]))), unit: .percent)],
      time: isDate ? .local(time) : nil, stored: true, raw: RawSource(source: "FF12/FF02", octets: frame))
  }

  /// Nobody is recognised by what is notified.
  static func evidence(_ frame: [UInt8]) -> Int { 0 }
}

struct BeurerPO60Driver: Driver {
  private static let notify = CharacteristicID(0xFF12, 0xFF02)
  private static let write = CharacteristicID(0xFF12, 0xFF01)
  private static let silenceTimer: DriverTimer = 1
  private static let silenceMilliseconds = 2000
  /// More than its memory holds.
  private static let mostRequests = 30

  private let context: DriverContext
  private var line = FramedLine<PO60Line>()
  private var properties: UInt8 = 0
  private var requests = 0
  /// Records came since the last request.
  private var hasNew = false
  private var proof = ProtocolProof("a Beurer PO60", isAsked: false)

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(BeurerPO60Driver.notify), device.contains(BeurerPO60Driver.write) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      properties = discovered.first { $0.id == BeurerPO60Driver.write }?.properties ?? 0
      return [.subscribe(BeurerPO60Driver.notify, indications: false)] + DeviceProperty.reads(device) + context.refusals
    case .subscribed(BeurerPO60Driver.notify): return send([0x90, 0x05]) + request(0x00)
    case .value(BeurerPO60Driver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(BeurerPO60Driver.silenceTimer):
      // A batch is over: the next one, until none comes.
      guard !hasNew || requests >= BeurerPO60Driver.mostRequests else { return request(0x01) }
      let foreign = proof.timeout()
      return foreign.isEmpty ? [.finish] : foreign
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func send(_ octets: [UInt8]) -> [DriverAction] {
    let command = ContecOximeterLine.command(octets)
    return [.write(BeurerPO60Driver.write, command, withResponse: properties & 0x08 != 0), later]
  }

  private var later: DriverAction {
    .startTimer(BeurerPO60Driver.silenceTimer, milliseconds: BeurerPO60Driver.silenceMilliseconds)
  }

  private mutating func request(_ which: UInt8) -> [DriverAction] {
    requests += 1
    hasNew = false
    return send([0x99, which])
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    line.append(octets)
    // A frame that is known to be of somebody else; what a PO60 says besides its records is not known.
    proof.heard(octets, proves: proof.isProven || ForeignProtocol.name(octets) == nil)
    var actions: [DriverAction] = []
    while let item = line.next() {
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let frame):
        hasNew = true
        if let reading = PO60Line.reading(frame) { actions.append(.reading(reading)) }
        if frame[1] & 0x40 != 0 { return actions + [.stopTimer(BeurerPO60Driver.silenceTimer), .finish] }
      }
    }
    return actions + [later]
  }

  static let profile = DeviceProfile(
    id: "beurer-po60", manufacturer: "Beurer", names: ["PO60"], transport: .gatt, recognition: [.namePrefix("PO60")],
    kinds: [.pulseOximetry], terms: [.spo2], clock: .stampsOnly, memory: .records, verification: .unverified,
    rule: "one stored record is one measurement: its average saturation"
  ) { BeurerPO60Driver($0) }.pairs(.cannotBond, hint: "measure once; it transfers after the finger is out")
}
