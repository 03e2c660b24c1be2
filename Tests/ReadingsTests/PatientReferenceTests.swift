// What may be a patient's reference. The numbers are made by arithmetic, of people who would have been born in 1855.

import Readings
import Testing

struct PatientReferenceTests {
  @Test(arguments: ["p-7f3a", "P_1.x", "1", String(repeating: "a", count: 64), "4711"])
  func pseudonymsAreTaken(text: String) { #expect(PatientReference.fault(in: text) == nil) }

  /// Tables have "-" where there is nobody.
  @Test(arguments: ["-", "_", "-_-", "-."])
  func aReferenceWithoutLetterAndDigitNamesNobody(text: String) {
    #expect(PatientReference.fault(in: text) == .nameless)
  }

  @Test(arguments: ["", ".", "..", ".p", "p 1", "p/1", "p\n", "æ", "p:1", String(repeating: "a", count: 65)])
  func whatIsNoNameIsRefused(text: String) { #expect(PatientReference.fault(in: text) == .malformed) }

  @Test(arguments: [
    "31125550110",
    // A D-number: the day plus 40.
    "71125550023",
    // Numbers of hospitals and test populations: the month plus 40, 65, 80; and with a D-number.
    "31525550012", "31775550069", "31925550186", "71925550099",
    // The year of birth is not told by two digits: it may be a leap year.
    "29025550003",
    // As people write it, and with something around it.
    "311255-50110", "311255.50110", "31_12_55_50110", "p-31125550110", "31125550110x",
  ]) func nationalIdentityNumbersAreRefused(text: String) {
    #expect(PatientReference.fault(in: text) == .nationalIdentityNumber)
  }

  @Test(arguments: [
    // The check digits are right, the date is none: day 32, month 13, 30 February, day 0, month 0, and so behind the offsets.
    "32125550079", "31135550100", "30025550052", "00125550088", "31005550001", "72925550028", "31935550095",
    "31795550049", "31535550002",
    // Ten digits, twelve digits.
    "3112555011", "311255501100", "131125550110", "2024-31125550110",
  ]) func whatIsNoDateOrNotElevenDigitsIsTaken(text: String) { #expect(PatientReference.fault(in: text) == nil) }

  @Test func everyWrongDigitIsSeen() {
    let number = Array("31125550110".utf8)
    for place in number.indices {
      for digit in UInt8(0x30)...0x39 where digit != number[place] {
        var other = number
        other[place] = digit
        // Modulo 11 finds every single wrong digit.
        #expect(PatientReference.fault(in: String(decoding: other, as: UTF8.self)) == nil)
      }
    }
  }

  /// Eleven digits that are somebody's own numbering are seldom taken for a national number: their date must be one, and two check
  /// digits right.
  @Test func otherNumbersAreSeldomRefused() {
    var refused = 0
    var number = 12_345_678_901
    for _ in 0..<20_000 {
      number = (number &* 6_364_136_223 &+ 1_442_695_041) % 100_000_000_000
      let digits = "\(abs(number))"
      let text = String(repeating: "0", count: 11 - digits.utf8.count) + digits
      if PatientReference.fault(in: text) != nil { refused += 1 }
    }
    #expect(refused < 60)
  }

  /// A refused reference must not end in a log by way of its message.
  @Test func messagesDoNotRepeatTheReference() {
    for fault in [PatientReference.Fault.malformed, .nationalIdentityNumber] {
      #expect(!fault.message.isEmpty && !fault.hint.isEmpty && !fault.code.isEmpty)
    }
    #expect(PatientReference.Fault.nationalIdentityNumber.code == "patient.national-id")
  }
}
