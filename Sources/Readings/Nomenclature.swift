// What is measured: IEEE 11073-10101 codes, their reference ids, LOINC pairs and canonical units, in the order in which a
// reading lists them. Body composition terms beyond the HL7 PHD guide follow the codes of its author's own gateway.

/// One measurable quantity.
package struct Term: Sendable, Hashable {
  /// The MDC reference id, such as `MDC_PRESS_BLD_NONINV_SYS`.
  package let code: String
  /// The 32-bit MDC code: partition × 65536 + term.
  package let mdc: UInt32
  /// The LOINC code, where there is one.
  package let loinc: String?
  /// The unit in which Hearth delivers it.
  package let unit: UCUM
  /// The short name in tables and plans, such as `systolic`.
  package let name: String

  /// A row of the table; only `Nomenclature` makes them.
  init(_ code: String, _ mdc: UInt32, _ loinc: String?, _ unit: UCUM, _ name: String) {
    self.code = code
    self.mdc = mdc
    self.loinc = loinc
    self.unit = unit
    self.name = name
  }

  /// Two terms are the same when their MDC codes are.
  package static func == (left: Term, right: Term) -> Bool { left.mdc == right.mdc }
  /// Hashes the MDC code.
  package func hash(into hasher: inout Hasher) { hasher.combine(mdc) }
}

extension Term {
  /// Systolic pressure.
  package static let systolic = Term("MDC_PRESS_BLD_NONINV_SYS", 150021, "8480-6", .millimetreOfMercury, "systolic")
  /// Diastolic pressure.
  package static let diastolic = Term("MDC_PRESS_BLD_NONINV_DIA", 150022, "8462-4", .millimetreOfMercury, "diastolic")
  /// Mean arterial pressure.
  package static let meanArterial = Term("MDC_PRESS_BLD_NONINV_MEAN", 150023, "8478-0", .millimetreOfMercury, "mean")
  /// Pulse rate as a cuff counts it.
  package static let cuffPulse = Term("MDC_PULS_RATE_NON_INV", 149546, "8867-4", .perMinute, "pulse")
  /// Oxygen saturation.
  package static let spo2 = Term("MDC_PULS_OXIM_SAT_O2", 150456, "2708-6", .percent, "spo2")
  /// Pulse rate as an oximeter counts it.
  package static let oximeterPulse = Term("MDC_PULS_OXIM_PULS_RATE", 149530, "8867-4", .perMinute, "pulse")
  /// Perfusion (pulse amplitude) index.
  package static let perfusionIndex = Term("MDC_PULS_OXIM_PERF_REL", 150448, "61006-3", .percent, "perfusion")
  /// Body weight.
  package static let weight = Term("MDC_MASS_BODY_ACTUAL", 188736, "29463-7", .kilogram, "weight")
  /// Body height.
  package static let height = Term("MDC_LEN_BODY_ACTUAL", 188740, "8302-2", .centimetre, "height")
  package static let bodyMassIndex = Term(
    "MDC_RATIO_MASS_BODY_LEN_SQ", 188752, "39156-5", .kilogramPerSquareMetre, "bmi")
  /// Body fat percentage.
  package static let bodyFat = Term("MDC_BODY_FAT", 188748, "41982-0", .percent, "body-fat")
  package static let fatFreeMass = Term("MDC_MASS_BODY_FAT_FREE", 188756, nil, .kilogram, "fat-free-mass")
  package static let softLeanMass = Term("MDC_MASS_BODY_SOFT_LEAN", 188760, nil, .kilogram, "soft-lean-mass")
  /// Body water mass.
  package static let bodyWater = Term("MDC_BODY_WATER", 188764, nil, .kilogram, "body-water")
  package static let basalMetabolism = Term("MDC_BASAL_METABOLISM", 188768, nil, .kilojoule, "basal-metabolism")
  package static let musclePercentage = Term("MDC_BODY_MUSCLE", 188772, nil, .percent, "muscle")
  package static let muscleMass = Term("MDC_MASS_BODY_MUSCLE", 188776, nil, .kilogram, "muscle-mass")
  /// Electrical impedance of the body.
  package static let impedance = Term("MDC_BODY_ELECTRICAL_IMPEDANCE", 188780, nil, .ohm, "impedance")
  /// Body temperature, site not told.
  package static let temperature = Term("MDC_TEMP_BODY", 150364, "8310-5", .degreeCelsius, "temperature")
  package static let oralTemperature = Term("MDC_TEMP_ORAL", 188424, "8331-1", .degreeCelsius, "temperature")
  package static let rectalTemperature = Term("MDC_TEMP_RECT", 188420, "8332-9", .degreeCelsius, "temperature")
  package static let earTemperature = Term("MDC_TEMP_EAR", 188428, "8310-5", .degreeCelsius, "temperature")
  package static let tympanicTemperature = Term("MDC_TEMP_TYMP", 150392, "8333-7", .degreeCelsius, "temperature")
  package static let axillaryTemperature = Term("MDC_TEMP_AXILLA", 188452, "8328-7", .degreeCelsius, "temperature")
  package static let fingerTemperature = Term("MDC_TEMP_FINGER", 188432, "8310-5", .degreeCelsius, "temperature")
  package static let toeTemperature = Term("MDC_TEMP_TOE", 188448, "8310-5", .degreeCelsius, "temperature")
  /// Gastro-intestinal temperature.
  package static let gastrointestinalTemperature = Term("MDC_TEMP_GIT", 188456, "8310-5", .degreeCelsius, "temperature")
  /// Glucose, capillary whole blood.
  package static let glucoseCapillaryWholeBlood =
    Term("MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD", 160184, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, capillary plasma.
  package static let glucoseCapillaryPlasma =
    Term("MDC_CONC_GLU_CAPILLARY_PLASMA", 160188, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, venous whole blood.
  package static let glucoseVenousWholeBlood =
    Term("MDC_CONC_GLU_VENOUS_WHOLEBLOOD", 160192, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, venous plasma.
  package static let glucoseVenousPlasma =
    Term("MDC_CONC_GLU_VENOUS_PLASMA", 160196, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, arterial whole blood.
  package static let glucoseArterialWholeBlood =
    Term("MDC_CONC_GLU_ARTERIAL_WHOLEBLOOD", 160200, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, arterial plasma.
  package static let glucoseArterialPlasma =
    Term("MDC_CONC_GLU_ARTERIAL_PLASMA", 160204, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, undetermined whole blood.
  package static let glucoseUndeterminedWholeBlood =
    Term("MDC_CONC_GLU_UNDETERMINED_WHOLEBLOOD", 160364, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, undetermined plasma.
  package static let glucoseUndeterminedPlasma =
    Term("MDC_CONC_GLU_UNDETERMINED_PLASMA", 160368, "15074-8", .millimolePerLitre, "glucose")
  /// Glucose, interstitial fluid.
  package static let glucoseInterstitial = Term("MDC_CONC_GLU_ISF", 160212, "15074-8", .millimolePerLitre, "glucose")
  /// Heart rate from a chest strap or similar sensor.
  package static let heartRate = Term("MDC_ECG_HEART_RATE", 147842, "8867-4", .perMinute, "heart-rate")
}

/// Every term that a reading may carry, in the order in which it lists them.
package enum Nomenclature {
  /// The table.
  package static let terms: [Term] = [
    .systolic, .diastolic, .meanArterial, .cuffPulse, .spo2, .oximeterPulse, .perfusionIndex, .weight, .height,
    .bodyMassIndex, .bodyFat, .fatFreeMass, .softLeanMass, .bodyWater, .basalMetabolism, .musclePercentage, .muscleMass,
    .impedance, .temperature, .oralTemperature, .rectalTemperature, .earTemperature, .tympanicTemperature,
    .axillaryTemperature, .fingerTemperature, .toeTemperature, .gastrointestinalTemperature,
    .glucoseCapillaryWholeBlood, .glucoseCapillaryPlasma, .glucoseVenousWholeBlood, .glucoseVenousPlasma,
    .glucoseArterialWholeBlood, .glucoseArterialPlasma, .glucoseUndeterminedWholeBlood, .glucoseUndeterminedPlasma,
    .glucoseInterstitial, .heartRate,
  ]

  private static let byMDC = Dictionary(
    terms.enumerated().map { ($1.mdc, $0) }, uniquingKeysWith: { first, _ in first })
  private static let byCode = Dictionary(terms.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })

  /// The term of an MDC code.
  package static func term(mdc: UInt32) -> Term? { byMDC[mdc].map { terms[$0] } }
  /// The term of a reference id.
  package static func term(code: String) -> Term? { byCode[code] }
  /// The place in the table; terms outside it come last.
  package static func order(of term: Term) -> Int { byMDC[term.mdc] ?? terms.count }
}
