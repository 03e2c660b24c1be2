// A family of devices on serial lines. All that is known of it stands in one row of its own file: who it is, how its line is cut
// into frames, what may be asked, what a hub says to it. Recognition, `decode serial`, identification and the registry read rows.

/// A family of devices on serial lines.
struct SerialFamily: Sendable {
  /// Frames a minute that its stream has at some line settings; nil where the pace tells nothing.
  typealias Pace = @Sendable (SerialSettings) -> ClosedRange<Int>?

  /// The protocol: how frames are cut, what one of them says, how much it proves.
  let line: any LineProtocol.Type
  /// Who it is, its line settings and its driver.
  let profile: DeviceProfile
  /// What may be asked; nil: it is listened to only.
  let query: HarmlessQuery?
  /// What a hub says to it; nil: nothing that is known.
  let commands: HubCommands.Grammar?
  /// What only the pace of a stream tells.
  let pace: Pace

  /// A row; the profile's transport is serial.
  init(
    _ line: any LineProtocol.Type, _ protection: LineProtection, profile: DeviceProfile, query: HarmlessQuery? = nil,
    commands: HubCommands.Grammar? = nil, pace: @escaping Pace = { _ in nil }
  ) {
    self.line = line
    self.profile = profile.protected(by: protection)
    self.query = query
    self.commands = commands
    self.pace = pace
  }

  /// The protocol's id, which is the driver's.
  var id: String { profile.id }
  /// Its line settings, the usual ones first.
  var settings: [SerialSettings] { if case .serial(let settings) = profile.transport { settings } else { [] } }

  /// The row of an id.
  static func of(_ id: String) -> SerialFamily? { all.first { $0.id == id } }

  /// Every family, in the order of the README's table.
  static let all: [SerialFamily] = [
    ContecV7Driver.family,
    FiveOctetOximeters.contecV5,
    FiveOctetOximeters.bci,
    TextScaleLine.and,
    TextScaleLine.cas,
    MTSICSLine.family,
    KernLine.family,
    Toledo8217Line.family,
    ToledoContinuousLine.family,
    HealthOMeterLine.family,
    TanitaDriver.family,
    TanitaPlainDriver.family,
    NoninSpotCheckDriver.family,
    NoninStreams.eight,
    NoninStreams.two,
    NoninStreams.seven,
    NoninASCIILine.family,
    MasimoASCIILine.family,
    NellcorLine.family,
    AndUA767Driver.family,
    AndTM265xDriver.family,
    SunTechDriver.family,
    BeurerSerialDriver.family,
    VisomatDriver.family,
    TaiDocDriver.cable,
  ]
}
