// Which readings wait for a patient. All of them are in the journal; the newest are known one by one, and a snapshot names few of
// them: a start whose snapshot leaves some out reads the journal from the first one.

package import Journal
package import Readings

internal import Exchange

extension LedgerState {
  /// The most that a snapshot names.
  package static let mostParkedInSnapshot = 512

  package mutating func park(_ reading: Reading, sequence: UInt64) {
    guard reading.patient == nil else {
      parked[reading.id] = nil
      return
    }
    parked[reading.id] = ParkedReading(
      sequence: sequence, device: reading.device.id, user: reading.user, at: reading.receivedAt.milliseconds)
    guard parked.count > LedgerState.mostParked, let oldest = parked.min(by: { $0.value.sequence < $1.value.sequence })
    else { return }
    parked[oldest.key] = nil
    let first = min(parkedBeyond?.first ?? .max, oldest.value.sequence)
    parkedBeyond = ParkedBeyond(count: (parkedBeyond?.count ?? 0) + 1, first: first)
  }
}

/// Finds anew which readings wait for a patient, from the journal's readings in order.
package struct ParkedIndex: Sendable {
  private var state = LedgerState()

  /// Nothing was read yet.
  package init() {}

  /// Takes a stored reading; other records are passed over.
  package mutating func take(_ record: JournalRecord) {
    guard record.kind == .reading, let reading = try? ReadingJSON.decode(record.payload).reading else { return }
    state.park(reading, sequence: record.sequence)
  }

  /// All were taken: the state knows them again.
  package func finish(_ restored: inout LedgerState) {
    restored.parked = state.parked
    restored.parkedBeyond = state.parkedBeyond
  }
}
