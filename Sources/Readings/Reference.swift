// Names that stand in file names, cursors and commands: of devices, backends, rules and patients.

/// The rule for such names.
package enum Reference {
  /// The longest name in octets.
  package static let longest = 64

  /// The rule in words, for error messages.
  package static let rule = "1 to \(longest) letters, digits, \"-\", \"_\" or \".\""

  /// True for 1 to 64 letters, digits, "-", "_" and ".", not beginning with ".".
  package static func isValid(_ text: String) -> Bool {
    let isGood = text.utf8.allSatisfy { octet in
      switch octet {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
      default: false
      }
    }
    return isGood && !text.isEmpty && text.utf8.count <= longest && text.utf8.first != 0x2E
  }
}
