// What a person sees: text that fits, colours where they are wanted, nothing from a device that could steer the terminal.

import CLinux
import Glibc
import JSON
import Platform

enum Terminal {
  static let isTerminal = isatty(1) == 1
  static let hasColour = isTerminal && Environment.get("NO_COLOR") == nil && Environment.get("TERM") != "dumb"

  /// Columns: the terminal's, else $COLUMNS, else 80.
  static let width: Int = {
    var size = winsize()
    if isTerminal, ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 { return Int(size.ws_col) }
    if let text = Environment.get("COLUMNS"), let columns = Int(text), (20...1000).contains(columns) { return columns }
    return 80
  }()

  /// Writes text; a closed pipe ends the program quietly.
  static func out(_ text: String) {
    guard Descriptor.writeAll(1, Array(text.utf8)) else { exit(0) }
  }

  static func line(_ value: JSONValue) { out(value.text + "\n") }

  static func fail(_ failure: Failure, asJSON: Bool) {
    if asJSON {
      var error = JSONObject()
      error["code"] = .string(failure.code)
      error["message"] = .string(failure.message)
      error["hint"] = failure.hint.map { .string($0) } ?? .null
      line(["error": .object(error)])
    } else {
      var text = "hearthctl: \(clean(failure.message))\n"
      if let hint = failure.hint { text += "hint: \(clean(hint))\n" }
      _ = Descriptor.writeAll(2, Array(text.utf8))
    }
  }

  /// Text from outside without control characters.
  static func clean(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  /// A zone as a word and, where colours are wanted, in its colour.
  static func zone(_ name: String) -> String {
    guard hasColour else { return name }
    switch name {
    case "red": return "\u{1B}[1;31mred\u{1B}[0m"
    case "yellow": return "\u{1B}[33myellow\u{1B}[0m"
    case "green": return "\u{1B}[32mgreen\u{1B}[0m"
    default: return name
    }
  }
}

/// Rows in columns that fit the terminal: the widest columns give way first.
struct Table {
  var headings: [String]
  var rows: [[String]] = []

  init(_ headings: [String]) { self.headings = headings }

  func text(width: Int = Terminal.width) -> String {
    let cells = [headings] + rows.map { $0.map(Terminal.clean) }
    var widths = headings.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    let gaps = 2 * max(0, headings.count - 1)
    while widths.reduce(gaps, +) > width, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
      widths[widest] > 4
    {
      widths[widest] -= 1
    }
    return cells.enumerated().map { number, row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let fitted = Table.fit(cell, widths[column])
        let isLast = column == row.count - 1
        let padding = isLast ? "" : String(repeating: " ", count: widths[column] - fitted.count + 2)
        line += (number > 0 && headings[column] == "ZONE" ? Terminal.zone(fitted) : fitted) + padding
      }
      return line
    }.joined(separator: "\n") + "\n"
  }

  private static func fit(_ text: String, _ width: Int) -> String {
    text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…"
  }
}
