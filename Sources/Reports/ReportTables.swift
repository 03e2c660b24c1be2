// The page's tables: what was told, what the plan watches, every reading.

internal import Monitoring
internal import Readings
internal import Zones

extension ReportPage {
  // MARK: What was told

  func told(_ out: inout Markup) {
    guard !picture.marks.isEmpty else { return }
    out.raw("<section>\n")
    out.element(
      "h2", "",
      words.say("Beskjeder og kvitteringer", "Meldingar og kvitteringar", "What was told, and who took notice"))
    out.raw("\n")
    head(
      [
        words.say("Nr.", "Nr.", "No."), words.say("Tid", "Tid", "Time"), words.say("Regel", "Regel", "Rule"),
        words.say("Hva", "Kva", "What"), words.say("Sone", "Sone", "Zone"), words.say("Merknad", "Merknad", "Note"),
      ], &out)
    for (index, mark) in picture.marks.enumerated() {
      out.raw("<tr><td class=\"n\">\(mark.kind == .acknowledged ? "✓" : "")\(index + 1)</td>")
      out.element("td", "class=\"time\"", picture.clock.moment(mark.time, words))
      out.element("td", "", mark.rule)
      out.element("td", "", words.event(mark, picture.kind(of: mark.rule)))
      out.raw("<td>")
      // What ended because the rule is not in force any more is not green by that.
      if words.isLeaving(mark) { out.write("–") } else { chip(mark.zone, &out) }
      out.raw("</td>")
      let note = [mark.by, mark.note].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
      let because = mark.because.map(words.because) ?? ""
      out.element("td", "", [note, because].filter { !$0.isEmpty }.joined(separator: "; "))
      out.raw("</tr>\n")
    }
    out.raw("</tbody></table>\n</section>\n")
  }

  // MARK: The plan

  func plan(_ out: inout Markup) {
    let rules = picture.rules.filter(\.isEnabled)
    guard let version = picture.planVersion, !rules.isEmpty else { return }
    out.raw("<section>\n")
    out.element(
      "h2", "", words.say("Planen, versjon \(version)", "Planen, versjon \(version)", "The plan, version \(version)"))
    out.raw("<dl>\n")
    for rule in rules {
      out.element("dt", "", rule.id)
      out.element("dd", "", [rule.says, validity(rule)].filter { !$0.isEmpty }.joined(separator: " "))
      out.raw("\n")
    }
    out.raw("</dl>\n</section>\n")
  }

  /// From which date to which the rule is in force; empty where it has no bound.
  private func validity(_ rule: PatientPicture.RuleText) -> String {
    func date(_ text: String?) -> String? {
      text.flatMap { ISO8601.day($0) }.map {
        picture.clock.longDate(picture.clock.instant(CivilTime(seconds: $0 * 86_400)), words)
      }
    }
    let from = date(rule.validFrom).map { words.say(" fra \($0)", " frå \($0)", " from \($0)") } ?? ""
    let to = date(rule.validTo).map {
      words.say(" til og med \($0)", " til og med \($0)", " to \($0), that day counted")
    }
    guard !from.isEmpty || to != nil else { return "" }
    return words.say("Gjelder", "Gjeld", "In force") + from + (to ?? "") + "."
  }

  // MARK: Every reading

  func readings(_ out: inout Markup) {
    guard !picture.rows.isEmpty else { return }
    out.raw("<section class=\"readings\">\n")
    out.element("h2", "", words.say("Alle målinger", "Alle målingar", "All measurements"))
    out.raw("\n")
    head(
      [
        words.say("Tid", "Tid", "Time"), words.say("Måling", "Måling", "Measurement"),
        words.say("Verdier", "Verdiar", "Values"), words.say("Sone", "Sone", "Zone"),
        words.say("Merknader", "Merknader", "Remarks"), words.say("Apparat", "Apparat", "Device"),
      ], &out)
    let placed = picture.rows.filter { $0.at != nil }
    var day: String?
    for row in placed.reversed() {
      guard let at = row.at else { continue }
      let name = picture.clock.dayName(at, words)
      if name != day {
        out.raw("<tr class=\"day\"><td colspan=\"6\">")
        out.write(name + " \(picture.clock.civil(at).year)")
        out.raw("</td></tr>\n")
        day = name
      }
      line(row, picture.clock.time(at), &out)
    }
    let unplaced = picture.rows.filter { $0.at == nil }
    if !unplaced.isEmpty {
      out.raw("<tr class=\"day\"><td colspan=\"6\">")
      out.write(words.say("Uten sikker tid", "Utan sikker tid", "Without a certain time"))
      out.raw("</td></tr>\n")
      for row in unplaced { line(row, "–", &out) }
    }
    out.raw("</tbody></table>\n</section>\n")
  }

  private func line(_ row: PatientPicture.Row, _ time: String, _ out: inout Markup) {
    out.raw("<tr>")
    out.element("td", "class=\"time\"", time)
    out.element("td", "", words.kind(row.kind))
    out.element("td", "", values(row))
    out.raw("<td>")
    chip(row.standing == .apart ? nil : row.zone, &out)
    out.raw("</td>")
    out.element("td", "", remarks(row))
    out.element("td", "", row.device ?? "")
    out.raw("</tr>\n")
  }

  /// What the device said, and which rules did not judge it and why.
  private func remarks(_ row: PatientPicture.Row) -> String {
    var said: [String] = []
    for measure in Measure.allCases where row.holds(measure) {
      for text in words.doubts(row.flags, row.worth[measure]) where !said.contains(text) { said.append(text) }
    }
    for text in row.flags.map(words.flag) where !said.contains(text) { said.append(text) }
    if let quality = row.timeQuality, quality != .device {
      let text = words.timeQuality(quality)
      if !said.contains(text) { said.append(text) }
    }
    // One reason for several rules stands once.
    var reasons: [(text: String, rules: [String])] = []
    for refused in row.notJudged {
      let text = PlanText.reason(refused.because, words.language)
      guard !said.contains(text) else { continue }
      if let index = reasons.firstIndex(where: { $0.text == text }) {
        reasons[index].rules.append(refused.rule)
      } else {
        reasons.append((text, [refused.rule]))
      }
    }
    return
      (said
      + reasons.map { reason in
        words.say("ikke vurdert av ", "ikkje vurdert av ", "not judged by ") + reason.rules.joined(separator: ", ")
          + ": "
          + reason.text
      }).joined(separator: "; ")
  }

  /// `128/82 mmHg, puls 70/min`.
  private func values(_ row: PatientPicture.Row) -> String {
    var parts: [String] = []
    var values = row.values
    if let systolic = values[.systolic], let diastolic = values[.diastolic] {
      parts.append("\(words.number(systolic, .systolic))/\(words.quantity(diastolic, .diastolic))")
      (values[.systolic], values[.diastolic]) = (nil, nil)
    }
    for measure in Measure.allCases where row.holds(measure) {
      let text =
        values[measure].map { words.quantity($0, measure) } ?? row.beyond[measure].map { words.beyondRange(above: $0) }
      guard let text else { continue }
      parts.append(
        (measure == .pulse || measure == .perfusion || measure == .meanArterial
          ? words.shortTitle(measure).lowercased() + " " : "") + text)
    }
    return parts.joined(separator: ", ")
  }

  func head(_ names: [String], _ out: inout Markup) {
    out.raw("<table>\n<thead><tr>")
    for name in names { out.element("th", "", name) }
    out.raw("</tr></thead>\n<tbody>\n")
  }
}
