// Numbers in the language's own form: a decimal comma in Norwegian, a point in English, no mark between thousands, and never more
// digits than were measured.

package import Monitoring
internal import Readings

/// Numbers for people.
package enum ReportNumber {
  /// A value without its unit, such as `80,0`; what is no number stays as it is.
  package static func text(_ value: String, _ measure: Measure, _ language: PlanLanguage) -> String {
    ExactDecimal(value).map { Words(language).number($0, measure) } ?? value
  }
}

extension Measure {
  /// So many places are shown of a value that has them, zeros or not: `80,0 kg`, `128 mmHg`.
  var usualPlaces: Int {
    switch self {
    case .systolic, .diastolic, .meanArterial, .pulse, .heartRate, .spo2: 0
    case .perfusion, .weight, .bodyFat, .bodyMassIndex, .temperature, .glucose: 1
    }
  }
}

extension ExactDecimal {
  /// At most two places, and no zeros behind the last digit that says something; of those it has, `usual` places stay.
  func shown(usual: Int) -> ExactDecimal {
    let rounded = decimalPlaces > 2 ? self.plain.rounded(places: min(2, self.plain.decimalPlaces)) ?? self : self
    let plain = rounded.plain
    let places = min(decimalPlaces, max(usual, plain.decimalPlaces))
    return plain.rounded(places: places) ?? plain
  }
}

extension Words {
  /// With the language's decimal sign.
  func number(_ decimal: ExactDecimal) -> String {
    var text = "\(decimal)"
    if language != .english { text = text.split(separator: ".").joined(separator: ",") }
    return text.hasPrefix("-") ? "\u{2212}" + text.dropFirst() : text
  }

  /// A value as it was measured: `80,0` of 80.000 kg.
  func number(_ value: ExactDecimal, _ measure: Measure) -> String { number(value.shown(usual: measure.usualPlaces)) }

  /// A limit; one that was converted from another unit is rounded for the eye.
  func limit(_ decimal: ExactDecimal) -> String {
    number(decimal.decimalPlaces > 3 ? decimal.rounded(places: 2) ?? decimal : decimal)
  }

  /// A mean with as many digits as the values have; one more where it would look like one of the limits and is none.
  func mean(_ value: ExactDecimal, _ places: Int, _ limits: [ExactDecimal]) -> String {
    guard let rounded = value.rounded(places: places) else { return number(value) }
    let isMistaken = limits.contains { $0.isEqual(to: rounded) && !$0.isEqual(to: value) }
    return number(isMistaken ? value.rounded(places: places + 1) ?? rounded : rounded)
  }

  /// A unit as people write it.
  func unit(_ unit: UCUM) -> String {
    switch unit {
    case .millimetreOfMercury: "mmHg"
    case .perMinute: "/min"
    case .degreeCelsius: "°C"
    case .kilogramPerSquareMetre: "kg/m²"
    default: unit.symbol
    }
  }

  private func joined(_ number: String, _ unit: UCUM) -> String {
    number + (unit == .perMinute ? "" : "\u{A0}") + self.unit(unit)
  }

  /// `128 mmHg`, `97 %`.
  func quantity(_ value: ExactDecimal, _ measure: Measure) -> String { joined(number(value, measure), measure.unit) }

  /// `HI` or `LO`, as devices say it.
  func beyond(above: Bool) -> String { above ? "HI" : "LO" }

  /// The same in words.
  func beyondRange(above: Bool) -> String {
    above
      ? say("over måleområdet (HI)", "over måleområdet (HI)", "above the device's range (HI)")
      : say("under måleområdet (LO)", "under måleområdet (LO)", "below the device's range (LO)")
  }

  /// What a rule told of, such as `192 mmHg`, `+2,3 kg`, `snitt 136 mmHg` or `7 poeng`; nil: there is no value.
  /// - Parameter kind: the rule's, as plans name it; empty where it is not known.
  func value(_ value: ExactDecimal?, above: Bool?, _ unit: UCUM?, _ measure: Measure?, _ kind: String) -> String? {
    if let above { return beyondRange(above: above) }
    guard let value else { return nil }
    if kind == "score" { return number(value.plain) + say(" poeng", " poeng", " points") }
    let usual = measure?.usualPlaces ?? 1
    // A mean is told with two digits more than the values have.
    var number = number(value.shown(usual: usual))
    if kind == "average" { number = self.number(value.rounded(places: usual) ?? value) }
    if kind == "delta", !value.isNegative { number = "+" + number }
    let text = unit.map { joined(number, $0) } ?? number
    return kind == "average" ? say("snitt ", "snitt ", "mean ") + text : text
  }
}

extension Words {
  /// `snittet av 7 døgn, kl. 05:00-11:00, som bp.week vurderer`.
  func legend(of line: PatientPicture.MeanLine) -> String {
    let hours = line.hours.map { say(", kl. \($0)", ", kl. \($0)", ", \($0)") } ?? ""
    let days = line.days
    return say(
      "snittet av \(days) døgn\(hours), som \(line.rule) vurderer",
      "snittet av \(days) døgn\(hours), som \(line.rule) vurderer",
      "mean of \(days) days\(hours), which \(line.rule) judges")
  }
}
