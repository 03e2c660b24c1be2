// hearth-bench: the figures, each beside its twin in the same run, as a table or as JSON.

import Glibc
import JSON
import Platform

@main
struct Bench {
  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let asJSON = arguments.contains("--json")
    arguments.removeAll { $0 == "--json" }
    var folder = "/tmp"
    var daemon: String?
    var backlog = 1_000_000
    var only: String?
    while !arguments.isEmpty {
      let option = arguments.removeFirst()
      guard ["--folder", "--hearthd", "--backlog", "--only"].contains(option), !arguments.isEmpty else {
        print(
          """
          usage: hearth-bench [--json] [--folder DIR] [--hearthd PROGRAM] [--backlog READINGS] [--only PART]

          Decoding, a thousand advertisements a second, plans, ten thousand hubs after an outage, and the journal beside its twins:
          plain writes, SQLite and rsyslog where they are installed. With --hearthd also the memory, start and drain of the daemon.
          DIR is where the journal is written: a folder on the disk that counts.
          PART is one of decode, bluetooth, serial, plan, fleet, journal, erasure, daemon.
          """)
        exit(option == "--help" ? 0 : 64)
      }
      let value = arguments.removeFirst()
      switch option {
      case "--folder": folder = value
      case "--hearthd": daemon = value
      case "--only": only = value
      default: backlog = Int(value) ?? backlog
      }
    }
    var parts: [(name: String, run: () -> [Figure])] = [
      ("decode", DecodeBench.run), ("bluetooth", BluetoothBench.run), ("serial", SerialBench.run),
      ("plan", { PlanBench.run(folder: folder) }), ("fleet", FleetBench.run),
      ("journal", { JournalBench.run(folder: folder) }),
      ("erasure", { ErasureBench.run(folder: folder, count: only == "erasure" ? backlog : 50_000) }),
    ]
    if let daemon {
      parts.append(
        ("serial", { SerialBench.daemon(daemon, folder: folder) + SerialBench.plug(daemon, folder: folder) }))
      parts.append(("daemon", { DaemonBench.run(daemon, folder: folder, backlog: backlog) }))
    }
    let figures = parts.filter { only == nil || $0.name == only }.flatMap { $0.run() }
    if asJSON {
      let list = figures.map { figure -> JSONValue in
        [
          "name": .string(figure.name), "value": .string(figure.text), "unit": .string(figure.unit),
          "goal": .string(figure.goal),
          "met": figure.isMet.map { .bool($0) } ?? .null,
          "chart": .array(figure.chart.map { .string($0) }),
        ]
      }
      print(JSONValue.array(list).text)
    } else {
      for figure in figures { print(([figure.line] + figure.chart).joined(separator: "\n")) }
    }
  }
}

/// One measured figure and its goal.
struct Figure {
  var name: String
  var value: Double
  var unit: String
  var goal: String
  var isMet: Bool?
  /// Lines to print below it.
  var chart: [String] = []
  /// Why there is none.
  var skipped: String?

  init(_ name: String, _ value: Double, _ unit: String, atMost: Double) {
    self.init(name, value, unit, "at most \(Figure.format(atMost))", value <= atMost)
  }
  init(_ name: String, _ value: Double, _ unit: String, atLeast: Double) {
    self.init(name, value, unit, "at least \(Figure.format(atLeast))", value >= atLeast)
  }
  init(_ name: String, _ value: Double, _ unit: String, _ goal: String = "", _ isMet: Bool? = nil) {
    self.name = name
    self.value = value
    self.unit = unit
    self.goal = goal
    self.isMet = isMet
  }

  init(_ name: String, skipped: String) {
    self.init(name, 0, "")
    self.skipped = skipped
  }

  /// Three significant places are enough for a figure that varies by a tenth.
  static func format(_ value: Double) -> String {
    if value >= 100 || value == value.rounded() { return "\(Int(value.rounded()))" }
    let scaled = Int((value * 100).rounded())
    let cents = scaled % 100
    return "\(scaled / 100).\(cents < 10 ? "0" : "")\(cents)"
  }

  var text: String { skipped.map { "skipped: \($0)" } ?? Figure.format(value) }

  var line: String {
    func pad(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    let mark = isMet.map { $0 ? "ok" : "MISSED" } ?? ""
    return pad(name, 58) + pad("\(text) \(unit)", 20) + pad(goal, 20) + mark
  }
}

/// Nanoseconds of a monotonic clock.
func nanoseconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// A line of a /proc file in KiB, such as `VmRSS:`.
func kilobytes(_ file: String, _ key: String) -> Double {
  let text = String(decoding: SmallFile.read(file, atMost: 65_536) ?? [], as: UTF8.self)
  for line in text.split(separator: "\n") where line.hasPrefix(key) {
    let digits = line.dropFirst(key.count).filter { $0 >= "0" && $0 <= "9" }
    return Double(digits) ?? 0
  }
  return 0
}
