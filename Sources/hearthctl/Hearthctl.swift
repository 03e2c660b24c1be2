// hearthctl: the technician's tool. The first word says what to do; each verb is a file in Verbs.

import Glibc
import JSON
import Platform

@main
struct Hearthctl {
  static let version = "0.1.0"

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    var arguments = Array(CommandLine.arguments.dropFirst())
    let wantsJSON = arguments.contains("--json")
    do {
      exit(try run(&arguments))
    } catch {
      Terminal.fail(error, asJSON: wantsJSON)
      exit(error.status)
    }
  }

  /// The verbs, in the order of the help.
  static let verbs: [Verb] = [
    StatusVerb.verb, DevicesVerb.verb, ReadingsVerb.verb, AssignVerb.verb, BackendsVerb.verb, WatchVerb.verb,
    DoctorVerb.verb, DriversVerb.verb, DecodeVerb.verb, VersionVerb.verb,
  ]

  /// Options that may stand before the verb are moved behind it.
  private static func bringVerbToFront(_ arguments: inout [String]) {
    var leading: [String] = []
    while let first = arguments.first, first == "--json" || first == "--socket" || first.hasPrefix("--socket=") {
      leading.append(arguments.removeFirst())
      if first == "--socket", !arguments.isEmpty { leading.append(arguments.removeFirst()) }
    }
    arguments += leading
  }

  private static func run(_ arguments: inout [String]) throws(Failure) -> Int32 {
    bringVerbToFront(&arguments)
    guard let first = arguments.first else {
      Terminal.out(help)
      return 64
    }
    if first == "--help" || first == "-h" || first == "help" {
      if first == "help", arguments.count > 1, let verb = verbs.first(where: { $0.name == arguments[1] }) {
        Terminal.out(verb.help)
      } else {
        Terminal.out(help)
      }
      return 0
    }
    if first == "--version" { arguments[0] = "version" }
    let name = arguments.removeFirst()
    guard let verb = verbs.first(where: { $0.name == name }) else {
      let near = Suggestion.nearest(to: name, among: verbs.map(\.name))
      throw Failure.usage(
        "there is no verb \"\(name)\"", hint: near.map { "did you mean \($0)?" } ?? "hearthctl --help lists the verbs")
    }
    if arguments.contains("--help") || arguments.contains("-h") {
      Terminal.out(verb.help)
      return 0
    }
    return try verb.run(try Arguments(arguments, verb: verb))
  }

  static var help: String {
    let width = verbs.map(\.name.utf8.count).max() ?? 0
    let list = verbs.map { verb in
      "  " + verb.name + String(repeating: " ", count: width - verb.name.utf8.count + 2) + verb.summary
    }.joined(separator: "\n")
    return """
      hearthctl - see and steer the measurement gateway of this home

      usage: hearthctl VERB [...]           hearthctl VERB --help tells more

      \(list)

      Everywhere: --json for scripts, --socket PATH for another daemon than /run/hearth/hearthd.sock.
      Exit: 0 done, 1 the daemon answered with an error, 64 usage, 65 bad data, 69 nothing there, 75 try again later,
      77 not permitted, 78 bad configuration, 111 the daemon is not running.

      """
  }
}

/// One verb.
struct Verb: Sendable {
  var name: String
  var summary: String
  /// What stands behind `usage: hearthctl NAME`.
  var usage: String
  /// Explanation and examples.
  var text: String
  /// Options that take a value, and options that do not.
  var options: [String] = []
  var flags: [String] = []
  var run: @Sendable (Arguments) throws(Failure) -> Int32

  var help: String { "hearthctl \(name) - \(summary)\n\nusage: hearthctl \(name) \(usage)\n\n\(text)\n" }
}

/// Why a verb failed: exit status, sentence, hint.
struct Failure: Error {
  var status: Int32
  var code: String
  var message: String
  var hint: String?

  static func usage(_ message: String, hint: String? = nil) -> Failure {
    Failure(status: 64, code: "usage", message: message, hint: hint)
  }
}

/// A verb's words and options.
struct Arguments {
  private(set) var words: [String] = []
  private var values: [String: String] = [:]
  private var flags: Set<String> = []

  init(_ arguments: [String], verb: Verb) throws(Failure) {
    let options = verb.options + ["--socket"]
    let known = verb.flags + ["--json"]
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--"), argument != "--" else {
        words.append(argument)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1)
      let name = String(parts[0])
      if known.contains(name), parts.count == 1 {
        flags.insert(name)
      } else if options.contains(name) {
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
          throw Failure.usage("\(name) needs a value", hint: "hearthctl \(verb.name) --help")
        }
        values[name] = value
      } else {
        let near = Suggestion.nearest(to: name, among: options + known)
        throw Failure.usage(
          "unknown option \(name)", hint: near.map { "did you mean \($0)?" } ?? "hearthctl \(verb.name) --help")
      }
    }
  }

  func value(_ name: String) -> String? { values[name] }
  func has(_ name: String) -> Bool { flags.contains(name) }
  var isJSON: Bool { has("--json") }
}
