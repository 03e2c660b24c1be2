// How controllers come up and come back: after a start, a reset, an unplug, a block, and beside another program.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Settings
import Testing
@testable import Ledger

/// A kernel with one paired cuff that the hub calls "cuff" and that is "p-1"'s.
func pairedKernel(_ change: (inout Peripheral) -> Void = { _ in }) -> Kernel {
  var cuff = Peripheral.cuff()
  change(&cuff)
  let kernel = Kernel([cuff])
  kernel.pass(100)
  kernel.pair(0) {
    $0.id = "cuff"
    $0.patient = "p-1"
  }
  // It switches itself off.
  kernel.onAirUntil[0] = 0
  kernel.pass(120_000)
  kernel.commands = []
  kernel.done = []
  kernel.logs = []
  kernel.answers = []
  kernel.notices = []
  return kernel
}

extension Kernel {
  /// The address of the simulated cuff.
  static let cuffAddress = Peripheral.cuff().identity

  /// A measurement, and the device on the air for five seconds.
  func measure(_ place: Int = 0, systolic: UInt8 = 128, for milliseconds: Int64 = 5000) -> [UInt8] {
    let value = Peripheral.bloodPressure(systolic, at: seconds)
    air[place].measure(value)
    appear(place, for: milliseconds)
    return value
  }

  /// The bond that a technician sees.
  var bondOfCuff: String? { device("cuff")?["bond"]?.string }

  /// The code of what is wrong with Bluetooth, or `ready`.
  var bluetoothState: String? {
    let request = ask(.status)
    return result(request)?["bluetooth"]?["state"]?.string
  }
}

@Suite struct BluetoothStartTests {
  @Test func settingsAndKeysStandBeforePower() {
    let kernel = Kernel([])
    kernel.pass(100)
    #expect(
      kernel.commands == [
        "Read Index List", "Read Info", "Set LE 1", "Set Secure Connections 1", "Set Bondable 0", "Load IRKs",
        "Load Long Term Keys", "Load Connection Parameters", "Set Powered 1", "Set IO Capability", "Remove Device",
      ])
    #expect(kernel.bluetoothState == "ready")
  }

  @Test func aControllerThatChangesItsAddressIsMadeToKeepIt() {
    let kernel = Kernel([])
    kernel.controllers[0]?.settings = 1 | 1 << 9 | 1 << 11 | 1 << 13
    kernel.pass(100)
    #expect(
      kernel.commands.prefix(5) == ["Read Index List", "Read Info", "Set Powered 0", "Set Privacy 0", "Set Bondable 0"])
    #expect(kernel.bluetoothState == "ready")
  }

  @Test func aRestartLoadsTheKeysAndTheListFromDisk() {
    let kernel = pairedKernel()
    kernel.controllers[0]?.forget()
    kernel.restart()
    kernel.pass(100)
    #expect(kernel.controllers[0]?.keys[Kernel.cuffAddress] == kernel.air[0].bond)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aResetLoadsKeysAndListAgain() {
    let kernel = pairedKernel()
    kernel.powerOff(0)
    kernel.pass(1100)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.bondOfCuff == "encrypted")
  }

  @Test func anUnpluggedControllerComesBack() {
    let kernel = pairedKernel()
    kernel.unplug(0)
    kernel.pass(10)
    #expect(kernel.bluetoothState == "bluetooth.absent")
    kernel.pass(3_600_000)
    kernel.plug(0)
    kernel.pass(100)
    #expect(kernel.bluetoothState == "ready")
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aControllerThatIsUnpluggedInMidTransferLosesNothing() {
    let kernel = pairedKernel()
    let value = kernel.measure()
    kernel.disk = .holds
    kernel.pass(1000)
    kernel.unplug(0)
    kernel.pass(100)
    kernel.disk = .takes(after: 0)
    kernel.plug(0)
    kernel.pass(1000)
    kernel.appear(0, for: 5000)
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.air[0].confirmed == [value])
  }

  @Test func aBondBelongsToOneOfTwoControllers() {
    let kernel = Kernel([Peripheral.cuff(), Peripheral.scale()], controllers: 2)
    kernel.pass(100)
    kernel.pair(0) { $0.id = "cuff" }
    kernel.pass(70_000)
    #expect(kernel.controllers[0]?.list.count == 1)
    #expect(kernel.controllers[1]?.list.isEmpty == true)
    // The first is pulled out: the second is there for new devices.
    kernel.unplug(0)
    kernel.pass(100)
    #expect(kernel.result(kernel.pair(1))?["device"]?.string == "weight-scale")
    #expect(kernel.controllers[1]?.list == [kernel.air[1].identity: 2])
    kernel.plug(0)
    kernel.pass(100)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
  }

  @Test func onlyTheConfiguredControllerIsUsed() {
    var configuration = Configuration()
    configuration.bluetooth.controller = PeerAddress("00:1B:DC:07:32:01", kind: .publicLE)
    let kernel = Kernel([], controllers: 2, configuration: configuration)
    kernel.pass(100)
    #expect(kernel.controllers[0]?.isPowered == false)
    #expect(kernel.controllers[1]?.isPowered == true)
  }

  @Test func aBlockedRadioIsToldAndTriedAgain() {
    let kernel = pairedKernel()
    kernel.controllers[0]?.isBlocked = true
    kernel.powerOff(0)
    kernel.pass(1100)
    #expect(kernel.bluetoothState == "bluetooth.blocked")
    kernel.pass(600_000)
    // Once for the loss, once for the block, however often it is tried.
    #expect(kernel.logs.filter { $0.text.hasPrefix("bluetooth.") }.count == 2)
    kernel.controllers[0]?.isBlocked = false
    kernel.pass(31_000)
    #expect(kernel.bluetoothState == "ready")
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aMissingCapabilityIsTold() {
    let kernel = Kernel([Peripheral.cuff()])
    kernel.isPermitted = false
    kernel.pass(100)
    #expect(kernel.bluetoothState == "bluetooth.not-permitted")
    let request = kernel.ask(.pair(PairingWish(address: "F0:00:00:00:00:01")))
    #expect(kernel.failure(request) == "bluetooth.not-permitted")
  }

  @Test func aControllerWithoutLowEnergyIsUnsuitable() {
    let kernel = Kernel([])
    kernel.controllers[0]?.supported = 1
    kernel.pass(100)
    #expect(kernel.bluetoothState == "bluetooth.unsuitable")
  }

  @Test func besideAnotherDaemonTheDoorStaysClosed() {
    let kernel = pairedKernel()
    kernel.otherDaemon = true
    // It puts a device of its own on the kernel's list.
    kernel.tell(0, 0x001A, Kernel.wire(Kernel.cuffAddress) + [2])
    kernel.pass(10)
    #expect(!kernel.isDoorOpen)
    #expect(kernel.bluetoothState == "bluetooth.shared")
    kernel.pass(300_000)
    #expect(!kernel.isDoorOpen)
    #expect(kernel.logs.filter { $0.text.hasPrefix("bluetooth.shared") }.count == 1)
    kernel.otherDaemon = false
    kernel.pass(31_000)
    #expect(kernel.isDoorOpen)
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aDeviceThatIsTakenOffTheListIsNoticedToo() {
    let kernel = pairedKernel()
    kernel.controllers[0]?.list = [:]
    kernel.tell(0, 0x001B, Kernel.wire(Kernel.cuffAddress))
    kernel.pass(3000)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
  }

  @Test func whoIgnoresOtherDaemonsGoesOn() {
    var configuration = Configuration()
    configuration.bluetooth.ignoresOtherDaemons = true
    let kernel = Kernel([], configuration: configuration)
    kernel.otherDaemon = true
    kernel.pass(100)
    kernel.tell(0, 0x001B, [UInt8](repeating: 0, count: 7))
    kernel.pass(100)
    #expect(kernel.bluetoothState == "ready")
  }

  @Test func theKernelConnectsToNobodyAfterAStop() {
    let kernel = pairedKernel()
    kernel.send(.stopRequested)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
  }
}
