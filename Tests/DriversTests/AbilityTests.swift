// What drivers say that may be asked of their devices, held against what they do when it is asked.

import Drivers
import Octets
import Readings
import Testing

struct AbilityTests {
  /// A device that has everything of the standard profiles that can be asked for anything.
  private static let everything: [DiscoveredCharacteristic] = [
    (0x1810, 0x2A35, 0x20), (0x1810, 0x2B36, 0x10), (0x1810, 0x2A52, 0x28), (0x1808, 0x2A18, 0x10),
    (0x1808, 0x2A52, 0x28), (0x1822, 0x2A5E, 0x20), (0x1822, 0x2A5F, 0x10), (0x1822, 0x2A52, 0x28),
    (0x181D, 0x2A9D, 0x20),
    (0x1809, 0x2A1C, 0x20), (0x180D, 0x2A37, 0x10), (0x181C, 0x2A9F, 0x28), (0x1840, 0x2B8B, 0x10),
    (0x1840, 0x2BDD, 0x10), (0x1840, 0x2A52, 0x28),
  ].map { DiscoveredCharacteristic(id: CharacteristicID($0.0, $0.1), properties: $0.2) }

  private static let wishes: [(DriverRequest, DeviceAbilities)] = [
    (.countStored, .count), (.deleteStored, .erase), (.abort, .abort), (.consent(user: 1, code: 520), .consent),
    (.registerUser(code: 520), .registerUser),
  ]

  @Test(arguments: Registry.profiles.map(\.id)) func aDriverCanDoWhatItSays(_ id: String) throws {
    let profile = try #require(Registry.profile(id: id))
    var driver = profile.make(DriverContext())
    let before = driver.abilities
    if case .serial = profile.transport { _ = driver.handle(.opened) }
    if case .gatt = profile.transport { _ = driver.handle(.connected(AbilityTests.everything)) }
    #expect(before.isSuperset(of: driver.abilities), "a device has nothing that its kind may not have")
    for (request, ability) in AbilityTests.wishes {
      var asked = driver
      let actions = asked.handle(.request(request))
      let isRefused = actions.contains { action in
        guard case .answer(.refused(request, let reason)) = action else { return false }
        return reason.hasSuffix("nothing of the kind")
      }
      if driver.abilities.contains(ability) {
        #expect(!isRefused, "\(ability.names)")
      } else {
        #expect(isRefused || actions.isEmpty, "\(ability.names): \(actions)")
      }
    }
  }

  /// Each wish has its name, and is asked for by it.
  @Test func everyAbilityHasAName() {
    let all: DeviceAbilities = [.count, .erase, .abort, .consent, .registerUser, .key]
    #expect(all.names == ["count", "erase", "abort", "consent", "register-user", "key"])
    #expect(DeviceAbilities().names.isEmpty)
  }
}
