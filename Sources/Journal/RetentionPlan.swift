// Which of the oldest segments may go. Arithmetic only; the journal unlinks.

/// What the plan needs to know of one segment, oldest first.
package struct RetentionCandidate: Hashable, Sendable {
  /// No reading in it has a higher sequence number.
  package var lastReading: UInt64
  /// Last change, wall clock, milliseconds since 1970.
  package var modified: Int64
  /// Octets.
  package var size: Int
  /// Of a later format or not readable.
  package var isForeign: Bool
  package init(lastReading: UInt64, modified: Int64, size: Int, isForeign: Bool = false) {
    self.lastReading = lastReading
    self.modified = modified
    self.size = size
    self.isForeign = isForeign
  }
}

/// What may be dropped.
package enum RetentionPlan {
  /// How many of the oldest segments may go: every reading in them is answered by every backend, none is pinned, and they
  /// are older than `keep`, or the room is needed.
  /// - Parameters:
  ///   - candidates: sealed segments older than the newest snapshot's segment, oldest first.
  ///   - cursors: the durable cursor of every configured backend; none configured: nothing goes for being answered.
  ///   - pinned: the lowest sequence number that somebody still needs.
  ///   - now: wall clock, milliseconds since 1970.
  ///   - keep: milliseconds.
  ///   - excess: octets to free whatever their age.
  package static func removable(
    _ candidates: [RetentionCandidate], cursors: [UInt64], pinned: UInt64?, now: Int64, keep: Int64, excess: Int
  ) -> Int {
    guard let answered = cursors.min() else { return 0 }
    var count = 0
    var freed = 0
    for candidate in candidates {
      guard !candidate.isForeign, candidate.lastReading <= answered else { break }
      if let pinned, candidate.lastReading >= pinned { break }
      let age = now.subtractingReportingOverflow(candidate.modified)
      guard freed < excess || (!age.overflow && age.partialValue > keep) else { break }
      freed += candidate.size
      count += 1
    }
    return count
  }
}
