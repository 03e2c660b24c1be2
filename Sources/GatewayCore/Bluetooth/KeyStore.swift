// The file of keys as the gateway uses it: one value in force, one write at a time, the newest waits. What a write promises comes
// about when it is on disk.

internal import Settings
internal import Ledger

/// Which write of the file of keys.
package struct KeysID: Hashable, Sendable {
  /// Counts up over the life of the process.
  package var number: UInt64
}

struct KeyStore: Sendable {
  /// A value that waits: first for the file, then for its record.
  struct Candidate: Sendable {
    var value: KeyFile.Value
    var change: KeyChange
    /// The file has it; its record is on its way.
    var isKept = false
  }

  /// In force.
  private(set) var current: KeyFile.Value
  private(set) var candidate: Candidate?
  /// The file is not what is in force.
  private(set) var isUnsaved: Bool
  /// The write under way, and whether it holds the candidate.
  private var writing: (id: KeysID, holdsCandidate: Bool)?
  /// When a write that failed is tried again, monotonic milliseconds.
  private(set) var retryAt: Int64?
  /// Why the last write failed.
  private(set) var fault: String?
  private var nextWrite: UInt64 = 1
  private var nextNumber: UInt64

  /// Keys of a file and what the ledger says of it: a value that no record brought into force is dropped, and so is what belongs to
  /// devices that the hub does not have.
  init(_ file: KeyFile, _ state: LedgerState, _ imported: ImportedState?) {
    var current = file.current
    if let next = file.next, next.number == state.keys { current = next }
    let kept = current.keys.only((imported?.register ?? state.register).devices)
    // The first file is not written yet.
    isUnsaved = file.next != nil || kept != current.keys || imported != nil
    current.keys = kept
    self.current = current
    nextNumber = max(file.current.number, file.next?.number ?? 0, state.keys) &+ 1
  }

  var keys: Keys { current.keys }

  /// Another change waits for the disk.
  var isBusy: Bool { candidate != nil }

  /// A change of keys that comes about with a record.
  mutating func propose(_ keys: Keys, _ change: KeyChange) {
    candidate = Candidate(value: KeyFile.Value(number: nextNumber, keys: keys), change: change)
    nextNumber &+= 1
  }

  /// A change that is ahead of the disk: what the kernel or a device gave once, and what is worth nothing any more.
  mutating func renew(_ body: (inout Keys) -> Void) {
    body(&current.keys)
    if candidate != nil, var waiting = candidate {
      body(&waiting.value.keys)
      waiting.isKept = false
      candidate = waiting
    }
    isUnsaved = true
  }

  /// What is to be written now, if anything is.
  mutating func toWrite(at now: Int64) -> (KeysID, KeyFile)? {
    guard writing == nil else { return nil }
    if let retryAt, retryAt > now { return nil }
    let isWaiting = candidate.map { !$0.isKept } ?? false
    guard isUnsaved || isWaiting else { return nil }
    retryAt = nil
    let id = KeysID(number: nextWrite)
    nextWrite &+= 1
    var file = KeyFile()
    file.current = current
    file.next = candidate?.value
    writing = (id, candidate != nil)
    isUnsaved = false
    return (id, file)
  }

  /// A write is on disk.
  /// - Returns: the change whose record is to be written now, with the number of its keys.
  mutating func kept(_ id: KeysID) -> (KeyChange, UInt64)? {
    guard let write = writing, write.id == id else { return nil }
    writing = nil
    fault = nil
    guard write.holdsCandidate, var waiting = candidate, !waiting.isKept else { return nil }
    waiting.isKept = true
    candidate = waiting
    return (waiting.change, waiting.value.number)
  }

  /// A write is not on disk.
  /// - Returns: the change that does not come about.
  mutating func failed(_ id: KeysID, _ message: String, at now: Int64) -> KeyChange? {
    guard let write = writing, write.id == id else { return nil }
    writing = nil
    fault = message
    // What the disk has is not known.
    isUnsaved = true
    retryAt = now + 5000
    guard write.holdsCandidate, let waiting = candidate else { return nil }
    candidate = nil
    return waiting.change
  }

  /// The record that brings the candidate into force is on disk.
  mutating func promote(_ number: UInt64) {
    guard let waiting = candidate, waiting.value.number == number else { return }
    current = waiting.value
    candidate = nil
    isUnsaved = true
  }

  /// That record was refused.
  mutating func dropCandidate() {
    guard candidate != nil else { return }
    candidate = nil
    isUnsaved = true
  }
}

enum KeyChange: Sendable {
  /// A device was paired.
  case pairing(PairingOutcome)
  /// A technician said a consent code or a device's own key.
  case secret(SecretChange)

  /// A consent code or a device's own key.
  struct SecretChange: Sendable {
    var device: String
    var consent: Consent?
    var action: String
    var request: RequestID
    var caller: CallerName
  }
}
