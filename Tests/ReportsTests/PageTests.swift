// The page of a patient's picture: what stands on it, in which words, and that nothing from outside becomes markup.

import JSON
import Monitoring
import Readings
import Reports
import Testing
import Zones

@Suite struct PageTests {
  @Test func curvesZonesGapsAndNotesAreThere() throws {
    var story = Story()
    story.add("2026-11-19T08:15:00+01:00", [("bp.systolic", "128"), ("bp.diastolic", "82"), ("pulse", "70")])
    story.add(
      "2026-11-20T08:15:00+01:00", [("bp.systolic", "164"), ("bp.diastolic", "90")], zone: "yellow", rule: "bp.extreme")
    story.add(
      "2026-11-21T08:15:00+01:00", [("bp.systolic", "190"), ("bp.diastolic", "95")], zone: "red", rule: "bp.extreme")
    story.add("2026-11-21T08:20:00+01:00", [("bp.systolic", "140"), ("bp.diastolic", "91")], flags: ["cuff-too-loose"])
    story.expected = [
      [
        "rule": "m", "measure": "bp.systolic", "start": "2026-11-18T07:00:00+01:00", "end": "2026-11-18T10:00:00+01:00",
        "state": "missed",
      ],
      [
        "rule": "m", "measure": "bp.systolic", "start": "2026-11-19T07:00:00+01:00", "end": "2026-11-19T10:00:00+01:00",
        "state": "came",
      ],
    ]
    story.marks = [
      ["at": "2026-11-21T08:15:30+01:00", "rule": "bp.extreme", "event": "raised", "zone": "red"],
      [
        "at": "2026-11-21T09:00:00+01:00", "rule": "bp.extreme", "event": "acknowledged", "zone": "red", "by": "kari",
        "note": "Ringte, ny måling.",
      ],
    ]
    let page = try story.page()
    for text in [
      "Blodtrykk, systolisk (mmHg)", "Blodtrykk, diastolisk (mmHg)", "Puls (/min)",
      "23. oktober 2026 – 21. november 2026",
      "rød ≥ 180", "gul 160–180", "grønn 90–160", "rød &lt; 90", "190/95\u{A0}mmHg", "løs mansjett",
      "kari: Ringte, ny måling.",
      "lø. 21. nov. 08:15", "uteblitt: on. 18. nov. 07:00",
    ] { #expect(page.contains(text), "\(text)") }
    // A shape for each zone, a hollow one for doubt; one slot was missed.
    #expect(count("class=\"p p-red\"><title>", in: page) == 1)
    #expect(count("class=\"p p-yellow\"><title>", in: page) == 1)
    #expect(count("doubt\"><title>", in: page) == 2)
    #expect(count("<g class=\"gap\"><title>", in: page) == 1)
    // The diastolic value of a red systolic reading is not red by that.
    #expect(page.contains("<title>95\u{A0}mmHg, lø. 21. nov. 08:15, ikke vurdert</title>"))
  }

  @Test func nothingFromOutsideIsMarkup() throws {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\u{202E}\u{0}"
    var story = Story()
    (story.patient, story.hub) = (evil, evil)
    story.rules.append([
      "id": .string(evil), "kind": "band", "enabled": true, "measures": ["weight"], "says": .string(evil),
    ])
    story.add("2026-11-21T08:15:00+01:00", [("weight", "80.1")], kind: evil)
    story.marks = [
      [
        "at": "2026-11-21T08:15:30+01:00", "rule": .string(evil), "event": "acknowledged", "zone": "red",
        "by": .string(evil),
        "note": .string(evil),
      ]
    ]
    story.alerts = [
      ["rule": .string(evil), "zone": "red", "since": "2026-11-21T08:15:30+01:00", "message": .string(evil)]
    ]
    let page = try story.page()
    #expect(!page.contains("<script"))
    #expect(!page.contains("<img"))
    #expect(!page.contains("\u{202E}") && !page.contains("\u{0}"))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;"))
    // Every quote of an attribute is ours: they come in pairs in each tag.
    for tag in page.split(separator: "<").dropFirst() {
      #expect(tag.prefix { $0 != ">" }.count { $0 == "\"" } % 2 == 0)
    }
  }

  @Test func itAsksNoNetworkAndRunsNothing() throws {
    var story = Story()
    story.add("2026-11-21T08:15:00+01:00", [("bp.systolic", "128")])
    let page = try story.page()
    for word in ["http:", "https:", "//", "<script", "javascript", "@import", "onload", "<iframe", "<object", "<form"] {
      #expect(!page.contains(word), "\(word)")
    }
    #expect(page.contains("default-src 'none'"))
    // The only address is an empty picture, so that browsers ask for none.
    #expect(count("href=", in: page) == 1 && page.contains("href=\"data:,\""))
    #expect(count("url(", in: page) == count("url(#hatch-", in: page))
  }

  @Test(arguments: [
    ("nb", "Målinger hjemmefra", "grønn"), ("nn", "Målingar heimanfrå", "grøn"),
    ("en", "Measurements from home", "green"),
  ])
  func wordsAreThePlans(language: String, title: String, zone: String) throws {
    var story = Story()
    story.language = language
    story.add("2026-11-21T08:15:00+01:00", [("bp.systolic", "128")])
    let page = try story.page()
    #expect(page.contains("<html lang=\"\(language)\">") && page.contains(title) && page.contains(zone))
    #expect(ReportPage(try story.picture(.english)).html.contains("Measurements from home"))
  }

  @Test func emptyDaysAndDaysWithoutAPlanAreSaid() throws {
    var story = Story()
    #expect(try story.page().contains("ingen målinger"))
    story.hasPlan = false
    #expect(try story.page().contains("Ingen målinger i disse dagene."))
    story.add("2026-11-21T08:15:00+01:00", [("weight", "70.760")], kind: "body-weight")
    let page = try story.page()
    #expect(page.contains("70,76") && page.contains("ikke vurdert") && page.contains("ingen plan"))
    #expect(!page.contains("<rect class=\"z-"))
  }

  @Test func aReadingThatBothKnowIsOneAndWhoElseStoodThereIsApart() throws {
    var story = Story()
    story.add("2026-11-21T08:15:00+01:00", [("weight", "80.1")], kind: "body-weight", id: "1f")
    story.readings = [
      [
        "id": "00000000-0000-0000-0000-00000000001f", "kind": "body-weight", "taken_at": "2026-11-21T08:15:00+01:00",
        "observations": [["code": "MDC_MASS_BODY_ACTUAL", "value": "80.1", "unit": "kg"]],
        "flags": [], "device": ["id": "scale", "manufacturer": "A&D", "model": "UC-352BLE"],
        "evaluation": ["zone": "green", "rules": []],
      ],
      [
        "id": "00000000-0000-0000-0000-000000000020", "kind": "body-weight", "taken_at": .null,
        "observations": [["code": "MDC_MASS_BODY_ACTUAL", "value": "81.0", "unit": "kg"]], "flags": [],
        "device": ["id": "scale"],
      ],
    ]
    story.asides = [
      [
        "id": "2", "kind": "body-weight", "at": "2026-11-20T08:15:00+01:00", "values": ["weight": "61.30"],
        "zone": .null,
        "rules": [], "flags": ["suspect-person"],
      ]
    ]
    let picture = try story.picture()
    #expect(picture.rows.map(\.id) == ["2", "1f", "20"])
    #expect(picture.rows.map(\.standing) == [.apart, .sure, .sure])
    let page = ReportPage(picture).html
    #expect(page.contains("A&amp;D UC-352BLE") && page.contains("kanskje en annen person"))
    #expect(page.contains("Uten sikker tid") && page.contains("81,0"))
    // 61.30 would shrink the curve to a stroke: it stands inside the frame, at its edge, with its number.
    #expect(page.contains("↓ 61,3"))
  }

  @Test func anAnswerThatIsNoReportIsRefused() {
    #expect(throws: PatientPicture.Fault.self) {
      try PatientPicture(report: ["patient": "p"], readings: [], zone: .utc)
    }
    #expect(throws: PatientPicture.Fault(member: "until")) {
      let report: JSONValue = [
        "patient": "p", "from": "2026-11-21T00:00:00Z", "until": "2026-11-20T00:00:00Z", "rows": [],
      ]
      return try PatientPicture(report: report, readings: [], zone: .utc)
    }
  }
}
