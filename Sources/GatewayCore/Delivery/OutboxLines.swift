// What a backend refuses: item by item it is set aside, with the reason. Of a kind that it refuses again and again nothing more is set
// aside: the kind waits in a line of its own, and one item of it asks from time to time whether the backend takes it now.

internal import Exchange
internal import JSON
internal import Journal
internal import Ledger
internal import Settings

extension Outbox {
  /// How long a refused kind waits before it is asked for again, in milliseconds.
  static let probeWait: ClosedRange<Int64> = slowWait / 2...slowWait

  /// Every item of a batch has an answer.
  /// - Parameter reasons: why items were refused, by identifier.
  mutating func answered(
    _ lane: OutboxLane, _ reasons: [String: String], _ view: View, _ now: Now, _ random: inout Jitter
  ) -> String? {
    let batch = self[lane].batch
    guard let last = batch.last else { return nil }
    isWell(now, tookSome: batch.contains { reasons[$0.id] == nil })
    if let kind = self[lane].line { return answeredLine(kind, lane, reasons, view, now, &random) }
    var sorting = Sorting(name, reasons, erased: self[lane].erased, view, now)
    for item in batch { sorting.add(item) }
    let answered = batch.map(\.sequence).filter { !sorting.waiting.contains($0) }
    var answer = Answer()
    var word = Acknowledgement(
      backend: name, through: lane == .backlog ? last.sequence : 0, delivered: UInt32(clamping: answered.count),
      refused: sorting.refused)
    if lane == .express { word.ahead = answered }
    if limit < configuration.maximumReadings { word.limit = UInt32(clamping: limit) }
    if lane == .backlog || !answered.isEmpty { answer.acknowledgement = word }
    answer.records = sorting.records + sorting.changes(word, view, now).map { JournalEntry.line($0) }
    for kind in sorting.stops.keys.sorted() { waitForProbe(of: kind, now, &random) }
    store(answer, lane)
    return told(sorting, lane)
  }

  /// What the log is told of an answer.
  private mutating func told(_ sorting: Sorting, _ lane: OutboxLane) -> String? {
    guard let reason = sorting.firstReason else { return nil }
    let code = sorting.stops.isEmpty ? "item.refused" : "kind.refused"
    if self[lane].erased.isEmpty { lastError = (code, String(reason.prefix(200))) }
    return code
  }

  /// What is to be written of an answer; the lane is free where that is nothing.
  private mutating func store(_ answer: Answer, _ lane: OutboxLane) {
    guard !answer.isEmpty else { return stored(lane) }
    self[lane].word = answer
    self[lane].step = .storing
  }

  private mutating func waitForProbe(of kind: String, _ now: Now, _ random: inout Jitter) {
    probes[kind] = now.monotonic + random.next(Outbox.probeWait)
  }

  // MARK: Lines

  /// What a line wants next: one item asks; when it is taken, what waits goes in batches, in turn with other kinds.
  mutating func lineRequest(_ view: View, _ now: Now) -> FetchRequest? {
    probes = probes.filter { view.lines[$0.key].map { !$0.isOpen } ?? false }
    let due = view.lines.keys.sorted().filter { kind in
      (view.lines[kind]?.isOpen ?? false) ? !wasLine : probes[kind] ?? 0 <= now.monotonic
    }
    guard let kind = due.first, let line = view.lines[kind] else { return nil }
    wasLine = true
    let most = line.isOpen ? limit : 1
    var request = FetchRequest(
      backend: name, lane: .backlog, ticket: nextTicket, after: line.through, before: view.through + 1,
      skipping: line.skipping, only: Array(line.again.prefix(most)), maximumCount: most,
      maximumBytes: configuration.maximumBytes)
    request.line = kind
    return request
  }

  /// The journal was read for a line.
  mutating func fetchedLine(
    _ kind: String, _ request: FetchRequest, _ items: [Deliverable], isAtEnd: Bool, _ view: View, _ now: Now
  ) -> [Effect] {
    guard items.isEmpty else {
      self[.backlog].batch = items
      self[.backlog].line = kind
      self[.backlog].isOutdated = false
      self[.backlog].step = .sending
      return [.deliver(backend: name, lane: .backlog, items)]
    }
    self[.backlog].clear()
    guard isAtEnd, var line = view.lines[kind] else {
      // The journal could not be read: it is asked again later.
      probes[kind] = now.monotonic + Outbox.probeWait.lowerBound
      return []
    }
    var change = LineChange(backend: name, kind: kind, line: nil)
    if request.only.isEmpty {
      // Nothing of the kind waits: it goes with the others again, and is judged by its next one.
      change.endsRow = line.isOpen
    } else {
      line.again.removeAll { request.only.contains($0) }
      change.line = line
    }
    probes[kind] = nil
    store(Answer(records: [.line(change)]), .backlog)
    return []
  }

  /// A batch of a line has an answer.
  private mutating func answeredLine(
    _ kind: String, _ lane: OutboxLane, _ reasons: [String: String], _ view: View, _ now: Now, _ random: inout Jitter
  ) -> String? {
    let batch = self[lane].batch
    let isTaken = batch.contains { reasons[$0.id] == nil }
    guard var line = view.lines[kind], line.isOpen || isTaken else {
      // It is refused as before: nothing is set aside.
      waitForProbe(of: kind, now, &random)
      store(Answer(), lane)
      return nil
    }
    line.isOpen = true
    var change = LineChange(backend: name, kind: kind, line: line)
    var open = view
    open.lines[kind] = line
    var sorting = Sorting(name, reasons, erased: self[lane].erased, open, now)
    for item in batch {
      if line.again.contains(item.sequence) {
        line.again.removeAll { $0 == item.sequence }
        // Refused once more it stays set aside, as it was.
        if reasons[item.id] == nil { change.taken.append(item.sequence) }
        continue
      }
      sorting.add(item)
      guard !sorting.waiting.contains(item.sequence) else { continue }
      line.through = max(line.through, item.sequence)
      change.delivered += 1
    }
    change.refused = sorting.refused.count
    line.skipping.removeAll { $0 <= line.through }
    if let again = sorting.stops[kind] {
      line.isOpen = false
      line.again = Array(Set(line.again + again).sorted().prefix(DeliveryLine.mostAgain))
      waitForProbe(of: kind, now, &random)
    } else {
      probes[kind] = nil
    }
    change.line = line
    change.endsRow = !change.taken.isEmpty && sorting.records.isEmpty
    store(Answer(records: sorting.records + [.line(change)]), lane)
    return told(sorting, lane)
  }
}

/// The items of one answer, in their order: what the backend took, what is set aside, and what waits because its kind is refused again
/// and again.
struct Sorting {
  private let backend: String
  private let reasons: [String: String]
  private let erased: Set<UInt64>
  private let view: Outbox.View
  private let now: Now
  private var rows: [String: RefusalRow]
  /// Items that have an answer, by kind.
  private var answered: [String: [UInt64]] = [:]
  private var taken: Set<String> = []
  private var setAside: [Refusal] = []

  /// What is set aside, and rows that are over, in their order.
  private(set) var records: [JournalEntry] = []
  /// What is set aside, by sequence number.
  private(set) var refused: [UInt64] = []
  /// What was refused and waits all the same, by sequence number.
  private(set) var waiting: Set<UInt64> = []
  /// The first of them by kind.
  private var firstWaiting: [String: UInt64] = [:]
  /// Kinds that stop now, with what was set aside since the first of the row.
  private(set) var stops: [String: [UInt64]] = [:]
  private(set) var firstReason: String?

  init(_ backend: String, _ reasons: [String: String], erased: Set<UInt64>, _ view: Outbox.View, _ now: Now) {
    self.backend = backend
    self.reasons = reasons
    self.erased = erased
    self.view = view
    self.now = now
    rows = view.rows
  }

  /// Kinds tell something only where something was refused, now or before.
  private var isPlain: Bool { reasons.isEmpty && rows.isEmpty && view.lines.isEmpty }

  mutating func add(_ item: Deliverable) {
    guard !isPlain else { return }
    let kind = item.kind
    guard let reason = reasons[item.id] else {
      guard let kind else { return }
      answered[kind, default: []].append(item.sequence)
      taken.insert(kind)
      // It takes the kind: what was refused of it so far was no row.
      stops[kind] = nil
      guard rows.removeValue(forKey: kind) != nil else { return }
      var change = LineChange(backend: backend, kind: kind, line: view.lines[kind])
      change.endsRow = true
      records.append(.line(change))
      return
    }
    firstReason = firstReason ?? reason
    guard let kind else { return put(refusal(item, nil, reason), item) }
    guard stops[kind] == nil, view.lines[kind]?.isOpen ?? true else {
      waiting.insert(item.sequence)
      firstWaiting[kind] = firstWaiting[kind] ?? item.sequence
      return
    }
    let refusal = refusal(item, kind, reason)
    put(refusal, item)
    answered[kind, default: []].append(item.sequence)
    let run = rows[kind, default: RefusalRow()].add(refusal.reason, refusal.sequence)
    guard run.count >= RefusalRow.suspicious else { return }
    let listed = (view.refusals + setAside).filter { $0.kind == kind && $0.sequence >= run.first }
    stops[kind] = Array(Set(listed.map(\.sequence)).sorted().prefix(DeliveryLine.mostAgain))
  }

  /// Sets an item aside. What is gone meanwhile leaves no reason.
  private mutating func put(_ refusal: Refusal, _ item: Deliverable) {
    refused.append(item.sequence)
    guard !erased.contains(item.sequence) else { return }
    setAside.append(refusal)
    records.append(.refusal(refusal))
  }

  private func refusal(_ item: Deliverable, _ kind: String?, _ reason: String) -> Refusal {
    let reading = item.isReading ? try? JSONReader(maximumSize: 1 << 20).value(item.json) : nil
    // What was sent again stands in the journal where it first was.
    return Refusal(
      backend: backend, sequence: view.retries[item.sequence]?.original ?? item.sequence, id: item.id,
      reason: String(reason.prefix(240)), at: now.wall, device: reading?["device"]?["id"]?.string, kind: kind)
  }

  /// What changes about the lines of kinds by an answer to a batch of every kind.
  func changes(_ word: Acknowledgement, _ view: Outbox.View, _ now: Now) -> [LineChange] {
    let through = max(view.through, word.through)
    return Set(answered.keys).union(stops.keys).sorted().compactMap { kind in
      let answers = answered[kind] ?? []
      if var line = view.lines[kind] {
        // The batch was on its way when the line stopped.
        line.skipping = Set(line.skipping + answers.filter { $0 > line.through }).sorted()
        if let again = stops[kind] {
          line.isOpen = false
          line.again = Array(Set(line.again + again).sorted().prefix(DeliveryLine.mostAgain))
        } else if taken.contains(kind) {
          line.isOpen = true
        }
        return line == view.lines[kind] ? nil : LineChange(backend: backend, kind: kind, line: line)
      }
      guard let again = stops[kind] else { return nil }
      // Nothing that waits is passed over.
      let place = firstWaiting[kind].map { min(through, $0 - min($0, 1)) } ?? through
      let ahead = (view.ahead + word.ahead + answers).filter { $0 > place }
      return LineChange(
        backend: backend, kind: kind,
        line: DeliveryLine(since: now.wall, through: place, skipping: Set(ahead).sorted(), again: again))
    }
  }
}
