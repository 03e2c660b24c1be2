// Patients' references in files. A national identity number is refused where a file is checked, read again or comes in. A start goes on
// with one that is in force; the gateway tells of it, without the number and without the file's name, which may be the number.

internal import JSON
internal import Readings

enum PatientRule {
  /// Holds the devices of a configuration to the rule.
  static func check(configuration node: JSONNode, _ faults: inout FoundFaults) throws(JSONError) {
    for patient in references(node) {
      do throws(JSONError) { try check(patient) } catch { try faults.take(error) }
    }
  }

  /// Refuses references without a letter and a digit: an earlier version took them, and `-` is how people are shown that there is nobody.
  static func nameless(configuration node: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    for patient in references(node) { try nameless(patient, &newer) }
  }

  /// The same of a plan's patient.
  static func nameless(plan node: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    if let patient = try JSONMembers(node)["patient"] { try nameless(patient, &newer) }
  }

  private static func nameless(_ node: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    guard case .string(let text) = node.content, !text.isEmpty, PatientReference.isNameless(text) else { return }
    let fault = PatientReference.Fault.nameless
    try newer.refuse(node, "\(fault.message), found \"\(text)\"; \(fault.hint)", code: "patient.nameless")
  }

  /// Where the devices of a configuration name patients.
  static func references(_ node: JSONNode) -> [JSONNode] {
    ((try? JSONMembers(node)["devices"]?.array()) ?? []).flatMap { device -> [JSONNode] in
      guard let members = try? JSONMembers(device) else { return [] }
      return [members["patient"]].compactMap(\.self)
        + ((try? members["users"]?.objectOfAnyKeys()) ?? []).map(\.value)
    }
  }

  /// Holds a plan to the rule.
  static func check(plan node: JSONNode, _ newer: NewerRules) throws(JSONError) {
    guard newer.holds, let patient = try JSONMembers(node)["patient"] else { return }
    try check(patient)
  }

  private static func check(_ node: JSONNode) throws(JSONError) {
    guard case .string(let text) = node.content, PatientReference.isNationalIdentityNumber(text) else { return }
    let fault = PatientReference.Fault.nationalIdentityNumber
    throw node.error(fault.code, "\(fault.message); \(fault.hint)")
  }
}
