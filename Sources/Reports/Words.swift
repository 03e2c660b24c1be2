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

  func flag(_ flag: ReadingFlag) -> String { PlanText.flag(flag, language) }

  /// What a reading's time rests on.
  func timeQuality(_ quality: TimeQuality) -> String {
    switch quality {
    case .device: say("apparatets tid", "tida i apparatet", "the device's time")
    case .corrected: say("apparatets klokke er rettet", "klokka i apparatet er retta", "the device's clock corrected")
    case .received: say("tiden da den ble mottatt", "tida då ho vart motteken", "the time of reception")
    case .receivedUnsynced:
      say(
        "tiden da den ble mottatt, huben var ikke synkronisert",
        "tida då ho vart motteken, huben var ikkje synkronisert",
        "the time of reception, the hub was not synchronised")
    case .unplaced: say("uten sikker tid", "utan sikker tid", "without a certain time")
    }
  }

  /// Why something was told or ended, as the daemon names it; what another version named stays as it is.
  func because(_ name: String) -> String {
    switch name {
    case "plan-changed": say("planen ble endret", "planen vart endra", "the plan was changed")
    case "paused": say("regelen er satt på pause", "regelen er sett på pause", "the rule is paused")
    case "expired":
      say(
        "regelen gjelder ikke på denne datoen", "regelen gjeld ikkje på denne datoen", "the rule is not in force then")
    case "disabled": say("regelen er slått av", "regelen er slått av", "the rule is switched off")
    case "outside":
      say("regelen gjelder ikke lenger", "regelen gjeld ikkje lenger", "the rule is no longer in force")
    case "other-direction":
      say("gikk over til den andre siden", "gjekk over til den andre sida", "went to the other side")
    case "came-late": say("målingen kom sent", "målinga kom seint", "the measurement came late")
    case "quiet":
      say("holdt tilbake mens det var stille", "halde tilbake medan det var stille", "held while it was quiet")
    case "still-open": say("fortsatt ikke over", "framleis ikkje over", "still not over")
    default: PlanText.reason(name, language)
    }
  }

  /// It ended because its rule is not in force any more or another one now: that says nothing of the value.
  func isLeaving(_ mark: PatientHistory.Mark) -> Bool {
    mark.kind == .cleared
      && ["plan-changed", "paused", "expired", "disabled", "outside"].contains(mark.because ?? "")
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
    case .repeatRequested: say("bedt om ny måling", "bede om ny måling", "asked for a repeat")
    case .reminder: say("påminnelse", "påminning", "reminder")
    }
  }

  var missed: String { say("uteblitt", "manglar", "missed") }
}
