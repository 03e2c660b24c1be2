// State files of version 0.1, as records: read once, at the first start of this version.

internal import GATT
internal import Settings

/// What the state files of version 0.1 held.
package struct ImportedState: Sendable {
  /// Whose the user slots of devices are.
  package var bindings = Bindings()
  /// The devices that technicians brought in.
  package var register = DeviceRegister()
  /// Whose measurements at public devices are.
  package var sessions = PublicSessions()
  /// Devices in whose sessions the daemon died.
  package var quarantine = Quarantine()
  /// Who set which patient's plan.
  package var origins = PlanOrigins()
  /// The files, each with the SHA-1 of its octets; those that could not be read too.
  package var files: [String: String] = [:]

  /// Nothing was there.
  package init() {}

  /// The records that say the same. A repeat changes nothing.
  package var records: [JournalEntry] {
    var records: [JournalEntry] = []
    for device in register.devices {
      var record = register.record(device.id)
      record.keys = 1
      records.append(.device(record))
      if let found = register.attributes[device.id] {
        records.append(.deviceFacts(device: device.id, attributes: found))
      }
    }
    for (id, serial) in register.serials.sorted(by: { $0.key < $1.key })
    where !register.devices.contains(where: { $0.id == id }) {
      records.append(.device(DeviceRecord(id: id, device: nil, serial: serial)))
    }
    for (slot, patient) in bindings.slots.sorted(by: {
      ($0.key.device, $0.key.user ?? 0) < ($1.key.device, $1.key.user ?? 0)
    }) {
      // Version 0.1 may have been ended before all that was parked had gone to its patient.
      records.append(.binding(Binding(slot: slot, patient: patient, sweeps: true)))
    }
    for (device, session) in sessions.open.sorted(by: { $0.key < $1.key }) {
      records.append(.session(device: device, session))
    }
    for (device, entry) in quarantine.devices.sorted(by: { $0.key < $1.key }) {
      records.append(.quarantine(device: device, entry))
    }
    for (patient, origin) in origins.plans.sorted(by: { $0.key < $1.key }) {
      records.append(.plan(patient: patient, origin))
    }
    return records + [.imported(files)]
  }
}
