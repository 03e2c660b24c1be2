// What people are told, in plain words: Norwegian Bokmål, Nynorsk and English. What was measured, on which side it lies, what is asked
// of the patient now.

internal import Readings

/// Sentences for patients.
package enum PlanText {
  /// What an event says.
  package static func sentence(_ rule: Rule, _ event: MonitoringEvent, _ language: PlanLanguage) -> String {
    let isAlarm = event.kind == .raised || event.kind == .missing || event.kind == .unconfirmed
    if let message = rule.message, isAlarm { return message }
    let words = PlanWords(language)
    let value = value(rule, event.detail, words)
    let what = rule.kind.subject(language) + (value.map { ": \($0)" } ?? "")
    let side = side(rule, event.detail, words)
    if rule.kind is DoubtRule { return doubt(what, event, words) }
    if let signs = rule.kind as? any SignRule { return self.signs(signs, event, words) }
    switch event.kind {
    case .repeatRequested:
      return words.say(
        "\(what)\(side). Sitt rolig i fem minutter og mål en gang til.",
        "\(what)\(side). Sit roleg i fem minutt og mål ein gong til.",
        "\(what)\(side). Sit quietly for five minutes, then please measure once more.")
    case .raised: return what + side + ". " + seen(event, words)
    case .unconfirmed where event.detail.because == "other-direction": return what + side + ". " + seen(event, words)
    case .unconfirmed:
      return words.say(
        "\(what)\(side), og ikke målt på nytt. Mål en gang til når du kan. ",
        "\(what)\(side), og ikkje målt på nytt. Mål ein gong til når du kan. ",
        "\(what)\(side), and not measured again. Please measure once more when you can. ") + seen(event, words)
    case .cleared:
      if event.detail.because == "plan-changed", event.detail.value != nil {
        return words.say(
          "\(what), innenfor grensene i den nye planen.", "\(what), innanfor grensene i den nye planen.",
          "\(what), within the limits of your new plan.")
      }
      if let because = event.detail.because, because != "other-direction", because != "came-late" {
        return noLongerWatched(rule.kind.subject(language), words)
      }
      if rule.isMissing {
        return words.say(
          "\(what): målingen er kommet.", "\(what): målinga er komen.", "\(what): the measurement has come.")
      }
      if event.detail.because == "other-direction" {
        return words.say(
          "\(what): ikke lenger utenfor grensene på den andre siden.",
          "\(what): ikkje lenger utanfor grensene på den andre sida.",
          "\(what): no longer outside the limits on the other side.")
      }
      return words.say(
        "\(what), innenfor grensene igjen.", "\(what), innanfor grensene att.", "\(what), within the limits again.")
    case .late where event.detail.because == "quiet":
      return words.say(
        "\(what)\(side): målt i den stille tiden etter forrige beskjed. De som følger deg opp, ser det.",
        "\(what)\(side): målt i den stille tida etter førre melding. Dei som følgjer deg opp, ser det.",
        "\(what)\(side): measured in the quiet time after the last message. Those who follow you up can see it.")
    case .late:
      return words.say(
        "\(what)\(side): en eldre måling er kommet inn. De som følger deg opp, ser den.",
        "\(what)\(side): ei eldre måling er komen inn. Dei som følgjer deg opp, ser ho.",
        "\(what)\(side): an older measurement has come in. Those who follow you up can see it.")
    case .reminder:
      return words.say(
        "\(what): det er tid for å måle.", "\(what): det er tid for å måle.", "\(what): it is time to measure.")
    case .missing:
      return words.say(
        "\(what): målingen er ikke kommet. Mål når du kan.", "\(what): målinga er ikkje komen. Mål når du kan.",
        "\(what): the measurement has not come. Please measure when you can.")
    case .acknowledged:
      return words.say(
        "\(what): noen har sett på det.", "\(what): nokon har sett på det.", "\(what): somebody has looked at it.")
    }
  }

  /// What is said of a rule where it stands, without a value: for lists.
  package static func sentence(_ rule: Rule, _ kind: MonitoringEvent.Kind, _ language: PlanLanguage) -> String {
    sentence(rule, MonitoringEvent(patient: "", rule: rule.id, kind: kind, zone: .yellow, planVersion: 0), language)
  }

  static func noLongerWatched(_ what: String, _ words: PlanWords) -> String {
    words.say(
      "\(what): følges ikke lenger av denne regelen.", "\(what): blir ikkje lenger følgd av denne regelen.",
      "\(what): no longer watched by this rule.")
  }

  /// Who sees it, and what to do when it gets worse.
  static func seen(_ event: MonitoringEvent, _ words: PlanWords) -> String {
    let seen = words.say(
      "De som følger deg opp, ser det.", "Dei som følgjer deg opp, ser det.", "Those who follow you up can see it.")
    guard event.zone == .red else {
      return seen
        + words.say(
          " Ring dem hvis du føler deg dårligere.", " Ring dei om du kjenner deg dårlegare.",
          " Call them if you feel worse.")
    }
    return seen
      + words.say(
        " Ring dem nå hvis du føler deg dårlig, og 113 hvis det haster.",
        " Ring dei no om du kjenner deg dårleg, og 113 om det hastar.",
        " Call them now if you feel ill, and the emergency number if it is urgent.")
  }

  private static func doubt(_ what: String, _ event: MonitoringEvent, _ words: PlanWords) -> String {
    if event.kind == .late {
      return words.say(
        "\(what): en eldre måling som ikke kan stemme, er kommet inn.",
        "\(what): ei eldre måling som ikkje kan stemme, er komen inn.",
        "\(what): an older measurement that cannot be right has come in.")
    }
    if event.kind == .cleared, event.detail.because == nil {
      return words.say(
        "\(what): målingen er i orden igjen.", "\(what): målinga er i orden att.",
        "\(what): the measurement is in order again.")
    }
    if event.detail.because == NotJudgedReason.somebodyElse.rawValue {
      return words.say(
        "\(what) ligner ikke målingene dine. Var det du som målte? Mål en gang til.",
        "\(what) liknar ikkje målingane dine. Var det du som målte? Mål ein gong til.",
        "\(what) is unlike your measurements. Was it you? Please measure once more.")
    }
    if event.detail.comparator != nil {
      return words.say(
        "\(what). Mål en gang til, og ring dem som følger deg opp hvis du føler deg dårlig.",
        "\(what). Mål ein gong til, og ring dei som følgjer deg opp om du kjenner deg dårleg.",
        "\(what). Please measure once more, and call those who follow you up if you feel ill.")
    }
    return words.say(
      "\(what) kan ikke stemme. Sjekk at apparatet sitter riktig, og mål en gang til.",
      "\(what) kan ikkje stemme. Sjekk at apparatet sit rett, og mål ein gong til.",
      "\(what) cannot be right. Check that the device sits well, then please measure once more.")
  }

  private static func side(_ rule: Rule, _ detail: EventDetail, _ words: PlanWords) -> String {
    // By hysteresis alone: no limit holds for the value itself.
    if detail.direction != nil, detail.value != nil, detail.limit == nil, rule.kind.statedScale != nil {
      return words.say(
        ", fortsatt ikke klart innenfor grensene i planen din", ", framleis ikkje klart innanfor grensene i planen din",
        ", still not clearly within the limits of your plan")
    }
    guard let direction = detail.direction else { return "" }
    return direction == .high
      ? words.say(
        ", høyere enn grensene i planen din", ", høgare enn grensene i planen din",
        ", higher than the limits of your plan")
      : words.say(
        ", lavere enn grensene i planen din", ", lågare enn grensene i planen din",
        ", lower than the limits of your plan")
  }

  /// The value in words, such as `192 mmHg`, `+2,3 kg` or `gjennomsnitt 136,5 mmHg`; nil: there is none.
  private static func value(_ rule: Rule, _ detail: EventDetail, _ words: PlanWords) -> String? {
    if let comparator = detail.comparator {
      return comparator == ">"
        ? words.say("over det apparatet kan måle", "over det apparatet kan måle", "above what the device can measure")
        : words.say("under det apparatet kan måle", "under det apparatet kan måle", "below what the device can measure")
    }
    guard let value = detail.value else { return nil }
    if rule.kind is ScoreRule { return words.say("\(value) poeng", "\(value) poeng", "\(value) points") }
    let unit = detail.unit.flatMap(UCUM.init(rawValue:))
    let number = unit.map { words.shown(value, $0) } ?? words.shown(value)
    if rule.kind is DeltaRule { return (value.isNegative ? "" : "+") + number }
    if rule.kind is AverageRule {
      return words.say("gjennomsnitt \(number)", "gjennomsnitt \(number)", "mean \(number)")
    }
    switch detail.measure {
    case Measure.systolic.rawValue: return number + words.say(" (overtrykk)", " (overtrykk)", " (systolic)")
    case Measure.diastolic.rawValue: return number + words.say(" (undertrykk)", " (undertrykk)", " (diastolic)")
    default: return number
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
