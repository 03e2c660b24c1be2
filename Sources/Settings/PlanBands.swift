// The bands of a patient's plan in the form in which they travel with readings.

package import Exchange
package import Monitoring

internal import Readings

extension PatientBands {
  /// The band rules of a plan that are switched on.
  package init(_ plan: Plan) {
    var bands: [Band] = []
    for rule in plan.rules where rule.isEnabled {
      guard let band = rule.kind as? BandRule else { continue }
      let terms = Nomenclature.terms.filter { band.measure.covers($0) }
      for zone in band.zones {
        let bounds = zone.bounds.map { bound in
          let comparison: Comparison =
            switch bound.comparison {
            case .lessThan: .lessThan
            case .atMost: .atMost
            case .greaterThan: .greaterThan
            case .atLeast: .atLeast
            }
          return Bound(comparison, bound.limit)
        }
        bands.append(
          Band(rule: rule.id, terms: terms, zone: zone.zone, bounds: bounds, isAlways: rule.hours.isEmpty))
      }
    }
    self.init(version: plan.version, bands: bands)
  }
}
