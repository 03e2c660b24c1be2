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
  /// A hash table with linear probing: where in `numbers` a number stands, plus one; 0 in a free slot. Its size is a power of two, and at
  /// most half of it is taken.
  private var slots: [UInt32] = []

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
    guard !holds(number) else { return }
    if numbers.count < DayFileLines.most {
      numbers.append(number)
      if numbers.count * 2 > slots.count { grow() } else { insert(numbers.count - 1) }
    } else {
      remove(next)
      numbers[next] = number
      insert(next)
      next = (next + 1) % DayFileLines.most
    }
  }

  /// False: none of these is among the newest lines. True: one may be.
  package func mayHold(_ wanted: [UInt64]) -> Bool { wanted.contains(where: holds) }

  private func holds(_ number: UInt64) -> Bool {
    guard !slots.isEmpty else { return false }
    var slot = home(number)
    while slots[slot] != 0 {
      if numbers[Int(slots[slot]) - 1] == number { return true }
      slot = behind(slot)
    }
    return false
  }

  // MARK: The table

  /// Where a number stands when nothing else is there.
  private func home(_ number: UInt64) -> Int { Int(truncatingIfNeeded: number ^ number >> 32) & (slots.count - 1) }

  private func behind(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: max(1024, slots.count * 2))
    numbers.reserveCapacity(slots.count / 2)
    for place in numbers.indices { insert(place) }
  }

  private mutating func insert(_ place: Int) {
    var slot = home(numbers[place])
    while slots[slot] != 0 { slot = behind(slot) }
    slots[slot] = UInt32(place + 1)
  }

  /// Takes a number out, and moves back those behind it that a search would not reach any more.
  private mutating func remove(_ place: Int) {
    var free = home(numbers[place])
    while slots[free] != UInt32(place + 1) {
      guard slots[free] != 0 else { return }
      free = behind(free)
    }
    let mask = slots.count - 1
    var slot = behind(free)
    while slots[slot] != 0 {
      let home = home(numbers[Int(slots[slot]) - 1])
      if (slot - home) & mask >= (slot - free) & mask {
        slots[free] = slots[slot]
        free = slot
      }
      slot = behind(slot)
    }
    slots[free] = 0
  }
}
