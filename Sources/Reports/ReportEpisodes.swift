// The page's episodes: what was raised, from when to when, how far out, who was told and who took notice. Those that go on come first.

internal import Monitoring
internal import Readings

extension ReportPage {
  private typealias Episode = PatientPicture.Episode

  /// So many that are over stand at the top of the page; older ones below the curves.
  private static let newest = 8

  func episodes(_ out: inout Markup) {
    guard picture.planVersion != nil || !picture.episodes.isEmpty else { return }
    let open = picture.episodes.filter(\.isOpen)
    let over = picture.episodes.filter { !$0.isOpen }
    out.raw("<section class=\"episodes\">\n")
    out.element("h2", "", words.say("Episoder", "Episodar", "Episodes"))
    out.raw("\n")
    let back = words.say(
      "De siste \(PatientPicture.episodeDays) dagene, så langt det er tatt vare på.",
      "Dei siste \(PatientPicture.episodeDays) dagane, så langt det er teke vare på.",
      "The last \(PatientPicture.episodeDays) days, as far as they are kept.")
    out.element("p", "class=\"meta\"", back)
    out.raw("\n")
    for episode in open { card(episode, &out) }
    if open.isEmpty {
      out.element(
        "p", "", words.say("Ingenting pågår nå.", "Ingenting går føre seg no.", "Nothing is going on now."))
      out.raw("\n")
    }
    if !over.isEmpty { table(over.prefix(ReportPage.newest), &out) }
    out.raw("</section>\n")
  }

  /// Those that did not stand at the top.
  func olderEpisodes(_ out: inout Markup) {
    let older = picture.episodes.filter { !$0.isOpen }.dropFirst(ReportPage.newest)
    guard !older.isEmpty else { return }
    out.raw("<section class=\"episodes\">\n")
    out.element("h2", "", words.say("Eldre episoder", "Eldre episodar", "Older episodes"))
    out.raw("\n")
    table(older, &out)
    out.raw("</section>\n")
  }

  // MARK: One that goes on

  private func card(_ episode: Episode, _ out: inout Markup) {
    out.raw("<div class=\"now m-\(episode.zone.rawValue)\">")
    out.raw("<p>")
    chip(episode.zone, &out)
    out.raw(" ")
    out.element("strong", "", words.what(episode, picture))
    out.raw(" ")
    out.element("span", "class=\"meta\"", episode.rule)
    out.raw("</p>\n<p>")
    let since = picture.clock.moment(episode.from, words)
    var parts = [
      episode.isPending
        ? words.say(
          "Siden \(since), venter på ny måling", "Sidan \(since), ventar på ny måling",
          "Since \(since), waits for a repeat")
        : words.say("Siden \(since), pågår", "Sidan \(since), går føre seg", "Since \(since), goes on")
    ]
    if let worst = worst(episode) {
      parts.append(words.say("lengst ute: \(worst)", "lengst ute: \(worst)", "furthest out: \(worst)"))
    }
    if episode.told > 0 { parts.append(words.told(episode.told)) }
    parts += words.waits(episode, picture)
    out.write(parts.joined(separator: "; ") + ".")
    out.raw("</p>\n<p>")
    let notices = notices(episode)
    out.element(
      "strong", "",
      notices.isEmpty
        ? words.say("Ikke kvittert.", "Ikkje kvittert.", "Not acknowledged.")
        : words.say("Kvittert: ", "Kvittert: ", "Acknowledged: "))
    out.write(notices)
    out.raw("</p>\n")
    if let message = episode.message, !message.isEmpty { out.element("p", "class=\"meta\"", message) }
    out.raw("</div>\n")
  }

  // MARK: Those that are over

  private func table(_ episodes: some Sequence<Episode>, _ out: inout Markup) {
    head(
      [
        words.say("Fra", "Frå", "From"), words.say("Til", "Til", "To"), words.say("Hva", "Kva", "What"),
        words.say("Lengst ute", "Lengst ute", "Furthest out"), words.say("Sone", "Sone", "Zone"),
        words.say("Meldt", "Meldt", "Told"), words.say("Kvittert", "Kvittert", "Acknowledged"),
      ], &out)
    for episode in episodes {
      out.raw("<tr>")
      out.element("td", "class=\"time\"", picture.clock.moment(episode.from, words))
      out.element("td", "class=\"time\"", end(episode))
      out.raw("<td>")
      out.write(words.what(episode, picture) + " ")
      out.element("span", "class=\"meta\"", episode.rule)
      out.raw("</td>")
      out.element("td", "class=\"n\"", worst(episode) ?? "–")
      out.raw("<td>")
      chip(episode.zone, &out)
      out.raw("</td>")
      out.element("td", "", episode.told > 0 ? words.told(episode.told) : "–")
      out.element("td", "", words.seen(episode, picture.clock) ?? "–")
      out.raw("</tr>\n")
    }
    out.raw("</tbody></table>\n")
  }

  /// The arrow says on a phone, where no head stands over it, that this is the end.
  private func end(_ episode: Episode) -> String {
    let because = episode.because.map { ", " + words.because($0) } ?? ""
    return ended(episode) + because
  }

  private func ended(_ episode: Episode) -> String {
    guard let to = episode.to else { return words.say("→ ukjent", "→ ukjent", "→ not known") }
    if to == episode.from { return words.say("→ én måling", "→ éi måling", "→ one measurement") }
    let isSameDay = picture.clock.midnight(episode.from) == picture.clock.midnight(to)
    return "→ " + (isSameDay ? picture.clock.time(to) : picture.clock.moment(to, words))
  }

  /// Its value that was furthest out, with the date where that is another than the first.
  private func worst(_ episode: Episode) -> String? {
    words.worst(episode, picture).map { text in
      guard let at = episode.worstAt, picture.clock.midnight(at) != picture.clock.midnight(episode.from) else {
        return text
      }
      return "\(text) (\(picture.clock.shortDate(at, words)))"
    }
  }

  private func notices(_ episode: Episode) -> String {
    episode.notices.map { words.notice($0, picture.clock) }.filter { !$0.isEmpty }.joined(separator: "; ")
  }
}

extension Words {
  /// What a rule said, in a few words: `Blodtrykk, systolisk: for høyt`, `Vekt: måling uteble`.
  func what(_ episode: PatientPicture.Episode, _ picture: PatientPicture) -> String {
    let rule = picture.rules.first { $0.id == episode.rule }
    let measure = episode.measure ?? rule?.measures.first ?? doubtful(episode.rule)
    let name = measure.map(title) ?? episode.rule
    let isDoubt = episode.rule.hasPrefix("doubt.")
    if isDoubt { return name + ": " + say("kan ikke stemme", "kan ikkje stemme", "cannot be right") }
    if rule?.kind == "missing" || episode.kind == .missing {
      let count = max(1, episode.missed)
      return name + ": "
        + (count > 1
          ? say("\(count) målinger uteble", "\(count) målingar kom ikkje", "\(count) measurements did not come")
          : say("måling uteble", "måling kom ikkje", "measurement did not come"))
    }
    if rule?.kind == "device" {
      return say("Apparatet trenger hjelp", "Apparatet treng hjelp", "The device needs somebody")
    }
    let side =
      switch episode.direction {
      case .high: say("over grensene", "over grensene", "above the limits")
      case .low: say("under grensene", "under grensene", "below the limits")
      case nil: say("utenfor grensene", "utanfor grensene", "outside the limits")
      }
    switch episode.kind {
    case .late: return name + ": " + side + say(", kom sent", ", kom seint", ", came late")
    case .unconfirmed:
      return name + ": " + side + say(", ikke målt på nytt", ", ikkje målt på nytt", ", not measured again")
    default: return name + ": " + side
    }
  }

  /// Built-in rules over what is not believed are named after what they watch.
  private func doubtful(_ rule: String) -> Measure? {
    guard rule.hasPrefix("doubt.") else { return nil }
    let name = rule.dropFirst(6)
    return name == "bp" ? .systolic : Measure(rawValue: String(name))
  }

  /// The value that was furthest out.
  func worst(_ episode: PatientPicture.Episode, _ picture: PatientPicture) -> String? {
    value(episode.value, above: episode.above, episode.unit, episode.measure, picture.kind(of: episode.rule))
  }

  /// The repeat that is awaited, and what is held back: `ny måling etter 192 mmHg ventes til 22:14, ikke spurt på nytt`.
  func waits(_ episode: PatientPicture.Episode, _ picture: PatientPicture) -> [String] {
    var parts: [String] = []
    if let until = episode.awaitsUntil.map(picture.clock.time) {
      let asked = episode.asked.flatMap {
        value($0.value, above: $0.above, $0.unit, $0.measure, picture.kind(of: episode.rule))
      }
      let after = asked.map { say(" etter \($0)", " etter \($0)", " after \($0)") } ?? ""
      let waits = say(
        "ny måling\(after) ventes til \(until)", "ny måling\(after) er venta til \(until)",
        "a repeat\(after) is awaited until \(until)")
      parts.append(waits + (episode.isUnasked ? ", " + unasked : ""))
    }
    if episode.held > 0 {
      let held = say(
        "\(episode.held) ikke meldt ennå", "\(episode.held) ikkje melde enno", "\(episode.held) not told yet")
      parts.append(held + (episode.heldBy.flatMap(holding).map { " (\($0))" } ?? ""))
    }
    return parts
  }

  var unasked: String { say("ikke spurt på nytt", "ikkje spurt på nytt", "not asked again") }

  /// What holds a telling back; nil for what another version named.
  private func holding(_ name: String) -> String? {
    switch name {
    case "quiet": say("regelen er stille etter en beskjed", "regelen er stille etter ei melding", "the rule is quiet")
    case "flapping":
      say(
        "regelen kommer og går, og meldes sjeldnere", "regelen kjem og går, og blir meldt sjeldnare",
        "it comes and goes, and is told less often")
    case "doubt":
      say(
        "det som ikke kan stemme, meldes én gang i timen", "det som ikkje kan stemme, blir meldt éin gong i timen",
        "what cannot be right is told once an hour")
    default: nil
    }
  }

  /// `meldt 2 ganger`.
  func told(_ count: Int) -> String {
    count == 1
      ? say("meldt én gang", "meldt éin gong", "told once")
      : say("meldt \(count) ganger", "meldt \(count) gonger", "told \(count) times")
  }

  /// Who took notice; nil of an old reading, of which nobody is to take notice.
  func seen(_ episode: PatientPicture.Episode, _ clock: LocalClock) -> String? {
    let notices = episode.notices.map { notice($0, clock) }.joined(separator: "; ")
    if !notices.isEmpty { return notices }
    return episode.kind == .late ? nil : say("ikke kvittert", "ikkje kvittert", "not acknowledged")
  }

  /// `kari, lø. 21. nov. 09:00: Ringte.`
  func notice(_ notice: PatientPicture.Episode.Notice, _ clock: LocalClock) -> String {
    let who = [notice.by, notice.at.map { clock.moment($0, self) } ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
    if who.isEmpty { return notice.note.isEmpty ? say("ja", "ja", "yes") : notice.note }
    return who + (notice.note.isEmpty ? "" : ": \(notice.note)")
  }
}
