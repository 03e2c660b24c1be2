// State files of version 0.1 become records.

internal import ControlProtocol
internal import Ledger

extension Desk {
  /// What is to be forgotten would come back with the old files.
  func stillImporting(_ id: RequestID) -> [Effect] {
    .failure(
      id, "busy", "the state of an older version is not on disk yet",
      "free space on the disk, then try again in some seconds")
  }

  /// Old state files become records, all of them in one group.
  mutating func importState(_ turn: inout Turn) -> [Effect] {
    importAt = nil
    return turn.append(importing?.records ?? [])
  }
}
