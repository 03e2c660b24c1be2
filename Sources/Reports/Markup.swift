// Text of HTML and SVG: everything that comes from outside goes through `escaped`; numbers of pictures have one decimal place.

/// Writes markup.
struct Markup {
  private(set) var text = ""

  /// Markup of our own.
  mutating func raw(_ markup: String) { text += markup }

  /// Text, shown as it is.
  mutating func write(_ content: String) { text += Markup.escaped(content) }

  /// An element with text in it.
  mutating func element(_ name: String, _ attributes: String = "", _ content: String) {
    raw("<\(name)\(attributes.isEmpty ? "" : " " + attributes)>")
    write(content)
    raw("</\(name)>")
  }

  /// Text that is neither markup nor the end of an attribute. Control characters and those that turn the direction of writing become
  /// the replacement character.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\u{A0}": escaped += "\u{A0}"
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: escaped += "\u{FFFD}"
        default: escaped.unicodeScalars.append(scalar)
        }
      }
    }
    return escaped
  }

  /// A coordinate with one decimal place; nothing that is no number gets into a picture.
  static func number(_ value: Double) -> String {
    guard value.isFinite, value.magnitude < 1e6 else { return "0" }
    let tenths = Int((value * 10).rounded())
    let (whole, rest) = tenths.magnitude.quotientAndRemainder(dividingBy: 10)
    return (tenths < 0 ? "-" : "") + (rest == 0 ? "\(whole)" : "\(whole).\(rest)")
  }
}
