// One device's session: its driver, its GATT client where it has one, its timers. It turns what the link brings into what the
// driver decodes, and the driver's wishes into PDUs and octets.

internal import Drivers
internal import GATT
internal import Octets
internal import Readings
internal import Ledger

/// What came of an event on a link, before it is judged and stored.
struct SessionOutput {
  var readings: [DeviceReading] = []
  var fragments: [RawSource] = []
  /// The readings are all that can be made of the device's fragments.
  var takesFragments = false
  var problems: [DriverProblem] = []
  var clocks: [DeviceStamp] = []
  var properties: [DeviceProperty] = []
  var answers: [DriverAnswer] = []
  /// The load that a scale still shows is another one, or none (`.some(nil)`).
  var heldLoad: HeldLoad??
  /// Octets or PDUs to send once everything above is on disk.
  var transmit: [[UInt8]] = []
  /// An indication waits for its confirmation, which is sent last.
  var confirms = false
  var closes = false
  /// The link is to be encrypted (2) or protected against a man in the middle (3).
  var secures: UInt8?
  /// What discovery found.
  var discovered: GATTDatabase?
  /// What discovery found earlier is no longer so.
  var forgetsAttributes = false
  /// The hub set the device's clock.
  var clockWasSet = false

  /// Something has to be on disk before anything is sent.
  var mustStore: Bool { !readings.isEmpty || !fragments.isEmpty || problems.contains { $0.raw != nil } }
}

/// How a Bluetooth link is to be used.
struct LinkTerms: Sendable {
  /// The security level of the bond; nil for a device that cannot bond.
  var level: UInt8?
  /// Pairing is under way: nothing is asked before it is complete.
  var isPairing = false
  /// What discovery found earlier.
  var attributes: GATTDatabase?
}

/// A device's session while its link is up.
struct LinkSession: Sendable {
  private enum Phase: Hashable {
    /// Pairing or encryption is not complete; at most the MTU is exchanged. The peer's requests are answered; values are kept
    /// by the client, and count only once it is.
    case waiting
    case settling(until: Int64)
    case up
  }
  /// Quiet after the last value before the link is given back, in milliseconds (Continua design, and batteries).
  private static let quietAfterReading: Int64 = 10_000
  private static let quietWithoutReading: Int64 = 60_000

  private var driver: any Driver
  private var client: GATTClient?
  private var server = GATTServer()
  private let isSerial: Bool
  private let profile: DeviceProfile
  private let context: DriverContext
  private var terms: LinkTerms?
  private var phase = Phase.up
  /// The level that the link has.
  private var level: UInt8 = 1
  private var timers: [DriverTimer: Int64] = [:]
  private var transactionDeadline: Int64?
  /// Current Time, Date Time and Current Elapsed Time: by them a device's stamps are understood.
  private static let clocks: Set<BluetoothUUID> = [BluetoothUUID(0x2A2B), BluetoothUUID(0x2A08), BluetoothUUID(0x2BF2)]
  /// Clocks that were asked for and not answered yet, and the indications that wait for them.
  private var clockReads: Set<CharacteristicID> = []
  private var held: [(characteristic: GATTCharacteristic, octets: [UInt8])] = []
  /// When a quiet Bluetooth link is given back.
  private var quietDeadline: Int64?
  /// What the hub's clock shows, for a device that asks; nil while it is not synchronised.
  var hubTime: CurrentTimeOctets?
  /// When octets came last.
  private var lastHeard: Int64?
  /// A reading came on this link.
  private(set) var hasReading = false

  /// - Parameter terms: of a link over the air; nil for serial ports and recordings.
  init(profile: DeviceProfile, context: DriverContext, terms: LinkTerms? = nil) {
    self.profile = profile
    self.context = context
    driver = profile.make(context)
    self.terms = terms
    if case .serial = profile.transport { isSerial = true } else { isSerial = false }
    if case .gatt = profile.transport { client = GATTClient() }
  }

  /// Runs something on it where it stands.
  mutating func run(_ body: (inout LinkSession) -> SessionOutput) -> SessionOutput { body(&self) }

  /// The next moment at which `due` wants to be called, monotonic milliseconds.
  var nextDeadline: Int64? {
    var next = [transactionDeadline, quietDeadline].compactMap { $0 }.min()
    for time in timers.values { next = min(next ?? time, time) }
    if case .settling(let until) = phase { next = min(next ?? until, until) }
    return next
  }

  /// The link is up.
  mutating func opened(at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    if let terms {
      // While it is being paired, the pairing's own deadline ends it.
      if !terms.isPairing { quietDeadline = now + LinkSession.quietWithoutReading }
      guard terms.isPairing || terms.level != nil, var client else {
        begin(at: now, into: &output)
        return output
      }
      phase = .waiting
      if terms.isPairing { return output }
      // One exchange before the link is encrypted: when encryption fails, as it does with a device that lost its bond, some kernels
      // die in closing a socket over which nothing came (`KernelRelease.closingFault`).
      let outputs = client.greet()
      self.client = client
      take(outputs, at: now, into: &output)
    } else if client != nil {
      begin(at: now, into: &output)
    } else if isSerial {
      take(driver.handle(.opened), at: now, into: &output)
    }
    return output
  }

  /// Pairing is complete: the link has this level; nil when the device turned out to know no pairing.
  mutating func paired(level: UInt8?, at now: Int64) -> SessionOutput {
    terms?.isPairing = false
    terms?.level = level
    quietDeadline = now + LinkSession.quietWithoutReading
    return secured(level: level ?? 1, at: now)
  }

  /// The link is encrypted now.
  mutating func secured(level: UInt8, at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    self.level = max(self.level, level)
    if phase == .waiting, terms?.isPairing != true {
      let settles = Int64(profile.settles)
      if settles > 0 { phase = .settling(until: now + settles) } else { begin(at: now, into: &output) }
    } else if phase == .up, var client {
      let outputs = client.securityRaised()
      self.client = client
      take(outputs, at: now, into: &output)
    }
    return output
  }

  /// Asks the device for what it has; what it said meanwhile comes behind that.
  private mutating func begin(at now: Int64, into output: inout SessionOutput) {
    phase = .up
    guard var client else { return }
    let outputs = client.start(cached: terms?.attributes, isBonded: terms?.level != nil)
    self.client = client
    take(outputs, at: now, into: &output)
  }

  /// Octets or a PDU arrived.
  mutating func received(_ octets: [UInt8], at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    if let terms, !terms.isPairing {
      quietDeadline = now + (hasReading ? LinkSession.quietAfterReading : LinkSession.quietWithoutReading)
    }
    receive(octets, at: now, into: &output)
    if !output.readings.isEmpty || !output.fragments.isEmpty {
      hasReading = true
      if terms != nil { quietDeadline = now + LinkSession.quietAfterReading }
    }
    return output
  }

  private mutating func receive(_ octets: [UInt8], at now: Int64, into output: inout SessionOutput) {
    if var client {
      let outputs = client.receive(octets)
      self.client = client
      take(outputs, at: now, into: &output)
    } else {
      // A timer that is over and was not looked at: so long nobody looked at the line either.
      if let due = timers.values.min(), due < now {
        take(driver.handle(.waited(Int(clamping: now - max(due, lastHeard ?? due)))), at: now, into: &output)
      }
      lastHeard = now
      take(driver.handle(.received(octets)), at: now, into: &output)
    }
  }

  /// An advertisement arrived.
  mutating func advertised(_ data: AdvertisedData, at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    take(driver.handle(.advertisement(data)), at: now, into: &output)
    return output
  }

  /// What may be asked of the device.
  var abilities: DeviceAbilities { driver.abilities }

  /// A technician asks for something.
  mutating func request(_ request: DriverRequest, at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    let actions = driver.handle(.request(request))
    take(actions, at: now, into: &output)
    if isSerial, actions.isEmpty {
      output.answers.append(.refused(request, "this device, or what is known of it, has nothing of the kind"))
    }
    return output
  }

  /// Everything given before is on disk.
  mutating func committed(at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    confirmed()
    take(driver.handle(.committed), at: now, into: &output)
    return output
  }

  /// The confirmations that were due are on their way.
  mutating func confirmed() { client?.confirmed() }

  /// The link is gone.
  mutating func closed(at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    take(driver.handle(.closed), at: now, into: &output)
    output.transmit = []
    timers = [:]
    return output
  }

  /// Timers whose moment has come.
  mutating func due(at now: Int64) -> SessionOutput {
    var output = SessionOutput()
    if case .settling(let until) = phase, until <= now { begin(at: now, into: &output) }
    if let deadline = quietDeadline, deadline <= now {
      quietDeadline = nil
      output.closes = true
    }
    if let deadline = transactionDeadline, deadline <= now, var client {
      transactionDeadline = nil
      let outputs = client.timedOut()
      self.client = client
      take(outputs, at: now, into: &output)
    }
    for (timer, deadline) in timers.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) where deadline <= now {
      guard timers[timer] == deadline else { continue }
      timers[timer] = nil
      take(driver.handle(.timer(timer)), at: now, into: &output)
    }
    return output
  }

  private mutating func take(_ outputs: [GATTOutput], at now: Int64, into output: inout SessionOutput) {
    for item in outputs {
      switch item {
      case .transmit(let pdu): output.transmit.append(pdu)
      case .startTimer: transactionDeadline = now + Int64(GATTClient.transactionMilliseconds)
      case .stopTimer: transactionDeadline = nil
      case .greeted:
        if phase == .waiting, let terms, !terms.isPairing { output.secures = terms.level }
      case .discovered(let database):
        if database.isComplete { output.discovered = database }
        let found = database.characteristics.map {
          DiscoveredCharacteristic(id: CharacteristicID($0.service, $0.uuid), properties: $0.properties)
        }
        take(driver.handle(.connected(found)), at: now, into: &output)
      case .value(let characteristic, let octets, true) where !clockReads.isEmpty:
        // The device's clock is being read: its stamps mean nothing before. It waits for the confirmation anyway.
        held.append((characteristic, octets))
      case .value(let characteristic, let octets, let isIndication):
        output.confirms = output.confirms || isIndication
        take(
          driver.handle(.value(LinkSession.id(characteristic), octets, isIndication ? .indication : .notification)),
          at: now,
          into: &output)
      case .unknownIndication: output.confirms = true
      case .databaseChanged:
        // `discovered` follows: what was being joined is given now, and a new driver begins again.
        output.discovered = nil
        output.forgetsAttributes = true
        take(driver.handle(.closed), at: now, into: &output)
        driver = profile.make(context)
        timers = [:]
        clockReads = []
        held = []
      case .peerRequest(let pdu):
        if let answer = server.receive(pdu, time: hubTime, mtu: client?.mtu ?? 23) { output.transmit.append(answer) }
      case .readDone(let characteristic, let octets):
        take(driver.handle(.value(LinkSession.id(characteristic), octets, .read)), at: now, into: &output)
        clockWasRead(characteristic, at: now, into: &output)
      case .readFailed(let characteristic, let code):
        take(driver.handle(.readFailed(LinkSession.id(characteristic), code)), at: now, into: &output)
        clockWasRead(characteristic, at: now, into: &output)
      case .written(let characteristic):
        if LinkSession.clocks.contains(characteristic.uuid) { output.clockWasSet = true }
        take(driver.handle(.written(LinkSession.id(characteristic))), at: now, into: &output)
      case .writeFailed(let characteristic, let code):
        take(driver.handle(.writeFailed(LinkSession.id(characteristic), code)), at: now, into: &output)
      case .subscribed(let characteristic):
        take(driver.handle(.subscribed(LinkSession.id(characteristic))), at: now, into: &output)
      case .subscribeFailed(let characteristic, let code):
        take(driver.handle(.subscribeFailed(LinkSession.id(characteristic), code)), at: now, into: &output)
      case .securityRequired:
        // A bond that is not protected enough is protected further, once; without a bond the request fails, and the driver
        // says what is missing.
        if let wanted = terms?.level, level < wanted {
          output.secures = wanted
          continue
        }
        guard var client else { continue }
        let outputs = client.securityRefused()
        self.client = client
        take(outputs, at: now, into: &output)
      case .failed(let reason):
        output.problems.append(DriverProblem(code: "link-failed", message: reason))
        output.closes = true
      }
    }
  }

  /// The device's clock is known, or will not be: what it sent meanwhile is taken now.
  private mutating func clockWasRead(
    _ characteristic: GATTCharacteristic, at now: Int64, into output: inout SessionOutput
  ) {
    guard clockReads.remove(LinkSession.id(characteristic)) != nil, clockReads.isEmpty else { return }
    let waiting = held
    held = []
    take(waiting.map { .value($0.characteristic, $0.octets, isIndication: true) }, at: now, into: &output)
  }

  private static func id(_ characteristic: GATTCharacteristic) -> CharacteristicID {
    CharacteristicID(characteristic.service, characteristic.uuid)
  }

  private mutating func take(_ actions: [DriverAction], at now: Int64, into output: inout SessionOutput) {
    for action in actions {
      switch action {
      case .reading(let reading): output.readings.append(reading)
      case .fragment(let raw): output.fragments.append(raw)
      case .problem(let problem): output.problems.append(problem)
      case .answer(let answer): output.answers.append(answer)
      case .heldLoad(let load): output.heldLoad = .some(load)
      case .deviceClock(let stamp): output.clocks.append(stamp)
      case .property(let property): output.properties.append(property)
      case .transmit(let octets): output.transmit.append(octets)
      case .startTimer(let timer, let milliseconds): timers[timer] = now + Int64(max(0, milliseconds))
      case .stopTimer(let timer): timers[timer] = nil
      case .finish: output.closes = true
      case .subscribe(let id, let indications):
        request(id, at: now, into: &output) { $0.subscribe($1, indications: indications) }
      case .read(let id):
        if LinkSession.clocks.contains(id.characteristic), client?.database.find(id.service, id.characteristic) != nil {
          clockReads.insert(id)
        }
        request(id, at: now, into: &output) { $0.read($1) }
      case .write(let id, let octets, let withResponse):
        request(id, at: now, into: &output) { $0.write($1, octets, withResponse: withResponse) }
      }
    }
  }

  private mutating func request(
    _ id: CharacteristicID, at now: Int64, into output: inout SessionOutput,
    _ body: (inout GATTClient, GATTCharacteristic) -> [GATTOutput]
  ) {
    guard var client, let characteristic = client.database.find(id.service, id.characteristic) else { return }
    let outputs = body(&client, characteristic)
    self.client = client
    take(outputs, at: now, into: &output)
  }
}
