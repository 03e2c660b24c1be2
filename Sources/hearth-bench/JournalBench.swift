// The journal beside plain write and fdatasync of the same octets, SQLite and rsyslog, in turn on the same disk; and how many octets
// of each reach the flash.

import Glibc
import Journal
import JournalFiles
import Platform

enum JournalBench {
  private static let payload = [UInt8](repeating: 0x61, count: 300)
  private static let draft = RecordDraft(kind: .reading, payload: payload)
  /// The same number of octets as a record takes on disk.
  private static let octets = [UInt8](repeating: 0x61, count: payload.count + RecordFormat.headerCount)

  static func run(folder: String) -> [Figure] {
    guard let place = temporaryFolder(folder) else { return [] }
    defer { remove(place) }
    let twins = Twins()
    defer { twins?.end() }
    return rates(place, twins) + flash(place, twins)
  }

  static func temporaryFolder(_ folder: String) -> String? {
    var template = Array("\(folder)/hearth-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return nil }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The journal and the plain file of a folder.
  private static func open(_ place: String) -> (JournalStore, Int32)? {
    guard
      let store = try? JournalStore(
        stateDirectory: place, limits: JournalLimits(segmentBytes: 4 << 20), visit: { _ in })
    else { return nil }
    return (store, Glibc.open("\(place)/plain", O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
  }

  private static func writePlain(_ plain: Int32, _ rounds: Int, group: Int = 1) -> Double {
    let block = (0..<group).flatMap { _ in octets }
    let start = nanoseconds()
    for _ in 0..<rounds {
      _ = block.withUnsafeBytes { write(plain, $0.baseAddress, $0.count) }
      fdatasync(plain)
    }
    return nanoseconds() - start
  }

  private static func append(_ store: JournalStore, _ rounds: Int, group: Int = 1) -> Double {
    let drafts = Array(repeating: draft, count: group)
    let start = nanoseconds()
    for _ in 0..<rounds { _ = try? store.journal.append(drafts) }
    return nanoseconds() - start
  }

  private static func rates(_ place: String, _ twins: Twins?) -> [Figure] {
    guard let (store, plain) = open(place) else { return [] }
    defer { close(plain) }
    var figures: [Figure] = []
    for (name, group, rounds, goal) in [("one reading a commit", 1, 400, 0.85), ("64 readings a commit", 64, 150, 0.6)]
    {
      let count = rounds * group
      var ratios: [Double] = []
      var rates: [Double] = []
      var sqlite: [Double] = []
      var rsyslog: [Double] = []
      for _ in 0..<7 {
        let beside = writePlain(plain, rounds, group: group)
        let own = append(store, rounds, group: group)
        ratios.append(beside / own)
        rates.append(Double(count) / own * 1e9)
        if let time = twins?.take("sqlite", place, count, group: group) { sqlite.append(time / own) }
        // It has no groups, and takes its time.
        if group == 1, let time = twins?.take("rsyslog", place, 100) {
          rsyslog.append(time * Double(count) / 100 / own)
        }
      }
      figures.append(Figure("durable append, \(name)", middle(rates), "readings/s"))
      figures.append(Figure("  as a ratio of plain write and fdatasync", middle(ratios), "", atLeast: goal))
      figures.append(
        ratio("  as a ratio of SQLite, WAL, synchronous=FULL", sqlite, reason(twins, "sqlite", place)))
      if group == 1 {
        figures.append(
          ratio("  as a ratio of rsyslog's disk queue, synced", rsyslog, reason(twins, "rsyslog", place)))
      }
    }
    return figures
  }

  private static func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  private static func ratio(_ name: String, _ values: [Double], _ reason: @autoclosure () -> String) -> Figure {
    values.isEmpty ? Figure(name, skipped: reason()) : Figure(name, middle(values), "", atLeast: 1)
  }

  /// Why a twin gave nothing.
  private static func reason(_ twins: Twins?, _ word: String, _ place: String) -> String {
    guard case .none(let text)? = twins?.ask(word, place, 1) else { return "python3 is not there" }
    return text
  }

  // MARK: What reaches the flash

  /// On a file system of its own, by the count of its loop device.
  private static func flash(_ folder: String, _ twins: Twins?) -> [Figure] {
    let name = "octets to flash a reading, ext4 of 4 KiB"
    guard let twins else { return [Figure(name, skipped: "python3 is not there")] }
    let words: [Substring]
    switch twins.ask("flash", folder) {
    case .none(let reason): return [Figure(name, skipped: reason)]
    case .value(let text): words = text.split(separator: " ")
    }
    guard words.count == 2 else { return [] }
    let (place, device) = (String(words[0]), String(words[1]))
    guard let (store, plain) = open(place) else { return [] }
    defer { close(plain) }
    // So many that the room which the journal makes ahead is spread over the readings that go there.
    let count = 3000
    func written(_ count: Int, _ body: () -> Bool) -> Double? {
      // What was there before has left first.
      _ = twins.ask("sync", place)
      let before = octetsWritten(device)
      guard body() else { return nil }
      return (octetsWritten(device) - before) / Double(count)
    }
    // Each once before: what it makes anew is not a reading's.
    _ = (writePlain(plain, 8), append(store, 8), twins.take("sqlite", place, 8), twins.take("rsyslog", place, 8))
    guard let own = written(count, { append(store, count) > 0 }) else { return [] }
    var figures = [Figure("\(name): the journal", own, "", atMost: 6000)]
    for (twin, count, body) in [
      ("plain append and fdatasync", count, { writePlain(plain, count) > 0 }),
      ("SQLite", count, { twins.take("sqlite", place, count) != nil }),
      ("rsyslog", 300, { twins.take("rsyslog", place, 300) != nil }),
    ] as [(String, Int, () -> Bool)] {
      guard let beside = written(count, body) else {
        figures.append(Figure("  \(twin)", skipped: reason(twins, twin.lowercased(), place)))
        continue
      }
      figures.append(Figure("  \(twin)", beside, ""))
      figures.append(Figure("    the journal as a ratio of it", own / beside, "", atMost: 1))
    }
    return figures
  }

  private static func octetsWritten(_ device: String) -> Double {
    let text = String(decoding: SmallFile.read("/sys/block/\(device)/stat", atMost: 4096) ?? [], as: UTF8.self)
    let fields = text.split(separator: " ")
    return fields.count > 6 ? (Double(fields[6]) ?? 0) * 512 : 0
  }

  static func remove(_ folder: String) {
    for entry in (try? Directory.list(folder)) ?? [] {
      let path = "\(folder)/\(entry.name)"
      if unlink(path) != 0 { remove(path) }
    }
    rmdir(folder)
  }
}
