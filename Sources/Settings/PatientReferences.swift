// Where a configuration names patients.

package import JSON

/// References of patients in a configuration's file.
package enum PatientReferences {
  /// The values of `patient` and `users` of all devices, in the order of the file; whatever else is wrong with a device.
  package static func nodes(_ top: JSONNode) -> [JSONNode] { PatientRule.references(top) }
}
