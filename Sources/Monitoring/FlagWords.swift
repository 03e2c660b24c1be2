// What a reading says of itself beside its values, in the words of each language.

package import Readings

extension PlanText {
  /// A remark of a reading, such as `irregular pulse`.
  package static func flag(_ flag: ReadingFlag, _ language: PlanLanguage) -> String {
    let words = PlanWords(language)
    return switch flag {
    case .bodyMovement: words.say("bevegelse", "rørsle", "movement")
    case .cuffTooLoose: words.say("løs mansjett", "laus mansjett", "cuff too loose")
    case .irregularPulse: words.say("uregelmessig puls", "uregelmessig puls", "irregular pulse")
    case .pulseOverRange: words.say("puls over måleområdet", "puls over måleområdet", "pulse above the range")
    case .pulseUnderRange: words.say("puls under måleområdet", "puls under måleområdet", "pulse below the range")
    case .improperPosition: words.say("feil stilling", "feil stilling", "wrong position")
    case .sensorDisconnected: words.say("føleren er koblet fra", "følaren er kopla frå", "sensor disconnected")
    case .sensorMalfunction: words.say("feil på føleren", "feil på følaren", "sensor fault")
    case .sensorDisplaced: words.say("føleren sitter feil", "følaren sit feil", "sensor displaced")
    case .sensorUnsupported: words.say("føler som ikke støttes", "følar som ikkje er støtta", "sensor not supported")
    case .sensorOff: words.say("føleren er av", "følaren er av", "sensor off")
    case .sensorInterference: words.say("forstyrret føler", "forstyrra følar", "sensor disturbed")
    case .signalSearching: words.say("leter etter signal", "leitar etter signal", "searching for a signal")
    case .signalPulseQuestionable: words.say("usikker puls", "usikker puls", "questionable pulse")
    case .signalNonPulsatile: words.say("ingen puls i signalet", "ingen puls i signalet", "no pulse in the signal")
    case .signalErratic: words.say("ustabilt signal", "ustabilt signal", "erratic signal")
    case .signalLowPerfusion: words.say("svak sirkulasjon", "svak sirkulasjon", "low perfusion")
    case .signalPoor: words.say("dårlig signal", "dårleg signal", "poor signal")
    case .signalInadequate: words.say("for svakt signal", "for svakt signal", "signal too weak")
    case .signalProcessingIrregularity:
      words.say("uregelmessig signalbehandling", "uregelmessig signalhandsaming", "irregular signal processing")
    case .deviceMalfunction: words.say("feil på apparatet", "feil på apparatet", "device fault")
    case .deviceExtendedUpdate:
      words.say("verdien oppdateres langsomt", "verdien blir oppdatert langsamt", "value updated slowly")
    case .invalid: words.say("ugyldig måling", "ugyldig måling", "invalid")
    case .notAvailable: words.say("ingen verdi", "ingen verdi", "no value")
    case .questionable: words.say("usikker måling", "usikker måling", "questionable")
    case .calibrationOngoing: words.say("kalibrering pågår", "kalibrering går føre seg", "calibration under way")
    case .earlyIndication: words.say("foreløpig verdi", "førebels verdi", "early value")
    case .measurementOngoing: words.say("måling pågår", "måling går føre seg", "measurement under way")
    case .validated: words.say("kontrollert", "kontrollert", "validated")
    case .fullyQualified: words.say("fullgod måling", "fullgod måling", "fully qualified")
    case .fromStorage: words.say("fra apparatets minne", "frå minnet i apparatet", "from the device's memory")
    case .demonstration: words.say("demonstrasjon", "demonstrasjon", "demonstration")
    case .testData: words.say("prøvemåling", "prøvemåling", "test data")
    case .mealBefore: words.say("før måltid", "før måltid", "before a meal")
    case .mealAfter: words.say("etter måltid", "etter måltid", "after a meal")
    case .mealFasting: words.say("fastende", "fastande", "fasting")
    case .mealCasual: words.say("mellom måltider", "mellom måltid", "between meals")
    case .mealBedtime: words.say("ved leggetid", "ved leggjetid", "at bedtime")
    case .controlSolution: words.say("kontrolløsning", "kontrolløysing", "control solution")
    case .resultAboveRange: words.say("over måleområdet", "over måleområdet", "above the range")
    case .resultBelowRange: words.say("under måleområdet", "under måleområdet", "below the range")
    case .sampleInsufficient: words.say("for lite blod", "for lite blod", "sample too small")
    case .stripError: words.say("feil på teststrimmelen", "feil på teststrimmelen", "strip error")
    case .temperatureOutOfRange:
      words.say(
        "for varmt eller kaldt for apparatet", "for varmt eller kaldt for apparatet", "too warm or cold for the device")
    case .measurementFailed: words.say("mislykket måling", "mislukka måling", "failed measurement")
    case .implausible: words.say("usannsynlig verdi", "usannsynleg verdi", "implausible")
    case .clockNotSet: words.say("klokken ikke stilt", "klokka ikkje stilt", "clock not set")
    case .ambiguousTime: words.say("tvetydig tid", "tvitydig tid", "ambiguous time")
    case .estimatedTime: words.say("anslått tid", "omtrentleg tid", "estimated time")
    case .lowBattery: words.say("lavt batteri", "lågt batteri", "low battery")
    case .unverifiedChecksum:
      words.say("kontrollsummen er ikke kontrollert", "kontrollsummen er ikkje kontrollert", "checksum not verified")
    case .clockUnverified: words.say("klokken ikke kontrollert", "klokka ikkje kontrollert", "clock not verified")
    case .suspectPerson: words.say("kanskje en annen person", "kanskje ein annan person", "perhaps another person")
    }
  }
}

extension PlanText {
  /// What an event of a rule over remarks says.
  static func signs(_ rule: any SignRule, _ event: MonitoringEvent, _ words: PlanWords) -> String {
    let names = rule.names(words.language)
    switch event.kind {
    case .cleared where event.detail.because == nil:
      return words.say(
        "Ikke lenger i de siste målingene: \(names).", "Ikkje lenger i dei siste målingane: \(names).",
        "No longer in the latest measurements: \(names).")
    case .cleared: return noLongerWatched(rule.subject(words.language), words)
    case .acknowledged:
      return words.say(
        "Siste målinger: \(names). Noen har sett på det.", "Siste målingar: \(names). Nokon har sett på det.",
        "Latest measurements: \(names). Somebody has looked at it.")
    case .late where event.detail.because == nil:
      return words.say(
        "Eldre målinger er kommet inn: \(names). ", "Eldre målingar er komne inn: \(names). ",
        "Older measurements have come in: \(names). ") + seen(event, words)
    default:
      return words.say("Siste målinger: \(names). ", "Siste målingar: \(names). ", "Latest measurements: \(names). ")
        + seen(event, words)
    }
  }
}
