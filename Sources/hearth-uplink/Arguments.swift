// The command line of hearth-uplink.

/// What was asked for.
enum Arguments {
  case run(fd: Int32?, idleSeconds: Int, zlib: String)
  case help
  case version

  struct Problem: Error { var message: String }

  static let usage = """
    hearth-uplink - performs hearthd's HTTP requests; not meant to be started by hand

    usage: hearth-uplink [--fd N] [--idle-seconds N] [--zlib NAME]

      --fd N            the connected or listening Unix socket to serve (default: the service manager's)
      --idle-seconds N  end after this long without a request (default 10, at most 3600)
      --zlib NAME       the library that compresses requests (default libz.so.1)

    Exit: 0 idle or the daemon hung up, 64 usage, 70 URLSession hung, 76 what came is no request.

    """

  static func parse(_ arguments: [String]) -> Result<Arguments, Problem> {
    var rest = arguments[...]
    var fd: Int32?
    var idleSeconds = 10
    var zlib = "libz.so.1"
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": return .success(.help)
      case "--version": return .success(.version)
      case "--fd":
        guard let number = rest.popFirst().flatMap({ Int32($0) }), number >= 0 else {
          return .failure(Problem(message: "--fd needs the number of a descriptor"))
        }
        fd = number
      case "--idle-seconds":
        guard let seconds = rest.popFirst().flatMap({ Int($0) }), (1...3600).contains(seconds) else {
          return .failure(Problem(message: "--idle-seconds needs a number from 1 to 3600"))
        }
        idleSeconds = seconds
      case "--zlib":
        guard let name = rest.popFirst(), !name.isEmpty else {
          return .failure(Problem(message: "--zlib needs the name of a library"))
        }
        zlib = name
      default: return .failure(Problem(message: "unknown argument \(argument)"))
      }
    }
    return .success(.run(fd: fd, idleSeconds: idleSeconds, zlib: zlib))
  }
}
