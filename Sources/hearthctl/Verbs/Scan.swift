// hearthctl scan: what is on the air.

import Glibc
import JSON
import Platform

enum ScanVerb {
  static let verb = Verb(
    name: "scan", summary: "the Bluetooth devices around, live",
    usage: "[--seconds N] [--all] [--json]",
    text: """
      Looks for N seconds (30; at most 600) and shows what it hears, the supported
      devices first, the strongest first. A device is heard only while it sends: most
      do so for some seconds behind a measurement, or in pairing mode. --all shows
      devices that no driver knows, too.

      SIGNAL  four bars: next to the hub; one bar: too far away to rely on
      STATE   "known: NAME" is paired with this hub; "in pairing mode" waits to be

      With --json each time a device is heard is one line, at most once a second;
      the last line is {"event":"ended"}.

      examples:
        hearthctl scan
        hearthctl scan --seconds 10 --json | jq -r 'select(.supported) | .address'
      """, options: ["--seconds"], flags: ["--all"],
    methods: ["scan"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        69 Bluetooth does not work here (it says why), 75 try again later,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    let seconds = try arguments.number("--seconds", of: "scan", "seconds") ?? 30
    var conversation = try Conversation(arguments, signals: Signals.hold())
    defer { conversation.close() }
    let id = try conversation.ask("scan", ["seconds": .int(seconds)])
    let start = Clocks.monotonic()
    var scan = Scan(
      showsAll: arguments.has("--all"), isJSON: arguments.isJSON, endsAt: start + Int64(seconds) * 1000)
    // The daemon ends it; a daemon that forgets to is not waited for.
    let deadline = scan.endsAt + 5000
    while Clocks.monotonic() < deadline {
      switch try conversation.next(until: min(deadline, Clocks.monotonic() + 1000)) {
      case .answer(id, .failure(let failure)): throw failure
      case .notification("scan", let value):
        if value["event"]?.string == "ended" {
          scan.end()
          return 0
        }
        scan.take(value)
      case .interrupted:
        scan.end()
        return 0
      case .timeout: scan.draw()
      default: continue
      }
    }
    scan.end()
    return 0
  }
}

/// A scan as it is shown.
private struct Scan {
  let showsAll: Bool
  let isJSON: Bool
  let endsAt: Int64
  private var devices = FoundDevices()
  private var area = LiveArea()
  private var drawnAt: Int64 = 0

  init(showsAll: Bool, isJSON: Bool, endsAt: Int64) {
    self.showsAll = showsAll
    self.isJSON = isJSON
    self.endsAt = endsAt
    draw()
  }

  mutating func take(_ value: JSONValue) {
    if isJSON { return Terminal.line(value) }
    guard let device = FoundDevice(value, at: Clocks.monotonic()) else { return }
    let isNew = devices.take(device)
    if LiveArea.isPossible {
      if isNew || Clocks.monotonic() - drawnAt > 300 { draw() }
    } else if isNew, showsAll || device.isSupported {
      let parts = [Show.bars(device.rssi), device.name ?? "-", device.kind, device.state, device.address]
      Terminal.out(parts.map(Terminal.clean).joined(separator: "  ") + "\n")
    }
  }

  mutating func draw() {
    guard !isJSON, LiveArea.isPossible else { return }
    drawnAt = Clocks.monotonic()
    let left = max(0, endsAt - drawnAt + 999) / 1000
    area.draw(["looking for \(left) s; Ctrl-C ends it"] + lines)
  }

  private var lines: [String] {
    let now = Clocks.monotonic()
    var table = Table(["SIGNAL", "NAME", "WHAT", "STATE", "ADDRESS"], leaving: ["WHAT", "SIGNAL", "STATE", "ADDRESS"])
    for device in devices.sorted() where showsAll || device.isSupported {
      table.rows.append([device.bars(at: now), device.name ?? "-", device.kind, device.state, device.address])
    }
    var lines: [String] = []
    if !table.rows.isEmpty { lines += table.text().split(separator: "\n").map(String.init) }
    if !showsAll, devices.unsupported > 0 { lines.append(FoundDevices.others(devices.unsupported)) }
    return lines
  }

  mutating func end() {
    if isJSON { return Terminal.line(["event": "ended"]) }
    if LiveArea.isPossible {
      area.draw(lines)
    } else if !showsAll, devices.unsupported > 0 {
      Terminal.out(FoundDevices.others(devices.unsupported) + "\n")
    }
    guard devices.all.isEmpty else { return }
    Terminal.out("nothing was heard; wake a device by a measurement, or bring it into pairing mode\n")
  }
}
