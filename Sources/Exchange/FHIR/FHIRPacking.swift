// Readings into requests: decoded, asked whether this backend can have them, and packed within its limits.

internal import JSON
internal import Readings

/// A reading with the entries that it alone brings.
struct FHIRPiece {
  var item: OutgoingItem
  var reading: Reading
  /// Their octets and what an answer is held against.
  var entries: [(octets: [UInt8], entry: EncodedRequest.Entry)]
  /// The `fullUrl` of each entry that it shares with others.
  var shared: [String] = []
}

enum FHIRPacking {
  /// Reads the items. Events have no form in these Bundles and are passed over.
  static func readings(
    _ items: [OutgoingItem], sendsUnplaced: Bool, isPatientFit: (String) -> Bool, into batch: inout EncodedBatch
  ) -> [(OutgoingItem, Reading, patient: String)] {
    var found: [(OutgoingItem, Reading, patient: String)] = []
    for item in items {
      guard item.isReading else {
        batch.passedOver.append(item.id)
        continue
      }
      guard let (reading, _) = try? ReadingJSON.decode(item.json) else {
        batch.refused[item.id] = "reading.unreadable: the stored reading cannot be read"
        continue
      }
      // What was withdrawn from a patient who was erased since tells a backend nothing that it may still have.
      if reading.patient == nil, let correction = reading.correction, correction.patient == nil {
        batch.passedOver.append(item.id)
        continue
      }
      guard let patient = reading.patient ?? reading.correction?.patient, isPatientFit(patient) else {
        batch.refused[item.id] = "patient.not-an-id: the patient's reference is no FHIR id (letters, digits, - and .)"
        continue
      }
      guard reading.takenAt != nil || sendsUnplaced else {
        batch.refused[item.id] = "time.unplaced: nothing places the reading in time"
        continue
      }
      // No identifier could tell the two apart, and none is left out silently. No driver gives such a reading.
      guard Set(reading.observations.map(\.term)).count == reading.observations.count else {
        batch.refused[item.id] = "reading.repeated-term: two values of one kind"
        continue
      }
      guard !reading.observations.isEmpty else {
        batch.passedOver.append(item.id)
        continue
      }
      found.append((item, reading, patient))
    }
    return found
  }

  /// A logical id of FHIR (R4 2.24.0.1).
  static func isID(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { octet in
        switch octet {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E: true
        default: false
        }
      }
  }

  /// What an entry that several readings share takes at most, in octets.
  static let mostOfShared = 1600

  /// Consecutive runs within the limits; `frame` is what each run needs beside the entries, in octets. What the pieces of a run share
  /// is counted once. A piece that is too large by itself goes alone.
  static func runs(_ pieces: [FHIRPiece], maximumEntries: Int, maximumBytes: Int, frame: Int) -> [[FHIRPiece]] {
    var runs: [[FHIRPiece]] = []
    var run: [FHIRPiece] = []
    var shared: Set<String> = []
    var entries = 0
    var bytes = frame
    for piece in pieces {
      let pieceBytes = piece.entries.reduce(0) { $0 + $1.octets.count + 1 }
      let more = piece.shared.count { !shared.contains($0) }
      let isTooMuch =
        entries + piece.entries.count + more > maximumEntries
        || bytes + pieceBytes + more * mostOfShared > maximumBytes
      if isTooMuch, !run.isEmpty {
        runs.append(run)
        (run, shared, entries, bytes) = ([], [], 0, frame)
      }
      run.append(piece)
      for url in piece.shared where shared.insert(url).inserted {
        entries += 1
        bytes += mostOfShared
      }
      entries += piece.entries.count
      bytes += pieceBytes
    }
    if !run.isEmpty { runs.append(run) }
    return runs
  }

  /// An entry's object.
  static func entry(_ url: String, _ resource: JSONValue, request: JSONValue?) -> [UInt8] {
    FHIRElement.object(["fullUrl": .string(url), "resource": resource, "request": request]).encoded()
  }

  /// How a resource of a reading goes out: one that corrects another replaces it.
  static func request(_ type: String, _ reading: Reading, search: String) -> JSONValue {
    guard reading.correction != nil else { return post(type, ifNoneExist: search) }
    return FHIRElement.object(["method": "PUT", "url": .string("\(type)?\(search)")])
  }

  /// `POST`, unless the server has it.
  static func post(_ type: String, ifNoneExist search: String?) -> JSONValue {
    FHIRElement.object(["method": "POST", "url": .string(type), "ifNoneExist": search.map { .string($0) }])
  }
}
