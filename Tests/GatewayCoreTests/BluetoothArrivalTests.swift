// When ATT sockets are opened and closed: kernels were seen that die when a socket is closed after its link ended. The simulated kernel
// notes each link that the hub itself ends before its socket (`Kernel.willEnd`), in all tests.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Settings
import Testing
@testable import Ledger

@Suite struct BluetoothArrivalTests {
  private static let faulty = KernelRelease(
    release: "6.1.0-57-amd64", build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26)")
  private static let good = KernelRelease(
    release: "6.12.118+deb13-amd64", build: "#1 SMP Debian 6.12.118-1 (2026-11-27)")

  /// A hub with a paired cuff that is silent.
  private func paired(_ release: KernelRelease?) -> Kernel {
    let kernel = Kernel([Peripheral.cuff()], release: release)
    kernel.pass(100)
    kernel.pair(0) { $0.id = "cuff" }
    kernel.onAirUntil[0] = 0
    kernel.pass(120_000)
    kernel.commands = []
    kernel.done = []
    return kernel
  }

  /// What was done about links and power, in order.
  private func steps(_ kernel: Kernel) -> [String] {
    kernel.done.compactMap { effect in
      switch effect {
      case .openLink: "open"
      case .close: "close"
      case .manage(let packet) where packet[0] == 0x05: packet[6] == 0 ? "off" : "on"
      default: nil
      }
    }
  }

  @Test func aLinkThatComesWhileTheControllerIsResetIsClosedBeforeTheControllerIsSwitchedOff() {
    let kernel = paired(nil)
    // The kernel resets the controller and connects by itself, from its own list, before the hub has begun to bring it up.
    kernel.powerOff(0)
    kernel.pass(10)
    kernel.controllers[0]?.settings |= 1
    kernel.controllers[0]?.list = [Kernel.cuffAddress: 2]
    let value = kernel.measure(for: 10_000)
    kernel.pass(8000)
    #expect(Array(steps(kernel).prefix(3)) == ["off", "on", "open"])
    #expect(kernel.stored[value] == 1)
  }

  @Test func anOpenLinkIsClosedBeforeItsControllerIsSwitchedOff() {
    let kernel = paired(nil)
    let value = kernel.measure(for: 60_000)
    kernel.disk = .holds
    kernel.pass(1000)
    #expect(kernel.links[0]?.isOpen == true)
    // The management socket is opened anew: the controller is brought up from the beginning.
    kernel.done = []
    kernel.send(.bluetoothOpened)
    kernel.disk = .takes(after: 0)
    kernel.pass(8000)
    #expect(Array(steps(kernel).prefix(4)) == ["close", "off", "on", "open"])
    #expect(kernel.stored[value] == 1)
  }

  @Test func aFaultyKernelGetsNoSocketBeforeTheLinkHasProvedItself() throws {
    for (release, wait) in [(BluetoothArrivalTests.faulty, Int64(400)), (BluetoothArrivalTests.good, 0)] {
      let kernel = paired(release)
      _ = kernel.measure()
      var connectedAt: Int64?
      var openedAt: Int64?
      for _ in 0..<800 where openedAt == nil {
        kernel.pass(1)
        if connectedAt == nil, !kernel.hub.gateway.bluetooth.arrivals.isEmpty { connectedAt = kernel.hub.time }
        if steps(kernel).contains("open") { openedAt = kernel.hub.time }
      }
      let opened = try #require(openedAt)
      #expect(opened - (connectedAt ?? opened) == wait, "\(release.text)")
      kernel.pass(8000)
      #expect(kernel.stored.count == 1)
    }
  }

  @Test func aLinkThatEndsBeforeItProvedItselfNeverHasASocket() {
    let kernel = paired(BluetoothArrivalTests.faulty)
    let value = kernel.measure(for: 20_000)
    for _ in 0..<800 where kernel.hub.gateway.bluetooth.arrivals.isEmpty { kernel.pass(1) }
    #expect(kernel.hub.gateway.bluetooth.arrivals["cuff"] != nil)
    kernel.onAirUntil[0] = 0
    kernel.drop(0, reason: 0)
    kernel.pass(2000)
    #expect(steps(kernel).isEmpty)
    #expect(kernel.hub.gateway.bluetooth.arrivals.isEmpty)
    kernel.appear(0, for: 10_000)
    kernel.pass(8000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func theDoctorNamesAFaultyKernel() {
    func check(_ release: KernelRelease?) -> JSONValue? {
      let kernel = Kernel([], release: release)
      kernel.pass(100)
      return kernel.result(kernel.ask(.doctor))?["checks"]?.array?.first { $0["id"]?.string == "bluetooth-kernel" }
    }
    let faulty = check(BluetoothArrivalTests.faulty)
    #expect(faulty?["state"]?.string == "warning")
    #expect(faulty?["message"]?.string?.contains("6.1.0-57-amd64 (6.1.192)") == true)
    #expect(faulty?["hint"]?.string?.contains("Operate") == true)
    #expect(check(BluetoothArrivalTests.good) == nil)
    #expect(check(nil) == nil)
  }
}
