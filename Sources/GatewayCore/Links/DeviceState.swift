// What the gateway knows of one configured device while it runs.

internal import BluetoothManagement
internal import Drivers
internal import Readings
internal import Settings
internal import Ledger

struct DeviceState: Sendable {
  var configuration: DeviceConfiguration
  let profile: DeviceProfile
  var session: LinkSession?
  /// What the device told about itself.
  var identity: DeviceIdentity
  var battery: UInt8?
  /// The clock as read in this session.
  var clock: DeviceClock?
  var lastContact: Int64?
  var lastProblem: DriverProblem?
  /// A reading of this session was not known before, or is on its way to the disk from an earlier one.
  var hasNews = false
  /// The driver found in this session that the device speaks another protocol.
  var isOfAnotherKind = false
  /// When each kind of garbage on its line was told last, monotonic milliseconds.
  private var garbageTold: [String: Int64] = [:]
  /// How far the stamp of a value that was just measured is from the hub's clock, until that is told; and when it was told last.
  var clockFault: Int64?
  var clockFaultToldAt: Int64?
  var lastEnd: LinkEnd?
  /// When a closed port is opened again, monotonic milliseconds.
  var reopenAt: Int64?
  var failures = 0
  /// What technicians asked, for the next contact.
  var requests: [DriverRequest] = []
  /// What came of it.
  var lastAnswer: String?
  /// What may be asked of it, as its last session left it.
  var abilities: DeviceAbilities
  /// Whether the device behind its port is the one that was bound.
  var proof = DeviceProof()
  /// How much of what it says is admitted, and what waits.
  var admission: Admission
  /// How much of what it sent last was nothing that its driver reads.
  var garbled = Garbled()

  /// - Parameter known: what it told about itself in earlier sessions.
  init(_ configuration: DeviceConfiguration, _ profile: DeviceProfile, known: KnownIdentity? = nil) {
    self.configuration = configuration
    self.profile = profile
    admission = Admission(profile)
    abilities = profile.make(DriverContext(model: configuration.model)).abilities
    let transport: TransportKind
    if case .serial = profile.transport { transport = .serial } else { transport = .ble }
    identity = DeviceIdentity(
      id: configuration.id, manufacturer: profile.manufacturer, model: configuration.model, transport: transport)
    if let known { identity = known.filling(identity) }
  }

  /// The line settings of its port: those at which it was recognised, else its driver's usual ones. Nil when it is on none.
  var lineSettings: SerialSettings? {
    guard configuration.isOnPort, case .serial(let usual) = profile.transport else { return nil }
    if case .usb(let binding) = configuration.endpoint, let heard = binding.settings { return heard }
    return usual.first
  }

  /// Garbage on a line is told, logged and kept once a day for each code: a line that babbles for months costs nothing. Other
  /// problems are kept as often as a person can look at them.
  mutating func mayTell(_ problem: DriverProblem, at now: Int64) -> Bool {
    guard problem.isGarbage else { return problem.raw == nil || admission.admits(problem, at: now) }
    let day: Int64 = 86_400_000
    if let told = garbageTold[problem.code], now - told < day { return false }
    garbageTold[problem.code] = now
    return true
  }

  mutating func take(_ property: DeviceProperty) {
    switch property {
    case .manufacturer(let text): identity.manufacturer = text
    case .model(let text): identity.model = text
    case .serial(let text): identity.serial = text
    case .firmware(let text): identity.firmware = text
    case .hardware, .software: break
    case .systemID(let text): identity.systemID = text
    case .battery(let percent): battery = percent
    }
  }
}

extension DeviceState {
  var isBLE: Bool {
    if case .gatt = profile.transport { return true }
    return false
  }

  var isSerial: Bool {
    if case .serial = profile.transport { return true }
    return false
  }

  /// The address that readings name: one that the device keeps; a port is no device's. Identifiers of readings are made without it, as
  /// before it was named: a record that the device sends once more has the same.
  var address: String? { link?.device.description }

  /// The link over the air, for a Bluetooth device.
  var link: BluetoothLink? {
    if case .bluetooth(let link) = configuration.endpoint { return link }
    return nil
  }

  /// When it wants something done without an event, monotonic milliseconds.
  var deadline: Int64? { [session?.nextDeadline, reopenAt, admission.resumeAt].compactMap(\.self).min() }

  /// What others may know of it.
  var fact: DeviceFact {
    DeviceFact(
      configuration: configuration, profile: profile, identity: identity, battery: battery, clockOffset: clock?.offset,
      lastContact: lastContact, lastProblem: lastProblem, lastAnswer: lastAnswer,
      abilities: session?.abilities ?? abilities,
      isUp: session != nil, lastEnd: lastEnd, isReopening: reopenAt != nil, change: proof.change,
      floodToldAt: admission.toldAt, isNotUnderstood: garbled.isProblem)
  }
}
