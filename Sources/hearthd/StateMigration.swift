// State files of version 0.1 become records. A tombstone comes first, so that version 0.1, put back on top of the new state, stops
// at once and touches nothing. Each start finishes what an earlier one left undone.

import GatewayCore
import Glibc
import JSON
import Octets
import Platform
import Ledger

enum StateMigration {
  /// The files of version 0.1 that are records now, and the one of keys.
  private static let names = [
    "bindings.json", "devices.json", "sessions.json", "quarantine.json", "bonds.json", "plan-origins.json",
  ]
  /// What version 0.1 finds in the place of its bindings: it stops with "found 2".
  private static let tombstone = Array(#"{"version":2}"#.utf8)

  /// What the old files hold, and the first file of keys; nil when they are records already.
  static func begin(_ directory: String, _ state: LedgerState) -> (ImportedState, KeyFile)? {
    guard state.imported == nil else {
      finish(directory)
      if isStale(directory, state) { shred(directory) }
      return nil
    }
    do throws(FileError) {
      try keepAside(directory)
      try StateFile.write(tombstone, to: "\(directory)/bindings.json")
    } catch {
      // A full disk takes no records either; the next start tries again.
      SystemLog.write(
        3,
        "state.not-imported: files of version 0.1 could not be kept aside: \(error); it is tried again at the next start"
      )
    }
    var found = ImportedState()
    found.bindings = read(directory, "bindings.json", &found, Bindings.init) ?? Bindings()
    found.register = read(directory, "devices.json", &found, DeviceRegister.init) ?? DeviceRegister()
    found.sessions = read(directory, "sessions.json", &found, PublicSessions.init) ?? PublicSessions()
    found.quarantine = read(directory, "quarantine.json", &found, Quarantine.init) ?? Quarantine()
    found.origins = read(directory, "plan-origins.json", &found, PlanOrigins.init) ?? PlanOrigins()
    let bonds = read(directory, "bonds.json", &found, Bonds.init) ?? Bonds()
    return (found, KeyFile(bonds: bonds, register: found.register))
  }

  /// The records are on disk: the old names go. The tombstone stays.
  static func finish(_ directory: String) {
    for name in names where name != "bindings.json" { unlink("\(directory)/\(name)") }
    try? Directory.sync(directory)
  }

  /// What was kept aside is overwritten and goes: something in it was erased or unpaired.
  static func shred(_ directory: String) {
    // A file that has its old name too would not be overwritten.
    finish(directory)
    for name in names {
      let path = "\(directory)/\(name).imported"
      guard access(path, F_OK) == 0 else { continue }
      do throws(FileError) { try Shredder.remove(path) } catch {
        SystemLog.write(4, "state.not-removed: an old file could not be removed: \(error); remove it by hand")
      }
    }
    try? Directory.sync(directory)
  }

  private static func keepAside(_ directory: String) throws(FileError) {
    for name in names {
      let path = "\(directory)/\(name)"
      guard let octets = try StateFile.read(path), octets != tombstone else { continue }
      guard link(path, "\(path).imported") == 0 || errno == EEXIST else { throw FileError("link", path, errno) }
    }
    try Directory.sync(directory)
  }

  private static func read<State>(
    _ directory: String, _ name: String, _ found: inout ImportedState,
    _ decode: ([UInt8]) throws(JSONError) -> State
  ) -> State? {
    for path in ["\(directory)/\(name).imported", "\(directory)/\(name)"] {
      do {
        guard let octets = try StateFile.read(path), octets != tombstone else { continue }
        found.files[name] = Hex.encode(SHA1.digest(octets))
        return try decode(octets)
      } catch {
        let reason = (error as? JSONError)?.logged(file: path) ?? "\(error)"
        SystemLog.write(3, "state.unreadable: \(reason); the daemon starts without it")
        SetAside.move(path, of: "\(directory)/\(name)")
        return nil
      }
    }
    return nil
  }

  /// A device that is unpaired meanwhile is in what was kept aside.
  private static func isStale(_ directory: String, _ state: LedgerState) -> Bool {
    guard let octets = try? StateFile.read("\(directory)/devices.json.imported"),
      let register = try? DeviceRegister(octets)
    else { return false }
    return !register.isWithin(state.register)
  }
}
