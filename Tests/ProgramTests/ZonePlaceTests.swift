// A time zone that looks like one and does not exist is told with its place, as every other fault is.

import Foundation
import Testing

@Suite struct ZonePlaceTests {
  private func check(_ configuration: String, plan: String? = nil) throws -> Outcome {
    let home = try Home(configuration)
    if let plan { try home.write(plan, "plans/p-1.json") }
    return try Home.run(
      "hearthd",
      [
        "--check", "--config", home.folder.appending(path: "hearth.json").path, "--state-directory",
        home.folder.appending(path: "state").path,
      ])
  }

  @Test(arguments: [
    ("{\n \"hub\": {\"timezone\": \"Europe/Olso\"}}", "hearth.json:2:22: hub.timezone: "),
    (
      "{\"hub\": {\"timezone\": \"UTC\"}, \"devices\": [\n{\"id\": \"a\", \"driver\": \"cas\", \"port\": \"/dev/a\"},\n"
        + "{\"timezone\": \"Europe/Olso\", \"id\": \"b\", \"driver\": \"cas\", \"port\": \"/dev/b\"}]}",
      "hearth.json:3:14: devices[1].timezone: "
    ),
  ]) func aConfigurationsZone(text: String, place: String) throws {
    let outcome = try check(text)
    #expect(outcome.status == 78)
    #expect(outcome.error.contains(place) && outcome.error.contains("\"Europe/Olso\""), "\(outcome.error)")
  }

  @Test func aPlansZone() throws {
    let outcome = try check(
      "{}", plan: "{\"patient\": \"p-1\", \"version\": 1,\n \"timezone\": \"Europe/Olso\", \"rules\": []}")
    #expect(outcome.status == 78)
    #expect(outcome.error.contains("plans/p-1.json:2:14: timezone: "), "\(outcome.error)")
  }
}
