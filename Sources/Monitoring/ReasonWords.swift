// Why a rule did not judge a value, in plain words.

extension PlanText {
  /// Why a value was not judged, such as `too few measurements`.
  package static func reason(_ reason: NotJudgedReason, _ language: PlanLanguage) -> String {
    let words = PlanWords(language)
    switch reason {
    case .disabled: return words.say("regelen er slått av", "regelen er slått av", "the rule is switched off")
    case .paused: return words.say("satt på pause", "sett på pause", "paused")
    case .notYet: return words.say("gjelder ikke ennå", "gjeld ikkje enno", "not in force yet")
    case .expired: return words.say("gjelder ikke lenger", "gjeld ikkje lenger", "no longer in force")
    case .outsideHours:
      return words.say("utenfor regelens klokkeslett", "utanfor klokkesletta til regelen", "outside the rule's hours")
    case .tooFew: return words.say("for få målinger", "for få målingar", "too few measurements")
    case .noTime: return words.say("ukjent tidspunkt", "ukjent tidspunkt", "time not known")
    case .notBelievable: return words.say("kan ikke stemme", "kan ikkje stemme", "cannot be right")
    case .somebodyElse:
      return words.say("kanskje en annen person", "kanskje ein annan person", "perhaps another person")
    case .doubted: return words.say("usikker måling", "usikker måling", "questionable")
    case .test: return words.say("prøvemåling", "prøvemåling", "test measurement")
    case .clockUnset:
      return words.say("huben kjenner ikke klokken", "huben kjenner ikkje klokka", "the hub does not know the time")
    case .superseded: return words.say("eldre, og ikke verre", "eldre, og ikkje verre", "older, and no worse")
    }
  }

  /// The same of a reason as answers name it; one of another version stays as it is.
  package static func reason(_ name: String, _ language: PlanLanguage) -> String {
    NotJudgedReason(rawValue: name).map { reason($0, language) } ?? name
  }
}
