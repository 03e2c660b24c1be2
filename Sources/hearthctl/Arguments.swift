// What stands behind the verb: words and options. Nothing is ignored: what a verb does not know is a usage error.

import JSON

/// A verb's words and options.
struct Arguments {
  private(set) var words: [String] = []
  private var values: [String: String] = [:]
  private var flags: Set<String> = []
  private let verb: String

  init(_ arguments: [String], verb: Verb) throws(Failure) {
    self.verb = verb.name
    let options = verb.options + ["--socket"]
    let known = verb.flags + ["--json"]
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-"), argument != "-" else {
        words.append(argument)
        continue
      }
      if argument == "--" {
        words += rest
        break
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if known.contains(name) {
        guard parts.count == 1 else {
          throw Failure.usage("\(name) takes no value, not \"\(parts[1])\"", hint: hint)
        }
        flags.insert(name)
      } else if options.contains(name) {
        let value = parts.count == 2 ? String(parts[1]) : rest.popFirst()
        guard let value, !value.isEmpty, parts.count == 2 || !value.hasPrefix("--") else {
          throw Failure.usage("\(name) needs a value", hint: hint)
        }
        values[name] = value
      } else {
        let near = Suggestion.nearest(to: name, among: options + known)
        throw Failure.usage("unknown option \(name)", hint: near.map { "did you mean \($0)?" } ?? hint)
      }
    }
    if !verb.takesWords { try atMost(0) }
  }

  private var hint: String { "hearthctl \(verb) --help" }

  /// The first word behind so many is one too many.
  func atMost(_ count: Int) throws(Failure) {
    guard words.count > count else { return }
    throw Failure.usage("\"\(words[count])\" is one word too many", hint: hint)
  }

  /// Only these of the verb's options mean something here.
  func only(_ names: [String], for what: String) throws(Failure) {
    let given = Set(values.keys).union(flags).subtracting(names + ["--json", "--socket"])
    guard let name = given.min() else { return }
    throw Failure.usage("\(name) means nothing to \(what)", hint: hint)
  }

  func value(_ name: String) -> String? { values[name] }
  func has(_ name: String) -> Bool { flags.contains(name) }
  var isJSON: Bool { has("--json") }
}
