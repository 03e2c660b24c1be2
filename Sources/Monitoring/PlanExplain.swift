// A plan in plain words, for those who set it: what each rule watches, in Norwegian Bokmål, Nynorsk or English.

public import Readings

extension PlanText {
  /// What a rule watches and when people are told, as one sentence or two.
  public static func explain(_ rule: Rule, _ language: PlanLanguage) -> String {
    let words = Words(language)
    var text = words.kind(rule.kind)
    if let hours = rule.hours {
      text += words.say(" Bare \(hours.text).", " Berre \(hours.text).", " Only \(hours.text).")
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
  public static func name(_ zone: Zone, _ language: PlanLanguage) -> String {
    let words = Words(language)
    switch zone {
    case .green: return words.say("grønn", "grøn", "green")
    case .yellow: return words.say("gul", "gul", "yellow")
    case .red: return words.say("rød", "raud", "red")
    }
  }
}

/// The words of one language.
private struct Words {
  let language: PlanLanguage

  init(_ language: PlanLanguage) { self.language = language }

  func say(_ bokmal: String, _ nynorsk: String, _ english: String) -> String {
    language.say(bokmal, nynorsk, english)
  }

  func zone(_ zone: Zone) -> String { PlanText.name(zone, language) }

  /// Blood pressure has two numbers: which of them.
  func name(_ measure: Measure) -> String {
    let name = PlanText.name(measure, language)
    switch measure {
    case .systolic: return name + say(" (overtrykk)", " (overtrykk)", " (systolic)")
    case .diastolic: return name + say(" (undertrykk)", " (undertrykk)", " (diastolic)")
    case .meanArterial: return name + say(" (middel)", " (middel)", " (mean)")
    default: return name
    }
  }

  func number(_ decimal: ExactDecimal, _ unit: UCUM) -> String {
    let text = language == .english ? "\(decimal)" : "\(decimal)".split(separator: ".").joined(separator: ",")
    return text + (unit == .perMinute ? say(" i minuttet", " i minuttet", " a minute") : " " + unit.symbol)
  }

  func duration(_ milliseconds: Int64) -> String {
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

  func comparison(_ comparison: ZoneLimit.Comparison) -> String {
    switch comparison {
    case .lessThan: say("under", "under", "below")
    case .atMost: say("høyst", "høgst", "at most")
    case .greaterThan: say("over", "over", "above")
    case .atLeast: say("minst", "minst", "at least")
    }
  }

  /// `red below 85 %, yellow below 88 %`; green needs no saying.
  func limits(_ zones: [ZoneLimit], _ measure: Measure, _ given: GivenLimits?) -> String {
    let (zones, unit) = (given?.zones ?? zones, given?.unit ?? measure.unit)
    return zones.filter { $0.zone > .green }.map { limit in
      let bounds = limit.bounds.map { "\(comparison($0.comparison)) \(number($0.limit, unit))" }
      return zone(limit.zone) + " " + bounds.joined(separator: say(" og ", " og ", " and "))
    }.joined(separator: ", ")
  }

  func kind(_ kind: RuleKind) -> String {
    switch kind {
    case .band(let rule): return band(rule)
    case .delta(let rule):
      let reference =
        switch rule.reference {
        case .min: say("den laveste", "den lågaste", "the lowest")
        case .median: say("den midterste", "den midtarste", "the median")
        case .first: say("den første", "den første", "the first")
        case .lastPreviousDay:
          say("den siste fra en tidligere dag", "den siste frå ein tidlegare dag", "the last of an earlier day")
        }
      let window = duration(rule.window)
      let change = limits(rule.zones, rule.measure, rule.given)
      return say(
        "\(name(rule.measure)): endring fra \(reference) de siste \(window): \(change).",
        "\(name(rule.measure)): endring frå \(reference) dei siste \(window): \(change).",
        "\(name(rule.measure)): change from \(reference) of the last \(window): \(change).")
    case .average(let rule): return average(rule)
    case .consecutive(let rule):
      let change = limits(rule.zones, rule.measure, rule.given)
      return say(
        "\(name(rule.measure)): \(rule.k) av de siste \(rule.of) målingene \(change).",
        "\(name(rule.measure)): \(rule.k) av dei siste \(rule.of) målingane \(change).",
        "\(name(rule.measure)): \(rule.k) of the last \(rule.of) \(change).")
    case .missing(let rule): return missing(rule)
    case .bits(let rule), .quality(let rule):
      let signs = rule.flags.map(\.rawValue).joined(separator: ", ")
      return say(
        "Tegn på målingen (\(signs)) i \(rule.k) av de siste \(rule.of): \(zone(rule.zone)).",
        "Teikn på målinga (\(signs)) i \(rule.k) av dei siste \(rule.of): \(zone(rule.zone)).",
        "A sign of the measurement (\(signs)) in \(rule.k) of the last \(rule.of): \(zone(rule.zone)).")
    case .device(let rule): return device(rule)
    }
  }

  private func band(_ rule: BandRule) -> String {
    var text = "\(name(rule.measure)): \(limits(rule.zones, rule.measure, rule.given))."
    if let confirm = rule.confirm {
      let within = duration(confirm.within)
      let first = say("meldes straks, og måles", "blir meldt straks, og målt", "told at once, and measured")
      let asked = rule.isImmediate ? first : say("Måles", "Blir målt", "Measured")
      text += " " + asked.prefix(1).uppercased() + asked.dropFirst()
      text += say(
        " på nytt innen \(within); \(confirm.count) målinger avgjør.",
        " på nytt innan \(within); \(confirm.count) målingar avgjer.",
        " again within \(within); \(confirm.count) measurements decide.")
    }
    if !rule.hysteresis.isZero {
      let slack = number(rule.given?.hysteresis ?? rule.hysteresis, rule.given?.unit ?? rule.measure.unit)
      text += say(
        " Slutter først \(slack) innenfor grensen.", " Sluttar først \(slack) innanfor grensa.",
        " Ends only \(slack) inside the limit.")
    }
    return text
  }

  private func average(_ rule: AverageRule) -> String {
    let what = rule.measures.map(name).joined(separator: say(" og ", " og ", " and "))
    let limits = (rule.given?.zones ?? rule.zones).map { limit in
      let numbers = zip(limit.limits, rule.measures).map { number($0, rule.given?.unit ?? $1.unit) }
      return zone(limit.zone) + " " + comparison(limit.comparison) + " "
        + numbers.joined(separator: say(" eller ", " eller ", " or "))
    }.joined(separator: ", ")
    let window = duration(rule.window)
    var text = say(
      "\(what): gjennomsnittet av de siste \(window), når det er minst \(rule.minimumCount) målinger: \(limits).",
      "\(what): gjennomsnittet av dei siste \(window), når det er minst \(rule.minimumCount) målingar: \(limits).",
      "\(what): the mean of the last \(window), once there are at least \(rule.minimumCount): \(limits).")
    if rule.dropsFirstDay {
      text += say(" Den første dagen teller ikke.", " Den første dagen tel ikkje.", " The first day does not count.")
    }
    return text
  }

  private func missing(_ rule: MissingRule) -> String {
    var text: String
    switch rule.schedule {
    case .slots(let hours, let days):
      let names = [
        say("mandag", "måndag", "Monday"), say("tirsdag", "tysdag", "Tuesday"), say("onsdag", "onsdag", "Wednesday"),
        say("torsdag", "torsdag", "Thursday"), say("fredag", "fredag", "Friday"), say("lørdag", "laurdag", "Saturday"),
        say("søndag", "sundag", "Sunday"),
      ]
      let which =
        days.isEmpty
        ? say("hver dag", "kvar dag", "every day")
        : days.sorted().compactMap { (1...7).contains($0) ? names[$0 - 1] : nil }.joined(separator: ", ")
      let when = which + " " + hours.map(\.text).joined(separator: ", ")
      text = say(
        "\(name(rule.measure)): måles \(when).", "\(name(rule.measure)): blir målt \(when).",
        "\(name(rule.measure)): measured \(when).")
    case .interval(let interval):
      let length = duration(interval)
      text = say(
        "\(name(rule.measure)): måles minst hver \(length).", "\(name(rule.measure)): blir målt minst kvar \(length).",
        "\(name(rule.measure)): measured at least every \(length).")
    }
    if let remind = rule.remindAfter {
      let after = duration(remind)
      text += say(" Påminning etter \(after).", " Påminning etter \(after).", " A reminder after \(after).")
    }
    let late = rule.grace > 0 ? duration(rule.grace) : nil
    text += say(
      " Uteblir den\(late.map { " mer enn \($0)" } ?? ""): \(zone(rule.zone)).",
      " Kjem ho ikkje\(late.map { " innan \($0) etterpå" } ?? ""): \(zone(rule.zone)).",
      " If it does not come\(late.map { " within \($0) more" } ?? ""): \(zone(rule.zone)).")
    return text
  }

  private func device(_ rule: DeviceRule) -> String {
    let what =
      switch rule.watch {
      case .battery(let below): say("batteri under \(below) %", "batteri under \(below) %", "battery below \(below) %")
      case .clock(let beyond):
        say(
          "klokken feil med mer enn \(duration(beyond))", "klokka feil med meir enn \(duration(beyond))",
          "its clock wrong by more than \(duration(beyond))")
      case .silent(let length):
        say(
          "ikke hørt på \(duration(length))", "ikkje høyrd på \(duration(length))", "not heard for \(duration(length))")
      }
    return say(
      "Måleapparatet: \(what): \(zone(rule.zone)).", "Måleapparatet: \(what): \(zone(rule.zone)).",
      "The device: \(what): \(zone(rule.zone)).")
  }
}
