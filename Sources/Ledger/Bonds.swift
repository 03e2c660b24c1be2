// The keys of all bonds, by controller: part of the file of keys, loaded into the kernel whenever a controller comes up.

package import BluetoothManagement
package import JSON

internal import Octets
package import Settings

/// The keys of every controller that this hub ever had.
package struct Bonds: Sendable, Hashable {
  /// The keys of one controller.
  package struct Keys: Sendable, Hashable {
    package var longTerm: [LongTermKey] = []
    package var identity: [IdentityResolvingKey] = []
    package var parameters: [ConnectionParameters] = []
  }

  /// By the controller's address.
  package var controllers: [PeerAddress: Keys] = [:]

  /// No bonds.
  package init() {}

  package func keys(of controller: PeerAddress) -> Keys { controllers[controller] ?? Keys() }

  /// The security level that a bond gives: 2 encrypted, 3 protected against a man in the middle. Nil without a bond.
  package func level(of device: PeerAddress, on controller: PeerAddress) -> UInt8? {
    let keys = keys(of: controller).longTerm.filter { $0.address == device }
    guard !keys.isEmpty else { return nil }
    return keys.contains(where: \.isAuthenticated) ? 3 : 2
  }

  package mutating func add(_ key: LongTermKey, on controller: PeerAddress) {
    var keys = keys(of: controller)
    keys.longTerm.removeAll { $0.isReplaced(by: key) }
    keys.longTerm.append(key)
    controllers[controller] = keys
  }

  package mutating func add(_ key: IdentityResolvingKey, on controller: PeerAddress) {
    var keys = keys(of: controller)
    keys.identity.removeAll { $0.address == key.address }
    keys.identity.append(key)
    controllers[controller] = keys
  }

  package mutating func add(_ parameters: ConnectionParameters, on controller: PeerAddress) {
    var keys = keys(of: controller)
    keys.parameters.removeAll { $0.address == parameters.address }
    keys.parameters.append(parameters)
    controllers[controller] = keys
  }

  package mutating func remove(_ device: PeerAddress, on controller: PeerAddress) {
    var keys = keys(of: controller)
    keys.longTerm.removeAll { $0.address == device }
    keys.identity.removeAll { $0.address == device }
    keys.parameters.removeAll { $0.address == device }
    controllers[controller] = keys
  }

  /// The bonds of these devices alone.
  package func only(_ links: Set<BluetoothLink>) -> Bonds {
    var kept = Bonds()
    for (controller, keys) in controllers {
      func isKept(_ address: PeerAddress) -> Bool {
        links.contains(BluetoothLink(controller: controller, device: address))
      }
      var left = Keys()
      left.longTerm = keys.longTerm.filter { isKept($0.address) }
      left.identity = keys.identity.filter { isKept($0.address) }
      left.parameters = keys.parameters.filter { isKept($0.address) }
      if left != Keys() { kept.controllers[controller] = left }
    }
    return kept
  }

  /// As the file of keys has it.
  package var json: JSONValue {
    var object = JSONObject()
    func list(_ octets: [[UInt8]]) -> JSONValue { .array(octets.map { .string(Hex.encode($0)) }) }
    for (controller, keys) in controllers.sorted(by: { $0.key.bits < $1.key.bits }) {
      object[controller.description] = [
        "long_term_keys": list(keys.longTerm.map(\.octets)), "identity_keys": list(keys.identity.map(\.octets)),
        "connection_parameters": list(keys.parameters.map(\.octets)),
      ]
    }
    return ["version": 1, "controllers": .object(object)]
  }

  /// From the octets of a state file of version 0.1. Throws when they are none.
  package init(_ octets: [UInt8]) throws(JSONError) {
    try self.init(try JSONReader(maximumSize: 1 << 20).node(octets))
  }

  /// From a snapshot's or a file's member. Throws where a key cannot be read.
  package init(_ node: JSONNode) throws(JSONError) {
    let top = try node.object(known: ["version", "controllers"])
    _ = try top.required("version", "1").int(in: 1...1)
    for member in try top.required("controllers", "an object").objectOfAnyKeys() {
      guard let controller = PeerAddress(member.key, kind: .publicLE) else {
        throw member.value.error("invalid-value", "expected the address of a controller, found \"\(member.key)\"")
      }
      let object = try member.value.object(known: ["long_term_keys", "identity_keys", "connection_parameters"])
      var keys = Keys()
      for node in try object["long_term_keys"]?.array() ?? [] {
        keys.longTerm.append(try Bonds.key(node, LongTermKey.init))
      }
      for node in try object["identity_keys"]?.array() ?? [] {
        keys.identity.append(try Bonds.key(node, IdentityResolvingKey.init))
      }
      for node in try object["connection_parameters"]?.array() ?? [] {
        keys.parameters.append(try Bonds.key(node, ConnectionParameters.init))
      }
      controllers[controller] = keys
    }
  }

  private static func key<Key>(
    _ node: JSONNode, _ make: ([UInt8]) throws(DecodeError) -> Key
  ) throws(JSONError) -> Key {
    let text = try node.string()
    guard let octets = try? Hex.decode(text), let key = try? make(octets) else {
      throw node.error("invalid-value", "expected a key in hexadecimal digits")
    }
    return key
  }
}
