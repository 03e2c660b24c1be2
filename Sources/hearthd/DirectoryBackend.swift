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
  /// Where this process left each file, by its path: nothing unknown is in a file that ends there.
  var ends: [String: Int] = [:]
  /// What an earlier process left half done is finished.
  var isSettled = false
  /// Old octets of a file that was written anew could not be removed: that is tried again with what was kept long enough.
  var hasLeftOver = false

  init(path: String) { self.path = path }

  mutating func deliver(_ items: [Deliverable]) -> UploadOutcome {
    do throws(FileError) {
      try Directory.make(path)
      try settle()
      for (name, items) in DirectoryBackend.byDay(items) { try append(items, "\(path)/\(name)") }
      try Directory.sync(path)
      return .items(Dictionary(items.map { ($0.id, .stored) }, uniquingKeysWith: { $1 }))
    } catch {
      switch error.errno {
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
    var known: Set<[UInt8]> = []
    var end = size
    if ends[name] != size { (known, end) = try tail(file, size) }
    let new = items.filter { !known.contains(DirectoryBackend.key($0.json[...])) }
    // A line that a power cut left unfinished is written over.
    if end < size { try file.truncate(to: end) }
    var octets: [UInt8] = []
    octets.reserveCapacity(new.reduce(0) { $0 + $1.json.count + 1 })
    for item in new {
      octets += item.json
      octets.append(0x0A)
    }
    ends[name] = nil
    try file.write(octets, at: end)
    try file.syncData()
    ends[name] = end + octets.count
  }

  /// What the last lines hold, as far back as a batch can reach, and where the last whole line ends.
  private func tail(_ file: File, _ size: Int) throws(FileError) -> (known: Set<[UInt8]>, end: Int) {
    let start = max(0, size - (16 << 20))
    let octets = try file.read(at: start, count: size - start)
    guard let last = octets.lastIndex(of: 0x0A) else { return ([], start) }
    var known: Set<[UInt8]> = []
    let mark = Array(#"{"id":""#.utf8)
    for line in octets[...last].split(separator: 0x0A) where line.starts(with: mark) && line.count > 43 {
      known.insert(DirectoryBackend.key(line))
    }
    return (known, start + last + 1)
  }

  /// What tells an item from every other: its first two members. A reading that is corrected has the identifier of the one before, and
  /// a sequence number of its own.
  private static func key(_ json: ArraySlice<UInt8>) -> [UInt8] {
    var commas = 0
    return Array(
      json.prefix(128).prefix { octet in
        if octet == 0x2C { commas += 1 }
        return commas < 2
      })
  }
}
