// A curve itself: the line, the mean that a rule judges, the sign of each value, what was told of it.

internal import Monitoring
internal import Readings

extension Curve {
  /// A long silence is no straight line.
  func drawLine(_ out: inout Markup) {
    let joined = points.filter { $0.counts && $0.above == nil }
    let steps = zip(joined, joined.dropFirst()).map { $1.at - $0.at }.sorted()
    let usual = steps.isEmpty ? 0 : steps[steps.count / 2]
    let longest = max(4 * usual, 36 * 3_600_000)
    let path = path(joined.map { ($0.at, $0.value) }, longest: longest)
    if !path.isEmpty { out.raw("<path class=\"line\" d=\"\(path)\"/>\n") }
  }

  /// A mean holds as long as its window.
  func drawMeanLines(_ out: inout Markup) {
    for line in lines {
      let path = path(
        line.points.filter { $0.at >= start && $0.at <= end }.map { ($0.at, $0.value) },
        longest: Int64(min(max(line.days, 2), 366)) * 86_400_000, isAloneSeen: true)
      guard !path.isEmpty else { continue }
      out.raw("<path class=\"mean-under\" d=\"\(path)\"/>")
      out.raw("<path class=\"mean-line m\(picture.meanStyle(line.rule))\" d=\"\(path)\"/>\n")
    }
  }

  /// - Parameter isAloneSeen: a value without neighbours is a short stroke.
  private func path(
    _ values: [(at: Int64, value: ExactDecimal)], longest: Int64, isAloneSeen: Bool = false
  ) -> String {
    var path = ""
    var before: Int64?
    for (at, value) in values {
      let isNext = before.map { at - $0 <= longest } ?? false
      let place = "\(Markup.number(x(at))) \(Markup.number(y(value)))"
      path += isNext ? "L\(place)" : "M\(place)" + (isAloneSeen ? "h0.1" : "")
      before = at
    }
    return path
  }

  func drawPoints(_ out: inout Markup) {
    let small = points.count > 150 ? 1.8 : 3.0
    // Among so many the line says where ordinary values are.
    let drawn = points.sorted { ($0.zone ?? .green, $0.at) < ($1.zone ?? .green, $1.at) }.filter { point in
      !(points.count > 1500 && (point.zone ?? .green) == .green && point.standing == .sure && point.above == nil)
    }
    let asides = points.count { !$0.counts }
    var groups: [(style: String, path: String)] = []
    for point in drawn {
      let shape = Shape(point)
      let size = shape == .dot ? small : points.count > 150 ? 4 : shape == .ring ? 4.5 : 5.5
      let path = shape.path(x(point.at), y(point), size)
      let style = Shape.style(point)
      if isNarrow {
        if groups.last?.style == style {
          groups[groups.count - 1].path += path
        } else {
          groups.append((style, path))
        }
        continue
      }
      out.raw("<g class=\"\(style)\"><title>")
      out.write(title(point))
      out.raw("</title><path d=\"\(path)\"/>")
      drawWord(point, withReason: asides <= 4, &out)
      out.raw("</g>\n")
    }
    for group in groups { out.raw("<g class=\"\(group.style)\"><path d=\"\(group.path)\"/></g>\n") }
    if isNarrow { for point in drawn { drawWord(point, withReason: false, &out) } }
  }

  private func title(_ point: PatientPicture.Point) -> String {
    let value = point.above.map { words.beyondRange(above: $0) } ?? words.quantity(point.value, measure)
    var parts = [value, picture.clock.moment(point.at, words)]
    if point.counts, picture.planVersion != nil { parts.append(words.zone(point.zone)) }
    return (parts + words.doubts(point.flags, point.reason)).joined(separator: ", ")
  }

  /// Beyond the axis the value stands beside its sign, beyond all numbers what the device said, of what is left out the reason.
  private func drawWord(_ point: PatientPicture.Point, withReason: Bool, _ out: inout Markup) {
    let share = axis.share(ValueAxis.number(point.value))
    var word = ""
    if let above = point.above {
      word = words.beyond(above: above)
    } else if share > 1 || share < 0 {
      word = (share > 1 ? "↑ " : "↓ ") + words.number(point.value, measure)
    }
    if withReason, !point.counts {
      word += (word.isEmpty ? "" : " ") + words.doubts(point.flags, point.reason).joined(separator: ", ")
    }
    guard !word.isEmpty else { return }
    let (x, y) = (x(point.at), y(point))
    let isRight = x + 10 + 6.2 * Double(word.count) > right
    // A reason is long: it stands below its sign, or above, where the curve is not.
    let place = withReason && !point.counts ? (y > bottom - 24 ? y - 9 : y + 16) : y + 4
    text("halo\(isRight ? " end" : "")", isRight ? x - 8 : x + 8, place, word, &out)
  }

  // MARK: What was told

  func drawMarks(_ out: inout Markup) {
    var groups: [(x: Double, labels: [String], mark: PatientHistory.Mark)] = []
    for (number, mark) in marks where mark.time >= start {
      let x = x(mark.time)
      let label = (mark.kind == .acknowledged ? "✓" : "") + "\(number)"
      if let last = groups.last, x - last.x < 44 {
        groups[groups.count - 1].labels.append(label)
        if mark.zone > last.mark.zone { groups[groups.count - 1].mark.zone = mark.zone }
      } else {
        groups.append((x, [label], mark))
      }
    }
    for group in groups {
      let isAcknowledged = group.mark.kind == .acknowledged && group.labels.count == 1
      // Of many that lie close together the first, and how many more.
      let more = group.labels.count - 1
      let text = more > 1 ? "\(group.labels[0]) +\(more)" : group.labels.joined(separator: " ")
      let width = 10 + 6.8 * Double(text.count)
      let style = isAcknowledged ? "seen" : "m-\(group.mark.zone.rawValue)"
      out.raw(line("told", group.x, 20, group.x, bottom))
      out.raw("<g class=\"badge \(style)\">")
      if !isNarrow {
        out.raw("<title>")
        out.write(
          "\(picture.clock.moment(group.mark.time, words)): \(group.mark.rule), \(words.event(group.mark, picture.kind(of: group.mark.rule)))"
        )
        if let note = group.mark.note, !note.isEmpty { out.write(" – \(note)") }
        out.raw("</title>")
      }
      let left = min(group.x - width / 2, right - width)
      out.raw("<rect \(rect(left, 4, left + width, 20)) rx=\"5\"/>")
      out.raw("<text x=\"\(Markup.number(left + width / 2))\" y=\"16\">")
      out.write(text)
      out.raw("</text></g>\n")
    }
  }
}

extension PatientPicture {
  /// By which of the styles the mean of a rule is drawn: the same on all curves.
  func meanStyle(_ rule: String) -> Int {
    let averages = rules.filter { $0.kind == "average" && $0.isEnabled }.map(\.id)
    return (averages.firstIndex(of: rule) ?? 0) % PageStyle.meanLines
  }
}
