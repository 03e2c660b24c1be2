// Something for each measure. Rules look values up so often that a place is worth more than a hash.

/// Values by measure.
package struct PerMeasure<Value: Sendable & Hashable>: Sendable, Hashable {
  /// In the order of `Measure.allCases`; empty while there are none.
  private var slots: [Value?] = []

  /// Nothing.
  package init() {}

  /// The value of a measure; nil: none.
  package subscript(measure: Measure) -> Value? {
    get { slots.isEmpty ? nil : slots[measure.place] }
    _modify {
      if slots.isEmpty { slots = Array(repeating: nil, count: Measure.allCases.count) }
      yield &slots[measure.place]
    }
  }

  /// The value of a measure, `value` where there is none.
  package subscript(measure: Measure, default value: @autoclosure () -> Value) -> Value {
    get { self[measure] ?? value() }
    _modify {
      var slot: Value?
      swap(&slot, &self[measure])
      var found = slot ?? value()
      slot = nil
      defer { self[measure] = found }
      yield &found
    }
  }

  /// Measures with their values, in the order of `Measure.allCases`.
  package var pairs: [(key: Measure, value: Value)] {
    zip(Measure.allCases, slots).compactMap { measure, value in value.map { (measure, $0) } }
  }

  /// True when there is nothing.
  package var isEmpty: Bool { slots.allSatisfy { $0 == nil } }

  /// The same values of the same measures.
  package static func == (left: Self, right: Self) -> Bool {
    left.slots == right.slots || Measure.allCases.allSatisfy { left[$0] == right[$0] }
  }

  /// By the values that are there.
  package func hash(into hasher: inout Hasher) {
    for (measure, value) in pairs {
      hasher.combine(measure)
      hasher.combine(value)
    }
  }
}

extension Measure {
  /// Its place in `allCases`.
  var place: Int {
    switch self {
    case .systolic: 0
    case .diastolic: 1
    case .meanArterial: 2
    case .pulse: 3
    case .spo2: 4
    case .perfusion: 5
    case .weight: 6
    case .bodyFat: 7
    case .bodyMassIndex: 8
    case .temperature: 9
    case .glucose: 10
    case .heartRate: 11
    }
  }
}

/// Some of the measures.
struct MeasureSet: OptionSet, Sendable, Hashable {
  /// A bit a measure, by its place.
  let rawValue: UInt16
  init(rawValue: UInt16) { self.rawValue = rawValue }
  init(_ measure: Measure) { self.init(rawValue: 1 << UInt16(measure.place)) }
  init(_ measures: [Measure]) { self.init(rawValue: measures.reduce(0) { $0 | 1 << UInt16($1.place) }) }

  static let systolic = MeasureSet(.systolic)
  static let diastolic = MeasureSet(.diastolic)
  static let meanArterial = MeasureSet(.meanArterial)
}
