// hearthd: reads the command line, then checks a configuration or runs the daemon.

import ControlProtocol
import GatewayCore
import Glibc
import Platform
import Settings

@main
struct Hearthd {
  /// Semantic version; also the package's.
  static let version = "0.1.0"

  static func main() {
    let options: Options
    switch Options.parse(Array(CommandLine.arguments.dropFirst())) {
    case .success(let parsed): options = parsed
    case .failure(let problem):
      Console.error("hearthd: \(problem.message)\nhint: hearthd --help\n")
      exit(64)
    }
    switch options.action {
    case .help: Console.out(Options.help)
    case .version: Console.out("hearthd \(version)\n")
    case .check: exit(check(options))
    case .run: exit(run(options))
    case .demo: exit(Demo.run(options))
    }
  }

  private static func check(_ options: Options) -> Int32 {
    let path = options.configuration
    let report = ConfigurationLoader.check(path, state: options.stateDirectory)
    for line in report.lines { Console.error(line + "\n") }
    guard let loaded = report.loaded else { return 78 }
    Console.out("\(path): \(loaded.configuration.summary), \(Count.of(loaded.plans.count, "plan")): good\n")
    return 0
  }

  static func run(_ options: Options) -> Int32 {
    switch ConfigurationLoader.load(options.configuration, state: options.stateDirectory, for: .start) {
    case .failure(let fault):
      SystemLog.write(3, "configuration.refused: hearthd does not start: \(fault.logged)")
      return 78
    case .success(let loaded):
      do {
        let daemon = try Daemon(options, loaded)
        return daemon.run()
      } catch {
        SystemLog.write(3, "daemon.not-started: \(error.message)")
        return error.status
      }
    }
  }
}

extension Configuration {
  /// `2 devices, 1 backend`.
  var summary: String { "\(Count.of(devices.count, "device")), \(Count.of(backends.count, "backend"))" }
}

/// Plain output.
enum Console {
  static func out(_ text: String) { _ = Descriptor.writeAll(1, Array(text.utf8)) }
  static func error(_ text: String) { _ = Descriptor.writeAll(2, Array(text.utf8)) }
}

/// Why the daemon cannot start.
struct StartError: Error {
  var message: String
  /// How the daemon ends: 78 when another start would fail alike until somebody has mended something.
  var status: Int32 = 1
}
