// The backend that needs nothing else: one file a day of newline-delimited JSON, synced before it counts as delivered.

import Exchange
import GatewayCore
import Glibc
import Platform
import Ledger

/// Writes readings and events under a folder. An item goes into the file of the day on which it was received, so that one
/// that is delivered again finds itself there.
struct DirectoryBackend: Sendable {
  let path: String
  /// What is known of the files that are written to, by their paths.
  private var memories: [String: Memory] = [:]
  /// What an earlier process left half done is finished.
  var isSettled = false
  /// Old octets of a file that was written anew could not be removed: that is tried again with what was kept long enough.
  var hasLeftOver = false

  /// Where this process left a file, and which lines its end holds: also those of an earlier process that ended before it could note
  /// that they are delivered. They come again, in any order with others.
  private struct Memory {
    var end: Int
    var lines: DayFileLines
  }

  /// Items of more than a few days at once are rare; what is forgotten is read again.
  private static let mostMemories = 4

  init(path: String) { self.path = path }

  /// A file is another one now: it is looked at before it is written to.
  mutating func forget(_ name: String) { memories[name] = nil }

  mutating func deliver(_ items: [Deliverable]) -> UploadOutcome {
    do throws(FileError) {
      try Directory.make(path)
      try settle()
      for (name, items) in DirectoryBackend.byDay(items) { try append(items, "\(path)/\(name)") }
      try Directory.sync(path)
      return .items(Dictionary(items.map { ($0.id, .stored) }, uniquingKeysWith: { $1 }))
    } catch {
      switch error.errno {
      // A disk that is plugged in later brings it: it is tried again soon.
      case ENOENT: return .unknown(code: "directory.missing")
      case EACCES, EPERM, EROFS, ENOTDIR: return .misconfigured(code: "directory.refused", text: "\(error)")
      case ENOSPC, EDQUOT: return .unknown(code: "directory.full")
      default: return .unknown(code: "directory.failed")
      }
    }
  }

  private static func byDay(_ items: [Deliverable]) -> [(name: String, items: [Deliverable])] {
    var days: [(name: String, items: [Deliverable])] = []
    for item in items {
      let name = DayFile.lines(of: item.receivedAt / 1000)
      if days.last?.name == name { days[days.count - 1].items.append(item) } else { days.append((name, [item])) }
    }
    return days
  }

  /// Appends to one file what is not there already.
  private mutating func append(_ items: [Deliverable], _ name: String) throws(FileError) {
    let file = try File(name, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o640)
    let size = try file.size()
    let keys = items.map { DayFileLines.key($0.json[...]) }
    var known: Set<[UInt8]> = []
    var end = size
    var memory = memories.removeValue(forKey: name)
    if memory?.end != size || memory?.lines.mayHold(keys) ?? true {
      (known, end) = try tail(file, size)
      if memory?.end != size {
        var lines = DayFileLines()
        lines.note(known)
        memory = Memory(end: end, lines: lines)
      }
    }
    let new = zip(items, keys).filter { !known.contains($0.1) }
    // A line that a power cut left unfinished is written over.
    if end < size { try file.truncate(to: end) }
    var octets: [UInt8] = []
    octets.reserveCapacity(new.reduce(0) { $0 + $1.0.json.count + 1 })
    for (item, _) in new {
      octets += item.json
      octets.append(0x0A)
    }
    try file.write(octets, at: end)
    try file.syncData()
    memory?.end = end + octets.count
    memory?.lines.note(new.map(\.1))
    if memories.count >= DirectoryBackend.mostMemories { memories.removeAll() }
    memories[name] = memory
  }

  /// What the last lines hold, as far back as a batch can reach, and where the last whole line ends.
  private func tail(_ file: File, _ size: Int) throws(FileError) -> (known: Set<[UInt8]>, end: Int) {
    let start = max(0, size - (16 << 20))
    let octets = try file.read(at: start, count: size - start)
    guard let last = octets.lastIndex(of: 0x0A) else { return ([], start) }
    var known: Set<[UInt8]> = []
    let mark = Array(#"{"id":""#.utf8)
    for line in octets[...last].split(separator: 0x0A) where line.starts(with: mark) && line.count > 43 {
      known.insert(DayFileLines.key(line))
    }
    return (known, start + last + 1)
  }
}
