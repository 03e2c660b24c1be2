// Who set which patient's plan, and when: a state file. It says more than the journal's audit, which goes with old segments.

public import JSON

/// Who set a plan.
public struct PlanOrigin: Sendable, Hashable {
  /// `uid:1000`, or `backend gp`.
  public var by: String
  /// The plan's version.
  public var version: Int
  /// The backend's tag for it (RFC 9110 8.8.3).
  public var etag: String?
  /// Milliseconds since 1970.
  public var at: Int64

  /// Who set a plan.
  public init(by: String, version: Int, etag: String? = nil, at: Int64) {
    self.by = by
    self.version = version
    self.etag = etag
    self.at = at
  }

  static func name(ofBackend backend: String) -> String { "backend \(backend)" }
}

/// Who set which patient's plan.
public struct PlanOrigins: Sendable, Hashable {
  var plans: [String: PlanOrigin] = [:]

  /// Of nobody.
  public init() {}

  /// The state file's octets.
  public var encoded: [UInt8] {
    let list = plans.sorted { $0.key < $1.key }.map { patient, origin -> JSONValue in
      var object = JSONObject()
      object["patient"] = .string(patient)
      object["by"] = .string(origin.by)
      object["version"] = .int(origin.version)
      if let etag = origin.etag { object["etag"] = .string(etag) }
      object["at"] = .int(origin.at)
      return .object(object)
    }
    let value: JSONValue = ["version": 1, "plans": .array(list)]
    return value.encoded()
  }

  /// From the state file's octets. Throws when they are no such file.
  public init(_ octets: [UInt8]) throws(JSONError) {
    let top = try JSONReader(maximumSize: 8 << 20).node(octets).object(known: ["version", "plans"])
    _ = try top.required("version", "1").int(in: 1...1)
    for item in try top.required("plans", "a list").array() {
      let entry = try item.object(known: ["patient", "by", "version", "etag", "at"])
      plans[try entry.required("patient", "a patient").string()] = PlanOrigin(
        by: try entry.required("by", "who").string(),
        version: try entry.required("version", "a whole number").int(in: 0...Int(Int32.max)),
        etag: try entry["etag"]?.string(),
        at: Int64(try entry.required("at", "a time").int(in: 0...253_402_300_800_000)))
    }
  }
}
