// What a device may do to its link: resend for ever, but not flood; ask for encryption that a recording does not have.

import Drivers
@testable import GatewayCore
import Settings
import Testing
@testable import Ledger

@Suite struct LinkBoundTests {
  private func hub() -> Hub {
    let device = Cuff.device()
    return Hub(.with([device])).listening()
  }

  private func closes(_ hub: Hub) -> Bool {
    hub.done.contains { if case .close("cuff") = $0 { true } else { false } }
  }

  @Test func aRecordThatIsSentAgainAndAgainIsConfirmedEachTime() {
    var hub = hub()
    for _ in 0..<50 {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
      hub.sync()
    }
    #expect(hub.readings.count == 1)
    #expect(hub.sent(to: "cuff").count == 50)
    #expect(!closes(hub))
  }

  @Test func aDeviceThatWaitsForNoConfirmationLosesItsLink() {
    var hub = hub()
    for systolic in UInt8(100)..<120 {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: systolic)))
    }
    // Those within the bound are on their way to the disk, nothing of it is confirmed yet, and the link ends.
    hub.sync()
    #expect(hub.readings.count == 8)
    #expect(closes(hub))
  }

  @Test func aRefusedSubscriptionIsAProblemAndTheSessionGoesOn() {
    let device = Cuff.device()
    var hub = Hub(.with([device]))
    hub.send(.linkOpened(device: "cuff"))
    while let pdu = hub.sent(to: "cuff").last {
      hub.done = []
      guard let answer = pdu[0] == 0x12 ? [0x01, 0x12, 4, 0, 0x05] : Cuff.answer(pdu) else { break }
      hub.send(.linkReceived(device: "cuff", answer))
    }
    #expect(hub.done.contains { if case .log(_, let text) = $0 { text.contains("subscribe-failed") } else { false } })
    #expect(!closes(hub))
  }
}

@Suite struct BabbleTests {
  @Test func aLineThatBabblesIsToldOnceADayAndItsNextGoodLineIsTaken() {
    let scale = DeviceConfiguration(id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/x"), patient: "p")
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    var problems: Int { hub.disk.count { if case .problem = $0.entry { true } else { false } } }
    for turn in 0..<60 {
      hub.time += 1000
      let line = "ST,+000\(turn % 2 == 0 ? 40 : 80).00 kg\r\n"
      let lines = "x\(turn)\r\n" + line + line + line + "ST,+00000.00 kg\r\nST,+00000.00 kg\r\n"
      hub.send(.linkReceived(device: "scale", Array(lines.utf8)))
      hub.sync()
    }
    #expect(problems == 1)
    #expect(hub.readings.count == 60)
    hub.pass(90_000_000)
    hub.send(.linkReceived(device: "scale", Array("nonsense\r\n".utf8)))
    hub.sync()
    #expect(problems == 2)
  }
}
