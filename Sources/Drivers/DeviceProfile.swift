// What Hearth knows of a device family before it speaks to it: a literal in the driver's file, read by the registry, the
// README's table, the udev rules and `hearthctl drivers`.

package import Octets
package import Readings

/// The two lines by which a port tells a device that somebody is there.
package struct ModemLines: Sendable, Hashable {
  /// Data terminal ready.
  package var dtr: Bool
  /// Request to send.
  package var rts: Bool

  /// Both, raised or not.
  package init(dtr: Bool, rts: Bool) {
    self.dtr = dtr
    self.rts = rts
  }

  /// As opening a port leaves them: converters in cables and infrared heads take their supply from them.
  package static let raised = ModemLines(dtr: true, rts: true)
}

/// The line settings of a serial protocol. XON and XOFF are always off: binary protocols use both octets.
package struct SerialSettings: Sendable, Hashable {
  /// The parity bit.
  package enum Parity: String, Sendable, Hashable {
    case none
    case even
    case odd
  }
  /// Bits a second; a standard rate.
  package var baud: Int
  /// 7 or 8.
  package var dataBits: Int
  /// The parity bit.
  package var parity: Parity
  /// 1 or 2.
  package var stopBits: Int
  /// What the device sees on DTR and RTS while the port is open.
  package var modemLines = ModemLines.raised
  /// RTS and CTS hold the other side back. No protocol that is known here does that: with it, a device without CTS would never
  /// be heard.
  package var hasHardwareFlow = false

  /// Line settings such as 9600 8N1.
  package init(
    _ baud: Int, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1, modemLines: ModemLines = .raised
  ) {
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
    self.modemLines = modemLines
  }

  /// `9600 8N1`.
  package var text: String {
    let letter =
      switch parity {
      case .none: "N"
      case .even: "E"
      case .odd: "O"
      }
    return "\(baud) \(dataBits)\(letter)\(stopBits)"
  }
}

/// How a device is reached and, for serial lines, with which settings.
package enum DriverTransport: Sendable, Hashable {
  /// A BLE connection, ATT over L2CAP.
  case gatt
  /// Values in advertisements, no connection.
  case advertisement
  /// A serial line; the first settings are the usual ones.
  case serial([SerialSettings])
}

/// One sign by which a device is recognised.
package enum RecognitionSign: Sendable, Hashable {
  /// An advertised or discovered service.
  case service(BluetoothUUID)
  /// The beginning of the advertised name.
  case namePrefix(String)
  /// Service data in the advertisement.
  case serviceData(BluetoothUUID)
  /// Manufacturer data of this company id.
  case company(UInt16)
  /// USB vendor and product of the cable: a hint, never proof.
  case usb(vendor: UInt16, product: UInt16)
  /// Checked frames of the protocol on the line.
  case frames(String)
}

/// What the device's clock is like.
package enum ClockBehaviour: String, Sendable, Hashable {
  /// No clock: the time is the hub's.
  case none
  /// Has one; the hub can read and set it.
  case settable
  /// Has one that the hub can only see in stamps.
  case stampsOnly = "stamps-only"
}

/// What the device keeps.
package enum MemoryBehaviour: String, Sendable, Hashable {
  /// Nothing: a reading not received is gone.
  case none
  /// Keeps what was not confirmed and sends it at the next connection.
  case untilConfirmed = "until-confirmed"
  /// Keeps records that the hub asks for.
  case records
}

/// Whether a BLE device keeps keys.
package enum BondingBehaviour: String, Sendable, Hashable {
  /// It pairs; what it says without its keys is refused.
  case bonds
  /// Some of its kind pair and speak only to whom they know, others cannot: what it answers decides.
  case mayBond = "may-bond"
  /// It cannot pair: a technician confirms its address, and that is all there is to know it by.
  case cannotBond = "cannot-bond"
}

/// How well a driver is known to fit the hardware.
package enum Verification: String, Sendable, Hashable {
  /// Checked against octets captured from such a device.
  case captured
  /// Made from the specification; unverified on hardware.
  case unverified
}

/// A device family.
package struct DeviceProfile: Sendable {
  /// Stable id in configuration, bindings and `hearthctl drivers`, such as `and-ua651ble`.
  package var id: String
  /// The maker; nil for a profile that any maker's device may follow.
  package var manufacturer: String?
  /// For people: models and brands.
  package var names: [String]
  /// How it is reached.
  package var transport: DriverTransport
  /// Signs by which it is recognised.
  package var recognition: [RecognitionSign]
  /// The kinds of reading it gives.
  package var kinds: [ReadingKind]
  /// The terms it may give.
  package var terms: [Term]
  package var clock: ClockBehaviour
  package var memory: MemoryBehaviour
  /// How well the driver is known to fit.
  package var verification: Verification
  /// Whether it pairs.
  package var bonding = BondingBehaviour.bonds
  /// How long it wants to be left alone between encryption and the first request, in milliseconds.
  package var settles = 0
  /// It gives a user's values only for a consent code (User Data Service): a technician is asked for slot and code.
  package var asksConsent = false
  /// How to bring it into pairing mode, one sentence for a technician; empty: hold its button until its display says so.
  package var pairingHint = ""
  /// Looks at the octets of service data that many kinds of devices have in common; nil: the UUID says enough.
  package var accepts: (@Sendable (AdvertisedData) -> Bool)?
  /// Why no device of it can be plugged in, one sentence; nil: it can.
  package var obstacle: String?
  /// What of its line keeps damaged octets from becoming a reading; nil for what goes over the air, which has its own.
  package var protection: LineProtection?
  /// What a technician is asked when it is bound, because it is not read rightly without its model; nil: nothing.
  package var modelQuestion: ModelQuestion?
  /// The rule by which a stream becomes measurements, one sentence; empty where each message is one.
  package var rule: String
  /// Makes the driver for one session; what it gives holds nothing impossible (`PossibleValues`).
  package var make: @Sendable (DriverContext) -> any Driver

  /// A device family.
  package init(
    id: String, manufacturer: String? = nil, names: [String], transport: DriverTransport,
    recognition: [RecognitionSign], kinds: [ReadingKind], terms: [Term], clock: ClockBehaviour,
    memory: MemoryBehaviour, verification: Verification,
    rule: String = "", make: @escaping @Sendable (DriverContext) -> any Driver
  ) {
    self.id = id
    self.manufacturer = manufacturer
    self.names = names
    self.transport = transport
    self.recognition = recognition
    self.kinds = kinds
    self.terms = terms
    self.clock = clock
    self.memory = memory
    self.verification = verification
    self.rule = rule
    self.make = { CheckedDriver(make($0)) }
  }
}

extension DeviceProfile {
  /// The same for a device that no port is made for.
  func cannotBePluggedIn(_ why: String) -> DeviceProfile {
    var profile = self
    profile.obstacle = why
    return profile
  }

  /// The same with what protects its line.
  func protected(by protection: LineProtection) -> DeviceProfile {
    var profile = self
    profile.protection = protection
    return profile
  }

  /// The same for a family whose model is asked for.
  func asks(_ question: ModelQuestion) -> DeviceProfile {
    var profile = self
    profile.modelQuestion = question
    return profile
  }
}

/// What a family needs to know of the model, and what holds until it is known.
package struct ModelQuestion: Sendable, Hashable {
  /// What is asked, for a technician.
  package var question: String
  /// Answers that are understood, as examples.
  package var answers: [String]
  /// What holds until it is known, one sentence.
  package var untilThen: String
  /// A model answers it.
  package var isAnswered: @Sendable (String) -> Bool

  package static func == (one: ModelQuestion, other: ModelQuestion) -> Bool { one.question == other.question }
  package func hash(into hasher: inout Hasher) { hasher.combine(question) }
}

/// What keeps octets that were damaged on a serial line from becoming a reading.
package enum LineProtection: Sendable, Hashable {
  /// Several messages have to say the same, or the median of many counts.
  case agreement
  /// One message is a measurement, with a short check value or none: of a thousand messages in which each bit is wrong once in a
  /// thousand at most so many become another reading, as measured.
  case unchecked(falsePerThousand: Int)

  /// As in `hearthctl drivers --json`.
  package var name: String {
    switch self {
    case .agreement: "agreement"
    case .unchecked: "unchecked"
    }
  }
}
