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
    var newest: Int64?
    for item in items {
      let second = item.receivedAt / 1000
      let day = second / 86_400 - (second % 86_400 < 0 ? 1 : 0)
      if day != newest { days.append((DayFile.lines(of: second), [])) }
      newest = day
      days[days.count - 1].items.append(item)
    }
    return days
  }

  /// Appends to one file what is not there already.
  private mutating func append(_ items: [Deliverable], _ name: String) throws(FileError) {
    let file = try File(name, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o640)
    let size = try file.size()
    let numbers = items.map { DayFileLines.number($0.json.span) }
    var known: Set<[UInt8]> = []
    var end = size
    var memory = memories.removeValue(forKey: name)
    if memory?.end != size { memory = nil }
    if memory?.lines.mayHold(numbers) ?? true {
      var lines = DayFileLines()
      (known, end) = try tail(file, size, numbers, &lines)
      if memory == nil { memory = Memory(end: end, lines: lines) }
    }
    let new = zip(items, numbers).filter { known.isEmpty || !known.contains(DayFileLines.key($0.0.json[...])) }
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
    for (_, number) in new { memory?.lines.note(number) }
    if memories.count >= DirectoryBackend.mostMemories { memories.removeAll() }
    memories[name] = memory
  }

  /// The last lines, as far back as a batch can reach, are noted. Gives the keys of those that may be among `wanted`, and where the last
  /// whole line ends.
  private func tail(
    _ file: File, _ size: Int, _ wanted: [UInt64], _ lines: inout DayFileLines
  ) throws(FileError) -> (known: Set<[UInt8]>, end: Int) {
    let wanted = Set(wanted)
    let mark = Array(#"{"id":""#.utf8)
    var known: Set<[UInt8]> = []
    var position = max(0, size - (16 << 20))
    var end = position
    // What stands behind the last whole line so far.
    var rest: [UInt8] = []
    while position < size {
      let piece = try file.read(at: position, count: min(DirectoryBackend.piece, size - position))
      guard !piece.isEmpty else { break }
      position += piece.count
      let octets = rest + piece
      var begin = 0
      for index in rest.count..<octets.count where octets[index] == 0x0A {
        let line = octets[begin..<index]
        begin = index + 1
        guard line.count > 43, line.starts(with: mark) else { continue }
        let number = DayFileLines.number(octets.span.extracting(line.indices))
        lines.note(number)
        if wanted.contains(number) { known.insert(DayFileLines.key(line)) }
      }
      end += begin
      rest = Array(octets[begin...])
    }
    return (known, end)
  }

  /// So much of a file is read at once.
  private static let piece = 256 << 10
}
