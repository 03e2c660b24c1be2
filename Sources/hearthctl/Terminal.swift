// What a person sees: text that fits, colours where they are wanted, nothing from a device that could steer the terminal.

import CLinux
import Glibc
import JSON
import Platform

enum Terminal {
  static let isTerminal = isatty(1) == 1
  static let hasColour =
    isTerminal && (Environment.get("NO_COLOR") ?? "").isEmpty && Environment.get("TERM") != "dumb"

  /// Columns: the terminal's, else $COLUMNS, else 80.
  static let width: Int = {
    var size = winsize()
    if isTerminal, ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 { return Int(size.ws_col) }
    if let text = Environment.get("COLUMNS"), let columns = Int(text), (20...1000).contains(columns) { return columns }
    return 80
  }()

  /// Lines of the terminal; 24 where it does not tell.
  static var height: Int {
    var size = winsize()
    return isTerminal && ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 1 ? Int(size.ws_row) : 24
  }

  /// Writes text; a closed pipe ends the program quietly, a full disk does not.
  static func out(_ text: String) {
    if Descriptor.writeAll(1, Array(text.utf8)) { return }
    let error = SystemError.last("write", path: "standard output")
    if error.errno != EPIPE {
      _ = Descriptor.writeAll(2, Array("hearthctl: \(error.message)\nhint: is there space left?\n".utf8))
    }
    exit(error.errno == EPIPE ? 0 : 75)
  }

  static func line(_ value: JSONValue) { line(json: value.text) }

  /// One line of JSON. What could steer a terminal stands in it as an escape, which is the same JSON.
  static func line(json: String) {
    guard json.utf8.contains(where: { $0 >= 0x7F || $0 < 0x20 }) else { return out(json + "\n") }
    var text = ""
    for scalar in json.unicodeScalars {
      if isControl(scalar) {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    out(text + "\n")
  }

  /// A remark beside the answer, where errors go.
  static func note(_ text: String) { _ = Descriptor.writeAll(2, Array("hearthctl: \(clean(text))\n".utf8)) }

  static func fail(_ failure: Failure, of verb: Verb?, asJSON: Bool) {
    let hint = failure.hint(of: verb)
    if asJSON {
      var error = JSONObject()
      error["code"] = .string(failure.code)
      error["message"] = .string(failure.message)
      error["hint"] = .string(hint)
      line(["error": .object(error)])
    } else {
      let text = "hearthctl: \(clean(failure.message))\nhint: \(clean(hint))\n"
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
