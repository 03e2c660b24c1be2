// Patients' references in files. A national identity number is refused where a file is checked, read again or comes in. A start goes on
// with one that is in force; the gateway tells of it, without the number and without the file's name, which may be the number.

internal import JSON
internal import Readings

enum PatientRule {
  /// Holds the devices of a configuration to the rule.
  static func check(configuration node: JSONNode, _ newer: NewerRules) throws(JSONError) {
    guard newer.holds else { return }
    for device in try JSONMembers(node)["devices"]?.array() ?? [] {
      let members = try JSONMembers(device)
      for patient in try [members["patient"]].compactMap(\.self)
        + (members["users"]?.objectOfAnyKeys() ?? []).map(\.value)
      {
        try check(patient)
      }
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
