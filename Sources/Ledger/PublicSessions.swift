// Public devices (a waiting-room cuff, a shared scale): whose a measurement is, is said beforehand by whoever opens a session on
// the device. Records, so that a restart of the daemon in the middle of a visit loses nobody's reading.

package import JSON

internal import Readings

/// The open sessions.
package struct PublicSessions: Sendable, Hashable {
  /// One patient at one device.
  package struct Session: Sendable, Hashable {
    package var patient: String
    /// Milliseconds since 1970.
    package var startedAt: Int64
    package var endsAt: Int64
    /// The boot in which it began, and when it ends on that boot's monotonic clock: a wall clock that is set in between makes it
    /// neither longer nor shorter.
    package var bootID: String
    /// Milliseconds.
    package var deadline: Int64

    package init(patient: String, startedAt: Int64, endsAt: Int64, bootID: String, deadline: Int64) {
      self.patient = patient
      self.startedAt = startedAt
      self.endsAt = endsAt
      self.bootID = bootID
      self.deadline = deadline
    }

    package func json(_ device: String) -> JSONValue {
      [
        "device": .string(device), "patient": .string(patient), "started_at": .int(startedAt),
        "ends_at": .int(endsAt), "boot_id": .string(bootID), "deadline": .int(deadline),
      ]
    }
  }

  /// How long one lasts unless it is said otherwise, in minutes.
  package static let usual = 15
  /// A device's stamp may show the minute only.
  package static let slack: Int64 = 60_000

  /// By device.
  package var open: [String: Session] = [:]

  /// No sessions.
  package init() {}

  /// The devices whose sessions are over.
  package func over(_ now: Now) -> [String] {
    let over = open.filter { _, session in
      if session.bootID == now.bootID { return session.deadline <= now.monotonic }
      // Another start of the machine: only a wall clock that is right can tell that it is not over.
      return !now.isSynchronised || now.wall >= session.endsAt || now.wall < session.startedAt
    }
    return over.keys.sorted()
  }

  /// When the next one ends, on the monotonic clock.
  package func nextDeadline(_ now: Now) -> Int64? {
    open.values.map { $0.bootID == now.bootID ? $0.deadline : now.monotonic + max(0, $0.endsAt - now.wall) }.min()
  }

  /// The patient of a device's open session, when this reading was taken in it. What a device kept in its memory from before
  /// is somebody else's.
  package func patient(of device: String, takenAt: Int64?, isStored: Bool, _ now: Now) -> String? {
    guard let session = open[device], session.bootID != now.bootID || now.monotonic < session.deadline else {
      return nil
    }
    if let takenAt { return takenAt >= session.startedAt - PublicSessions.slack ? session.patient : nil }
    return isStored ? nil : session.patient
  }

  /// As snapshots have it.
  package var json: JSONValue {
    let list = open.sorted { $0.key < $1.key }.map { device, session in session.json(device) }
    return ["version": 1, "sessions": .array(list)]
  }

  /// From the state file's octets. Throws when they are not such a file.
  package init(_ octets: [UInt8]) throws(JSONError) {
    let node = try JSONReader(maximumSize: 1 << 20).node(octets)
    let top = try node.object(known: ["version", "sessions"])
    _ = try top.required("version", "1").int(in: 1...1)
    for item in try top.required("sessions", "a list").array() {
      let object = try item.object(known: ["device", "patient", "started_at", "ends_at", "boot_id", "deadline"])
      func time(_ key: String) throws(JSONError) -> Int64 {
        Int64(try object.required(key, "milliseconds").int(in: 0...(1 << 53)))
      }
      let device = try object.required("device", "a device").string()
      open[device] = Session(
        patient: try object.required("patient", "a patient").string(), startedAt: try time("started_at"),
        endsAt: try time("ends_at"), bootID: try object.required("boot_id", "a boot id").string(),
        deadline: try time("deadline"))
    }
  }
}
