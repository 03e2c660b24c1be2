// The configuration as values. Its file is read by `ConfigurationFile`.

public import BluetoothManagement
public import ControlProtocol

/// Everything that a hub is told.
public struct Configuration: Sendable, Hashable {
  /// The hub's identifier; nil: made once and kept.
  public var hubID: String?
  /// IANA name of the zone of the home.
  public var timeZone: String
  /// The devices of the home.
  public var devices: [DeviceConfiguration]
  /// Where readings go.
  public var backends: [BackendConfiguration]
  /// The journal's sizes.
  public var journal: JournalConfiguration
  /// Name of the group whose members may pair, assign and configure.
  public var technicianGroup: String
  /// Name of the group whose members may read.
  public var readerGroup: String
  /// The folder of patients' plans; nil: the default.
  public var plans: String?
  /// How Bluetooth is used.
  public var bluetooth = BluetoothConfiguration()
  /// How long readings wait for the first synchronisation of the hub's clock, in milliseconds; 0: not at all; nil: 15 minutes
  /// on a hub without battery clock.
  public var clockHold: Int64?
  /// What is told of the hub itself.
  public var watch = WatchConfiguration()
  /// Listen to USB ports that are nobody's, to find out what is plugged in.
  public var recognisesPorts = true

  /// What stays in force although a newer rule refuses it.
  package var warnings: [SettingsWarning] = []

  /// A hub without devices and backends.
  public init() {
    timeZone = "UTC"
    devices = []
    backends = []
    journal = JournalConfiguration()
    technicianGroup = "hearth-tech"
    readerGroup = "hearth"
  }
}

/// One device.
public struct DeviceConfiguration: Sendable, Hashable {
  /// Where its octets come from.
  public enum Endpoint: Sendable, Hashable {
    /// A serial port's path.
    case serial(path: String)
    /// A recorded session's file.
    case playback(path: String)
    /// A USB port by where it is plugged in: recognised by listening, or bound by a technician.
    case usb(PortBinding)
    /// A Bluetooth device, paired by a technician.
    case bluetooth(BluetoothLink)
  }
  /// The hub's name for it.
  public var id: String
  /// For people.
  public var name: String?
  /// The registry's id of its driver.
  public var driver: String
  /// Where its octets come from.
  public var endpoint: Endpoint
  /// Whose it is, when it is one person's.
  public var patient: String?
  /// Whose each user slot is.
  public var users: [UInt8: String]
  /// The model, where the device does not tell it.
  public var model: String?
  /// A zone other than the hub's.
  public var timeZone: String?
  /// Seconds between the readings of a live oximeter while a finger is in it; nil: one spot-check each time.
  public var continuousInterval: Int?
  /// Read what an oximeter recorded while nobody listened.
  public var readsStoredRecords = false
  /// What the user data service asks for.
  public var consent: Consent?
  /// 16 octets that the device's values or its memory are locked with; only ever in the register of devices.
  public var key: [UInt8]?

  /// A device.
  public init(id: String, driver: String, endpoint: Endpoint, patient: String? = nil, users: [UInt8: String] = [:]) {
    self.id = id
    self.driver = driver
    self.endpoint = endpoint
    self.patient = patient
    self.users = users
  }
}

/// Between which two a Bluetooth link is.
public struct BluetoothLink: Sendable, Hashable {
  /// The hub's controller, by its public address: a bond belongs to both.
  public var controller: PeerAddress
  /// The device's identity address.
  public var device: PeerAddress
  /// A controller and a device.
  public init(controller: PeerAddress, device: PeerAddress) {
    self.controller = controller
    self.device = device
  }
}

/// A device's user slot and the code that its user agreed to (User Data Service).
public typealias Consent = PairingWish.Consent

/// How the hub uses Bluetooth.
public struct BluetoothConfiguration: Sendable, Hashable {
  /// False: Bluetooth is left alone.
  public var isEnabled: Bool
  /// The one controller to be used; nil: every one.
  public var controller: PeerAddress?
  /// Go on although `bluetoothd` runs.
  public var ignoresOtherDaemons: Bool
  /// Bluetooth with every controller, but not beside another daemon.
  public init() {
    isEnabled = true
    ignoresOtherDaemons = false
  }
}

/// The journal's sizes.
public struct JournalConfiguration: Sendable, Hashable {
  /// Octets of a segment.
  public var segmentBytes: Int
  /// Octets at which new readings are refused.
  public var maximumBytes: Int
  /// Milliseconds that acknowledged readings are kept.
  public var keep: Int64

  /// 1 MiB segments, 1 GiB in all, three days.
  public init(segmentBytes: Int = 1 << 20, maximumBytes: Int = 1 << 30, keep: Int64 = 259_200_000) {
    self.segmentBytes = segmentBytes
    self.maximumBytes = maximumBytes
    self.keep = keep
  }
}

/// What is told of the hub itself.
public struct WatchConfiguration: Sendable, Hashable {
  /// Milliseconds between heartbeats; nil: none.
  public var heartbeatEvery: Int64?
  /// The backends that get them.
  public var heartbeatTo: [String] = []
  /// After how many milliseconds without contact a device counts as silent, by its name; `*` for every other.
  public var silentAfter: [String: Int64] = [:]
  /// From how many percent a disk is nearly full.
  public var diskPercent = 80
  /// For how many milliseconds the clock may be unsynchronised before that is told.
  public var clockAfter: Int64 = 3_600_000

  /// No heartbeat, no silent devices; a disk at 80 %, a clock after an hour.
  public init() {}
}
