// How far a value moved from where it was within a window.

package import JSON
package import Readings

/// How far a value moved from where it was within a window, or from a value that a clinician set: heart failure's 2 kg in 3 days, 4 %
/// above the dry weight.
package struct DeltaRule: RuleKind {
  /// What the value is held against.
  package enum Reference: Sendable, Hashable {
    /// The least of the window.
    case min
    /// The greatest of the window.
    case max
    /// The median of the window; of an even count the mean of the two in the middle.
    case median
    /// The oldest of the window.
    case first
    /// The last one of the newest day before within the window.
    case lastPreviousDay
    /// A clinician's baseline, in the measure's unit.
    case value(ExactDecimal)

    static let names = ["min", "max", "median", "first", "last_previous_day"]

    init?(name: String) {
      switch name {
      case "min": self = .min
      case "max": self = .max
      case "median": self = .median
      case "first": self = .first
      case "last_previous_day": self = .lastPreviousDay
      default: return nil
      }
    }
  }

  /// The value that it watches.
  package var measure: Measure
  /// What it is held against.
  package var reference: Reference
  /// How far back, in milliseconds; whole days are days on the patient's clock. Zero where it is held against a value.
  package var window: Int64
  /// The fewest values, the new one counted.
  package var minimumPoints: Int
  /// Limits of the difference, new minus reference; in per cent of the reference where `isPercent`.
  package var zones: [ZoneLimit] { scale.zones }
  package let scale: ZoneScale
  /// How far past the limit the difference must be before a zone is left.
  package var hysteresis: ExactDecimal
  /// The limits as they were set, where that was in another unit.
  package var given: GivenLimits?
  package var isPercent = false
  package var confirm: Confirmation?
  package var isImmediate = false
  /// How far out counts as worse; nil: the measure's own step, or 2 %.
  package var worseBy: ExactDecimal?

  package init(
    measure: Measure, reference: Reference, window: Int64, minimumPoints: Int = 2, zones: [ZoneLimit],
    hysteresis: ExactDecimal = .zero
  ) {
    self.measure = measure
    self.reference = reference
    self.window = window
    self.minimumPoints = minimumPoints
    scale = ZoneScale(zones)
    self.hysteresis = hysteresis
  }
}

extension DeltaRule {
  package static var name: String { "delta" }
  package static var keys: [String] {
    [
      "measure", "unit", "from", "window", "min_points", "zones", "hysteresis", "percent", "confirm", "immediate",
      "worse_by",
    ]
  }
  package static var bounds: [RuleBound] { [.zones, .window] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let measure = try fields.measure()
    let isPercent = try fields["percent"]?.bool() ?? false
    let limits = try fields.limits(measure, difference: true, isConverted: !isPercent)
    let from = try fields.required("from", "what the value is held against")
    var reference = Reference.min
    var window: Int64 = 0
    if case .object = from.content {
      let node = try from.object(known: ["value"]).required("value", "a decimal number in quotes")
      var value = try RuleFields.decimal(node)
      if let unit = try fields.unit([measure]) { value = try RuleFields.converted(value, unit, node) }
      guard value > .zero else { throw node.error("invalid-value", "expected more than zero, found \"\(value)\"") }
      reference = .value(value)
      for key in ["window", "min_points"] {
        if let node = fields[key] {
          throw node.error("invalid-value", "\"\(key)\" is for values of a window; \"from\" gives a value")
        }
      }
    } else {
      reference = Reference(name: try from.string(of: Reference.names)) ?? .min
      window = try fields.window()
      for key in ["confirm", "immediate"] {
        if let node = fields[key] {
          throw node.error(
            "invalid-value", "\"\(key)\" needs \"from\": {\"value\": …}; other differences are repeats already")
        }
      }
    }
    self.init(
      measure: measure, reference: reference, window: window,
      minimumPoints: try fields["min_points"]?.int(in: 2...1000) ?? 2, zones: limits.zones,
      hysteresis: limits.hysteresis)
    given = limits.given
    self.isPercent = isPercent
    confirm = try fields.confirmation()
    isImmediate = try fields["immediate"]?.bool() ?? false
    worseBy = try fields.worseBy([measure], difference: !isPercent)
  }

  package func describe(in object: inout JSONObject) {
    object["zones"] = ZoneLimit.json(zones)
    object["window_seconds"] = .int(window / 1000)
    if isPercent { object["percent"] = true }
    if case .value(let value) = reference { object["reference"] = .string("\(value)") }
  }

  package var statedLimits: [StatedLimits] {
    let range: ClosedRange<ExactDecimal>? =
      if isPercent {
        ExactDecimal(-100)...ExactDecimal(100)
      } else if let gate = measure.gate, let width = gate.upperBound.subtracting(gate.lowerBound),
        let least = ExactDecimal.zero.subtracting(width)
      {
        least...width
      } else { nil }
    return zones.map { StatedLimits($0.bounds, range, isPercent ? "%" : measure.unit.symbol) }
  }
  package var statedFaults: [StatedFault] {
    guard case .value(let value) = reference, let gate = measure.gate, !gate.contains(value) else { return [] }
    let unit = measure.unit.symbol
    let message = "\(value) \(unit): expected \(gate.lowerBound) to \(gate.upperBound) \(unit)"
    return [StatedFault(key: "from", message: message, isBound: false)]
  }
  package var statedScale: StatedScale? {
    StatedScale(zones: zones, hysteresis: hysteresis, worseBy: worseBy, usual: .zero)
  }

  package func advice(_ rule: Rule, in plan: Plan) -> [String] {
    var found: [String] = []
    let limits = zones.filter { $0.zone > .green }.flatMap(\.bounds)
    if isPercent, limits.contains(where: { !$0.limit.isZero && $0.size < ExactDecimal(1) }) {
      found.append("limits of less than one per cent: 4 % is written \"4\"")
    }
    if !isPercent, let most = measure.largestChange,
      let limit = limits.first(where: { most < $0.size })
    {
      found.append(
        "\(limit.limit) \(measure.unit.symbol) is no usual change: limits are differences, not values")
    }
    switch reference {
    case .max:
      if limits.contains(where: { $0.isUpper && ExactDecimal.zero < $0.limit }) {
        found.append("a rise above the greatest of the window sees no steady gain: for a gain write \"from\": \"min\"")
      }
    case .min:
      if limits.contains(where: { !$0.isUpper && $0.limit < .zero }) {
        found.append("a fall below the least of the window sees no steady loss: for a loss write \"from\": \"max\"")
      }
    case .value(let value):
      guard !isPercent, let gate = measure.gate else { break }
      for zone in zones where zone.zone > .green {
        let never = zone.bounds.contains { bound in
          guard let reached = value.adding(bound.limit) else { return false }
          return bound.isUpper ? gate.upperBound < reached : reached < gate.lowerBound
        }
        if never {
          found.append(
            "no value is so far from \(value) \(measure.unit.symbol): one zone never holds")
        }
      }
    case .lastPreviousDay:
      if window < 86_400_000 { found.append("a window of less than a day seldom holds an earlier day") }
    case .median, .first: break
    }
    if case .value = reference { return found }
    let most = plan.mostValues(of: [measure], in: window.moved(86_399_999) / 86_400_000 + 1, unasked: 24)
    if minimumPoints > most {
      found.append(
        "min_points \(minimumPoints) is more than the about \(most) values that come in the window: it never judges")
    }
    return found
  }

  package var measures: [Measure] { [measure] }
  package var isTrend: Bool { if case .value = reference { false } else { true } }
  package func steps(_ direction: Direction?) -> [ExactDecimal?] {
    [worseBy ?? (isPercent ? ExactDecimal(2) : measure.step(direction))]
  }

  // MARK: Judging

  package func finding(of value: SeenValue, standing: Finding?) -> Finding? {
    guard case .value(let reference) = reference, value.measure == measure else { return nil }
    if let above = value.above {
      let found = scale.finding(above: above)
      return Finding(
        found.0, direction: found.1, value: .beyond(above: above), isDoubted: value.isDoubted, reading: value.id,
        taken: value.taken)
    }
    guard let number = value.number, let difference = difference(number, reference) else { return nil }
    return finding(difference, standing, isDoubted: value.isDoubted, value.id, value.taken)
  }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool {
    TrendWindow.reaches(window, from: time, to: earlier)
  }

  package func verdict(at moment: TrendMoment, standing: Finding?, _ view: HistoryView) -> TrendVerdict {
    guard !moment.isBeyond else { return .notJudged(.tooFew) }
    let from = view.start(of: window, endingAt: moment.time) { $0 + 1 }
    var known = Known(reference, today: isOfEarlierDay ? view.clock.day(moment.time) : 0)
    view.forEach(measure, from: from, to: moment.time) { point in
      guard !point.isDoubtful, !point.isBeyond, (point.time, point.id) < (moment.time, moment.id) else { return }
      known.take(point, view)
    }
    guard known.count + 1 >= max(2, minimumPoints), let against = known.value,
      let difference = difference(moment.value, against)
    else { return .notJudged(.tooFew) }
    var note = TrendNote()
    note.reference = against
    note.points = known.count + 1
    return .found(finding(difference, standing, isDoubted: moment.isDoubtful, nil, moment.time), note)
  }

  private var isOfEarlierDay: Bool { if case .lastPreviousDay = reference { true } else { false } }

  /// What a value is held against, of those of the window as they come, oldest first.
  private struct Known {
    let reference: Reference
    /// Days since 1970 on the patient's clock.
    let today: Int64
    private(set) var count = 0
    private var found: ExactDecimal?
    private var median = Median()

    init(_ reference: Reference, today: Int64) {
      self.reference = reference
      self.today = today
    }

    mutating func take(_ point: PatientHistory.Point, _ view: HistoryView) {
      count += 1
      switch reference {
      case .min: if found.map({ point.value < $0 }) ?? true { found = point.value }
      case .max: if found.map({ !(point.value < $0) }) ?? true { found = point.value }
      case .first: if found == nil { found = point.value }
      case .lastPreviousDay: if view.clock.day(point.time) < today { found = point.value }
      case .median: median.add(point.value)
      case .value(let value): found = value
      }
    }

    /// Nil: there is none.
    var value: ExactDecimal? { if case .median = reference { median.value } else { found } }
  }

  /// The difference, in per cent of the reference where the rule's limits are.
  private func difference(_ value: ExactDecimal, _ reference: ExactDecimal) -> Ratio? {
    guard let difference = value.subtracting(reference) else { return nil }
    guard isPercent else { return Ratio(difference) }
    guard reference > .zero, let hundred = difference.multiplied(by: 100) else { return nil }
    return Ratio(hundred, over: reference)
  }

  private func finding(
    _ difference: Ratio, _ standing: Finding?, isDoubted: Bool, _ id: ReadingID?, _ taken: Int64
  ) -> Finding {
    let found = scale.finding(difference, standing: standing, hysteresis: hysteresis)
    return Finding(
      found.0, direction: found.1, value: .number(difference), isDoubted: isDoubted, reading: id, taken: taken)
  }

  package func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail {
    var detail = EventDetail(finding, measure.rawValue)
    detail.take(finding, scale, isPercent ? nil : given, measure, difference: true)
    if isPercent {
      if case .number(let number) = finding.value { detail.value = number.rounded(places: 2) }
      detail.unit = UCUM.percent.rawValue
    }
    if case .value(let value) = reference { detail.reference = shown(reference: value) }
    return detail
  }

  package func shown(reference: ExactDecimal) -> ExactDecimal {
    given.flatMap { isPercent ? nil : $0.unit.shown(canonical: reference) } ?? reference
  }

  package func explanation(_ words: PlanWords) -> String {
    let against =
      switch reference {
      case .min: words.say("den laveste", "den lågaste", "the lowest")
      case .max: words.say("den høyeste", "den høgaste", "the highest")
      case .value(let value):
        words.number(value, measure.unit)
      case .median: words.say("den midterste", "den midtarste", "the median")
      case .first: words.say("den første", "den første", "the first")
      case .lastPreviousDay:
        words.say("den siste fra en tidligere dag", "den siste frå ein tidlegare dag", "the last of an earlier day")
      }
    let (what, window) = (words.name(measure), words.duration(window))
    let change = words.limits(zones, measure, given, isPercent: isPercent)
    var text: String
    if case .value = reference {
      text = words.say(
        "\(what): endring fra \(against): \(change).", "\(what): endring frå \(against): \(change).",
        "\(what): change from \(against): \(change).")
    } else {
      text = words.say(
        "\(what): endring fra \(against) de siste \(window): \(change).",
        "\(what): endring frå \(against) dei siste \(window): \(change).",
        "\(what): change from \(against) of the last \(window): \(change).")
    }
    if minimumPoints > 2 {
      let count = words.measurements(minimumPoints)
      text += words.say(
        " Når det er minst \(count).", " Når det er minst \(count).", " Once there are at least \(count).")
    }
    return text + words.repeated(confirm, isImmediate: isImmediate)
      + words.slack(given?.hysteresis ?? hysteresis) {
        words.number($0, isPercent ? .percent : given?.unit ?? measure.unit)
      }
  }
}
