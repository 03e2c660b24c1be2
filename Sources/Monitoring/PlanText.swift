// What people are told, in plain words: Norwegian Bokmål, Nynorsk and English. No values: they stand with the reading.

/// Sentences for patients.
package enum PlanText {
  /// What an event of a rule says.
  package static func sentence(_ rule: Rule, _ kind: MonitoringEvent.Kind, _ language: PlanLanguage) -> String {
    if let message = rule.message, kind == .raised || kind == .missing || kind == .unconfirmed { return message }
    let what = rule.kind.subject(language)
    switch (kind, language) {
    case (.repeatRequested, .bokmal): return "\(what): mål en gang til om litt."
    case (.repeatRequested, .nynorsk): return "\(what): mål ein gong til om litt."
    case (.repeatRequested, .english): return "\(what): please measure once more in a little while."
    case (.raised, .bokmal): return "\(what): utenfor grensene i planen din. De som følger deg opp, ser det."
    case (.raised, .nynorsk): return "\(what): utanfor grensene i planen din. Dei som følgjer deg opp, ser det."
    case (.raised, .english): return "\(what): outside the limits of your plan. Those who follow you up can see it."
    case (.unconfirmed, .bokmal): return "\(what): utenfor grensene, og ikke målt på nytt."
    case (.unconfirmed, .nynorsk): return "\(what): utanfor grensene, og ikkje målt på nytt."
    case (.unconfirmed, .english): return "\(what): outside the limits, and not measured again."
    case (.cleared, .bokmal): return "\(what): innenfor grensene igjen."
    case (.cleared, .nynorsk): return "\(what): innanfor grensene att."
    case (.cleared, .english): return "\(what): within the limits again."
    case (.late, .bokmal): return "\(what): en eldre måling utenfor grensene er kommet inn."
    case (.late, .nynorsk): return "\(what): ei eldre måling utanfor grensene er komen inn."
    case (.late, .english): return "\(what): an older measurement outside the limits has come in."
    case (.reminder, .bokmal): return "\(what): det er tid for å måle."
    case (.reminder, .nynorsk): return "\(what): det er tid for å måle."
    case (.reminder, .english): return "\(what): it is time to measure."
    case (.missing, .bokmal): return "\(what): målingen er ikke kommet."
    case (.missing, .nynorsk): return "\(what): målinga er ikkje komen."
    case (.missing, .english): return "\(what): the measurement has not come."
    case (.acknowledged, .bokmal): return "\(what): noen har sett på det."
    case (.acknowledged, .nynorsk): return "\(what): nokon har sett på det."
    case (.acknowledged, .english): return "\(what): somebody has looked at it."
    }
  }

  /// A measure in a patient's words.
  package static func name(_ measure: Measure, _ language: PlanLanguage) -> String {
    let words: (nb: String, nn: String, en: String) =
      switch measure {
      case .systolic, .diastolic, .meanArterial: ("Blodtrykket", "Blodtrykket", "Blood pressure")
      case .pulse, .heartRate: ("Pulsen", "Pulsen", "Pulse")
      case .spo2: ("Oksygenmetningen", "Oksygenmettinga", "Oxygen saturation")
      case .perfusion: ("Sirkulasjonen i fingeren", "Sirkulasjonen i fingeren", "Circulation in the finger")
      case .weight: ("Vekten", "Vekta", "Weight")
      case .bodyFat: ("Fettprosenten", "Feittprosenten", "Body fat")
      case .bodyMassIndex: ("Kroppsmasseindeksen", "Kroppsmasseindeksen", "Body mass index")
      case .temperature: ("Temperaturen", "Temperaturen", "Temperature")
      case .glucose: ("Blodsukkeret", "Blodsukkeret", "Blood glucose")
      }
    return language.say(words.nb, words.nn, words.en)
  }
}
