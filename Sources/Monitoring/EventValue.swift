// The value of an event in the unit of the rule's limits (plans-2, 8): as the device said it, or converted for people.

internal import Readings

extension EventDetail {
  /// The value of a finding, its unit and the limit that holds.
  mutating func take(
    _ finding: Finding, _ scale: ZoneScale, _ given: GivenLimits?, _ measure: Measure, difference: Bool = false
  ) {
    unit = (given?.unit ?? measure.unit).rawValue
    limit = scale.limit(finding.value, zone: finding.raw.zone, given: given?.zones)
    guard let given, let canonical = value else { return }
    if let said = finding.said {
      value = said
      // Held against what the device said: nothing was rounded.
      limit = given.scale.limit(.number(Ratio(said)), zone: finding.raw.zone)
    } else {
      value = given.unit.shown(canonical: canonical, difference: difference) ?? canonical
    }
  }
}
