// What lies behind a curve: the plan's zones, the grid, limits of means, what did not come.

internal import Monitoring
internal import Readings

extension Curve {
  func drawZones(_ out: inout Markup) {
    for stretch in stretches { draw(stretch, &out) }
  }

  private func draw(_ stretch: Stretch, _ out: inout Markup) {
    let (from, to) = (x(stretch.from), x(stretch.to))
    guard to - from > 0.05 else { return }
    for (index, band) in stretch.bands.enumerated() {
      let upper = band.high.map { y($0) } ?? top
      let lower = band.low.map { y($0) } ?? bottom
      guard lower - upper > 0.05 else { continue }
      out.raw("<rect class=\"z-\(band.zone.rawValue)\" \(rect(from, upper, to, lower))/>")
      if band.zone > .green {
        out.raw("<path class=\"hatch-\(band.zone.rawValue)\" d=\"\(hatching(band, upper, lower, from, to))\"/>")
      }
      out.raw("\n")
      // Between two levels of one colour nothing but a line and the hatching tells them apart.
      if index > 0, stretch.bands[index - 1].zone == band.zone { out.raw(line("level", from, lower, to, lower)) }
      guard lower - upper >= 11 else { continue }
      let level = band.level > 1 ? " \(band.level)" : ""
      let name = words.zone(band.zone) + level + " " + band.text { words.limit($0) }
      if !isNarrow, to > right - 0.05 {
        text("zone t-\(band.zone.rawValue)", right + 8, (upper + lower) / 2 + 4, name, &out)
      } else if to - from >= 8 + 6.6 * Double(name.count) {
        // Beside the picture only what holds at its end can stand.
        text("zone halo t-\(band.zone.rawValue)", from + 5, (upper + lower) / 2 + 4, name, &out)
      }
      out.raw("\n")
    }
  }

  /// Lines and no pattern: a printer draws them as fine as it can, and the file of a print stays small.
  private func hatching(
    _ band: ZoneBand, _ upper: Double, _ lower: Double, _ left: Double, _ right: Double
  ) -> String {
    let height = lower - upper
    let step = (band.zone == .red ? 7.0 : 9.0) / (band.level > 1 ? 1.8 : 1)
    var path = ""
    var foot = left - (height / step).rounded(.down) * step
    while foot < right {
      let (from, to) = (max(foot, left), min(foot + height, right))
      if to > from {
        let (low, high) = (from - foot, to - foot)
        func stroke(_ y1: Double, _ y2: Double) -> String {
          "M\(Markup.number(from)) \(Markup.number(y1))L\(Markup.number(to)) \(Markup.number(y2))"
        }
        path += stroke(lower - low, lower - high)
        if band.zone == .red { path += stroke(upper + low, upper + high) }
      }
      foot += step
    }
    return path
  }

  func drawGrid(_ out: inout Markup) {
    let style = isNarrow ? "tick" : "axis"
    for tick in axis.ticks {
      let y = y(tick)
      out.raw(line("grid", left, y, right, y))
      text("\(style) end", left - 7, y + 4, words.number(tick), &out)
      out.raw("\n")
    }
    var free = -Double.infinity
    for tick in picture.clock.ticks(from: start, to: end, words) {
      let x = x(tick.at)
      out.raw(line(tick.label == nil ? "grid day" : "grid", x, top, x, laneBottom + (tick.label == nil ? 0 : 4)))
      // About seven to a letter.
      let length = Double(tick.label?.count ?? 0) * 6.6
      guard let label = tick.label, x >= free, x + length * (isNarrow ? 1 : 0.5) < width else { continue }
      free = x + length + 14
      text(style, x + 2, laneBottom + 17, label, &out)
      out.raw("\n")
    }
    out.raw("<rect class=\"frame\" \(rect(left, top, right, bottom))/>\n")
    if picture.until < end {
      out.raw(line("now", x(picture.until), top, x(picture.until), bottom))
    }
  }

  func drawMeanLimits(_ out: inout Markup) {
    for limit in means where (0...1).contains(axis.share(ValueAxis.number(limit.limit))) {
      let y = y(limit.limit)
      out.raw(line("mean t-\(limit.zone.rawValue)", left, y, right, y))
    }
  }

  /// Over the curve: it must be read among a thousand values.
  func drawMeanLabels(_ out: inout Markup) {
    var taken: [(x: Double, y: Double)] = []
    for limit in means where (0...1).contains(axis.share(ValueAxis.number(limit.limit))) {
      let y = y(limit.limit)
      // Those that lie close together stand beside each other.
      let near = taken.filter { ($0.y - y).magnitude < 13 }
      let x = near.map { $0.x + 225 }.max() ?? left + (isNarrow ? 112 : 6)
      guard x + 200 <= right else { continue }
      taken.append((x, y))
      let name = words.say(
        "grense for snittet av \(limit.days) døgn: ", "grense for snittet av \(limit.days) døgn: ",
        "limit of the mean of \(limit.days) days: ")
      text("halo t-\(limit.zone.rawValue)", x, y - 4, name + words.limit(limit.limit), &out)
      out.raw("\n")
    }
    for (line, y) in meanEnds where !taken.contains(where: { ($0.y - y).magnitude < 12 && isNarrow }) {
      guard let last = line.points.last else { continue }
      let value = words.mean(last.value, measure.usualPlaces, means.filter { $0.rule == line.rule }.map(\.limit))
      let x = min(max(x(last.at), left + 90), right - 4)
      text("halo end", x, y < top + 24 ? y + 16 : y - 6, words.say("snitt ", "snitt ", "mean ") + value, &out)
      out.raw("\n")
    }
  }

  /// The last point of each mean's line, those that lie on each other left out.
  private var meanEnds: [(PatientPicture.MeanLine, Double)] {
    var ends: [(PatientPicture.MeanLine, Double)] = []
    for line in lines {
      guard let last = line.points.last else { continue }
      let y = y(last.value)
      if !ends.contains(where: { ($0.1 - y).magnitude < 13 }) { ends.append((line, y)) }
    }
    return ends
  }

  func drawGaps(_ out: inout Markup) {
    guard !gaps.isEmpty else { return }
    let middle = bottom + 14
    if !isNarrow {
      text("axis end lane", left - 7, middle + 4, words.missed, &out)
      out.raw("\n")
    }
    for gap in gaps where gap.end >= start {
      let (from, to) = (x(max(gap.start, start)), x(gap.end))
      let centre = (from + to) / 2
      out.raw("<g class=\"gap\">")
      if !isNarrow {
        out.raw("<title>")
        out.write(
          "\(words.missed): \(picture.clock.moment(gap.start, words)) – \(picture.clock.moment(gap.end, words))")
        out.raw("</title>")
      }
      if to - from > 14 { out.raw("<rect \(rect(from, middle - 5, to, middle + 5))/>") }
      out.raw("<path d=\"\(Shape.cross.path(centre, middle, 3.5))\"/></g>\n")
    }
  }
}
