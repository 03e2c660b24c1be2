// Serial lines that talk without a pause: what their parsing costs, by itself and in the daemon with sixteen of them.

import Drivers
import GatewayCore
import Glibc
import Platform
import Readings
import Settings
import Ledger

enum SerialBench {
  /// Octets a second of a line of 115,200 baud that never rests.
  private static let rate = 11_520

  /// Live frames of three protocols, as many as make a second of a busy line.
  private static let streams: [(driver: String, frame: [UInt8])] = [
    ("contec-v7", [0x01, 0x80, 0x85, 0xC0, 0x85, 0xC8, 0xE2, 0xC0, 0x81]), ("bci", [0x85, 0x40, 0x05, 0x48, 0x62]),
    ("and-scale", Array("ST,+00072.15 kg\r\n".utf8)),
  ]

  /// Somebody steps on a scale and off again.
  private static let weighing =
    String(repeating: "S S      72.15 kg\r\n", count: 3) + String(repeating: "S S       0.00 kg\r\n", count: 2)

  static func run() -> [Figure] { streams.map(parse) }

  /// A minute of a busy line through the gateway, in the pieces in which a port gives it.
  private static func parse(_ driver: String, _ frame: [UInt8]) -> Figure {
    var second: [UInt8] = []
    while second.count < rate { second += frame }
    let device = DeviceConfiguration(
      id: "line", driver: driver, endpoint: .serial(path: "/dev/none"), patient: "p-1")
    var configuration = Configuration()
    configuration.devices = [device]
    var gateway = Gateway(
      identity: .init(hubID: "h", version: "0", startedAt: 0), state: LedgerState())
    var now = Now(monotonic: 0, wall: 1_795_248_930_000, isSynchronised: true, bootID: "b")
    var sequence: UInt64 = 0
    func run(_ event: Event) {
      var events = [event]
      while !events.isEmpty {
        for case .append(let id, let entries, _) in gateway.handle(events.removeFirst(), at: now) {
          events.append(
            .appended(
              id,
              sequences: entries.map { _ in
                sequence += 1
                return sequence
              }))
        }
      }
    }
    run(.configured(configuration, zones: [:], plans: [:]))
    run(.started(seed: 1))
    run(.linkOpened(device: "line"))
    let start = nanoseconds()
    let seconds = 60
    for _ in 0..<seconds {
      for begin in stride(from: 0, to: second.count, by: 64) {
        now.monotonic += 5
        run(.linkReceived(device: "line", Array(second[begin..<min(begin + 64, second.count)])))
      }
      run(.timer)
    }
    let share = (nanoseconds() - start) / 1e9 / Double(seconds) * 100
    return Figure("115,200 baud of \(driver), of a core", share, "%", atMost: 1)
  }

  /// The daemon with sixteen ports that never rest.
  static func daemon(_ program: String, folder: String) -> [Figure] {
    var template = Array("\(folder)/hearth-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return [] }
    let place = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { JournalBench.remove(place) }
    var lines: [Int32] = []
    var devices: [String] = []
    for number in 0..<16 {
      guard let (master, path) = try? PseudoTerminal.open() else { return [] }
      lines.append(master)
      devices.append(#"{"id": "line\#(number)", "driver": "bci", "port": "\#(path)", "patient": "p-1"}"#)
    }
    defer { for fd in lines { Descriptor.close(fd) } }
    let text = #"{"devices": [\#(devices.joined(separator: ","))], "bluetooth": {"enabled": false}}"#
    try? StateFile.write(Array(text.utf8), to: "\(place)/hearth.json")
    guard let (child, _) = DaemonBench.start(program, place) else { return [] }
    defer { _ = DaemonBench.end(child) }
    let frame = streams[1].frame
    // A hundredth of a second of a line, and what does not fit is lost, as on a line.
    let piece = Array(repeating: frame, count: rate / 100 / frame.count).flatMap { $0 }
    func talk(seconds: Int) {
      for _ in 0..<(seconds * 100) {
        for fd in lines { _ = Descriptor.write(fd, piece[...]) }
        usleep(9_500)
      }
    }
    talk(seconds: 5)
    let memory = kilobytes("/proc/\(child.pid)/status", "VmRSS:")
    let used = ticks(child.pid)
    let start = nanoseconds()
    talk(seconds: 20)
    let elapsed = (nanoseconds() - start) / 1e9
    let share = (ticks(child.pid) - used) / Double(sysconf(Int32(_SC_CLK_TCK))) / elapsed * 100
    return [
      Figure("sixteen ports that all talk, of a core", share, "%", atMost: 10),
      Figure(
        "  growth of memory in 20 s", kilobytes("/proc/\(child.pid)/status", "VmRSS:") - memory, "KiB", atMost: 256),
    ]
  }

  /// A scale's port comes while the daemon runs: how long until its weight is delivered, for a scale that answers at once. The
  /// daemon's word that it is there is a reload, in place of udev's.
  static func plug(_ program: String, folder: String) -> [Figure] {
    var template = Array("\(folder)/hearth-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil, let (line, path) = try? PseudoTerminal.open() else { return [] }
    let place = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      Descriptor.close(line)
      JournalBench.remove(place)
    }
    func configure(_ devices: String) {
      let backend = #"{"name": "local", "type": "directory", "path": "\#(place)/out"}"#
      let text = #"{"devices": [\#(devices)], "backends": [\#(backend)], "bluetooth": {"enabled": false}}"#
      try? StateFile.write(Array(text.utf8), to: "\(place)/hearth.json")
    }
    configure("")
    guard let (child, _) = DaemonBench.start(program, place) else { return [] }
    defer { _ = DaemonBench.end(child) }
    configure(#"{"id": "scale", "driver": "mt-sics", "port": "\#(path)", "patient": "p-1"}"#)
    let begin = nanoseconds()
    kill(child.pid, SIGHUP)
    var isAsked = false
    while !isDelivered(place), nanoseconds() - begin < 20e9 {
      if !isAsked, case .octets = Descriptor.read(line) {
        isAsked = true
        _ = Descriptor.write(line, Array(weighing.utf8)[...])
      }
      usleep(1000)
    }
    let passed = (nanoseconds() - begin) / 1e6
    return [Figure("plug to first reading, beside the device's own time", passed, "ms", atMost: 1000)]
  }

  /// The directory backend has written something.
  private static func isDelivered(_ place: String) -> Bool {
    guard let folder = opendir("\(place)/out") else { return false }
    defer { closedir(folder) }
    var names = 0
    while readdir(folder) != nil { names += 1 }
    return names > 2
  }

  /// The processor time of a process, in ticks of the clock.
  private static func ticks(_ pid: Int32) -> Double {
    let text = String(decoding: SmallFile.read("/proc/\(pid)/stat", atMost: 4096) ?? [], as: UTF8.self)
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 13 else { return 0 }
    return (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
  }
}
