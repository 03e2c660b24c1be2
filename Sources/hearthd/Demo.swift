// `hearthd --demo`: the real daemon, journal and drivers in a temporary folder; only the octets are recorded.

import CLinux
import GatewayCore
import Ledger
import Journal
import Glibc
import Monitoring
import Platform
import Readings

enum Demo {
  static func run(_ given: Options) -> Int32 {
    var template = Array("/tmp/hearth-demo.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      Console.error("hearthd: \(SystemError.last("make a folder", path: "/tmp/hearth-demo").message)\n")
      return 1
    }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do {
      let story = try DemoStory(folder: folder)
      var options = given
      options.configuration = "\(folder)/hearth.json"
      options.stateDirectory = "\(folder)/state"
      options.runtimeDirectory = "\(folder)/run"
      guard
        case .success(let loaded) = ConfigurationLoader.load(
          options.configuration, state: options.stateDirectory, for: .check)
      else {
        Console.error("hearthd: the demo's own configuration is not good\n")
        return 1
      }
      let daemon = try Daemon(options, loaded)
      Console.out(
        """
        Hearth demo: a cuff, a scale and an oximeter from recorded octets; daemon, journal and drivers are the real ones.
        While it runs, look at it from another terminal:
          hearthctl --socket \(folder)/run/hearthd.sock status      (or readings, watch, backends, devices)


        """)
      daemon.observer = { narrate($0) }
      daemon.whenReady = { story.play(stays: given.stays) }
      let status = daemon.run()
      conclude(folder)
      return status
    } catch {
      Console.error("hearthd: \((error as? StartError)?.message ?? "\(error)")\n")
      return 1
    }
  }

  /// One line for what a person wants to see of an effect.
  private static func narrate(_ effect: Effect) {
    switch effect {
    case .publishReading(let reading, let sequence):
      let zone = reading.evaluation?.zone?.rawValue ?? "-"
      let patient = reading.patient ?? "(parked)"
      say("on disk     #\(sequence) \(reading.device.id): \(values(reading))  patient \(patient)  zone \(colour(zone))")
    case .publishEvent(let published):
      guard let event = published.monitoring else { return }
      let what =
        switch event.kind {
        case .repeatRequested: "out of band: measure again"
        case .raised: "confirmed by repeat: raised"
        case .unconfirmed: "no repeat came: raised, unconfirmed"
        case .cleared: "back in band"
        default: event.kind.rawValue
        }
      say(
        "notification  \(event.patient) rule \(event.rule): \(what) (\(colour(event.zone.rawValue)))"
      )
    case .append(_, let entries, _):
      for case .acknowledgement(let word) in entries {
        let reach = word.ahead.isEmpty ? ", everything up to #\(word.through)" : " ahead of the backlog"
        say("delivered   \(word.delivered) to \(word.backend)\(reach)")
      }
    case .deliver(let backend, _, let items): say("sending     \(items.count) to \(backend)")
    case .log(_, let text): say("log         \(text)")
    default: break
    }
  }

  static func say(_ text: String) {
    let time = Clocks.wall() / 1000 % 86_400
    func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    Console.out("\(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60))Z  \(text)\n")
  }

  private static func colour(_ zone: String) -> String {
    guard isatty(1) == 1, Environment.get("NO_COLOR") == nil else { return zone }
    switch zone {
    case "red": return "\u{1B}[1;31mred\u{1B}[0m"
    case "yellow": return "\u{1B}[33myellow\u{1B}[0m"
    case "green": return "\u{1B}[32mgreen\u{1B}[0m"
    default: return zone
    }
  }

  private static func values(_ reading: Reading) -> String {
    reading.observations.compactMap { observation in
      guard let value = observation.value.decimal, observation.term != .meanArterial else { return nil }
      return "\(observation.term.name) \(value) \(observation.term.unit.rawValue)"
    }.joined(separator: ", ")
  }

  private static func conclude(_ folder: String) {
    var lines = 0
    for entry in (try? Directory.list("\(folder)/delivered")) ?? [] where entry.name.hasSuffix(".ndjson") {
      lines += SmallFile.read("\(folder)/delivered/\(entry.name)", atMost: 64 << 20)?.count { $0 == 0x0A } ?? 0
    }
    Console.out(
      """

      The demo is over. What it wrote:
        \(folder)/delivered/      \(lines) delivered readings and events, one JSON object a line
        \(folder)/state/journal/  the journal they came from
        \(folder)/hearth.json     its configuration; plans/ beside it
      Run it again with --stay and it goes on, so that you can look: hearthctl --socket …/run/hearthd.sock status

      """)
  }
}
