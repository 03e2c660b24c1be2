// SFLOAT, FLOAT and reading ids.

import Readings
import Testing

struct MedicalFloatTests {
  /// By arithmetic instead of shifts: nibble and twelve bits, each minus its modulus from half on.
  private static func expected(_ word: Int) -> MedicalFloat {
    switch word {
    case 2047: return .notANumber
    case 2048: return .notAtThisResolution
    case 2046: return .positiveInfinity
    case 2050: return .negativeInfinity
    case 2049: return .reserved
    default:
      let mantissa = word % 4096
      let exponent = word / 4096
      return .value(
        ExactDecimal(
          Int64(mantissa < 2048 ? mantissa : mantissa - 4096), exponent: Int8(exponent < 8 ? exponent : exponent - 16)))
    }
  }

  @Test func everyWord() {
    let wrong = (0...65_535).filter { MedicalFloat(sfloat: UInt16($0)) != MedicalFloatTests.expected($0) }
    #expect(wrong.isEmpty)
  }

  @Test func specialsOfFloat() {
    #expect(MedicalFloat(float: 0x007F_FFFF) == .notANumber)
    #expect(MedicalFloat(float: 0x0080_0000) == .notAtThisResolution)
    #expect(MedicalFloat(float: 0x007F_FFFE) == .positiveInfinity)
    #expect(MedicalFloat(float: 0x0080_0002) == .negativeInfinity)
    #expect(MedicalFloat(float: 0x0080_0001) == .reserved)
    #expect(MedicalFloat(float: 0xFF00_016C).decimal?.description == "36.4")
    #expect(MedicalFloat(float: 0xFEFF_E9C3).decimal?.description == "-56.93")
    #expect(MedicalFloat(float: 0xFFFF_FFFF).decimal?.description == "-0.1")
    #expect(MedicalFloat(float: 0x8000_0001).decimal?.exponent == -128)
  }

  @Test func specialsAreAbsentForAReason() {
    #expect(MedicalFloat.notANumber.observed == .absent(.notANumber))
    #expect(MedicalFloat.reserved.observed == .absent(.error))
    #expect(MedicalFloat(sfloat: 0xFFFF).observed == .value(ExactDecimal(-1, exponent: -1)))
  }

  @Test func readingIDKeepsItsText() {
    let text = "00a1b2c3-0004-5678-9abc-00000000000f"
    #expect(ReadingID(text)?.description == text)
    #expect(ReadingID(text.uppercased())?.description == text)
    for bad in ["", "00a1b2c3", "00a1b2c3-0004-5678-9abc-00000000000g", "+0a1b2c3-0004-5678-9abc-00000000000f"] {
      #expect(ReadingID(bad) == nil)
    }
  }
}
