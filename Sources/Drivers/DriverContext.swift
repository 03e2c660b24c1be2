// What a driver may know of the hub, the device's owner and earlier sessions when a session begins.

package import Readings

/// The zone of the home as 2A0F writes it.
package struct LocalZone: Sendable, Hashable {
  /// Quarter hours east of UTC without daylight saving, −48…56.
  package var quarterHours: Int8
  /// Daylight saving now, in quarter hours: 0, 2, 4 or 8.
  package var daylight: UInt8

  package init(quarterHours: Int8, daylight: UInt8) {
    self.quarterHours = quarterHours
    self.daylight = daylight
  }
}

/// What a driver may know when it is made.
package struct DriverContext: Sendable, Hashable {
  /// The hub's wall clock in the patient's zone at the start of the session, to set a device's clock; nil while the hub's own
  /// clock is not synchronised.
  package var localTime: DeviceDateTime?
  /// The model that the device or the technician named, for quirks.
  package var model: String?
  /// The name that the device advertised when it was paired, where it is known.
  package var name: String?
  /// Seconds between the readings of a live oximeter while a finger is in it, at least 10; nil for one spot-check each time.
  package var continuousInterval: Int?
  /// True for the continuous mode.
  package var continuous: Bool { continuousInterval != nil }
  /// Give every valid frame as a reading (`decode serial --every-frame`).
  package var everyFrame: Bool
  /// Read what an oximeter recorded while nobody listened, before live data. Stored records of meters are always read.
  package var storedRecords: Bool
  /// A recording is decoded: nothing can be asked, and what an answer would have told is guessed and marked.
  var isRecording = false
  /// The last record number that is on disk, to resume from.
  package var lastRecordNumber: UInt32?
  /// The load that a scale showed when the last session ended, if its weight was given.
  package var heldLoad: HeldLoad?
  /// Where the hub's zone stands, for devices that keep one (2A0F); nil leaves it alone.
  package var zone: LocalZone?
  /// 16 octets: the bind key of an encrypting Xiaomi scale, or the hub's own key for an Omron cuff.
  package var key: [UInt8]?
  /// The device's own address, six octets as they are written; some check values and ciphers need it.
  package var address: [UInt8]?
  /// A technician holds the device in its pairing mode: the hub's key may be given to it.
  package var isPairing = false
  /// What the device told about itself in an earlier session is known: it need not be asked before its first measurement.
  package var knowsIdentity = true
  /// What a technician asked for at this contact.
  package var requests: [DriverRequest] = []
  /// The consent code of the user slot, when a technician entered one.
  package var consent: (user: UInt8, code: UInt16)? { consentUser.flatMap { user in consentCode.map { (user, $0) } } }
  private var consentUser: UInt8?
  private var consentCode: UInt16?

  /// What is known at the start of a session.
  package init(
    localTime: DeviceDateTime? = nil, model: String? = nil, continuousInterval: Int? = nil, everyFrame: Bool = false,
    storedRecords: Bool = false, lastRecordNumber: UInt32? = nil, consent: (user: UInt8, code: UInt16)? = nil
  ) {
    self.storedRecords = storedRecords
    self.localTime = localTime
    self.model = model
    self.continuousInterval = continuousInterval
    self.everyFrame = everyFrame
    self.lastRecordNumber = lastRecordNumber
    self.consentUser = consent?.user
    self.consentCode = consent?.code
  }

  /// The code of a user slot, entered later than the context was made.
  package mutating func setConsent(user: UInt8, code: UInt16) {
    consentUser = user
    consentCode = code
  }
}
