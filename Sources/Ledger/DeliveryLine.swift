// A backend that refuses one kind of item again and again: nothing more of that kind is set aside, it waits in a line of its own, and
// other kinds go on past it.

internal import JSON
internal import Octets

/// What a backend refused of one kind since it last took one of that kind, by reason.
package struct RefusalRow: Sendable, Hashable {
  /// So many of one reason in a row stop the kind's line.
  package static let suspicious = 8
  /// Reasons that are told apart; what is refused for further ones counts together.
  static let mostReasons = 8

  /// What was refused for one reason.
  package struct Run: Sendable, Hashable {
    /// What two items that are refused alike have in common: no word of the backend, which may name a patient. Empty for all beyond
    /// `mostReasons`.
    package var reason: String
    package var count: Int
    /// The lowest sequence number of them.
    package var first: UInt64
  }

  package private(set) var runs: [Run] = []

  /// Nothing was refused.
  package init() {}

  /// One more was refused.
  /// - Returns: how it stands with this reason now.
  @discardableResult
  package mutating func add(_ reason: String, _ sequence: UInt64) -> Run {
    let name = RefusalRow.common(reason)
    let place =
      runs.firstIndex { $0.reason == name }
      ?? (runs.count < RefusalRow.mostReasons ? nil : runs.firstIndex { $0.reason.isEmpty })
    guard let place else {
      let run = Run(reason: runs.count < RefusalRow.mostReasons ? name : "", count: 1, first: sequence)
      runs.append(run)
      return run
    }
    runs[place].count = min(runs[place].count + 1, 1_000_000)
    runs[place].first = min(runs[place].first, sequence)
    return runs[place]
  }

  /// A short digest of a reason without numbers and identifiers: two items that are refused alike have the same.
  static func common(_ reason: String) -> String {
    let parts = reason.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    // The status of HTTP in front tells reasons apart.
    let (status, text) =
      parts.count == 2 && parts[0].hasPrefix("http.") ? (String(parts[0]), parts[1]) : ("", reason[...])
    let words = text.split { !($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }.prefix(24)
    let plain = status + words.map { $0.contains(where: \.isNumber) ? " #" : " " + $0.lowercased() }.joined()
    return Hex.encode(SHA1.digest(Array(plain.utf8)).prefix(6) + [])
  }

  var json: JSONValue { .array(runs.map { [.string($0.reason), .int($0.count), .int($0.first)] }) }

  init(json: JSONValue) {
    for item in (json.array ?? []).prefix(RefusalRow.mostReasons + 1) {
      guard let fields = item.array, fields.count == 3, let reason = fields[0].string, let count = fields[1].int,
        let first = fields[2].unsigned
      else { continue }
      runs.append(Run(reason: reason, count: max(0, count), first: first))
    }
  }
}

/// One kind of item that waits in a line of its own, because the backend refused it `RefusalRow.suspicious` times in a row.
package struct DeliveryLine: Sendable, Hashable {
  /// The most refused items that go out by themselves when the backend takes the kind again.
  package static let mostToResend = 128

  /// Since when, in milliseconds since 1970.
  package var since: Int64
  /// Every item of the kind up to this sequence number has an answer.
  package var through: UInt64
  /// What has an answer although it lies behind `through`, ascending.
  package var skipping: [UInt64] = []
  /// What was set aside since the first of the row, ascending: it goes out again, before what waits.
  package var toResend: [UInt64] = []
  /// The backend took one of the kind again: what waits is sent, and then the line ends.
  package var isOpen = false

  /// A line.
  package init(since: Int64, through: UInt64, skipping: [UInt64] = [], toResend: [UInt64] = [], isOpen: Bool = false) {
    self.since = since
    self.through = through
    self.skipping = skipping
    self.toResend = toResend
    self.isOpen = isOpen
  }

  var json: JSONValue {
    var object = JSONObject()
    object["since"] = .int(since)
    object["through"] = .int(through)
    if !skipping.isEmpty { object["skipping"] = .array(skipping.map { .int($0) }) }
    if !toResend.isEmpty { object["again"] = .array(toResend.map { .int($0) }) }
    if isOpen { object["open"] = true }
    return .object(object)
  }

  init?(json: JSONValue) {
    guard let since = json["since"]?.int, let through = json["through"]?.unsigned else { return nil }
    self.init(
      since: Int64(since), through: through, skipping: (json["skipping"]?.array ?? []).compactMap(\.unsigned),
      toResend: (json["again"]?.array ?? []).compactMap(\.unsigned), isOpen: json["open"]?.bool ?? false)
  }
}

/// What changes about one kind of item at one backend.
package struct LineChange: Sendable, Hashable {
  /// The backend's name.
  package var backend: String
  /// The kind: a reading's, or an event's type behind `event.`.
  package var kind: String
  /// The kind's line from now on; nil: it goes with the others.
  package var line: DeliveryLine?
  /// How many items of the line have an answer now that had none.
  package var delivered = 0
  /// How many of these are refused.
  package var refused = 0
  /// What was refused and is stored there now, by sequence number.
  package var taken: [UInt64] = []
  /// The backend took one of the kind: a row is over.
  package var endsRow = false

  /// A change.
  package init(backend: String, kind: String, line: DeliveryLine?) {
    self.backend = backend
    self.kind = kind
    self.line = line
  }

  var json: JSONValue {
    var object = JSONObject()
    object["backend"] = .string(backend)
    object["kind"] = .string(kind)
    if let line { object["line"] = line.json }
    if delivered > 0 { object["delivered"] = .int(delivered) }
    if refused > 0 { object["refused"] = .int(refused) }
    if !taken.isEmpty { object["taken"] = .array(taken.map { .int($0) }) }
    if endsRow { object["ends_row"] = true }
    return .object(object)
  }

  /// From the record that keeps it; nil when it is none.
  init?(json: JSONValue) {
    guard let backend = json["backend"]?.string, let kind = json["kind"]?.string else { return nil }
    self.init(backend: backend, kind: kind, line: json["line"].flatMap { DeliveryLine(json: $0) })
    delivered = max(0, json["delivered"]?.int ?? 0)
    refused = max(0, json["refused"]?.int ?? 0)
    taken = (json["taken"]?.array ?? []).compactMap(\.unsigned)
    endsRow = json["ends_row"]?.bool ?? false
  }
}

extension LedgerState {
  /// A line's change is on disk.
  package mutating func apply(_ change: LineChange) {
    var cursor = cursors[change.backend] ?? Cursor()
    cursor.lines[change.kind] = change.line
    cursor.delivered += UInt64(change.delivered)
    cursor.refused += UInt64(change.refused)
    cursor.refused -= min(cursor.refused, UInt64(change.taken.count))
    if change.endsRow { cursor.rows[change.kind] = nil }
    cursors[change.backend] = cursor
    if !change.taken.isEmpty { settleRefusals(of: change.backend, Set(change.taken)) }
    dropRetries(of: change.backend)
  }
}

extension Deliverable {
  /// A reading's kind, such as `body-weight`, or an event's type behind `event.`; nil for octets that tell none. It stands in front.
  package var kind: String? {
    let head = json.prefix(128)
    for (key, front) in [(Array(#""kind":""#.utf8), ""), (Array(#""type":""#.utf8), "event.")] {
      guard let start = head.indices.first(where: { $0 >= 44 && head[$0...].starts(with: key) }) else { continue }
      let name = json[(start + key.count)...].prefix(64)
      guard let end = name.firstIndex(of: 0x22) else { return nil }
      return front + String(decoding: name[..<end], as: UTF8.self)
    }
    return nil
  }
}
