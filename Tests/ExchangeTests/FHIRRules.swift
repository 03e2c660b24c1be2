// The rules of FHIR R4 that every Bundle must keep, written from the specification (JSON 2.6.2, data types 2.24, Bundle 2.36,
// Observation 10.1), to hold what is sent against. Gives the faults in words.

import JSON

enum FHIRRules {
  /// Everything that is wrong with a Bundle; empty when nothing is.
  static func faults(ofBundle bundle: JSONValue) -> [String] {
    var faults = elementFaults(bundle, at: "Bundle")
    if bundle["resourceType"] != "Bundle" { faults.append("no Bundle") }
    let type = bundle["type"]?.string ?? ""
    if !["transaction", "batch", "collection"].contains(type) { faults.append("Bundle.type \(type)") }
    let entries = bundle["entry"]?.array ?? []
    let urls = entries.compactMap { $0["fullUrl"]?.string }
    if urls.count != entries.count || Set(urls).count != urls.count { faults.append("fullUrl missing or twice") }
    for url in urls where !isUUID(url) { faults.append("fullUrl \(url)") }
    for (index, entry) in entries.enumerated() {
      let path = "entry[\(index)]"
      // bdl-3: a request where something is to be done, and only there.
      if (entry["request"] != nil) != (type != "collection") { faults.append("\(path).request") }
      if let request = entry["request"] { faults += requestFaults(request, entry["resource"], path) }
      guard let resource = entry["resource"] else { faults.append("\(path).resource"); continue }
      faults += resourceFaults(resource, path)
      for reference in references(resource) where reference.hasPrefix("urn:uuid:") && !urls.contains(reference) {
        faults.append("\(path): \(reference) is not in the Bundle")
      }
    }
    return faults
  }

  /// `urn:uuid:` and a UUID in lower case.
  static func isUUID(_ text: String) -> Bool {
    let parts = text.dropFirst(9).split(separator: "-", omittingEmptySubsequences: false)
    return text.hasPrefix("urn:uuid:") && parts.map(\.count) == [8, 4, 4, 4, 12]
      && parts.joined().allSatisfy { "0123456789abcdef".contains($0) }
  }

  private static func requestFaults(_ request: JSONValue, _ resource: JSONValue?, _ path: String) -> [String] {
    let type = resource?["resourceType"]?.string ?? "?"
    switch (request["method"]?.string, request["url"]?.string) {
    case ("POST", type): return resource?["id"] == nil ? [] : ["\(path): an id in what is created"]
    case ("PUT", let url?):
      // By its id, or whatever a search finds (R4 3.1.0.4.3): then the server gives the id.
      let isByID = url == "\(type)/\(resource?["id"]?.string ?? "?")"
      let isConditional = url.hasPrefix("\(type)?identifier=") && resource?["id"] == nil
      return (isByID || isConditional) && request["ifNoneExist"] == nil ? [] : ["\(path): PUT"]
    default: return ["\(path).request"]
    }
  }

  private static func resourceFaults(_ resource: JSONValue, _ path: String) -> [String] {
    var faults: [String] = []
    func demand(_ holds: Bool, _ what: String) { if !holds { faults.append("\(path): \(what)") } }
    for coding in codings(resource) {
      demand(coding["system"]?.string?.isEmpty == false && coding["code"]?.string?.isEmpty == false, "a bare coding")
    }
    guard resource["resourceType"] == "Observation" else {
      demand(["Device", "Patient"].contains(resource["resourceType"]?.string), "resourceType")
      demand(!(resource["identifier"]?.array ?? []).isEmpty, "identifier")
      return faults
    }
    let values = resource.object?.keys.filter { $0.hasPrefix("value") } ?? []
    demand(values.count <= 1, "more than one value[x]")
    demand(["final", "preliminary", "entered-in-error"].contains(resource["status"]?.string), "status")
    demand(!(resource["code"]?["coding"]?.array ?? []).isEmpty, "code")
    // obs-6: a reason for absence only without a value.
    demand(values.isEmpty || resource["dataAbsentReason"] == nil, "obs-6")
    let components = resource["component"]?.array ?? []
    // vs-2: something must be told.
    demand(!values.isEmpty || resource["dataAbsentReason"] != nil || !components.isEmpty, "nothing is told")
    // obs-7: no component repeats the code of the whole while there is a value.
    demand(values.isEmpty || !components.contains { $0["code"] == resource["code"] }, "obs-7")
    for component in components {
      let told = component.object?.keys.filter { $0.hasPrefix("value") }.count ?? 0
      demand(told + (component["dataAbsentReason"] == nil ? 0 : 1) == 1, "a component tells not exactly one thing")
    }
    // ref-1
    for range in ranges(resource) {
      demand(range["low"] != nil || range["high"] != nil || range["text"] != nil, "ref-1")
    }
    demand(resource["effectiveDateTime"] != nil || resource["_effectiveDateTime"] != nil, "effective")
    if let time = resource["effectiveDateTime"]?.string { demand(isDateTime(time), "effectiveDateTime \(time)") }
    demand(resource["subject"] != nil, "subject")
    for quantity in quantities(resource) {
      demand(quantity["system"] == "http://unitsofmeasure.org" && quantity["code"]?.string != nil, "unit")
      if case .number? = quantity["value"] {} else { demand(false, "a decimal that is no number") }
    }
    return faults
  }

  /// A date and time with seconds and an offset.
  static func isDateTime(_ text: String) -> Bool {
    let octets = Array(text.utf8)
    guard octets.count >= 20, octets[10] == 0x54 else { return false }
    return text.hasSuffix("Z") || [0x2B, 0x2D].contains(octets[octets.count - 6]) && octets[octets.count - 3] == 0x3A
  }

  /// Nothing is null, empty or blank (2.6.2: "objects are never empty", "arrays … never empty").
  private static func elementFaults(_ value: JSONValue, at path: String) -> [String] {
    switch value {
    case .null: return ["\(path) is null"]
    case .string(let text):
      return text.isEmpty || text.first == " " || text.last == " " ? ["\(path) is blank"] : []
    case .array(let elements):
      return elements.isEmpty
        ? ["\(path) is empty"] : elements.enumerated().flatMap { elementFaults($1, at: "\(path)[\($0)]") }
    case .object(let object):
      return object.isEmpty
        ? ["\(path) is empty"] : object.members.flatMap { elementFaults($0.value, at: "\(path).\($0.key)") }
    case .bool, .number: return []
    }
  }

  /// Every value of a member of that name, at any depth.
  static func all(_ key: String, in value: JSONValue) -> [JSONValue] {
    switch value {
    case .array(let elements): elements.flatMap { all(key, in: $0) }
    case .object(let object):
      object.members.flatMap { ($0.key == key ? [$0.value] : []) + all(key, in: $0.value) }
    default: []
    }
  }

  private static func references(_ value: JSONValue) -> [String] { all("reference", in: value).compactMap(\.string) }
  private static func codings(_ value: JSONValue) -> [JSONValue] { all("coding", in: value).flatMap { $0.array ?? [] } }
  private static func ranges(_ value: JSONValue) -> [JSONValue] {
    all("referenceRange", in: value).flatMap { $0.array ?? [] }
  }
  private static func quantities(_ value: JSONValue) -> [JSONValue] {
    ["valueQuantity", "low", "high"].flatMap { all($0, in: value) }
  }
}
