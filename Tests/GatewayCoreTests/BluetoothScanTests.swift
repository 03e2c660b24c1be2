// A technician looks at what is on the air: a list that lives, costs little, and ends.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Testing
@testable import Ledger

@Suite struct BluetoothScanTests {
  private func kernel(_ devices: [Peripheral]) -> Kernel {
    let kernel = Kernel(devices)
    kernel.pass(100)
    return kernel
  }

  private func found(_ kernel: Kernel, _ connection: UInt64) -> [JSONValue] {
    kernel.notices.filter { $0.connection == connection && $0.method == "scan" }.map(\.value)
      .filter { $0["event"]?.string == "found" }
  }

  @Test func whatIsHeardIsNamedAndClaimed() {
    let kernel = kernel([Peripheral.cuff(), Peripheral("Coffee Machine", address: "F0:00:00:00:00:09", [])])
    kernel.ask(.scan(seconds: 5))
    for place in 0..<2 { kernel.appear(place, for: 3000) }
    kernel.pass(3000)
    let cuff = found(kernel, 7).last { $0["name"]?.string == "Lab Cuff" }
    #expect(cuff?["driver"]?.string == "blood-pressure")
    #expect(cuff?["supported"]?.bool == true)
    #expect(cuff?["known"]?.string == nil)
    #expect(cuff?["rssi"]?.int == -50)
    let machine = found(kernel, 7).last { $0["name"]?.string == "Coffee Machine" }
    #expect(machine?["supported"]?.bool == false)
  }

  @Test func aDeviceIsToldOnceASecondHoweverOftenItIsHeard() {
    let kernel = kernel([Peripheral.cuff()])
    kernel.ask(.scan(seconds: 30))
    kernel.appear(0, for: 10_000)
    kernel.pass(10_000)
    #expect((9...11).contains(found(kernel, 7).count))
  }

  @Test func aScanEndsByItselfAndTheKernelSearchesNoMore() {
    let kernel = kernel([Peripheral.cuff()])
    kernel.ask(.scan(seconds: 25))
    kernel.pass(24_000)
    // The kernel searches in bouts; the next begins at once.
    #expect(kernel.commands.filter { $0 == "Start Discovery" }.count == 3)
    #expect(kernel.controllers[0]?.isDiscovering == true)
    kernel.pass(2000)
    #expect(kernel.notices.last?.value["event"]?.string == "ended")
    #expect(kernel.controllers[0]?.isDiscovering == false)
    kernel.appear(0, for: 5000)
    kernel.notices = []
    kernel.pass(60_000)
    #expect(kernel.notices.isEmpty)
    #expect(kernel.controllers[0]?.isDiscovering == false)
  }

  @Test func aTechnicianWhoLeavesEndsTheScanOfNobodyElse() {
    let kernel = kernel([Peripheral.cuff()])
    kernel.ask(.scan(seconds: 60), connection: 7)
    kernel.ask(.scan(seconds: 60), connection: 8)
    kernel.pass(1000)
    kernel.send(.callerGone(connection: 7))
    kernel.pass(100)
    #expect(kernel.controllers[0]?.isDiscovering == true)
    kernel.send(.callerGone(connection: 8))
    kernel.pass(100)
    #expect(kernel.controllers[0]?.isDiscovering == false)
  }

  @Test func aScanGoesOnAfterAPairing() {
    let kernel = kernel([Peripheral.cuff(), Peripheral.scale()])
    kernel.ask(.scan(seconds: 120), connection: 8)
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["device"]?.string == "blood-pressure")
    kernel.notices = []
    kernel.pass(1000)
    kernel.appear(1, for: 5000)
    kernel.pass(3000)
    #expect(found(kernel, 8).contains { $0["name"]?.string == "Lab Scale" })
  }

  @Test func aScanThatBeginsBesideAPairingWaitsForItsEnd() {
    let kernel = kernel([Peripheral.cuff()])
    kernel.air[0].pairing = .passkeyOnHub(1)
    kernel.pair(0)
    kernel.commands = []
    kernel.ask(.scan(seconds: 60), connection: 8)
    kernel.pass(12_000)
    #expect(!kernel.commands.contains("Start Discovery"))
    kernel.ask(.pairAnswer("000001"))
    kernel.pass(1000)
    #expect(kernel.commands.contains("Start Discovery"))
  }

  @Test func aSearchThatTheKernelRefusesIsAskedForAgain() {
    let kernel = kernel([Peripheral.cuff()])
    kernel.controllers[0]?.isDiscovering = true
    kernel.ask(.scan(seconds: 60))
    kernel.pass(100)
    kernel.controllers[0]?.isDiscovering = false
    kernel.appear(0, for: 5000)
    kernel.pass(3000)
    #expect(!found(kernel, 7).isEmpty)
  }

  @Test func aScanSurvivesAReset() {
    let kernel = kernel([Peripheral.cuff()])
    kernel.ask(.scan(seconds: 60))
    kernel.pass(1000)
    kernel.powerOff(0)
    kernel.pass(2000)
    kernel.appear(0, for: 5000)
    kernel.notices = []
    kernel.pass(3000)
    #expect(!found(kernel, 7).isEmpty)
  }

  @Test func nobodyLooksAndUnknownDevicesCostNothing() {
    let kernel = pairedKernel()
    let stranger = PeerAddress(bits: 0x5A00_0000_0066, kind: .randomLE)
    let data = Peripheral.scale().advertisement
    kernel.tell(0, 0x0012, Kernel.wire(stranger) + [0xCE, 0, 0, 0, 0, UInt8(data.count), 0] + data)
    kernel.done = []
    kernel.pass(10)
    #expect(kernel.done.isEmpty)
  }
}
