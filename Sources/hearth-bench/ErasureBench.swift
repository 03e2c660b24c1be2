// How long whoever measures waits while a patient is erased: an append at the worst moment of every step.

import GatewayCore
import Journal
import JournalFiles
import Readings
import Ledger

enum ErasureBench {
  /// - Parameter count: the patient's readings.
  static func run(folder: String, count: Int) -> [Figure] {
    guard let place = JournalBench.temporaryFolder(folder) else { return [] }
    defer { JournalBench.remove(place) }
    guard let store = try? JournalStore(stateDirectory: place, visit: { _ in }), fill(store, count) else { return [] }
    let draft = RecordDraft(kind: .reading, payload: reading(count, patient: "p-2").payload)
    var alone: Double = 0
    for _ in 0..<50 { alone = max(alone, append(draft, store)) }
    var erasure = Erasure(patient: "p-1")
    var rewriting = JournalRewriting()
    var longest: Double = 0
    var longestStep: Double = 0
    var steps = 0
    var look: Double = 0
    let begin = nanoseconds()
    while rewriting.phase != .done {
      let isLooking = rewriting.phase == .looking
      let start = nanoseconds()
      guard
        (try? store.journal.step(&rewriting, look: { erasure.learn($0) }, decide: { erasure.decide($0) })) != nil
      else { return [] }
      let step = nanoseconds() - start
      longestStep = max(longestStep, step)
      longest = max(longest, step + append(draft, store))
      steps += 1
      if isLooking { look = nanoseconds() - begin }
    }
    let whole = nanoseconds() - begin
    guard erasure.readings == count else { return [] }
    return [
      Figure("longest wait of an append while \(count) readings are erased", longest / 1e6, "ms", atMost: 250),
      Figure("  of it the step before it", longestStep / 1e6, "ms"),
      Figure("  without an erasure", alone / 1e6, "ms"),
      Figure("  steps", Double(steps), ""),
      Figure("  the whole erasure", whole / 1e9, "s"),
      Figure("    of it the look for what goes", look / 1e9, "s"),
      Figure("  its memory at the highest", kilobytes("/proc/self/status", "VmHWM:") / 1024, "MiB"),
    ]
  }

  private static func append(_ draft: RecordDraft, _ store: JournalStore) -> Double {
    let start = nanoseconds()
    _ = try? store.journal.append([draft])
    return nanoseconds() - start
  }

  private static func reading(_ number: Int, patient: String) -> JournalEntry {
    var reading = PlanBench.weight(number % 365, at: PlanBench.start + Int64(number) * 30_000)
    reading.id = ReadingID(high: 1, low: UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15)
    reading.patient = patient
    reading.raw = RawSource(source: "181D/2A9D", octets: [UInt8](repeating: 0x1E, count: 19))
    return .reading(reading)
  }

  private static func fill(_ store: JournalStore, _ count: Int) -> Bool {
    var number = 0
    while number < count {
      let drafts = (number..<min(count, number + 500)).map {
        RecordDraft(kind: .reading, payload: reading($0, patient: "p-1").payload)
      }
      guard (try? store.journal.append(drafts)) != nil else { return false }
      number += drafts.count
    }
    return true
  }
}
