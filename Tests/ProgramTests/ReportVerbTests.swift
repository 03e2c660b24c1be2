// What a patient's picture says in a terminal.

import Foundation
import Testing

@Suite struct ReportVerbTests {
  /// Without a plan, too, nothing that was measured is left out without a word.
  @Test func whatAPictureLeavesOutIsSaid() throws {
    let report =
      #"{"patient":"p-1","from":"2026-11-07T00:00:00Z","until":"2026-11-08T12:00:00Z","days":2,"timezone":"UTC","plan":null,"rows":[{"id":"1","kind":"body-weight","at":"2026-11-07T07:30:00Z","values":{"weight":"72.50"},"zone":null,"rules":[],"flags":[]}],"asides":[{"id":"2","kind":"body-weight","at":"2026-11-08T07:30:00Z","values":{"weight":"88.00"},"zone":null,"rules":[],"flags":["suspect-person"],"worth":{"weight":"somebody-else"}}]}"#
    let daemon = try ScriptedDaemon { request in
      [request.result(request.method == "report" ? report : #"{"readings":[]}"#)]
    }
    let shown = try CommandOutcome.hearthctl(["report", "--patient", "p-1", "--days", "2", "--socket", daemon.socket])
    #expect(shown.status == 0)
    #expect(
      shown.out.replacingOccurrences(of: "\u{A0}", with: " ").replacingOccurrences(of: "\n", with: " ")
        .contains("Vekt: Regnes ikke med: 88,0 kg sø. 8. nov. 07:30, kanskje en annen person"), "\(shown.out)")
  }
}
