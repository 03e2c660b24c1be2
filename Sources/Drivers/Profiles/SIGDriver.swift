// The conversation that fits every Bluetooth SIG health profile: subscribe first, because some devices send at once; read the
// clock before it is written, because only so its offset is known; set it before anything else is asked, because some devices
// hang up after 5 s without; then features and records; Device Information and battery last.

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

  private var profile: Profile
  private var context: DriverContext
  private var characteristics: [CharacteristicID: UInt8] = [:]
  private var clock: CharacteristicID?
  private var isClockWritten = false
  /// The rest of the session is asked for once the clock is done with.
  private var hasAskedRest = false

  init(_ profile: Profile, _ context: DriverContext, isStream: Bool = false) {
    self.profile = profile
    self.context = context
    self.isStream = isStream
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered): return begin(discovered)
    case .value(let id, let octets, let origin): return value(id, octets, origin)
    case .readFailed(let id, _): return id == clock ? writeClock() + askRest() : []
    case .writeFailed(let id, let code): return profile.writeFailed(id, code)
    case .timer(SIGDriver.idleTimer), .timer(SIGDriver.totalTimer): return profile.closed() + [.finish]
    case .timer(let timer): return profile.timer(timer)
    case .subscribeFailed(let id, let code):
      return [
        .problem(
          DriverProblem(
            code: "subscribe-failed", message: "the device refuses a subscription to \(id) (ATT error \(code))"))
      ]
    case .closed: return profile.closed()
    case .opened, .written, .subscribed, .advertisement, .received, .committed: return []
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
      return [
        .problem(
          DriverProblem(code: "service-missing", message: "the device lacks the measurement that its driver expects")),
        .finish,
      ]
    }
    if !isStream {
      actions.append(.startTimer(SIGDriver.totalTimer, milliseconds: profile.totalMilliseconds))
    }
    clock = ([CharacteristicID(0x1805, 0x2A2B)] + SIGDriver.dateTimes).first { characteristics[$0] != nil }
    if let clock, characteristics[clock].map({ $0 & 0x02 != 0 }) ?? false { return actions + [.read(clock)] }
    return actions + writeClock() + askRest()
  }

  /// Where devices put a Date Time: A&D keep it in the service of the measurement.
  private static var dateTimes: [CharacteristicID] {
    [0x1810, 0x181D, 0x1809, 0x181B, 0x1808, 0x1822, 0x1805].map { CharacteristicID($0, 0x2A08) }
  }

  /// Features, what the profile asks for, Device Information and battery.
  private mutating func askRest() -> [DriverAction] {
    guard !hasAskedRest else { return [] }
    hasAskedRest = true
    var actions: [DriverAction] = profile.features.filter { characteristics[$0] != nil }.map { .read($0) }
    actions += profile.ready(Set(characteristics.keys), context)
    let information: [UInt16] = [0x2A29, 0x2A24, 0x2A25, 0x2A26, 0x2A27, 0x2A28, 0x2A23]
    let last = information.map { CharacteristicID(0x180A, $0) } + [CharacteristicID(0x180F, 0x2A19)]
    return actions + last.filter { characteristics[$0] != nil }.map { .read($0) }
  }

  private mutating func value(_ id: CharacteristicID, _ octets: [UInt8], _ origin: ValueOrigin) -> [DriverAction] {
    if id == clock, origin == .read { return clockActions(octets) + writeClock() + askRest() }
    if profile.features.contains(id), origin == .read {
      profile.feature(id, octets)
      return []
    }
    if id.service == BluetoothUUID(0x180A) || id.service == BluetoothUUID(0x180F) {
      let actions = property(id, octets)
      if case .property(.model(let model))? = actions.first, context.model == nil { context.model = model }
      return actions
    }
    if id == SIGDriver.userControlPoint { return consented(octets) }
    guard profile.subscriptions.contains(where: { $0.id == id }) else { return [] }
    let actions = profile.measured(id, octets, context)
    return isStream
      ? actions : actions + [.startTimer(SIGDriver.idleTimer, milliseconds: profile.idleMilliseconds)]
  }

  private static var userControlPoint: CharacteristicID { CharacteristicID(0x181C, 0x2A9F) }

  /// What the device says to the consent code of its user.
  private func consented(_ octets: [UInt8]) -> [DriverAction] {
    do {
      let response = try UserControlResponse(decoding: octets)
      guard response.code != 1 else { return [] }
      let meaning = UserControlResponse.meaning(of: response.code)
      return [
        .problem(
          DriverProblem(code: "consent-refused", message: "the device does not take the consent code: \(meaning)"))
      ]
    } catch {
      return [.problem(DriverProblem(error))]
    }
  }

  private func clockActions(_ octets: [UInt8]) -> [DriverAction] {
    do {
      let fields = try DateTime(decoding: Array(octets.prefix(7))).fields
      return fields.isComplete ? [.deviceClock(.local(fields))] : []
    } catch {
      return [.problem(DriverProblem(error))]
    }
  }

  /// Sets the clock once a session, after it was read, when the hub itself knows the time.
  private mutating func writeClock() -> [DriverAction] {
    guard !isClockWritten, let clock, let now = context.localTime, let properties = characteristics[clock],
      properties & 0x0C != 0
    else { return [] }
    isClockWritten = true
    let octets =
      clock.characteristic == BluetoothUUID(0x2A08)
      ? DateTime(now).octets : CurrentTime(now, dayOfWeek: now.dayOfWeek, adjustReason: 1).octets
    return [.write(clock, octets, withResponse: properties & 0x08 != 0)]
  }

  private func property(_ id: CharacteristicID, _ octets: [UInt8]) -> [DriverAction] {
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

extension DeviceDateTime {
  /// 1 = Monday … 7 = Sunday; 0 when the date is not known (Zeller's congruence).
  var dayOfWeek: UInt8 {
    guard isComplete, (1...12).contains(month) else { return 0 }
    let m = month < 3 ? Int(month) + 12 : Int(month)
    let y = month < 3 ? Int(year) - 1 : Int(year)
    let zeller = (Int(day) + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400) % 7
    return UInt8((zeller + 5) % 7 + 1)
  }
}
