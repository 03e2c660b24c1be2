// What others may read of a journal while its thread writes: every segment up to the end of what is confirmed.

/// A journal at one moment, to be read beside the thread that writes it. At most some 60 KiB.
package struct JournalView: Sendable {
  var segments: [Segment] = []
  var limits = JournalLimits()
  /// Numbers that never count, and what a start could not make durable yet: neither is read.
  var withdrawn = NumberSet()
  var pendingHead: PendingHead?
  var pendingMark: PendingMark?
  /// How often segments were written anew: places in them are others then.
  package var rewrites = 0

  /// An empty journal.
  package init() {}
}

extension RecordJournal {
  /// What others may read now.
  package var view: JournalView {
    var view = JournalView()
    view.segments = segments
    view.limits = limits
    view.withdrawn = numbersWithdrawn
    view.pendingHead = pendingHead
    view.pendingMark = pendingMark
    return view
  }

  /// A journal that is read alone.
  /// - Parameter disk: one that refuses to be written to.
  package init(reading view: JournalView, on disk: Disk) {
    self.init(disk: disk, limits: view.limits)
    isReader = true
    follow(view)
  }

  /// Reads on by a newer view in which no segment was written anew since: what was learned of places stays.
  package mutating func follow(_ view: JournalView) {
    var known = segments[...]
    segments = view.segments
    // Both are in order.
    for index in segments.indices where segments[index].reach == nil {
      let key = segments[index].key
      known = known.drop { $0.key < key }
      if let first = known.first, first.key == key, first.end == segments[index].end {
        segments[index].reach = first.reach
      }
    }
    numbersWithdrawn = view.withdrawn
    pendingHead = view.pendingHead
    pendingMark = view.pendingMark
  }

  /// Takes what a reader found: it is told like what this journal found itself, and a copy of damaged octets is kept aside. The
  /// caller sees to it that no segment was written anew since it was read.
  package mutating func take(_ found: [JournalFinding]) {
    for finding in found {
      switch finding.code {
      case .damaged, .tornTail, .incompleteGroup:
        guard segments.contains(where: { $0.name == finding.segment }), let offset = Int(exactly: finding.offset),
          let length = Int(exactly: finding.length)
        else { continue }
        noteDamage(finding.code, finding.segment, offset: offset, length: length)
      case .gap:
        let (end, isBeyond) = finding.offset.addingReportingOverflow(finding.length)
        if !isBeyond { noteGap(finding.offset..<end, in: finding.segment) }
      case .newerFormat, .foreignFile, .unreadable, .syncFailed, .diskFailed: note(finding)
      }
    }
  }
}
