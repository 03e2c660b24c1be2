// A part of the terminal that is drawn anew in place (ECMA-48: CUU, ED), so that a list can live.

import Platform

struct LiveArea {
  /// Whether the terminal can do it.
  static let isPossible = Terminal.isTerminal && Environment.get("TERM").map { $0 != "dumb" } ?? false

  private var height = 0

  /// Replaces what was drawn before. Lines that do not fit the terminal's height are left out, and a line is cut at its width: the
  /// cursor could not find back over one that the terminal broke. Tables leave columns out before.
  mutating func draw(_ lines: [String]) {
    let most = max(1, Terminal.height - 1)
    let shown = lines.prefix(most).map { TextWidth.fit($0, Terminal.width - 1) }
    var text = height > 0 ? "\u{1B}[\(height)A\r\u{1B}[J" : ""
    text += shown.map { $0 + "\n" }.joined()
    height = shown.count
    Terminal.out(text)
  }

  /// What is drawn stays; what comes next stands below it.
  mutating func leave() { height = 0 }

  /// Takes away what was drawn.
  mutating func clear() { draw([]) }
}
