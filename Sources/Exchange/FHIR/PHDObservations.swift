// The Observations of the HL7 PHD guide: PhdNumericObservation, PhdCompoundNumericObservation, PhdBitsEnumerationObservation,
// PhdCodedEnumerationObservation, and the coincident time stamp of a corrected clock.

internal import JSON
internal import Readings

struct PHDObservations {
  let context: ExchangeContext
  let settings: PHDSettings
  let gatewayURL: String

  /// The `fullUrl` of an Observation is its own identifier.
  static func url(_ reading: Reading, _ mdc: UInt32) -> String {
    "urn:uuid:" + FHIRIdentity.observation(reading, mdc)
  }

  func observation(
    _ draft: FHIRDraft, of reading: Reading, patient: String, device: String, clock: PHDClock?
  ) -> PHDDevices.Made {
    let url = PHDObservations.url(reading, draft.mdc)
    let status = MeasurementStatus(reading)
    let keyed = settings.patient.system.map { "\(patient)-\($0)" } ?? patient
    let spot = draft.mdc == Term.spo2.mdc || draft.mdc == Term.oximeterPulse.mdc ? reading.isSpotCheck : false
    let guideKey = FHIRIdentity.guideKey(
      reading, patient: keyed, mdc: draft.mdc, supplemental: spot ? [PHDObservations.spot.mdc] : [])
    var identifiers = [FHIRIdentity.identifier(FHIRSystem.uri, url)]
    if let guideKey { identifiers.insert(FHIRIdentity.identifier(FHIRSystem.guideKey, guideKey), at: 0) }
    var extensions = [extensionReference(FHIRSystem.gatewayDevice, gatewayURL)]
    if let clock { extensions.append(extensionReference(FHIRSystem.coincident, clock.url)) }
    let value = PHDValue(
      draft, of: reading, status: status, bands: context.bands[patient], isSpotCheck: spot, shape: settings.shape)
    var object = JSONObject()
    func put(_ key: String, _ value: JSONValue?) {
      if case .array(let elements)? = value, elements.isEmpty { return }
      if let value { object[key] = value }
    }
    put("resourceType", "Observation")
    put("meta", meta(draft, status))
    put("extension", .array(extensions))
    put("identifier", .array(identifiers))
    put("basedOn", FHIRShape.references(settings.shape.basedOn))
    put("status", .string(status.status))
    put("category", category(draft))
    put("code", value.code)
    put("subject", subject(patient))
    put("focus", FHIRShape.references(settings.shape.focus))
    put("encounter", settings.shape.encounter?.json)
    if let taken = reading.takenAt {
      put("effectiveDateTime", FHIRElement.dateTime(taken))
    } else {
      put("_effectiveDateTime", FHIRTime.unknown)
      put("issued", .string(InstantText.text(reading.receivedAt, withMilliseconds: true)))
    }
    put("performer", settings.shape.performer(of: draft, isVoid: status.absent != nil))
    put("valueQuantity", value.quantity)
    put("valueCodeableConcept", value.concept)
    put("dataAbsentReason", value.absent)
    put("interpretation", .array(value.interpretations))
    put("note", value.hasNote ? reading.fhirNote.map { [["text": .string($0)]] } : nil)
    put("device", FHIRElement.reference(device))
    put("referenceRange", .array(value.ranges))
    put("derivedFrom", draft.derivedFrom.map { [FHIRElement.reference(PHDObservations.url(reading, $0))] })
    put("component", .array(value.components))
    let search: String
    if settings.key == .guide, let guideKey {
      search = FHIRIdentity.search(FHIRSystem.guideKey, guideKey)
    } else {
      search = FHIRIdentity.search(FHIRSystem.uri, url)
    }
    return PHDDevices.Made(url: url, resource: .object(object), search: search)
  }

  static let spot: (mdc: UInt32, reference: String) = (150_588, "MDC_MODALITY_SPOT")

  private func extensionReference(_ url: String, _ to: String) -> JSONValue {
    ["url": .string(url), "valueReference": FHIRElement.reference(to)]
  }

  private func meta(_ draft: FHIRDraft, _ status: MeasurementStatus) -> JSONValue {
    let profile =
      switch draft.shape {
      case .numeric: "PhdNumericObservation"
      case .compound: "PhdCompoundNumericObservation"
      case .bits: "PhdBitsEnumerationObservation"
      case .coded: "PhdCodedEnumerationObservation"
      }
    return FHIRElement.object([
      "profile": .array(
        ([FHIRSystem.profile(profile)] + settings.shape.profiles(of: draft, isVoid: status.absent != nil)).map {
          .string($0)
        }),
      "security": .array(status.isTest ? [FHIRElement.coding(FHIRSystem.actReason, "HTEST", "test health data")] : []),
    ])
  }

  private func category(_ draft: FHIRDraft) -> JSONValue {
    let phd = FHIRElement.concept([FHIRElement.coding(FHIRSystem.phdCategory, "phd")])
    guard draft.isVitalSign else { return [phd] }
    return [FHIRTime.vitalSigns, phd]
  }

  private func subject(_ patient: String) -> JSONValue {
    switch settings.patient {
    case .reference: FHIRElement.reference("Patient/\(patient)")
    case .resource(let system): FHIRElement.reference(PHDPatient.url(patient, system: system))
    case .identifier(let system): ["identifier": FHIRIdentity.identifier(system, patient)]
    }
  }
}

/// Elements that all of our Observations share.
enum FHIRTime {
  /// Instead of a time that nothing tells.
  static let unknown: JSONValue = [
    "extension": [["url": .string(FHIRSystem.absentExtension), "valueCode": "unknown"]]
  ]
  static let vitalSigns = FHIRElement.concept(
    [FHIRElement.coding(FHIRSystem.category, "vital-signs")], text: "Vital Signs")
}

/// The value of an Observation and what is said of it.
struct PHDValue {
  var code: JSONValue
  var quantity: JSONValue?
  var concept: JSONValue?
  var absent: JSONValue?
  var interpretations: [JSONValue] = []
  var ranges: [JSONValue] = []
  var components: [JSONValue] = []
  var hasNote = true

  init(
    _ draft: FHIRDraft, of reading: Reading, status: MeasurementStatus, bands: PatientBands?, isSpotCheck: Bool,
    shape: FHIRShape
  ) {
    switch draft.shape {
    case .numeric(let observation):
      let sent = observation.quantity(asReported: true)
      code = PHDValue.code(observation.term, unit: sent?.unit ?? observation.term.unit, shape)
      interpretations = status.interpretations
      if let reason = status.absent ?? PHDValue.reason(observation) {
        absent = FHIRElement.absent(reason)
      } else if let sent {
        quantity = FHIRElement.quantity(sent.value, sent.unit)
      }
      let judged = BandJudgement(observation, of: reading, by: bands)
      ranges = judged.ranges
      if quantity != nil { interpretations += PHDValue.alarm(judged) }
      if let off = reading.offScale, observation.term.name == "glucose" {
        interpretations.append(FHIRElement.concept([PHDValue.inAlarm, off]))
      }
      if isSpotCheck { components = [PHDValue.modality] }
    case .compound(let observations):
      code = FHIRElement.concept(
        [FHIRElement.mdc(draft.mdc, draft.reference), FHIRElement.coding(FHIRSystem.loinc, "85354-9")],
        text: "Blood pressure")
      interpretations = status.interpretations
      if let reason = status.absent {
        absent = FHIRElement.absent(reason)
      } else {
        components = observations.map { PHDValue.component($0, reading, bands, shape) }
      }
    case .bits(let bits):
      code = FHIRElement.concept([FHIRElement.mdc(bits.mdc, bits.reference)])
      components = bits.components
      hasNote = false
    case .coded(let mdc, let reference):
      code = FHIRElement.concept([FHIRElement.mdc(draft.mdc, draft.reference)], text: "Meal context")
      concept = FHIRElement.concept([FHIRElement.mdc(mdc, reference)])
      hasNote = false
    }
  }

  private static func component(
    _ observation: Observation, _ reading: Reading, _ bands: PatientBands?, _ shape: FHIRShape
  ) -> JSONValue {
    let judged = BandJudgement(observation, of: reading, by: bands)
    let sent = observation.quantity(asReported: true)
    return FHIRElement.object([
      "code": code(observation.term, unit: sent?.unit ?? observation.term.unit, shape),
      "valueQuantity": sent.map { FHIRElement.quantity($0.value, $0.unit) },
      "dataAbsentReason": reason(observation).map(FHIRElement.absent),
      "interpretation": .array(sent == nil ? [] : alarm(judged)), "referenceRange": .array(judged.ranges),
    ])
  }

  private static func reason(_ observation: Observation) -> AbsentReason? {
    if case .absent(let reason) = observation.value { return reason }
    return nil
  }

  private static func code(_ term: Term, unit: UCUM, _ shape: FHIRShape) -> JSONValue {
    let loinc = shape.loinc(term.loincCodes(unit: unit, isExtended: false))
    return FHIRElement.concept(
      [FHIRElement.mdc(term.mdc, term.code)] + loinc.map { FHIRElement.coding(FHIRSystem.loinc, $0) },
      text: term.fhirText)
  }

  private static let inAlarm = FHIRElement.coding(
    FHIRSystem.measurementStatus, "in-alarm", "Measurement in alarm")

  /// The guide demands a code of its own in every interpretation; a value within the patient's limits has none.
  private static func alarm(_ judged: BandJudgement) -> [JSONValue] {
    guard let (code, display) = judged.code, code != "N" else { return [] }
    return [FHIRElement.concept([inAlarm, FHIRElement.coding(FHIRSystem.interpretation, code, display)])]
  }

  private static let modality: JSONValue = [
    "code": FHIRElement.concept(
      [FHIRElement.mdc(68_193, "MDC_ATTR_SUPPLEMENTAL_TYPES")], text: "Supplemental information"),
    "valueCodeableConcept": FHIRElement.concept(
      [FHIRElement.mdc(PHDObservations.spot.mdc, PHDObservations.spot.reference)], text: "Stable mean"),
  ]
}

/// A device's clock and the hub's at one moment, known where the device's stamp placed the reading (PhdCoincidentTimeStampObservation).
/// Receivers of the guide read its absence as "the device told no time".
struct PHDClock {
  /// The device and how far its clock is off.
  let key: String
  let url: String
  private let hub: Timestamp
  private let device: Timestamp

  /// Nil unless the stamp, as it was or moved by the distance of the clocks, placed the reading: else nothing tells where the device's
  /// clock stood.
  init?(_ reading: Reading) {
    guard reading.timeQuality == .corrected || reading.timeQuality == .device, let taken = reading.takenAt,
      let stamp = reading.deviceTime
    else {
      return nil
    }
    let elapsed = reading.receivedAt.milliseconds - taken.milliseconds
    let offset = Int64(reading.receivedAt.offsetSeconds) * 1000
    hub = reading.receivedAt
    // The device's wall clock at reception; the guide has the gateway add its own offset where the device has none.
    switch stamp {
    case .utc(let milliseconds):
      device = Timestamp(milliseconds: milliseconds + elapsed, offsetSeconds: reading.receivedAt.offsetSeconds)
    case .local(let fields):
      guard let seconds = FHIRIdentity.civilSeconds(fields) else { return nil }
      device = Timestamp(
        milliseconds: seconds * 1000 + elapsed - offset, offsetSeconds: reading.receivedAt.offsetSeconds)
    }
    key = "\(reading.device.id)|\((hub.milliseconds - device.milliseconds) / 1000)"
    url = "urn:uuid:" + FHIRIdentity.uuid("clock|\(reading.id)")
  }

  func made(device deviceURL: String, gateway: String) -> PHDDevices.Made {
    PHDDevices.Made(
      url: url,
      resource: FHIRElement.object([
        "resourceType": "Observation",
        "meta": ["profile": [.string(FHIRSystem.profile("PhdCoincidentTimeStampObservation"))]],
        "identifier": [FHIRIdentity.identifier(FHIRSystem.uri, url)], "status": "final",
        "code": FHIRElement.concept([FHIRElement.mdc(67_975, "MDC_ATTR_TIME_ABS")], text: "Absolute time"),
        "subject": FHIRElement.reference(deviceURL), "effectiveDateTime": FHIRElement.dateTime(hub),
        "valueDateTime": FHIRElement.dateTime(device), "device": FHIRElement.reference(gateway),
      ]), search: FHIRIdentity.search(FHIRSystem.uri, url))
  }
}
