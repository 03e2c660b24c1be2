// What a device told about itself, on its way to the disk.

internal import Ledger
internal import Readings

extension Links {
  /// What a device told about itself is kept. What is another than it was is told: a device was exchanged, or has new firmware.
  func keepIdentity(of id: String, _ turn: inout Turn) -> [Effect] {
    guard let identity = devices[id]?.identity else { return [] }
    let known = KnownIdentity(identity)
    let before = turn.head.register.identities[id]
    guard known != before, !known.isEmpty else { return [] }
    var entries: [JournalEntry] = [.identity(device: id, known)]
    let changes = before.map { known.changes(from: $0) } ?? []
    // Another serial number on a port is told as another device.
    if !changes.isEmpty, devices[id]?.proof.change == nil {
      let message = "it tells another \(changes.joined(separator: ", ")) than before"
      entries.append(.event(turn.house.event(of: id, "device.identity-changed", message, turn.now)))
    }
    return turn.append(entries)
  }
}
