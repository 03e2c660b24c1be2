// The nomenclature against a table of IEEE 11073-10101 codes as the HL7 PHD guide and the Danish core profiles print them.

import Readings
import Testing

struct NomenclatureTests {
  /// code32,reference id: measurements and units.
  private static let fixture = """
    150020,MDC_PRESS_BLD_NONINV
    150021,MDC_PRESS_BLD_NONINV_SYS
    150022,MDC_PRESS_BLD_NONINV_DIA
    150023,MDC_PRESS_BLD_NONINV_MEAN
    149546,MDC_PULS_RATE_NON_INV
    150456,MDC_PULS_OXIM_SAT_O2
    149530,MDC_PULS_OXIM_PULS_RATE
    150448,MDC_PULS_OXIM_PERF_REL
    150320,MDC_SAT_O2_QUAL
    188736,MDC_MASS_BODY_ACTUAL
    188740,MDC_LEN_BODY_ACTUAL
    188748,MDC_BODY_FAT
    188752,MDC_RATIO_MASS_BODY_LEN_SQ
    150364,MDC_TEMP_BODY
    150392,MDC_TEMP_TYMP
    188420,MDC_TEMP_RECT
    188424,MDC_TEMP_ORAL
    188428,MDC_TEMP_EAR
    188432,MDC_TEMP_FINGER
    188448,MDC_TEMP_TOE
    188452,MDC_TEMP_AXILLA
    188456,MDC_TEMP_GIT
    160020,MDC_CONC_GLU_GEN
    160184,MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD
    160188,MDC_CONC_GLU_CAPILLARY_PLASMA
    160192,MDC_CONC_GLU_VENOUS_WHOLEBLOOD
    160196,MDC_CONC_GLU_VENOUS_PLASMA
    160200,MDC_CONC_GLU_ARTERIAL_WHOLEBLOOD
    160204,MDC_CONC_GLU_ARTERIAL_PLASMA
    160208,MDC_CONC_GLU_CONTROL
    160212,MDC_CONC_GLU_ISF
    160364,MDC_CONC_GLU_UNDETERMINED_WHOLEBLOOD
    160368,MDC_CONC_GLU_UNDETERMINED_PLASMA
    67996,MDC_ATTR_VAL_BATT_CHARGE
    266016,MDC_DIM_MMHG
    265987,MDC_DIM_KILO_PASCAL
    262688,MDC_DIM_PERCENT
    264864,MDC_DIM_BEAT_PER_MIN
    263875,MDC_DIM_KILO_G
    263872,MDC_DIM_G
    263904,MDC_DIM_LB
    268192,MDC_DIM_DEGC
    266560,MDC_DIM_FAHR
    266866,MDC_DIM_MILLI_MOLE_PER_L
    264274,MDC_DIM_MILLI_G_PER_DL
    263441,MDC_DIM_CENTI_M
    263520,MDC_DIM_INCH
    """

  private static let codes: [String: UInt32] = Dictionary(
    uniqueKeysWithValues: fixture.split(separator: "\n").compactMap { line in
      let columns = line.split(separator: ",")
      return columns.count == 2 ? UInt32(columns[0]).map { (String(columns[1]), $0) } : nil
    })

  @Test func codesAgreeWithTheTable() {
    var compared = 0
    for term in Nomenclature.terms {
      guard let code = NomenclatureTests.codes[term.code] else { continue }
      #expect(term.mdc == code, "\(term.code)")
      compared += 1
    }
    #expect(compared >= 27)
  }

  @Test func noCodeOfTheTableHasAnotherName() {
    for (name, code) in NomenclatureTests.codes {
      guard let term = Nomenclature.term(mdc: code) else { continue }
      #expect(term.code == name)
    }
  }

  @Test func unitCodesAgreeWithTheTable() {
    let units: [(UCUM, String)] = [
      (.millimetreOfMercury, "MDC_DIM_MMHG"), (.kilopascal, "MDC_DIM_KILO_PASCAL"), (.percent, "MDC_DIM_PERCENT"),
      (.perMinute, "MDC_DIM_BEAT_PER_MIN"), (.kilogram, "MDC_DIM_KILO_G"), (.gram, "MDC_DIM_G"),
      (.pound, "MDC_DIM_LB"), (.degreeCelsius, "MDC_DIM_DEGC"), (.degreeFahrenheit, "MDC_DIM_FAHR"),
      (.millimolePerLitre, "MDC_DIM_MILLI_MOLE_PER_L"), (.milligramPerDecilitre, "MDC_DIM_MILLI_G_PER_DL"),
      (.centimetre, "MDC_DIM_CENTI_M"), (.inch, "MDC_DIM_INCH"),
    ]
    for (unit, name) in units {
      #expect(unit.mdc != nil && unit.mdc == NomenclatureTests.codes[name], "\(name)")
    }
  }

  @Test func everyTermIsFoundByBothCodesAndInOrder() {
    for (place, term) in Nomenclature.terms.enumerated() {
      #expect(Nomenclature.term(mdc: term.mdc)?.code == term.code)
      #expect(Nomenclature.term(code: term.code)?.mdc == term.mdc)
      #expect(Nomenclature.order(of: term) == place)
      #expect(term.unit.canonical == term.unit)
    }
  }
}
