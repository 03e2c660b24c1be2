// What a FHIR backend's receiver wants of Observations, in the configuration.

internal import Exchange
internal import JSON

extension ConfigurationFile {
  /// The most references or profiles of one key.
  private static let mostOfKey = 8

  static func shape(_ object: JSONMembers, presets: [FHIRShape.Preset]) throws(JSONError) -> FHIRShape {
    var shape = FHIRShape()
    if let node = object["profile"] {
      shape.preset = FHIRShape.Preset(rawValue: try node.string(of: presets.map(\.rawValue)))
    }
    shape.hasOneLOINC = try object["single_loinc"]?.bool() ?? false
    shape.encounter = try object["encounter"].map { node throws(JSONError) in try link(node, of: "Encounter") }
    shape.basedOn = try links(object["based_on"])
    shape.focus = try links(object["focus"])
    shape.performer = try object["performer"].map { node throws(JSONError) in try link(node) }
    for (name, node) in try named(object["performers"]) {
      if case .string("none") = node.content {
        shape.performers.updateValue(nil, forKey: name)
      } else {
        shape.performers.updateValue(try link(node), forKey: name)
      }
    }
    for (name, node) in try named(object["profiles"]) {
      shape.profiles[name] = try list(node).map { node throws(JSONError) in try uri(node) }
    }
    return shape
  }

  /// The members of an object whose keys say what an Observation tells.
  private static func named(_ node: JSONNode?) throws(JSONError) -> [(String, JSONNode)] {
    guard let node else { return [] }
    let object = try node.object(known: FHIRShape.names)
    return FHIRShape.names.compactMap { name in object[name].map { (name, $0) } }
  }

  /// One, or several in a list.
  private static func list(_ node: JSONNode) throws(JSONError) -> [JSONNode] {
    guard case .array = node.content else { return [node] }
    let nodes = try node.array()
    guard (1...mostOfKey).contains(nodes.count) else {
      throw node.error("invalid-value", "expected one to \(mostOfKey), found \(nodes.count)")
    }
    return nodes
  }

  private static func links(_ node: JSONNode?) throws(JSONError) -> [FHIRShape.Link] {
    guard let node else { return [] }
    return try list(node).map { node throws(JSONError) in try link(node) }
  }

  /// A reference such as `CarePlan/17`, or the identifier of a resource.
  private static func link(_ node: JSONNode, of type: String? = nil) throws(JSONError) -> FHIRShape.Link {
    guard case .string(let text) = node.content else {
      let object = try node.object(known: ["system", "value"])
      return .identifier(
        system: try uri(try object.required("system", "the system of the identifier, a URI")),
        value: try word(try object.required("value", "the identifier")))
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let isType = parts.count >= 2 && isResourceType(parts[parts.count - 2]) && isID(parts[parts.count - 1])
    let isAbsolute = text.hasPrefix("https://") || text.hasPrefix("http://")
    guard isType, text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
      parts.count == 2 || isAbsolute && parts.count >= 5
    else {
      throw node.error(
        "invalid-value",
        "expected a reference such as \"\(type ?? "CarePlan")/17\", or {\"system\": …, \"value\": …}, found \"\(text)\""
      )
    }
    if let type, parts[parts.count - 2] != type {
      throw node.error("invalid-value", "expected a reference of the type \(type), found \"\(text)\"")
    }
    return .reference(text)
  }

  private static func isResourceType(_ text: Substring) -> Bool {
    text.utf8.first.map { (0x41...0x5A).contains($0) } ?? false
      && text.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
  }

  /// A logical id of FHIR (R4 2.24.0.1).
  private static func isID(_ text: Substring) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
          || $0 == 0x2E
      }
  }
}
