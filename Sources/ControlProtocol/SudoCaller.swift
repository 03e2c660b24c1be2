// Who called sudo. The kernel says that root calls; only the caller's environment knows on whose behalf. So it is a claim: it is kept
// beside what the kernel said, and nothing is decided by it.

internal import Readings

/// The user behind sudo, as the caller says.
package struct SudoCaller: Sendable, Hashable {
  /// The user's name; nil when it is none that can be kept.
  package let name: String?
  /// The user's number.
  package let uid: UInt32?

  /// Nil when neither is there. A name that is no reference by our rule, such as one with a domain, is told by its number alone.
  package init?(name: String?, uid: UInt32?) {
    self.name = name.flatMap {
      Reference.isValid($0) && !PatientReference.isNationalIdentityNumber($0) ? $0 : nil
    }
    self.uid = uid
    if self.name == nil, uid == nil { return nil }
  }

  /// For the audit: `sudo:kari uid:1000, as claimed`. No word of it is the name alone, which may also be some patient's reference.
  package var text: String {
    let words = [name.map { "sudo:\($0)" } ?? "sudo", uid.map { "uid:\($0)" }].compactMap(\.self)
    return words.joined(separator: " ") + ", as claimed"
  }
}
