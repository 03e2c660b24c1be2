// What others may read of a journal while its thread writes: every segment up to the end of what is confirmed.

/// A journal at one moment, to be read beside the thread that writes it. At most some 60 KiB.
public struct JournalView: Sendable {
  var segments: [Segment] = []
  var limits = JournalLimits()
  /// Numbers that never count, and what a start could not make durable yet: neither is read.
  var withdrawn = NumberSet()
  var pendingHead: PendingHead?
  var pendingMark: PendingMark?
  /// How often segments were written anew: places in them are others then.
  public var rewrites = 0

  /// An empty journal.
  public init() {}
}

extension RecordJournal {
  /// What others may read now.
  public var view: JournalView {
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
  public init(reading view: JournalView, on disk: Disk) {
    self.init(disk: disk, limits: view.limits)
    segments = view.segments
    numbersWithdrawn = view.withdrawn
    pendingHead = view.pendingHead
    pendingMark = view.pendingMark
  }
}
