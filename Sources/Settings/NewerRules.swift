// What today's rules refuse and an earlier version took: a fault where a file is checked, a warning where the hub starts with
// it. An upgrade never leaves a home without its hub.

package import JSON

/// How a file is held against rules that are newer than the file may be.
package enum Strictness: Sendable, Hashable {
  /// Every rule of today: for a check, a reload, a plan that comes in.
  case strict
  /// What only a newer rule refuses is a warning: for a start.
  case lenient
}

/// Something that stays in force although a newer rule refuses it.
package struct SettingsWarning: Sendable, Hashable {
  /// Stable, such as `configuration.bound`.
  package var code: String
  /// What is wrong, and what is expected.
  package var message: String
  /// Where it stands.
  package var place: JSONPlace
  /// The key path, such as `devices[0].name`.
  package var path: String

  /// As the fault that it is where every rule of today holds.
  package var error: JSONError { JSONError(code: "out-of-bounds", message: message, place: place, path: path) }

  /// `FILE:LINE:COLUMN: PATH: MESSAGE`.
  package func description(file: String) -> String { error.description(file: file) }
}

/// The rules that came after version 0.1, while a file is read.
package struct NewerRules: Sendable {
  /// The most warnings of a file; a file with more has the first of them told.
  package static let mostWarnings = 32

  private let strictness: Strictness
  /// What was found and did not refuse the file.
  package private(set) var warnings: [SettingsWarning] = []

  /// Every rule of today holds.
  var holds: Bool { strictness == .strict }

  /// No warnings yet.
  package init(_ strictness: Strictness) { self.strictness = strictness }

  /// Refuses a value that is longer than a bound, or that another rule of today forbids. Throws when every rule of today holds.
  package mutating func refuse(
    _ node: JSONNode, _ message: String, code: String = "configuration.bound"
  ) throws(JSONError) {
    guard strictness == .lenient else {
      throw node.error(code.hasSuffix(".bound") ? "out-of-bounds" : code, message)
    }
    guard warnings.count < NewerRules.mostWarnings else { return }
    warnings.append(SettingsWarning(code: code, message: message, place: node.place, path: node.path))
  }
}
