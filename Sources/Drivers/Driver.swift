// The conversation with one device, as a value: what happened goes in, what to do comes out. A driver has no clock, no I/O
// and no state but its own fields; the session runs its actions in order and confirms an indication only when every reading
// that came of it is on disk.

package import Octets
package import Readings

/// A characteristic of a service; services with several instances are told apart by the session, not by drivers.
package struct CharacteristicID: Hashable, Sendable, CustomStringConvertible {
  /// The service's UUID.
  package let service: BluetoothUUID
  /// The characteristic's UUID.
  package let characteristic: BluetoothUUID

  package init(_ service: BluetoothUUID, _ characteristic: BluetoothUUID) {
    self.service = service
    self.characteristic = characteristic
  }

  /// A characteristic of a service, both assigned by the Bluetooth SIG.
  package init(_ service: UInt16, _ characteristic: UInt16) {
    self.init(BluetoothUUID(service), BluetoothUUID(characteristic))
  }

  /// `1810/2A35`.
  package var description: String { "\(service)/\(characteristic)" }
}

/// A characteristic that the device has.
package struct DiscoveredCharacteristic: Hashable, Sendable {
  /// Which one.
  package var id: CharacteristicID
  /// The properties octet of its declaration: 0x02 read, 0x04 write without response, 0x08 write, 0x10 notify, 0x20 indicate.
  package var properties: UInt8

  /// A characteristic and its properties octet.
  package init(id: CharacteristicID, properties: UInt8) {
    self.id = id
    self.properties = properties
  }
}

/// How a characteristic's value arrived.
package enum ValueOrigin: Sendable, Hashable {
  case read
  case notification
  /// To be confirmed once what came of it is on disk; the session does that.
  case indication
}

/// One advertisement of a device that sends its values without a connection.
package struct AdvertisedData: Sendable, Hashable {
  /// The UUID of the service data, or nil for manufacturer data.
  package var service: BluetoothUUID?
  /// The company id of manufacturer data.
  package var company: UInt16?
  /// The octets after the UUID or company id.
  package var octets: [UInt8]

  /// Where manufacturer data of a company came from, such as `adv/company:06D0`.
  package static func source(company: UInt16) -> String {
    let digits = String(company, radix: 16, uppercase: true)
    return "adv/company:" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }

  /// Service data of an advertisement.
  package init(service: BluetoothUUID, octets: [UInt8]) {
    self.service = service
    self.octets = octets
  }

  /// Manufacturer data of an advertisement.
  package init(company: UInt16, octets: [UInt8]) {
    self.company = company
    self.octets = octets
  }
}

/// A driver's own timers, by a number of its choosing.
package typealias DriverTimer = UInt8

/// What happened to a device's link.
package enum DriverInput: Sendable {
  /// A serial port was opened with the profile's line settings.
  case opened
  /// A BLE link is up and its attributes are known.
  case connected([DiscoveredCharacteristic])
  /// A value arrived.
  case value(CharacteristicID, [UInt8], ValueOrigin)
  /// A read failed with an ATT error code.
  case readFailed(CharacteristicID, UInt8)
  /// A write was acknowledged.
  case written(CharacteristicID)
  /// A write failed with an ATT error code.
  case writeFailed(CharacteristicID, UInt8)
  /// A subscription was acknowledged.
  case subscribed(CharacteristicID)
  /// A subscription failed with an ATT error code.
  case subscribeFailed(CharacteristicID, UInt8)
  /// An advertisement of the device.
  case advertisement(AdvertisedData)
  /// Nobody looked at the line for so many milliseconds: the octets that follow may have come at any time of it.
  case waited(Int)
  /// Octets of a serial line, split anywhere.
  case received([UInt8])
  /// A timer that the driver asked for ran out.
  case timer(DriverTimer)
  /// Every reading of the actions given before is on disk: stored records may be acknowledged to the device now.
  case committed
  /// A technician asks for something.
  case request(DriverRequest)
  /// The link is gone; what was held back for joining is to be given now.
  case closed
}

/// What the session is to do, in order.
package enum DriverAction: Sendable, Equatable {
  /// Write the client characteristic configuration: 0x0002 for indications, 0x0001 for notifications.
  case subscribe(CharacteristicID, indications: Bool)
  case read(CharacteristicID)
  case write(CharacteristicID, [UInt8], withResponse: Bool)
  /// Send octets on a serial line.
  case transmit([UInt8])
  /// A complete reading, to be judged and stored.
  case reading(DeviceReading)
  /// Octets that a later value completes: kept on disk until a reading with `key` in its sources takes them up, so that the
  /// indication can be confirmed now. After a power cut they are decoded by themselves.
  case fragment(RawSource)
  /// The load that a scale still shows is another one, or none: remembered for the next session, whatever ends this one.
  case heldLoad(HeldLoad?)
  /// What the device's clock shows now, read before anything is written to it.
  case deviceClock(DeviceStamp)
  /// Something else that the device told about itself.
  case property(DeviceProperty)
  /// What could not be understood or what the device itself reports as failed.
  case problem(DriverProblem)
  /// What came of a technician's request.
  case answer(DriverAnswer)
  /// Ask for `.timer` after so many milliseconds; the same number again moves it.
  case startTimer(DriverTimer, milliseconds: Int)
  case stopTimer(DriverTimer)
  /// Nothing more is expected: the link may be closed.
  case finish
}

/// What a device tells about itself.
package enum DeviceProperty: Sendable, Hashable {
  case manufacturer(String)
  case model(String)
  case serial(String)
  case firmware(String)
  case hardware(String)
  case software(String)
  /// EUI-64, upper-case hex pairs joined by dashes.
  case systemID(String)
  /// 0…100 %.
  case battery(UInt8)
}

/// What a driver could not use, as a value with a stable code.
package struct DriverProblem: Error, Hashable, Sendable {
  /// Stable: `truncated`, `checksum`, `measurement-failed`, `demo-data`, `control-solution`, `implausible-frame`, …
  package var code: String
  /// One sentence for a technician.
  package var message: String
  /// Where in the octets, when it is known.
  package var offset: Int?
  /// The octets, for support; never in ordinary logs.
  package var raw: RawSource?

  /// Octets on a line that are no frame, as opposed to what a device itself says.
  package var isGarbage: Bool { raw?.source == DriverProblem.garbage }
  static let garbage = "garbage"

  /// A problem with a stable code and one sentence.
  package init(code: String, message: String, offset: Int? = nil, raw: RawSource? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
    self.raw = raw
  }

  /// What a decoder threw.
  package init(_ error: DecodeError, raw: RawSource? = nil) {
    self.init(code: error.code, message: error.message, offset: error.offset, raw: raw)
  }
}

/// The device's side of a session, as a value.
package protocol Driver: Sendable {
  /// Takes what happened and gives what to do. Never traps, whatever the octets are.
  mutating func handle(_ input: DriverInput) -> [DriverAction]
  /// What may be asked of the device: before its link is up what one of its kind may have, then what it has.
  var abilities: DeviceAbilities { get }
}

extension Driver {
  /// Most devices only give their readings.
  package var abilities: DeviceAbilities { [] }
}
