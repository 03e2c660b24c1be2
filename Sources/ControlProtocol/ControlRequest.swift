// The requests that the daemon understands, as values. The table of methods (`ControlMethod`) makes them.

package import Readings

package enum ControlRequest: Sendable, Hashable {
  /// On whose behalf root calls from now on.
  case hello(SudoCaller?)
  case version
  case status
  case devices
  case backends
  case doctor
  /// Stored readings, newest last.
  case readings(ReadingsFilter)
  /// Readings from now on, as notifications `reading`.
  case follow(patient: String?)
  /// Readings and events from now on, as notifications `reading` and `event`; of one patient alone where one is named.
  case watch(patient: String?)
  /// Give a parked reading to a patient.
  case assignReading(id: String, patient: String)
  /// From now on a user slot of a device is this patient; what is parked of it goes to the patient too.
  case assignSlot(device: String, user: UInt8?, patient: String)
  /// A user slot of a device, or without one the whole device and each of its slots, is nobody's from now on.
  case unassign(device: String, user: UInt8?)
  /// A stored reading is corrected: its id, or the beginning of it.
  case correctReading(Correction, id: String)
  /// Readings without patient, and what backends refused, with the reason.
  case parked
  /// The readings behind `parked`.
  case parkedReadings
  /// Send a refused reading or event to its backend again.
  case parkedRetry(id: String, backend: String?)
  /// Send everything again that a backend refused, since a moment or ever.
  case parkedRetryAll(backend: String, since: String?)
  /// What backends refused needs nobody any more.
  case parkedDismiss(Refused, isExported: Bool)
  /// A patient's readings, and what was derived from them, are to go; the patient's lines in the files of directory backends too, or
  /// they are only counted.
  case erase(patient: String, files: Bool = false)
  /// Send test readings to a backend.
  case tryBackend(String)
  case reload
  /// What is on the air, as notifications `scan`, for so many seconds.
  case scan(seconds: Int)
  /// Pair a device: progress and questions as notifications `pairing`, the answer at the end.
  case pair(PairingWish)
  /// The answer to a question of the pairing under way.
  case pairAnswer(String)
  case pairCancel
  /// Forget a device and its keys.
  case unpair(device: String)
  /// Let a device that is quarantined in again.
  case releaseDevice(device: String)
  /// Ask a device for something, now or at its next contact.
  case askDevice(device: String, DeviceWish)
  /// What goes over a device's link, as notifications `capture`.
  case capture(device: String)
  /// The serial ports that are plugged in over USB.
  case serialList
  /// What is at a port: by listening alone, or by the harmless question of one driver.
  case serialIdentify(port: String, driver: String?)
  /// Bind a port to a driver for good.
  case serialBind(PortWish)
  /// A port is a device's no longer.
  case serialRelease(device: String)
  /// What a public device measures from now on is this patient's, for so many minutes.
  case sessionStart(patient: String, device: String, minutes: Int)
  case sessionEnd(device: String)
  /// What is raised or waits for a repeat.
  case alerts(patient: String?)
  /// Whether a patient is known here, and who else may be meant.
  case patientKnown(String)
  /// Somebody has taken notice of what a rule raised.
  case acknowledge(patient: String, rule: String, note: String, episode: String?)
  /// A patient's plan in plain words.
  case planShow(patient: String)
  /// The same, and the last days judged by it.
  case planExplain(patient: String, days: Int)
  /// What a draft (a plan's text) would have raised over what was measured.
  case planTry(text: String, patient: String, days: Int, isCompared: Bool)
  /// A plan's text is to come into force.
  case planSet(text: String)
  case planPause(patient: String, from: String, to: String, rules: [String]?, note: String)
  case planResume(patient: String)
  /// What a picture of a patient's last days is drawn from.
  case report(patient: String, days: Int)

  /// What a person says of a stored reading.
  package enum Correction: Sendable, Hashable {
    /// It is not the patient's: it waits for its patient.
    case park
    /// It is the patient's, and its values are right.
    case accept
  }

  /// What is asked of a device.
  package enum DeviceWish: Sendable, Hashable {
    /// How many records it keeps.
    case count
    /// Erase them, once all are read and on disk.
    case erase
    /// Stop the transfer of records; the next contact goes on with it.
    case abort
    /// The code of a user slot, 0…9999.
    case consent(user: UInt8, code: UInt16)
    /// Make a user slot with this code.
    case registerUser(code: UInt16)
    /// The 16 octets of a key that the device's maker gives out (encrypting scales).
    case key([UInt8])
  }

  /// Which refused items are meant.
  package struct Refused: Sendable, Hashable {
    /// Their ids, or the beginnings of them; empty: all of the backend.
    package var ids: [String]
    /// The most ids of one request.
    package static let mostIDs = 200
    /// One backend's alone.
    package var backend: String?
    /// Refused since this moment.
    package var since: String?

    package init(ids: [String], backend: String? = nil, since: String? = nil) {
      self.ids = ids
      self.backend = backend
      self.since = since
    }
  }

  /// Which stored readings.
  package struct ReadingsFilter: Sendable, Hashable {
    /// Not measured before this instant (RFC 3339), this date (`2026-11-01`, `yesterday`), or so long ago (`24h`, `7d`, `30m`).
    package var since: String?
    /// Measured before this instant or date, or so long ago.
    package var until: String?
    /// By this device alone.
    package var device: String?
    /// Of these zones alone; empty: of all, and those that were not judged.
    package var zones: [Zone]
    /// Of this patient alone.
    package var patient: String?
    /// Of this kind alone.
    package var kind: String?
    /// Only those that wait for a patient.
    package var parked: Bool
    /// The newest so many.
    package var limit: Int
    /// Which stored readings.
    package init(
      since: String? = nil, until: String? = nil, patient: String? = nil, device: String? = nil, kind: String? = nil,
      zones: [Zone] = [], parked: Bool = false, limit: Int = 50
    ) {
      self.since = since
      self.until = until
      self.device = device
      self.zones = zones
      self.patient = patient
      self.kind = kind
      self.parked = parked
      self.limit = limit
    }
  }

  /// How many minutes a session on a public device lasts unless it is said otherwise.
  package static let usualSession = 15

  /// The largest `limit` of `readings`.
  package static let mostReadings = 10_000
}
