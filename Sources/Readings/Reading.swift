// The reading as Hearth stores and delivers it: who, when, what, judged.

/// A reading's stable identifier: a name-based UUID (version 5, RFC 9562) of the device record that it came from.
package struct ReadingID: Sendable, Hashable, CustomStringConvertible {
  /// The first eight octets as a big-endian number.
  package let high: UInt64
  /// The last eight octets as a big-endian number.
  package let low: UInt64

  /// Both halves as big-endian numbers.
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// From the 36 characters of a UUID; nil for anything else.
  package init?(_ text: some StringProtocol) {
    let hex = String(text.filter { $0 != "-" })
    guard text.utf8.count == 36, hex.utf8.count == 32, let high = UInt64(hex.prefix(16), radix: 16),
      let low = UInt64(hex.suffix(16), radix: 16), !hex.hasPrefix("+"), !hex.dropFirst(16).hasPrefix("+")
    else { return nil }
    self.init(high: high, low: low)
  }

  /// The 36 characters in lower case.
  package var description: String {
    func digits(_ value: UInt64, _ count: Int) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
    return [
      digits(high >> 32, 8), digits(high >> 16 & 0xFFFF, 4), digits(high & 0xFFFF, 4), digits(low >> 48, 4),
      digits(low & 0xFFFF_FFFF_FFFF, 12),
    ].joined(separator: "-")
  }
}

/// How a reading was placed in time.
package enum TimeQuality: String, Sendable, Hashable, CaseIterable {
  /// The device's stamp, found to be right.
  case device
  /// The device's stamp, moved by the offset of its clock.
  case corrected
  /// The hub's clock at reception.
  case received
  /// The hub's clock at reception, before it was synchronised.
  case receivedUnsynced = "received-unsynced"
  /// Nothing places it.
  case unplaced
}

/// An instant with the offset to show it in.
package struct Timestamp: Sendable, Hashable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package var milliseconds: Int64
  /// Seconds east of UTC.
  package var offsetSeconds: Int32

  /// An instant and the offset to show it in.
  package init(milliseconds: Int64, offsetSeconds: Int32) {
    self.milliseconds = milliseconds
    self.offsetSeconds = offsetSeconds
  }
}

/// When something was received by a hub whose clock was not set yet: the wall clock is known once it is.
package struct ClockAnchor: Sendable, Hashable {
  /// The kernel's id of the boot.
  package var bootID: String
  /// CLOCK_BOOTTIME of that boot in milliseconds.
  package var monotonic: Int64
  /// Milliseconds that are believed, of a boot and since 1970.
  package static let range: ClosedRange<Int64> = 0...253_402_300_800_000

  /// What the device's clock was behind the hub's wrong one, in milliseconds, where it was read.
  package var deviceOffset: Int64?

  /// A moment of a boot.
  package init(bootID: String, monotonic: Int64, deviceOffset: Int64? = nil) {
    self.bootID = bootID
    self.monotonic = monotonic
    self.deviceOffset = deviceOffset
  }
}

/// How a device is reached.
package enum TransportKind: String, Sendable, Hashable, CaseIterable {
  case ble
  case serial
}

/// Which device a reading came from.
package struct DeviceIdentity: Sendable, Hashable {
  /// The hub's name for the device, stable over reconnects.
  package var id: String
  /// As the device or its driver's profile says.
  package var manufacturer: String?
  /// The model, as the device or its driver's profile says.
  package var model: String?
  /// The serial number.
  package var serial: String?
  /// The firmware revision.
  package var firmware: String?
  /// How it is reached.
  package var transport: TransportKind
  /// The identity address, or the path of the port.
  package var address: String?
  /// The Device Information service's System ID (EUI-64), upper-case hex pairs joined by dashes.
  package var systemID: String?

  /// A device as far as it is known.
  package init(
    id: String, manufacturer: String? = nil, model: String? = nil, serial: String? = nil, firmware: String? = nil,
    transport: TransportKind, address: String? = nil, systemID: String? = nil
  ) {
    self.id = id
    self.manufacturer = manufacturer
    self.model = model
    self.serial = serial
    self.firmware = firmware
    self.transport = transport
    self.address = address
    self.systemID = systemID
  }
}

/// The traffic light of a patient's plan, worst last.
package enum Zone: String, Sendable, Hashable, CaseIterable, Comparable {
  case green
  case yellow
  case red

  private var rank: Int {
    switch self {
    case .green: 0
    case .yellow: 1
    case .red: 2
    }
  }

  /// Green is below yellow, yellow below red.
  package static func < (left: Zone, right: Zone) -> Bool { left.rank < right.rank }
}

/// What a patient's plan says of a reading.
package struct Evaluation: Sendable, Hashable {
  /// Where a rule that applies stands.
  package struct RuleResult: Sendable, Hashable {
    /// The rule's id in the plan.
    package var rule: String
    /// The zone that the rule gives.
    package var zone: Zone
    /// `normal`, `pending` (a repeat is awaited), `raised`, `acknowledged`, `cleared`.
    package var state: String
    /// A rule's result.
    package init(rule: String, zone: Zone, state: String) {
      self.rule = rule
      self.zone = zone
      self.state = state
    }
  }

  /// The worst zone of all rules; green when none matched. Nil when the patient has no plan.
  package var zone: Zone?
  /// The rules that did not give green.
  package var rules: [RuleResult]
  /// The plan's version; nil without a plan.
  package var planVersion: Int?
  /// The rules that look at such readings and did not judge this one.
  package var notJudged: [NotJudged] = []

  /// A rule that did not judge a reading.
  package struct NotJudged: Sendable, Hashable {
    /// The rule's id in the plan.
    package var rule: String
    /// Why, such as `too-few`.
    package var because: String
    /// A rule that did not judge.
    package init(rule: String, because: String) {
      self.rule = rule
      self.because = because
    }
  }

  /// What a plan said.
  package init(zone: Zone?, rules: [RuleResult] = [], planVersion: Int? = nil) {
    self.zone = zone
    self.rules = rules
    self.planVersion = planVersion
  }
}

/// What is different in a reading that is stored again: backends that have the earlier one get it under the same identifier, with a
/// higher sequence number.
package struct ReadingCorrection: Sendable, Hashable {
  /// What was corrected.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// It is not the patient's: it waits for its patient.
    case withdrawn
    /// It was withdrawn from a patient, and is given to one.
    case assigned
    /// A person says that its values are right and the patient's.
    case accepted
  }

  package var kind: Kind
  /// Whose it was until it was withdrawn; nil for the other kinds, and when that patient was erased.
  package var patient: String?

  /// A correction.
  package init(_ kind: Kind, patient: String? = nil) {
    self.kind = kind
    self.patient = patient
  }
}

/// A normalised reading.
package struct Reading: Sendable, Hashable {
  /// Stable for ever for the same octets of the same device record.
  package var id: ReadingID
  /// What kind of reading it is.
  package var kind: ReadingKind
  /// In the order of the nomenclature.
  package var observations: [Observation]
  /// Remarks of the device and of Hearth.
  package var flags: [ReadingFlag]
  /// Nil when nothing places it.
  package var takenAt: Timestamp?
  /// How `takenAt` was found.
  package var timeQuality: TimeQuality
  /// As the device said it.
  package var deviceTime: DeviceStamp?
  /// The hub's clock when the octets arrived.
  package var receivedAt: Timestamp
  /// The device's user slot.
  package var user: UInt8?
  /// Nil: parked until a technician assigns it.
  package var patient: String?
  /// The device it came from.
  package var device: DeviceIdentity
  /// What the patient's plan says; nil before it was judged.
  package var evaluation: Evaluation?
  /// The octets it came from.
  package var raw: RawSource
  /// The device's own number of the record, where it has one.
  package var recordNumber: UInt32?
  /// Set while the reading waits for the hub's clock: it goes to no backend yet.
  package var anchor: ClockAnchor?
  /// Set in a reading that corrects an earlier one of the same identifier.
  package var correction: ReadingCorrection?

  /// It goes to backends: it is a patient's, or they are told that it is not.
  package var isDeliverable: Bool { anchor == nil && (patient != nil || correction?.kind == .withdrawn) }

  /// Gives it to a patient. One that was withdrawn before corrects what backends have.
  package mutating func give(to patient: String) {
    self.patient = patient
    if correction != nil { correction = ReadingCorrection(.assigned) }
  }

  /// A reading with everything that is known of it.
  package init(
    id: ReadingID, kind: ReadingKind, observations: [Observation], flags: [ReadingFlag], takenAt: Timestamp?,
    timeQuality: TimeQuality, deviceTime: DeviceStamp?, receivedAt: Timestamp, user: UInt8?, patient: String?,
    device: DeviceIdentity, evaluation: Evaluation?, raw: RawSource, recordNumber: UInt32? = nil
  ) {
    self.id = id
    self.kind = kind
    self.observations = observations
    self.flags = flags
    self.takenAt = takenAt
    self.timeQuality = timeQuality
    self.deviceTime = deviceTime
    self.receivedAt = receivedAt
    self.user = user
    self.patient = patient
    self.device = device
    self.evaluation = evaluation
    self.raw = raw
    self.recordNumber = recordNumber
  }
}
