// One event from its arrival to its last effect: what components read, and what they have decided so far. It is passed on from one
// component to the next (`inout`) instead of a view and a list of outputs: records that one proposes are seen by the next, and the
// ledger's buffers are never copied.

internal import Drivers
internal import Journal
internal import Monitoring
internal import Readings
internal import Settings
internal import Ledger

/// Records of one giver on their way to the disk.
struct Part: Sendable {
  var entries: [JournalEntry]
  var ticket: Ticket
}

/// Who is told, beside those who hear of every record, what became of records.
enum Ticket: Sendable {
  case none
  /// A device's: what it said is on disk.
  case device(String)
  /// Readings and events that were held in memory while the disk refused.
  case held
  /// What a backend answered.
  case answer(backend: String, OutboxLane)
  /// Parked readings that go to a patient without anybody waiting for it, by sequence number.
  case assigned([UInt64: String])
  /// What else comes about with them.
  case completion(Completion)

  /// The device that gave them.
  var device: String? { if case .device(let device) = self { device } else { nil } }
}

/// What comes about beside the ledger when records are on disk: a port that is opened, a device that the kernel lets go of. It is
/// decided before, and done after.
enum Completion: Sendable {
  /// A device was paired.
  case paired(PairingOutcome)
  /// A device was unpaired.
  case unpaired(device: String, BluetoothLink)
  /// A port was bound to a device by a technician.
  case bound(PortBound)
  /// The device at a port of the configuration is right, whatever number it tells.
  case accepted(device: String)
  /// A bound device was released from its port.
  case portReleased(device: String)
  /// A port was recognised as a device's.
  case recognised(device: String, node: String)
  /// A device is quarantined no more.
  case released(device: String)
  /// A device is asked for something.
  case asked(device: String, DriverRequest?)
  /// Plans came into force.
  case plansChanged(PlanChange.Giver)
  /// Parked readings of a slot moved.
  case swept(Bindings.Slot)
}

/// An event being handled.
struct Turn: Sendable {
  /// Every durable fact.
  private(set) var ledger: Ledger
  var house: House
  private(set) var now = Now(monotonic: 0, wall: 0, isSynchronised: false, bootID: "")
  var jitter = Jitter(seed: 1)
  /// This turn's records.
  private(set) var parts: [Part] = []
  /// A record of this turn says where rules stand.
  private var changesRules = false
  /// A record of this turn says which rules are paused.
  private var changesPauses = false
  private var inbox: [Message] = []
  private var read = 0
  /// How many groups of each device's records are on their way to the disk.
  private var writing: [String: Int] = [:]

  /// The most messages of one turn. No event needs more than some hundreds; a turn beyond it is a fault of the program.
  static let mostMessages = 100_000

  /// When what the disk refused is decided anew, in milliseconds.
  static let refusedPause: Int64 = 5000

  init(_ ledger: Ledger, _ house: House) {
    self.ledger = ledger
    self.house = house
  }

  // MARK: What components read

  /// What decisions are made upon: with what is on its way to the disk.
  var head: LedgerState { ledger.head }
  /// What the disk has: it is shown, published, delivered and confirmed.
  var durable: LedgerState { ledger.durable }
  var view: View { View(house: house, head: ledger.head, durable: ledger.durable, now: now) }
  /// Every device: those of the configuration, and those that technicians brought in.
  var knownDevices: [DeviceConfiguration] { ledger.head.knownDevices(house) }
  /// Records on their way to the disk, oldest first.
  var underway: [JournalEntry] { ledger.underway }

  /// A device is left alone: it is quarantined, or what its last session did is not on disk yet.
  func isLeftAlone(_ device: String) -> Bool {
    ledger.head.quarantine.holds(device) || house.crashed.contains(device)
  }

  /// Something of a device is on its way to the disk, also from before it was configured anew.
  func isAppending(_ device: String) -> Bool {
    writing[device] != nil || parts.contains { $0.ticket.device == device }
  }

  /// So much is on its way to the disk that nothing more is taken: links are closed unconfirmed, requests hear `busy`.
  var isCongested: Bool { ledger.isCongested }

  // MARK: What components decide

  /// Proposes records. What follows in the list that a component gives back waits until they are on disk.
  mutating func append(_ entries: [JournalEntry], for ticket: Ticket = .none) -> [Effect] {
    guard !entries.isEmpty else { return [] }
    let entries = now.isSynchronised ? entries : entries.map(\.unsynchronised)
    ledger.propose(entries)
    if entries.contains(where: { $0.kind == .rules }) { changesRules = true }
    if entries.contains(where: { $0.kind == .pauses }) { changesPauses = true }
    parts.append(Part(entries: entries, ticket: ticket))
    return [.append(AppendID(0), [], fence: 0)]
  }

  /// Tells another component something; it hears of it in this turn.
  mutating func send(_ message: Message) { inbox.append(message) }

  // MARK: The router's side

  mutating func begin(_ now: Now) {
    self.now = now
    house.noteClock(now)
  }

  /// The next message; nil when all were taken.
  mutating func next() -> Message? {
    // Rules come into force or leave it.
    if read == inbox.count, changesPauses {
      changesPauses = false
      inbox.append(.rules(.expire))
    }
    if read == inbox.count, changesRules {
      changesRules = false
      inbox.append(.rules(.planned))
    }
    guard read < inbox.count, read < Turn.mostMessages else {
      assert(read < Turn.mostMessages, "a turn without end")
      inbox = []
      read = 0
      return nil
    }
    read += 1
    return inbox[read - 1]
  }

  /// Ends the turn's group; nil when nothing was proposed.
  mutating func close() -> (group: Ledger.Group, parts: [Part])? {
    guard let group = ledger.close() else { return nil }
    defer { parts = [] }
    for device in Set(parts.compactMap(\.ticket.device)) { writing[device, default: 0] += 1 }
    return (group, parts)
  }

  /// A group of these parts is on disk.
  mutating func written(_ id: AppendID, _ sequences: [UInt64], _ parts: [Part]) -> [(
    entry: JournalEntry, sequence: UInt64
  )] {
    ended(parts)
    return ledger.written(id, sequences)
  }

  /// The disk refused a group.
  /// - Returns: what is lost with it, oldest first.
  mutating func refused(_ id: AppendID) -> [Ledger.Group] { ledger.refused(id) }

  /// A group of these parts is not under way any more.
  mutating func ended(_ parts: [Part]) {
    for device in Set(parts.compactMap(\.ticket.device)) {
      let left = (writing[device] ?? 0) - 1
      writing[device] = left > 0 ? left : nil
    }
  }

  mutating func recover(_ records: [JournalRecord]) { ledger.recover(records) }
}
