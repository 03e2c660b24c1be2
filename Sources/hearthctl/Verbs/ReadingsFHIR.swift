// Readings as one FHIR Bundle of type `collection`: the Observations that backend type `fhir-batch` gets, for those who share by
// look-up and not by push.

import Exchange
import Glibc
import JSON
import Monitoring
import Platform
import Readings

enum ReadingsFHIR {
  /// What is made of some readings.
  struct Made {
    var bundle: [UInt8]
    /// What no Bundle can hold, with the reason.
    var leftOut: [String: String]
  }

  /// The system of patients' references where none is given.
  static let usualSystem = "urn:hearth:patient"

  /// The Bundle of readings as the daemon gave them; `plans` are its answers to `plan.show`.
  static func bundle(_ readings: [JSONValue], plans: [JSONValue], hub: String, system: String) -> Made {
    let items = readings.map {
      OutgoingItem(id: $0["id"]?.string ?? "", isReading: true, json: $0.encoded())
    }
    var bands: [String: PatientBands] = [:]
    for plan in plans {
      if let patient = plan["patient"]?.string, let known = self.bands(plan) { bands[patient] = known }
    }
    let now = Clocks.wall()
    let context = ExchangeContext(
      hubID: hub, bootID: "", version: Hearthctl.version, batchID: "export|\(hub)|\(now)|\(getpid())",
      sentAtMilliseconds: now, bands: bands, maximumBytes: 1 << 30)
    let settings = ObservationBundleSettings(
      patientSystem: system, bundleType: .collection, sendsUnplaced: true, maximumEntries: 1_000_000)
    let batch = ObservationBundle.encode(items, context, settings)
    // Nothing to hold: FHIR knows no empty list.
    let empty: JSONValue = ["resourceType": "Bundle", "type": "collection"]
    var leftOut = batch.refused
    for id in batch.passedOver { leftOut[id] = "it holds nothing that an Observation can say" }
    // Without a patient there is no reference that could be wrong.
    for reading in readings where reading["patient"]?.string == nil {
      if let id = reading["id"]?.string, leftOut[id] != nil { leftOut[id] = "it waits for a patient" }
    }
    return Made(bundle: batch.requests.first?.body ?? empty.encoded(), leftOut: leftOut)
  }

  /// The limits of a plan that hold for single values, as they travel with readings.
  private static func bands(_ plan: JSONValue) -> PatientBands? {
    guard let version = plan["version"]?.int else { return nil }
    let comparisons: [(String, PatientBands.Comparison)] = [
      ("lt", .lessThan), ("lte", .atMost), ("gt", .greaterThan), ("gte", .atLeast),
    ]
    var bands: [PatientBands.Band] = []
    for rule in plan["rules"]?.array ?? [] where rule["kind"] == "band" && rule["enabled"] == true {
      guard let id = rule["id"]?.string,
        let measure = rule["measures"]?.array?.first?.string.flatMap(Measure.init(rawValue:))
      else { continue }
      for limit in rule["zones"]?.array ?? [] {
        guard let zone = limit["zone"]?.string.flatMap(Zone.init(rawValue:)) else { continue }
        let bounds = comparisons.compactMap { key, comparison in
          limit[key]?.string.flatMap { ExactDecimal($0) }.map { PatientBands.Bound(comparison, $0) }
        }
        bands.append(
          PatientBands.Band(
            rule: id, terms: Nomenclature.terms.filter { measure.covers($0) }, zone: zone, bounds: bounds,
            isAlways: rule["hours"] == nil))
      }
    }
    return PatientBands(version: version, bands: bands)
  }
}
