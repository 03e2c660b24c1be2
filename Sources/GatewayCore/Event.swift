// Everything that can happen to the gateway. The shell turns the world into these and nothing else.

package import ControlProtocol
package import Drivers
package import Exchange
package import Journal
package import Monitoring
package import Readings
package import Readings
package import Settings
package import Zones
package import Ledger

/// Something that happened.
package enum Event: Sendable {
  /// The journal is recovered and the loop runs; `seed` feeds the jitter of back-off.
  case started(seed: UInt64)
  /// A configuration that passed its check comes into force.
  case configured(Configuration, zones: [String: TimeZoneRules], plans: [String: Plan])

  /// A device's endpoint is open: a serial port, or a connected BLE link.
  case linkOpened(device: String)
  /// A recorded or real device with values to give can be connected to now.
  case deviceInRange(device: String)
  /// An advertisement of a device that sends its values without a connection.
  case advertised(device: String, AdvertisedData)
  /// Octets of a serial line, or one ATT PDU.
  case linkReceived(device: String, [UInt8])
  /// A Bluetooth link is encrypted now, at this level.
  case linkSecured(device: String, level: UInt8)
  /// The endpoint is gone or could not be opened.
  case linkClosed(device: String, LinkEnd)

  /// A serial port is plugged in, and udev has made its node ready.
  case portAdded(PortFacts)
  /// A serial port's node is gone.
  case portRemoved(node: String)

  /// The kernel's Bluetooth can be spoken to.
  case bluetoothOpened
  /// It cannot, or not any more.
  case bluetoothClosed(LinkEnd)
  /// One packet of the kernel's management interface.
  case managementReceived([UInt8])

  /// A reading of a story that is rehearsed: it is judged and stored like one of a device.
  case rehearsed(Reading)

  /// The earliest deadline that the gateway asked for has come.
  case timer
  /// The wall clock was set, or became synchronised.
  case clockChanged

  /// The entries of an append are on disk, with their sequence numbers.
  case appended(AppendID, sequences: [UInt64])
  /// The entries of an append are not on disk; the rest of its effects was cancelled.
  case appendFailed(AppendID, JournalFailure)
  /// Records that the disk did not make durable at the start, and has now: they count, behind everything else.
  case recovered([JournalRecord])
  /// The journal began a new segment: a snapshot belongs into it.
  case journalRolled
  /// The journal found something, or its size changed.
  case journalReport(JournalReport)
  /// What a lane is to get next; empty when nothing is there for it. `isAtEnd`: the journal has nothing more of what was asked.
  case fetched(FetchRequest, [Deliverable], isAtEnd: Bool)
  /// A delivery ended. `mostItems`: larger batches were refused as too large on the way.
  case delivered(backend: String, lane: OutboxLane, UploadOutcome, mostItems: Int? = nil)
  /// A stored reading that an assignment asked for; nil when it is no longer there.
  case loaded(sequence: UInt64, Reading?, isEvent: Bool = false)
  /// Parked readings of a slot that was given to a patient; nil for what is no longer there.
  case loadedParked(Bindings.Slot, [(sequence: UInt64, reading: Reading?)])
  /// What state files of an older version held is to become records. Comes before `configured`, once in the life of a hub.
  case importWanted
  /// When the backends' credentials end, by the backend's name; those that tell nothing are left out.
  case credentialsRead([String: CredentialFact])
  /// A backend answered the question for plans at this address.
  case plansAnswered(backend: String, url: String, PlanAnswer)
  /// Plans are written beside those in force, but for those with a fault, by patient.
  case plansStaged(faults: [String: StagingFault])
  /// An answer to a delivery told the tag of the plans that the backend has.
  case plansHinted(backend: String, etag: String)
  /// What is known of a backend and compressed requests changed.
  case compressionKnown(backend: String, RequestCompression.State)
  /// A person wants plans to be asked for now.
  case plansWanted
  /// The daemon that ran here before died while it handled this device; comes before `started`.
  case sessionCrashed(device: String)
  /// The daemon that ran here before did not end as it should.
  case restartedAfter(UncleanEnd)
  /// What is wrong in the configuration, the plans and the state files, each time that they were read; in place of what was
  /// found before. Comes after `started`.
  case faultsFound([HubFault])
  /// How full the disk of the journal is now, in percent.
  case diskSeen(percent: Int)
  /// A directory backend looked for files that were kept long enough; with why some of them stay.
  case directoryRetained(backend: String, fault: String?)
  /// The journal's segments were written anew without a patient.
  case erased(patient: String, ErasureReport)

  /// The files of directory backends were looked through for a patient's lines; with what became of them where they were to go.
  case filesErased(patient: String, removes: Bool, [FileErasure])

  /// A person or a program asked for something over the control socket.
  case asked(RequestID, ControlRequest, CallerName)
  /// The file of keys is on disk.
  case kept(KeysID)
  /// The file of keys could not be written.
  case keepFailed(KeysID, message: String)
  /// The newest stored forms of the readings that a `ReadJob.locate` was about, or why they could not be looked for.
  case located(RequestID, Result<[Reading], ControlError>)
  /// A control connection is gone; its subscriptions end.
  case callerGone(connection: UInt64)
  /// The service manager asks to stop.
  case stopRequested
}

/// Which request of which control connection.
package struct RequestID: Hashable, Sendable {
  /// The connection.
  package var connection: UInt64
  /// The request on it.
  package var number: UInt64
  package init(connection: UInt64, number: UInt64) {
    self.connection = connection
    self.number = number
  }
}

/// Who asked, for the audit trail.
package struct CallerName: Hashable, Sendable {
  /// The caller's user id, by the kernel's word.
  package var uid: UInt32
  /// Who called sudo, by the caller's own word; nil for anybody but root.
  package var sudo: SudoCaller?
  /// Who asked.
  package init(uid: UInt32, sudo: SudoCaller? = nil) {
    self.uid = uid
    self.sudo = uid == 0 ? sudo : nil
  }

  /// Who called sudo, as records and events say it; empty for anybody else.
  private var claim: String { sudo.map { " [\($0.text)]" } ?? "" }
  /// Who set or took notice of something, such as `uid:1000` or `uid:0 [sudo:kari uid:1000, as claimed]`.
  var by: String { "uid:\(uid)\(claim)" }

  /// The record that this caller did something.
  func audit(_ action: String) -> JournalEntry { .audit(uid: uid, action: action + claim) }
}

/// Why a link ended.
package struct LinkEnd: Hashable, Sendable {
  /// Stable: `hang-up`, `unplugged`, `open-failed`, `port.busy`, `port.permission`, `peer`, `timeout`, `ended` (a playback is
  /// over).
  package var code: String
  /// For a technician; with what to do where that is known.
  package var message: String
  /// What to do.
  package var hint: String?
  /// When it ended so first and came up no more, in milliseconds since 1970; where that is known.
  package var since: Int64?
  /// Why a link ended.
  package init(code: String, message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// What happened, and what to do.
  var words: String { hint.map { "\(message); \($0)" } ?? message }

  /// It never came up, and somebody has to see to it.
  var isOpenFailure: Bool { code == "open-failed" || code.hasPrefix("port.") }
}

/// How the daemon before this one ended when it was not asked to.
package enum UncleanEnd: Sendable, Hashable {
  /// In the same boot: it crashed or was killed.
  case crash
  /// In another boot: the power went, or the machine was reset.
  case powerLoss
}

/// Why an append is not on disk.
package struct JournalFailure: Error, Hashable, Sendable {
  /// Stable: `journal.full`, `journal.sync-failed`, `journal.outcome-unknown`.
  package var code: String
  /// With the operation and the errno.
  package var message: String
  /// The disk may have room: the journal has reached its own limit.
  package var isLimit: Bool
  /// Why an append is not on disk.
  package init(code: String, message: String, isLimit: Bool = false) {
    self.code = code
    self.message = message
    self.isLimit = isLimit
  }
}

package struct JournalReport: Hashable, Sendable {
  /// Octets of all segments.
  package var bytes: Int64
  /// How many segments.
  package var segments: Int
  /// The size limit.
  package var maximumBytes: Int64
  /// How many damaged places were found since the start.
  package var damage: [String]
  /// How full the disk is, in percent; nil when that cannot be told.
  package var diskPercent: Int?

  package init(bytes: Int64, segments: Int, maximumBytes: Int64, damage: [String]) {
    self.bytes = bytes
    self.segments = segments
    self.maximumBytes = maximumBytes
    self.damage = damage
  }
}

extension Event {
  /// A person asks how the hub is.
  package var showsState: Bool {
    switch self {
    case .asked(_, .status, _), .asked(_, .doctor, _): true
    default: false
    }
  }
}

extension Effect {
  /// Whether it waits for no record of its turn: it says nothing to anybody that could be untrue when the disk refuses, and the gateway
  /// counts on its outcome.
  var promisesNothing: Bool {
    switch self {
    case .fetch, .load, .deliver, .redeliver, .openPort, .openPlayback, .openBluetooth, .publishReading,
      .publishEvent, .retain, .sealJournal, .log, .keep, .stagePlans, .loadParked:
      true
    default: false
    }
  }

  /// Who hears by it what came of a request.
  var answered: RequestID? {
    switch self {
    case .answer(let request, _), .reload(let request), .read(let request, _): request
    default: nil
    }
  }

  /// Whether it belongs to the link that a device has now: over a later one it would be taken for the confirmation of something
  /// else.
  func isOverLink(of device: String) -> Bool {
    switch self {
    case .transmit(device, _), .close(device): true
    default: false
    }
  }
}
