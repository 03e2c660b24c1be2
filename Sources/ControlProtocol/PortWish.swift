// What a technician wants of a serial port.

internal import JSON

/// Which port, and what is at it.
public struct PortWish: Sendable, Hashable {
  /// A node, one of its links, or where it is plugged in, as `serial.list` shows them.
  public var port: String
  /// A driver's id.
  public var driver: String
  /// The hub's name for the device; nil: made from the driver's. A known name is bound anew.
  public var id: String?
  /// Whose it is.
  public var patient: String?

  static let keys = ["port", "driver", "id", "patient"]

  /// A port and a driver.
  public init(port: String, driver: String) {
    self.port = port
    self.driver = driver
  }

  init(_ members: JSONMembers?) throws {
    guard let members else {
      throw ControlError(
        code: "bad-parameters", message: "params: expected a port and a driver",
        hint: "hearthctl serial list shows the ports that are plugged in")
    }
    port = try members.required("port", "a port such as /dev/ttyUSB0").string()
    driver = try members.required("driver", "a driver's id, see hearthctl drivers").string()
    id = try members["id"].map { node throws(JSONError) in try PortWish.identifier(node) }
    patient = try members["patient"].map { node throws(JSONError) in try PortWish.identifier(node) }
  }

  static func identifier(_ node: JSONNode) throws(JSONError) -> String { try PairingWish.identifier(node) }
}
