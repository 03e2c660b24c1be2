// What a check found beside the first fault of the text: all of it is told at once.

import JSON

struct Finding {
  enum Kind {
    /// The configuration is not good.
    case fault
    /// It is good, and somebody should know this.
    case warning
    /// Nothing is known: whoever checks may not look, or it is somewhere else.
    case unchecked
  }

  let kind: Kind
  /// `LINE:COLUMN: KEY PATH: MESSAGE`.
  private let text: String

  /// Something about a value, or about its member of this name.
  init(_ kind: Kind, _ node: JSONNode, member: String = "", _ message: String) {
    self.kind = kind
    let path = [node.path, member].filter { !$0.isEmpty }.joined(separator: ".")
    let word =
      switch kind {
      case .fault: ""
      case .warning: "warning: "
      case .unchecked: "not checked: "
      }
    text = "\(node.place.line):\(node.place.column): \(path.isEmpty ? "" : path + ": ")\(word)\(message)"
  }

  func description(file: String) -> String { "\(file):\(text)" }
}
