// A transaction Bundle of the HL7 PHD Implementation Guide 2.0.0 (FHIR R4): the gateway, the devices, the patients where the hub
// names them, a coincident time stamp where a device told the time, and the Observations. Resources carry no ids; what
// the server has already is found by identifier, so that the same Bundle can be sent again.

internal import JSON
internal import Readings

/// The encoder of backend type `fhir-phd`.
package enum PHDTransaction {
  /// The Bundles of a batch.
  package static func encode(
    _ items: [OutgoingItem], _ context: ExchangeContext, _ settings: PHDSettings
  ) -> EncodedBatch {
    var batch = EncodedBatch(requests: [])
    let isReference = settings.patient == .reference
    let readings = FHIRPacking.readings(
      items, sendsUnplaced: settings.sendsUnplaced, isPatientFit: { !isReference || FHIRPacking.isID($0) },
      into: &batch)
    let gateway = PHDDevices.gateway(context)
    let builder = PHDObservations(context: context, settings: settings, gatewayURL: gateway.url)
    var clocks: [String: PHDClock] = [:]
    var deviceURLs: [DeviceIdentity: String] = [:]
    var searches: Set<String> = []
    let pieces = readings.map { item, reading, patient in
      let clock = PHDClock(reading).map { made in
        // One per device and offset: the readings of one transfer share it.
        let known = clocks[made.key] ?? made
        clocks[made.key] = known
        return known
      }
      let device = deviceURLs[reading.device] ?? PHDDevices.url(reading.device, hubID: context.hubID)
      deviceURLs[reading.device] = device
      let entries = FHIRDraft.all(of: reading).map { draft in
        let made = builder.observation(draft, of: reading, patient: patient, device: device, clock: clock)
        // Two records that the guide's identifier cannot tell apart (a clock that was reset) are still two.
        let isNew = searches.insert(made.search).inserted
        let search = isNew ? made.search : FHIRIdentity.search(FHIRSystem.uri, made.url)
        return (
          FHIRPacking.entry(
            made.url, made.resource, request: FHIRPacking.request("Observation", reading, search: search)),
          EncodedRequest.Entry(fullURL: made.url, item: item.id, resourceType: "Observation")
        )
      }
      var shared = [gateway.url, device]
      if case .resource(let system) = settings.patient { shared.append(PHDPatient.url(patient, system: system)) }
      if let clock { shared.append(clock.url) }
      return FHIRPiece(item: item, reading: reading, entries: entries, shared: shared)
    }
    let runs = FHIRPacking.runs(
      pieces, maximumEntries: settings.maximumEntries, maximumBytes: context.maximumBytes, frame: 0)
    for (index, run) in runs.enumerated() {
      batch.requests.append(
        request(
          run, shared: shared(run, gateway, clocks, deviceURLs, context, settings),
          key: FHIRIdentity.uuid("request|\(context.batchID)|\(index)")))
    }
    return batch
  }

  private typealias Shared = (octets: [UInt8], entry: EncodedRequest.Entry)

  /// What the readings of a run refer to, each once.
  private static func shared(
    _ run: [FHIRPiece], _ gateway: PHDDevices.Made, _ clocks: [String: PHDClock],
    _ deviceURLs: [DeviceIdentity: String], _ context: ExchangeContext, _ settings: PHDSettings
  ) -> [Shared] {
    var shared: [Shared] = []
    func add(_ made: PHDDevices.Made, _ type: String) {
      shared.append(
        (
          FHIRPacking.entry(made.url, made.resource, request: FHIRPacking.post(type, ifNoneExist: made.search)),
          .init(fullURL: made.url, item: nil, resourceType: type)
        ))
    }
    add(gateway, "Device")
    if case .resource(let system) = settings.patient {
      var patients: Set<String> = []
      for patient in run.compactMap({ $0.reading.patient ?? $0.reading.correction?.patient })
      where patients.insert(patient).inserted {
        add(PHDPatient.made(patient, system: system), "Patient")
      }
    }
    var kinds: [String: Set<ReadingKind>] = [:]
    for piece in run { kinds[piece.reading.device.id, default: []].insert(piece.reading.kind) }
    var known: Set<String> = []
    for piece in run {
      let device = piece.reading.device
      guard let url = deviceURLs[device], known.insert(url).inserted else { continue }
      let kinds = ReadingKind.allCases.filter { kinds[device.id]?.contains($0) ?? false }
      add(PHDDevices.device(device, kinds: kinds, hubID: context.hubID), "Device")
    }
    for piece in run {
      guard let key = PHDClock(piece.reading)?.key, let clock = clocks[key], known.insert(clock.url).inserted,
        let device = deviceURLs[piece.reading.device]
      else { continue }
      add(clock.made(device: device, gateway: gateway.url), "Observation")
    }
    return shared
  }

  private static func request(_ run: [FHIRPiece], shared: [Shared], key: String) -> EncodedRequest {
    let own = run.flatMap(\.entries)
    var writer = JSONWriter(capacity: own.reduce(1024) { $0 + $1.octets.count + 1 })
    writer.beginObject()
    writer.member("resourceType", "Bundle")
    writer.member("type", "transaction")
    writer.key("entry")
    writer.beginArray()
    for entry in shared { writer.raw(entry.octets) }
    for entry in own { writer.raw(entry.octets) }
    writer.endArray()
    writer.endObject()
    return EncodedRequest(
      key: key, body: writer.octets, items: run.map(\.item.id), entries: shared.map(\.entry) + own.map(\.entry))
  }
}

/// The Patient resource: an opaque identifier and nothing else (PhdPatient).
enum PHDPatient {
  static func url(_ patient: String, system: String) -> String {
    "urn:uuid:" + FHIRIdentity.uuid("patient|\(system)|\(patient)")
  }

  static func made(_ patient: String, system: String) -> PHDDevices.Made {
    let type = FHIRElement.concept([
      FHIRElement.coding(FHIRSystem.identifierType, "ANON", "Anonymous identifier")
    ])
    return PHDDevices.Made(
      url: url(patient, system: system),
      resource: FHIRElement.object([
        "resourceType": "Patient", "meta": ["profile": [.string(FHIRSystem.profile("PhdPatient"))]],
        "identifier": [FHIRIdentity.identifier(system, patient, type: type)],
      ]), search: FHIRIdentity.search(system, patient))
  }
}
