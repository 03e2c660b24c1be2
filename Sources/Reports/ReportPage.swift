// A patient's picture as one page of HTML5: no script, nothing from any network, print on A4. For those who follow the patient.

internal import Monitoring
internal import Readings

package struct ReportPage {
  let picture: PatientPicture
  let words: Words

  package init(_ picture: PatientPicture) {
    self.picture = picture
    words = Words(picture.language)
  }

  /// The document, in UTF-8.
  package var html: String {
    var out = Markup()
    out.raw("<!DOCTYPE html>\n<html lang=\"\(picture.language.rawValue)\">\n<head>\n<meta charset=\"utf-8\">\n")
    out.raw(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
    )
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
    out.raw("<meta name=\"robots\" content=\"noindex\">\n<meta name=\"referrer\" content=\"no-referrer\">\n")
    out.raw("<link rel=\"icon\" href=\"data:,\">\n")
    out.element("title", "", "\(picture.patient) – \(period)")
    out.raw("\n<style>\n\(PageStyle.css)\n</style>\n</head>\n<body>\n")
    out.raw(PageStyle.patterns)
    header(&out)
    episodes(&out)
    tiles(&out)
    curves(&out)
    olderEpisodes(&out)
    told(&out)
    plan(&out)
    readings(&out)
    footer(&out)
    out.raw("</body>\n</html>\n")
    return out.text
  }

  private var period: String {
    let (from, until) = (picture.clock.longDate(picture.from, words), picture.clock.longDate(picture.until, words))
    return from == until ? until : "\(from) – \(until)"
  }

  private func header(_ out: inout Markup) {
    out.raw("<header>\n")
    out.element(
      "p", "class=\"kicker\"", words.say("Målinger hjemmefra", "Målingar heimanfrå", "Measurements from home"))
    out.raw("\n")
    out.element("h1", "", picture.patient)
    let days = words.say(
      "\(picture.days) dager", "\(picture.days) dagar", picture.days == 1 ? "1 day" : "\(picture.days) days")
    let plan = picture.planVersion.map { words.say("plan versjon \($0)", "plan versjon \($0)", "plan version \($0)") }
    let noPlan = words.say("ingen plan", "ingen plan", "no plan")
    out.raw("\n")
    out.element("p", "class=\"meta\"", "\(period) (\(days)) · \(plan ?? noPlan) · \(picture.clock.name)")
    out.raw("\n</header>\n")
  }

  /// A zone as shape, colour and word.
  func chip(_ zone: Zone?, _ out: inout Markup) {
    let style = zone?.rawValue ?? "none"
    out.raw("<span class=\"chip t-\(style)\">")
    if let zone { out.raw(Shape(zone).icon("p p-\(zone.rawValue)")) }
    out.write(words.zone(zone))
    out.raw("</span>")
  }

  // MARK: Curves

  private func curves(_ out: inout Markup) {
    let drawn = picture.measures.compactMap { measure in Curve(measure, of: picture).map { (measure, $0) } }
    guard !drawn.isEmpty else {
      out.element(
        "p", "class=\"empty\"",
        words.say("Ingen målinger i disse dagene.", "Ingen målingar i desse dagane.", "No measurements in these days."))
      return out.raw("\n")
    }
    out.raw("<section>\n")
    legend(&out)
    for (measure, curve) in drawn {
      out.raw("<figure>\n<figcaption>")
      out.element("h2", "", words.title(measure) + " (" + words.unit(measure.unit) + ")")
      out.element("p", "", spread(picture.all(measure).filter(\.counts), measure))
      out.raw("</figcaption>\n\(curve.svg)")
      if let narrow = Curve(measure, of: picture, isNarrow: true) { out.raw(narrow.svg) }
      leftOut(measure, &out)
      out.raw("</figure>\n")
    }
    out.raw("</section>\n")
  }

  /// `28 målinger, 110 – 142 mmHg, 1 over måleområdet (HI)`.
  func spread(_ points: [PatientPicture.Point], _ measure: Measure) -> String {
    guard !points.isEmpty else { return words.say("ingen målinger", "ingen målingar", "no measurements") }
    let values = points.filter { $0.above == nil }.map(\.value)
    var parts = [words.count(points.count)]
    if let low = values.min(), let high = values.max() {
      parts.append(
        low.isEqual(to: high)
          ? words.quantity(low, measure) : "\(words.number(low, measure)) – \(words.quantity(high, measure))")
    }
    for above in [false, true] {
      let count = points.count { $0.above == above }
      if count > 0 { parts.append("\(count) \(words.beyondRange(above: above))") }
    }
    return parts.joined(separator: ", ")
  }

  /// What does not count, with its reason: on paper and on a phone nothing appears under a finger.
  private func leftOut(_ measure: Measure, _ out: inout Markup) {
    guard let text = leftOut(measure) else { return }
    out.element("p", "class=\"left-out\"", text)
    out.raw("\n")
  }

  /// `Regnes ikke med: 77,5 kg to. 19. nov. 07:30, kanskje en annen person`; nil: everything counts.
  func leftOut(_ measure: Measure) -> String? {
    let points = picture.all(measure).filter { !$0.counts }
    guard !points.isEmpty else { return nil }
    let most = 6
    let texts = points.suffix(most).map { point in
      let value = point.above.map { words.beyondRange(above: $0) } ?? words.quantity(point.value, measure)
      return (["\(value) \(picture.clock.moment(point.at, words))"] + words.doubts(point.flags, point.reason))
        .joined(separator: ", ")
    }
    let more = points.count - texts.count
    let rest = more > 0 ? words.say("; og \(more) til", "; og \(more) til", "; and \(more) more") : ""
    return words.say("Regnes ikke med: ", "Blir ikkje rekna med: ", "Left out: ") + texts.joined(separator: "; ") + rest
  }

  private func legend(_ out: inout Markup) {
    out.raw("<ul class=\"legend\">\n")
    if picture.planVersion != nil {
      for zone in Zone.allCases {
        out.raw(
          "<li><svg class=\"swatch\" viewBox=\"0 0 30 14\" aria-hidden=\"true\"><rect class=\"z-\(zone.rawValue)\" width=\"30\" height=\"14\"/>"
        )
        if zone > .green { out.raw("<rect fill=\"url(#hatch-\(zone.rawValue))\" width=\"30\" height=\"14\"/>") }
        out.raw("</svg>\(Shape(zone).icon("p p-\(zone.rawValue)"))")
        out.write(words.zone(zone))
        out.raw("</li>\n")
      }
    }
    for (index, line) in meanLines.enumerated() where index < PageStyle.meanLines {
      out.raw(
        "<li><svg class=\"swatch stroke\" viewBox=\"0 0 30 14\" aria-hidden=\"true\"><path class=\"mean-line m\(picture.meanStyle(line.rule))\" d=\"M1 7L29 7\"/></svg>"
      )
      out.write(words.legend(of: line))
      out.raw("</li>\n")
    }
    if picture.rows.contains(where: { $0.at != nil && !$0.beyond.isEmpty }) {
      out.raw("<li>\(Shape.down.icon("p p-red"))\(Shape.up.icon("p p-red"))")
      out.write(
        words.say("utenfor måleområdet (LO, HI)", "utanfor måleområdet (LO, HI)", "beyond the device's range (LO, HI)"))
      out.raw("</li>\n")
    }
    if picture.planVersion != nil, picture.hasUnjudged { item("p p-none", .dot, words.zone(nil), &out) }
    item("p p-green doubt", .dot, words.say("usikker måling", "usikker måling", "questionable"), &out)
    item(
      "p p-apart", .ring,
      words.say(
        "regnes ikke med (annen person, usannsynlig)", "blir ikkje rekna med (annan person, usannsynleg)",
        "left out (other person, implausible)"),
      &out)
    if !picture.gaps.isEmpty { item("gap", .cross, words.missed, &out) }
    if !picture.marks.isEmpty {
      out.raw("<li>")
      out.write(
        words.say(
          "tall over kurven: se beskjedene", "tal over kurva: sjå meldingane", "numbers above: see what was told"))
      out.raw("</li>\n")
    }
    out.raw("</ul>\n")
  }

  /// One a rule, though it may lie on several curves.
  private var meanLines: [PatientPicture.MeanLine] {
    var seen: Set<String> = []
    return picture.measures.flatMap { picture.meanLines[$0] ?? [] }.filter { seen.insert($0.rule).inserted }
  }

  private func item(_ style: String, _ shape: Shape, _ text: String, _ out: inout Markup) {
    out.raw("<li>\(shape.icon(style))")
    out.write(text)
    out.raw("</li>\n")
  }

  private func footer(_ out: inout Markup) {
    out.raw("<footer>")
    let made = picture.clock.moment(picture.until, words)
    out.write(
      words.say(
        "Laget \(made) av hub \(picture.hub). Sonene er varsler etter avtale, ikke alarmer og ikke medisinske råd. Grensene er satt av dem som behandler.",
        "Laga \(made) av hub \(picture.hub). Sonene er varsel etter avtale, ikkje alarmar og ikkje medisinske råd. Grensene er sette av dei som behandlar.",
        "Made \(made) by hub \(picture.hub). Zones are notifications by agreement, no alarms and no medical advice. The limits were set by those who treat."
      ))
    out.raw("</footer>\n")
  }
}
