// A plan in plain words, for those who set it: what each rule watches, in Norwegian Bokmål, Nynorsk or English.

package import Readings

internal import Zones

extension PlanText {
  /// What a rule watches and when people are told, as one sentence or two.
  package static func explain(_ rule: Rule, _ language: PlanLanguage) -> String {
    let words = PlanWords(language)
    var text = rule.kind.explanation(words)
    if !rule.hours.isEmpty {
      let hours = rule.hours.map(\.text).joined(separator: ", ")
      text += words.say(" Bare \(hours).", " Berre \(hours).", " Only \(hours).")
    }
    if let worse = rule.kind.statedScale?.worseBy {
      text +=
        worse.isZero
        ? words.say(
          " Bare en verre farge eller den andre siden er verre.",
          " Berre ein verre farge eller den andre sida er verre.",
          " Only a worse colour or the other side is worse.")
        : words.say(
          " Verre er \(words.decimal(worse)) lenger ute.", " Verre er \(words.decimal(worse)) lenger ute.",
          " Worse is \(words.decimal(worse)) further out.")
    }
    if let retell = rule.retell {
      let every = words.every(retell.every)
      text += words.say(
        " Rødt som ingen har sett på, meldes på nytt \(every), inntil \(retell.times == 1 ? "én gang" : "\(retell.times) ganger").",
        " Raudt som ingen har sett på, blir meldt på nytt \(every), inntil \(retell.times == 1 ? "éin gong" : "\(retell.times) gonger").",
        " Red that nobody took notice of is told again \(every), up to \(retell.times == 1 ? "once" : "\(retell.times) times")."
      )
    }
    if let after = rule.afterAcknowledgement, !(rule.isMissing && after == Rule.missingAfterAcknowledgement) {
      let time = words.duration(after)
      text += words.say(
        " Det som noen har sett på og som fortsatt varer, meldes igjen etter \(time).",
        " Det som nokon har sett på og som framleis varer, blir meldt att etter \(time).",
        " What somebody took notice of and still lasts is told again after \(time).")
    }
    if rule.quiet > 0 {
      let time = words.duration(rule.quiet)
      text += words.say(
        " Etter en beskjed er det stille i \(time), om det ikke blir verre.",
        " Etter ei melding er det stille i \(time), om det ikkje blir verre.",
        " Once told it is quiet for \(time), unless it gets worse.")
    }
    if let from = rule.validFrom {
      let day = ISO8601.date(day: from)
      text += words.say(" Gjelder fra \(day).", " Gjeld frå \(day).", " In force from \(day).")
    }
    if let to = rule.validTo {
      let day = ISO8601.date(day: to)
      text += words.say(
        " Gjelder til og med \(day).", " Gjeld til og med \(day).", " In force until \(day), inclusive.")
    }
    if let message = rule.message {
      text += words.say(
        " Beskjeden er: «\(message)»", " Meldinga er: «\(message)»", " The message is: \"\(message)\"")
    }
    if !rule.isEnabled { text += words.say(" (Slått av.)", " (Slått av.)", " (Switched off.)") }
    return text
  }

  /// A zone in a language.
  package static func name(_ zone: Zone, _ language: PlanLanguage) -> String {
    let words = PlanWords(language)
    switch zone {
    case .green: return words.say("grønn", "grøn", "green")
    case .yellow: return words.say("gul", "gul", "yellow")
    case .red: return words.say("rød", "raud", "red")
    }
  }
}
