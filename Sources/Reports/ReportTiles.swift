// The page's tiles: what the period was like for each value, and the last one.

internal import Monitoring
internal import Readings

extension ReportPage {
  func tiles(_ out: inout Markup) {
    var shown: [[Measure]] = []
    for measure in picture.measures {
      if measure == .diastolic, shown.contains([.systolic]) {
        shown[shown.count - 1] = [.systolic, .diastolic]
      } else {
        shown.append([measure])
      }
    }
    let found = shown.filter { measures in
      measures.contains { measure in picture.all(measure).contains(where: \.counts) }
    }
    guard !found.isEmpty else { return }
    out.raw("<section class=\"tiles\">\n")
    for measures in found { tile(measures, &out) }
    out.raw("</section>\n")
  }

  private func tile(_ measures: [Measure], _ out: inout Markup) {
    let medians = measures.compactMap { measure in
      words.median(picture.points(measure).filter(\.counts).map(\.value), measure)
    }
    let values = picture.all(measures[0]).filter(\.counts)
    out.raw("<div class=\"tile\">")
    out.element("h2", "", measures.count > 1 ? words.bloodPressure : words.title(measures[0]))
    out.raw("<div class=\"value\">")
    out.write(medians.isEmpty ? "–" : medians.joined(separator: "/"))
    out.raw(" <small>")
    out.write(words.unit(measures[0].unit) + ", " + words.say("median", "median", "median"))
    out.raw("</small></div>\n")
    let apart = Set(measures.flatMap { measure in picture.all(measure).filter { !$0.counts }.map(\.at) }).count
    var lines = [words.count(values.count) + (apart > 0 ? ", " + words.leftOut(apart) : "")]
    for measure in measures {
      let name = measures.count > 1 ? words.shortTitle(measure) + ": " : ""
      if let range = range(measure) { lines.append(name + range) }
    }
    lines += inside(measures)
    for line in lines {
      out.element("p", "", line)
      out.raw("\n")
    }
    last(measures, &out)
    out.raw("</div>\n")
  }

  /// `lavest 84 (14. nov.), høyest 164 (12. nov.)`.
  private func range(_ measure: Measure) -> String? {
    let points = picture.all(measure).filter(\.counts)
    /// Beyond all numbers is beyond the lowest and the highest.
    func key(_ point: PatientPicture.Point) -> (Int, ExactDecimal) {
      (point.above.map { $0 ? 1 : -1 } ?? 0, point.value)
    }
    guard points.count > 1, let low = points.min(by: { key($0) < key($1) }),
      let high = points.max(by: { key($0) < key($1) }), key(low) < key(high)
    else { return nil }
    func text(_ point: PatientPicture.Point) -> String {
      (point.above.map { words.beyond(above: $0) } ?? words.number(point.value, measure))
        + " (\(picture.clock.shortDate(point.at, words)))"
    }
    return words.say(
      "lavest \(text(low)), høyest \(text(high))", "lågast \(text(low)), høgast \(text(high))",
      "lowest \(text(low)), highest \(text(high))")
  }

  /// How many of the readings that a rule over single values judged lie inside its limits, and how many no such rule judged; nothing
  /// where there is none.
  private func inside(_ measures: [Measure]) -> [String] {
    let isWatched = picture.rules.contains { rule in
      rule.isEnabled && rule.kind == "band" && measures.contains { rule.measures.contains($0) }
    }
    let rows = picture.rows.filter { row in
      row.at.map { $0 >= picture.from } ?? false
        && measures.contains { row.holds($0) && row.standing(of: $0) != .apart }
    }
    guard isWatched, !rows.isEmpty else { return [] }
    let judged = rows.filter { row in
      measures.contains { row.judgedAlone.contains($0) && row.standing(of: $0) != .apart }
    }
    let inside = judged.count { row in !measures.contains { row.outside.contains($0) } }
    var lines: [String] = []
    if !judged.isEmpty {
      let share = "\(inside) \(words.say("av", "av", "of")) \(judged.count)"
      let percent = Words.percent(inside, of: judged.count)
      lines.append(
        words.say("innenfor grensene: ", "innanfor grensene: ", "inside the limits: ") + "\(share) (\(percent) %)")
    }
    let rest = rows.count - judged.count
    if rest > 0 {
      lines.append(words.say("ikke vurdert: ", "ikkje vurdert: ", "not judged: ") + words.count(rest))
    }
    return lines
  }

  private func last(_ measures: [Measure], _ out: inout Markup) {
    let row = picture.rows.last { row in
      row.at != nil && measures.allSatisfy { row.holds($0) && row.standing(of: $0) != .apart }
    }
    guard let row, let at = row.at else { return }
    let value = measures.map { measure in
      row.values[measure].map { words.number($0, measure) } ?? row.beyond[measure].map { words.beyond(above: $0) } ?? ""
    }.joined(separator: "/")
    out.raw("<p class=\"last\">")
    out.write(words.say("Siste: ", "Siste: ", "Last: "))
    out.element("strong", "", value)
    out.write(" \(picture.clock.moment(at, words)) ")
    chip(picture.planVersion == nil ? nil : measures.compactMap { row.zone(of: $0) }.max(), &out)
    if row.standing == .doubtful || measures.contains(where: { row.standing(of: $0) == .doubtful }) {
      out.write(" · " + words.say("usikker måling", "usikker måling", "questionable"))
    }
    out.raw("</p>")
  }
}

extension Words {
  func count(_ count: Int) -> String {
    count == 1
      ? say("1 måling", "1 måling", "1 measurement")
      : say("\(count) målinger", "\(count) målingar", "\(count) measurements")
  }

  /// `1 regnes ikke med`.
  func leftOut(_ count: Int) -> String {
    say("\(count) regnes ikke med", "\(count) blir ikkje rekna med", "\(count) left out")
  }

  /// A share in per cent, rounded: 100 only of all, 0 only of none.
  static func percent(_ part: Int, of whole: Int) -> Int {
    guard part > 0, whole > 0 else { return 0 }
    guard part < whole else { return 100 }
    return min(max(Int((Double(part) * 100 / Double(whole)).rounded()), 1), 99)
  }

  /// The middle one of the values, of an even count the mean of the two, with no more digits than they have; nil without values.
  func median(_ values: [ExactDecimal], _ measure: Measure) -> String? {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return nil }
    let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
    let places = min(
      max(low.shown(usual: 0).decimalPlaces, high.shown(usual: 0).decimalPlaces, measure.usualPlaces),
      max(low.decimalPlaces, high.decimalPlaces))
    guard let middle = low.adding(high)?.scaled(by: 1, over: 2, places: places) else { return number(low, measure) }
    return number(middle.shown(usual: measure.usualPlaces))
  }
}
