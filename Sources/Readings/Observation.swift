// One measured value of a reading.

/// A value, or the reason for its absence, with what the device itself said where the unit differs.
public struct Observation: Sendable, Hashable {
  /// What a device said in its own unit.
  public struct Reported: Sendable, Hashable {
    /// The number with the device's precision.
    public let value: ExactDecimal
    /// The device's unit.
    public let unit: UCUM
    /// A number and its unit.
    public init(value: ExactDecimal, unit: UCUM) {
      self.value = value
      self.unit = unit
    }
  }

  /// What was measured.
  public let term: Term
  /// The value in `term.unit`, or why there is none.
  public let value: ObservedValue
  /// What the device said, when its unit was another.
  public let reported: Reported?

  /// For restoring what was stored; drivers use `init(_:_:unit:)`.
  public init(term: Term, value: ObservedValue, reported: Reported?) {
    self.term = term
    self.value = value
    self.reported = reported
  }

  /// A value as the device gave it; converted to the canonical unit of `term`, keeping what was said. A number that is too
  /// large to convert becomes `error`.
  public init(_ term: Term, _ value: ObservedValue, unit: UCUM) {
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
  public init(_ term: Term, medical value: MedicalFloat, unit: UCUM) {
    self.init(term, value.observed, unit: unit)
  }
}
