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
    bringVerbToFront(&arguments)
    let name = arguments.first
    do {
      exit(try run(&arguments))
    } catch {
      Terminal.fail(error, of: verbs.first { $0.name == name }, asJSON: wantsJSON)
      exit(error.status)
    }
  }

  /// The verbs, in the order of the help.
  static let verbs: [Verb] = [
    StatusVerb.verb, DevicesVerb.verb, ReadingsVerb.verb, AssignVerb.verb, ParkedVerb.verb, BackendsVerb.verb,
    WatchVerb.verb,
    AlertsVerb.verb, PlanVerb.verb, ReportVerb.verb,
    ScanVerb.verb, PairVerb.verb, UnpairVerb.verb, SerialVerb.verb, SessionVerb.verb, AskVerb.verb, CaptureVerb.verb,
    ReloadVerb.verb, DoctorVerb.verb, DriversVerb.verb,
    DecodeVerb.verb, JournalVerb.verb, EraseVerb.verb, ResetVerb.verb, ContractVerb.verb, VersionVerb.verb,
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
    guard let first = arguments.first(where: { $0 != "--json" }), !first.hasPrefix("--socket") else {
      throw Failure.usage("expected a verb", hint: "hearthctl --help lists the verbs")
    }
    if first == "--help" || first == "-h" || first == "help" {
      let topics = arguments.filter { $0 != "--json" }.dropFirst()
      if let extra = topics.dropFirst().first { throw Failure.usage("\"\(extra)\" is one word too many") }
      if topics.first == MethodTable.topic {
        arguments.contains("--json") ? Terminal.line(MethodTable.json(verbs)) : Terminal.out(MethodTable.text(verbs))
        return 0
      }
      Terminal.out(try topics.first.map(verb)?.help ?? help)
      return 0
    }
    if first == "--version" { arguments[0] = "version" }
    let verb = try verb(arguments.removeFirst())
    if arguments.contains("--help") || arguments.contains("-h") {
      Terminal.out(verb.help)
      return 0
    }
    return try verb.run(try Arguments(arguments, verb: verb))
  }

  private static func verb(_ name: String) throws(Failure) -> Verb {
    if let verb = verbs.first(where: { $0.name == name }) { return verb }
    if name.hasPrefix("-") { throw Failure.usage("unknown option \(name)", hint: "hearthctl --help") }
    let near = Suggestion.nearest(to: name, among: verbs.map(\.name))
    throw Failure.usage(
      "there is no verb \"\(name)\"", hint: near.map { "did you mean \($0)?" } ?? "hearthctl --help lists the verbs")
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

      Everywhere: --json for scripts, --socket PATH (else $HEARTH_SOCKET) for another
      daemon than that of /run/hearth/hearthd.sock. hearthctl help methods lists the
      methods of the control socket.

      exit: 0 done, 1 the daemon answered with an error, 64 usage, 65 bad data,
        69 nothing there, 75 try again later, 77 not permitted,
        78 bad configuration, 111 the daemon is not running

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
  /// Whether it takes words that are no options.
  var takesWords = false
  /// The methods of the control socket that it calls: they say who may use it.
  var methods: [String] = []
  /// What its exit status says.
  var exit = """
    0 done, 1 the daemon answered with an error, 64 usage, 75 try again later,
      77 not permitted, 111 the daemon is not running
    """
  var run: @Sendable (Arguments) throws(Failure) -> Int32

  var help: String {
    let permissions = MethodTable.permissions(methods).map { "\($0)\n\n" } ?? ""
    return
      "hearthctl \(name) - \(summary)\n\nusage: hearthctl \(name) \(usage)\n\n\(text)\n\n\(permissions)exit: \(exit)\n"
  }
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

  /// A file that cannot be read: nothing there, or not for this user.
  static func file(_ path: String, _ error: SystemError, hint: String) -> Failure {
    let isForbidden = error.errno == EACCES || error.errno == EPERM
    return Failure(
      status: isForbidden ? 77 : 69, code: isForbidden ? "not-permitted" : "not-found",
      message: "\(path): cannot be read: \(error.message)",
      hint: isForbidden ? "use sudo, or name a file that you may read" : hint)
  }

  /// What to do next. Each failure says something of that: where nobody knew better, who can tell more.
  func hint(of verb: Verb?) -> String {
    if let hint, !hint.isEmpty { return hint }
    switch status {
    case 64: return verb.map { "hearthctl \($0.name) --help" } ?? "hearthctl --help"
    case 111: return "systemctl status hearthd"
    // Where the doctor itself fails, the log knows more.
    default: return verb?.name == DoctorVerb.verb.name ? "journalctl -u hearthd" : "hearthctl doctor"
    }
  }
}
