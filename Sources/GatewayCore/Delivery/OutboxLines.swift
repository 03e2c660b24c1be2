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

  /// Every item of a batch has an answer: what of it is to be stored is made when it is stored.
  /// - Returns: what the log is told.
  mutating func answered(
    _ lane: OutboxLane, _ results: [String: ItemResult], _ view: View, _ now: Now, _ random: inout Jitter
  ) -> String? {
    noteAnswer(now, tookSome: self[lane].batch.contains { results[$0.id]?.reason == nil })
    self[lane].results = results
    let made = answer(of: lane, view, now)
    for kind in made.stopped { probes[kind] = now.monotonic + random.next(Outbox.probeWait) }
    if let kind = self[lane].line, made.isRefusedStill {
      // The oldest was asked, and may be bad by itself: one other asks at once.
      let asksOther = asked[kind, default: 0] % 2 == 1
      probes[kind] = now.monotonic + (asksOther ? 0 : random.next(Outbox.probeWait))
    }
    take(made.answer, lane)
    guard let reason = made.firstReason else { return nil }
    let code = made.stopped.isEmpty ? "item.refused" : "kind.refused"
    if self[lane].erased.isEmpty { lastError = (code, String(reason.prefix(200))) }
    return code
  }

  /// What is to be stored of an answer; the lane is free where that is nothing.
  private mutating func take(_ answer: Answer, _ lane: OutboxLane) {
    guard !answer.isEmpty else { return stored(lane) }
    self[lane].answer = answer
    self[lane].step = .storing
  }

  /// What is to be stored of a lane's answer. After the disk refused it once it is made anew, as the backend stands now: another lane's
  /// answer, an erasure or a technician may have come between.
  mutating func answerToStore(_ lane: OutboxLane, _ view: View, _ now: Now) -> Answer {
    let answer = self[lane].answer ?? answer(of: lane, view, now).answer
    // Items that were passed over may be urgent again.
    if answer.records.contains(where: { $0.kind == .line }) { gone = [] }
    return answer
  }

  private func answer(of lane: OutboxLane, _ view: View, _ now: Now) -> MadeAnswer {
    guard let request = self[lane].lineRequest, let kind = request.line else { return answerOfAll(lane, view, now) }
    return self[lane].batch.isEmpty ? answerOfNone(kind, request, view) : answerOfLine(kind, request, lane, view, now)
  }

  /// A batch of every kind.
  private func answerOfAll(_ lane: OutboxLane, _ view: View, _ now: Now) -> MadeAnswer {
    let batch = self[lane].batch
    guard let last = batch.last else { return MadeAnswer() }
    var sorting = Sorting(name, self[lane].results, erased: self[lane].erased, view, now)
    for item in batch { sorting.add(item) }
    let answered = batch.map(\.sequence).filter { !sorting.waiting.contains($0) }
    var word = Acknowledgement(
      backend: name, through: lane == .backlog ? last.sequence : 0, delivered: UInt32(clamping: answered.count),
      refused: sorting.refused)
    if lane == .express { word.ahead = answered }
    if limit < configuration.maximumReadings { word.limit = UInt32(clamping: limit) }
    var made = MadeAnswer(firstReason: sorting.firstReason)
    if lane == .backlog || !answered.isEmpty { made.answer.acknowledgement = word }
    let changes = sorting.changes(word, view, now)
    made.answer.records = sorting.records + changes.map { JournalEntry.line($0) }
    made.stopped = changes.filter { $0.line.map { !$0.isOpen } ?? false }.map(\.kind)
    return made
  }

  /// A batch of one kind's line.
  private func answerOfLine(
    _ kind: String, _ request: FetchRequest, _ lane: OutboxLane, _ view: View, _ now: Now
  ) -> MadeAnswer {
    var made = MadeAnswer()
    guard var line = view.lines[kind] else { return made }
    let (batch, results, erased) = (self[lane].batch, self[lane].results, self[lane].erased)
    let takesKind = batch.contains { results[$0.id].map { $0.isAnswer && $0.reason == nil } ?? true }
    let wasOpen = line.isOpen
    line.isOpen = wasOpen || takesKind
    var change = LineChange(backend: name, kind: kind, line: line)
    var standing = view
    standing.lines[kind] = line
    var sorting = Sorting(name, results, erased: erased, standing, now)
    for item in batch {
      if request.only.contains(item.sequence) {
        resent(item, results[item.id], &line, &change, view)
      } else {
        sorting.add(item)
      }
    }
    let answered = sorting.answers(kind)
    change.delivered = answered.count
    change.refused = sorting.refused.count
    // Nothing that waits is passed over.
    let end = sorting.firstWaiting[kind].map { $0 - min($0, 1) } ?? .max
    line.through = max(line.through, min(end, answered.max() ?? 0))
    line.skipping = Set(line.skipping + answered).filter { $0 > line.through }.sorted()
    if let toResend = sorting.stops[kind] {
      line.isOpen = false
      line.toResend = Array(Set(line.toResend + toResend).sorted().prefix(DeliveryLine.mostToResend))
      made.stopped = [kind]
    }
    made.isRefusedStill = !wasOpen && !takesKind
    made.firstReason = wasOpen || takesKind ? sorting.firstReason : nil
    change.line = line
    change.endsRow = !change.taken.isEmpty && sorting.records.isEmpty
    guard line != view.lines[kind] || change.delivered > 0 || !change.taken.isEmpty || !sorting.records.isEmpty else {
      return made
    }
    made.answer.records = sorting.records + [.line(change)]
    return made
  }

  /// Something that was set aside before was sent again.
  private func resent(
    _ item: Deliverable, _ result: ItemResult?, _ line: inout DeliveryLine, _ change: inout LineChange, _ view: View
  ) {
    let isTaken = result?.reason == nil
    // Refused as before, while nothing of the kind is taken: it goes out again later.
    if !isTaken, !line.isOpen { return }
    line.toResend.removeAll { $0 == item.sequence }
    // A technician sends it again meanwhile: that counts.
    let isRetried = view.retries.values.contains { $0.backend == name && $0.original == item.sequence }
    if isTaken, !isRetried { change.taken.append(item.sequence) }
  }

  // MARK: Lines

  /// What a line wants next: one item asks; when it is taken, what waits goes in batches, in turn with other kinds.
  mutating func lineRequest(_ view: View, _ now: Now) -> FetchRequest? {
    // A wait that is over, of a kind that goes with the others or is sent.
    probes = probes.filter { $0.value > now.monotonic || view.lines[$0.key].map { !$0.isOpen } ?? false }
    asked = asked.filter { view.lines[$0.key] != nil }
    let due = view.lines.keys.sorted().filter { kind in
      (view.lines[kind]?.isOpen ?? false) ? !wasLine : probes[kind] ?? 0 <= now.monotonic
    }
    guard let kind = due.first, let line = view.lines[kind] else { return nil }
    wasLine = true
    let most = line.isOpen ? limit : 1
    var request = FetchRequest(
      backend: name, lane: .backlog, ticket: nextTicket, after: line.through, before: view.through + 1,
      skipping: line.skipping, only: line.isOpen ? Array(line.toResend.prefix(most)) : probe(of: kind, line),
      maximumCount: most, maximumBytes: configuration.maximumBytes)
    request.line = kind
    return request
  }

  /// Which item asks: the oldest, so that everything goes in its order when it is taken; then one of the others in turn, because the
  /// oldest may be bad by itself. Empty: the oldest that waits.
  private mutating func probe(of kind: String, _ line: DeliveryLine) -> [UInt64] {
    let turn = asked[kind, default: 0]
    asked[kind] = turn &+ 1
    guard turn % 2 == 1 else { return Array(line.toResend.prefix(1)) }
    let round = turn / 2
    guard line.toResend.count > 1, round % 2 == 1 else { return [] }
    return [line.toResend[1 + round / 2 % (line.toResend.count - 1)]]
  }

  /// The journal was read for a line.
  mutating func fetchedLine(
    _ kind: String, _ request: FetchRequest, _ items: [Deliverable], isAtEnd: Bool, _ view: View, _ now: Now
  ) -> [Effect] {
    self[.backlog].clear()
    self[.backlog].lineRequest = request
    guard items.isEmpty else {
      self[.backlog].batch = items
      self[.backlog].step = .sending
      return [.deliver(backend: name, lane: .backlog, items)]
    }
    // The journal could not be read, or nothing came of it: it is asked again later.
    let answer = isAtEnd ? answer(of: .backlog, view, now).answer : Answer()
    guard !answer.isEmpty else {
      self[.backlog].clear()
      probes[kind] = now.monotonic + Outbox.probeWait.lowerBound
      return []
    }
    take(answer, .backlog)
    return []
  }

  /// Nothing of what was asked for is in the journal.
  private func answerOfNone(_ kind: String, _ request: FetchRequest, _ view: View) -> MadeAnswer {
    guard var line = view.lines[kind] else { return MadeAnswer() }
    var change = LineChange(backend: name, kind: kind, line: nil)
    if !request.only.isEmpty {
      // What was set aside is gone.
      line.toResend.removeAll { request.only.contains($0) }
      change.line = line
    } else if !line.toResend.isEmpty {
      // Nothing waits but what was set aside: what all backends have may go from the journal.
      let place = (request.before ?? 1) - 1
      guard place > line.through, place - line.through >= Outbox.longestPinned else { return MadeAnswer() }
      line.through = place
      line.skipping.removeAll { $0 <= place }
      change.line = line
    } else {
      // Nothing of the kind is left: it goes with the others again, and is judged by its next one.
      change.endsRow = line.isOpen
    }
    return MadeAnswer(answer: Answer(records: [.line(change)]))
  }

  /// A line whose kind does not come any more moves on after so many records.
  private static let longestPinned: UInt64 = 512
}

/// An answer made of results.
private struct MadeAnswer {
  var answer = Answer()
  /// Kinds that stop now.
  var stopped: [String] = []
  /// A kind that was refused is refused still.
  var isRefusedStill = false
  var firstReason: String?
}

/// The items of one answer, in their order: what the backend took, what is set aside, and what waits because its kind is refused again
/// and again.
struct Sorting {
  private let backend: String
  private let results: [String: ItemResult]
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
  private(set) var firstWaiting: [String: UInt64] = [:]
  /// Kinds that stop now, with what was set aside since the first of the row.
  private(set) var stops: [String: [UInt64]] = [:]
  private(set) var firstReason: String?

  init(_ backend: String, _ results: [String: ItemResult], erased: Set<UInt64>, _ view: Outbox.View, _ now: Now) {
    self.backend = backend
    self.results = results
    self.erased = erased
    self.view = view
    self.now = now
    rows = view.rows
    isPlain = rows.isEmpty && view.lines.isEmpty && results.values.allSatisfy { $0.reason == nil }
  }

  /// Kinds tell something only where something was refused, now or before.
  private let isPlain: Bool

  /// Items of a kind that have an answer, by sequence number.
  func answers(_ kind: String) -> [UInt64] { answered[kind] ?? [] }

  mutating func add(_ item: Deliverable) {
    guard !isPlain else { return }
    let kind = item.kind
    let result = results[item.id]
    guard let reason = result?.reason else {
      guard let kind else { return }
      answered[kind, default: []].append(item.sequence)
      if result?.isAnswer ?? true { took(kind) }
      return
    }
    firstReason = firstReason ?? reason
    guard let kind else { return put(refusal(item, nil, reason), item) }
    // What is gone meanwhile, and what the hub itself could not send, says nothing of the backend.
    guard result?.isAnswer ?? true, !erased.contains(item.sequence) else {
      answered[kind, default: []].append(item.sequence)
      return put(refusal(item, nil, reason), item)
    }
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
    stops[kind] = Array(Set(listed.map(\.sequence)).sorted().prefix(DeliveryLine.mostToResend))
  }

  /// The backend takes the kind: what was refused of it so far does not count as a row.
  private mutating func took(_ kind: String) {
    taken.insert(kind)
    // Where something waits already there is a line, which opens.
    if firstWaiting[kind] == nil { stops[kind] = nil }
    guard rows.removeValue(forKey: kind) != nil else { return }
    var change = LineChange(backend: backend, kind: kind, line: view.lines[kind])
    change.endsRow = true
    records.append(.line(change))
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
        if taken.contains(kind) {
          line.isOpen = true
        } else if let toResend = stops[kind] {
          line.isOpen = false
          line.toResend = Array(Set(line.toResend + toResend).sorted().prefix(DeliveryLine.mostToResend))
        }
        return line == view.lines[kind] ? nil : LineChange(backend: backend, kind: kind, line: line)
      }
      guard let toResend = stops[kind] else { return nil }
      // Nothing that waits is passed over.
      let place = firstWaiting[kind].map { min(through, $0 - min($0, 1)) } ?? through
      let ahead = (view.ahead + word.ahead + answers).filter { $0 > place }
      return LineChange(
        backend: backend, kind: kind,
        line: DeliveryLine(
          since: now.wall, through: place, skipping: Set(ahead).sorted(), toResend: toResend,
          isOpen: taken.contains(kind)))
    }
  }
}
