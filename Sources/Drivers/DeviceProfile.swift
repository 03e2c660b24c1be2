// What Hearth knows of a device family before it speaks to it: a literal in the driver's file, read by the registry, the
// README's table, the udev rules and `hearthctl drivers`.

public import Octets
public import Readings

/// The two lines by which a port tells a device that somebody is there.
public struct ModemLines: Sendable, Hashable {
  /// Data terminal ready.
  public var dtr: Bool
  /// Request to send.
  public var rts: Bool

  /// Both, raised or not.
  public init(dtr: Bool, rts: Bool) {
    self.dtr = dtr
    self.rts = rts
  }

  /// As opening a port leaves them: converters in cables and infrared heads take their supply from them.
  public static let raised = ModemLines(dtr: true, rts: true)
}

/// The line settings of a serial protocol. XON and XOFF are always off: binary protocols use both octets.
public struct SerialSettings: Sendable, Hashable {
  /// The parity bit.
  public enum Parity: String, Sendable, Hashable {
    case none
    case even
    case odd
  }
  /// Bits a second; a standard rate.
  public var baud: Int
  /// 7 or 8.
  public var dataBits: Int
  /// The parity bit.
  public var parity: Parity
  /// 1 or 2.
  public var stopBits: Int
  /// What the device sees on DTR and RTS while the port is open.
  public var modemLines = ModemLines.raised
  /// RTS and CTS hold the other side back. No protocol that is known here does that: with it, a device without CTS would never
  /// be heard.
  public var hasHardwareFlow = false

  /// Line settings such as 9600 8N1.
  public init(
    _ baud: Int, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1, modemLines: ModemLines = .raised
  ) {
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
    self.modemLines = modemLines
  }

  /// `9600 8N1`.
  public var text: String {
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
public enum DriverTransport: Sendable, Hashable {
  /// A BLE connection, ATT over L2CAP.
  case gatt
  /// Values in advertisements, no connection.
  case advertisement
  /// A serial line; the first settings are the usual ones.
  case serial([SerialSettings])
}

/// One sign by which a device is recognised.
public enum RecognitionSign: Sendable, Hashable {
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
public enum ClockBehaviour: String, Sendable, Hashable {
  /// No clock: the time is the hub's.
  case none
  /// Has one; the hub can read and set it.
  case settable
  /// Has one that the hub can only see in stamps.
  case stampsOnly = "stamps-only"
}

/// What the device keeps.
public enum MemoryBehaviour: String, Sendable, Hashable {
  /// Nothing: a reading not received is gone.
  case none
  /// Keeps what was not confirmed and sends it at the next connection.
  case untilConfirmed = "until-confirmed"
  /// Keeps records that the hub asks for.
  case records
}

/// Whether a BLE device keeps keys.
public enum BondingBehaviour: String, Sendable, Hashable {
  /// It pairs; what it says without its keys is refused.
  case bonds
  /// Some of its kind pair and speak only to whom they know, others cannot: what it answers decides.
  case mayBond = "may-bond"
  /// It cannot pair: a technician confirms its address, and that is all there is to know it by.
  case cannotBond = "cannot-bond"
}

/// How well a driver is known to fit the hardware.
public enum Verification: String, Sendable, Hashable {
  /// Checked against octets captured from such a device.
  case captured
  /// Made from the specification; unverified on hardware.
  case unverified
}

/// A device family.
public struct DeviceProfile: Sendable {
  /// Stable id in configuration, bindings and `hearthctl drivers`, such as `and-ua651ble`.
  public var id: String
  /// The maker; nil for a profile that any maker's device may follow.
  public var manufacturer: String?
  /// For people: models and brands.
  public var names: [String]
  /// How it is reached.
  public var transport: DriverTransport
  /// Signs by which it is recognised.
  public var recognition: [RecognitionSign]
  /// The kinds of reading it gives.
  public var kinds: [ReadingKind]
  /// The terms it may give.
  public var terms: [Term]
  /// Its clock.
  public var clock: ClockBehaviour
  /// Its memory.
  public var memory: MemoryBehaviour
  /// How well the driver is known to fit.
  public var verification: Verification
  /// Whether it pairs.
  public var bonding = BondingBehaviour.bonds
  /// How long it wants to be left alone between encryption and the first request, in milliseconds.
  public var settles = 0
  /// It gives a user's values only for a consent code (User Data Service): a technician is asked for slot and code.
  public var asksConsent = false
  /// How to bring it into pairing mode, one sentence for a technician; empty: hold its button until its display says so.
  public var pairingHint = ""
  /// Looks at the octets of service data that many kinds of devices have in common; nil: the UUID says enough.
  public var accepts: (@Sendable (AdvertisedData) -> Bool)?
  /// The rule by which a stream becomes measurements, one sentence; empty where each message is one.
  public var rule: String
  /// Makes the driver for one session.
  public var make: @Sendable (DriverContext) -> any Driver

  /// A device family.
  public init(
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
    self.make = make
  }
}
