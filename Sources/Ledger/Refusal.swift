// What a backend refused, with its own reason: parked there, never in the way of the rest.

package import JSON

/// A reading or event that one backend refused for good.
package struct Refusal: Sendable, Hashable {
  /// The backend's name.
  package var backend: String
  /// The journal's sequence number of what was refused.
  package var sequence: UInt64
  /// Its identifier.
  package var id: String
  /// The backend's reason; it may quote values and never goes into the system's journal.
  package var reason: String
  /// Milliseconds since 1970.
  package var at: Int64
  /// The device of a refused reading; nil for an event, and where an older version did not note it.
  package var device: String?
  /// Its kind, as `Deliverable.kind` has it; nil where an older version did not note it.
  package var kind: String?

  /// How many of a backend's refusals are listed; older ones are counted, and the journal holds all.
  package static let most = 1000

  /// A reading or event that one backend refused for good.
  package init(
    backend: String, sequence: UInt64, id: String, reason: String, at: Int64, device: String? = nil, kind: String? = nil
  ) {
    self.backend = backend
    self.sequence = sequence
    self.id = id
    self.reason = reason
    self.at = at
    self.device = device
    self.kind = kind
  }

  package var json: JSONValue {
    var object = JSONObject()
    object["backend"] = .string(backend)
    object["seq"] = .int(sequence)
    object["id"] = .string(id)
    object["reason"] = .string(reason)
    object["at"] = .int(at)
    if let device { object["device"] = .string(device) }
    if let kind { object["kind"] = .string(kind) }
    return .object(object)
  }

  package init?(json: JSONValue) {
    guard let backend = json["backend"]?.string, case .number(let number)? = json["seq"], let sequence = number.uint64,
      let id = json["id"]?.string, let reason = json["reason"]?.string, let at = json["at"]?.int
    else { return nil }
    self.init(
      backend: backend, sequence: sequence, id: id, reason: reason, at: Int64(at), device: json["device"]?.string,
      kind: json["kind"]?.string)
  }

  /// Reads a record's payload.
  package init?(_ octets: [UInt8]) {
    guard let value = try? JSONReader(maximumSize: 65_536).value(octets) else { return nil }
    self.init(json: value)
  }
}

extension LedgerState {
  /// A refusal is on disk.
  package mutating func add(_ refusal: Refusal) {
    list(refusal)
    guard let kind = refusal.kind else { return }
    cursors[refusal.backend, default: Cursor()].rows[kind, default: RefusalRow()]
      .add(refusal.reason, refusal.sequence)
  }

  /// Lists a refusal; the oldest are counted alone.
  mutating func list(_ refusal: Refusal) {
    var known = refusals[refusal.backend] ?? []
    // A correction has the identifier of what it corrects, and may be refused like it.
    known.removeAll { $0.sequence == refusal.sequence }
    known.append(refusal)
    if known.count > Refusal.most {
      cursors[refusal.backend, default: Cursor()].unlisted += UInt64(known.count - Refusal.most)
      known.removeFirst(known.count - Refusal.most)
    }
    refusals[refusal.backend] = known
  }
}
