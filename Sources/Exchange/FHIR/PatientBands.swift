// A patient's limits as they travel with a reading: `Observation.referenceRange` a band, and the zone as `interpretation`
// (FHIR R4 10.1; codes of v3-ObservationInterpretation).

internal import JSON

package import Readings

/// The bands of the plan that was in force, for one patient.
package struct PatientBands: Sendable, Hashable {
  /// How a value is compared with a limit.
  package enum Comparison: Sendable, Hashable {
    case lessThan
    case atMost
    case greaterThan
    case atLeast
  }

  /// A comparison with its limit, in the canonical unit of the term.
  package struct Bound: Sendable, Hashable {
    /// How a value is compared.
    package var comparison: Comparison
    /// The limit.
    package var limit: ExactDecimal
    package init(_ comparison: Comparison, _ limit: ExactDecimal) {
      self.comparison = comparison
      self.limit = limit
    }

    func holds(for value: ExactDecimal) -> Bool {
      switch comparison {
      case .lessThan: value < limit
      case .atMost: !(limit < value)
      case .greaterThan: limit < value
      case .atLeast: !(value < limit)
      }
    }
  }

  /// One zone of one rule.
  package struct Band: Sendable, Hashable {
    /// The rule's id, as evaluations name it.
    package var rule: String
    /// What the rule watches.
    package var terms: [Term]
    package var zone: Zone
    /// All must hold; at least one.
    package var bounds: [Bound]
    /// Judged at every hour; else it counts only where an evaluation names it.
    package var isAlways: Bool
    package init(rule: String, terms: [Term], zone: Zone, bounds: [Bound], isAlways: Bool = true) {
      self.isAlways = isAlways
      self.rule = rule
      self.terms = terms
      self.zone = zone
      self.bounds = bounds
    }
  }

  /// The plan's version. Bands travel only with readings that were judged by it.
  package var version: Int
  /// In the order of the plan.
  package var bands: [Band]

  /// The bands of a plan.
  package init(version: Int, bands: [Band]) {
    self.version = version
    self.bands = bands
  }
}

/// What a plan says of one value.
struct BandJudgement {
  /// `referenceRange`.
  let ranges: [JSONValue]
  /// The code and display of v3-ObservationInterpretation; nil when the value was not judged.
  let code: (code: String, display: String)?

  /// Nothing where the reading was judged by another plan than `bands`, or by none: limits that are not known to have been in
  /// force are not told.
  init(_ observation: Observation, of reading: Reading, by bands: PatientBands?) {
    guard let bands, let evaluation = reading.evaluation, evaluation.planVersion == bands.version else {
      (ranges, code) = ([], nil)
      return
    }
    let named = Set(evaluation.rules.map(\.rule))
    let own = bands.bands.filter {
      $0.terms.contains(observation.term) && !$0.bounds.isEmpty && ($0.isAlways || named.contains($0.rule))
    }
    ranges = own.map { BandJudgement.range($0, observation.term.unit) }
    guard let value = observation.value.decimal, !own.isEmpty, evaluation.zone != nil else {
      code = nil
      return
    }
    let rules = Set(own.map(\.rule))
    let zone = evaluation.rules.filter { rules.contains($0.rule) }.map(\.zone).max() ?? .green
    code = BandJudgement.interpretation(zone, own.filter { $0.zone == zone }, value)
  }

  private static func range(_ band: PatientBands.Band, _ unit: UCUM) -> JSONValue {
    var low: ExactDecimal?
    var high: ExactDecimal?
    for bound in band.bounds {
      switch bound.comparison {
      case .greaterThan, .atLeast: low = bound.limit
      case .lessThan, .atMost: high = bound.limit
      }
    }
    let (code, display) = interpretation(band.zone, [band], nil)
    let words = band.bounds.map { "\(sign($0.comparison)) \($0.limit) \(unit.rawValue)" }.joined(separator: " and ")
    return FHIRElement.object([
      "low": low.map { FHIRElement.quantity($0, unit) }, "high": high.map { FHIRElement.quantity($0, unit) },
      "type": FHIRElement.concept(
        [FHIRElement.coding(FHIRSystem.interpretation, code, display)], text: band.zone.rawValue),
      "text": .string("\(band.zone.rawValue): \(words)"),
    ])
  }

  private static func sign(_ comparison: PatientBands.Comparison) -> String {
    switch comparison {
    case .lessThan: "<"
    case .atMost: "<="
    case .greaterThan: ">"
    case .atLeast: ">="
    }
  }

  /// Yellow is abnormal, red critically so; high and low where the bands that hold are on one side.
  private static func interpretation(
    _ zone: Zone, _ bands: [PatientBands.Band], _ value: ExactDecimal?
  ) -> (String, String) {
    guard zone > .green else { return ("N", "Normal") }
    let holding = bands.filter { band in value.map { value in band.bounds.allSatisfy { $0.holds(for: value) } } ?? true
    }
    var sides = Set<Bool>()
    for bound in (holding.isEmpty ? bands : holding).flatMap(\.bounds) {
      sides.insert(bound.comparison == .greaterThan || bound.comparison == .atLeast)
    }
    switch (zone, sides.count == 1 ? sides.first : nil) {
    case (.red, true?): return ("HH", "Critical high")
    case (.red, false?): return ("LL", "Critical low")
    case (.red, nil): return ("AA", "Critical abnormal")
    case (_, true?): return ("H", "High")
    case (_, false?): return ("L", "Low")
    case (_, nil): return ("A", "Abnormal")
    }
  }
}
