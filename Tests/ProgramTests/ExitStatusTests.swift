// Files that hearthctl cannot read, and octets that are none: the statuses of the contract, and what is said beside them.

import Foundation
import Testing

@Suite struct ExitStatusTests {
  @Test(arguments: [
    ["plan", "check", "/nonexistent"], ["plan", "set", "/"], ["decode", "serial", "cas", "/nonexistent"],
  ])
  func aFileThatIsNotThere(arguments: [String]) throws {
    let text = try Home.run("hearthctl", arguments)
    #expect(text.status == 69 && text.error.contains("\nhint: "), "\(text.error)")
    let error = try Home.run("hearthctl", arguments + ["--json"]).json["error"] as? [String: Any]
    #expect(error?["code"] as? String == "not-found" && error?["hint"] is String)
  }

  /// Whoever reads the output finds one object; whoever looks at the terminal is told.
  @Test(arguments: [
    ["gatt", "1810", "2A35", "1e8"], ["adv", "1e8", "--company", "020E"], ["serial", "cas", "--hex"],
  ]) func hexadecimalCutInHalf(arguments: [String]) throws {
    let text = try Home.run("hearthctl", ["decode"] + arguments, input: "1e8")
    let json = try Home.run("hearthctl", ["decode", "--json"] + arguments, input: "1e8")
    #expect(text.status == 65 && json.status == 65)
    #expect(text.error.hasPrefix("hearthctl: ") && text.error.contains("\nhint: ") && json.error.isEmpty)
    for outcome in [text, json] {
      #expect((outcome.json["readings"] as? [Any])?.isEmpty ?? false)
      #expect((outcome.json["values"] as? [String: Any])?.isEmpty ?? false)
      let problem = (outcome.json["problems"] as? [[String: Any]])?.first
      #expect(problem?["code"] as? String == "malformed" && problem?["offset"] as? Int == 3)
    }
  }

  @Test(arguments: ["020E", "20e", "0x020E", "0X020e"]) func aCompanyIsHexadecimal(company: String) throws {
    let outcome = try Home.run("hearthctl", ["decode", "adv", "0101d00264110011", "--company", company])
    let values = outcome.json["values"] as? [String: Any]
    #expect(outcome.status == 0 && values?["format"] as? Int == 1 && values?["pairing_mode"] as? Bool == false)
  }

  @Test(arguments: ["+20E", "-1", "0020E", "0x", "g"]) func whatIsNoCompanyIsUsage(company: String) throws {
    #expect(try Home.run("hearthctl", ["decode", "adv", "0101", "--company=\(company)"]).status == 64)
  }

  @Test(arguments: [
    ["ask", "a", "key"], ["report", "--patient", "p", "--days", "0"], ["decode", "adv", "01", "--company", "zz"],
  ])
  func everyFaultHasAHint(arguments: [String]) throws {
    let text = try Home.run("hearthctl", arguments)
    #expect(text.error.contains("\nhint: hearthctl \(arguments[0]) --help\n"), "\(text.error)")
    let error = try Home.run("hearthctl", ["--json"] + arguments).json["error"] as? [String: Any]
    #expect(error?["hint"] as? String == "hearthctl \(arguments[0]) --help")
  }
}
