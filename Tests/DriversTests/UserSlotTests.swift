// Which drivers tell a user: what recorded sessions say is held against the list.

import Drivers
import Readings
import Testing

@Suite struct UserSlotTests {
  @Test func whoTellsAUserIsListed() throws {
    var telling: Set<String> = []
    for capture in Capture.all {
      guard let profile = capture.profile, let replay = Replay.run(capture) else { continue }
      if replay.readings.contains(where: { $0.user != nil }) { telling.insert(profile.id) }
    }
    #expect(!telling.isEmpty)
    for id in telling.sorted() { #expect(Registry.profile(id: id)?.tellsUser == true, "\(id)") }
  }

  /// A slot of these is nobody's place, whatever a technician writes.
  @Test(arguments: ["cas", "and-scale", "contec-v7", "nonin-13", "suntech", "mi-scale-2", "thermometer"])
  func othersTellNone(id: String) throws {
    let profile = try #require(Registry.profile(id: id))
    #expect(!profile.tellsUser)
  }

  @Test(arguments: ["visomat", "blood-pressure", "weight-scale", "omron"]) func theseDo(id: String) throws {
    #expect(try #require(Registry.profile(id: id)).tellsUser)
  }
}
