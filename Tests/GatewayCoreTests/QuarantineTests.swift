// A device in whose sessions the daemon dies is left alone after the third time, until a technician lets it in.

import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Settings
import Testing
@testable import Ledger

private let cuff = Cuff.device(patient: "p-1")
private let scale = DeviceConfiguration(
  id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/x"), patient: "p-2")

/// A hub that dies again and again.
private struct Mortal {
  var hub = Hub(.with([cuff, scale]))

  mutating func die(handling device: String?, after days: Int64 = 0) {
    let time = hub.time + days * 86_400_000
    hub = Hub(.with([cuff, scale]), disk: hub.disk, keyFile: hub.keyFile, time: time, died: device)
  }

  var isOpened: Bool {
    hub.atStart.contains { if case .openPort("scale", _, _) = $0 { true } else { false } }
  }

  mutating func ask(_ request: ControlRequest) -> JSONValue? {
    if case .result(let value)? = hub.ask(request) { value } else { nil }
  }

  mutating func state(_ device: String) -> String? {
    ask(.devices)?["devices"]?.array?.first { $0["id"]?.string == device }?["state"]?.string
  }
}

@Suite struct QuarantineTests {
  @Test func theThirdTimeItIsLeftAloneAndTheOthersGoOn() {
    var mortal = Mortal()
    for count in 1...3 {
      mortal.die(handling: "scale")
      #expect(mortal.isOpened == (count < 3))
    }
    #expect(mortal.state("scale") == "quarantined")
    #expect(mortal.state("cuff") == "waiting")
    let codes = mortal.hub.events.map { event -> String in
      if case .device("scale", let code, _) = event.content { return code }
      return "?"
    }
    #expect(codes == ["device.session-crashed", "device.session-crashed", "device.quarantined"])
    let problems = mortal.ask(.status)?["problems"]?.array ?? []
    #expect(problems.contains { $0["code"]?.string == "device.quarantined" })
    let checks = mortal.ask(.doctor)?["checks"]?.array ?? []
    #expect(checks.contains { $0["id"]?.string == "device-scale" && $0["state"]?.string == "failed" })
    // It stays so over starts that have nothing to do with it, and a link that comes all the same is closed.
    mortal.die(handling: nil)
    #expect(!mortal.isOpened)
    mortal.hub.send(.linkOpened(device: "scale"))
    #expect(mortal.hub.done.contains { if case .close("scale") = $0 { true } else { false } })
  }

  @Test func theCountIsOnDiskBeforeTheDeviceIsOpened() {
    let mortal = Mortal()
    var hub = Hub(.with([cuff, scale]), disk: mortal.hub.disk, died: "scale", isDiskGood: false)
    func isOpened(_ effects: [Effect]) -> Bool {
      effects.contains { if case .openPort("scale", _, _) = $0 { true } else { false } }
    }
    #expect(!isOpened(hub.atStart))
    hub.done = []
    // The disk takes records again: the crash first, then the device.
    hub.pass(6000)
    #expect(!isOpened(hub.done))
    hub.sync()
    #expect(isOpened(hub.done))
    #expect(hub.gateway.turn.ledger.durable.quarantine.crashes(of: "scale") == 1)
    // It is told once, however often the disk refused it.
    #expect(hub.events.count == 1)
  }

  @Test func aTechnicianLetsItInAgain() {
    var mortal = Mortal()
    for _ in 1...3 { mortal.die(handling: "scale") }
    #expect(mortal.ask(.releaseDevice(device: "scale"))?["released"]?.bool == true)
    #expect(mortal.hub.done.contains { if case .openPort("scale", _, _) = $0 { true } else { false } })
    #expect(mortal.state("scale") == "waiting")
    mortal.die(handling: nil)
    #expect(mortal.isOpened)
    #expect(mortal.ask(.releaseDevice(device: "scale"))?["released"]?.bool == false)
    #expect(mortal.ask(.releaseDevice(device: "other")) == nil)
    #expect(mortal.hub.disk.contains { if case .audit(0, "release device scale") = $0.entry { true } else { false } })
  }

  @Test func whatWasLongAgoCountsNoMore() {
    var mortal = Mortal()
    mortal.die(handling: "scale")
    mortal.die(handling: "scale")
    mortal.die(handling: "scale", after: 8)
    #expect(mortal.isOpened)
    mortal.die(handling: "cuff")
    mortal.die(handling: "scale")
    #expect(mortal.isOpened)
    mortal.die(handling: "scale")
    #expect(!mortal.isOpened)
  }

  @Test func theFileIsReadStrictly() throws {
    var quarantine = Quarantine()
    #expect(try Quarantine(quarantine.json.encoded()) == quarantine)
    quarantine = try Quarantine(
      Array(#"{"version": 1, "devices": [{"device": "a", "crashes": 2, "last": 5}]}"#.utf8))
    #expect(try Quarantine(quarantine.json.encoded()) == quarantine)
    #expect(throws: JSONError.self) { try Quarantine(Array(#"{"version": 2, "devices": []}"#.utf8)) }
  }

  @Test func onlyEventsOfALinkNameADevice() {
    #expect(Event.linkReceived(device: "cuff", [1]).device == "cuff")
    #expect(Event.timer.device == nil)
  }
}
