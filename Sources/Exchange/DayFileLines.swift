// Which lines of a day's file are known, in little memory: an item that comes again must not be written twice.

internal import Octets

/// The newest lines of a file, by a short number of each. Two lines may have one number: then the file itself is looked at.
package struct DayFileLines: Sendable {
  /// More than the end of a file that is looked at after a start holds, 16 MiB of lines.
  package static let most = 65_536
  /// The most octets of a line that are its key.
  private static let mostOctets = 128

  /// The newest numbers. Once there are `most`, a ring: `next` is the oldest.
  private var numbers: [UInt64] = []
  private var next = 0
  private var known: Set<UInt64> = []

  package init() {}

  /// What tells an item from every other: its first two members. A reading that is corrected has the identifier of the one before, and
  /// a sequence number of its own.
  package static func key(_ json: ArraySlice<UInt8>) -> [UInt8] {
    Array(json.prefix(length(json.span)))
  }

  /// The short number of an item's key.
  package static func number(_ json: Span<UInt8>) -> UInt64 { FNV1a.hash(json.extracting(first: length(json))) }

  /// How many octets of an item are its key.
  private static func length(_ json: Span<UInt8>) -> Int {
    let end = min(json.count, mostOctets)
    var commas = 0
    for index in 0..<end where json[index] == 0x2C {
      commas += 1
      if commas == 2 { return index }
    }
    return end
  }

  /// A line that the file holds; the oldest gives way.
  package mutating func note(_ number: UInt64) {
    guard known.insert(number).inserted else { return }
    if numbers.count < DayFileLines.most {
      numbers.append(number)
    } else {
      known.remove(numbers[next])
      numbers[next] = number
      next = (next + 1) % DayFileLines.most
    }
  }

  /// False: none of these is among the newest lines. True: one may be.
  package func mayHold(_ wanted: [UInt64]) -> Bool { wanted.contains(where: known.contains) }
}
