// A restart: what is in the journal becomes the gateway's state again, in this process, by the way that the daemon goes.

import GatewayCore
import Glibc
import Journal
import JournalFiles
import Monitoring
import Platform
import Readings
import Ledger

enum RestartBench {
  static func run(folder: String) -> [Figure] { snapshot() + journal(folder) }

  /// From the newest snapshot: a year of four values a day and their kin, of twenty patients.
  private static func snapshot() -> [Figure] {
    var state = LedgerState()
    var year = PatientHistory()
    for reading in PlanBench.pressures(days: 365, patient: "p") { year.add(reading) }
    for patient in 0..<20 { state.history["p-\(patient)"] = year }
    let records = state.snapshotRecords.entries.map { ($0.kind, $0.payload) }
    let begin = nanoseconds()
    var restored = LedgerState()
    for (kind, payload) in records {
      if let entry = JournalEntry(kind: kind, payload: payload) { restored.apply(entry, at: 1) }
    }
    guard restored.history.count == 20 else { return [] }
    return [
      Figure("restart: 20 patients' year read from a snapshot", (nanoseconds() - begin) / 1e9, "s", atMost: 1),
      Figure("  its size", Double(records.reduce(0) { $0 + $1.1.count }) / 1024, "KiB"),
    ]
  }

  /// From a real journal: a home's year of four readings a day, each with what its rules came to.
  private static func journal(_ folder: String) -> [Figure] {
    var figures: [Figure] = []
    for hasSnapshots in [true, false] {
      var template = Array("\(folder)/hearth-bench.XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { return [] }
      let place = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      defer { JournalBench.remove(place) }
      let count = fill(place, hasSnapshots: hasSnapshots)
      var state = LedgerState()
      let begin = nanoseconds()
      guard let store = open(place, { _ = state.restore($0) }) else { return [] }
      let time = (nanoseconds() - begin) / 1e9
      guard count > 0, state.stored == count, state.history["p-0"] != nil else { return [] }
      figures.append(
        Figure(
          "restart: a home's year from its journal\(hasSnapshots ? "" : ", every snapshot lost")", time, "s", atMost: 1)
      )
      if !hasSnapshots { figures.append(Figure("  records read", Double(store.recovery.records), "")) }
    }
    return figures
  }

  private static func open(_ place: String, _ visit: (JournalRecord) -> Void) -> JournalStore? {
    try? JournalStore(stateDirectory: place, limits: JournalLimits(), visit: visit)
  }

  /// Gives how many readings were stored.
  private static func fill(_ place: String, hasSnapshots: Bool) -> UInt64 {
    guard let store = open(place, { _ in }) else { return 0 }
    var state = LedgerState()
    var rules = PatientState(rules: ["bp.extreme": RuleState(), "hf": RuleState(), "scale": RuleState()])
    rules.rules["scale"]?.judgedThrough = PlanBench.start
    rules.isUnsettled = true
    var settled = rules
    settled.isUnsettled = false
    let pressures = PlanBench.pressures(days: 365, patient: "p-0")
    for (day, pressure) in pressures.enumerated() {
      var entries: [JournalEntry] = []
      for part in 0..<4 {
        let time = PlanBench.start + Int64(day) * PlanBench.day + Int64(part) * 3_600_000
        var reading = part < 2 ? pressure : PlanBench.weight(day, at: time)
        reading.id = ReadingID(high: 1, low: UInt64(day * 4 + part + 1) &* 0x9E37_79B9_7F4A_7C15)
        reading.takenAt = Timestamp(milliseconds: time, offsetSeconds: 3600)
        reading.patient = "p-0"
        reading.device.id = part < 2 ? "cuff" : "scale"
        reading.raw = RawSource(source: "1810/2A35", octets: [UInt8](repeating: 0x1E, count: 19))
        entries += [
          .rules(patient: "p-0", rules), .reading(reading), .rules(patient: "p-0", settled),
        ]
      }
      let drafts = entries.map { RecordDraft(kind: RecordKind(rawValue: $0.kind.rawValue), payload: $0.payload) }
      guard let appended = try? store.journal.append(drafts) else { return 0 }
      for entry in entries { state.apply(entry, at: 1) }
      if appended.rolled, hasSnapshots {
        _ = try? store.journal.append(
          state.snapshotRecords.entries.map {
            RecordDraft(kind: RecordKind(rawValue: $0.kind.rawValue), payload: $0.payload)
          })
      }
    }
    return state.stored
  }
}
