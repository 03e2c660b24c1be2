// What the journal tells about itself: findings, failures, figures. Codes are stable; runbooks name them.

/// Something found that should not be, or that an operator should know.
package struct JournalFinding: Hashable, Sendable {
  /// What kind of thing it is.
  package enum Code: String, Hashable, Sendable {
    /// The end of the last segment was being written when the power went.
    case tornTail = "journal.torn-tail"
    /// Octets that are no record.
    case damaged = "journal.damaged"
    /// Sequence numbers are missing: the disk lost what it had confirmed.
    case gap = "journal.gap"
    /// A part of a group of records is missing behind which others stand: of what is left, readings and events count.
    case incompleteGroup = "journal.incomplete-group"
    /// A record or segment of a later version; left alone.
    case newerFormat = "journal.newer-format"
    /// A file that is not ours; left alone.
    case foreignFile = "journal.foreign-file"
    /// A file that cannot be read; left alone.
    case unreadable = "journal.unreadable"
    /// A sync or write failed; its segment is not written to again.
    case syncFailed = "journal.sync-failed"
    /// The disk refused a change of names, or room for a copy of damaged octets.
    case diskFailed = "journal.disk-failed"

    /// What it means, and what to do.
    package var words: String {
      switch self {
      case .tornTail: "the power went while it was written; nothing confirmed was in it"
      case .damaged: "it is no record; it was copied to journal/damaged and passed over: look at the disk"
      case .gap: "the disk lost what it had confirmed: look at the disk, and at an older copy"
      case .incompleteGroup: "a part of what belongs together is missing; the readings and events that are left count"
      case .newerFormat: "a later version wrote it; it is left alone: install that version again"
      case .foreignFile: "it is no file of the journal; it is left alone: move it away"
      case .unreadable: "it cannot be read and is left alone: dmesg tells more of the disk"
      case .syncFailed: "the disk refused it; a new segment is used: dmesg tells more of the disk"
      case .diskFailed: "the disk refused a change of names or a copy: make room, dmesg tells more"
      }
    }
  }
  /// What.
  package var code: Code
  /// The file.
  package var segment: String
  /// From which octet; for a gap, the first missing sequence number.
  package var offset: UInt64
  /// How many octets, or how many sequence numbers.
  package var length: UInt64
  /// errno where there is one, else 0.
  package var errno: Int32
  /// False when an earlier start has told it already.
  package var isNew: Bool

  package init(
    _ code: Code, segment: String, offset: UInt64 = 0, length: UInt64 = 0, errno: Int32 = 0, isNew: Bool = true
  ) {
    self.code = code
    self.segment = segment
    self.offset = offset
    self.length = length
    self.errno = errno
    self.isNew = isNew
  }
}

/// Why nothing of an append counts as written.
package enum AppendFailure: Error, Hashable, Sendable {
  /// `journal.full`: the limit is reached, or the disk has no room.
  case full(DiskError?)
  /// `journal.sync-failed`: the disk failed.
  case syncFailed(DiskError)
  /// `journal.outcome-unknown`: the disk failed after it was given the records, and failed again when they were to be withdrawn.
  /// They may be in force after a restart; while the process lives they are not, and the next append withdraws them first.
  case outcomeUnknown(DiskError)
  /// `journal.too-large`: a payload or a group beyond the bounds.
  case tooLarge(Int)

  /// The stable code.
  package var code: String {
    switch self {
    case .full: "journal.full"
    case .syncFailed: "journal.sync-failed"
    case .outcomeUnknown: "journal.outcome-unknown"
    case .tooLarge: "journal.too-large"
    }
  }
  /// errno where there is one, else 0.
  package var errno: Int32 {
    switch self {
    case .full(let error): error?.errno ?? 0
    case .syncFailed(let error), .outcomeUnknown(let error): error.errno
    case .tooLarge: 0
    }
  }
}

/// What an append gives back: it is on the medium.
package struct Appended: Hashable, Sendable {
  /// One for each draft, in order.
  package var sequences: Range<UInt64>
  /// A new segment was begun: append a snapshot.
  package var rolled: Bool
}

/// Bounds of a journal.
package struct JournalLimits: Hashable, Sendable {
  /// Size of a segment; one group that is larger gets a larger one.
  package var segmentBytes: Int
  /// Readings are refused when the segments would grow beyond this.
  package var maximumBytes: Int
  /// The largest group of records, with headers.
  package var groupBytes: Int
  /// What has to reach a backend: a segment stays until all have the last of these in it.
  package var deliverable: Set<RecordKind> = [.reading]
  /// What is refused when there is no room for it and for the acknowledgements that free the room again.
  package var bounded: Set<RecordKind> = [.reading]
  /// Bounds; 1 MiB, 1 GiB and 4 MiB unless told. The maximum is at least four segments.
  package init(segmentBytes: Int = 1 << 20, maximumBytes: Int = 1 << 30, groupBytes: Int = 4 << 20) {
    self.segmentBytes = max(256, min(segmentBytes, 64 << 20))
    self.maximumBytes = max(maximumBytes, 4 * self.segmentBytes)
    self.groupBytes = max(256, min(groupBytes, Self.mostGroupBytes))
  }
  /// The highest `groupBytes`.
  package static let mostGroupBytes = 16 << 20
}

/// Figures for `status`.
package struct JournalStatus: Hashable, Sendable {
  /// Segments, the active one included.
  package var segments: Int
  /// Octets that segments and the spare take.
  package var bytes: Int
  /// The limit.
  package var maximumBytes: Int
  /// The sequence number before the one that the next record gets.
  package var lastSequence: UInt64
  /// Findings since the start, by code.
  package var findings: [JournalFinding.Code: Int]
  /// Why the last append failed; nil when it did not.
  package var failing: AppendFailure?
}
