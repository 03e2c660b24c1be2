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
    alerts(&out)
    tiles(&out)
    curves(&out)
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

  /// What is raised now.
  private func alerts(_ out: inout Markup) {
    guard let worst = picture.alerts.map(\.zone).max() else { return }
    out.raw("<section class=\"now m-\(worst.rawValue)\">\n")
    out.element("h2", "", words.say("Nå", "No", "Now"))
    out.raw("\n<ul>\n")
    for alert in picture.alerts {
      out.raw("<li>")
      chip(alert.zone, &out)
      out.raw(" ")
      out.element("strong", "", alert.rule)
      out.write(" – \(alert.message) ")
      let since = picture.clock.moment(alert.since, words)
      out.element("span", "class=\"meta\"", words.say("Siden \(since)", "Sidan \(since)", "Since \(since)"))
      let seen = words.say("; kvittert.", "; kvittert.", "; acknowledged.")
      let open = words.say("; ikke kvittert.", "; ikkje kvittert.", "; not acknowledged.")
      out.element("span", "class=\"meta\"", alert.isAcknowledged ? seen : open)
      out.raw("</li>\n")
    }
    out.raw("</ul>\n</section>\n")
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
      let values = picture.points(measure).filter { $0.standing != .apart }.map(\.value)
      if values.isEmpty {
        out.element("p", "", words.say("ingen målinger", "ingen målingar", "no measurements"))
      } else {
        out.element("p", "", spread(values, measure))
      }
      out.raw("</figcaption>\n\(curve.svg)</figure>\n")
    }
    out.raw("</section>\n")
  }

  /// `28 målinger, 110 – 142 mmHg`.
  func spread(_ values: [ExactDecimal], _ measure: Measure) -> String {
    guard let low = values.min(), let high = values.max() else { return "" }
    let count =
      values.count == 1
      ? words.say("1 måling", "1 måling", "1 measurement")
      : words.say("\(values.count) målinger", "\(values.count) målingar", "\(values.count) measurements")
    return low.isEqual(to: high)
      ? "\(count), \(words.quantity(low, measure))"
      : "\(count), \(words.number(low)) – \(words.quantity(high, measure))"
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
    item("p p-green doubt", .dot, words.say("usikker måling", "usikker måling", "questionable"), &out)
    item(
      "p p-apart", .cross,
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
