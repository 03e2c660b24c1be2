// Who set which patient's plan, and when: the newest record of a plan. It says more than the journal's audit, which goes with old segments.

package import JSON

/// Who set a plan.
package struct PlanOrigin: Sendable, Hashable {
  /// `uid:1000`, or `backend gp`.
  package var by: String
  /// The plan's version.
  package var version: Int
  /// The backend's tag for it (RFC 9110 8.8.3).
  package var etag: String?
  /// Milliseconds since 1970.
  package var at: Int64

  /// Who set a plan.
  package init(by: String, version: Int, etag: String? = nil, at: Int64) {
    self.by = by
    self.version = version
    self.etag = etag
    self.at = at
  }

  package func json(_ patient: String) -> JSONValue {
    var object = JSONObject()
    object["patient"] = .string(patient)
    object["by"] = .string(by)
    object["version"] = .int(version)
    if let etag { object["etag"] = .string(etag) }
    object["at"] = .int(at)
    return .object(object)
  }

  package static func name(ofBackend backend: String) -> String { "backend \(backend)" }
}

/// Who set which patient's plan.
package struct PlanOrigins: Sendable, Hashable {
  package var plans: [String: PlanOrigin] = [:]

  /// Of nobody.
  package init() {}

  /// As snapshots have it.
  package var json: JSONValue {
    let list = plans.sorted { $0.key < $1.key }.map { patient, origin -> JSONValue in
      origin.json(patient)
    }
    return ["version": 1, "plans": .array(list)]
  }

  /// From the state file's octets. Throws when they are no such file.
  package init(_ octets: [UInt8]) throws(JSONError) {
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
