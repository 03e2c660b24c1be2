// What the page tells of episodes, of the period and of values that do not count; numbers in the language's own form.

import JSON
import Monitoring
import Readings
import Testing
import Zones

@testable import Reports

@Suite struct EpisodeTests {
  private static let over: JSONValue = [
    "rule": "bp.extreme", "episode": "00000000-0000-5000-8000-000000000001", "state": "over", "event": "raised",
    "direction": "high", "from": "2026-10-02T08:15:00+02:00", "to": "2026-10-02T20:40:00+02:00", "zone": "red",
    "worst": ["value": "199", "unit": "mm[Hg]", "measure": "bp.systolic", "at": "2026-10-02T09:00:00+02:00"],
    "told": 2, "acknowledged": [["by": "kari", "at": "2026-10-02T08:30:00+02:00", "note": "Ringte."]],
  ]
  private static let open: JSONValue = [
    "rule": "vekt.opp", "state": "raised", "event": "raised", "direction": "high", "from": "2026-11-20T07:30:00+01:00",
    "zone": "yellow", "worst": ["value": "2.300", "unit": "kg", "measure": "weight"], "told": 1,
  ]

  private func story() -> Story {
    var story = Story()
    story.rules.append(["id": "vekt.opp", "kind": "delta", "enabled": true, "measures": ["weight"], "says": "Vekten."])
    story.episodes = [EpisodeTests.open, EpisodeTests.over]
    return story
  }

  @Test func whatGoesOnComesFirstThenWhatIsOver() throws {
    let page = try story().page()
    for text in [
      "Blodtrykk, systolisk: over grensene", "fr. 2. okt. 08:15", "→ 20:40", "199\u{A0}mmHg", "meldt 2 ganger",
      "kari, fr. 2. okt. 08:30: Ringte.", "Vekt: over grensene", "Siden fr. 20. nov. 07:30, pågår",
      "lengst ute: +2,3\u{A0}kg", "Ikke kvittert.",
    ] { #expect(page.contains(text), "\(text)") }
    let first = try #require(page.firstRange(of: "Vekt: over grensene"))
    let second = try #require(page.firstRange(of: "Blodtrykk, systolisk: over grensene"))
    let curve = try #require(page.firstRange(of: "<figure>"))
    #expect(first.lowerBound < second.lowerBound && second.lowerBound < curve.lowerBound)
  }

  @Test(arguments: [
    ("nb", "over grensene", "+2,3\u{A0}kg"), ("nn", "over grensene", "+2,3\u{A0}kg"),
    ("en", "above the limits", "+2.3\u{A0}kg"),
  ])
  func wordsAndNumbersAreTheLanguages(language: String, side: String, value: String) throws {
    var story = story()
    story.language = language
    let page = try story.page()
    #expect(page.contains(side) && page.contains(value))
  }

  @Test func whatIsRaisedAndHasNoEpisodeIsOne() throws {
    var story = Story()
    story.alerts = [
      [
        "rule": "bp.extreme", "zone": "red", "state": "raised", "since": "2026-11-21T08:15:00+01:00",
        "message": "Ring dem.", "direction": "low", "value": "84", "unit": "mm[Hg]", "measure": "bp.systolic",
      ]
    ]
    let episode = try #require(try story.picture().episodes.first)
    #expect(episode.isOpen && episode.direction == .low && episode.value == ExactDecimal(84))
    let page = try story.page()
    #expect(page.contains("Blodtrykk, systolisk: under grensene") && page.contains("Ring dem."))
    // The terminal says the same.
    #expect(try story.picture().summary.told.first?.contains("under grensene, 84\u{A0}mmHg") == true)
  }

  @Test func anEndThatIsNotKnownIsNotMadeUp() throws {
    var story = Story()
    story.episodes = [
      ["rule": "x", "state": "over", "event": "raised", "from": "2026-10-02T08:15:00+02:00", "zone": "red", "told": 1]
    ]
    #expect(try story.page().contains("→ ukjent"))
  }

  @Test func tilesSpeakOfThePeriod() throws {
    var story = Story()
    for (day, value) in [(14, "120"), (15, "131"), (16, "164"), (17, "84"), (18, "126")] {
      let isOut = value == "164" || value == "84"
      story.add(
        "2026-11-\(day)T08:15:00+01:00", [("bp.systolic", value)], zone: isOut ? "yellow" : "green",
        rule: isOut ? "bp.extreme" : nil)
    }
    let page = try story.page()
    for text in [
      ">126 <small>mmHg, median", "5 målinger", "lavest 84 (17. nov.), høyest 164 (16. nov.)",
      "innenfor grensene: 3 av 5 (60 %)", "Siste: <strong>126</strong>",
    ] { #expect(page.contains(text), "\(text)") }
  }

  @Test func aMeanIsALineOfItsOwnAndSoAreItsLimits() throws {
    var story = Story()
    story.rules = [
      [
        "id": "bp.week", "kind": "average", "enabled": true, "measures": ["bp.systolic"], "window_seconds": 604_800,
        "says": "Snittet.", "hours": "05:00-11:00", "mean_zones": [["zone": "yellow", "gte": "135"]],
      ]
    ]
    for day in 14...18 { story.add("2026-11-\(day)T08:15:00+01:00", [("bp.systolic", "13\(day - 13)")]) }
    story.means = [
      [
        "rule": "bp.week", "measure": "bp.systolic",
        "points": [
          ["at": "2026-11-17T08:15:00+01:00", "value": "132.50"],
          ["at": "2026-11-18T08:15:00+01:00", "value": "134.60"],
        ],
      ]
    ]
    let page = try story.page()
    #expect(count("<path class=\"mean-line m0\"", in: page) == 3, "wide, narrow and the legend")
    #expect(page.contains("snittet av 7 døgn, kl. 05:00-11:00, som bp.week vurderer"))
    #expect(page.contains("grense for snittet av 7 døgn: 135"))
    // 134.60 is no 135, at which the limit lies.
    #expect(page.contains("snitt 134,6"))
    // Its zone is the mean's, not that of the value by which it was judged.
    story.add("2026-11-19T08:15:00+01:00", [("bp.systolic", "131")], zone: "yellow", rule: "bp.week")
    let last = try #require(try story.picture().rows.last)
    #expect(last.zone == .yellow && last.zones.isEmpty)
  }

  @Test func beyondTheDevicesRangeIsSaidAndDrawn() throws {
    var story = Story()
    story.rules = [
      [
        "id": "bg", "kind": "band", "enabled": true, "measures": ["glucose"], "says": "",
        "zones": [["zone": "red", "lt": "3.0"]],
      ]
    ]
    story.add("2026-11-17T08:15:00+01:00", [("glucose", "5.50")], kind: "glucose")
    story.add("2026-11-18T08:15:00+01:00", [("glucose", "LO")], zone: "red", rule: "bg", kind: "glucose")
    story.add("2026-11-19T08:15:00+01:00", [("glucose", "HI")], kind: "glucose")
    let page = try story.page()
    for text in [
      "<title>under måleområdet (LO), on. 18. nov. 08:15, rød</title>", ">LO</text>", ">HI</text>",
      "lavest LO (18. nov.), høyest HI (19. nov.)", "3 målinger, 5,5\u{A0}mmol/L, 1 under måleområdet (LO)",
    ] { #expect(page.contains(text), "\(text)") }
    let line = try #require(try story.picture().sparklines(columns: 30).first)
    #expect(line.cells.contains { $0.zone == .red && $0.block == "▁" } && line.last == "HI")
    // The journal says it in its own words.
    var kept = Story()
    kept.readings = [
      [
        "id": "00000000-0000-0000-0000-000000000020", "kind": "glucose", "taken_at": "2026-11-18T08:15:00+01:00",
        "observations": [
          ["code": .string(Term.glucoseCapillaryWholeBlood.code), "absent": .string(AbsentReason.belowRange.rawValue)]
        ], "flags": [], "device": ["id": "meter"],
      ]
    ]
    #expect(try kept.picture().rows.first?.beyond[.glucose] == false)
  }

  @Test func whatDoesNotCountIsInsideTheFrameHollowAndWithItsReason() throws {
    var story = Story()
    for day in 10...18 {
      story.add("2026-11-\(day)T07:30:00+01:00", [("weight", "80.\(day)0")], kind: "body-weight")
    }
    // One near enough is where it lies, one far off at the edge; both are inside the frame.
    story.add(
      "2026-11-19T07:30:00+01:00", [("weight", "77.5")], kind: "body-weight", worth: ["weight": "somebody-else"])
    story.add(
      "2026-11-20T07:30:00+01:00", [("weight", "412.00")], kind: "body-weight", worth: ["weight": "not-believable"])
    let page = try story.page()
    #expect(page.contains("Regnes ikke med: 77,5\u{A0}kg to. 19. nov. 07:30, kanskje en annen person; 412,0\u{A0}kg"))
    #expect(page.contains("kan ikke stemme") && page.contains("↑ 412,0") && !page.contains("↓ 77,5"))
    #expect(count("<g class=\"p p-apart\"><title>", in: page) == 2)
    #expect(page.contains("9 målinger, 80,1 – 80,18\u{A0}kg"))
    let curve = try #require(Curve(.weight, of: try story.picture()))
    for point in curve.points { #expect((curve.top...curve.bottom).contains(curve.y(point))) }
    #expect(curve.axis.share(77.5) >= 0 && curve.axis.high < 100)
  }

  @Test func rulesThatDidNotJudgeSaySoInPlainWords() throws {
    var story = Story()
    story.add(
      "2026-11-18T08:15:00+01:00", [("bp.systolic", "126")],
      notJudged: [["rule": "bp.week", "because": "too-few"], ["rule": "bp.two", "because": "too-few"]])
    #expect(try story.page().contains("ikke vurdert av bp.week, bp.two: for få målinger"))
  }

  @Test func levelsOfOneColourAreToldApart() {
    func limit(_ zone: Zone, _ value: Int64) -> ZoneLimit { ZoneLimit(zone, [.init(.lessThan, ExactDecimal(value))]) }
    let bands = ZoneBand.all([limit(.red, 85), limit(.red, 75), limit(.yellow, 90)])
    #expect(bands.map { "\($0.zone) \($0.level)" } == ["red 2", "red 1", "yellow 1", "green 0"])
    // Two rules over one value make no second level.
    #expect(ZoneBand.all(rules: [[limit(.red, 85)], [limit(.red, 75)]]).map(\.level) == [1, 0])
  }

  @Test func numbersHaveNoMoreDigitsThanWereMeasured() {
    let words = Words(.bokmal)
    func text(_ value: String, _ measure: Measure, _ language: PlanLanguage = .bokmal) -> String {
      ReportNumber.text(value, measure, language)
    }
    #expect(text("80.000", .weight) == "80,0")
    #expect(text("80.000", .weight, .english) == "80.0")
    #expect(text("80", .weight) == "80")
    #expect(text("70.765", .weight) == "70,76")
    #expect(text("128.0", .systolic) == "128")
    #expect(text("1250", .systolic) == "1250")
    #expect(text("36.60", .temperature) == "36,6")
    #expect(words.quantity(ExactDecimal(80_000, exponent: -3), .weight) == "80,0\u{A0}kg")
    func median(_ values: [String], _ measure: Measure) -> String? {
      words.median(values.compactMap { ExactDecimal($0) }, measure)
    }
    #expect(median(["120", "131"], .systolic) == "126")
    #expect(median(["80.000", "81.000"], .weight) == "80,5")
    #expect(median(["80", "81"], .weight) == "80")
    #expect(median([], .weight) == nil)
  }
}
