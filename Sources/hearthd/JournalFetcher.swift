// What backends and the gateway read of the journal, on a thread of its own: a slow read delays no append.

import GatewayCore
import Journal
import Platform
import Readings
import Ledger

/// The thread's state.
struct JournalFetcher {
  private let journal: PublishedJournal
  private var deliverables = Deliverables()
  /// Questions whose answer is being erased, one of each backend: a later one takes the place of an earlier.
  private var waiting: [String: FetchRequest] = [:]
  private let mailbox: Mailbox<JournalMessage>
  /// Damage is the journal's own thread's: it tells it, and keeps a copy.
  private let tell: @Sendable ([JournalFinding], _ rewrites: Int) -> Void

  init(
    _ journal: sending PublishedJournal, _ mailbox: Mailbox<JournalMessage>,
    tell: @escaping @Sendable ([JournalFinding], _ rewrites: Int) -> Void
  ) {
    self.journal = journal
    self.mailbox = mailbox
    self.tell = tell
  }

  mutating func fetch(_ request: FetchRequest) {
    switch deliverables.answer(request, journal.read) {
    case .items(let items, let isAtEnd): mailbox.post(.fetched(request, items, isAtEnd: isAtEnd))
    case .withheld: waiting[request.backend] = request
    }
    tellFindings()
  }

  /// An erasure is over.
  mutating func goOn() {
    let requests = waiting.values
    waiting = [:]
    for request in requests { fetch(request) }
  }

  mutating func load(_ sequence: UInt64) {
    let reading = Deliverables.reading(sequence, journal.read)
    mailbox.post(
      .loaded(sequence, reading, isEvent: reading == nil && Deliverables.isEvent(sequence, journal.read)))
    tellFindings()
  }

  mutating func loadParked(_ slot: Bindings.Slot, _ sequences: [UInt64]) {
    mailbox.post(.parked(slot, sequences.map { ($0, Deliverables.reading($0, journal.read)) }))
    tellFindings()
  }

  private func tellFindings() {
    let (findings, rewrites) = journal.takeFindings()
    if !findings.isEmpty { tell(findings, rewrites) }
  }
}
