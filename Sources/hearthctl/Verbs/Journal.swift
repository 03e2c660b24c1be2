// hearthctl journal: what is on the disk, looked at without the daemon and without changing anything.

import ControlProtocol
import Exchange
import GatewayCore
import Glibc
import JSON
import Journal
import JournalFiles
import Platform
import Readings
import Ledger

enum JournalVerb {
  static let verb = Verb(
    name: "journal", summary: "check, count, export what is stored, without the daemon",
    usage: """
      verify | stats | export [--since WHEN [--config FILE]]
             [--state-directory DIR] [--json]
      """,
    text: """
      Reads the files of DIR/journal and changes nothing; works beside a running
      daemon and on a disk that was taken out of a hub. You must be able to read the
      files: use sudo.

      verify: every octet is checked. Damage is told with file, offset and length,
      and what is whole. A torn end, left by a power cut, holds nothing that was
      confirmed to a device: it is told and is no damage.
      stats: records by kind, octets, oldest and newest, where each backend is.
      export: every whole reading, one JSON object a line, oldest first; of one that
      was given to a patient later, only the last form. WHEN is understood as by
      hearthctl readings, and is about the reception. A date is read by the clock of
      the hub, whose time zone FILE says (/etc/hearth/hearth.json).

      examples:
        sudo hearthctl journal verify
        sudo hearthctl journal export --since 30d > readings.ndjson
        hearthctl journal stats --state-directory /mnt/old-hub/var/lib/hearth
      """, options: ["--since", "--config", "--state-directory"], takesWords: true,
    exit: """
      0 done and whole, 64 usage, 65 damaged (what is whole was still read),
        69 there is no journal, 75 a file could not be read, 77 not permitted
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    guard let action = arguments.words.first, ["verify", "stats", "export"].contains(action) else {
      throw Failure.usage("expected verify, stats or export", hint: "hearthctl journal --help")
    }
    try arguments.atMost(1)
    if action != "export" { try arguments.only(["--state-directory"], for: "journal \(action)") }
    let state = arguments.value("--state-directory") ?? Environment.get("STATE_DIRECTORY") ?? "/var/lib/hearth"
    let disk = ReadOnlyJournalDisk(directory: "\(state)/journal")
    switch action {
    case "verify": return try verify(disk, arguments)
    case "stats": return try stats(disk, arguments)
    default: return try export(disk, arguments)
    }
  }

  private static func look(
    _ disk: ReadOnlyJournalDisk, _ visit: (JournalRecord) -> Void = { _ in }
  ) throws(Failure) -> JournalInspection {
    do throws(DiskError) { return try JournalInspection.look(at: disk, visit: visit) } catch {
      let message = "\(error.operation) \(error.path): \(String(cString: strerror(error.errno)))"
      switch error.errno {
      case ENOENT, ENOTDIR:
        throw Failure(
          status: 69, code: "not-found", message: "there is no journal (\(message))",
          hint: "--state-directory names the folder that holds journal/")
      case EACCES, EPERM: throw Failure(status: 77, code: "not-permitted", message: message, hint: "use sudo")
      default: throw Failure(status: 75, code: "journal.unreadable", message: message, hint: "dmesg tells more")
      }
    }
  }

  /// 65 for damage, 77 and 75 where files cannot be read.
  private static func status(_ inspection: JournalInspection) -> Int32 {
    if inspection.segments.contains(where: { $0.errno == EACCES || $0.errno == EPERM }) { return 77 }
    if inspection.isDamaged { return 65 }
    return 0
  }

  // MARK: verify

  private static func verify(_ disk: ReadOnlyJournalDisk, _ arguments: Arguments) throws(Failure) -> Int32 {
    var inspection = try look(disk)
    // A record that is being written at this moment looks damaged: a second look tells.
    if inspection.isDamaged || inspection.segments.last?.damage.isEmpty == false {
      usleep(200_000)
      inspection = try look(disk)
    }
    let records = inspection.counts.values.reduce(0, +)
    guard !arguments.isJSON else {
      var object = JSONObject()
      object["whole"] = .bool(!inspection.isDamaged)
      object["records"] = .int(records)
      object["readings"] = .int(inspection.counts[.reading] ?? 0)
      object["segments"] = .array(inspection.segments.map(json))
      object["foreign"] = .array(inspection.foreign.map { .string($0) })
      Terminal.line(.object(object))
      return status(inspection)
    }
    for segment in inspection.segments { tell(segment) }
    for name in inspection.foreign { Terminal.out("\(Terminal.clean(name)): not of this journal; left alone\n") }
    Terminal.out(
      "\(Count.of(inspection.segments.count, "segment")), \(Count.of(records, "whole record")), "
        + "\(Count.of(inspection.counts[.reading] ?? 0, "reading")): \(inspection.isDamaged ? "DAMAGED" : "whole")\n")
    return status(inspection)
  }

  private static func tell(_ segment: SegmentFacts) {
    for damage in segment.damage {
      let what =
        damage.isTorn
        ? "a torn end of \(Count.of(damage.length, "octet")); nothing confirmed was in it"
        : Count.of(damage.length, "octet is no record", plural: "octets are no record")
      Terminal.out("\(segment.name) at \(damage.offset): \(what)\n")
    }
    for missing in segment.missing {
      let range =
        missing.count == 1
        ? "record \(missing.lowerBound) is" : "records \(missing.lowerBound) to \(missing.upperBound - 1) are"
      Terminal.out("\(segment.name): \(range) missing\n")
    }
    if segment.isNewer { Terminal.out("\(segment.name): records of a later version; not read\n") }
    if segment.errno != 0 {
      Terminal.out("\(segment.name): cannot be read: \(String(cString: strerror(segment.errno)))\n")
    }
  }

  private static func json(_ segment: SegmentFacts) -> JSONValue {
    var object = JSONObject()
    object["file"] = .string(segment.name)
    object["bytes"] = .int(segment.size)
    object["used"] = .int(segment.used)
    object["records"] = .int(segment.records)
    object["first"] = segment.first.map { .int($0) } ?? .null
    object["last"] = segment.last.map { .int($0) } ?? .null
    object["damage"] = .array(
      segment.damage.map { ["offset": .int($0.offset), "length": .int($0.length), "torn": .bool($0.isTorn)] })
    object["missing"] = .array(
      segment.missing.map { ["from": .int($0.lowerBound), "count": .int($0.upperBound - $0.lowerBound)] })
    object["newer_format"] = .bool(segment.isNewer)
    if segment.errno != 0 { object["error"] = .string(String(cString: strerror(segment.errno))) }
    return .object(object)
  }

  // MARK: stats

  private static func stats(_ disk: ReadOnlyJournalDisk, _ arguments: Arguments) throws(Failure) -> Int32 {
    var state = LedgerState()
    var oldest: String?
    var newest: String?
    let inspection = try look(disk) { record in
      _ = state.restore(record)
      guard record.kind == .reading, let received = text("received_at", in: record.payload) else { return }
      oldest = oldest ?? received
      newest = received
    }
    let kinds = inspection.counts.sorted { $0.key.rawValue < $1.key.rawValue }
    let size = inspection.segments.reduce(0) { $0 + $1.size }
    let used = inspection.segments.reduce(0) { $0 + $1.used }
    if arguments.isJSON {
      var object = JSONObject()
      object["segments"] = .int(inspection.segments.count)
      object["bytes"] = .int(size)
      object["used"] = .int(used)
      var records = JSONObject()
      for (kind, count) in kinds {
        records[name(kind)] = ["count": .int(count), "bytes": .int(inspection.bytes[kind] ?? 0)]
      }
      object["records"] = .object(records)
      object["oldest"] = oldest.map { .string($0) } ?? .null
      object["newest"] = newest.map { .string($0) } ?? .null
      var cursors = JSONObject()
      for (backend, cursor) in state.cursors.sorted(by: { $0.key < $1.key }) {
        cursors[backend] = [
          "through": .int(cursor.through), "delivered": .int(cursor.taken), "refused": .int(cursor.refused),
          "waiting": .int(state.waiting(backend)),
        ]
      }
      object["backends"] = .object(cursors)
      object["parked"] = .int(state.parked.count)
      object["whole"] = .bool(!inspection.isDamaged)
      Terminal.line(.object(object))
      return status(inspection)
    }
    Terminal.out(
      "\(Count.of(inspection.segments.count, "segment")), \(Count.of(size, "octet")), \(used) of them records\n")
    Terminal.out(
      "oldest reading \(Show.time(oldest.map { .string($0) })), newest \(Show.time(newest.map { .string($0) }))\n\n")
    var table = Table(["KIND", "RECORDS", "OCTETS"])
    for (kind, count) in kinds { table.rows.append([name(kind), "\(count)", "\(inspection.bytes[kind] ?? 0)"]) }
    Terminal.out(table.text())
    if !state.cursors.isEmpty {
      var table = Table(
        ["BACKEND", "THROUGH", "DELIVERED", "REFUSED", "WAITING"], leaving: ["THROUGH", "DELIVERED", "REFUSED"])
      for (backend, cursor) in state.cursors.sorted(by: { $0.key < $1.key }) {
        table.rows.append([
          backend, "\(cursor.through)", "\(cursor.taken)", "\(cursor.refused)", "\(state.waiting(backend))",
        ])
      }
      Terminal.out("\n" + table.text())
    }
    if inspection.isDamaged { Terminal.out("\nDAMAGED: hearthctl journal verify tells where\n") }
    return status(inspection)
  }

  private static func name(_ kind: RecordKind) -> String {
    JournalEntry.Kind(rawValue: kind.rawValue).map { "\($0)" } ?? "kind-\(kind.rawValue)"
  }

  /// A string member that stands by this name in a stored reading; the mark cannot stand inside a string.
  private static func text(_ key: String, in json: [UInt8]) -> String? {
    (try? JSONReader(maximumSize: 1 << 20).value(json))?[key]?.string
  }

  // MARK: export

  private static func export(_ disk: ReadOnlyJournalDisk, _ arguments: Arguments) throws(Failure) -> Int32 {
    var since: Int64?
    if let given = arguments.value("--since") {
      let zone = HubZone.configured(in: arguments.value("--config") ?? HubZone.usualConfiguration)
      since = SinceText.milliseconds(given, now: Clocks.wall(), zone: zone)
      guard since != nil else {
        throw Failure.usage(
          SinceText.complaint(given, of: "--since"), hint: "understood: \(SinceText.examples)")
      }
      if let since, let fault = SinceText.future(since, given, of: "--since", now: Clocks.wall(), zone: zone) {
        throw Failure.usage(fault, hint: "nothing is measured later than now; \(SinceText.examples)")
      }
    }
    // The last form of a reading counts: the first look finds which that is.
    var last: [String: UInt64] = [:]
    _ = try look(disk) { record in
      guard record.kind == .reading, let id = ReadingJSON.identifier(record.payload) else { return }
      last[id] = record.sequence
    }
    let inspection = try look(disk) { record in
      guard record.kind == .reading, let id = ReadingJSON.identifier(record.payload), last[id] == record.sequence
      else { return }
      if let since {
        guard let reading = try? ReadingJSON.decode(record.payload).reading,
          reading.receivedAt.milliseconds >= since
        else { return }
      }
      Terminal.line(
        json: String(decoding: ReadingJSON.inserting(sequence: record.sequence, into: record.payload), as: UTF8.self))
    }
    if inspection.isDamaged {
      _ = Descriptor.writeAll(
        2, Array("hearthctl: the journal is damaged; what is whole was exported\nhint: hearthctl journal verify\n".utf8)
      )
    }
    return status(inspection)
  }
}
