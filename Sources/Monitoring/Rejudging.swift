// Readings that come out of their order: a value that arrives after newer ones is what those are held against, so they are judged anew.
// Only so does the order of delivery not decide what people hear.

internal import Readings

extension Rule {
  /// The reading holds something that this rule looks at.
  func concerns(_ reading: Reading, _ values: [Measure: ExactDecimal]) -> Bool {
    switch kind {
    case .bits(let bits), .quality(let bits): bits.readingKind == nil || bits.readingKind == reading.kind
    default: measures.contains { values[$0] != nil || $0.isBeyond(in: reading) != nil }
    }
  }

  /// A newer reading than this one was judged by this rule already.
  func isOlder(_ reading: Reading, _ time: Int64, than earlier: PatientHistory) -> Bool {
    switch kind {
    case .bits(let bits), .quality(let bits):
      earlier.newestSigns(bits.readingKind, 1, upTo: .max).contains { $0.time > time }
    default: measures.contains { (earlier.last($0, upTo: .max) ?? .min) > time }
    }
  }

  /// A later reading that was judged anew.
  struct Rejudged {
    var time: Int64
    var zone: Zone
    /// Nothing newer is known.
    var isNewest = false
  }

  /// The zones of what was measured after `time` and looks back on it, oldest first. None for rules over single values.
  func rejudged(
    after time: Int64, _ history: PatientHistory, before: Zone, _ day: (Int64) -> Int64
  ) -> [Rejudged] {
    var found = looking(back: time, history, before: before, day)
    let newest =
      switch kind {
      case .bits(let bits), .quality(let bits): history.newestSigns(bits.readingKind, 1, upTo: .max).last?.time
      default: measures.compactMap { history.last($0, upTo: .max) }.max()
      }
    if let last = found.indices.last { found[last].isNewest = found[last].time == newest }
    return found
  }

  private func looking(
    back time: Int64, _ history: PatientHistory, before: Zone, _ day: (Int64) -> Int64
  ) -> [Rejudged] {
    // Whole days of a window are the patient's: one more day is enough.
    func reach(_ window: Int64) -> Int64 { time.addingReportingOverflow(window + 26 * 3_600_000).partialValue }
    // With too few values for a word there is none: green.
    func capped(_ zone: Zone?, _ point: PatientHistory.Point) -> Rejudged {
      Rejudged(time: point.time, zone: min(zone ?? .green, point.isDoubtful ? .yellow : .red))
    }
    switch kind {
    case .delta(let rule):
      return later(rule.measure, time, reach(rule.window), history).map {
        capped(rule.zone(of: $0.value, at: $0.time, id: $0.id, history, before: before, day: day), $0)
      }
    case .average(let rule):
      guard let measure = rule.measures.first else { return [] }
      return later(measure, time, reach(rule.window), history).map { point in
        Rejudged(time: point.time, zone: rule.zone(at: point.time, history, day: day) ?? .green)
      }
    case .consecutive(let rule):
      return later(rule.measure, time, .max, history).prefix(rule.of).map {
        capped(rule.zone(at: $0.time, history), $0)
      }
    case .bits(let rule), .quality(let rule):
      return history.signs.filter { $0.time > time && (rule.readingKind == nil || $0.kind == rule.readingKind) }
        .prefix(rule.of).map { Rejudged(time: $0.time, zone: rule.zone(at: $0.time, history)) }
    case .band, .missing, .device: return []
    }
  }

  /// The values after an instant, oldest first; so many as a window of a plan holds, and no more: a backlog is no reason to stop.
  private func later(
    _ measure: Measure, _ time: Int64, _ until: Int64, _ history: PatientHistory
  ) -> ArraySlice<PatientHistory.Point> {
    guard time < .max else { return [] }
    return history.points(measure, from: time + 1, to: max(until, time)).prefix(200)
  }
}
