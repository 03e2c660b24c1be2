// What the serial cuffs share: whole numbers of mmHg become a reading, or a problem where they cannot be a person's. Most of
// these lines have no check value that is worth its name, so that the numbers themselves are held against each other.

internal import Readings

struct CuffResult: Sendable, Hashable {
  /// mmHg.
  var systolic: Int
  /// mmHg.
  var diastolic: Int
  /// mmHg, where the cuff tells it.
  var mean: Int?
  /// Beats a minute; nil when the cuff counted none.
  var pulse: Int?

  /// False for what no cuff measures: damaged octets, or zeros for "none". A diastolic or a pulse of 28 is rare, not
  /// impossible: the octets were framed by their protocol, and the hub's intake flags what is implausible.
  var isPossible: Bool {
    guard diastolic > 0, diastolic < systolic, systolic <= 300 else { return false }
    if let mean, !(diastolic...systolic).contains(mean) { return false }
    return pulse.map { $0 > 0 } ?? true
  }

  /// For the one line whose octets have no frame, check value or date (A&D UA-767PC), where the numbers alone have to
  /// show that it is a result: mmHg and beats a minute of 30 to 300.
  var isWithinPlausibleRange: Bool {
    let range = 30...300
    return isPossible && range.contains(systolic) && range.contains(diastolic)
      && pulse.map { range.contains($0) } ?? true
  }

  /// The reading, or why there is none.
  func decoded(
    flags: [ReadingFlag] = [], time: DeviceDateTime? = nil, user: UInt8? = nil, stored: Bool? = nil, raw: RawSource
  ) -> Decoded {
    guard isPossible else {
      let message = "the pressures cannot be those of a person; no value is taken"
      return Decoded(problems: [DriverProblem(code: "implausible-frame", message: message, raw: raw)])
    }
    func whole(_ term: Term, _ value: Int) -> Observation {
      Observation(term, .value(ExactDecimal(Int64(value))), unit: term.unit)
    }
    var observations = [whole(.systolic, systolic), whole(.diastolic, diastolic)]
    if let mean { observations.append(whole(.meanArterial, mean)) }
    if let pulse { observations.append(whole(.cuffPulse, pulse)) }
    let reading = DeviceReading(
      kind: .bloodPressure, observations: observations, flags: flags, time: time.map { .local($0) }, user: user,
      stored: stored, raw: raw)
    return Decoded(readings: [reading])
  }

  /// Under the names of the fixtures.
  var values: [NamedValue] {
    var values = [
      NamedValue("systolic", .integer(Int64(systolic))), NamedValue("diastolic", .integer(Int64(diastolic))),
    ]
    if let mean { values.append(NamedValue("mean", .integer(Int64(mean)))) }
    return values + [NamedValue("pulse", pulse.map { .integer(Int64($0)) } ?? .absent)]
  }
}
