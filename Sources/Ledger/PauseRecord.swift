// Pauses beside a plan: a person said that a patient is away. They survive versions of the plan.

package import JSON
package import Monitoring

/// A pause that stands beside a patient's plan.
package struct PauseRecord: Sendable, Hashable {
  /// The dates, the rules and the note.
  package var pause: Pause
  /// Who set it, such as `uid:1000`.
  package var by: String
  /// When, in milliseconds since 1970.
  package var at: Int64

  /// The most of a patient that are kept; older ones go first.
  package static let most = 20
  /// The most of all patients: they stand in the snapshot's first record.
  package static let mostOfAll = 512

  package init(pause: Pause, by: String, at: Int64) {
    self.pause = pause
    self.pause.isBeside = true
    self.by = by
    self.at = at
  }

  package var json: JSONValue {
    var object = JSONObject()
    object["from"] = .int(pause.from)
    object["to"] = .int(pause.to)
    if let rules = pause.rules { object["rules"] = .array(rules.map { .string($0) }) }
    if let note = pause.note { object["note"] = .string(note) }
    object["by"] = .string(by)
    object["at"] = .int(at)
    return .object(object)
  }

  package init?(json: JSONValue) {
    guard let from = json["from"]?.int, let to = json["to"]?.int, from <= to, let by = json["by"]?.string,
      let at = json["at"]?.int
    else { return nil }
    var pause = Pause(from: Int64(from), to: Int64(to))
    pause.rules = json["rules"]?.array?.compactMap(\.string)
    pause.note = json["note"]?.string
    self.init(pause: pause, by: by, at: Int64(at))
  }
}
