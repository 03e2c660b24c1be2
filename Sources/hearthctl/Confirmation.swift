// Questions to a person whose answer decides whether something goes.

import Glibc

enum Confirmation {
  /// A person can be asked: nothing is piped.
  static var isInteractive: Bool { isatty(0) == 1 && Terminal.isTerminal }

  /// Asks for a word. Throws when another one is typed.
  static func ask(_ question: String, expected: String) throws(Failure) {
    Terminal.out(question + " ")
    guard let line = readLine(strippingNewline: true), line == expected else {
      throw Failure(status: 64, code: "not-confirmed", message: "not confirmed; nothing was changed", hint: "--yes")
    }
  }

  /// Whether the answer is yes; anything else is no.
  static func yes(_ question: String) -> Bool {
    Terminal.out("\(question) yes or no: ")
    guard let line = readLine(strippingNewline: true) else { return false }
    return ["y", "yes"].contains(line.lowercased())
  }
}
