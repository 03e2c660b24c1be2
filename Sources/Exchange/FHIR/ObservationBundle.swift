// A Bundle of nothing but Observations (FHIR R4), as national receivers of patients' measurements take it: LOINC with SNOMED CT and
// NPU codes, subject and device as logical references, `batch` or `collection`. Shape: VKP Observation profiles (HL7 Norway).

internal import JSON
internal import Readings

/// The encoder of backend type `fhir-batch`.
package enum ObservationBundle {
  /// The Bundles of a batch.
  package static func encode(
    _ items: [OutgoingItem], _ context: ExchangeContext, _ settings: ObservationBundleSettings
  ) -> EncodedBatch {
    var batch = EncodedBatch(requests: [])
    let readings = FHIRPacking.readings(
      items, sendsUnplaced: settings.sendsUnplaced, isPatientFit: { _ in true }, into: &batch)
    let pieces = readings.map { item, reading, patient in
      // Status words are told as a note: these profiles have no Observation for them.
      let drafts = FHIRDraft.all(of: reading).filter { !$0.observations.isEmpty }
      return FHIRPiece(
        item: item, reading: reading,
        entries: drafts.map { draft in
          let id = FHIRIdentity.observation(reading, draft.mdc)
          let url = "urn:uuid:\(id)"
          let made = resource(draft, of: reading, patient: patient, id: id, context, settings)
          return (
            FHIRPacking.entry(url, made, request: request(id, reading, settings)),
            EncodedRequest.Entry(fullURL: url, item: item.id, resourceType: "Observation")
          )
        })
    }
    let runs = FHIRPacking.runs(
      pieces, maximumEntries: settings.maximumEntries, maximumBytes: context.maximumBytes, frame: 600)
    for (index, run) in runs.enumerated() {
      batch.requests.append(
        bundle(run, key: FHIRIdentity.uuid("request|\(context.batchID)|\(index)"), context, settings))
    }
    return batch
  }

  private static func bundle(
    _ run: [FHIRPiece], key: String, _ context: ExchangeContext, _ settings: ObservationBundleSettings
  ) -> EncodedRequest {
    let entries = run.flatMap(\.entries)
    var writer = JSONWriter(capacity: entries.reduce(1024) { $0 + $1.octets.count + 1 })
    writer.beginObject()
    writer.member("resourceType", "Bundle")
    if let municipality = settings.municipality {
      writer.key("meta")
      writer.value(["tag": [FHIRElement.coding(municipalitySystem, municipality)]])
    }
    writer.key("identifier")
    writer.value(FHIRIdentity.identifier(FHIRSystem.uri, "urn:uuid:\(key)"))
    writer.member("type", settings.bundleType.rawValue)
    writer.key("timestamp")
    writer.string(
      InstantText.text(
        Timestamp(milliseconds: context.sentAtMilliseconds, offsetSeconds: 0), withMilliseconds: true))
    writer.key("entry")
    writer.beginArray()
    for entry in entries { writer.raw(entry.octets) }
    writer.endArray()
    writer.endObject()
    return EncodedRequest(key: key, body: writer.octets, items: run.map(\.item.id), entries: entries.map(\.entry))
  }

  private static let municipalitySystem =
    "https://register.geonorge.no/sosi-kodelister/inndelinger/inndelingsbase/kommunenummer"

  private static func request(
    _ id: String, _ reading: Reading, _ settings: ObservationBundleSettings
  ) -> JSONValue? {
    guard settings.bundleType == .batch else { return nil }
    switch settings.creation {
    case .always: return FHIRPacking.post("Observation", ifNoneExist: nil)
    case .ifNoneExist:
      return FHIRPacking.request(
        "Observation", reading, search: FHIRIdentity.search(FHIRSystem.uri, "urn:uuid:\(id)"))
    case .put: return ["method": "PUT", "url": .string("Observation/\(id)")]
    }
  }

  private static func resource(
    _ draft: FHIRDraft, of reading: Reading, patient: String, id: String, _ context: ExchangeContext,
    _ settings: ObservationBundleSettings
  ) -> JSONValue {
    let status = MeasurementStatus(reading)
    let bands = context.bands[patient]
    var shape = settings.shape
    shape.performer = settings.performer.map { .identifier(system: $0.system, value: $0.value) } ?? shape.performer
    var object = JSONObject()
    func put(_ key: String, _ value: JSONValue?) {
      if case .array(let elements)? = value, elements.isEmpty { return }
      if let value { object[key] = value }
    }
    put("resourceType", "Observation")
    if settings.bundleType == .batch, settings.creation == .put { put("id", .string(id)) }
    let meta = FHIRElement.object([
      "profile": .array(shape.profiles(of: draft, isVoid: status.absent != nil).map { .string($0) }),
      "security": .array(status.isTest ? [FHIRElement.coding(FHIRSystem.actReason, "HTEST", "test health data")] : []),
    ])
    if meta.object?.isEmpty == false { put("meta", meta) }
    put("identifier", [FHIRIdentity.identifier(FHIRSystem.uri, "urn:uuid:\(id)")])
    put("basedOn", FHIRShape.references(shape.basedOn))
    put("status", .string(status.status))
    put("category", hasCategory(draft) ? [FHIRTime.vitalSigns] : nil)
    put("code", code(draft, shape))
    put("subject", ["identifier": FHIRIdentity.identifier(settings.patientSystem, patient)])
    put("focus", FHIRShape.references(shape.focus))
    put("encounter", shape.encounter?.json)
    if let taken = reading.takenAt {
      put("effectiveDateTime", FHIRElement.dateTime(taken))
    } else {
      put("_effectiveDateTime", FHIRTime.unknown)
      put("issued", .string(InstantText.text(reading.receivedAt, withMilliseconds: true)))
    }
    put("performer", shape.performer(of: draft, isVoid: status.absent != nil))
    var interpretations = status.interpretations
    switch draft.shape {
    case .numeric(let observation):
      let told = Told(observation, of: reading, by: bands, absent: status.absent)
      put("valueQuantity", told.quantity)
      put("dataAbsentReason", told.absent)
      interpretations += told.interpretations
      if let off = reading.offScale, observation.term.name == "glucose" {
        interpretations.append(FHIRElement.concept([off]))
      }
      put("referenceRange", .array(told.ranges))
    case .compound(let observations):
      if let reason = status.absent {
        put("dataAbsentReason", FHIRElement.absent(reason))
      } else {
        put("component", .array(observations.map { component($0, of: reading, by: bands, shape) }))
      }
    case .bits, .coded: break
    }
    put("interpretation", .array(interpretations))
    put("note", note(reading).map { [["text": .string($0)]] })
    put("device", device(reading.device))
    if draft.derivedFrom != nil {
      put("derivedFrom", [FHIRElement.reference(PHDObservations.url(reading, Term.weight.mdc))])
    }
    return .object(object)
  }

  /// The value of a term, or why there is none, with what the patient's plan says of it.
  private struct Told {
    var quantity: JSONValue?
    var absent: JSONValue?
    var interpretations: [JSONValue] = []
    var ranges: [JSONValue]

    init(_ observation: Observation, of reading: Reading, by bands: PatientBands?, absent reason: AbsentReason?) {
      let judged = BandJudgement(observation, of: reading, by: bands)
      ranges = judged.ranges
      switch observation.value {
      case .value(let value) where reason == nil:
        quantity = FHIRElement.quantity(value, observation.term.unit)
        if let (code, display) = judged.code {
          interpretations = [
            FHIRElement.concept([FHIRElement.coding(FHIRSystem.interpretation, code, display)])
          ]
        }
      case .value: absent = reason.map(FHIRElement.absent)
      case .absent(let own): absent = FHIRElement.absent(reason ?? own)
      }
    }
  }

  private static func component(
    _ observation: Observation, of reading: Reading, by bands: PatientBands?, _ shape: FHIRShape
  ) -> JSONValue {
    let told = Told(observation, of: reading, by: bands, absent: nil)
    return FHIRElement.object([
      "code": code(observation.term, shape), "valueQuantity": told.quantity, "dataAbsentReason": told.absent,
      "interpretation": .array(told.interpretations), "referenceRange": .array(told.ranges),
    ])
  }

  /// R4's vital signs; the national profile counts glucose among them.
  private static func hasCategory(_ draft: FHIRDraft) -> Bool {
    draft.isVitalSign || draft.observations.contains { $0.term.name == "glucose" }
  }

  private static func code(_ draft: FHIRDraft, _ shape: FHIRShape) -> JSONValue {
    if case .numeric(let observation) = draft.shape { return code(observation.term, shape) }
    return FHIRElement.concept(
      [
        LOINCDisplay.coding("85354-9"),
        FHIRElement.coding(FHIRSystem.snomed, "75367002", "Blood pressure (observable entity)"),
      ], text: "Blood pressure")
  }

  /// LOINC first, then SNOMED CT and NPU; a term that none of them has goes by its MDC code.
  private static func code(_ term: Term, _ shape: FHIRShape) -> JSONValue {
    var codings = shape.loinc(term.loincCodes(unit: term.unit, isExtended: true)).map(LOINCDisplay.coding)
    if let (code, display) = term.snomed { codings.append(FHIRElement.coding(FHIRSystem.snomed, code, display)) }
    if let (code, display) = term.npu { codings.append(FHIRElement.coding(FHIRSystem.npu, code, display)) }
    if codings.isEmpty { codings = [FHIRElement.mdc(term.mdc, term.code)] }
    return FHIRElement.concept(codings, text: term.fhirText)
  }

  /// A logical reference: the serial number identifies, the model is for people.
  private static func device(_ device: DeviceIdentity) -> JSONValue? {
    let display = [device.manufacturer, device.model].compactMap { $0.flatMap(PHDDevices.text) }.joined(separator: " ")
    let serial = device.serial.flatMap(PHDDevices.text)
    guard serial != nil || !display.isEmpty else { return nil }
    return FHIRElement.object([
      "identifier": serial.map { ["value": .string($0)] }, "display": display.isEmpty ? nil : .string(display),
    ])
  }

  /// The status words in words: no receiver of these Bundles has an Observation for them.
  private static func note(_ reading: Reading) -> String? {
    let words = reading.flags.filter { StatusBits.tells($0, of: reading.kind) || $0.meal != nil }.map(\.rawValue)
    let device = words.isEmpty ? nil : "device: " + words.joined(separator: ", ")
    let parts = [device, reading.fhirNote].compactMap { $0 }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}
