// What a picture says of values that nobody judged, of rules that are not in force, and of what ended without a value: never that
// all is well.

import JSON
import Monitoring
import Readings
import Testing
import Zones

@testable import Reports

@Suite struct JudgedTests {
  private func band(_ id: String, red: String, yellow: String, from: String? = nil, to: String? = nil) -> JSONValue {
    let all: JSONValue = [
      "id": .string(id), "kind": "band", "enabled": true, "measures": ["spo2"], "says": "Oksygenmetningen.",
      "zones": [["zone": "red", "lt": .string(red)], ["zone": "yellow", "lt": .string(yellow)]],
    ]
    guard var rule = all.object else { return all }
    if let from { rule["valid_from"] = .string(from) }
    if let to { rule["valid_to"] = .string(to) }
    return .object(rule)
  }

  /// One rule ends, the next one begins later: between them nobody judges.
  private func story() -> Story {
    var story = Story()
    story.rules = [
      band("kols1", red: "85", yellow: "88", to: "2026-11-15"),
      band("kols2", red: "80", yellow: "84", from: "2026-12-05"),
    ]
    for day in 11...15 {
      let isLow = day == 13
      story.add(
        "2026-11-\(day)T08:15:00+01:00", [("spo2", isLow ? "80" : "91"), ("pulse", "80")],
        zone: isLow ? "red" : "green",
        rule: isLow ? "kols1" : nil, kind: "pulse-oximetry", notJudged: [["rule": "kols2", "because": "not-yet"]])
    }
    for day in 16...18 {
      story.add(
        "2026-11-\(day)T08:15:00+01:00", [("spo2", "82"), ("pulse", "80")], zone: "", kind: "pulse-oximetry",
        notJudged: [["rule": "kols1", "because": "expired"], ["rule": "kols2", "because": "not-yet"]])
    }
    return story
  }

  @Test func onlyWhatWasJudgedIsInsideTheLimits() throws {
    let page = try story().page()
    #expect(page.contains("innenfor grensene: 4 av 5 (80 %)"))
    #expect(page.contains("ikke vurdert: 3 målinger"))
    #expect(!page.contains("av 8"))
    // Nobody judged any: no share is said.
    var none = story()
    none.rows = Array(none.rows.suffix(3))
    #expect(try !none.page().contains("innenfor grensene") && none.page().contains("ikke vurdert: 3 målinger"))
  }

  @Test func whatNoRuleJudgesIsNotGreen() throws {
    let picture = try story().picture()
    #expect(picture.all(.spo2).map(\.zone) == [.green, .green, .red, .green, .green, nil, nil, nil])
    // There is no rule over the pulse.
    #expect(picture.all(.pulse).allSatisfy { $0.zone == nil })
    let page = try story().page()
    #expect(page.contains("<title>80/min, ti. 17. nov. 08:15, ikke vurdert</title>"))
    #expect(page.contains("<title>82\u{A0}%, ti. 17. nov. 08:15, ikke vurdert</title>"))
    #expect(page.contains("<g class=\"p p-none\"><title>") && !page.contains("/min, ti. 17. nov. 08:15, grønn"))
    #expect(picture.sparklines(columns: 30).map(\.zone) == ["ikke vurdert", "ikke vurdert"])
    // A mean has its own line: it judges no value.
    var mean = Story()
    mean.rules = [["id": "week", "kind": "average", "enabled": true, "measures": ["bp.systolic"], "says": ""]]
    mean.add("2026-11-18T08:15:00+01:00", [("bp.systolic", "128")])
    #expect(try mean.picture().all(.systolic).map(\.zone) == [nil])
    // A change that was judged is.
    var change = Story()
    change.rules = [["id": "up", "kind": "delta", "enabled": true, "measures": ["weight"], "says": ""]]
    change.add("2026-11-18T08:15:00+01:00", [("weight", "80")], kind: "body-weight")
    #expect(try change.picture().all(.weight).map(\.zone) == [.green])
  }

  /// A reading that came while the picture was asked for stands in the journal alone: its zone is what was judged at its arrival.
  @Test func aReadingThatOnlyTheJournalHasKeepsItsZone() throws {
    func reading(_ evaluation: JSONValue) -> JSONValue {
      [
        "id": "00000000-0000-0000-0000-000000000020", "kind": "pulse-oximetry",
        "taken_at": "2026-11-21T10:39:58+01:00", "observations": [["code": "MDC_PULS_OXIM_SAT_O2", "value": "80"]],
        "flags": [], "device": ["id": "oximeter"], "evaluation": evaluation,
      ]
    }
    var story = Story()
    story.rules = [band("lav", red: "85", yellow: "88")]
    story.readings = [reading(["zone": "red", "rules": [["id": "lav", "zone": "red", "state": "raised"]]])]
    #expect(try story.picture().all(.spo2).map(\.zone) == [.red])
    let page = try story.page()
    #expect(page.contains("<title>80\u{A0}%, lø. 21. nov. 10:39, rød</title>"))
    #expect(page.contains("innenfor grensene: 0 av 1 (0 %)"))
    story.readings = [reading(["zone": .null, "rules": [], "not_judged": [["rule": "lav", "because": "expired"]]])]
    #expect(try story.picture().all(.spo2).map(\.zone) == [nil])
  }

  @Test(arguments: [
    (232, 240, 97), (28, 29, 97), (249, 250, 99), (999, 1000, 99), (1, 1000, 1), (0, 5, 0), (5, 5, 100), (1, 2, 50),
    (1, 3, 33), (2, 3, 67), (0, 0, 0),
  ]) func shareIsRoundedAndNeverAllOrNoneByThat(part: Int, whole: Int, percent: Int) {
    #expect(Words.percent(part, of: whole) == percent)
  }

  // MARK: Rules that are not in force

  @Test func bandsAreThoseOfRulesInForce() throws {
    let curve = try #require(Curve(.spo2, of: try story().picture()))
    #expect(curve.stretches.count == 1)
    let first = try #require(curve.stretches.first)
    let end = try #require(ISO8601.instant("2026-11-16T00:00:00+01:00")).milliseconds
    #expect(first.from == curve.start && first.to == end)
    #expect(first.bands.map { $0.text { "\($0)" } } == ["< 85", "85–88", "≥ 88"])
    // The later rule's limits stretch no axis and stand nowhere.
    #expect(try !story().page().contains("rød &lt; 80"))
    // What is over before the period, or comes after it, has no limits in it.
    var over = story()
    over.rules = [band("kols1", red: "85", yellow: "88", to: "2026-10-22")]
    #expect(try over.picture().limits.isEmpty)
    over.rules = [band("kols1", red: "85", yellow: "88", to: "2026-10-23")]
    #expect(try over.picture().limits[.spo2]?.count == 1)
    // The plan says when each is in force.
    let page = try story().page()
    #expect(page.contains("Gjelder til og med 15. november 2026.") && page.contains("Gjelder fra 5. desember 2026."))
  }

  @Test func eachStretchHasItsOwnBands() throws {
    var story = story()
    story.rules = [
      band("kols1", red: "85", yellow: "88", to: "2026-11-10"),
      band("kols2", red: "80", yellow: "84", from: "2026-11-11"),
    ]
    let two = try #require(Curve(.spo2, of: try story.picture()))
    #expect(two.stretches.map { $0.bands.first?.high?.description } == ["85", "80"])
    #expect(two.stretches.first?.to == two.stretches.last?.from && two.stretches.last?.to == two.end)
    #expect(two.svg.contains("rød &lt; 85") && two.svg.contains("rød &lt; 80"))
    // A pause cuts a piece out.
    var rule = try #require(story.rules.first?.object)
    (rule["valid_to"], rule["paused"]) = (nil, [["from": "2026-11-01", "to": "2026-11-05"]])
    story.rules = [.object(rule)]
    #expect(try Curve(.spo2, of: story.picture())?.stretches.count == 2)
  }

  // MARK: What ended, and what waits

  @Test(arguments: [
    ("plan-changed", "planen ble endret"), ("paused", "regelen er satt på pause"), ("disabled", "regelen er slått av"),
    ("expired", "regelen gjelder ikke på denne datoen"),
  ]) func whatEndedWithItsRuleDoesNotReadAsRecovered(because: String, words: String) throws {
    var story = Story()
    let mark: JSONValue = [
      "at": "2026-11-20T09:00:00+01:00", "rule": "bp.extreme", "event": "cleared", "zone": "green",
      "because": .string(because),
    ]
    story.marks = [mark]
    story.episodes = [
      [
        "rule": "bp.extreme", "state": "over", "event": "raised", "from": "2026-11-20T08:00:00+01:00",
        "to": "2026-11-20T09:00:00+01:00", "zone": "red", "because": .string(because), "told": 1,
      ]
    ]
    let page = try story.page()
    #expect(page.contains("<td>slutt</td><td>–</td><td>\(words)</td>"))
    #expect(page.contains("→ 09:00, \(words)"))
    #expect(try story.picture().summary.told.first?.contains(words) == true)
    // By a value it is green.
    var recovered = try #require(mark.object)
    recovered["because"] = nil
    story.marks = [.object(recovered)]
    #expect(try story.page().contains("<td>slutt</td><td><span class=\"chip t-green\">"))
  }

  @Test func aDifferenceKeepsItsSignWhenItsRuleIsGone() throws {
    var story = Story()
    story.marks = [
      [
        "at": "2026-11-20T09:00:00+01:00", "rule": "vekt", "event": "raised", "zone": "red", "value": "3.300",
        "unit": "kg", "measure": "weight",
      ]
    ]
    #expect(try story.page().contains("utenfor grensene: 3,3\u{A0}kg"))
    story.goneRules = [["id": "vekt", "kind": "delta"]]
    #expect(try story.page().contains("utenfor grensene: +3,3\u{A0}kg"))
  }

  @Test func whoWasNotAskedAgainIsSaid() throws {
    var story = Story()
    story.alerts = [
      [
        "rule": "bp.extreme", "zone": "red", "state": "pending", "since": "2026-11-21T10:15:00+01:00",
        "message": "Mål en gang til.", "repeat_until": "2026-11-21T10:45:00+01:00", "repeat_asked": false, "held": 1,
        "held_by": "flapping",
      ]
    ]
    let page = try story.page()
    #expect(page.contains("ny måling ventes til 10:45, ikke spurt på nytt"))
    #expect(page.contains("1 ikke meldt ennå (regelen kommer og går, og meldes sjeldnere)"))
    #expect(try story.picture().summary.alerts.first?.text == "bp.extreme – Mål en gang til. (ikke spurt på nytt)")
  }

  // MARK: Words

  @Test func whatItsTimeRestsOnIsARemark() throws {
    var story = Story()
    story.readings = [
      [
        "id": "00000000-0000-0000-0000-000000000020", "kind": "pulse-oximetry",
        "taken_at": "2026-11-21T10:39:58+01:00", "time_quality": "received-unsynced",
        "observations": [["code": "MDC_PULS_OXIM_SAT_O2", "value": "96"]],
        "flags": ["clock-unverified", "signal-poor"],
        "device": ["id": "oximeter"],
      ]
    ]
    let page = try story.page()
    #expect(page.contains("klokken ikke kontrollert; dårlig signal; tiden da den ble mottatt"))
    #expect(!page.contains("clock") && !page.contains("received"))
  }

  // MARK: What does not count

  @Test(arguments: [true, false]) func whatIsSetAsideIsSaidWithAndWithoutAPlan(hasPlan: Bool) throws {
    var story = Story()
    story.hasPlan = hasPlan
    for day in 14...17 {
      story.add("2026-11-\(day)T07:30:00+01:00", [("weight", "72.50")], kind: "body-weight")
    }
    story.asides = [
      [
        "id": "ff", "kind": "body-weight", "at": "2026-11-18T07:30:00+01:00", "values": ["weight": "88.00"],
        "zone": .null, "rules": [], "flags": ["suspect-person"], "worth": ["weight": "somebody-else"],
      ]
    ]
    let said = "Regnes ikke med: 88,0\u{A0}kg on. 18. nov. 07:30, kanskje en annen person"
    #expect(try story.picture().summary.leftOut == ["Vekt: \(said)"])
    let page = try story.page()
    #expect(page.contains(said) && page.contains("4 målinger, 1 regnes ikke med"))
    // Nothing else was measured: it is said all the same.
    story.rows = []
    #expect(try story.picture().summary.leftOut == ["Vekt: \(said)"])
    #expect(try story.page().contains(said))
  }
}
