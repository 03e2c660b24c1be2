// What the gateway knows because of what is in its journal: rebuilt at start from the newest snapshot and the records after it.

package import Journal
package import Monitoring
package import Readings

internal import Exchange
internal import Octets
internal import Settings
internal import Zones

package enum EventText {
  package static func instant(_ milliseconds: Int64, _ offsetSeconds: Int32) -> String {
    ISO8601.text(milliseconds: milliseconds, offsetSeconds: offsetSeconds, withMilliseconds: true)
  }
}

/// State that is derived from the journal alone.
package struct LedgerState: Sendable, Hashable {
  /// Readings with a patient, their corrections, and events ever stored: what backends get.
  package var stored: UInt64 = 0
  /// How many readings of each device were ever stored, each once. Where an older version kept no count, it begins with those
  /// readings of the device that are known one by one.
  package var counted: [String: UInt64] = [:]
  /// What each backend has, by name.
  package var cursors: [String: Cursor] = [:]
  /// The newest readings of each device, to know what it sends again.
  package var recent: [String: RecentReadings] = [:]
  /// Where each patient's rules stand.
  package var rules: [String: PatientState] = [:]
  /// What trends look back on, by patient.
  package var history: [String: PatientHistory] = [:]
  /// Readings without patient, by identifier, with their sequence numbers: the newest `mostParked`.
  package var parked: [ReadingID: ParkedReading] = [:]
  /// Older readings without patient that are in the journal and not in `parked`: about how many, and the first one's number.
  package var parkedBeyond: ParkedBeyond?
  /// The device's own number of the record that was stored last, by device: where its next session goes on.
  package var lastRecord: [String: UInt32] = [:]
  /// Readings that wait for the hub's clock, by identifier.
  package var held: [ReadingID: HeldReading] = [:]
  /// Octets that wait for their other half, by device.
  package var fragments: [String: [RawSource]] = [:]
  /// Refused readings that wait for a backend again, by the sequence number under which it gets them.
  package var retries: [UInt64: Retry] = [:]
  /// The newest items that may overtake a backlog.
  package var urgent: [Urgent] = []
  /// Patients whose erasure is begun and not complete.
  package var erasing: Set<String> = []
  /// Patients whose lines in the files of directory backends are to go and have not all gone.
  package var erasingFiles: Set<String> = []
  /// Whose the user slots of devices are, as technicians said.
  package var bindings = Bindings()
  /// The devices that technicians brought in, without their secrets.
  package var register = DeviceRegister()
  /// The number of the value of the file of keys that is in force.
  package var keys: UInt64 = 0
  /// Whose measurements at public devices are.
  package var sessions = PublicSessions()
  /// Devices in whose sessions the daemon died.
  package var quarantine = Quarantine()
  /// The loads that scales still show, by device.
  package var heldLoads: [String: KeptLoad] = [:]
  /// Who set which patient's plan.
  package var origins = PlanOrigins()
  /// Pauses beside plans, by patient.
  package var pauses: [String: [PauseRecord]] = [:]
  /// Backends that the configuration has no more, by name.
  package var left: [String: LeftBackend] = [:]
  /// The state files of an older version that are records now; nil: they were not looked at.
  package var imported: [String: String]?

  /// Where a backend is.
  package struct Cursor: Sendable, Hashable {
    /// Everything up to this sequence number has an answer.
    package var through: UInt64 = 0
    /// How many readings and events have one.
    package var delivered: UInt64 = 0
    /// How many of them were refused, and not taken since.
    package var refused: UInt64 = 0
    /// What has an answer although it lies behind `through`, ascending: alerts and fresh readings overtake a backlog.
    package var ahead: [UInt64] = []
    /// The most items of a batch that the backend takes, where it refused a larger one.
    package var limit: Int?
    /// What it refused since it last took one, by kind; kinds of which it refused nothing are not there.
    package var rows: [String: RefusalRow] = [:]
    /// Kinds that wait in a line of their own.
    package var lines: [String: DeliveryLine] = [:]
    /// Refusals that nobody dealt with and that are not listed any more: only the newest are.
    package var unlisted: UInt64 = 0

    /// How many were erased before the backend got them: nobody waits for them.
    package var erased: UInt64 = 0
    /// How many the backend took.
    package var taken: UInt64 { delivered - min(delivered, refused + erased) }
    /// Every item up to this sequence number has an answer, whatever its kind.
    package var complete: UInt64 { lines.values.reduce(through) { min($0, $1.through) } }

    package init(through: UInt64 = 0, delivered: UInt64 = 0, refused: UInt64 = 0) {
      self.through = through
      self.delivered = delivered
      self.refused = refused
    }
  }

  /// A reading that waits for its patient.
  package struct ParkedReading: Sendable, Hashable {
    /// Its place in the journal.
    package var sequence: UInt64
    package var device: String
    /// The device's user slot.
    package var user: UInt8?
    /// When it was received, in milliseconds since 1970; nil where an older version did not note it.
    package var at: Int64?
  }

  /// Readings without patient that are in the journal alone.
  package struct ParkedBeyond: Sendable, Hashable {
    /// How many; 0: not counted yet.
    package var count: Int
    /// The first one's sequence number.
    package var first: UInt64
  }

  /// The most readings without patient that are known one by one.
  package static let mostParked = 65_536

  /// What each backend refused last and nobody dealt with, by name, oldest first.
  package var refusals: [String: [Refusal]] = [:]

  /// An empty journal's state.
  package init() {}

  /// How many readings and events a backend does not have yet.
  package func waiting(_ backend: String) -> UInt64 {
    let delivered = cursors[backend]?.delivered ?? 0
    return stored > delivered ? stored - delivered : 0
  }

  /// How many readings of a device were ever stored.
  package func readings(of device: String) -> UInt64 {
    counted[device] ?? UInt64(recent[device]?.identifiers.count ?? 0)
  }

  /// How many readings were ever stored.
  package var readings: UInt64 { Set(counted.keys).union(recent.keys).reduce(0) { $0 + readings(of: $1) } }

  /// One that is stored again, with its patient or its time, is counted already.
  private mutating func count(_ reading: Reading) {
    let device = reading.device.id
    guard reading.correction == nil, parked[reading.id] == nil, held[reading.id] == nil,
      !(recent[device]?.contains(reading.id) ?? false)
    else { return }
    counted[device] = readings(of: device) + 1
  }

  /// A new reading is on disk. One without patient waits for its decision; it goes to no backend before.
  package mutating func add(_ reading: Reading, sequence: UInt64) {
    count(reading)
    noteHold(of: reading, sequence: sequence)
    if reading.isDeliverable {
      stored += 1
      let received = reading.receivedAt.milliseconds
      // A correction keeps its place behind what it corrects.
      if reading.correction == nil, let taken = reading.takenAt?.milliseconds, received - taken <= Urgent.live {
        add(Urgent(sequence: sequence, at: received))
      }
    }
    // One that is stored again with its patient is an old one.
    if let number = reading.recordNumber, !(recent[reading.device.id]?.contains(reading.id) ?? false) {
      lastRecord[reading.device.id] = number
    }
    if reading.correction == nil { recent[reading.device.id, default: RecentReadings()].insert(reading) }
    if let before = reading.correction?.patient {
      history[before]?.remove(reading.id)
      rules[before]?.noteUnsettled(reading)
    }
    if let patient = reading.patient {
      if reading.correction != nil { history[patient]?.remove(reading.id) }
      history[patient, default: PatientHistory()].add(reading)
      rules[patient]?.noteUnsettled(reading)
    }
    park(reading, sequence: sequence)
  }

  /// An event is on disk. What a plan's rule says is urgent, and leaves its mark with the patient.
  package mutating func add(event: HubEvent, sequence: UInt64) {
    stored += 1
    guard let monitoring = event.monitoring else { return }
    add(Urgent(sequence: sequence, at: nil))
    history[monitoring.patient, default: PatientHistory()].add(PatientHistory.Mark(monitoring, at: event.at))
  }

  private mutating func add(_ item: Urgent) {
    urgent.append(item)
    if urgent.count > Urgent.most { urgent.removeFirst(urgent.count - Urgent.most) }
  }

  /// An acknowledgement is on disk.
  package mutating func add(_ word: Acknowledgement) {
    var cursor = cursors[word.backend] ?? Cursor()
    let known = Set(cursor.ahead)
    let ahead = word.ahead.filter { $0 > cursor.through && !known.contains($0) }
    guard word.through > cursor.through || !ahead.isEmpty else { return }
    cursor.through = max(cursor.through, word.through)
    cursor.ahead = (cursor.ahead + ahead).filter { $0 > cursor.through }.sorted()
    cursor.delivered += UInt64(word.delivered)
    cursor.refused += UInt64(word.refused.count)
    cursor.limit = word.limit.map { Int(clamping: $0) }
    cursors[word.backend] = cursor
    dropRetries(of: word.backend, ahead: ahead)
  }

  /// Takes a record. This is the only way in which the state changes: at recovery, while the daemon runs, and when state files of
  /// an older version are imported.
  /// - Parameter sequence: the record's number in the journal.
  package mutating func apply(_ entry: JournalEntry, at sequence: UInt64) {
    switch entry {
    case .reading(let reading): add(reading, sequence: sequence)
    case .event(let event): add(event: event, sequence: sequence)
    case .acknowledgement(let word): add(word)
    case .rules(let patient, let state): replaceRules(of: patient, by: state)
    case .fragment(let device, let raw): fragments[device, default: []].append(raw)
    case .fragmentsTaken(let device, let taken): takeFragments(device, taken)
    case .refusal(let refusal): add(refusal)
    case .retry(let retry): add(retry, sequence: sequence)
    case .erase(let patient, let files): beginErasing(patient, files: files)
    case .erased(let patient, let erased): endErasing(patient, erased)
    case .snapshot(let state): self = state
    case .snapshotPart(let part): merge(part)
    case .history(let patient, let history): self.history[patient] = history
    case .problem, .audit: break
    case .binding(let binding): bindings.apply(binding, at: sequence)
    case .swept(let slot, let number): bindings.endSweep(slot, binding: number)
    case .heldLoad(let device, let load): hold(load, of: device)
    case .device(let record):
      let before = register.devices.first { $0.id == record.id }
      // Another device under its name shows another load.
      let isAnother = record.serial.flatMap { new in register.serials[record.id].map { new != $0 } } ?? false
      if record.device?.driver != before?.driver || isAnother { heldLoads[record.id] = nil }
      register.apply(record)
      keys = record.keys ?? keys
    case .deviceFacts(let device, let attributes): register.attributes[device] = attributes
    case .identity(let device, let identity): register.identities[device] = identity
    case .session(let device, let session): sessions.open[device] = session
    case .quarantine(let device, let entry): quarantine.devices[device] = entry
    case .plan(let patient, let origin): origins.plans[patient] = origin
    case .pauses(let patient, let list): pauses[patient] = list.isEmpty ? nil : list
    case .backendLeft(let backend, let entry): note(left: backend, entry)
    case .imported(let files): imported = files
    case .line(let change): apply(change)
    case .dismissal(let dismissal): apply(dismissal)
    }
  }

  /// The readings that wait for the end of a delivery are not in the record: they stand behind it, as readings.
  private mutating func replaceRules(of patient: String, by state: PatientState) {
    var state = state
    state.unsettled = state.isUnsettled ? rules[patient]?.unsettled ?? [] : []
    rules[patient] = state.isNormal ? nil : state
    if history[patient] != nil || state.isSingleUser {
      history[patient, default: PatientHistory()].setSingleUser(state.isSingleUser)
    }
  }
}

/// The newest readings of one device.
package struct RecentReadings: Sendable, Hashable {
  /// More than any device's memory that is sent again unasked.
  package static let capacity = 512
  /// Equal octets without own time within this are one, in milliseconds.
  package static let resendWindow: Int64 = 30_000

  /// Half of each identifier, oldest first.
  package private(set) var identifiers: [UInt64] = []
  /// The newest octets without own time, and when they came.
  package var lastOctets: (hash: UInt64, at: Int64)? {
    get { lastHash.map { ($0, lastAt) } }
    set {
      lastHash = newValue?.hash
      lastAt = newValue?.at ?? 0
    }
  }
  private var lastHash: UInt64?
  private var lastAt: Int64 = 0
  /// When the newest was received, in milliseconds since 1970; nil where an older version did not note it.
  package var newestAt: Int64?

  package init() {}

  package init(identifiers: [UInt64]) { self.identifiers = Array(identifiers.suffix(RecentReadings.capacity)) }

  package mutating func insert(_ reading: Reading) {
    if !identifiers.contains(reading.id.low) {
      identifiers.append(reading.id.low)
      if identifiers.count > RecentReadings.capacity {
        identifiers.removeFirst(identifiers.count - RecentReadings.capacity)
      }
    }
    let received = reading.receivedAt.milliseconds
    if ClockAnchor.range.contains(received) { newestAt = max(newestAt ?? received, received) }
    if reading.deviceTime == nil {
      lastOctets = (RecentReadings.hash(reading.raw), reading.receivedAt.milliseconds)
    }
  }

  package func contains(_ id: ReadingID) -> Bool { identifiers.contains(id.low) }

  /// True when the same octets came a moment ago.
  package func isResent(_ raw: RawSource, at: Int64) -> Bool {
    guard let last = lastOctets else { return false }
    return last.hash == RecentReadings.hash(raw) && abs(at - last.at) <= RecentReadings.resendWindow
  }

  private static func hash(_ raw: RawSource) -> UInt64 {
    NameBasedUUID.make(Array(raw.source.utf8) + raw.octets).low
  }
}

extension LedgerState {
  package static func hex(_ octets: [UInt8]) -> String { Hex.encode(octets) }
  package static func octets(_ hex: String) -> [UInt8]? { try? Hex.decode(hex) }
}

extension LedgerState {
  /// These fragments are in a reading now; none named: all of the device are.
  package mutating func takeFragments(_ device: String, _ taken: [RawSource]) {
    guard !taken.isEmpty, var left = fragments[device] else {
      fragments[device] = nil
      return
    }
    for raw in taken { if let index = left.firstIndex(of: raw) { left.remove(at: index) } }
    fragments[device] = left.isEmpty ? nil : left
  }
}
