// The rules of one time zone, from a TZif file (RFC 8536) of the system's zone database.

package import Octets

/// When a zone's clocks showed what.
package struct TimeZoneRules: Sendable, Hashable {
  /// What clocks show from an instant on.
  package struct Local: Sendable, Hashable {
    /// Seconds east of UTC.
    package var offset: Int
    /// True in summer time.
    package var isDaylight: Bool
    /// Such as `CET`.
    package var abbreviation: String
  }

  /// The instants that a civil time names.
  package enum Instants: Sendable, Hashable {
    /// Exactly one, in seconds since 1970.
    case one(Int64)
    /// None: clocks jumped over it. `shifted` is the instant that clocks without the jump would have shown.
    case gap(shifted: Int64)
    /// Two: clocks were set back.
    case fold(first: Int64, second: Int64)
  }

  private var transitions: [Int64]
  private var types: [UInt8]
  private var locals: [Local]
  private var footer: PosixRule?

  /// Coordinated universal time.
  package static let utc = TimeZoneRules()

  private init() {
    transitions = []
    types = []
    locals = [Local(offset: 0, isDaylight: false, abbreviation: "UTC")]
  }

  /// True when `name` may be looked up in the zone database: `Europe/Oslo`, never a path out of it.
  package static func isValidName(_ name: String) -> Bool {
    let pieces = name.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
    guard (1...4).contains(pieces.count), name.utf8.count <= 64 else { return false }
    return pieces.allSatisfy { piece in
      guard let first = piece.first, first != 0x2E else { return false }
      return piece.allSatisfy { octet in
        switch octet {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x5F: true
        default: false
        }
      }
    }
  }

  /// Reads a TZif file of version 1 to 4. Throws for octets that are not one.
  package init(tzif octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let first = try Header(&reader)
    guard first.version >= 0x32 else {
      self = try TimeZoneRules(block: first, wide: false, &reader)
      return
    }
    _ = try reader.take(first.length(wide: false), "version 1 data")
    let second = try Header(&reader)
    self = try TimeZoneRules(block: second, wide: true, &reader)
    let rest = reader.rest()
    guard rest.first == 0x0A, let end = rest.dropFirst().firstIndex(of: 0x0A) else {
      throw DecodeError(field: "footer", offset: rest.startIndex, reason: .malformed("no footer"))
    }
    let text = rest.dropFirst()[..<end]
    if !text.isEmpty {
      guard let rule = PosixRule(text) else {
        throw DecodeError(field: "footer", offset: rest.startIndex, reason: .malformed("not a POSIX TZ string"))
      }
      footer = rule
    }
  }

  private struct Header {
    let version: UInt8
    let counts: [Int]

    init(_ reader: inout OctetReader) throws(DecodeError) {
      let magic = try reader.take(4, "magic")
      guard magic.elementsEqual("TZif".utf8) else {
        throw DecodeError(field: "magic", offset: 0, reason: .malformed("not a TZif file"))
      }
      version = try reader.uint8("version")
      guard version == 0 || version >= 0x32 else {
        throw DecodeError(field: "version", offset: 4, reason: .invalidValue(Int64(version)))
      }
      _ = try reader.take(15, "reserved")
      var counts: [Int] = []
      // Far above every real zone, and low enough that no product of two is large.
      let limits = [
        ("isutcnt", 256), ("isstdcnt", 256), ("leapcnt", 1000), ("timecnt", 100_000), ("typecnt", 256),
        ("charcnt", 2048),
      ]
      for (name, limit) in limits {
        let count = Int(try reader.uint32BigEndian(name))
        guard count <= limit else {
          throw DecodeError(field: name, offset: reader.offset - 4, reason: .invalidValue(Int64(count)))
        }
        counts.append(count)
      }
      self.counts = counts
    }

    func length(wide: Bool) -> Int {
      let size = wide ? 8 : 4
      return counts[3] * (size + 1) + counts[4] * 6 + counts[5] + counts[2] * (size + 4) + counts[1] + counts[0]
    }
  }

  private init(block: Header, wide: Bool, _ reader: inout OctetReader) throws(DecodeError) {
    let (timeCount, typeCount, characterCount) = (block.counts[3], block.counts[4], block.counts[5])
    var transitions: [Int64] = []
    for _ in 0..<timeCount {
      let high = Int64(Int32(bitPattern: try reader.uint32BigEndian("transition time")))
      let at = wide ? high << 32 | Int64(try reader.uint32BigEndian("transition time")) : high
      if let last = transitions.last, at <= last {
        throw DecodeError(field: "transition time", offset: reader.offset, reason: .invalidValue(at))
      }
      transitions.append(at)
    }
    let types = Array(try reader.take(timeCount, "transition types"))
    var records: [(offset: Int, isDaylight: Bool, name: Int)] = []
    for _ in 0..<typeCount {
      let offset = Int(Int32(bitPattern: try reader.uint32BigEndian("utoff")))
      guard abs(offset) <= 100_000 else {
        throw DecodeError(field: "utoff", offset: reader.offset - 4, reason: .invalidValue(Int64(offset)))
      }
      records.append((offset, try reader.uint8("isdst") != 0, Int(try reader.uint8("desigidx"))))
    }
    let names = Array(try reader.take(characterCount, "designations"))
    for record in records where !names.dropFirst(record.name).contains(0) {
      throw DecodeError(field: "desigidx", offset: reader.offset, reason: .invalidValue(Int64(record.name)))
    }
    guard !records.isEmpty, types.allSatisfy({ Int($0) < records.count }) else {
      throw DecodeError(field: "typecnt", offset: reader.offset, reason: .malformed("a transition without type"))
    }
    _ = try reader.take(block.counts[2] * (wide ? 12 : 8) + block.counts[1] + block.counts[0], "leap seconds")
    self.transitions = transitions
    self.types = types
    locals = records.map { record in
      let name = names.dropFirst(record.name).prefix { $0 != 0 }
      return Local(
        offset: record.offset, isDaylight: record.isDaylight, abbreviation: String(decoding: name, as: UTF8.self))
    }
  }

  /// What clocks show at an instant, in seconds since 1970.
  package func local(at seconds: Int64) -> Local {
    guard let last = transitions.last else { return footer?.local(at: seconds) ?? locals[0] }
    if seconds >= last, let footer { return footer.local(at: seconds) }
    let count = transitionsUpTo(seconds)
    guard count > 0 else { return locals[0] }
    return locals[Int(types[count - 1])]
  }

  /// The number of transitions at or before an instant.
  private func transitionsUpTo(_ seconds: Int64) -> Int {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// A time in which clocks do not change.
  package struct Steady: Sendable, Hashable {
    /// From this second since 1970 on.
    package var from: Int64
    /// Up to this second since 1970, not included.
    package var to: Int64
    /// Seconds east of UTC.
    package var offset: Int64
  }

  /// A time around an instant (seconds since 1970) in which clocks do not change; it may be shorter than it could be, and is empty
  /// beyond the years of the calendar.
  package func steady(at seconds: Int64) -> Steady {
    if let footer, seconds >= transitions.last ?? .min {
      var steady = footer.steady(at: seconds)
      steady.from = max(steady.from, transitions.last ?? .min)
      return steady
    }
    let index = transitionsUpTo(seconds)
    return Steady(
      from: index > 0 ? transitions[index - 1] : .min, to: index < transitions.count ? transitions[index] : .max,
      offset: Int64(locals[index > 0 ? Int(types[index - 1]) : 0].offset))
  }

  /// The instants at which clocks show `time`.
  package func instants(of time: CivilTime) -> Instants {
    let naive = time.seconds
    // Offsets a day before and after bracket every change; between two changes lie months.
    let before = Int64(local(at: naive - 93_600).offset)
    let after = Int64(local(at: naive + 93_600).offset)
    var found: [Int64] = []
    for offset in before == after ? [before] : [before, after] {
      let candidate = naive - offset
      if Int64(local(at: candidate).offset) == offset { found.append(candidate) }
    }
    if found.isEmpty, let near = searchNear(naive) { found = near }
    switch found.count {
    case 0: return .gap(shifted: naive - before)
    case 1: return .one(found[0])
    default: return .fold(first: min(found[0], found[1]), second: max(found[0], found[1]))
    }
  }

  /// Two changes within two days (they exist: Ramadan, revolutions) hide the offset in between.
  private func searchNear(_ naive: Int64) -> [Int64]? {
    var offsets: Set<Int64> = []
    for hour in -26...26 { offsets.insert(Int64(local(at: naive + Int64(hour) * 3600).offset)) }
    let found = offsets.map { naive - $0 }.filter { Int64(local(at: $0).offset) == naive - $0 }
    return found.isEmpty ? nil : found.sorted()
  }

  /// The one instant for a civil time that a device told, and whether it was a guess: of two, the later one that is not after
  /// `received` (milliseconds since 1970), else the earlier; of none, the time moved on by the gap.
  package func resolve(_ time: CivilTime, received: Int64) -> (seconds: Int64, isAmbiguous: Bool) {
    switch instants(of: time) {
    case .one(let instant): (instant, false)
    case .gap(let shifted): (shifted, true)
    case .fold(let first, let second): (second * 1000 <= received ? second : first, true)
    }
  }
}
