// Bonds over the years: lost on the other side, made anew, let go, refused by the disk; and where keys and addresses may stand.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Octets
import Readings
import Testing
@testable import Ledger

@Suite struct BluetoothBondTests {
  @Test func aLostBondIsToldOnceAndNotTriedInALoop() {
    let kernel = pairedKernel()
    kernel.air[0].bond = nil
    let value = kernel.measure(for: 600_000)
    kernel.pass(600_000)
    #expect(kernel.bondOfCuff == "needs-pairing")
    #expect(kernel.deviceEvents == ["device.needs-pairing"])
    #expect(kernel.logs.filter { $0.text.contains("pair it again") }.count == 1)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    #expect(kernel.nextLink <= 3)
    #expect(kernel.stored[value] == nil)
    let problems = kernel.result(kernel.ask(.status))?["problems"]?.array ?? []
    #expect(problems.contains { $0["code"]?.string == "device.needs-pairing" })
  }

  @Test func pairingAnewHealsAndKeepsIdAndPatient() {
    let kernel = pairedKernel()
    kernel.air[0].bond = nil
    let value = kernel.measure(for: 20_000)
    kernel.pass(30_000)
    let old = kernel.controllers[0]?.keys[Kernel.cuffAddress]
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["device"]?.string == "cuff")
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.hub.readings.last?.patient == "p-1")
    #expect(kernel.bondOfCuff == "encrypted")
    #expect(kernel.controllers[0]?.keys[Kernel.cuffAddress] != old)
    #expect(kernel.result(kernel.ask(.devices))?["devices"]?.array?.count == 1)
  }

  @Test func aDeviceMayBePairedAnewWhileItIsConnected() {
    let kernel = pairedKernel { $0.hangsUp = false }
    kernel.appear(0, for: 60_000)
    kernel.pass(1000)
    #expect(kernel.device("cuff")?["state"]?.string == "connected")
    let request = kernel.pair(0)
    kernel.pass(3000)
    #expect(kernel.result(request)?["device"]?.string == "cuff")
    #expect(kernel.controllers[0]?.keys[Kernel.cuffAddress] == kernel.air[0].bond)
  }

  @Test func aPairingAnewThatFailsLeavesADeviceThatNeedsIt() {
    let kernel = pairedKernel()
    kernel.air[0].pairing = .refuses
    #expect(kernel.failure(kernel.pair(0)) == "pairing.refused")
    #expect(kernel.bondOfCuff == "needs-pairing")
    kernel.pass(60_000)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    kernel.air[0].pairing = .justWorks
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["device"]?.string == "cuff")
    #expect(kernel.device("cuff")?["patients"]?["*"]?.string == "p-1")
  }

  @Test func aDeviceThatForgotItsIdentityKeyIsStillTheSame() {
    let kernel = pairedKernel {
      $0.address = PeerAddress(bits: 0x5A01_0203_0405, kind: .randomLE)
      $0.identityKey = [UInt8](1...16)
    }
    // New batteries: it makes new keys, and is heard under an address that no key resolves.
    kernel.air[0].bond = nil
    kernel.air[0].identityKey = [UInt8](2...17)
    kernel.air[0].address = PeerAddress(bits: 0x6A99_0203_0405, kind: .randomLE)
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["device"]?.string == "cuff")
    kernel.onAirUntil[0] = 0
    kernel.pass(10_000)
    let devices = kernel.result(kernel.ask(.devices))?["devices"]?.array ?? []
    #expect(devices.map { $0["id"]?.string } == ["cuff"])
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.hub.readings.last?.patient == "p-1")
  }

  @Test func unpairingForgetsDeviceAndKeys() {
    let kernel = pairedKernel()
    #expect(kernel.result(kernel.ask(.unpair(device: "cuff")))?["unpaired"]?.string == "cuff")
    kernel.pass(3000)
    #expect(kernel.controllers[0]?.keys.isEmpty == true)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    #expect(String(decoding: kernel.hub.keyFile ?? [], as: UTF8.self).contains("long_term_keys\":[]"))
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == nil)
    kernel.restart()
    kernel.pass(100)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    #expect(kernel.failure(kernel.ask(.unpair(device: "cuff"))) == "not-found")
  }

  /// Whoever gets the name next is another device, with other people.
  @Test func unpairingForgetsWhoseTheSlotsWere() {
    let kernel = pairedKernel()
    var bindings: String { "\(kernel.hub.gateway.turn.ledger.durable.bindings)" }
    // All of it is the first patient's since its pairing; a slot alone is not given away.
    #expect(
      kernel.failure(kernel.ask(.assignSlot(device: "cuff", user: 2, patient: "p-2"))) == "device.patient-configured")
    kernel.ask(.assignSlot(device: "cuff", user: nil, patient: "p-2"))
    kernel.pass(100)
    #expect(kernel.device("cuff")?["patients"]?["*"]?.string == "p-2")
    kernel.disk = .refuses
    #expect(kernel.failure(kernel.ask(.unpair(device: "cuff"))) == "journal.full")
    kernel.disk = .takes(after: 0)
    kernel.pass(3000)
    #expect(kernel.bondOfCuff == "encrypted" && kernel.device("cuff")?["patients"]?["*"]?.string == "p-2")
    kernel.ask(.unpair(device: "cuff"))
    kernel.pass(100)
    #expect(!bindings.contains("p-2"))
  }

  @Test func unpairingEndsALinkThatIsUp() {
    let kernel = pairedKernel { $0.hangsUp = false }
    kernel.appear(0, for: 60_000)
    kernel.pass(1000)
    kernel.ask(.unpair(device: "cuff"))
    kernel.pass(1000)
    #expect(kernel.links.isEmpty)
  }

  @Test func anUnpairingThatTheDiskRefusesCanBeRepeated() {
    let kernel = pairedKernel()
    kernel.disk = .refuses
    #expect(kernel.failure(kernel.ask(.unpair(device: "cuff"))) == "journal.full")
    kernel.disk = .takes(after: 0)
    kernel.pass(3000)
    #expect(kernel.bondOfCuff == "encrypted")
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.result(kernel.ask(.unpair(device: "cuff"))) != nil)
    kernel.pass(3000)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
  }

  @Test(arguments: ["state.write-failed", "journal.full"]) func whatTheDiskDoesNotKeepIsNotPaired(code: String) {
    let kernel = Kernel([Peripheral.cuff()])
    kernel.pass(100)
    // The file of keys comes first, then the record of the device.
    if code == "journal.full" { kernel.disk = .refuses } else { kernel.hub.refusesKeys = true }
    let request = kernel.pair(0)
    #expect(kernel.failure(request) == code)
    kernel.disk = .takes(after: 0)
    kernel.pass(5000)
    #expect(kernel.result(kernel.ask(.devices))?["devices"]?.array?.isEmpty == true)
    #expect(kernel.controllers[0]?.isBondable == false)
    #expect(kernel.controllers[0]?.keys.isEmpty == true)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    // The disk is well again: nothing of the failed pairing comes back, and the next one succeeds.
    kernel.hub.refusesKeys = false
    kernel.pass(6000)
    #expect(!String(decoding: kernel.hub.keyFile ?? [], as: UTF8.self).contains("next"))
    let second = kernel.pair(0)
    #expect(kernel.result(second)?["device"]?.string == "blood-pressure")
    kernel.restart()
    kernel.pass(100)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
  }

  @Test func aDeviceThatWasPairedLongAgoOutlivesAFullDisk() {
    let kernel = pairedKernel()
    kernel.hub.refusesKeys = true
    kernel.pass(100)
    #expect(kernel.bondOfCuff == "encrypted")
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aPairingAnewThatTheDiskRefusesNeedsAnother() {
    let kernel = pairedKernel()
    kernel.hub.refusesKeys = true
    #expect(kernel.failure(kernel.pair(0)) == "state.write-failed")
    kernel.pass(5000)
    #expect(kernel.bondOfCuff == "needs-pairing")
    #expect(kernel.controllers[0]?.isBondable == false)
    kernel.hub.refusesKeys = false
    #expect(kernel.result(kernel.pair(0))?["device"]?.string == "cuff")
  }

  @Test func keysAndAddressesStandWhereTheyBelong() {
    let kernel = Kernel([
      Peripheral.cuff(), Peripheral.scale(), Peripheral.advertisingScale(),
      Peripheral("Coffee", address: "F0:00:00:00:00:09", []),
    ])
    kernel.air[0].identityKey = [UInt8](0xA0...0xAF)
    kernel.air[1].pairing = .passkeyOnHub(1)
    kernel.pass(100)
    kernel.ask(.scan(seconds: 60), connection: 9)
    for place in 0..<4 { kernel.pair(place) }
    kernel.ask(.pairAnswer("000001"))
    kernel.pass(5000)
    kernel.pair(1)
    kernel.ask(.pairAnswer("000001"))
    kernel.pass(5000)
    _ = kernel.measure()
    kernel.pass(5000)
    kernel.air[0].bond = nil
    _ = kernel.measure()
    kernel.pass(10_000)
    kernel.powerOff(0)
    kernel.pass(3000)
    for request in [ControlRequest.status, .devices, .doctor] { kernel.ask(request) }
    kernel.ask(.unpair(device: "weight-scale"))
    kernel.pass(1000)
    var secrets = kernel.air.compactMap(\.bond).map(Hex.encode) + [Hex.encode(kernel.air[0].identityKey ?? [])]
    for item in kernel.controllers.values { secrets += item.keys.values.map(Hex.encode) }
    #expect(secrets.count > 2)
    let addresses = kernel.air.map(\.address.description)
    for effect in kernel.done {
      switch effect {
      case .manage, .keep: continue
      default: break
      }
      var text = "\(effect)".lowercased()
      // Secrets are never in the journal.
      if case .append(_, let entries, _) = effect {
        text = entries.map { String(decoding: $0.payload, as: UTF8.self) }.joined().lowercased()
      }
      for secret in secrets { #expect(!text.contains(secret.lowercased())) }
      guard case .log(_, let line) = effect else { continue }
      for address in addresses { #expect(!line.uppercased().contains(address)) }
    }
  }
}
