// Everything that the gateway can ask of the world. The shell runs the effects of one event in order. What depends on an append is
// not in its list: it follows with the event that the records are on disk.

package import ControlProtocol
package import Drivers
package import Exchange
package import JSON
package import Readings
package import Settings
package import Ledger

/// Something to be done.
package enum Effect: Sendable {
  /// Write these as one group and sync; the last effect of its list. After an append that failed, all others of its fence are to be
  /// refused unwritten: they were decided upon what is lost.
  case append(AppendID, [JournalEntry], fence: UInt64)
  /// Open a device's serial port, or one that is nobody's, to listen: then `device` is the port's key.
  case openPort(device: String, path: String, SerialSettings)
  /// Set an open port to other line settings, and drop what it received before.
  case setLine(device: String, SerialSettings)
  /// An open port that was listened to is a device's from now on; nothing that arrives is lost.
  case adoptPort(from: String, device: String)
  /// Load a recorded device.
  case openPlayback(device: String, path: String)
  /// Connect to a recorded device.
  case connect(device: String)
  /// Open the ATT channel of a device that the kernel just connected.
  case openLink(device: String, BluetoothLink)
  /// Encrypt a Bluetooth link (2), or protect it against a man in the middle (3).
  case secure(device: String, level: UInt8)
  /// Speak to the kernel's Bluetooth.
  case openBluetooth(ignoresOtherDaemons: Bool)
  /// Speak to it no more.
  case closeBluetooth
  /// One packet to the kernel's management interface.
  case manage([UInt8])
  /// Octets for a serial line, or one ATT PDU.
  case transmit(device: String, [UInt8])
  /// Close a device's link.
  case close(device: String)
  /// Call `.timer` at this monotonic millisecond; nil: not at all. Replaces what was asked before.
  case wake(at: Int64?)
  /// Read what a backend is to get on one of its lanes.
  case fetch(FetchRequest)
  /// Encode, freeze and send these to a backend.
  case deliver(backend: String, lane: OutboxLane, [Deliverable])
  /// Send the frozen octets of a lane's last delivery again.
  case redeliver(backend: String, lane: OutboxLane)
  /// The next record begins a new segment of the journal.
  case sealJournal
  /// Drop what nobody needs any more; never what lies at or after `pinned`.
  case retain(pinned: UInt64?)
  /// Write the journal's segments anew without a patient.
  case erase(patient: String)
  /// Look for a patient's lines in the files of directory backends, and take them out where `removes` says so; tell with
  /// `Event.filesErased`.
  case eraseFiles(patient: String, removes: Bool)
  /// Read one stored reading.
  case load(sequence: UInt64)
  /// Read parked readings of a slot that was given to a patient.
  case loadParked(Bindings.Slot, [UInt64])
  /// Work beside the thread that decides, and answer with what comes of it.
  case read(RequestID, ReadJob)
  /// Answer a request.
  case answer(RequestID, ControlAnswer)
  /// Tell a reading to every subscriber.
  case publishReading(Reading, sequence: UInt64)
  /// Tell an event to every subscriber.
  case publishEvent(HubEvent)
  /// Tell something to one control connection.
  case notify(connection: UInt64, method: String, JSONValue)
  /// Write the file of keys, mode 0600, and tell how it went. What depends on it follows with that event.
  case keep(KeysID, [UInt8])
  /// State files of an older version, kept aside, hold what was erased or unpaired: they go, overwritten.
  case shredImported
  /// What state files of an older version held is on disk as records: the files' old names go.
  case importFinished
  /// Write plans beside those in force, and tell with `Event.plansStaged`. None is in force by that, nor after a restart.
  case stagePlans([PulledPlan])
  /// Staged plans replace those in force: the records of who set them are on disk.
  case adoptPlans([PulledPlan])
  /// Ask a backend for patients' plans; with the tag of those that are known already, if there is one.
  case fetchPlans(backend: String, etag: String?)
  /// Send test readings to a backend, one after the other, and answer with `TrialReport`.
  case tryBackend(RequestID, backend: String, [TestReading])
  /// Look when the backends' credentials end.
  case readCredentials
  /// Read the configuration again.
  case reload(RequestID)
  /// One line for the journal of the system: never a health value, a patient or an address.
  case log(LogLevel, String)
  /// Nothing is left to do: end the process.
  case exit
}

/// Priorities of the system's journal.
package enum LogLevel: Int, Sendable, Hashable {
  case error = 3
  case warning = 4
  case notice = 5
  case info = 6
  case debug = 7
}
