// The conversation that fits every Bluetooth SIG health profile: subscribe first, because some devices send at once; read the
// clock before it is written, because only so its offset is known; set it before anything else is asked, because some devices
// hang up after 5 s without; then features and records; Device Information and battery last. A device that never told what it is tells
// that first, once its clock is set: its first reading names it as every later one.

internal import HealthProfiles
internal import Octets
internal import Readings

/// What differs between the profiles.
protocol SIGProfile: Sendable {
  /// The characteristics to subscribe to, most important first; those that the device lacks are passed over.
  var subscriptions: [(id: CharacteristicID, indications: Bool)] { get }
  /// Characteristics to read before measurements are judged.
  var features: [CharacteristicID] { get }
  /// Silence after which a transfer with data is over, in milliseconds.
  var idleMilliseconds: Int { get }
  /// The longest session, in milliseconds; a stream has none.
  var totalMilliseconds: Int { get }
  /// What the device has, before anything is asked.
  mutating func connected(_ device: Set<CharacteristicID>)
  /// A feature's value.
  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8])
  /// What to ask once everything is subscribed and the clock is set, such as stored records.
  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction]
  /// A measurement's value.
  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction]
  /// A write was refused with an ATT error code.
  mutating func writeFailed(_ id: CharacteristicID, _ code: UInt8) -> [DriverAction]
  /// A technician asks for something other than a user slot.
  mutating func request(_ request: DriverRequest) -> [DriverAction]
  /// The device keeps records, and the profile asks for them: what a technician wants of them it takes from the context.
  var keepsRecords: Bool { get }
  /// Devices of the profile may keep records, and the profile asks for them.
  static var mayKeepRecords: Bool { get }
  /// Every reading given before is on disk.
  mutating func committed() -> [DriverAction]
  /// A timer of the profile's own (numbers from 10 on).
  mutating func timer(_ timer: DriverTimer) -> [DriverAction]
  /// The link is gone: give what was held back.
  mutating func closed() -> [DriverAction]
}

extension SIGProfile {
  var features: [CharacteristicID] { [] }
  var idleMilliseconds: Int { 8000 }
  var totalMilliseconds: Int { 60_000 }
  mutating func connected(_ device: Set<CharacteristicID>) {}
  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) {}
  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] { [] }
  mutating func writeFailed(_ id: CharacteristicID, _ code: UInt8) -> [DriverAction] { [] }
  var keepsRecords: Bool { false }
  static var mayKeepRecords: Bool { false }
  mutating func request(_ request: DriverRequest) -> [DriverAction] { [request.refusal] }
  mutating func committed() -> [DriverAction] { [] }
  mutating func timer(_ timer: DriverTimer) -> [DriverAction] { [] }
  mutating func closed() -> [DriverAction] { [] }
}

extension Decoded {
  /// Readings and problems as a driver gives them.
  var actions: [DriverAction] { readings.map { .reading($0) } + problems.map { .problem($0) } }
}

/// A driver for a device that follows a SIG profile.
struct SIGDriver<Profile: SIGProfile>: Driver {
  private static var idleTimer: DriverTimer { 1 }
  private static var totalTimer: DriverTimer { 2 }
  /// Streams live on.
  private let isStream: Bool
  private let code: ConsentCode
  /// The device does its work only while nobody is connected: the hub stays for its memory alone.
  private let isBrief: Bool

  private var profile: Profile
  private var context: DriverContext
  private var characteristics: [CharacteristicID: UInt8] = [:]
  private var clock = SIGClock([:])
  private var consent = UserConsent([])
  /// Subscriptions that the device refused until consent is given.
  private var withheld: [CharacteristicID] = []
  /// What waits until the device has told what it is, and what it has not answered yet.
  private var introduction: (waiting: [DriverAction], open: Set<CharacteristicID>)?
  /// The rest of the session is asked for once the clock is done with.
  private var hasAskedRest = false
  private var isIntroduced = false

  init(
    _ profile: Profile, _ context: DriverContext, isStream: Bool = false, consent code: ConsentCode = .none,
    isBrief: Bool = false
  ) {
    self.profile = profile
    self.context = context
    self.isStream = isStream
    self.code = code
    self.isBrief = isBrief
  }

  /// What a device of the profile may have.
  static var mayHave: DeviceAbilities { Profile.mayKeepRecords ? [.records, .users] : .users }

  var abilities: DeviceAbilities {
    guard hasAskedRest else { return SIGDriver.mayHave }
    var abilities: DeviceAbilities = profile.keepsRecords ? .records : []
    if consent.isThere { abilities.formUnion(.users) }
    return abilities
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered): return begin(discovered)
    case .value(let id, let octets, let origin): return value(id, octets, origin)
    case .readFailed(let id, _):
      return id == clock.id ? clock.write(context) + afterClock() : introduced(by: id)
    case .writeFailed(UserConsent.point, let code): return consent.writeFailed(code)
    case .writeFailed(let id, let code): return profile.writeFailed(id, code)
    case .timer(SIGDriver.idleTimer), .timer(SIGDriver.totalTimer): return profile.closed() + [.finish]
    case .timer(let timer): return profile.timer(timer)
    case .subscribeFailed(let id, UserConsent.notPermitted) where characteristics[UserConsent.point] != nil:
      withheld.append(id)
      return []
    case .subscribeFailed(let id, let code):
      return [
        .problem(
          DriverProblem(
            code: "subscribe-failed", message: "the device refuses a subscription to \(id) (ATT error \(code))"))
      ]
    case .request(let request):
      return UserConsent.isMine(request) ? consent.request(request) : profile.request(request)
    case .committed: return profile.committed()
    case .closed: return profile.closed()
    case .opened, .written, .subscribed, .advertisement, .received, .waited: return []
    }
  }

  private mutating func begin(_ discovered: [DiscoveredCharacteristic]) -> [DriverAction] {
    characteristics = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
    profile.connected(Set(characteristics.keys))
    var actions: [DriverAction] = []
    for (id, indications) in profile.subscriptions {
      guard let properties = characteristics[id] else { continue }
      // The property octet decides; a device that tells neither gets what the specification says.
      let indicate = properties & 0x30 == 0 ? indications : properties & 0x20 != 0
      actions.append(.subscribe(id, indications: indicate))
    }
    guard !actions.isEmpty else {
      return [.problem(UnsupportedServices.problem(characteristics.keys)), .finish]
    }
    consent = UserConsent(characteristics.keys)
    actions += consent.subscription
    if !isStream {
      actions.append(.startTimer(SIGDriver.totalTimer, milliseconds: profile.totalMilliseconds))
      if isBrief { actions.append(.startTimer(SIGDriver.idleTimer, milliseconds: profile.idleMilliseconds)) }
    }
    clock = SIGClock(characteristics)
    // A&D's devices hang up after five seconds without subscription and clock: nothing stands before these.
    if !context.knowsIdentity, clock.id?.characteristic.short != 0x2A08 {
      let asked = Set(identityReads.compactMap { action in if case .read(let id) = action { id } else { nil } })
      // Timers run from the beginning.
      let later = actions.filter { if case .subscribe = $0 { true } else { false } }
      if !asked.isEmpty {
        introduction = (later, asked)
        actions.removeAll { if case .subscribe = $0 { true } else { false } }
      }
    }
    if clock.isReadable, let id = clock.id { return actions + [.read(id)] }
    return actions + clock.write(context) + afterClock()
  }

  /// Device Information without the battery.
  private var identityReads: [DriverAction] {
    DeviceProperty.reads(Set(characteristics.keys)).filter { $0 != .read(DeviceProperty.battery) }
  }

  private mutating func afterClock() -> [DriverAction] { introduction == nil ? askRest() : identityReads }

  /// The device answered a question about itself; once it has answered all, the measurements may come.
  private mutating func introduced(by id: CharacteristicID) -> [DriverAction] {
    guard introduction?.open.remove(id) != nil, let waiting = introduction?.waiting,
      introduction?.open.isEmpty ?? false
    else { return [] }
    introduction = nil
    isIntroduced = true
    return waiting + askRest()
  }

  /// Consent, features, what the profile asks for, Device Information and battery.
  private mutating func askRest() -> [DriverAction] {
    guard !hasAskedRest else { return [] }
    hasAskedRest = true
    var actions = consent.ready(context, code)
    actions += profile.features.filter { characteristics[$0] != nil }.map { .read($0) }
    actions += profile.ready(Set(characteristics.keys), context)
    if !profile.keepsRecords {
      actions += context.requests.filter { !UserConsent.isMine($0) }.map(\.refusal)
    }
    let reads = DeviceProperty.reads(Set(characteristics.keys))
    return actions + (isIntroduced ? reads.filter { $0 == .read(DeviceProperty.battery) } : reads)
  }

  private mutating func value(_ id: CharacteristicID, _ octets: [UInt8], _ origin: ValueOrigin) -> [DriverAction] {
    if id == clock.id, origin == .read { return clock.read(octets) + clock.write(context) + afterClock() }
    if profile.features.contains(id), origin == .read {
      profile.feature(id, octets)
      return []
    }
    if id.service == BluetoothUUID(0x180A) || id.service == BluetoothUUID(0x180F) {
      let actions = DeviceProperty.actions(id, octets)
      if case .property(.model(let model))? = actions.first, context.model == nil { context.model = model }
      return actions + (origin == .read ? introduced(by: id) : [])
    }
    if id == UserConsent.point { return consented(octets) }
    if UserConsent.userData.contains(id), origin == .read { return toldAgain(id, octets) }
    guard profile.subscriptions.contains(where: { $0.id == id }) else { return [] }
    let actions = profile.measured(id, octets, context)
    return isStream
      ? actions : actions + [.startTimer(SIGDriver.idleTimer, milliseconds: profile.idleMilliseconds)]
  }

  /// With consent, what was withheld is asked for again.
  private mutating func consented(_ octets: [UInt8]) -> [DriverAction] {
    let (actions, isGranted) = consent.answered(octets)
    guard isGranted else { return actions }
    defer { withheld = [] }
    let known = code == .none ? [] : UserConsent.userData.filter { (characteristics[$0] ?? 0) & 0x0A == 0x0A }
    return actions + known.map { .read($0) }
      + withheld.map { .subscribe($0, indications: (characteristics[$0] ?? 0) & 0x20 != 0) }
  }
}

extension SIGDriver {
  /// Some scales give a user's values only after they were told what they know of the user: the same octets, nothing else. What
  /// is not set stays so.
  private func toldAgain(_ id: CharacteristicID, _ octets: [UInt8]) -> [DriverAction] {
    guard !octets.isEmpty, octets.count <= 4, !octets.allSatisfy({ $0 == 0xFF }), octets != [0, 0, 0, 0],
      octets != [0, 0]
    else { return [] }
    return [.write(id, octets, withResponse: true)]
  }
}

extension DeviceProperty {
  static let battery = CharacteristicID(0x180F, 0x2A19)

  /// The characteristics of Device Information and the battery, as far as a device has them.
  static func reads(_ device: Set<CharacteristicID>) -> [DriverAction] {
    let information: [UInt16] = [0x2A29, 0x2A24, 0x2A25, 0x2A26, 0x2A27, 0x2A28, 0x2A23]
    let all = information.map { CharacteristicID(0x180A, $0) } + [battery]
    return all.filter { device.contains($0) }.map { .read($0) }
  }

  /// A value of Device Information (0x180A) or of the battery (0x180F).
  static func actions(_ id: CharacteristicID, _ octets: [UInt8]) -> [DriverAction] {
    let text = DeviceInformationString.decode(octets)
    switch id.characteristic.short {
    case 0x2A19: return (try? BatteryLevel(decoding: octets)).map { [.property(.battery($0.percent))] } ?? []
    case 0x2A23: return (try? SystemID(decoding: octets)).map { [.property(.systemID($0.eui64))] } ?? []
    case _ where text.isEmpty: return []
    case 0x2A29: return [.property(.manufacturer(text))]
    case 0x2A24: return [.property(.model(text))]
    case 0x2A25: return [.property(.serial(text))]
    case 0x2A26: return [.property(.firmware(text))]
    case 0x2A27: return [.property(.hardware(text))]
    case 0x2A28: return [.property(.software(text))]
    default: return []
    }
  }
}
