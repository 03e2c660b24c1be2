// hearthctl status, version: how the gateway is, on one screen.

import ControlProtocol
import JSON

enum StatusVerb {
  static let verb = Verb(
    name: "status", summary: "how the gateway is", usage: "[--check] [--json]",
    text: """
      Shows the clock, the journal, Bluetooth, devices, backends, and what needs a
      person, each with what to do. With --check only what needs a person, with exit
      status 1 when anything does: for scripts and monitoring.

      examples:
        hearthctl status
        hearthctl status --check
        hearthctl status --json | jq .problems
      """, flags: ["--check"], methods: ["status"],
    exit: """
      0 done, 1 the daemon answered with an error, or with --check something
        needs a person, 64 usage, 75 try again later, 77 not permitted,
        111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let status = try client.list("status", of: "problems", "devices", "backends").whole
    let problems = status["problems"]?.array ?? []
    let isCheck = arguments.has("--check")
    if arguments.isJSON {
      Terminal.line(isCheck ? ["problems": .array(problems)] : status)
    } else {
      Terminal.out(isCheck ? text(problems: problems) : text(status))
    }
    return isCheck && !problems.isEmpty ? 1 : 0
  }

  static func text(_ status: JSONValue) -> String {
    let journal = status["journal"]
    let uptime = status["uptime_seconds"]?.int ?? 0
    var lines = [
      "hub       \(Show.text(status["hub_id"]))  version \(Show.text(status["version"]))  up \(Show.duration(uptime))",
      "clock     \(Show.text(status["time"]))  \(status["clock_synchronised"]?.bool == true ? "synchronised" : "NOT synchronised")",
      zone(status),
      "journal   \(Show.text(journal?["state"]))  \(Show.bytes(journal?["bytes"]?.int ?? 0)) in \(Count.of(journal?["segments"]?.int ?? 0, "segment"))",
      bluetooth(status["bluetooth"]),
      stored(status),
      "",
    ].compactMap { $0 }
    lines.append(DevicesVerb.table(status["devices"]?.array ?? []))
    let backends = status["backends"]?.array ?? []
    lines.append(BackendsVerb.table(backends) + BackendsVerb.kept(backends))
    return lines.joined(separator: "\n") + "\n" + text(problems: status["problems"]?.array ?? [])
  }

  private static func text(problems: [JSONValue]) -> String {
    guard !problems.isEmpty else { return "nothing needs attention\n" }
    var lines = ["needs attention:"]
    for problem in problems {
      lines.append(Show.paragraph("  ", Show.text(problem["message"])))
      if let hint = problem["hint"]?.string { lines.append(Show.paragraph("    ", "what to do: " + hint)) }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension StatusVerb {
  /// `readings  12 stored, 1 waits for a patient`; a daemon that is older tells readings, corrections and events as one number.
  private static func stored(_ status: JSONValue) -> String {
    let count = status["readings"]?.int.map { "\($0) stored" }
    let items = "\(status["stored"]?.int ?? 0) stored with corrections and events"
    let parked = Count.of(status["parked"]?.int ?? 0, "waits for a patient", plural: "wait for a patient")
    return "readings  \(count ?? items), \(parked)"
  }

  /// `zone      Europe/Oslo  by /etc/localtime`; nil from a daemon that does not tell.
  private static func zone(_ status: JSONValue) -> String? {
    guard let name = status["timezone"]?.string, let source = status["timezone_source"]?.string else { return nil }
    let origin =
      switch source {
      case "configuration": "by hub.timezone"
      case "default": "nothing says another: set hub.timezone in hearth.json"
      default: "by \(source): hub.timezone is not set"
      }
    return "zone      " + Terminal.clean("\(name)  \(origin)")
  }

  /// `ready  hci0 00:1B:DC:07:32:01  a pairing is under way`; nil from a daemon that does not tell.
  private static func bluetooth(_ value: JSONValue?) -> String? {
    guard let value, let state = value["state"]?.string else { return nil }
    var parts = [state == "ready" ? "ready" : "\(Terminal.clean(value["message"]?.string ?? state)) (\(state))"]
    for controller in value["controllers"]?.array ?? [] {
      let name = "hci\(controller["index"]?.int ?? 0) \(controller["address"]?.string ?? "")"
      parts.append(controller["ready"]?.bool == true ? name : name + " not ready")
    }
    if value["pairing"]?.bool == true { parts.append("a pairing is under way") }
    return "bluetooth " + parts.map(Terminal.clean).joined(separator: "  ")
  }
}

enum VersionVerb {
  static let verb = Verb(
    name: "version", summary: "versions of this tool and of the daemon", usage: "[--json]",
    text: """
      Works without a daemon; then it tells only its own version.

      examples:
        hearthctl version
        hearthctl version --json | jq -r .hearthd
      """,
    methods: ["version"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage, 75 try again later,
        77 not permitted
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var daemon: String?
    do throws(Failure) {
      var client = try DaemonClient(arguments)
      daemon = try client.version()
    } catch {
      // That no daemon runs is an answer; anything else is a fault, told behind what is known.
      if error.status != 111 {
        if !arguments.isJSON { Terminal.out("hearthctl \(Hearthctl.version)\n") }
        throw error
      }
    }
    if arguments.isJSON {
      Terminal.line([
        "hearthctl": .string(Hearthctl.version), "hearthd": daemon.map { .string($0) } ?? .null,
      ])
    } else {
      let text = daemon.map(Terminal.clean) ?? "not running"
      Terminal.out("hearthctl \(Hearthctl.version)\nhearthd   \(text)\n")
    }
    return 0
  }
}

/// Values as people read them.
enum Show {
  static func text(_ value: JSONValue?) -> String {
    switch value {
    case .string(let text): Terminal.clean(text)
    case .number(let number): number.text
    case .bool(let flag): flag ? "yes" : "no"
    default: "-"
    }
  }

  /// Text from outside on lines that fit, each indented.
  static func paragraph(_ indent: String, _ text: String) -> String {
    TextWidth.wrap(Terminal.clean(text), indent: indent, width: Terminal.width)
  }

  static func duration(_ seconds: Int) -> String {
    switch seconds {
    case ..<60: "\(seconds) s"
    case ..<3600: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3600) h \(seconds / 60 % 60) min"
    default: Count.of(seconds / 86_400, "day")
    }
  }

  /// Signal strength in dBm as one to four bars.
  static func bars(_ rssi: Int) -> String {
    switch rssi {
    case (-60)...: "▂▄▆█"
    case -70 ..< -60: "▂▄▆"
    case -80 ..< -70: "▂▄"
    default: "▂"
    }
  }

  static func bytes(_ count: Int) -> String {
    count < 1 << 20 ? "\(count >> 10) KiB" : "\(count >> 20) MiB"
  }

  /// `2026-11-21T08:15:30+01:00` as `2026-11-21 08:15`.
  static func time(_ value: JSONValue?) -> String {
    guard let text = value?.string, text.utf8.count >= 16 else { return "-" }
    return Terminal.clean(String(text.prefix(16)).replacing("T", with: " "))
  }
}
