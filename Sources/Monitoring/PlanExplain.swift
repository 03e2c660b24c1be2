// A plan in plain words, for those who set it: what each rule watches, in Norwegian Bokmål, Nynorsk or English.

package import Readings

extension PlanText {
  /// What a rule watches and when people are told, as one sentence or two.
  package static func explain(_ rule: Rule, _ language: PlanLanguage) -> String {
    let words = PlanWords(language)
    var text = rule.kind.explanation(words)
    if !rule.hours.isEmpty {
      let hours = rule.hours.map(\.text).joined(separator: ", ")
      text += words.say(" Bare \(hours).", " Berre \(hours).", " Only \(hours).")
    }
    if let retell = rule.retell {
      let every = words.duration(retell.every)
      text += words.say(
        " Rødt som ingen har sett på, meldes på nytt hver \(every), inntil \(retell.times) ganger.",
        " Raudt som ingen har sett på, blir meldt på nytt kvar \(every), inntil \(retell.times) gonger.",
        " Red that nobody took notice of is told again every \(every), up to \(retell.times) times.")
    }
    if rule.quiet > 0 {
      let time = words.duration(rule.quiet)
      text += words.say(
        " Etter en beskjed er det stille i \(time), om det ikke blir verre.",
        " Etter ei melding er det stille i \(time), om det ikkje blir verre.",
        " Once told it is quiet for \(time), unless it gets worse.")
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
