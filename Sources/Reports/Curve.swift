// One value over the days as a picture (SVG 1.1, inline in HTML5): the plan's zones behind, the curve before them, what was told above,
// what did not come below. Colours and patterns stand in the page's style; no meaning hangs on a colour alone. There is a wide form for
// screens and paper and a narrow one for phones, of which the page shows one.

internal import Monitoring
internal import Readings

/// A measure's picture: what stands on it, and where.
struct Curve {
  let picture: PatientPicture
  let measure: Measure
  let words: Words
  /// Also those beyond all numbers and those that are left out.
  let points: [PatientPicture.Point]
  let stretches: [Stretch]
  let axis: ValueAxis
  let start: Int64
  let end: Int64
  let marks: [(number: Int, mark: PatientHistory.Mark)]
  let gaps: [PatientPicture.Gap]
  /// Limits of means.
  let means: [PatientPicture.MeanLimit]
  let lines: [PatientPicture.MeanLine]
  let isNarrow: Bool

  /// In units of the picture; of the narrow form one is about a point of a phone's screen.
  var width: Double { isNarrow ? 362 : 880 }
  var left: Double { isNarrow ? 34 : 46 }
  var right: Double { isNarrow ? 358 : 768 }
  var top: Double { marks.isEmpty ? 8 : 30 }
  var height: Double { isNarrow ? 180 : measure == .diastolic ? 130 : 150 }
  var bottom: Double { top + height }
  var laneBottom: Double { bottom + (gaps.isEmpty ? 0 : 24) }

  /// Nil for a measure with neither values nor limits.
  init?(_ measure: Measure, of picture: PatientPicture, isNarrow: Bool = false) {
    self.picture = picture
    self.measure = measure
    self.isNarrow = isNarrow
    words = Words(picture.language)
    points = picture.all(measure)
    let limits = picture.limits[measure] ?? []
    (start, end) = (picture.period.lowerBound, picture.period.upperBound)
    stretches = Stretch.all(limits, in: picture.period)
    means = picture.means[measure] ?? []
    lines = (picture.meanLines[measure] ?? []).prefix(PageStyle.meanLines).map { $0 }
    guard let axis = Curve.axis(points, measure, limits: limits.map(\.zones), means, lines) else { return nil }
    self.axis = axis
    let own = Set(picture.rules.filter { $0.measures.first == measure }.map(\.id))
    marks = picture.marks.enumerated().filter {
      own.contains($0.element.rule) && $0.element.kind != .missing && $0.element.kind != .cleared
    }.map { ($0.offset + 1, $0.element) }
    gaps = picture.gaps.filter { $0.measure == measure }
  }

  /// A stretch of time in which the same limits hold.
  struct Stretch: Hashable {
    /// Milliseconds since 1970.
    var from: Int64
    var to: Int64
    var bands: [ZoneBand]

    /// The stretches of a period in the order of time; none where no rule is in force.
    static func all(_ rules: [PatientPicture.RuleLimits], in period: Range<Int64>) -> [Stretch] {
      let turns = rules.flatMap(\.outages.ranges).flatMap { [$0.lowerBound, $0.upperBound] }
      let edges = Set(turns.filter { period.contains($0) } + [period.lowerBound]).sorted() + [period.upperBound]
      var found: [Stretch] = []
      for (from, to) in zip(edges, edges.dropFirst()) {
        let bands = ZoneBand.all(rules: rules.filter { !$0.outages.holds(from) }.map(\.zones))
        guard !bands.isEmpty else { continue }
        if let last = found.last, last.to == from, last.bands == bands {
          found[found.count - 1].to = to
        } else {
          found.append(Stretch(from: from, to: to, bands: bands))
        }
      }
      return found
    }
  }

  private static func axis(
    _ points: [PatientPicture.Point], _ measure: Measure, limits: [[ZoneLimit]], _ means: [PatientPicture.MeanLimit],
    _ lines: [PatientPicture.MeanLine]
  ) -> ValueAxis? {
    let numbers = points.filter { $0.above == nil }
    let bounds = limits.joined().filter { $0.zone > .green }.flatMap(\.bounds).map(\.limit)
    var all =
      numbers.filter(\.counts).map(\.value) + bounds + means.map(\.limit) + lines.flatMap { $0.points.map(\.value) }
    // What is left out is shown where it lies, as long as the others do not shrink to a stroke by it.
    for point in numbers where !point.counts && measure.gate?.contains(point.value) ?? true {
      guard let low = all.min(), let high = all.max() else { continue }
      let span = max(ValueAxis.number(high) - ValueAxis.number(low), ValueAxis.leastSpan(measure))
      let value = ValueAxis.number(point.value)
      let wide = max(ValueAxis.number(high), value) - min(ValueAxis.number(low), value)
      if wide <= 1.6 * span { all.append(point.value) }
    }
    if all.isEmpty { all = numbers.map(\.value) }
    // Nothing but values beyond all numbers: an axis around what is usual.
    if all.isEmpty, !points.isEmpty, let gate = measure.gate { all = [gate.lowerBound, gate.upperBound] }
    return ValueAxis(all, measure)
  }

  func x(_ time: Int64) -> Double {
    let share = Double(time - start) / Double(end - start)
    return left + min(max(share, 0), 1) * (right - left)
  }

  func y(_ value: Double) -> Double { bottom - min(max(axis.share(value), 0), 1) * height }

  func y(_ value: ExactDecimal) -> Double { y(ValueAxis.number(value)) }

  /// Where a value's sign stands: inside the frame, whatever the value.
  func y(_ point: PatientPicture.Point) -> Double {
    if let above = point.above { return above ? top + 8 : bottom - 8 }
    let share = axis.share(ValueAxis.number(point.value))
    return share > 1 ? top + 6 : share < 0 ? bottom - 6 : y(point.value)
  }

  /// The picture's markup.
  var svg: String {
    var out = Markup()
    let size = "\(Markup.number(width)) \(Markup.number(laneBottom + 22))"
    let style = "curve" + (isNarrow ? " narrow" : " wide") + (points.count > 150 ? " dense" : "")
    let role = isNarrow ? "aria-hidden=\"true\"" : "role=\"img\" aria-label=\"\(Markup.escaped(label))\""
    out.raw("<svg class=\"\(style)\" viewBox=\"0 0 \(size)\" \(role)>\n")
    drawZones(&out)
    drawGrid(&out)
    drawMeanLimits(&out)
    drawGaps(&out)
    drawLine(&out)
    drawMeanLines(&out)
    drawPoints(&out)
    drawMeanLabels(&out)
    drawMarks(&out)
    out.raw("</svg>\n")
    return out.text
  }

  /// For those who hear the page.
  private var label: String {
    let values = points.filter { $0.counts && $0.above == nil }.map(\.value)
    guard let low = values.min(), let high = values.max() else {
      return words.title(measure) + ": " + words.say("ingen målinger", "ingen målingar", "no measurements")
    }
    let count = words.say("\(values.count) målinger", "\(values.count) målingar", "\(values.count) measurements")
    return "\(words.title(measure)): \(count), \(words.number(low, measure)) – \(words.quantity(high, measure))"
  }

  // MARK: Pieces of markup

  func rect(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> String {
    "x=\"\(Markup.number(left))\" y=\"\(Markup.number(top))\" width=\"\(Markup.number(right - left))\" height=\"\(Markup.number(bottom - top))\""
  }

  func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line class=\"\(style)\" x1=\"\(Markup.number(x1))\" y1=\"\(Markup.number(y1))\" x2=\"\(Markup.number(x2))\" y2=\"\(Markup.number(y2))\"/>\n"
  }

  func text(_ style: String, _ x: Double, _ y: Double, _ content: String, _ out: inout Markup) {
    out.raw("<text class=\"\(style)\" x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\">")
    out.write(content)
    out.raw("</text>")
  }
}
