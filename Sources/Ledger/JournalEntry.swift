// What the gateway keeps on disk, and its form there: JSON objects, each in a record of its own kind.

package import Drivers
package import Journal
package import Monitoring
package import Readings

package import GATT

internal import Exchange
internal import JSON
internal import Octets

/// Something to be kept.
package enum JournalEntry: Sendable, Hashable {
  case reading(Reading)
  /// A backend has everything up to a sequence number.
  case acknowledgement(Acknowledgement)
  /// Something to be told to backends.
  case event(HubEvent)
  /// Where a patient's rules stand after a reading.
  case rules(patient: String, PatientState)
  /// Octets that a later value completes.
  case fragment(device: String, RawSource)
  /// These fragments of a device are in a reading; none named: all of them are.
  case fragmentsTaken(device: String, [RawSource])
  /// Octets that could not be used, for support.
  case problem(device: String, DriverProblem)
  /// Who did what.
  case audit(uid: UInt32, action: String)
  /// A backend refused something, with its reason.
  case refusal(Refusal)
  /// One backend is to get a refused reading once more.
  case retry(Retry)
  /// A patient is to be erased; also from the files of directory backends, or from the hub's own state alone.
  case erase(patient: String, files: Bool = false)
  /// A patient was erased.
  case erased(patient: String, Erased)
  /// Everything that is derived from what went before. Its patients' histories follow as records of their own.
  case snapshot(LedgerState)
  /// Lists of a snapshot that do not fit into it.
  case snapshotPart(LedgerState)
  /// What is kept of a patient's values; part of a snapshot.
  case history(patient: String, PatientHistory)
  /// A user slot of a device is given to a patient, or to nobody.
  case binding(Binding)
  /// What was parked of a slot has gone to the patient of the binding of that number.
  case swept(Bindings.Slot, binding: UInt64)
  /// A device that technicians bring in came, changed or went.
  case device(DeviceRecord)
  /// What discovery found of a device; nil: it is found anew.
  case deviceFacts(device: String, attributes: GATTDatabase?)
  /// What a device told about itself.
  case identity(device: String, KnownIdentity)
  /// A session on a public device begins or ends.
  case session(device: String, PublicSessions.Session?)
  /// How often the daemon died in a device's sessions; nil: that counts no more.
  case quarantine(device: String, Quarantine.Entry?)
  /// The load that a scale still shows and whose weight was given; nil: it shows none, or another.
  case heldLoad(device: String, KeptLoad?)
  /// Who set a patient's plan; nil: nobody.
  case plan(patient: String, PlanOrigin?)
  /// The pauses beside a patient's plan: all of them.
  case pauses(patient: String, [PauseRecord])
  /// A backend is in the configuration no more; nil: it is again.
  case backendLeft(backend: String, LeftBackend?)
  /// State files of an older version that are records now, with the SHA-1 of each.
  case imported([String: String])
  /// One kind of item waits in a line of its own at a backend, or goes with the others again.
  case line(LineChange)
  /// Somebody dealt with what a backend refused.
  case dismissal(Dismissal)

  /// The same, where an event says that the hub's clock was not synchronised.
  package var unsynchronised: JournalEntry {
    guard case .event(var event) = self else { return self }
    event.isUnsynchronised = true
    return .event(event)
  }

  /// What has to reach backends.
  package static let deliverable = Set([Kind.reading, .event, .retry].map { RecordKind(rawValue: $0.rawValue) })
  /// What devices are told to be stored: there is no room for it before there is room to acknowledge it.
  package static let bounded = Set([Kind.reading, .fragment].map { RecordKind(rawValue: $0.rawValue) })

  /// The kinds of record.
  package enum Kind: UInt8, Sendable, Hashable, CaseIterable {
    case reading = 1
    case acknowledgement = 2
    case snapshot = 3
    case event = 4
    case rules = 5
    case fragment = 6
    case fragmentsTaken = 7
    case problem = 8
    case audit = 9
    case refusal = 10
    case retry = 11
    case erase = 12
    case erased = 13
    /// A number whose contents were erased: no payload, and nothing that is written as an entry.
    case void = 14
    // 15 is the journal's own: records that were refused. 16 and 17 are kept free for rules and standing problems.
    case binding = 18
    case swept = 19
    case device = 20
    case deviceFacts = 21
    case session = 22
    case quarantine = 23
    case plan = 24
    case pauses = 25
    // 26 and 27 are kept free for orders and settings.
    case heldLoad = 28
    case imported = 29
    case history = 30
    case snapshotPart = 31
    case line = 32
    case dismissal = 33
    case identity = 35
    case backendLeft = 34
  }

  /// The kind of record that holds it.
  package var kind: Kind {
    switch self {
    case .reading: .reading
    case .acknowledgement: .acknowledgement
    case .event: .event
    case .rules: .rules
    case .fragment: .fragment
    case .fragmentsTaken: .fragmentsTaken
    case .problem: .problem
    case .audit: .audit
    case .refusal: .refusal
    case .retry: .retry
    case .erase: .erase
    case .erased: .erased
    case .snapshot: .snapshot
    case .snapshotPart: .snapshotPart
    case .history: .history
    case .binding: .binding
    case .swept: .swept
    case .device: .device
    case .deviceFacts: .deviceFacts
    case .identity: .identity
    case .session: .session
    case .quarantine: .quarantine
    case .heldLoad: .heldLoad
    case .plan: .plan
    case .pauses: .pauses
    case .backendLeft: .backendLeft
    case .imported: .imported
    case .line: .line
    case .dismissal: .dismissal
    }
  }

  /// The record's payload.
  package var payload: [UInt8] {
    switch self {
    case .binding(let binding):
      var object = binding.slot.json
      object["patient"] = binding.patient.map { .string($0) } ?? .null
      if binding.sweeps { object["sweep"] = true }
      return JSONValue.object(object).encoded()
    case .swept(let slot, let binding):
      var object = slot.json
      object["binding"] = .int(binding)
      return JSONValue.object(object).encoded()
    case .device(let record): return record.json.encoded()
    case .deviceFacts(let device, let attributes):
      let value: JSONValue = [
        "device": .string(device), "attributes": attributes.map { .string(Hex.encode($0.octets)) } ?? .null,
      ]
      return value.encoded()
    case .session(let device, let session):
      let value: JSONValue = ["device": .string(device), "session": session?.json(device) ?? .null]
      return value.encoded()
    case .quarantine(let device, let entry):
      let value: JSONValue = ["device": .string(device), "entry": entry?.json(device) ?? .null]
      return value.encoded()
    case .heldLoad(let device, let load):
      let value: JSONValue = ["device": .string(device), "load": load?.json ?? .null]
      return value.encoded()
    case .plan(let patient, let origin):
      let value: JSONValue = ["patient": .string(patient), "origin": origin?.json(patient) ?? .null]
      return value.encoded()
    case .pauses(let patient, let pauses):
      let value: JSONValue = ["patient": .string(patient), "pauses": .array(pauses.map(\.json))]
      return value.encoded()
    case .imported(let files):
      var object = JSONObject()
      for (name, digest) in files.sorted(by: { $0.key < $1.key }) { object[name] = .string(digest) }
      let value: JSONValue = ["files": .object(object)]
      return value.encoded()
    case .reading(let reading): return ReadingJSON.encode(reading)
    case .acknowledgement(let word): return word.encode()
    case .event(let event): return event.encoded
    case .snapshot(let state): return state.encoded
    case .snapshotPart(let part): return part.encodedPart
    case .history(let patient, let history):
      let value: JSONValue = ["patient": .string(patient), "values": history.json]
      return value.encoded()
    case .rules(let patient, let state):
      var object = JSONObject()
      object["patient"] = .string(patient)
      object["rules"] = state.json
      if let rest = state.restJSON { object["rest"] = rest }
      // The readings that wait stand behind this record.
      if state.isUnsettled { object["unsettled"] = true }
      return JSONValue.object(object).encoded()
    case .fragment(let device, let raw):
      let value: JSONValue = [
        "device": .string(device), "source": .string(raw.source), "hex": .string(Hex.encode(raw.octets)),
      ]
      return value.encoded()
    case .fragmentsTaken(let device, let taken):
      var object = JSONObject()
      object["device"] = .string(device)
      if !taken.isEmpty {
        object["taken"] = .array(
          taken.map { ["source": .string($0.source), "hex": .string(Hex.encode($0.octets))] })
      }
      return JSONValue.object(object).encoded()
    case .problem(let device, let problem):
      let value: JSONValue = [
        "device": .string(device), "code": .string(problem.code), "message": .string(problem.message),
        "source": .string(problem.raw?.source ?? ""), "hex": .string(Hex.encode(problem.raw?.octets ?? [])),
      ]
      return value.encoded()
    case .audit(let uid, let action):
      let value: JSONValue = ["uid": .int(uid), "action": .string(action)]
      return value.encoded()
    case .refusal(let refusal): return refusal.json.encoded()
    case .retry(let retry): return retry.json.encoded()
    case .line(let change): return change.json.encoded()
    case .identity(let device, let identity):
      return (["device": .string(device), "identity": identity.json] as JSONValue).encoded()
    case .dismissal(let dismissal): return dismissal.json.encoded()
    case .backendLeft(let backend, let left):
      let value: JSONValue = ["backend": .string(backend), "left": left?.json ?? .null]
      return value.encoded()
    case .erase(let patient, let files):
      var value = JSONObject()
      value["patient"] = .string(patient)
      // Older records have no such member.
      if files { value["files"] = true }
      return JSONValue.object(value).encoded()
    case .erased(let patient, let erased):
      var object = JSONObject()
      for (backend, count) in erased.counts.sorted(by: { $0.key < $1.key }) { object[backend] = .int(count) }
      var value = JSONObject()
      value["patient"] = .string(patient)
      value["counts"] = .object(object)
      if !erased.refusals.isEmpty { value["refusals"] = .array(erased.refusals.map { .int($0) }) }
      value["stored"] = .int(erased.stored)
      if !erased.counted.isEmpty { value["counted"] = LedgerState.countedJSON(erased.counted) }
      if erased.isOfFiles { value["files"] = true }
      return JSONValue.object(value).encoded()
    }
  }
}

/// What an erasure changed besides the patient's own.
package struct Erased: Sendable, Hashable {
  /// How many of the readings and events that are gone a backend had not got, by its name.
  package var counts: [String: UInt64]
  /// What backends had refused of it, by sequence number.
  package var refusals: [UInt64] = []
  /// How many readings and events were ever stored: those that are gone cannot be counted at a start.
  package var stored: UInt64 = 0
  /// How many readings of each device were ever stored, for the same reason.
  package var counted: [String: UInt64] = [:]
  /// It says that the files of directory backends are done; the journal was done before.
  package var isOfFiles = false

  /// The files of directory backends are done.
  package static var ofFiles: Erased {
    var erased = Erased(counts: [:])
    erased.isOfFiles = true
    return erased
  }

  package init(counts: [String: UInt64], refusals: [UInt64] = [], stored: UInt64 = 0) {
    self.counts = counts
    self.refusals = refusals
    self.stored = stored
  }
}
