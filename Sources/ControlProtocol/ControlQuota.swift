// How much of the control socket each role may hold: whoever is trusted less never keeps out who is trusted more.

/// Connections and memory by role.
package enum ControlQuota {
  /// Connections of those without a role, all together.
  package static let strangers = 4
  /// Connections of readers, all together.
  package static let readers = 24
  /// Connections of one user who is a reader.
  package static let readersOfOneUser = 12
  /// Connections of technicians, all together.
  package static let technicians = 16
  /// Connections of root and the daemon's own user.
  package static let owners = 20

  /// A connection that is there.
  package struct Holder: Sendable, Hashable {
    /// What it may do.
    package var role: Role
    /// Whose it is.
    package var uid: UInt32
    /// A connection of a role and a user.
    package init(role: Role, uid: UInt32) {
      self.role = role
      self.uid = uid
    }
  }

  /// The most connections of a role, all together.
  package static func connections(of role: Role) -> Int {
    switch role {
    case .nobody: strangers
    case .reader: readers
    case .technician: technicians
    case .owner: owners
    }
  }

  /// Why a connection is not taken beside those that are there; nil when it is. Those of other roles count for nothing.
  package static func refusal(of new: Holder, beside others: some Sequence<Holder>) -> ControlError? {
    let same = others.filter { $0.role == new.role }
    let most = connections(of: new.role)
    guard same.count < most else { return busy("all \(most) connections for \(new.role.people) are taken") }
    if new.role == .reader, same.count(where: { $0.uid == new.uid }) >= readersOfOneUser {
      return busy("this user has \(readersOfOneUser) connections already")
    }
    return nil
  }

  private static func busy(_ message: String) -> ControlError {
    ControlError(code: "busy", message: message, hint: "close one of them, or try again in a moment")
  }

  /// How much of the memory for unsent lines is given to a role, out of `all`: while more than this waits, one of this role gets no
  /// more of it.
  package static func memory(of role: Role, outOf all: Int) -> Int {
    switch role {
    case .nobody: 0
    case .reader: all / 2
    case .technician: all / 4 * 3
    case .owner: all
    }
  }
}

extension Role {
  /// Its name in tables.
  package var name: String {
    switch self {
    case .nobody: "nobody"
    case .reader: "reader"
    case .technician: "technician"
    case .owner: "owner"
    }
  }

  /// Who they are, in the plural.
  package var people: String {
    switch self {
    case .nobody: "users without permission"
    case .reader: "readers"
    case .technician: "technicians"
    case .owner: "root and the daemon's own user"
    }
  }
}
