// The words of a picture in Norwegian Bokmål, Nynorsk and English.

internal import Monitoring
internal import Readings

/// The words of one language.
struct Words: Hashable {
  let language: PlanLanguage

  init(_ language: PlanLanguage) { self.language = language }

  func say(_ bokmal: String, _ nynorsk: String, _ english: String) -> String {
    language.say(bokmal, nynorsk, english)
  }

  // MARK: Dates

  var weekdays: [String] {
    switch language {
    case .bokmal: ["ma.", "ti.", "on.", "to.", "fr.", "lø.", "sø."]
    case .nynorsk: ["må.", "ty.", "on.", "to.", "fr.", "la.", "su."]
    case .english: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    }
  }

  var shortMonths: [String] {
    language == .english
      ? ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
      : ["jan.", "feb.", "mars", "april", "mai", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "des."]
  }

  var months: [String] {
    language == .english
      ? [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
      ]
      : [
        "januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
        "desember",
      ]
  }

  func dayAndMonth(_ day: Int, _ month: String) -> String {
    language == .english ? "\(day) \(month)" : "\(day). \(month)"
  }

  // MARK: What is measured

  func title(_ measure: Measure) -> String {
    switch measure {
    case .systolic: say("Blodtrykk, systolisk", "Blodtrykk, systolisk", "Blood pressure, systolic")
    case .diastolic: say("Blodtrykk, diastolisk", "Blodtrykk, diastolisk", "Blood pressure, diastolic")
    case .meanArterial: say("Blodtrykk, middel", "Blodtrykk, middel", "Blood pressure, mean")
    case .pulse: say("Puls", "Puls", "Pulse")
    case .heartRate: say("Hjertefrekvens", "Hjartefrekvens", "Heart rate")
    case .spo2: say("Oksygenmetning (SpO₂)", "Oksygenmetting (SpO₂)", "Oxygen saturation (SpO₂)")
    case .perfusion: say("Perfusjonsindeks", "Perfusjonsindeks", "Perfusion index")
    case .weight: say("Vekt", "Vekt", "Weight")
    case .bodyFat: say("Fettprosent", "Feittprosent", "Body fat")
    case .bodyMassIndex: say("Kroppsmasseindeks", "Kroppsmasseindeks", "Body mass index")
    case .temperature: say("Temperatur", "Temperatur", "Temperature")
    case .glucose: say("Blodsukker", "Blodsukker", "Blood glucose")
    }
  }

  /// Without what the place says already.
  func shortTitle(_ measure: Measure) -> String {
    switch measure {
    case .systolic: say("Systolisk", "Systolisk", "Systolic")
    case .diastolic: say("Diastolisk", "Diastolisk", "Diastolic")
    case .spo2: "SpO₂"
    default: title(measure)
    }
  }

  var bloodPressure: String { say("Blodtrykk", "Blodtrykk", "Blood pressure") }

  func kind(_ kind: ReadingKind?) -> String {
    switch kind {
    case .bloodPressure: bloodPressure
    case .bodyWeight: say("Vekt", "Vekt", "Weight")
    case .bodyComposition: say("Kroppssammensetning", "Kroppssamansetjing", "Body composition")
    case .pulseOximetry: say("Oksygenmetning", "Oksygenmetting", "Oximetry")
    case .bodyTemperature: title(.temperature)
    case .glucose: title(.glucose)
    case .heartRate: title(.heartRate)
    case nil: say("Måling", "Måling", "Measurement")
    }
  }

  func zone(_ zone: Zone?) -> String {
    zone.map { PlanText.name($0, language) } ?? say("ikke vurdert", "ikkje vurdert", "not judged")
  }

  // MARK: What readings and rules say

  func flag(_ flag: ReadingFlag) -> String {
    switch flag {
    case .bodyMovement: say("bevegelse", "rørsle", "movement")
    case .cuffTooLoose: say("løs mansjett", "laus mansjett", "cuff too loose")
    case .irregularPulse: say("uregelmessig puls", "uregelmessig puls", "irregular pulse")
    case .pulseOverRange: say("puls over måleområdet", "puls over måleområdet", "pulse above the range")
    case .pulseUnderRange: say("puls under måleområdet", "puls under måleområdet", "pulse below the range")
    case .improperPosition: say("feil stilling", "feil stilling", "wrong position")
    case .signalPoor, .signalInadequate: say("dårlig signal", "dårleg signal", "poor signal")
    case .signalLowPerfusion: say("svak sirkulasjon", "svak sirkulasjon", "low perfusion")
    case .questionable, .signalPulseQuestionable: say("usikker måling", "usikker måling", "questionable")
    case .earlyIndication: say("foreløpig verdi", "førebels verdi", "early value")
    case .implausible: say("usannsynlig verdi", "usannsynleg verdi", "implausible")
    case .suspectPerson: say("kanskje en annen person", "kanskje ein annan person", "perhaps another person")
    case .fromStorage: say("fra apparatets minne", "frå minnet i apparatet", "from the device's memory")
    case .lowBattery: say("lavt batteri", "lågt batteri", "low battery")
    case .estimatedTime: say("anslått tid", "omtrentleg tid", "estimated time")
    case .ambiguousTime: say("tvetydig tid", "tvitydig tid", "ambiguous time")
    case .clockNotSet: say("klokken ikke stilt", "klokka ikkje stilt", "clock not set")
    case .mealBefore: say("før måltid", "før måltid", "before a meal")
    case .mealAfter: say("etter måltid", "etter måltid", "after a meal")
    case .mealFasting: say("fastende", "fastande", "fasting")
    case .controlSolution: say("kontrolløsning", "kontrolløysing", "control solution")
    case .measurementFailed: say("mislykket måling", "mislukka måling", "failed measurement")
    default: flag.rawValue.split(separator: "-").joined(separator: " ")
    }
  }

  /// The remarks of a value, and why it is in doubt or left out where none of them says so.
  func doubts(_ flags: [ReadingFlag], _ reason: NotJudgedReason?) -> [String] {
    let texts = flags.map(flag)
    guard let reason else { return texts }
    let isSaid =
      switch reason {
      case .doubted: flags.contains { $0.isDoubt }
      case .somebodyElse: flags.contains(.suspectPerson)
      case .notBelievable: flags.contains(.implausible)
      default: false
      }
    return isSaid ? texts : texts + [PlanText.reason(reason, language)]
  }

  /// What was told, with its value where there is one.
  func event(_ mark: PatientHistory.Mark, _ kind: String = "") -> String {
    let value = value(mark.value, above: mark.above, mark.unit, mark.measure, kind)
    return event(of: mark) + (value.map { ": \($0)" } ?? "")
  }

  private func event(of mark: PatientHistory.Mark) -> String {
    switch mark.kind {
    case .raised: say("utenfor grensene", "utanfor grensene", "outside the limits")
    case .unconfirmed:
      say("utenfor, ikke målt på nytt", "utanfor, ikkje målt på nytt", "outside, not measured again")
    case .late: say("eldre måling utenfor grensene", "eldre måling utanfor grensene", "older measurement outside")
    case .missing:
      mark.count > 1
        ? say(
          "\(mark.count) målinger uteble", "\(mark.count) målingar kom ikkje", "\(mark.count) measurements did not come"
        )
        : say("måling uteble", "måling kom ikkje", "measurement did not come")
    case .acknowledged: say("kvittert", "kvittert", "acknowledged")
    case .cleared: say("slutt", "slutt", "over")
    case .repeatRequested, .reminder: mark.kind.rawValue
    }
  }

  var missed: String { say("uteblitt", "manglar", "missed") }
}
