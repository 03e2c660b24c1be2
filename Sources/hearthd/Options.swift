// The daemon's command line.

import Platform

struct Options: Sendable {
  enum Action: Sendable { case run, check, demo, help, version }
  struct Problem: Error { var message: String }

  var action = Action.run
  var configuration = "/etc/hearth/hearth.json"
  var stateDirectory = Environment.get("STATE_DIRECTORY") ?? "/var/lib/hearth"
  var runtimeDirectory = Environment.get("RUNTIME_DIRECTORY") ?? "/run/hearth"
  var uplink = Environment.get("HEARTH_UPLINK")
  /// The demo goes on after its story, to be looked at.
  var stays = false
  /// The demo's folder is left when it ends.
  var keeps = false

  static let help = """
    hearthd - reads home measurement devices and forwards their readings

    usage: hearthd [--config FILE] [--state-directory DIR] [--runtime-directory DIR]
           hearthd --check [--config FILE]    say whether a configuration is good, and where it is not
           hearthd --demo [--stay] [--keep]   a recorded cuff, scale and oximeter, in a temporary folder: half a minute,
                                              with --stay until Ctrl-C; --stay and --keep leave the folder
           hearthd --version | --help

    Files: /etc/hearth/hearth.json, /etc/hearth/plans/PATIENT.json, /var/lib/hearth, /run/hearth/hearthd.sock.
    SIGHUP reads the configuration again; a bad one is refused whole and the old one stays in force.
    SIGTERM finishes what is under way and ends. Exit: 0 ended, 64 usage, 78 bad configuration, 1 anything else.

    """

  static func parse(_ arguments: [String]) -> Result<Options, Problem> {
    var options = Options()
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      func value() -> String? { rest.popFirst() }
      switch argument {
      case "--help", "-h": options.action = .help
      case "--version": options.action = .version
      case "--check": options.action = .check
      case "--demo": options.action = .demo
      case "--stay": options.stays = true
      case "--keep": options.keeps = true
      case "--config", "--state-directory", "--runtime-directory", "--uplink":
        guard let given = value() else { return .failure(Problem(message: "\(argument) needs a value")) }
        switch argument {
        case "--config": options.configuration = given
        case "--state-directory": options.stateDirectory = given
        case "--runtime-directory": options.runtimeDirectory = given
        default: options.uplink = given
        }
      default: return .failure(Problem(message: "unknown argument \(argument)"))
      }
    }
    return .success(options)
  }
}
