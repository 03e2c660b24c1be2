// The journal beside plain write and fdatasync of the same octets, in turn on the same disk.

import Glibc
import Journal
import JournalFiles
import Platform

enum JournalBench {
  private static let payload = [UInt8](repeating: 0x61, count: 300)

  static func run(folder: String) -> [Figure] {
    var template = Array("\(folder)/hearth-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return [] }
    let place = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { remove(place) }
    guard
      let store = try? JournalStore(
        stateDirectory: place, limits: JournalLimits(segmentBytes: 4 << 20), visit: { _ in })
    else {
      return []
    }
    // The same number of octets as a record takes on disk.
    let octets = [UInt8](repeating: 0x61, count: payload.count + RecordFormat.headerCount)
    let draft = RecordDraft(kind: .reading, payload: payload)
    let plain = open("\(place)/plain", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(plain) }
    var figures: [Figure] = []
    for (name, group, rounds, goal) in [("one reading a commit", 1, 400, 0.85), ("64 readings a commit", 64, 150, 0.6)]
    {
      let block = (0..<group).flatMap { _ in octets }
      let drafts = Array(repeating: draft, count: group)
      var ratios: [Double] = []
      var rates: [Double] = []
      for _ in 0..<7 {
        let start = nanoseconds()
        for _ in 0..<rounds {
          _ = block.withUnsafeBytes { write(plain, $0.baseAddress, $0.count) }
          fdatasync(plain)
        }
        let middle = nanoseconds()
        for _ in 0..<rounds { _ = try? store.journal.append(drafts) }
        let end = nanoseconds()
        ratios.append((middle - start) / (end - middle))
        rates.append(Double(rounds * group) / (end - middle) * 1e9)
      }
      figures.append(Figure("durable append, \(name)", rates.sorted()[3], "readings/s"))
      figures.append(Figure("  as a ratio of plain write and fdatasync", ratios.sorted()[3], "", atLeast: goal))
    }
    return figures
  }

  static func remove(_ folder: String) {
    for entry in (try? Directory.list(folder)) ?? [] {
      let path = "\(folder)/\(entry.name)"
      if unlink(path) != 0 { remove(path) }
    }
    rmdir(folder)
  }
}
