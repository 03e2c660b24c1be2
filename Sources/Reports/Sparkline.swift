// A picture in a line of text: one block a stretch of time, its height the mean of the values, a sign below where they left the plan.

package import Monitoring
package import Readings

internal import Zones

/// One measure's line.
package struct Sparkline: Sendable, Hashable {
  /// One column.
  package struct Cell: Sendable, Hashable {
    /// `▁` to `█`; a blank where nothing was measured.
    package var block: Character
    /// The worst zone within; nil: nothing was measured, or nothing judged.
    package var zone: Zone?
    /// `▲` for yellow, `◆` for red, else a blank.
    package var sign: Character { zone == .red ? "◆" : zone == .yellow ? "▲" : " " }
  }

  package var measure: Measure
  /// Its name.
  package var title: String
  /// From the first day to now.
  package var cells: [Cell]
  /// The newest value with its unit.
  package var last: String
  /// The newest value's zone in the picture's language.
  package var zone: String
  /// The newest value's zone.
  package var lastZone: Zone?
  /// When the newest value was measured.
  package var when: String
  /// How many there are, and between which values.
  package var spread: String

  static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
}

extension PatientPicture {
  /// A line for each measure that has values, `columns` wide.
  package func sparklines(columns: Int) -> [Sparkline] {
    let words = Words(language)
    let page = ReportPage(self)
    return measures.compactMap { measure in
      let points = all(measure).filter(\.counts)
      guard let last = points.last else { return nil }
      return Sparkline(
        measure: measure, title: words.shortTitle(measure), cells: cells(points, columns),
        last: last.above.map { words.beyond(above: $0) } ?? words.quantity(last.value, measure),
        zone: words.zone(last.zone), lastZone: last.zone,
        when: clock.shortDate(last.at, words) + " " + clock.time(last.at),
        spread: page.spread(points, measure))
    }
  }

  private func cells(_ points: [Point], _ columns: Int) -> [Sparkline.Cell] {
    let columns = min(max(columns, 1), 400)
    let start = clock.midnight(from)
    let length = max(clock.midnight(until, addingDays: 1) - start, 1)
    var sums = [(sum: Double, count: Int, zone: Zone?, above: Bool?)](repeating: (0, 0, nil, nil), count: columns)
    for point in points where point.at >= start {
      let share = Double(point.at - start) / Double(length)
      let column = min(max(Int(min(max(share, 0), 1) * Double(columns)), 0), columns - 1)
      if let above = point.above {
        sums[column].above = above
      } else {
        sums[column].sum += ValueAxis.number(point.value)
        sums[column].count += 1
      }
      if let zone = point.zone { sums[column].zone = max(sums[column].zone ?? .green, zone) }
    }
    let means = sums.filter { $0.count > 0 }.map { $0.sum / Double($0.count) }
    let (low, high) = (means.min() ?? 0, means.max() ?? 0)
    return sums.map { sum in
      // Beyond all numbers is the top or the bottom.
      if let above = sum.above { return Sparkline.Cell(block: above ? "█" : "▁", zone: sum.zone) }
      guard sum.count > 0 else { return Sparkline.Cell(block: " ", zone: nil) }
      let mean = sum.sum / Double(sum.count)
      // One value alone, or all the same: in the middle.
      let share = high > low ? (mean - low) / (high - low) : 0.4
      let step = min(max(Int(share * 8), 0), 7)
      return Sparkline.Cell(block: Sparkline.blocks[step], zone: sum.zone)
    }
  }

  /// What a terminal says beside the lines: the period, what is raised, what did not come, what was told last.
  package struct Summary: Sendable, Hashable {
    /// Whose, which days, which plan.
    package var heading: String
    /// What is raised now.
    package var alerts: [Told]
    /// What did not come; empty when nothing was missed.
    package var missed: String
    /// What was measured and does not count, a line a measure.
    package var leftOut: [String]
    /// What was raised, the open ones first, then the newest; of an older daemon what was told last.
    package var told: [String]
    /// What is said when nothing was measured.
    package var empty: String

    /// What is raised, with its zone.
    package struct Told: Sendable, Hashable {
      package var zone: Zone
      /// The zone's name.
      package var name: String
      /// The rule and its words.
      package var text: String
    }
  }

  /// The words beside the lines.
  package var summary: Summary {
    let words = Words(language)
    let isOneYear = clock.civil(from).year == clock.civil(until).year
    let first = isOneYear ? clock.shortDate(from, words) : clock.longDate(from, words)
    let last = clock.longDate(until, words)
    let plan = planVersion.map { "plan \($0)" } ?? words.say("ingen plan", "ingen plan", "no plan")
    let days = words.say("\(days) dager", "\(days) dagar", "\(days) days")
    var missed = ""
    if !gaps.isEmpty {
      let counts = Dictionary(grouping: gaps, by: \.measure).sorted { $0.key.rawValue < $1.key.rawValue }
      missed =
        words.missed + ": " + counts.map { "\(words.shortTitle($0.key)) \($0.value.count)" }.joined(separator: ", ")
    }
    return Summary(
      heading: "\(patient)  \(first) – \(last) (\(days)), \(plan), \(clock.name)",
      alerts: alerts.map { alert in
        let seen = alert.isAcknowledged ? words.say(" (kvittert)", " (kvittert)", " (acknowledged)") : ""
        let asked = alert.isUnasked ? " (\(words.unasked))" : ""
        return Summary.Told(
          zone: alert.zone, name: words.zone(alert.zone), text: "\(alert.rule) – \(alert.message)\(asked)\(seen)")
      }, missed: missed,
      leftOut: measures.compactMap { measure in
        ReportPage(self).leftOut(measure).map { "\(words.shortTitle(measure)): \($0)" }
      },
      told: episodes.isEmpty ? lastMarks(words) : episodes.prefix(5).map { line($0, words) },
      empty: words.say(
        "ingen målinger i disse dagene", "ingen målingar i desse dagane", "no measurements in these days"))
  }

  private func lastMarks(_ words: Words) -> [String] {
    marks.suffix(5).reversed().map { mark in
      let note = [mark.by, mark.note].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
      return "\(clock.moment(mark.time, words))  \(mark.rule)  \(words.event(mark, kind(of: mark.rule)))"
        + (note.isEmpty ? "" : "  \(note)")
    }
  }

  /// `lø. 21. nov. 08:15 – lø. 21. nov. 09:00, bp.extreme: Blodtrykk, systolisk: over grensene, 190 mmHg; kari: Ringte.`
  private func line(_ episode: Episode, _ words: Words) -> String {
    let from = clock.moment(episode.from, words)
    let end =
      episode.isOpen
      ? " – " + words.say("pågår", "går føre seg", "goes on")
      : episode.to.map { $0 == episode.from ? "" : " – " + clock.moment($0, words) } ?? ""
    let worst =
      (words.worst(episode, self).map { ", \($0)" } ?? "") + (episode.because.map { ", " + words.because($0) } ?? "")
    let seen = words.seen(episode, clock).map { "; \($0)" } ?? ""
    return "\(from)\(end), \(episode.rule): \(words.what(episode, self))\(worst)\(seen)"
  }
}
