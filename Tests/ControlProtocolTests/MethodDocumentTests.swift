// The README's table of the control socket's methods is the table of methods.

import ControlProtocol
import Foundation
import Testing

@Suite struct MethodDocumentTests {
  private static let readme = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "README.md")

  private static var table: String {
    let rows = ControlMethod.all.map { method in
      let parameters = method.parameters.map { "`\($0.name)`" + ($0.isRequired ? "" : "?") }
      let marks = [method.isAudited ? "audited" : nil, method.isDurable ? "durable" : nil].compactMap(\.self)
      let cells = [
        "`\(method.name)`", method.role.name, parameters.joined(separator: ", "), method.summary,
        ([method.cost.rawValue] + marks).joined(separator: ", "),
      ]
      return "| \(cells.joined(separator: " | ")) |\n"
    }
    return "| Method | Least role | Parameters | What it does | Answer |\n| --- | --- | --- | --- | --- |\n"
      + rows.joined()
  }

  @Test func theTableOfTheReadmeIsThatOfTheMethods() throws {
    var text = try String(contentsOf: Self.readme, encoding: .utf8)
    let begin = try #require(text.range(of: "<!-- methods:begin -->\n"))
    let end = try #require(text.range(of: "<!-- methods:end -->"))
    if ProcessInfo.processInfo.environment["HEARTH_RECORD_CAPTURES"] != nil {
      text.replaceSubrange(begin.upperBound..<end.lowerBound, with: Self.table)
      try text.write(to: Self.readme, atomically: true, encoding: .utf8)
      return
    }
    #expect(text[begin.upperBound..<end.lowerBound] == Self.table)
  }
}
