// A patient's reference: the pseudonym by which a home and its backends know a patient. The link to the person stays with the care
// service. A national identity number is no pseudonym, and the hub takes none.

/// The rule for patients' references.
package enum PatientReference {
  /// Why a text cannot be a patient's reference.
  package enum Fault: Error, Sendable, Hashable {
    /// It has other characters than a name may have, none at all, or too many.
    case malformed
    /// It has neither a letter nor a digit: `-` is how people are shown that there is nobody.
    case nameless
    /// It is, or holds, a Norwegian national identity number.
    case nationalIdentityNumber

    /// Stable: `invalid-value` or `patient.national-id`.
    package var code: String {
      switch self {
      case .malformed, .nameless: "invalid-value"
      case .nationalIdentityNumber: PatientReference.nationalIDCode
      }
    }

    /// What is expected, and why. It never repeats the text: messages end in logs.
    package var message: String {
      switch self {
      case .malformed: "expected \(Reference.rule)"
      case .nameless: "expected a letter or a digit in a patient's reference"
      case .nationalIdentityNumber:
        "expected a pseudonym of the patient: a national identity number must not be stored on a hub"
      }
    }

    /// What to use instead.
    package var hint: String {
      switch self {
      case .malformed, .nameless: "a patient's reference is the care service's pseudonym, such as p-7f3a"
      case .nationalIdentityNumber:
        "use the care service's pseudonym, such as p-7f3a; which person it is stays known there alone"
      }
    }
  }

  /// The code of a reference that is a national identity number.
  package static let nationalIDCode = "patient.national-id"

  /// Why a text cannot be a patient's reference; nil when it can.
  package static func fault(in text: String) -> Fault? {
    guard Reference.isValid(text) else { return .malformed }
    guard !isNameless(text) else { return .nameless }
    return isNationalIdentityNumber(text) ? .nationalIdentityNumber : nil
  }

  /// True for a text without a letter and without a digit.
  package static func isNameless(_ text: String) -> Bool {
    !text.utf8.contains { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
  }

  /// True when the text is or holds a Norwegian national identity number: eleven digits in a row, also with "-", "." or "_" between
  /// them, with a date and both check digits right.
  package static func isNationalIdentityNumber(_ text: String) -> Bool {
    let separators: [UInt8] = [0x2D, 0x2E, 0x5F]
    let octets = text.utf8.filter { !separators.contains($0) }
    return octets.split(whereSeparator: { !(0x30...0x39).contains($0) }).contains { run in
      run.count == 11 && isNationalIdentityNumber(digits: run.map { Int($0) - 0x30 })
    }
  }

  /// By the rules of Skatteetaten's national population register: DDMMYY, three digits, and two check digits modulo 11.
  private static func isNationalIdentityNumber(digits: [Int]) -> Bool {
    func check(_ weights: [Int]) -> Int { (11 - zip(weights, digits).reduce(0) { $0 + $1.0 * $1.1 } % 11) % 11 }
    // A remainder that would need the digit 10 is issued to nobody.
    guard check([3, 7, 6, 1, 8, 9, 4, 5, 2]) == digits[9], check([5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == digits[10] else {
      return false
    }
    var day = digits[0] * 10 + digits[1]
    var month = digits[2] * 10 + digits[3]
    // D-numbers (people without a residence permit) add 40 to the day; numbers of hospitals and of synthetic test populations add
    // 40, 65 or 80 to the month.
    if day > 40 { day -= 40 }
    for offset in [80, 65, 40] where month > offset {
      month -= offset
      break
    }
    let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...12).contains(month) && (1...lengths[month - 1]).contains(day)
  }
}
