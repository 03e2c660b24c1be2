// Who may do what. Callers are known by the kernel's word (SO_PEERCRED), never by their own.

/// What a caller may do; each role may do what the ones before it may.
package enum Role: Int, Sendable, Hashable, Comparable {
  case nobody
  /// Members of the reader group: see readings and states.
  case reader
  /// Members of the technician group: pair, assign, acknowledge, configure.
  case technician
  /// root and the daemon's own user.
  case owner

  /// By rank.
  package static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }

  /// The role of a caller.
  package static func of(
    uid: UInt32, groups: Set<UInt32>, ownUID: UInt32, technicianGroup: UInt32?, readerGroup: UInt32?
  ) -> Role {
    if uid == 0 || uid == ownUID { return .owner }
    if let technicianGroup, groups.contains(technicianGroup) { return .technician }
    if let readerGroup, groups.contains(readerGroup) { return .reader }
    return .nobody
  }
}
