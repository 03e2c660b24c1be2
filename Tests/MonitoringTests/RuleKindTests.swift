// The list of rule kinds holds together.

import Monitoring
import Readings
import Testing

@Suite struct RuleKindTests {
  @Test func eachKindHasANameAndKeysOfItsOwn() {
    let names = Rule.kinds.map { $0.name }
    #expect(names == ["band", "delta", "average", "consecutive", "score", "missing", "bits", "quality", "device"])
    for kind in Rule.kinds {
      #expect(Set(kind.keys).count == kind.keys.count, "\(kind.name)")
      #expect(Set(kind.keys).isDisjoint(with: RuleFields.common))
      for bound in kind.bounds {
        switch bound {
        case .count(let key, let most, _), .days(let key, let most): #expect(kind.keys.contains(key) && most > 0)
        }
      }
      // A list of zones, and a time that is looked back, are bounded.
      if kind.keys.contains("zones") { #expect(kind.bounds.contains(.zones), "\(kind.name)") }
      if kind.keys.contains("window") { #expect(kind.bounds.contains(.window), "\(kind.name)") }
    }
  }

  @Test func rulesOfOtherKindsAreOthers() {
    let silent = Rule(id: "a", kind: DeviceRule(watch: .silent(for: 1000), zone: .red))
    #expect(silent == Rule(id: "a", kind: DeviceRule(watch: .silent(for: 1000), zone: .red)))
    #expect(silent != Rule(id: "a", kind: DeviceRule(watch: .silent(for: 1001), zone: .red)))
    #expect(silent != Rule(id: "a", kind: MissingRule(measure: .weight, schedule: .interval(1000), zone: .red)))
    #expect(Set([silent, silent]).count == 1)
  }
}
