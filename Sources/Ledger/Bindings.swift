// Which patient belongs to which user slot of which device, as technicians said: the newest record of a slot.

package import JSON

internal import Readings

/// Slots and their patients.
package struct Bindings: Sendable, Hashable {
  /// One user slot of one device.
  package struct Slot: Hashable, Sendable {
    /// The hub's name of the device.
    package var device: String
    /// The device's own number of the user; nil: the whole device.
    package var user: UInt8?

    package var json: JSONObject {
      var object = JSONObject()
      object["device"] = .string(device)
      if let user { object["user"] = .int(user) }
      return object
    }

    package init(device: String, user: UInt8?) {
      self.device = device
      self.user = user
    }

    package init?(_ value: JSONValue) {
      guard let device = value["device"]?.string else { return nil }
      self.init(device: device, user: value["user"]?.int.flatMap(UInt8.init(exactly:)))
    }
  }
  package var slots: [Slot: String] = [:]
  /// Slots whose parked readings are on their way to the slot's patient, by the number of the record that said so.
  package var sweeps: [Slot: UInt64] = [:]

  /// A slot is given to a patient, or to nobody.
  package mutating func apply(_ binding: Binding, at sequence: UInt64) {
    slots[binding.slot] = binding.patient
    sweeps[binding.slot] = binding.sweeps && binding.patient != nil ? sequence : nil
  }

  /// Every parked reading of a slot has gone to the patient of that binding.
  package mutating func endSweep(_ slot: Slot, binding: UInt64) {
    if sweeps[slot] == binding { sweeps[slot] = nil }
  }

  /// A patient is erased: no slot is theirs.
  package mutating func forget(_ patient: String) {
    for (slot, owner) in slots where owner == patient {
      slots[slot] = nil
      sweeps[slot] = nil
    }
  }

  /// No bindings.
  package init() {}

  package func patient(device: String, user: UInt8?) -> String? { slots[Slot(device: device, user: user)] }

  /// As snapshots have it.
  package var json: JSONValue {
    let list = slots.sorted { ($0.key.device, $0.key.user ?? 0) < ($1.key.device, $1.key.user ?? 0) }.map {
      slot, patient in
      var object = slot.json
      object["patient"] = .string(patient)
      if let number = sweeps[slot] { object["sweep"] = .int(number) }
      return JSONValue.object(object)
    }
    return ["version": 1, "slots": .array(list)]
  }

  /// From the octets of a snapshot's member, or of a state file of version 0.1. Throws when they are neither.
  package init(_ octets: [UInt8]) throws(JSONError) {
    let node = try JSONReader(maximumSize: 1 << 20).node(octets)
    let top = try node.object(known: ["version", "slots"])
    _ = try top.required("version", "1").int(in: 1...1)
    for item in try top.required("slots", "a list").array() {
      let slot = try item.object(known: ["device", "user", "patient", "sweep"])
      let user = try slot["user"]?.int(in: 0...255)
      let device = try slot.required("device", "a device").string()
      let place = Slot(device: device, user: user.map { UInt8($0) })
      slots[place] = try slot.required("patient", "a patient").string()
      if let number = slot["sweep"]?.value.unsigned { sweeps[place] = number }
    }
  }
}

/// A user slot of a device is given to a patient.
package struct Binding: Hashable, Sendable {
  package var slot: Bindings.Slot
  /// Whose it is from now on; nil: nobody's.
  package var patient: String?
  /// What is parked of it goes to the patient too.
  package var sweeps: Bool

  package init(slot: Bindings.Slot, patient: String?, sweeps: Bool) {
    self.slot = slot
    self.patient = patient
    self.sweeps = sweeps
  }
}
