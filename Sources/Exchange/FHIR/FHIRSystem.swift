// The code systems and structure definitions that Hearth's resources name (FHIR R4 4.0.1; HL7 PHD Implementation Guide 2.0.0).

/// Addresses of code systems, identifier systems and profiles.
enum FHIRSystem {
  static let mdc = "urn:iso:std:iso:11073:10101"
  static let loinc = "http://loinc.org"
  static let snomed = "http://snomed.info/sct"
  /// Norwegian laboratory codes, as the VKP profiles name the system of NPU codes.
  static let npu = "urn:oid:2.16.578.1.12.4.1.1.7280"
  static let ucum = "http://unitsofmeasure.org"
  static let bits = "http://terminology.hl7.org/CodeSystem/ASN1ToHL7"
  static let yesNo = "http://terminology.hl7.org/CodeSystem/v2-0136"
  static let absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
  static let category = "http://terminology.hl7.org/CodeSystem/observation-category"
  static let phdCategory = "http://hl7.org/fhir/uv/phd/CodeSystem/PhdObservationCategories"
  static let interpretation = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
  static let measurementStatus = "http://hl7.org/fhir/uv/pocd/CodeSystem/measurement-status"
  static let actReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
  static let identifierType = "http://terminology.hl7.org/CodeSystem/v2-0203"
  static let deviceIdentifiers = "http://terminology.hl7.org/CodeSystem/ContinuaDeviceIdentifiers"

  /// EUI-64.
  static let systemID = "urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680"
  /// EUI-48 of a Bluetooth device.
  static let bluetooth = "http://hl7.org/fhir/sid/eui-48/bluetooth"
  /// The value is a URI of its own, such as `urn:uuid:…`.
  static let uri = "urn:ietf:rfc:3986"
  /// The guide's identifier for conditional creation.
  static let guideKey = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation"

  static let gatewayDevice = "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice"
  static let coincident = "http://hl7.org/fhir/uv/phd/StructureDefinition/CoincidentTimeStampReference"
  static let absentExtension = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

  /// The address of a profile of the guide.
  static func profile(_ name: String) -> String { "http://hl7.org/fhir/uv/phd/StructureDefinition/\(name)" }
}
