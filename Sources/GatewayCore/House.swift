// What every component may know of the others. Each fact has one writer, the component that owns what it tells of; `.ci/check-arrows`
// holds that. Settings come with an event, and are the router's to write.

internal import BluetoothManagement
internal import JSON
internal import ControlProtocol
internal import Exchange
internal import Drivers
internal import Monitoring
internal import Octets
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

/// The settings in force, and what components tell of themselves.
struct House: Sendable {
  let identity: Gateway.Identity
  private(set) var configuration = Configuration()
  private(set) var zones: [String: TimeZoneRules] = [:]
  private(set) var plans: [String: Plan] = [:]
  /// Since when the hub's clock is not synchronised, monotonic milliseconds.
  private(set) var clockUnsureSince: Int64?
  /// The hub's clock was right at some time since this process began, or has a battery.
  private(set) var isClockSet = false
  /// It was before this event.
  private(set) var clockWasSet = false
  /// By how much the clock was stepped since the event before, in milliseconds; nil: it was not.
  private(set) var clockStep: Int64?
  /// Wall clock less monotonic clock at the last event, in milliseconds.
  private var clockBasis: Int64?
  var isStarted = false
  var journal = JournalReport(bytes: 0, segments: 0, maximumBytes: 0, damage: [])
  /// The journal takes no records; since when, in milliseconds since 1970.
  var journalFailure: (failure: JournalFailure, since: Int64)?

  // MARK: Links

  var devices: [String: DeviceFact] = [:]
  /// Devices of which the disk does not have yet that the daemon died in their session.
  var crashed: Set<String> = []
  /// Readings and events that the disk refused and that are held in memory.
  var unsaved = 0
  /// How many of them are readings.
  var unsavedReadings = 0
  /// Since when, in milliseconds since 1970; nil: nothing is held.
  var unsavedSince: Int64?
  /// Readings that could not be held.
  var lost = 0

  // MARK: Bluetooth

  var air: [String: AirFact] = [:]
  var bluetooth = BluetoothFact()
  /// Secrets of devices that are in force.
  var keys = Keys()
  /// Why the file of keys could not be written; nil: it is.
  var keysFault: String?

  // MARK: Ports

  var ports = PortsFact()

  // MARK: Delivery

  var backends: [String: BackendFact] = [:]

  // MARK: Rules

  var pulls: [String: PlanPull] = [:]

  // MARK: Watch

  var faults = KnownFaults()
  /// When backends' credentials end, by name.
  var credentials: [String: CredentialFact] = [:]

  /// Why files that were kept long enough stay, and since when in milliseconds since 1970, by directory backend.
  var retentionFaults: [String: (text: String, since: Int64)] = [:]

  /// How much of the room for patients' histories is taken, in percent.
  var historyPercent = 0

  // MARK: Desk

  /// Stored readings that are being read to be given to a patient, by sequence number.
  var assigning: Set<UInt64> = []
  /// Why a patient could not be erased; nil: nobody waits to be.
  var eraseFault: String?
  /// Why files of backends still name erased patients, by patient.
  var eraseFilesFaults: [String: String] = [:]

  init(_ identity: Gateway.Identity) { self.identity = identity }

  mutating func configure(_ configuration: Configuration, _ zones: [String: TimeZoneRules], _ plans: [String: Plan]) {
    self.configuration = configuration
    self.zones = zones
    self.plans = plans
  }

  /// Every event says whether the hub's clock is synchronised.
  mutating func noteClock(_ now: Now) {
    let basis = now.wall - now.monotonic
    clockStep = clockBasis.map { basis - $0 }.flatMap { $0.magnitude > House.smallestStep ? $0 : nil }
    clockWasSet = isClockSet
    clockBasis = basis
    if now.isSynchronised || identity.hasBatteryClock { isClockSet = true }
    clockUnsureSince = now.isSynchronised ? nil : clockUnsureSince ?? now.monotonic
  }

  /// A step of the hub's clock that is noticed, in milliseconds.
  private static let smallestStep: UInt64 = 2000

  /// Since when the hub runs without knowing the time, in milliseconds since 1970 by its wrong clock; nil: its clock is set.
  func clockUnsetSince(_ now: Now) -> Int64? {
    isClockSet ? nil : now.wall - max(0, now.monotonic - identity.startedAt)
  }

  /// A patient's plan as it is in force: with the pauses that stand beside it.
  func plan(of patient: String, _ pauses: [String: [PauseRecord]]) -> Plan? {
    guard var plan = plans[patient] else { return nil }
    if let beside = pauses[patient] { plan.pauses += beside.map(\.pause) }
    return plan
  }

  mutating func forgetPlan(of patient: String) { plans[patient] = nil }

  /// The zone of the hub.
  var zone: TimeZoneRules { zones[configuration.timeZone] ?? .utc }

  func zone(for device: DeviceConfiguration, patient: String?) -> TimeZoneRules {
    let name = device.timeZone ?? patient.flatMap { plans[$0]?.timeZone } ?? configuration.timeZone
    return zones[name] ?? zone
  }

  func planZone(_ plan: Plan) -> TimeZoneRules { plan.timeZone.flatMap { zones[$0] } ?? zone }

  /// The hub's offset from UTC, in seconds. - Parameter wall: milliseconds since 1970.
  func offset(at wall: Int64) -> Int32 { Int32(clamping: zone.local(at: wall / 1000).offset) }

  /// An event of a device.
  func event(of device: String, _ code: String, _ message: String, _ now: Now) -> HubEvent {
    HubEvent(device: device, code: code, message: message, at: now.wall, offsetSeconds: offset(at: now.wall))
  }

  /// An event of the hub itself.
  func event(_ code: String, _ message: String, isOver: Bool = false, _ now: Now) -> HubEvent {
    HubEvent(hub: code, message: message, isOver: isOver, at: now.wall, offsetSeconds: offset(at: now.wall))
  }
}

/// What is known of a device while the daemon runs.
struct DeviceFact: Sendable {
  var configuration: DeviceConfiguration
  var profile: DeviceProfile
  var identity: DeviceIdentity
  /// In percent.
  var battery: UInt8?
  /// Hub minus device, in milliseconds.
  var clockOffset: Int64?
  /// In milliseconds since 1970.
  var lastContact: Int64?
  var lastProblem: DriverProblem?
  var lastAnswer: String?
  /// What may be asked of it.
  var abilities: DeviceAbilities
  /// Its link is up.
  var isUp: Bool
  var lastEnd: LinkEnd?
  /// Its port is closed and opened again after a while.
  var isReopening: Bool
  /// Why the device behind its port is not the one that was bound.
  var change: String?
  /// When it was told last that it says more than is admitted, monotonic milliseconds.
  var floodToldAt: Int64?
  /// The last of what it sent was nothing that its driver reads.
  var isNotUnderstood = false
}

extension DeviceFact {
  /// A link to the device itself is up. That a port is open, or that it was heard on the air once, is none.
  var isLinked: Bool {
    guard case .gatt = profile.transport else { return false }
    return isUp
  }
}

extension LedgerState {
  /// When a device was heard last, in milliseconds since 1970: since the start, else by its newest reading.
  func lastContact(of device: DeviceFact) -> Int64? { device.lastContact ?? recent[device.configuration.id]?.newestAt }
}

/// What is known of a Bluetooth device on the air.
struct AirFact: Sendable {
  /// Signal strength of the newest advertisement, in dBm.
  var rssi: Int8?
  /// It was heard but no link came about, or the link ended before it said anything.
  var missedContacts = 0
  /// It does not know this hub any more.
  var needsPairing = false
}

/// What is known of Bluetooth.
struct BluetoothFact: Sendable {
  struct ControllerFact: Sendable {
    var index: UInt16
    var address: String?
    var isReady: Bool
  }

  /// A pairing under way.
  struct PairingFact: Sendable {
    var device: String?
    var consent: Consent?
    /// The kernel pairs now.
    var isPairing: Bool
  }

  /// What keeps it from working; nil when a controller is ready.
  var fault: ControlError?
  var controllers: [ControllerFact] = []
  var pairing: PairingFact?
  /// Some device needs it.
  var isNeeded = false
}

/// What is known of serial ports that are plugged in over USB.
struct PortsFact: Sendable {
  /// By node.
  var ports: [String: PortFact] = [:]
  /// Places whose port went away as soon as it had come.
  var vanished: [String] = []

  /// The node of a bound device's port.
  func node(of device: String) -> String? { ports.first { $0.value.use == .bound(device: device) }?.key }
}

/// What is known of one port.
struct PortFact: Sendable {
  var use: SerialPortState.Use
  var fault: LinkEnd?
  /// Drivers that all fit what it says.
  var candidates: [String] = []
}

/// What is known of one backend.
struct BackendFact: Sendable {
  var configuration: BackendConfiguration
  /// When it is tried again, monotonic milliseconds.
  var nextDeadline: Int64?
  var isMisconfigured: Bool
  /// Nothing is on its way to it.
  var isIdle: Bool
  /// When the oldest item that waits was received, in milliseconds since 1970.
  var oldestWaiting: Int64?
  /// In milliseconds since 1970.
  var lastSuccess: Int64?
  var lastError: (code: String, text: String)?
  /// Since when it has taken nothing of what was sent, monotonic milliseconds; nil: the last try was good.
  var failingSince: Int64?
  /// What a person can do about the last error.
  var advice: String
  /// The last item of the batch that is on its way, by sequence number; 0 when none is.
  var inFlight: UInt64
  /// Items that are on their way past a backlog, by sequence number.
  var aheadInFlight: [UInt64]
  /// Items of a kind's line that are on their way, with the kind.
  var lineInFlight: (kind: String, sequences: [UInt64])?
  /// When a kind that it refuses is asked for again, monotonic milliseconds.
  var probes: [String: Int64] = [:]
  /// What is known of compressed requests to it.
  var compression = RequestCompression.State.off

  /// The name in its address; nil for a folder.
  var host: String? {
    guard case .http(_, let http) = configuration.kind else { return nil }
    return http.url.split(separator: "/").dropFirst().first.map { address in
      let bare = address.split(separator: "@").last ?? address
      return String(bare.prefix { $0 != "?" && $0 != "#" })
    }
  }

  /// Why it takes nothing, in plain words, with the code behind them.
  var plainReason: String {
    guard let error = lastError else { return "there was no answer yet" }
    let words = DeliveryWords.text(error.code).split(separator: ";").first.map(String.init) ?? error.text
    return "\(words) (\(error.code))"
  }
}

/// Everything that is shown: a value of its own, so that who asks can look at it while the hub goes on.
struct View: Sendable {
  let house: House
  /// What decisions are made upon: with what is on its way to the disk.
  let head: LedgerState
  /// What the disk has.
  let durable: LedgerState
  let now: Now

  var identity: Gateway.Identity { house.identity }
  var configuration: Configuration { house.configuration }
  var plans: [String: Plan] { house.plans }
  var devices: [String: DeviceFact] { house.devices }
  var backends: [String: BackendFact] { house.backends }
  var journal: JournalReport { house.journal }
  var journalFailure: JournalFailure? { house.journalFailure?.failure }

  /// Every device: those of the configuration, and those that technicians brought in.
  var knownDevices: [DeviceConfiguration] { head.knownDevices(house) }

  /// The lowest sequence number that waits for a patient: it is never dropped, nor what comes after it. What backends refused is
  /// kept as long as the journal is not half full: it must not keep new readings out.
  var pinned: UInt64? {
    // A backend that the configuration has no more gets nothing again.
    let retries = durable.retries.values.filter { backends[$0.backend] != nil }
    var numbers = durable.parked.values.map(\.sequence) + retries.map(\.original)
    numbers += durable.held.values.map(\.sequence) + [durable.parkedBeyond?.first].compactMap(\.self)
    if journal.bytes <= journal.maximumBytes / 2 { numbers += durable.allRefusals.map(\.sequence) }
    return numbers.min()
  }
}

extension LedgerState {
  /// Every device: those of the configuration, and those that technicians brought in with their secrets.
  func knownDevices(_ house: House) -> [DeviceConfiguration] {
    let configured = Set(house.configuration.devices.map(\.id))
    return house.configuration.devices
      + register.devices.filter { !configured.contains($0.id) }.map { device in
        var device = device
        device.consent = house.keys.consents[device.id]
        device.key = house.keys.deviceKeys[device.id]
        return device
      }
  }
}
