// What the README and the example file teach is accepted as it stands.

import Foundation
import JSON
import Monitoring
import Readings
import Settings
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

@Suite struct PlanExampleTests {
  private func text(_ name: String) throws -> String {
    try String(contentsOf: root.appending(path: name), encoding: .utf8)
  }

  @Test func theFirstPlanOfTheREADMEIsGood() throws {
    let readme = try text("README.md")
    let start = try #require(readme.range(of: "    {\n      \"patient\": \"p-7f3a\","))
    let end = try #require(readme.range(of: "\n    }\n", range: start.upperBound..<readme.endIndex))
    let example = Array(readme[start.lowerBound..<end.upperBound].utf8)
    #expect(PlanFile.faults(example).isEmpty)
    let plan = try PlanFile.read(example)
    #expect(plan.rules.map(\.id) == ["weight.3days", "pressure.low", "weight.comes"])
  }

  @Test func everyRuleOfTheREADMEsTableIsGood() throws {
    let rows = try text("README.md").split(separator: "\n").filter { $0.hasPrefix("| ") && $0.contains("| `{\"id\"") }
    #expect(rows.count == 10)
    for row in rows {
      let rule = try #require(row.split(separator: "`").first { $0.hasPrefix("{\"id\"") })
      let faults = PlanFile.faults(Array("{\"patient\": \"p\", \"version\": 1, \"rules\": [\(rule)]}".utf8))
      #expect(faults.isEmpty, "\(rule)")
    }
  }

  @Test func theExampleFileIsGoodAndHasEveryKind() throws {
    let octets = Array(try text("systemd/plan-example.json").utf8)
    #expect(PlanFile.faults(octets).isEmpty)
    let kinds = try PlanFile.read(octets).rules.map(\.kind.name)
    #expect(Set(kinds).count == 9)
  }

  /// The units that the README names are those that the file takes.
  @Test func theUnitsOfTheREADMEAreTaken() throws {
    let rows = try text("README.md").split(separator: "\n").drop { !$0.hasPrefix("| measure | unit") }.dropFirst(2)
      .prefix { $0.hasPrefix("|") }
    #expect(rows.count == 7)
    var named = 0
    for row in rows {
      let columns = row.split(separator: "|")
      let words = { (column: Substring) in
        column.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
      }
      for measure in words(columns[0]) {
        let units = words(columns[1])
        let known = try #require(Measure(rawValue: String(measure))).units
        #expect(units.compactMap { UCUM(named: String($0)) }.allSatisfy(known.contains), "\(measure)")
        #expect(UCUM(named: String(try #require(units.first))) == known.first { $0 == $0.canonical })
        named += 1
      }
    }
    #expect(named == Measure.allCases.count)
  }
}
