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

  /// A limit with its unit.
  package func number(_ decimal: ExactDecimal, _ unit: UCUM) -> String {
    self.decimal(decimal) + (unit == .perMinute ? say(" i minuttet", " i minuttet", " a minute") : " " + unit.symbol)
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

  /// `red below 85 %, yellow below 88 %`; green needs no saying.
  package func limits(
    _ zones: [ZoneLimit], _ measure: Measure, _ given: GivenLimits?, isPercent: Bool = false
  ) -> String {
    let (zones, unit) = (given?.zones ?? zones, isPercent ? .percent : given?.unit ?? measure.unit)
    return zones.filter { $0.zone > .green }.map { limit in
      let bounds = limit.bounds.map { "\(comparison($0.comparison)) \(number($0.limit, unit))" }
      return zone(limit.zone) + " " + bounds.joined(separator: say(" og ", " og ", " and "))
    }.joined(separator: ", ")
  }
}
