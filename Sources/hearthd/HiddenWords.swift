// What is wrong in a configuration, in words for the log and for backends: keys that are none of the format, and what the file itself
// says, may be names or secrets that somebody typed in the wrong place.

import JSON
import Readings
import Settings

/// The words that a file says itself and that nobody else is to read.
struct OwnWords: Sendable {
  /// The most that are looked for: a message quotes one or two.
  private static let most = 20_000

  private(set) var words: Set<String> = []

  init(_ text: [UInt8]) {
    guard let top = try? ConfigurationText.node(text) else { return }
    take(top, "")
  }

  private mutating func take(_ node: JSONNode, _ key: String) {
    guard words.count < OwnWords.most else { return }
    switch node.content {
    case .string(let text):
      // Names of devices and backends stand in every line of the log that is about them.
      let isName = ["id", "driver", "type"].contains(key) || node.path.hasPrefix("backends[") && key == "name"
      if !isName || PatientReference.isNationalIdentityNumber(text) { add(text) }
    case .array(let items): for item in items { take(item, "") }
    case .object(let members):
      for member in members {
        add(member.key)
        take(member.value, member.key)
      }
    case .null, .bool, .number: break
    }
  }

  private mutating func add(_ text: String) {
    if !text.isEmpty, !ConfigurationFile.isKnownKey(text) { words.insert(text) }
  }
}

extension JSONError {
  /// `FILE:LINE:COLUMN: PATH: MESSAGE` without what the file says itself.
  func withoutValue(file: String, _ own: OwnWords) -> String {
    // A slip from a name of the format is no person's.
    let slip = code == "unknown-key" && hiddenKey == nil ? quotedKey : nil
    let path = slip == nil ? ConfigurationFile.shownPath(path) : path
    let hidden = JSONError(
      code: code, message: hiddenMessage(own.words.subtracting([slip].compactMap(\.self))), place: place, path: path)
    return hidden.description(file: file)
  }

  private func hiddenMessage(_ own: Set<String>) -> String {
    var text = message
    // A value may have quotation marks in it: it ends with the last one.
    if let start = text.firstRange(of: "found \""), let end = text.lastIndex(of: "\""), start.upperBound <= end {
      text.replaceSubrange(start.lowerBound...end, with: "found another value")
    }
    if let key = hiddenKey {
      text = text.replacing("unknown key \"\(key)\"", with: "unknown key")
        .replacing("the key \"\(key)\"", with: "a key")
    }
    for word in own.filter({ text.contains("\"\($0)\"") }).sorted(by: { $0.count > $1.count }) {
      text = text.replacing("\"\(word)\"", with: "\"…\"")
    }
    return text
  }
}
