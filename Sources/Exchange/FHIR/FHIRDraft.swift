// A reading taken apart into the Observations that it becomes: one for the blood pressure with its components, one for each other
// value, one for a status word with bits set, one for a meal.

internal import JSON
internal import Readings

/// One Observation to be, before a profile gives it its form.
struct FHIRDraft: Sendable {
  /// What kind of value it has.
  enum Shape: Sendable {
    case numeric(Observation)
    case compound([Observation])
    case bits(StatusBits)
    case coded(mdc: UInt32, reference: String)
  }

  /// The type: MDC code and reference id.
  var mdc: UInt32
  var reference: String
  var shape: Shape
  /// The MDC code of the draft that it is derived from.
  var derivedFrom: UInt32?

  static let bloodPressure: (mdc: UInt32, reference: String) = (150_020, "MDC_PRESS_BLD_NONINV")

  /// In the order of the reading, whose terms differ.
  static func all(of reading: Reading) -> [FHIRDraft] {
    var drafts: [FHIRDraft] = []
    let pressures = reading.observations.filter(\.term.isPressure)
    if !pressures.isEmpty {
      drafts.append(
        FHIRDraft(mdc: bloodPressure.mdc, reference: bloodPressure.reference, shape: .compound(pressures)))
    }
    let hasWeight = reading.observations.contains { $0.term == .weight }
    for observation in reading.observations where !observation.term.isPressure {
      let term = observation.term
      drafts.append(
        FHIRDraft(
          mdc: term.mdc, reference: term.code, shape: .numeric(observation),
          derivedFrom: term == .bodyMassIndex && hasWeight ? Term.weight.mdc : nil))
    }
    let main = drafts.first?.mdc
    if let bits = StatusBits.of(reading) {
      drafts.append(
        FHIRDraft(mdc: bits.mdc, reference: bits.reference, shape: .bits(bits), derivedFrom: main))
    }
    if reading.kind == .glucose, let meal = reading.flags.lazy.compactMap(\.meal).first {
      drafts.append(
        FHIRDraft(
          mdc: 8_417_864, reference: "MDC_CTXT_GLU_MEAL", shape: .coded(mdc: meal.mdc, reference: meal.reference),
          derivedFrom: main))
    }
    return drafts
  }

  /// The terms of its values.
  var observations: [Observation] {
    switch shape {
    case .numeric(let observation): [observation]
    case .compound(let observations): observations
    case .bits, .coded: []
    }
  }

  /// R4's vital signs profile covers it.
  var isVitalSign: Bool {
    switch shape {
    case .numeric(let observation): observation.term.isVitalSign
    case .compound: true
    case .bits, .coded: false
    }
  }
}

extension Reading {
  /// A pulse oximeter's spot-check (PLX Spot-Check Measurement) is a stable mean.
  var isSpotCheck: Bool { raw.source.uppercased() == "1822/2A5E" }

  /// Off scale: a meter's HI and LO.
  var offScale: JSONValue? {
    if flags.contains(.resultAboveRange) {
      return FHIRElement.coding(FHIRSystem.interpretation, ">", "Off scale high")
    }
    if flags.contains(.resultBelowRange) {
      return FHIRElement.coding(FHIRSystem.interpretation, "<", "Off scale low")
    }
    return nil
  }
}
