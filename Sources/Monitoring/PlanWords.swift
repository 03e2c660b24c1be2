// The words of a plan's explanation, in one language.

package import Readings

/// The words of one language.
package struct PlanWords {
  package let language: PlanLanguage

  package init(_ language: PlanLanguage) { self.language = language }

  /// The text of this language.
  package func say(_ bokmal: String, _ nynorsk: String, _ english: String) -> String {
    language.say(bokmal, nynorsk, english)
  }

  /// A zone.
  package func zone(_ zone: Zone) -> String { PlanText.name(zone, language) }

  /// Blood pressure has two numbers: which of them.
  package func name(_ measure: Measure) -> String {
    let name = PlanText.name(measure, language)
    switch measure {
    case .systolic: return name + say(" (overtrykk)", " (overtrykk)", " (systolic)")
    case .diastolic: return name + say(" (undertrykk)", " (undertrykk)", " (diastolic)")
    case .meanArterial: return name + say(" (middel)", " (middel)", " (mean)")
    default: return name
    }
  }

  /// A number as the language writes it.
  package func decimal(_ decimal: ExactDecimal) -> String {
    language == .english ? "\(decimal)" : "\(decimal)".split(separator: ".").joined(separator: ",")
  }

  /// A value as people read it: no zeros behind the first decimal that a device did not mean, `92,0` and not `92,000`.
  package func shown(_ decimal: ExactDecimal) -> String {
    var text = Substring("\(decimal)")
    if let point = text.firstIndex(of: ".") {
      let least = text.index(point, offsetBy: 2, limitedBy: text.endIndex) ?? text.endIndex
      while text.endIndex > least, text.last == "0" { text.removeLast() }
    }
    return language == .english ? String(text) : text.split(separator: ".").joined(separator: ",")
  }

  /// The same with its unit.
  package func shown(_ decimal: ExactDecimal, _ unit: UCUM) -> String {
    shown(decimal) + suffix(unit)
  }

  private func suffix(_ unit: UCUM) -> String {
    unit == .perMinute ? say(" i minuttet", " i minuttet", " a minute") : " " + unit.symbol
  }

  /// A limit with its unit.
  package func number(_ decimal: ExactDecimal, _ unit: UCUM) -> String {
    self.decimal(decimal) + suffix(unit)
  }

  /// Milliseconds in the largest unit that they are whole numbers of; at least a minute.
  package func duration(_ milliseconds: Int64) -> String {
    let minutes = max(1, milliseconds / 60_000)
    func words(_ count: Int64, _ nb: (String, String), _ nn: (String, String), _ en: (String, String)) -> String {
      "\(count) " + say(count == 1 ? nb.0 : nb.1, count == 1 ? nn.0 : nn.1, count == 1 ? en.0 : en.1)
    }
    if minutes % 1440 == 0 {
      return words(minutes / 1440, ("døgn", "døgn"), ("døgn", "døgn"), ("day", "days"))
    }
    if minutes % 60 == 0 { return words(minutes / 60, ("time", "timer"), ("time", "timar"), ("hour", "hours")) }
    return words(minutes, ("minutt", "minutter"), ("minutt", "minutt"), ("minute", "minutes"))
  }

  /// A comparison with the limit that follows.
  package func comparison(_ comparison: ZoneLimit.Comparison) -> String {
    switch comparison {
    case .lessThan: say("under", "under", "below")
    case .atMost: say("høyst", "høgst", "at most")
    case .greaterThan: say("over", "over", "above")
    case .atLeast: say("minst", "minst", "at least")
    }
  }

  /// ` Measured again within 15 minutes; 2 measurements decide.`; empty without a repeat.
  package func repeated(_ confirm: Confirmation?, isImmediate: Bool) -> String {
    guard let confirm else { return "" }
    let within = duration(confirm.within)
    let first = say("Meldes straks, og måles", "Blir meldt straks, og målt", "Told at once, and measured")
    let asked = isImmediate ? first : say("Måles", "Blir målt", "Measured")
    return " " + asked
      + say(
        " på nytt innen \(within); \(confirm.count) målinger avgjør.",
        " på nytt innan \(within); \(confirm.count) målingar avgjer.",
        " again within \(within); \(confirm.count) measurements decide.")
  }

  /// ` Ends only 5 mmHg inside the limit.`; empty without hysteresis.
  package func slack(_ hysteresis: ExactDecimal, _ number: (ExactDecimal) -> String) -> String {
    guard !hysteresis.isZero else { return "" }
    let slack = number(hysteresis)
    return say(
      " Slutter først \(slack) innenfor grensen.", " Sluttar først \(slack) innanfor grensa.",
      " Ends only \(slack) inside the limit.")
  }

  /// ` At most one an hour counts.`-like words of how far apart values lie; empty without spacing.
  package func spaced(_ spacing: Int64) -> String {
    guard spacing > 0 else { return "" }
    let length = duration(spacing)
    return say(
      " Målinger teller bare med minst \(length) mellom.", " Målingar tel berre med minst \(length) mellom.",
      " Measurements count only at least \(length) apart.")
  }

  /// `1 måling`, `3 målinger`.
  package func measurements(_ count: Int) -> String {
    "\(count) "
      + (count == 1
        ? say("måling", "måling", "measurement") : say("målinger", "målingar", "measurements"))
  }

  /// `hver time`, `hvert 30. minutt`: how often, for a length of whole minutes.
  package func every(_ milliseconds: Int64) -> String {
    let minutes = max(1, milliseconds / 60_000)
    func words(_ count: Int64, _ one: String, _ ordinal: String, _ english: String) -> String {
      if language == .english { return count == 1 ? "every \(english)" : "every \(count) \(english)s" }
      return count == 1 ? one : ordinal
    }
    if minutes % 1440 == 0 {
      let days = minutes / 1440
      return words(
        days, say("hvert døgn", "kvart døgn", ""), say("hvert \(days). døgn", "kvart \(days). døgn", ""), "day")
    }
    if minutes % 60 == 0 {
      let hours = minutes / 60
      return words(
        hours, say("hver time", "kvar time", ""), say("hver \(hours). time", "kvar \(hours). time", ""), "hour")
    }
    return words(
      minutes, say("hvert minutt", "kvart minutt", ""), say("hvert \(minutes). minutt", "kvart \(minutes). minutt", ""),
      "minute")
  }

  /// `red below 85 %, yellow below 88 %`; green needs no saying.
  package func limits(
    _ zones: [ZoneLimit], _ measure: Measure, _ given: GivenLimits?, isPercent: Bool = false
  ) -> String {
    let (zones, unit) = (given?.zones ?? zones, isPercent ? .percent : given?.unit ?? measure.unit)
    guard zones.contains(where: { $0.zone > .green }) else {
      return say("ingen grense: ingen får beskjed", "inga grense: ingen får beskjed", "no limit: nobody is told")
    }
    return zones.filter { $0.zone > .green }.map { limit in
      let bounds = limit.bounds.map { "\(comparison($0.comparison)) \(number($0.limit, unit))" }
      return zone(limit.zone) + " " + bounds.joined(separator: say(" og ", " og ", " and "))
    }.joined(separator: ", ")
  }
}
