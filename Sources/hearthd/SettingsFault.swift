// Why a configuration or a plan was not taken, once for people and once for the log.

import JSON
import Readings
import Settings

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
  /// `FILE:LINE:COLUMN: PATH: CODE (WORDS)`: where it is and what kind of fault it is, without any value, nor a key that nobody knows.
  func logged(file: String) -> String {
    let path = hiddenPath
    return "\(file):\(place.line):\(place.column): \(path.isEmpty ? "" : path + ": ")\(code) (\(words))"
  }

  /// The path without a key that is none of the format: somebody's name may have been typed there.
  private var hiddenPath: String {
    guard let key = hiddenKey, path == key || path.hasSuffix(".\(key)") else { return path }
    return path.dropLast(key.count) + "(a key)"
  }

  /// The key that such a fault quotes and nobody else is to read; nil for one that is the format's, or a slip from one.
  var hiddenKey: String? {
    guard ["unknown-key", "duplicate-key"].contains(code), !message.contains("(did you mean "), let key = quotedKey,
      code == "unknown-key" || !ConfigurationFile.isKnownKey(key)
    else { return nil }
    return key
  }

  /// The key that the message of such a fault quotes.
  var quotedKey: String? {
    guard let start = message.firstRange(of: "key \""),
      let end = ["\" (did you mean ", "\"; known here: ", "\" stands here twice"]
        .compactMap({ message.firstRange(of: $0)?.lowerBound }).min(), start.upperBound <= end
    else { return nil }
    return String(message[start.upperBound..<end])
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
