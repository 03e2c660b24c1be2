// Rows in columns. No value is ever cut: a value that lost its end looks like another one.

/// A table. In a terminal that is too narrow for all columns the least important are left out, and named below. Where the output is
/// a file or a pipe there is room for everything.
struct Table {
  var headings: [String]
  var rows: [[String]] = []
  /// The columns that can be left out, the least important first.
  private let leaving: [String]
  /// A column of sentences: in a terminal its words go on below each other.
  private let wrapping: String?

  init(_ headings: [String], leaving: [String] = [], wrapping: String? = nil) {
    self.headings = headings
    self.leaving = leaving
    self.wrapping = wrapping
  }

  /// The columns of a terminal; nil where nothing bounds a line.
  static let usualWidth = Terminal.isTerminal ? Terminal.width : nil
  /// What a column of sentences needs at least.
  private static let leastSentence = 20
  private static let gap = "  "

  func text(width: Int? = Table.usualWidth) -> String {
    let cells = [headings] + rows.map { $0.map(Terminal.clean) }
    var widths = headings.indices.map { column in cells.map { TextWidth.columns($0[column]) }.max() ?? 0 }
    let sentences = headings.firstIndex { $0 == wrapping }
    var shown = Array(headings.indices)
    var left: [String] = []
    if let width {
      func needed(_ columns: [Int]) -> Int {
        let text = columns.reduce(0) { $0 + ($1 == sentences ? min(widths[$1], Table.leastSentence) : widths[$1]) }
        return text + Table.gap.utf8.count * max(0, columns.count - 1)
      }
      for heading in order where needed(shown) > width {
        shown.removeAll { headings[$0] == heading }
        left.append(heading)
      }
      if let sentences, shown.contains(sentences) {
        let others = needed(shown) - min(widths[sentences], Table.leastSentence)
        widths[sentences] = min(widths[sentences], max(Table.leastSentence, width - others))
      }
    }
    var text = ""
    for (number, row) in cells.enumerated() {
      for line in lines(of: row, shown, widths, sentences: width == nil ? nil : sentences, isHeading: number == 0) {
        text += line + "\n"
      }
    }
    guard !left.isEmpty else { return text }
    let names = headings.filter(left.contains).joined(separator: ", ")
    return text + Show.paragraph("", "(not shown: \(names); a wider terminal or --json shows them)") + "\n"
  }

  /// The headings that can be left out in the order in which they go: those without any value first.
  private var order: [String] {
    let empty = leaving.filter { heading in
      guard let column = headings.firstIndex(of: heading) else { return false }
      return rows.allSatisfy { ["", "-"].contains($0[column]) }
    }
    let there = leaving.filter { headings.contains($0) && !empty.contains($0) }
    return empty + there
  }

  /// One row: a line, or several where a column of sentences goes on.
  private func lines(
    of row: [String], _ shown: [Int], _ widths: [Int], sentences: Int?, isHeading: Bool
  ) -> [String] {
    var parts: [String] = []
    if let sentences {
      parts = TextWidth.wrap(row[sentences], indent: "", width: widths[sentences]).split(separator: "\n").map(
        String.init)
    }
    return (0..<max(1, parts.count)).map { number in
      var line = ""
      var blanks = 0
      for column in shown {
        let cell = column == sentences ? (number < parts.count ? parts[number] : "") : number == 0 ? row[column] : ""
        let columns = TextWidth.columns(cell)
        if columns > 0 {
          line += String(repeating: " ", count: blanks)
          blanks = 0
          line += !isHeading && headings[column] == "ZONE" ? Terminal.zone(cell) : cell
        }
        blanks += max(0, widths[column] - columns) + Table.gap.utf8.count
      }
      return line
    }
  }
}
