// How many columns text takes on a terminal: Unicode Standard Annex 11 (East Asian Width), as terminals draw it. The ranges
// are those of wide and fullwidth characters, joined where only unassigned code points lie between.

enum TextWidth {
  /// Columns of a text without control characters.
  static func columns(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + columns($1) }
  }

  /// The text itself, or its beginning and an ellipsis in at most `width` columns.
  static func fit(_ text: String, _ width: Int) -> String {
    guard columns(text) > width else { return text }
    var fitted = ""
    var used = 1
    for character in text {
      used += columns(character)
      if used > width { break }
      fitted.append(character)
    }
    return width > 0 ? fitted + "…" : ""
  }

  /// The words of a text on lines of at most `width` columns, each indented. A word that is longer has its line alone.
  static func wrap(_ text: String, indent: String, width: Int) -> String {
    var lines: [String] = []
    var line = indent
    for word in text.split(separator: " ") {
      if line == indent {
        line += word
      } else if columns(line) + 1 + columns(String(word)) <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = indent + word
      }
    }
    lines.append(line)
    return lines.joined(separator: "\n")
  }

  /// A picture takes two columns however many characters it is made of; otherwise each character counts for itself.
  private static func columns(_ character: Character) -> Int {
    let scalars = character.unicodeScalars
    if scalars.contains(where: { $0.value == 0xFE0F || $0.properties.isEmojiPresentation }) { return 2 }
    return scalars.reduce(0) { $0 + columns($1) }
  }

  private static func columns(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    // Vowels and finals of Korean letters stand within the first one's columns.
    if (0x1160...0x11FF).contains(scalar.value) || (0xD7B0...0xD7FF).contains(scalar.value) { return 0 }
    return wide.contains { $0.contains(scalar.value) } ? 2 : 1
  }

  /// Pictures are known by their property instead.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x3247, 0x3250...0x4DBF, 0x4E00...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60,
    0xFFE0...0xFFE6, 0x1_6FE0...0x1_B2FF, 0x1_F200...0x1_F265, 0x2_0000...0x3_FFFD,
  ]
}
