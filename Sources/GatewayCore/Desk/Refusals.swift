// What a request is refused with, and what decides it.

internal import ControlProtocol
internal import JSON
internal import Settings
internal import Ledger

extension Turn {
  /// Whose a device's readings are, is forgotten with the device: one that gets its name later is another one.
  func forgettingPatients(of device: String) -> [JournalEntry] {
    let slots = head.bindings.slots.keys.filter { $0.device == device }.sorted { ($0.user ?? 0) < ($1.user ?? 0) }
    let records = slots.map { JournalEntry.binding(Binding(slot: $0, patient: nil, sweeps: false)) }
    return records + (head.sessions.open[device] == nil ? [] : [.session(device: device, nil)])
  }

  /// Names that a new device may not get: those of others, and of devices that are gone but whose readings wait for a patient.
  var takenNames: [String] {
    house.configuration.devices.map(\.id) + house.devices.keys + Set(head.parked.values.map(\.device))
  }
}

extension [Effect] {
  /// A request is refused.
  static func failure(_ request: RequestID, _ code: String, _ message: String, _ hint: String) -> Self {
    [.answer(request, .failure(ControlError(code: code, message: message, hint: hint)))]
  }

  /// The fewest characters by which a reading may be named.
  private static let leastOfID = 6

  /// The beginning of a reading's identifier is enough when only one reading has it; one that is too short names none.
  static func tooShort(_ beginning: String, _ request: RequestID) -> Self? {
    guard beginning.utf8.count < leastOfID else { return nil }
    return failure(
      request, "bad-parameters", "reading: expected at least six characters of its id",
      "hearthctl readings and hearthctl parked show the ids")
  }

  /// There is no device of that name; perhaps another was meant.
  static func noDevice(_ request: RequestID, _ name: String, _ house: House) -> Self {
    let near = Suggestion.nearest(to: name, among: [String](house.devices.keys))
    return failure(
      request, "not-found", "there is no device \(name)", near.map { "did you mean \($0)?" } ?? "hearthctl devices")
  }
}
