// One value over the days as a picture (SVG 1.1, inline in HTML5): the plan's zones behind, the curve before them, what was told above,
// what did not come below. Colours and patterns stand in the page's style; no meaning hangs on a colour alone.

internal import Monitoring
internal import Readings

/// A measure's picture.
struct Curve {
  private let picture: PatientPicture
  private let measure: Measure
  private let words: Words
  private let points: [PatientPicture.Point]
  private let bands: [ZoneBand]
  private let axis: ValueAxis
  private let start: Int64
  private let end: Int64
  private let marks: [(number: Int, mark: PatientHistory.Mark)]
  private let gaps: [PatientPicture.Gap]

  private static let width = 880.0
  private static let left = 46.0
  private static let right = 768.0
  private var top: Double { marks.isEmpty ? 8 : 30 }
  private var height: Double { measure == .diastolic ? 130 : 150 }
  private var bottom: Double { top + height }
  private var laneBottom: Double { bottom + (gaps.isEmpty ? 0 : 24) }

  /// Nil for a measure with neither values nor limits.
  init?(_ measure: Measure, of picture: PatientPicture) {
    self.picture = picture
    self.measure = measure
    words = Words(picture.language)
    points = picture.points(measure)
    let limits = picture.limits[measure] ?? []
    bands = ZoneBand.all(limits)
    let values = points.filter { $0.standing != .apart }.map(\.value)
    let means = (picture.means[measure] ?? []).map(\.limit)
    let all = values + limits.filter { $0.zone > .green }.flatMap(\.bounds).map(\.limit) + means
    guard let axis = ValueAxis(all.isEmpty ? points.map(\.value) : all, measure) else { return nil }
    self.axis = axis
    start = picture.clock.midnight(picture.from)
    end = max(picture.clock.midnight(picture.until, addingDays: 1), start + 3_600_000)
    let own = Set(picture.rules.filter { $0.measures.first == measure }.map(\.id))
    marks = picture.marks.enumerated().filter { own.contains($0.element.rule) && $0.element.kind != .missing }.map {
      ($0.offset + 1, $0.element)
    }
    gaps = picture.gaps.filter { $0.measure == measure }
  }

  private func x(_ time: Int64) -> Double {
    let share = Double(time - start) / Double(end - start)
    return Curve.left + min(max(share, 0), 1) * (Curve.right - Curve.left)
  }

  private func y(_ value: Double) -> Double { bottom - min(max(axis.share(value), 0), 1) * height }

  private func y(_ value: ExactDecimal) -> Double { y(ValueAxis.number(value)) }

  /// The picture's markup.
  var svg: String {
    var out = Markup()
    let size = "\(Markup.number(Curve.width)) \(Markup.number(laneBottom + 22))"
    let style = points.count > 150 ? "curve dense" : "curve"
    out.raw("<svg class=\"\(style)\" viewBox=\"0 0 \(size)\" role=\"img\" aria-label=\"\(Markup.escaped(label))\">\n")
    drawZones(&out)
    drawGrid(&out)
    drawMeans(&out)
    drawGaps(&out)
    drawLine(&out)
    drawPoints(&out)
    drawMeanLabels(&out)
    drawMarks(&out)
    out.raw("</svg>\n")
    return out.text
  }

  /// For those who hear the page.
  private var label: String {
    let values = points.filter { $0.standing != .apart }.map(\.value)
    guard let low = values.min(), let high = values.max() else {
      return words.title(measure) + ": " + words.say("ingen målinger", "ingen målingar", "no measurements")
    }
    let count = words.say("\(values.count) målinger", "\(values.count) målingar", "\(values.count) measurements")
    return "\(words.title(measure)): \(count), \(words.number(low)) – \(words.quantity(high, measure))"
  }

  // MARK: Behind the curve

  private func drawZones(_ out: inout Markup) {
    for band in bands {
      let upper = band.high.map { y($0) } ?? top
      let lower = band.low.map { y($0) } ?? bottom
      guard lower - upper > 0.05 else { continue }
      let place = rect(Curve.left, upper, Curve.right, lower)
      out.raw("<rect class=\"z-\(band.zone.rawValue)\" \(place)/>")
      if band.zone > .green {
        out.raw("<path class=\"hatch-\(band.zone.rawValue)\" d=\"\(hatching(band.zone, upper, lower))\"/>")
      }
      out.raw("\n")
      guard lower - upper >= 11 else { continue }
      let text = words.zone(band.zone) + " " + band.text { words.limit($0) }
      out.raw(
        "<text class=\"zone t-\(band.zone.rawValue)\" x=\"\(Markup.number(Curve.right + 8))\" y=\"\(Markup.number((upper + lower) / 2 + 4))\">"
      )
      out.write(text)
      out.raw("</text>\n")
    }
  }

  /// Lines and no pattern: a printer draws them as fine as it can, and the file of a print stays small.
  private func hatching(_ zone: Zone, _ upper: Double, _ lower: Double) -> String {
    let height = lower - upper
    let step = zone == .red ? 7.0 : 9.0
    var path = ""
    var foot = Curve.left - (height / step).rounded(.down) * step
    while foot < Curve.right {
      let (from, to) = (max(foot, Curve.left), min(foot + height, Curve.right))
      if to > from {
        let (low, high) = (from - foot, to - foot)
        func stroke(_ y1: Double, _ y2: Double) -> String {
          "M\(Markup.number(from)) \(Markup.number(y1))L\(Markup.number(to)) \(Markup.number(y2))"
        }
        path += stroke(lower - low, lower - high)
        if zone == .red { path += stroke(upper + low, upper + high) }
      }
      foot += step
    }
    return path
  }

  private func drawGrid(_ out: inout Markup) {
    for tick in axis.ticks {
      let y = y(tick)
      out.raw(line("grid", Curve.left, y, Curve.right, y))
      out.raw("<text class=\"axis end\" x=\"\(Markup.number(Curve.left - 7))\" y=\"\(Markup.number(y + 4))\">")
      out.write(words.number(tick))
      out.raw("</text>\n")
    }
    var free = -Double.infinity
    for tick in picture.clock.ticks(from: start, to: end, words) {
      let x = x(tick.at)
      out.raw(line(tick.label == nil ? "grid day" : "grid", x, top, x, laneBottom + (tick.label == nil ? 0 : 4)))
      // About seven to a letter.
      let width = Double(tick.label?.count ?? 0) * 6.6
      guard let label = tick.label, x >= free, x + width / 2 < Curve.width else { continue }
      free = x + width + 14
      out.raw("<text class=\"axis\" x=\"\(Markup.number(x + 2))\" y=\"\(Markup.number(laneBottom + 17))\">")
      out.write(label)
      out.raw("</text>\n")
    }
    out.raw("<rect class=\"frame\" \(rect(Curve.left, top, Curve.right, bottom))/>\n")
    if picture.until < end {
      out.raw(line("now", x(picture.until), top, x(picture.until), bottom))
    }
  }

  private func drawMeans(_ out: inout Markup) {
    for limit in picture.means[measure] ?? [] where axis.share(ValueAxis.number(limit.limit)) <= 1 {
      let y = y(limit.limit)
      out.raw(line("mean t-\(limit.zone.rawValue)", Curve.left, y, Curve.right, y))
    }
  }

  /// Over the curve: it must be read among a thousand values.
  private func drawMeanLabels(_ out: inout Markup) {
    var taken: [Double] = []
    for limit in picture.means[measure] ?? [] where axis.share(ValueAxis.number(limit.limit)) <= 1 {
      let y = y(limit.limit)
      guard !taken.contains(where: { ($0 - y).magnitude < 13 }) else { continue }
      taken.append(y)
      let text = words.say(
        "grense for snittet av \(limit.days) døgn: ", "grense for snittet av \(limit.days) døgn: ",
        "limit of the mean of \(limit.days) days: ")
      let place = "x=\"\(Markup.number(Curve.left + 6))\" y=\"\(Markup.number(y - 4))\""
      out.raw("<text class=\"halo t-\(limit.zone.rawValue)\" \(place)>")
      out.write(text + words.limit(limit.limit))
      out.raw("</text>\n")
    }
  }

  private func drawGaps(_ out: inout Markup) {
    guard !gaps.isEmpty else { return }
    let middle = bottom + 14
    out.raw("<text class=\"axis end lane\" x=\"\(Markup.number(Curve.left - 7))\" y=\"\(Markup.number(middle + 4))\">")
    out.write(words.missed)
    out.raw("</text>\n")
    for gap in gaps where gap.end >= start {
      let (from, to) = (x(max(gap.start, start)), x(gap.end))
      let centre = (from + to) / 2
      out.raw("<g class=\"gap\"><title>")
      out.write(
        "\(words.missed): \(picture.clock.moment(gap.start, words)) – \(picture.clock.moment(gap.end, words))")
      out.raw("</title>")
      if to - from > 14 { out.raw("<rect \(rect(from, middle - 5, to, middle + 5))/>") }
      out.raw("<path d=\"\(Shape.cross.path(centre, middle, 3.5))\"/></g>\n")
    }
  }

  // MARK: The curve

  /// A long silence is no straight line.
  private func drawLine(_ out: inout Markup) {
    let joined = points.filter { $0.standing != .apart }
    let steps = zip(joined, joined.dropFirst()).map { $1.at - $0.at }.sorted()
    let usual = steps.isEmpty ? 0 : steps[steps.count / 2]
    let longest = max(4 * usual, 36 * 3_600_000)
    var path = ""
    var before: Int64?
    for point in joined {
      let isNext = before.map { point.at - $0 <= longest } ?? false
      path += "\(isNext ? "L" : "M")\(Markup.number(x(point.at))) \(Markup.number(y(point.value)))"
      before = point.at
    }
    if !path.isEmpty { out.raw("<path class=\"line\" d=\"\(path)\"/>\n") }
  }

  private func drawPoints(_ out: inout Markup) {
    let small = points.count > 150 ? 1.8 : 3.0
    for point in points.sorted(by: { ($0.zone ?? .green, $0.at) < ($1.zone ?? .green, $1.at) }) {
      // Among so many the line says where ordinary values are.
      if points.count > 1500, point.zone ?? .green == .green, point.standing == .sure { continue }
      let shape = Shape(point)
      let share = axis.share(ValueAxis.number(point.value))
      let size = shape == .dot ? small : points.count > 150 ? 4 : 5.5
      let (x, y) = (x(point.at), y(point.value))
      out.raw("<g class=\"\(Shape.style(point))\"><title>")
      out.write(words.quantity(point.value, measure) + ", " + picture.clock.moment(point.at, words))
      if point.standing != .apart, let zone = point.zone { out.write(", " + words.zone(zone)) }
      for flag in point.flags { out.write(", " + words.flag(flag)) }
      out.raw("</title><path d=\"\(shape.path(x, y, size))\"/>")
      // Beyond the axis: the value stands beside its sign.
      if share > 1 || share < 0 {
        let isRight = x > Curve.right - 60
        out.raw(
          "<text class=\"halo\(isRight ? " end" : "")\" x=\"\(Markup.number(isRight ? x - 8 : x + 8))\" y=\"\(Markup.number(share > 1 ? y + 12 : y - 4))\">"
        )
        out.write((share > 1 ? "↑ " : "↓ ") + words.number(point.value))
        out.raw("</text>")
      }
      out.raw("</g>\n")
    }
  }

  // MARK: What was told

  private func drawMarks(_ out: inout Markup) {
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
      out.raw("<g class=\"badge \(style)\"><title>")
      out.write("\(picture.clock.moment(group.mark.time, words)): \(group.mark.rule), \(words.event(group.mark))")
      if let note = group.mark.note, !note.isEmpty { out.write(" – \(note)") }
      out.raw("</title>")
      let left = min(group.x - width / 2, Curve.right - width)
      out.raw("<rect \(rect(left, 4, left + width, 20)) rx=\"5\"/>")
      out.raw("<text x=\"\(Markup.number(left + width / 2))\" y=\"16\">")
      out.write(text)
      out.raw("</text></g>\n")
    }
  }

  private func rect(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> String {
    "x=\"\(Markup.number(left))\" y=\"\(Markup.number(top))\" width=\"\(Markup.number(right - left))\" height=\"\(Markup.number(bottom - top))\""
  }

  private func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line class=\"\(style)\" x1=\"\(Markup.number(x1))\" y1=\"\(Markup.number(y1))\" x2=\"\(Markup.number(x2))\" y2=\"\(Markup.number(y2))\"/>\n"
  }
}
