// Which lines the end of a day's file holds, in little memory: an item that comes again must not be written twice.

internal import Octets

/// The newest lines of a file, by a short number of each. Two lines may have one number: then the file itself is looked at.
package struct DayFileLines: Sendable {
  /// More than the end of a file that is looked at after a start holds, 16 MiB of lines.
  package static let most = 65_536

  private var numbers: [UInt64] = []
  private var next = 0

  package init() {}

  /// What tells an item from every other: its first two members. A reading that is corrected has the identifier of the one before, and
  /// a sequence number of its own.
  package static func key(_ json: ArraySlice<UInt8>) -> [UInt8] {
    var commas = 0
    return Array(
      json.prefix(128).prefix { octet in
        if octet == 0x2C { commas += 1 }
        return commas < 2
      })
  }

  /// Lines that the file holds; the oldest give way.
  package mutating func note(_ keys: some Sequence<[UInt8]>) {
    for key in keys {
      if numbers.count < DayFileLines.most {
        numbers.append(FNV1a.hash(key))
      } else {
        numbers[next] = FNV1a.hash(key)
        next = (next + 1) % DayFileLines.most
      }
    }
  }

  /// False: none of these is among the newest lines. True: one may be.
  package func mayHold(_ keys: [[UInt8]]) -> Bool {
    let wanted = Set(keys.map { FNV1a.hash($0) })
    return numbers.contains { wanted.contains($0) }
  }
}
