// What is wrong with a plan that can be read, and what is right and still silences or tires people: each item of the list by a plan that
// has it, and by its twin that has not.

import JSON
import Settings
import Testing

/// One item of the list: rules that have it and rules that have not; both between the brackets of "rules".
private struct Item: CustomTestStringConvertible {
  var name: String
  /// In the message.
  var word: String
  var bad: String
  var good: String
  /// More members of the plan, in front of its rules.
  var badHead = ""
  var goodHead = ""

  init(_ name: String, _ word: String, _ bad: String, _ good: String, head: String = "", goodHead: String = "") {
    (self.name, self.word, self.bad, self.good, badHead, self.goodHead) = (name, word, bad, good, head, goodHead)
  }

  var testDescription: String { name }
}

private func text(_ head: String, _ rules: String) -> [UInt8] {
  Array(#"{"patient": "p", "version": 1, \#(head)"rules": [\#(rules)]}"#.utf8)
}

private func band(_ measure: String, _ zones: String, _ more: String = "") -> String {
  #"{"id": "r", "kind": "band", "measure": "\#(measure)", "zones": [\#(zones)], "retell": {"every": "PT1H", "times": 3}\#(more)}"#
}

private func average(_ measures: String, _ zones: String, _ more: String) -> String {
  #"{"id": "r", "kind": "average", "measure": \#(measures), "window": "P7D", "zones": [\#(zones)], "retell": {"every": "PT1H", "times": 3}\#(more)}"#
}

private let red = #"{"red": {"gte": "180"}}"#

private let refused: [Item] = [
  Item(
    "L1 mg/dL written as mmol/L", "250", band("glucose", #"{"red": {"gt": "250"}}"#),
    band("glucose", #"{"red": {"gt": "25"}}"#)),
  Item(
    "L1 a fraction for per cent", "0.88", band("spo2", #"{"red": {"lt": "0.88"}}"#),
    band("spo2", #"{"red": {"lt": "88"}}"#)),
  Item(
    "L1 Fahrenheit without its unit", "101", band("temperature", #"{"red": {"gte": "101"}}"#),
    band("temperature", #"{"red": {"gte": "101"}}"#, #", "unit": "°F""#)),
  Item(
    "L1 per cent beyond a hundred", "150",
    #"{"id": "r", "kind": "delta", "measure": "weight", "from": "min", "percent": true, "window": "P3D", "zones": [{"red": {"gte": "150"}}]}"#,
    #"{"id": "r", "kind": "delta", "measure": "weight", "from": "min", "percent": true, "window": "P3D", "zones": [{"red": {"gte": "15"}}]}"#
  ),
  Item(
    "L2 a zone that holds for no value", "no value", band("bp.systolic", #"{"red": {"gte": "180", "lt": "160"}}"#),
    band("bp.systolic", #"{"red": {"gte": "160", "lt": "180"}}"#)),
  Item(
    "L2 open on both sides of one value", "no value", band("bp.systolic", #"{"red": {"gt": "160", "lte": "160"}}"#),
    band("bp.systolic", #"{"red": {"gte": "160", "lte": "160"}}"#)),
  Item(
    "L3 more values than are kept", "801", average(#"["bp.systolic"]"#, red, #", "min_count": 801"#),
    average(#"["bp.systolic"]"#, red, #", "min_count": 800"#)),
  Item(
    "L3 more values than are looked at", "12", average(#"["bp.systolic"]"#, red, #", "min_count": 12, "last": 6"#),
    average(#"["bp.systolic"]"#, red, #", "min_count": 6, "last": 12"#)),
  Item(
    "L3 more of fewer", "k",
    #"{"id": "r", "kind": "consecutive", "measure": "spo2", "k": 4, "of": 3, "zones": [{"red": {"lt": "88"}}]}"#,
    #"{"id": "r", "kind": "consecutive", "measure": "spo2", "k": 3, "of": 4, "zones": [{"red": {"lt": "88"}}]}"#),
  Item(
    "L4 an unknown zone", "purple", band("spo2", #"{"purple": {"lt": "88"}}"#), band("spo2", #"{"red": {"lt": "88"}}"#)),
  Item(
    "L4 an unknown measure", "spo3", band("spo3", #"{"red": {"lt": "88"}}"#), band("spo2", #"{"red": {"lt": "88"}}"#)),
  Item(
    "L4 an unknown key", "colour", band("spo2", #"{"red": {"lt": "88"}}"#, #", "colour": "blue""#),
    band("spo2", #"{"red": {"lt": "88"}}"#)),
  Item(
    "L4 an unknown unit", "stone", band("weight", #"{"red": {"gte": "90"}}"#, #", "unit": "stone""#),
    band("weight", #"{"red": {"gte": "90"}}"#, #", "unit": "kg""#)),
  Item(
    "L4 a pause of an unknown rule", "other", band("spo2", #"{"red": {"lt": "88"}}"#),
    band("spo2", #"{"red": {"lt": "88"}}"#),
    head: #""pause": [{"from": "2026-12-20", "to": "2026-12-27", "rules": ["other"]}], "#,
    goodHead: #""pause": [{"from": "2026-12-20", "to": "2026-12-27", "rules": ["r"]}], "#),
  Item(
    "L4 a rule that ends before it begins", "valid_to",
    band("spo2", #"{"red": {"lt": "88"}}"#, #", "valid_from": "2026-12-20", "valid_to": "2026-12-19""#),
    band("spo2", #"{"red": {"lt": "88"}}"#, #", "valid_from": "2026-12-20", "valid_to": "2026-12-20""#)),
  Item(
    "L4 a name of a built-in rule", "doubt.",
    #"{"id": "doubt.mine", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "88"}}]}"#,
    #"{"id": "doubtful", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "88"}}]}"#),
  Item("L2 a sum that no parts give", "at most 3", score(#"{"red": {"gte": "4"}}"#), score(#"{"red": {"gte": "3"}}"#)),
  Item("L2 more than all parts give", "at most 3", score(#"{"red": {"gt": "3"}}"#), score(#"{"red": {"gt": "2"}}"#)),
  Item(
    "hysteresis below zero", "at least", band("bp.systolic", red, #", "hysteresis": "-1""#),
    band("bp.systolic", red, #", "hysteresis": "0""#)),
  Item(
    "no day of the week", "at least one day",
    week.split(separator: "PT2H").joined(separator: #"PT2H", "days": [], "message": "x"#),
    week.split(separator: "PT2H").joined(separator: #"PT2H", "days": ["mon"], "message": "x"#)),
  Item(
    "L5 five spans of hours", "at most 4",
    band(
      "spo2", #"{"red": {"lt": "88"}}"#,
      #", "valid_hours": ["01:00-02:00", "03:00-04:00", "05:00-06:00", "07:00-08:00", "09:00-10:00"]"#),
    band(
      "spo2", #"{"red": {"lt": "88"}}"#,
      #", "valid_hours": ["01:00-02:00", "03:00-04:00", "05:00-06:00", "07:00-08:00"]"#)),
  Item(
    "L5 told again each minute", "PT5M",
    #"{"id": "r", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "88"}}], "retell": {"every": "PT1M", "times": 3}}"#,
    #"{"id": "r", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "88"}}], "retell": {"every": "PT5M", "times": 3}}"#
  ),
  Item(
    "L5 a window of more than a leap year", "P366D", average(#"["bp.systolic"]"#, red, "").replacingWindow("P367D"),
    average(#"["bp.systolic"]"#, red, "").replacingWindow("P366D")),
]

private func delta(_ more: String, _ zones: String) -> String {
  #"{"id": "r", "kind": "delta", "measure": "weight", \#(more), "zones": [\#(zones)], "retell": {"every": "PT1H", "times": 3}}"#
}

private func score(_ zones: String, _ points: String = #"{"points": 3, "lte": "91"}"#) -> String {
  #"{"id": "r", "kind": "score", "within": "PT30M", "parts": [{"measure": "spo2", "points": [\#(points)]}], "zones": [\#(zones)], "retell": {"every": "PT1H", "times": 3}}"#
}

extension String {
  fileprivate func replacingWindow(_ window: String) -> String {
    split(separator: "P7D", maxSplits: 1, omittingEmptySubsequences: false).joined(separator: window)
  }
}

private let week =
  #"{"id": "miss", "kind": "missing", "measure": "bp.systolic", "slots": ["07:00-10:00"], "grace": "PT2H", "zone": "yellow"}"#

private let advised: [Item] = [
  Item(
    "values between two zones", "in no zone",
    band("spo2", #"{"red": {"lt": "88"}}, {"yellow": {"gte": "89", "lt": "91"}}"#),
    band("spo2", #"{"red": {"lt": "88"}}, {"yellow": {"gte": "88", "lt": "91"}}"#)),
  Item(
    "one value between two zones", "itself is in no zone",
    band("glucose", #"{"red": {"lt": "3.0"}}, {"yellow": {"gt": "3.0", "lt": "3.9"}}"#),
    band("glucose", #"{"red": {"lt": "3.0"}}, {"yellow": {"gte": "3.0", "lt": "3.9"}}"#)),
  Item(
    "values between green and the rest", "in no zone",
    band("spo2", #"{"green": {"gte": "92"}}, {"red": {"lt": "91"}}"#),
    band("spo2", #"{"green": {"gte": "91"}}, {"red": {"lt": "91"}}"#)),
  Item(
    "values between two sides are green", "in no zone",
    band(
      "weight",
      #"{"yellow": {"lt": "60"}}, {"red": {"lt": "55"}}, {"red": {"gt": "90"}}, {"yellow": {"gt": "85", "lt": "88"}}"#),
    band("weight", #"{"yellow": {"lt": "60"}}, {"red": {"lt": "55"}}, {"red": {"gt": "90"}}"#)),
  Item(
    "zones that follow one another have no far end", "outermost",
    band("glucose", #"{"red": {"gte": "15", "lt": "30"}}"#),
    band("spo2", #"{"red": {"lt": "85"}}, {"yellow": {"gte": "85", "lt": "88"}}"#)),
  Item(
    "green alone", "nobody is ever told", band("temperature", #"{"green": {"gte": "36", "lte": "38"}}"#),
    band("temperature", #"{"red": {"gte": "38"}}"#)),
  Item(
    "hysteresis beyond what is usual", "does not end",
    band("spo2", #"{"red": {"lt": "85"}}"#, #", "hysteresis": "20""#),
    band("spo2", #"{"red": {"lt": "85"}}"#, #", "hysteresis": "2""#)),
  Item(
    "glucose without a high zone", "HI is in no zone", band("glucose", #"{"red": {"lt": "3.0"}}"#),
    band("glucose", #"{"red": {"lt": "3.0"}}, {"red": {"gte": "15"}}"#)),
  Item(
    "a question that nobody asks", "immediate", band("bp.systolic", red, #", "immediate": true"#),
    band("bp.systolic", red, #", "immediate": true, "confirm": {"n": 2, "within": "PT15M"}"#)),
  Item(
    "points for what is usual", "gives 3", score(#"{"red": {"gte": "3"}}"#, #"{"points": 3, "gte": "91"}"#),
    score(#"{"red": {"gte": "3"}}"#)),
  Item("W2 a sum of nothing", "usual value 0", score(#"{"red": {"lte": "2"}}"#), score(#"{"red": {"gte": "2"}}"#)),
  Item(
    "a weight for a difference", "differences", delta(#""from": "min", "window": "P3D""#, #"{"red": {"gte": "73"}}"#),
    delta(#""from": "min", "window": "P3D""#, #"{"red": {"gte": "3"}}"#)),
  Item(
    "a fraction for per cent", "less than one",
    delta(#""from": "min", "window": "P3D", "percent": true"#, #"{"red": {"gte": "0.04"}}"#),
    delta(#""from": "min", "window": "P3D", "percent": true"#, #"{"red": {"gte": "4"}}"#)),
  Item(
    "a gain above the greatest", "steady gain", delta(#""from": "max", "window": "P3D""#, #"{"red": {"gte": "2"}}"#),
    delta(#""from": "max", "window": "P3D""#, #"{"red": {"lte": "-2"}}"#)),
  Item(
    "a difference that no value has", "never holds", delta(#""from": {"value": "290"}"#, #"{"red": {"gte": "11"}}"#),
    delta(#""from": {"value": "290"}"#, #"{"red": {"gte": "10"}}"#)),
  Item(
    "W4 of a change", "never judges",
    delta(#""from": "min", "window": "P3D", "min_points": 9"#, #"{"red": {"gte": "3"}}"#) + ", "
      + week.split(separator: "bp.systolic").joined(separator: "weight"),
    delta(#""from": "min", "window": "P3D", "min_points": 8"#, #"{"red": {"gte": "3"}}"#) + ", "
      + week.split(separator: "bp.systolic").joined(separator: "weight")),
  Item(
    "W4 on two days a week, the first left out", "never judges",
    average(#"["bp.systolic"]"#, red, #", "min_count": 3, "drop_first_day": true"#) + ", "
      + week.split(separator: "PT2H").joined(separator: #"PT2H", "days": ["mon", "thu"], "message": "x"#),
    average(#"["bp.systolic"]"#, red, #", "min_count": 2, "drop_first_day": true"#) + ", "
      + week.split(separator: "PT2H").joined(separator: #"PT2H", "days": ["mon", "thu"], "message": "x"#)),
  Item(
    "values that lie too far apart", "so far apart",
    average(#"["bp.systolic"]"#, red, #", "min_count": 9, "spacing": "PT24H""#),
    average(#"["bp.systolic"]"#, red, #", "min_count": 8, "spacing": "PT24H""#)),
  Item(
    "limits in another order than the measures", "order of the measures",
    average(#"["bp.systolic", "bp.diastolic"]"#, #"{"red": {"any_gte": ["85", "135"]}}"#, ""),
    average(#"["bp.systolic", "bp.diastolic"]"#, #"{"red": {"any_gte": ["135", "85"]}}"#, "")),
  Item(
    "a slot that is turned round", "lasts 21", week.split(separator: "07:00-10:00").joined(separator: "10:00-07:00"),
    week),
  Item(
    "a reminder between two measurements", "nobody is reminded",
    #"{"id": "m", "kind": "missing", "measure": "temperature", "max_interval": "PT8H", "remind_after": "PT7H", "zone": "yellow"}"#,
    #"{"id": "m", "kind": "missing", "measure": "temperature", "max_interval": "PT8H", "zone": "yellow"}"#),
  Item(
    "W1 a zone inside one that is worse", "never decides",
    band("bp.systolic", #"{"red": {"gte": "160"}}, {"yellow": {"gte": "180"}}"#),
    band("bp.systolic", #"{"red": {"gte": "180"}}, {"yellow": {"gte": "160"}}"#)),
  Item(
    "W1 the worst value of all is green", "green", band("glucose", #"{"red": {"gte": "15", "lt": "30"}}"#),
    band("glucose", #"{"red": {"gte": "15"}}"#)),
  Item(
    "W2 the sign is swapped", "usual value", band("bp.systolic", #"{"red": {"lt": "180"}}"#),
    band("bp.systolic", #"{"red": {"gte": "180"}}"#)),
  Item(
    "W3 hysteresis from one side to the other", "hysteresis",
    band("bp.systolic", #"{"red": {"gte": "140"}}, {"red": {"lt": "120"}}"#, #", "hysteresis": "20""#),
    band("bp.systolic", #"{"red": {"gte": "140"}}, {"red": {"lt": "120"}}"#, #", "hysteresis": "5""#)
      .split(separator: "120").joined(separator: "100")),
  Item(
    "W4 more values than come", "never judges", average(#"["bp.systolic"]"#, red, #", "min_count": 15"#) + ", " + week,
    average(#"["bp.systolic"]"#, red, #", "min_count": 14"#) + ", " + week),
  Item(
    "W5 a value at its limit", "again and again", band("spo2", #"{"red": {"lt": "88"}}"#),
    band("spo2", #"{"red": {"lt": "88"}}"#, #", "hysteresis": "2""#)),
  Item(
    "W6 a red is held", "quiet", band("bp.systolic", red, #", "quiet": "P2D""#),
    band("bp.systolic", red, #", "quiet": "P1D""#)),
  Item(
    "W6 old values raise as new ones", "day ago", band("bp.systolic", red), band("bp.systolic", red),
    head: #""live_window": "P2D", "#, goodHead: #""live_window": "P1D", "#),
  Item(
    "W6 a long wait for a repeat", "within", band("bp.systolic", red, #", "confirm": {"n": 2, "within": "PT2H"}"#),
    band("bp.systolic", red, #", "confirm": {"n": 2, "within": "PT1H"}"#)),
  Item(
    "W7 reminded when it is missing", "remind_after",
    week.split(separator: "PT2H").joined(separator: #"PT2H", "remind_after": "PT6H"#),
    week.split(separator: "PT2H").joined(separator: #"PT2H", "remind_after": "PT2H"#)),
  Item(
    "W8 nothing is ever red", "ever red", band("bp.systolic", #"{"yellow": {"gte": "160"}}"#),
    band("bp.systolic", #"{"yellow": {"gte": "160"}}, {"red": {"gte": "180"}}"#)),
  Item(
    "W9 LO and HI are not averaged", "LO and HI", average(#"["glucose"]"#, #"{"red": {"gte": "15"}}"#, ""),
    average(#"["glucose"]"#, #"{"red": {"gte": "15"}}"#, "") + ", "
      + band("glucose", #"{"red": {"lt": "3"}}"#).split(separator: #""r""#).joined(separator: #""low""#)),
  Item(
    "W11 a long pause", "60 days", week, week, head: #""pause": [{"from": "2026-12-01", "to": "2027-02-01"}], "#,
    goodHead: #""pause": [{"from": "2026-12-01", "to": "2027-01-01"}], "#),
  Item(
    "W12 a red is told once", "retell", #"{"id": "r", "kind": "band", "measure": "bp.systolic", "zones": [\#(red)]}"#,
    band("bp.systolic", red)),
]

@Suite struct PlanLintTests {
  @Test(arguments: refused)
  fileprivate func isRefusedWithWhereAndWhat(item: Item) {
    let faults = PlanFile.faults(text(item.badHead, item.bad))
    #expect(faults.contains { "\($0.path) \($0.message)".contains(item.word) }, "\(faults.map(\.message))")
    #expect(faults.allSatisfy { $0.place.line == 1 && $0.place.column > 1 })
    #expect(PlanFile.faults(text(item.goodHead, item.good)).map(\.message) == [])
  }

  @Test(arguments: advised)
  fileprivate func isGoodAndAdvisedAgainst(item: Item) {
    #expect(PlanFile.faults(text(item.badHead, item.bad)).map(\.message) == [])
    let advice = PlanFile.advice(text(item.badHead, item.bad)).map(\.message)
    #expect(advice.contains { $0.contains(item.word) }, "\(advice)")
    let twin = PlanFile.advice(text(item.goodHead, item.good)).map(\.message)
    #expect(!twin.contains { $0.contains(item.word) }, "\(twin)")
  }

  @Test func datesThatAreOverAreAdvisedOn() {
    func says(_ head: String, _ more: String, _ word: String) -> Bool {
      let plan = text(head, band("bp.systolic", red, more))
      #expect(!PlanFile.advice(plan).contains { $0.message.contains(word) })
      // 2026-11-30.
      return PlanFile.advice(plan, today: 20_787).contains { $0.message.contains(word) }
    }
    #expect(says("", #", "valid_to": "2026-11-29""#, "not in force any more"))
    #expect(!says("", #", "valid_to": "2026-11-30""#, "not in force any more"))
    #expect(says("", #", "valid_from": "2062-11-29""#, "is the year right"))
    #expect(says(#""review_by": "2025-03-01", "#, "", "review is due"))
    #expect(says(#""pause": [{"from": "2025-12-01", "to": "2025-12-24", "rules": ["r"]}], "#, "", "is over"))
  }

  /// W10: only the hub knows who stands on a scale.
  @Test func aSharedScaleIsAdvisedOnWhereTheHubKnowsIt() {
    let weight = band("weight", #"{"red": {"gte": "90"}}"#)
    func says(_ head: String, _ rules: String, sharesScale: Bool) -> Bool {
      PlanFile.advice(text(head, rules), sharesScale: sharesScale).contains { $0.message.contains("several people") }
    }
    #expect(says("", weight, sharesScale: true))
    #expect(!says("", weight, sharesScale: false))
    #expect(!says(#""single_user": true, "#, weight, sharesScale: true))
    #expect(!says("", band("bp.systolic", red), sharesScale: true))
  }
}
