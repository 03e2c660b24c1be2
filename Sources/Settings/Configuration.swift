// The configuration as values. Its file is read by `ConfigurationFile`.

package import BluetoothManagement
package import ControlProtocol

/// Everything that a hub is told.
package struct Configuration: Sendable, Hashable {
  /// The hub's identifier; nil: made once and kept.
  package var hubID: String?
  /// IANA name of the zone of the home.
  package var timeZone: String
  /// What says so.
  package var zoneOrigin = ZoneOrigin.unknown
  /// The devices of the home.
  package var devices: [DeviceConfiguration]
  /// Where readings go.
  package var backends: [BackendConfiguration]
  /// The journal's sizes.
  package var journal: JournalConfiguration
  /// Name of the group whose members may pair, assign and configure.
  package var technicianGroup: String
  /// Name of the group whose members may read.
  package var readerGroup: String
  /// The folder of patients' plans; nil: the default.
  package var plans: String?
  /// How Bluetooth is used.
  package var bluetooth = BluetoothConfiguration()
  /// How long readings wait for the first synchronisation of the hub's clock, in milliseconds; 0: not at all; nil: 15 minutes
  /// on a hub without battery clock.
  package var clockHold: Int64?
  /// What is told of the hub itself.
  package var watch = WatchConfiguration()
  /// Listen to USB ports that are nobody's, to find out what is plugged in.
  package var recognisesPorts = true

  /// What stays in force although a newer rule refuses it.
  package var warnings: [SettingsWarning] = []

  /// A hub without devices and backends.
  package init() {
    timeZone = "UTC"
    devices = []
    backends = []
    journal = JournalConfiguration()
    technicianGroup = "hearth-tech"
    readerGroup = "hearth"
  }
}

/// What says in which time zone the home is.
package enum ZoneOrigin: Sendable, Hashable {
  /// `hub.timezone` of the configuration.
  case configuration
  /// The machine's own setting, in this file.
  case system(file: String)
  /// Nothing: UTC counts.
  case unknown

  /// For `hearthctl status`: `configuration`, the file's path, or `default`.
  package var text: String {
    switch self {
    case .configuration: "configuration"
    case .system(let file): file
    case .unknown: "default"
    }
  }
}

package struct DeviceConfiguration: Sendable, Hashable {
  /// Where its octets come from.
  package enum Endpoint: Sendable, Hashable {
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
  package var id: String
  /// For people.
  package var name: String?
  /// The registry's id of its driver.
  package var driver: String
  /// Where its octets come from.
  package var endpoint: Endpoint
  /// The name that it advertised when it was paired; only ever in the register of devices.
  package var advertisedName: String?
  /// Whose it is, when it is one person's.
  package var patient: String?
  /// Whose each user slot is.
  package var users: [UInt8: String]
  /// The model, where the device does not tell it.
  package var model: String?
  /// A zone other than the hub's.
  package var timeZone: String?
  /// Seconds between the readings of a live oximeter while a finger is in it; nil: one spot-check each time.
  package var continuousInterval: Int?
  /// Read what an oximeter recorded while nobody listened.
  package var readsStoredRecords = false
  /// What the user data service asks for.
  package var consent: Consent?
  /// 16 octets that the device's values or its memory are locked with; only ever in the register of devices.
  package var key: [UInt8]?

  package init(id: String, driver: String, endpoint: Endpoint, patient: String? = nil, users: [UInt8: String] = [:]) {
    self.id = id
    self.driver = driver
    self.endpoint = endpoint
    self.patient = patient
    self.users = users
  }
}

/// Between which two a Bluetooth link is.
package struct BluetoothLink: Sendable, Hashable {
  /// The hub's controller, by its public address: a bond belongs to both.
  package var controller: PeerAddress
  /// The device's identity address.
  package var device: PeerAddress
  package init(controller: PeerAddress, device: PeerAddress) {
    self.controller = controller
    self.device = device
  }
}

/// A device's user slot and the code that its user agreed to (User Data Service).
package typealias Consent = PairingWish.Consent

/// How the hub uses Bluetooth.
package struct BluetoothConfiguration: Sendable, Hashable {
  /// False: Bluetooth is left alone.
  package var isEnabled: Bool
  /// The one controller to be used; nil: every one.
  package var controller: PeerAddress?
  /// Go on although `bluetoothd` runs.
  package var ignoresOtherDaemons: Bool
  /// Bluetooth with every controller, but not beside another daemon.
  package init() {
    isEnabled = true
    ignoresOtherDaemons = false
  }
}

/// The journal's sizes.
package struct JournalConfiguration: Sendable, Hashable {
  /// Octets of a segment.
  package var segmentBytes: Int
  /// Octets at which new readings are refused.
  package var maximumBytes: Int
  /// Milliseconds that acknowledged readings are kept.
  package var keep: Int64

  /// 1 MiB segments, 1 GiB in all, three days.
  package init(segmentBytes: Int = 1 << 20, maximumBytes: Int = 1 << 30, keep: Int64 = 259_200_000) {
    self.segmentBytes = segmentBytes
    self.maximumBytes = maximumBytes
    self.keep = keep
  }
}

/// What is told of the hub itself.
package struct WatchConfiguration: Sendable, Hashable {
  /// Milliseconds between heartbeats; nil: none.
  package var heartbeatEvery: Int64?
  /// The backends that get them.
  package var heartbeatTo: [String] = []
  /// After how many milliseconds without contact a device counts as silent, by its name; `*` for every other.
  package var silentAfter: [String: Int64] = [:]
  /// From how many percent a disk is nearly full.
  package var diskPercent = 80
  /// For how many milliseconds the clock may be unsynchronised before that is told.
  package var clockAfter: Int64 = 3_600_000

  /// No heartbeat, no silent devices; a disk at 80 %, a clock after an hour.
  package init() {}
}
