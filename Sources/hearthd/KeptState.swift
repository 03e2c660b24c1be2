// What was kept beside the journal over a restart: one small file each in the state directory, whole or not there.

import GatewayCore
import JSON
import Platform

/// The state files as they were found.
struct KeptState {
  let hubID: String
  let bindings: Bindings
  let register: DeviceRegister
  let bonds: Bonds
  let sessions: PublicSessions
  let quarantine: Quarantine
  let origins: PlanOrigins

  /// Reads a state directory; a file that is not there is empty, one that cannot be understood is an error that names it.
  init(_ directory: String, hubID configured: String?) throws {
    func read<State>(_ name: StateFileName, _ decode: ([UInt8]) throws(JSONError) -> State) throws -> State? {
      let path = "\(directory)/\(name.rawValue)"
      guard let octets = try StateFile.read(path) else { return nil }
      do throws(JSONError) {
        return try decode(octets)
      } catch {
        throw StartError(message: error.description(file: path))
      }
    }
    hubID = try KeptState.hubID(directory, configured)
    bindings = try read(.bindings, Bindings.init) ?? Bindings()
    register = try read(.devices, DeviceRegister.init) ?? DeviceRegister()
    sessions = try read(.sessions, PublicSessions.init) ?? PublicSessions()
    bonds = try read(.bonds, Bonds.init) ?? Bonds()
    quarantine = try read(.quarantine, Quarantine.init) ?? Quarantine()
    origins = try read(.planOrigins, PlanOrigins.init) ?? PlanOrigins()
  }

  /// Made once, from randomness, and kept: an EUI-64-like identifier that tells nothing about the machine.
  private static func hubID(_ state: String, _ configured: String?) throws -> String {
    if let configured { return configured }
    let path = "\(state)/hub-id"
    if let octets = try StateFile.read(path), octets.count == 20 { return String(decoding: octets, as: UTF8.self) }
    let digits = Clocks.random(8).map { octet in
      let text = String(octet, radix: 16)
      return octet < 16 ? "0" + text : text
    }.joined()
    let id = "hub-\(digits)"
    try StateFile.write(Array(id.utf8), to: path)
    return id
  }
}
