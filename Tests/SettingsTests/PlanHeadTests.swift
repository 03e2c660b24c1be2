// What stands in a plan's file beside its rules.

import JSON
import Settings
import Testing

@Suite struct PlanHeadTests {
  private func fault(_ member: String) -> String? {
    PlanFile.faults(Array("{\"patient\": \"p\", \"version\": 1,\n \(member), \"rules\": []}".utf8)).first?
      .description(file: "f")
  }

  @Test(arguments: [#""valid_from": "2026-11-01""#, #""valid_from": "2028-02-29""#, #""set_by": "dr. Berg""#])
  func whoAndFromWhenAreTaken(member: String) { #expect(fault(member) == nil) }

  @Test(arguments: [
    (#""valid_from": "2026-02-29""#, "f:2:16: valid_from: expected a date"),
    (#""valid_from": "2026-11-01T00:00:00Z""#, "f:2:16: valid_from: expected a date"),
    (#""valid_from": "01.11.2026""#, "f:2:16: valid_from: expected a date"),
    (#""valid_from": "soon""#, "f:2:16: valid_from: expected a date"),
    (#""valid_from": 20261101"#, "f:2:16: valid_from: expected a string"),
    (#""set_by": 5"#, "f:2:12: set_by: expected a string"), (#""set_by": ["x"]"#, "f:2:12: set_by: expected a string"),
  ]) func whatIsNoneHasItsPlace(member: String, expected: String) {
    let told = fault(member) ?? "taken"
    #expect(told.hasPrefix(expected), "\(told)")
  }
}
