// Why a configuration or a plan was not taken, once for people and once for the log.

import JSON
import Readings

/// Why a file was not taken.
struct SettingsFault: Error {
  /// With file, line, column, key path and what is expected; for those who may see patients' references.
  var message: String
  /// The same for the system's log: no plan's file name, which is the patient's reference, and no value.
  var logged: String

  /// The most characters of what is told: a file's own words may stand in it.
  private static let most = 1600

  /// A fault that names no patient.
  init(_ message: String) {
    self.init(plan: message, logged: message)
  }

  /// A fault of a patient's plan.
  init(plan message: String, logged: String) {
    self.message = String(message.prefix(SettingsFault.most))
    self.logged = String(logged.prefix(SettingsFault.most))
  }

  /// What is wrong in a plan's file.
  init(plan path: String, _ error: JSONError) {
    self.init(plan: error.description(file: path), logged: error.logged(file: "a plan"))
  }
}

extension JSONError {
  /// `FILE:LINE:COLUMN: PATH: CODE (WORDS)`: where it is and what kind of fault it is, without any value.
  func logged(file: String) -> String {
    "\(file):\(place.line):\(place.column): \(path.isEmpty ? "" : path + ": ")\(code) (\(words))"
  }

  /// The same with its words, but for the value that was found: it may be a name or a secret that was typed in the wrong place.
  func withoutValue(file: String) -> String {
    let text = description(file: file)
    let mark = Array("found \"".utf8)
    let octets = Array(text.utf8)
    guard let start = octets.indices.first(where: { octets[$0...].starts(with: mark) }),
      let end = octets.lastIndex(of: 0x22), end >= start + mark.count
    else { return text }
    return String(decoding: octets[..<start], as: UTF8.self) + "found another value"
      + String(decoding: octets[(end + 1)...], as: UTF8.self)
  }

  private var words: String {
    switch code {
    case "unknown-key": "this key is not known here"
    case "missing-key": "a key that must be there is missing"
    case "duplicate-key": "a key stands there twice"
    case "wrong-type": "another type of value is expected"
    case "invalid-value": "this value is not taken"
    case "out-of-bounds", "too-large", "too-deep": "it is longer or larger than it may be"
    case PatientReference.nationalIDCode: "a national identity number is no reference of a patient"
    default: "it is no JSON that can be read"
    }
  }
}
