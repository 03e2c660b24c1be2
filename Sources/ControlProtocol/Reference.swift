// Names that stand in file names, cursors and commands: of devices, backends, patients.

/// The rule for such names.
public enum Reference {
  /// True for 1 to 64 letters, digits, "-", "_" and ".", not beginning with ".".
  public static func isValid(_ text: String) -> Bool {
    let isGood = text.utf8.allSatisfy { octet in
      switch octet {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
      default: false
      }
    }
    return isGood && !text.isEmpty && text.utf8.count <= 64 && text.utf8.first != 0x2E
  }
}
