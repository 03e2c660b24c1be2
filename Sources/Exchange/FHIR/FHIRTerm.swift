// What FHIR and its national profiles say of each term: whether it is a vital sign of R4, its codes beside MDC, and which of a
// device's units may stand. The table of LOINC, SNOMED CT and NPU codes: HL7 PHD guide, VKP profiles (HL7 Norway).

internal import JSON
internal import Readings

extension Term {
  /// R4's vital signs profile covers it, under the LOINC code that the profile demands.
  var isVitalSign: Bool {
    switch self {
    case .systolic, .diastolic, .meanArterial, .cuffPulse, .spo2, .oximeterPulse, .weight, .height, .bodyMassIndex,
      .heartRate:
      true
    default: name == "temperature"
    }
  }

  /// A component of the blood pressure and no observation of its own.
  var isPressure: Bool { self == .systolic || self == .diastolic || self == .meanArterial }

  /// For people.
  var fhirText: String? {
    switch self {
    case .systolic: "Systolic blood pressure"
    case .diastolic: "Diastolic blood pressure"
    case .meanArterial: "Mean blood pressure"
    case .cuffPulse, .oximeterPulse: "Pulse rate"
    case .heartRate: "Heart rate"
    case .spo2: "Oxygen saturation"
    case .weight: "Body weight"
    case .height: "Body height"
    case .bodyMassIndex: "Body mass index"
    case .bodyFat: "Body fat"
    default: name == "temperature" ? "Body temperature" : name == "glucose" ? "Glucose measurement" : nil
    }
  }

  /// LOINC codes for a value in `unit`, the one that a profile demands first.
  func loincCodes(unit: UCUM, isExtended: Bool) -> [String] {
    switch self {
    case .meanArterial where !isExtended: return []
    case .spo2 where isExtended: return ["2708-6", "59408-5"]
    case _ where name == "glucose": return [unit == .milligramPerDecilitre ? "2339-0" : "15074-8"]
    case _ where name == "temperature":
      return ["8310-5"] + [loinc].compactMap { $0 }.filter { $0 != "8310-5" }
    default: return [loinc].compactMap { $0 }
    }
  }

  /// SNOMED CT, and its display.
  var snomed: (code: String, display: String)? {
    switch self {
    case .systolic: ("271649006", "Systolic blood pressure (observable entity)")
    case .diastolic: ("271650006", "Diastolic blood pressure (observable entity)")
    case .cuffPulse, .oximeterPulse, .heartRate: ("364075005", "Heart rate (observable entity)")
    case .spo2: ("431314004", "Peripheral oxygen saturation (observable entity)")
    case .weight: ("27113001", "Body weight (observable entity)")
    default:
      name == "glucose"
        ? ("434912009", "Blood glucose concentration (observable entity)")
        : name == "temperature" ? ("276885007", "Core body temperature (observable entity)") : nil
    }
  }

  /// Nomenclature for Properties and Units, and its display. B—Glucose is of whole blood.
  var npu: (code: String, display: String)? {
    switch self {
    case .glucoseCapillaryWholeBlood, .glucoseVenousWholeBlood, .glucoseArterialWholeBlood,
      .glucoseUndeterminedWholeBlood:
      ("NPU02187", "B\u{2014}Glucose")
    default: nil
    }
  }
}

extension LOINCDisplay {
  static let table = [
    "85354-9": "Blood pressure panel with all children optional", "8480-6": "Systolic blood pressure",
    "8462-4": "Diastolic blood pressure", "8478-0": "Mean blood pressure", "8867-4": "Heart rate",
    "2708-6": "Oxygen saturation in Arterial blood",
    "59408-5": "Oxygen saturation in Arterial blood by Pulse oximetry", "29463-7": "Body weight",
    "8302-2": "Body height", "39156-5": "Body mass index (BMI) [Ratio]", "8310-5": "Body temperature",
    "15074-8": "Glucose [Moles/volume] in Blood", "2339-0": "Glucose [Mass/volume] in Blood",
  ]
}

/// The names of LOINC codes that a resource shows.
enum LOINCDisplay {
  static func coding(_ code: String) -> JSONValue { FHIRElement.coding(FHIRSystem.loinc, code, table[code]) }
}

extension Observation {
  /// The number and unit to be sent. `asReported`: in the device's own unit, where R4 and UCUM have it.
  func quantity(asReported: Bool) -> (value: ExactDecimal, unit: UCUM)? {
    guard let value = value.decimal else { return nil }
    guard asReported, let reported else { return (value, term.unit) }
    switch reported.unit {
    case .pound, .degreeFahrenheit, .milligramPerDecilitre, .gram, .inch, .kilocalorie:
      return (reported.value, reported.unit)
    default: return (value, term.unit)
    }
  }
}
