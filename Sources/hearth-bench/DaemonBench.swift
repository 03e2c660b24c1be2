// The daemon as a process: memory, wake-ups, start, drain of a long backlog, end.

import CLinux
import ControlProtocol
import Glibc
import JSON
import Journal
import JournalFiles
import Platform

enum DaemonBench {
  static func run(_ program: String, folder: String, backlog: Int) -> [Figure] {
    var template = Array("\(folder)/hearth-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return [] }
    let place = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { JournalBench.remove(place) }
    var figures = idle(program, place)
    figures += drain(program, place, backlog)
    return figures
  }

  private static func configure(_ place: String, backend: String) {
    let text = """
      {"devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "\(place)/cuff.capture", "patient": "p-1"}],
       "backends": [\(backend)], "journal": {"segment_bytes": 4194304, "maximum_bytes": 4294967296}}
      """
    try? StateFile.write(Array(text.utf8), to: "\(place)/hearth.json")
    let capture =
      "# transport: gatt\n# characteristic: 1810/2A35 indicate\n@ 300\n< 1810/2A35 1e800052006100{datetime}4600010000\n"
    try? StateFile.write(Array(capture.utf8), to: "\(place)/cuff.capture")
  }

  /// Starts the daemon; gives it and the milliseconds until it said that it is ready.
  static func start(_ program: String, _ place: String) -> (ChildProcess, Double)? {
    let socket = "\(place)/notify"
    unlink(socket)
    let listener = cl_unix_datagram(socket)
    guard listener >= 0 else { return nil }
    defer { close(listener) }
    let begin = nanoseconds()
    guard
      let child = try? ChildProcess.spawn(
        program,
        [
          "--config", "\(place)/hearth.json", "--state-directory", "\(place)/state", "--runtime-directory",
          "\(place)/run",
        ],
        environment: ["NOTIFY_SOCKET=\(socket)"], passing: -1)
    else { return nil }
    while Descriptor.wait(listener, Int16(POLLIN), milliseconds: 30_000) {
      guard case .octets(let octets) = Descriptor.read(listener) else { break }
      if String(decoding: octets, as: UTF8.self).contains("READY=1") { return (child, (nanoseconds() - begin) / 1e6) }
    }
    return (child, .infinity)
  }

  static func end(_ child: ChildProcess) -> Double {
    let begin = nanoseconds()
    kill(child.pid, SIGTERM)
    while child.reap() == nil { usleep(2000) }
    return (nanoseconds() - begin) / 1e6
  }

  private static func idle(_ program: String, _ place: String) -> [Figure] {
    configure(place, backend: #"{"name": "local", "type": "directory", "path": "\#(place)/out"}"#)
    guard let (child, ready) = start(program, place) else { return [] }
    sleep(6)
    let status = "/proc/\(child.pid)/status"
    let rollup = "/proc/\(child.pid)/smaps_rollup"
    let wakeups = kilobytes(status, "voluntary_ctxt_switches:")
    let written = kilobytes("/proc/\(child.pid)/io", "write_bytes:")
    sleep(30)
    let figures = [
      Figure("ready when empty", ready, "ms", atMost: 100),
      Figure("idle, RSS", kilobytes(status, "VmRSS:") / 1024, "MiB", atMost: 10),
      Figure("idle, PSS", kilobytes(rollup, "Pss:") / 1024, "MiB"),
      Figure("idle, private and written to", kilobytes(rollup, "Private_Dirty:") / 1024, "MiB", atMost: 4),
      Figure(
        "idle, private with the program's own clean pages",
        (kilobytes(rollup, "Private_Dirty:") + kilobytes(rollup, "Private_Clean:")) / 1024, "MiB"),
      Figure("idle, wake-ups a minute", (kilobytes(status, "voluntary_ctxt_switches:") - wakeups) * 2, "", atMost: 2),
      Figure(
        "idle, octets written in 30 s", kilobytes("/proc/\(child.pid)/io", "write_bytes:") - written, "", atMost: 0),
    ]
    return figures + [Figure("SIGTERM to exit", end(child), "ms", atMost: 2000)]
  }

  private static func drain(_ program: String, _ place: String, _ backlog: Int) -> [Figure] {
    // The backend is not there yet: a folder that cannot be made.
    configure(place, backend: #"{"name": "sink", "type": "directory", "path": "\#(place)/gone/out"}"#)
    fill(place, backlog)
    guard let (child, ready) = start(program, place) else { return [] }
    sleep(3)
    let memory = kilobytes("/proc/\(child.pid)/status", "VmRSS:") / 1024
    var samples: [(time: Double, waiting: Int)] = []
    mkdir("\(place)/gone", 0o700)
    var isDraining = true
    while isDraining {
      usleep(50_000)
      guard let waiting = waiting(place) else { continue }
      if waiting < backlog || !samples.isEmpty { samples.append((nanoseconds(), waiting)) }
      isDraining = waiting > 0
    }
    _ = end(child)
    let name = "\(backlog) readings waiting"
    var figures = [
      Figure("ready, \(name)", ready, "ms", atMost: 1000), Figure("RSS, \(name)", memory, "MiB", atMost: 14),
    ]
    if let first = samples.first, let last = samples.last, last.time > first.time {
      let own = Double(first.waiting) / (last.time - first.time) * 1e9
      figures.append(Figure("drain to the directory backend", own, "readings/s", atLeast: 20_000))
      figures.append(beside(own, place))
      if let early = rate(samples, from: backlog * 95 / 100, to: backlog * 80 / 100),
        let late = rate(samples, from: backlog * 15 / 100, to: 0)
      {
        figures.append(Figure("  the last part as fast as the first", late / early, "", atLeast: 0.9))
      }
    }
    return figures
  }

  /// The twin: rsyslog's disk queue, synced, into a file that is synced too.
  private static func beside(_ own: Double, _ place: String) -> Figure {
    let name = "  as a ratio of rsyslog's disk queue into a file"
    let count = 50_000
    guard let twins = Twins() else { return Figure(name, skipped: "python3 is not there") }
    defer { twins.end() }
    switch twins.ask("drain", place, count) {
    case .none(let reason): return Figure(name, skipped: reason)
    case .value(let text):
      return Figure(name, own / (Double(count) / (Double(text) ?? .infinity) * 1e9), "", atLeast: 1)
    }
  }

  private static func rate(_ samples: [(time: Double, waiting: Int)], from: Int, to: Int) -> Double? {
    guard let begin = samples.first(where: { $0.waiting <= from }),
      let end = samples.first(where: { $0.waiting <= to }),
      end.time > begin.time
    else { return nil }
    return Double(begin.waiting - end.waiting) / (end.time - begin.time)
  }

  private static func waiting(_ place: String) -> Int? {
    guard let fd = try? UnixSocket.connect("\(place)/run/hearthd.sock") else { return nil }
    defer { Descriptor.close(fd) }
    _ = Descriptor.writeAll(fd, ControlMessage.request(id: 1, method: "backends", parameters: [:]) + [0x0A])
    var line: [UInt8] = []
    while !line.contains(0x0A) {
      guard case .octets(let octets) = Descriptor.read(fd) else { return nil }
      line += octets
    }
    guard
      case .answer(.result(let value))? = ControlMessage.read(line.split(separator: 0x0A).first.map(Array.init) ?? [])
    else { return nil }
    return value["backends"]?.array?.first?["waiting"]?.int
  }

  /// A journal with many readings, each as the daemon would have stored it.
  private static func fill(_ place: String, _ count: Int) {
    JournalBench.remove("\(place)/state")
    try? Directory.make("\(place)/state")
    guard
      let store = try? JournalStore(
        stateDirectory: "\(place)/state", limits: JournalLimits(segmentBytes: 4 << 20, maximumBytes: 4 << 30),
        visit: { _ in })
    else { return }
    let tail = Array(
      #"","kind":"body-weight","observations":[{"code":"MDC_MASS_BODY_ACTUAL","mdc":188736,"loinc":"29463-7","value":"72.15","unit":"kg"}],"flags":[],"taken_at":"2026-11-21T08:15:30+01:00","time_quality":"received","received_at":"2026-11-21T08:15:33.120+01:00","patient":"p-7f3a","device":{"id":"scale","manufacturer":"A&D","transport":"serial"},"evaluation":{"zone":"green","rules":[],"plan_version":12},"raw":{"source":"and-scale","hex":"53542c2b30303037322e3135206b670d0a"}}"#
        .utf8)
    var stored = 0
    while stored < count {
      let group = (0..<min(500, count - stored)).map { index -> RecordDraft in
        let number = String(stored + index, radix: 16)
        let id = "00000000-0000-5000-8000-" + String(repeating: "0", count: 12 - number.utf8.count) + number
        return RecordDraft(kind: .reading, payload: Array(#"{"id":""#.utf8) + Array(id.utf8) + tail)
      }
      guard let appended = try? store.journal.append(group) else { return }
      stored += group.count
      // As the daemon does at every roll, so that a start reads only the end.
      if appended.rolled {
        let snapshot =
          #"{"version":1,"stored":\#(stored),"cursors":{},"recent":{},"rules":{},"parked":[],"fragments":{}}"#
        _ = try? store.journal.append([RecordDraft(kind: .snapshot, payload: Array(snapshot.utf8))])
      }
    }
  }
}
