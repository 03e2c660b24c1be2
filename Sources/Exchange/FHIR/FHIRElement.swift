// The data types of FHIR R4 that Hearth's resources are made of (section 2.24). Decimals are written from mantissa and exponent: a
// FHIR decimal carries its precision, 2.0 is not 2.

internal import JSON
internal import Readings

enum FHIRElement {
  /// An object of the members that are there; an empty array or object never is.
  static func object(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
    var object = JSONObject()
    for (key, value) in members {
      switch value {
      case nil, .null: break
      case .array(let elements) where elements.isEmpty: break
      case .object(let inner) where inner.isEmpty: break
      default: object[key] = value
      }
    }
    return .object(object)
  }

  static func coding(_ system: String, _ code: String, _ display: String? = nil) -> JSONValue {
    object(["system": .string(system), "code": .string(code), "display": display.map { .string($0) }])
  }

  static func mdc(_ code: UInt32, _ display: String) -> JSONValue {
    coding(FHIRSystem.mdc, String(code), display)
  }

  /// A CodeableConcept.
  static func concept(_ codings: [JSONValue], text: String? = nil) -> JSONValue {
    object(["coding": .array(codings), "text": text.map { .string($0) }])
  }

  static func reference(_ address: String) -> JSONValue { ["reference": .string(address)] }

  /// A number as FHIR's JSON has it: plain, with every digit that the precision claims. Beyond 40 digits, which no device
  /// gives and a hostile one may, as a power of ten.
  static func decimal(_ value: ExactDecimal) -> JSONValue {
    let isShort = abs(Int(value.exponent)) <= 20
    let text = isShort ? value.description : "\(value.mantissa)e\(value.exponent)"
    return .number(JSONNumber(text: text) ?? JSONNumber(value.mantissa))
  }

  static func quantity(_ value: ExactDecimal, _ unit: UCUM) -> JSONValue {
    [
      "value": decimal(value), "unit": .string(unitText(unit)), "system": .string(FHIRSystem.ucum),
      "code": .string(unit.rawValue),
    ]
  }

  /// The unit for people.
  private static func unitText(_ unit: UCUM) -> String {
    switch unit {
    case .degreeCelsius: "C"
    case .degreeFahrenheit: "F"
    default: unit.rawValue
    }
  }

  static func absent(_ reason: AbsentReason) -> JSONValue {
    // The code system has no words for what is beyond a range or cannot be.
    let (code, display) =
      switch reason {
      case .notANumber: ("not-a-number", "Not a Number (NaN)")
      case .error, .implausible: ("error", "Error")
      case .positiveInfinity, .aboveRange: ("positive-infinity", "Positive Infinity (PINF)")
      case .negativeInfinity, .belowRange: ("negative-infinity", "Negative Infinity (NINF)")
      case .notPerformed: ("not-performed", "Not Performed")
      }
    return concept([coding(FHIRSystem.absent, code, display)])
  }

  /// An instant with its offset, as precise as it is.
  static func dateTime(_ time: Timestamp) -> JSONValue { .string(InstantText.text(time, withMilliseconds: nil)) }
}
