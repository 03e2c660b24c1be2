// What was kept beside the journal over a restart: the hub's identifier and the file of keys, whole or not there.

import GatewayCore
import Glibc
import JSON
import Platform
import Ledger

/// What a state directory holds beside the journal.
struct KeptState {
  let hubID: String
  let keys: KeyFile
  /// What state files of version 0.1 held; nil when they are records.
  let imported: ImportedState?

  /// Reads a state directory.
  /// - Parameter state: what the journal knows.
  init(_ directory: String, hubID configured: String?, _ state: LedgerState) throws {
    hubID = try KeptState.hubID(directory, configured)
    let begun = StateMigration.begin(directory, state)
    imported = begun?.0
    let path = FilesThread.keys(directory)
    var file: KeyFile?
    do {
      file = try StateFile.read(path).map(KeyFile.init)
    } catch {
      let reason = (error as? JSONError)?.logged(file: path) ?? "\(error)"
      SystemLog.write(3, "state.unreadable: \(reason); devices have to be paired again")
      SetAside.move(path)
    }
    keys = file ?? begun?.1 ?? KeyFile()
  }

  /// Made once, from randomness, and kept: an EUI-64-like identifier that tells nothing about the machine.
  private static func hubID(_ state: String, _ configured: String?) throws -> String {
    if let configured { return configured }
    let path = "\(state)/hub-id"
    do {
      if let octets = try StateFile.read(path) {
        if octets.count == 20 { return String(decoding: octets, as: UTF8.self) }
        throw FileError("read", path, EINVAL)
      }
    } catch {
      SystemLog.write(3, "state.unreadable: \(error); the hub gets another identifier")
      SetAside.move(path)
    }
    let digits = Clocks.random(8).map { octet in
      let text = String(octet, radix: 16)
      return octet < 16 ? "0" + text : text
    }.joined()
    let id = "hub-\(digits)"
    try StateFile.write(Array(id.utf8), to: path)
    return id
  }
}
