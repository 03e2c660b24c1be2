// The driver of oximeters that stream without a question: their lines differ, what is one measurement does not.

internal import Octets
internal import Readings

/// A family of streaming oximeters: its frames, and what one of them means.
protocol OximeterLine: LineProtocol {
  /// The protocol's id.
  static var id: String { get }
  /// How often it gives a frame.
  static var framesPerSecond: Int { get }
  /// How many seconds lie between frames that come more seldom than once a second.
  static var secondsPerFrame: Int { get }
  /// The values of a frame; nil when it has none.
  static func reading(_ frame: [UInt8]) -> DeviceReading?
  /// The same, but only where it is a value of now that the rule may count: a value that is shown while the device searches is
  /// an old one.
  static func steady(_ frame: [UInt8]) -> DeviceReading?
  /// What a frame says about the device.
  static func property(_ frame: [UInt8]) -> DeviceProperty?
  /// It is one of the frames that come at the rate; others, such as waveforms and batteries, pass.
  static func counts(_ frame: [UInt8]) -> Bool
}

extension OximeterLine {
  static var secondsPerFrame: Int { 1 }
  static func property(_ frame: [UInt8]) -> DeviceProperty? { nil }
  static func counts(_ frame: [UInt8]) -> Bool { true }
  static func steady(_ frame: [UInt8]) -> DeviceReading? { reading(frame) }

  /// Saturation and pulse as a reading; nil when one of them is missing or impossible.
  static func reading(
    spo2: Int?, pulse: Int?, perfusion: ExactDecimal? = nil, flags: [ReadingFlag], time: DeviceStamp? = nil,
    _ frame: [UInt8]
  ) -> DeviceReading? {
    guard let spo2, let pulse, (1...100).contains(spo2), (1...321).contains(pulse) else { return nil }
    var observations = [
      Observation(.spo2, .value(ExactDecimal(Int64(spo2))), unit: .percent),
      Observation(.oximeterPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
    ]
    if let perfusion { observations.append(Observation(.perfusionIndex, .value(perfusion), unit: .percent)) }
    return DeviceReading(
      kind: .pulseOximetry, observations: observations, flags: flags, time: time, stored: false,
      raw: RawSource(source: id, octets: frame))
  }
}

/// Listens to an oximeter.
struct SpotCheckDriver<Line: OximeterLine>: Driver {
  private let context: DriverContext
  private var line = FramedLine<Line>()
  private var spotCheck: SpotCheckRule
  private var known: DeviceProperty?
  /// A frame of the protocol was there.
  private(set) var wasUnderstood = false

  init(_ context: DriverContext) {
    self.context = context
    spotCheck = SpotCheckRule(samplesPerSecond: Line.framesPerSecond, intervalSeconds: context.continuousInterval)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .received(let octets) = input else { return [] }
    line.append(octets)
    var actions: [DriverAction] = []
    while let item = line.next() {
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let frame):
        wasUnderstood = true
        if let property = Line.property(frame), property != known {
          known = property
          actions.append(.property(property))
        }
        guard Line.counts(frame) else { continue }
        let given = context.everyFrame ? Line.reading(frame) : spotCheck.add(Line.steady(frame))
        // The seconds without a frame have no value.
        if !context.everyFrame { for _ in 1..<max(1, Line.secondsPerFrame) { _ = spotCheck.add(nil) } }
        guard let given else { continue }
        // A stamp that is heard live is what the device's clock shows now.
        if !context.everyFrame, given.stored == false, let stamp = given.time { actions.append(.deviceClock(stamp)) }
        actions.append(.reading(given))
      }
    }
    return actions
  }
}
