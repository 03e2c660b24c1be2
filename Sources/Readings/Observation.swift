// One measured value of a reading.

/// A value, or the reason for its absence, with what the device itself said where the unit differs.
package struct Observation: Sendable, Hashable {
  /// What a device said in its own unit.
  package struct Reported: Sendable, Hashable {
    /// The number with the device's precision.
    package let value: ExactDecimal
    /// The device's unit.
    package let unit: UCUM
    /// A number and its unit.
    package init(value: ExactDecimal, unit: UCUM) {
      self.value = value
      self.unit = unit
    }
  }

  /// What was measured.
  package let term: Term
  /// The value in `term.unit`, or why there is none.
  package let value: ObservedValue
  /// What the device said, when its unit was another.
  package let reported: Reported?

  /// For restoring what was stored; drivers use `init(_:_:unit:)`.
  package init(term: Term, value: ObservedValue, reported: Reported?) {
    self.term = term
    self.value = value
    self.reported = reported
  }

  /// A value as the device gave it; converted to the canonical unit of `term`, keeping what was said. A number that is too
  /// large to convert becomes `error`.
  package init(_ term: Term, _ value: ObservedValue, unit: UCUM) {
    guard case .value(let number) = value, unit != term.unit else {
      self.init(term: term, value: value, reported: nil)
      return
    }
    let reported = Reported(value: number, unit: unit)
    guard unit.canonical == term.unit, let converted = unit.canonicalValue(of: number) else {
      self.init(term: term, value: .absent(.error), reported: reported)
      return
    }
    self.init(term: term, value: .value(converted), reported: reported)
  }

  /// A medical float as the device gave it.
  package init(_ term: Term, medical value: MedicalFloat, unit: UCUM) {
    self.init(term, value.observed, unit: unit)
  }
}
