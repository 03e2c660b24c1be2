// A technician pairs: every way in which two sides agree, and every way in which they do not.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Octets
import Readings
import Testing
@testable import Ledger

/// A kernel with one device near it; nothing is paired yet.
private func kernel(_ pairing: Peripheral.Pairing = .justWorks, _ change: (inout Peripheral) -> Void = { _ in })
  -> Kernel
{
  var cuff = Peripheral.cuff()
  cuff.pairing = pairing
  change(&cuff)
  let kernel = Kernel([cuff])
  kernel.pass(100)
  return kernel
}

/// Nothing of a failed pairing stays: no device, no key, no open window, no search.
private func expectNothingStays(_ kernel: Kernel, _ location: SourceLocation = #_sourceLocation) {
  kernel.pass(5000)
  #expect(kernel.result(kernel.ask(.devices))?["devices"]?.array?.isEmpty == true, sourceLocation: location)
  #expect(kernel.controllers[0]?.keys.isEmpty == true, sourceLocation: location)
  #expect(kernel.controllers[0]?.isBondable == false, sourceLocation: location)
  #expect(kernel.controllers[0]?.pairing == nil, sourceLocation: location)
  #expect(kernel.controllers[0]?.list.isEmpty == true, sourceLocation: location)
  #expect(kernel.controllers[0]?.isDiscovering == false, sourceLocation: location)
  // And none comes back after a restart.
  kernel.restart()
  kernel.pass(100)
  #expect(kernel.controllers[0]?.keys.isEmpty == true, sourceLocation: location)
  #expect(kernel.controllers[0]?.list.isEmpty == true, sourceLocation: location)
}

@Suite struct BluetoothPairingTests {
  @Test func aCuffThatJustWorksIsPairedAndItsFirstReadingComesOverTheSameLink() {
    let kernel = kernel()
    let value = kernel.measure()
    let request = kernel.pair(0) { $0.patient = "p-1" }
    #expect(kernel.result(request)?["device"]?.string == "blood-pressure")
    #expect(kernel.result(request)?["bonded"]?.bool == true)
    #expect(kernel.result(request)?["protected"]?.bool == false)
    #expect(kernel.progress == ["searching", "found", "pairing"])
    #expect(kernel.stored[value] == 1)
    #expect(kernel.hub.readings.first?.patient == "p-1")
    #expect(kernel.controllers[0]?.isBondable == false)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
    #expect(kernel.deviceEvents.isEmpty)
  }

  @Test func theWindowIsOpenBeforePairingAndDiscoveryIsOverBeforeItBegins() {
    let kernel = kernel()
    kernel.commands = []
    kernel.pair(0)
    #expect(
      kernel.commands == [
        "Set Bondable 1", "Start Discovery", "Stop Discovery", "Pair Device", "User Confirm Reply", "Set Bondable 0",
        "Add Device",
      ])
  }

  @Test func legacyKeysAreBothKept() {
    let kernel = kernel(.legacy)
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["bonded"]?.bool == true)
    kernel.controllers[0]?.forget()
    kernel.restart()
    kernel.pass(100)
    #expect(kernel.controllers[0]?.keys[Kernel.cuffAddress] == kernel.air[0].bond)
    let text = String(decoding: kernel.hub.keyFile ?? [], as: UTF8.self)
    #expect(text.split(separator: Hex.encode(kernel.air[0].bond ?? [])).count == 3)
  }

  @Test func aPasskeyFromTheDevicesDisplayIsAskedFor() {
    let kernel = kernel(.passkeyOnHub(4711))
    let request = kernel.pair(0)
    #expect(kernel.answer(request) == nil)
    #expect(kernel.prompt?["prompt"]?.string == "passkey")
    #expect(kernel.failure(kernel.ask(.pairAnswer("12"))) == "bad-parameters")
    kernel.ask(.pairAnswer("004 711"))
    kernel.pass(1000)
    #expect(kernel.result(request)?["protected"]?.bool == true)
    #expect(kernel.bondOf("blood-pressure") == "authenticated")
  }

  @Test func theTechnicianMayTakeItsTimeForThePasskey() {
    let kernel = kernel(.passkeyOnHub(4711))
    let value = kernel.measure(for: 120_000)
    let request = kernel.pair(0)
    kernel.pass(100_000)
    kernel.ask(.pairAnswer("004711"))
    kernel.pass(3000)
    #expect(kernel.result(request)?["protected"]?.bool == true)
    // All over the link of the pairing.
    #expect(kernel.nextLink == 1)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aWrongPasskeyLeavesNothingAndTheRightOneHeals() {
    let kernel = kernel(.passkeyOnHub(123_456))
    let request = kernel.pair(0)
    kernel.ask(.pairAnswer("123457"))
    kernel.pass(1000)
    #expect(kernel.failure(request) == "pairing.refused")
    let second = kernel.pair(0)
    kernel.ask(.pairAnswer("123456"))
    kernel.pass(1000)
    #expect(kernel.result(second)?["device"]?.string == "blood-pressure")
  }

  @Test func aPasskeyForTheDeviceIsShown() {
    let kernel = kernel(.passkeyOnDevice(70_007))
    let request = kernel.pair(0)
    #expect(kernel.notices.last { $0.value["event"]?.string == "passkey" }?.value["passkey"]?.string == "070007")
    kernel.pass(6000)
    #expect(kernel.notices.last { $0.value["event"]?.string == "passkey" }?.value["entered"]?.int == 6)
    #expect(kernel.result(request)?["protected"]?.bool == true)
  }

  @Test(arguments: [true, false]) func twoDisplaysAreCompared(isEqual: Bool) {
    let kernel = kernel(.compares(1234))
    let request = kernel.pair(0)
    #expect(kernel.prompt?["value"]?.string == "001234")
    #expect(kernel.failure(kernel.ask(.pairAnswer("perhaps"))) == "bad-parameters")
    kernel.ask(.pairAnswer(isEqual ? "yes" : "no"))
    kernel.pass(1000)
    if isEqual {
      #expect(kernel.result(request)?["protected"]?.bool == true)
    } else {
      #expect(kernel.failure(request) == "pairing.refused")
      expectNothingStays(kernel)
    }
  }

  @Test func theNextTryBeginsOnALinkOfItsOwn() {
    let kernel = kernel(.compares(1234))
    let refused = kernel.pair(0)
    kernel.ask(.pairAnswer("no"))
    kernel.pass(10)
    #expect(kernel.failure(refused) == "pairing.refused")
    // At once, while the kernel still ends the first link.
    kernel.commands = []
    let second = kernel.ask(.pair(PairingWish(address: "F0:00:00:00:00:01")))
    #expect(!kernel.commands.contains("Pair Device"))
    kernel.pass(2000)
    #expect(kernel.nextLink == 2)
    kernel.ask(.pairAnswer("yes"))
    kernel.pass(1000)
    #expect(kernel.result(second)?["protected"]?.bool == true)
  }

  @Test func aScaleWithUsersAsksForSlotAndCode() {
    let kernel = kernel()
    kernel.air = [
      Peripheral(
        "BF720", address: "F0:00:00:00:00:01",
        [
          .init(service: 0x181D, uuid: 0x2A9D, properties: 0x20),
          .init(service: 0x181C, uuid: 0x2A9F, properties: 0x28),
        ])
    ]
    let request = kernel.pair(0) {
      $0.patient = "p-3"
      $0.user = 2
    }
    #expect(kernel.prompt?["prompt"]?.string == "consent-code")
    #expect(!kernel.commands.contains("Pair Device"))
    for text in ["2", "2 10000", "256 1", "two 1"] {
      #expect(kernel.failure(kernel.ask(.pairAnswer(text))) == "bad-parameters")
    }
    kernel.ask(.pairAnswer("2 0520"))
    kernel.pass(5000)
    #expect(kernel.result(request)?["device"]?.string == "beurer-bf720")
    #expect(kernel.device("beurer-bf720")?["patients"]?["2"]?.string == "p-3")
    // Code 520 for slot 2, written to the User Control Point once the link is encrypted.
    let consents = kernel.done.filter {
      if case .transmit(_, let pdu) = $0 { pdu.first == 0x12 && pdu.suffix(4) == [0x02, 2, 0x08, 0x02] } else { false }
    }
    #expect(consents.count == 1)
    #expect(kernel.failure(kernel.ask(.pairAnswer("yes"))) == "bad-parameters")
  }

  @Test func aDeviceThatRefusesLeavesNothing() {
    let kernel = kernel(.refuses)
    #expect(kernel.failure(kernel.pair(0)) == "pairing.refused")
    expectNothingStays(kernel)
  }

  @Test func aDeviceThatKeepsNoKeysIsNotPaired() {
    let kernel = kernel(.keepsNoKeys)
    #expect(kernel.failure(kernel.pair(0)) == "pairing.not-bonded")
    expectNothingStays(kernel)
  }

  @Test func aDeafDeviceIsToldAsSuch() {
    let kernel = kernel { $0.isDeaf = true }
    let request = kernel.pair(0)
    kernel.pass(5000)
    #expect(kernel.failure(request) == "pairing.no-answer")
    expectNothingStays(kernel)
  }

  @Test func aDeviceThatIsNotHeardEndsTheWindowAfterTwoMinutes() {
    let kernel = kernel()
    let request = kernel.ask(.pair(PairingWish(address: "F0:00:00:00:00:01")))
    kernel.pass(119_000)
    #expect(kernel.answer(request) == nil)
    #expect(kernel.controllers[0]?.isBondable == true)
    kernel.pass(2000)
    #expect(kernel.failure(request) == "pairing.not-heard")
    expectNothingStays(kernel)
  }

  @Test func aPairingThatNeverEndsIsEnded() {
    let kernel = kernel(.passkeyOnHub(1))
    let request = kernel.pair(0)
    kernel.pass(120_000)
    #expect(kernel.failure(request) == "pairing.timeout")
    #expect(kernel.commands.contains("Cancel Pair Device"))
    expectNothingStays(kernel)
  }

  @Test func aTechnicianWhoLeavesTakesTheWindowAlong() {
    let kernel = kernel(.passkeyOnHub(1))
    kernel.pair(0)
    kernel.send(.callerGone(connection: 7))
    kernel.pass(100)
    expectNothingStays(kernel)
  }

  @Test func aTechnicianMayCancel() {
    let kernel = kernel()
    let request = kernel.ask(.pair(PairingWish(address: "F0:00:00:00:00:01")))
    kernel.pass(1000)
    kernel.ask(.pairCancel, connection: 8)
    #expect(kernel.failure(request) == "pairing.cancelled")
    expectNothingStays(kernel)
  }

  @Test func anUnknownDeviceIsRefusedByName() {
    let kernel = Kernel([Peripheral("Coffee Machine", address: "F0:00:00:00:00:09", [])])
    kernel.pass(100)
    #expect(kernel.failure(kernel.pair(0)) == "unsupported-device")
    expectNothingStays(kernel)
  }

  @Test func onePairingAtATime() {
    let kernel = kernel(.passkeyOnHub(1))
    kernel.pair(0)
    #expect(kernel.failure(kernel.ask(.pair(PairingWish(address: "F0:00:00:00:00:02")))) == "busy")
  }

  @Test func anUnpluggedControllerEndsThePairing() {
    let kernel = kernel(.passkeyOnHub(1))
    let request = kernel.pair(0)
    kernel.unplug(0)
    kernel.pass(100)
    #expect(kernel.failure(request) != nil)
    kernel.plug(0)
    kernel.pass(100)
    expectNothingStays(kernel)
  }

  @Test(arguments: [false, true]) func aControllerThatIsSwitchedOffEndsThePairing(isSearching: Bool) {
    let kernel = kernel(.passkeyOnHub(1))
    let request =
      isSearching ? kernel.ask(.pair(PairingWish(address: "F0:00:00:00:00:01"))) : kernel.pair(0)
    kernel.pass(1000)
    kernel.powerOff(0)
    kernel.pass(2000)
    #expect(kernel.failure(request) != nil)
    expectNothingStays(kernel)
  }

  @Test func aDeviceWithAChangingAddressIsKnownByItsIdentity() {
    let kernel = kernel {
      $0.address = PeerAddress(bits: 0x5A01_0203_0405, kind: .randomLE)
      $0.identityKey = [UInt8](1...16)
    }
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["bonded"]?.bool == true)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
    kernel.pass(70_000)
    // It has another address now, and the hub started anew.
    kernel.air[0].address = PeerAddress(bits: 0x6A99_0203_0405, kind: .randomLE)
    kernel.controllers[0]?.forget()
    kernel.restart()
    kernel.pass(100)
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func anotherDevicesRequestInsideTheWindowIsDenied() {
    let kernel = kernel(.passkeyOnHub(1))
    kernel.pair(0)
    kernel.commands = []
    let stranger = PeerAddress(bits: 0xF000_0000_0066, kind: .randomLE)
    kernel.tell(0, 0x000F, Kernel.wire(stranger) + [1, 0, 0, 0, 0])
    kernel.tell(0, 0x0010, Kernel.wire(stranger))
    kernel.pass(10)
    #expect(kernel.commands == ["User Confirm Negative Reply", "User Passkey Negative Reply"])
  }

  @Test func aRequestOutsideAWindowIsDenied() {
    let kernel = pairedKernel()
    kernel.tell(0, 0x000F, Kernel.wire(Kernel.cuffAddress) + [1, 0, 0, 0, 0])
    kernel.tell(0, 0x0010, Kernel.wire(Kernel.cuffAddress))
    kernel.pass(10)
    #expect(kernel.commands == ["User Confirm Negative Reply", "User Passkey Negative Reply"])
  }

  @Test func aStrangersKeysAreNotKept() {
    let kernel = pairedKernel()
    let before = kernel.hub.keyFile
    let stranger = PeerAddress(bits: 0xF000_0000_0066, kind: .randomLE)
    kernel.tell(0, 0x000A, [1] + Kernel.wire(stranger) + [UInt8](repeating: 1, count: 29))
    kernel.tell(0, 0x0018, [1, 0, 0, 0, 0, 0, 0] + Kernel.wire(stranger) + [UInt8](repeating: 1, count: 16))
    kernel.pass(10)
    #expect(kernel.hub.keyFile == before)
  }

  @Test(arguments: [Peripheral.Pairing.justWorks, .refuses, .keepsNoKeys])
  func aStrapBondsWhenItCan(pairing: Peripheral.Pairing) {
    let kernel = kernel()
    kernel.air = [.strap()]
    kernel.air[0].pairing = pairing
    kernel.air[0].needsEncryption = pairing == .justWorks
    kernel.air[0].hangsUp = false
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["driver"]?.string == "heart-rate")
    #expect(kernel.result(request)?["bonded"]?.bool == (pairing == .justWorks))
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
    // Five samples of the same pulse make a reading, over this link or the next.
    for _ in 0..<20 {
      kernel.air[0].measure([0x00, 64])
      kernel.appear(0, for: 2000)
      kernel.pass(1000)
    }
    #expect(kernel.hub.readings.first?.kind == .heartRate)
  }

  @Test func aStrapWhosePasskeyWasWrongKnowsPairing() {
    let kernel = kernel()
    kernel.air = [.strap()]
    kernel.air[0].pairing = .passkeyOnHub(1)
    let request = kernel.pair(0)
    kernel.ask(.pairAnswer("000002"))
    kernel.pass(1000)
    #expect(kernel.failure(request) == "pairing.refused")
    expectNothingStays(kernel)
  }

  @Test func aDeviceThatCannotBondIsBoundToItsAddress() {
    let kernel = kernel()
    kernel.air = [
      Peripheral("PO60", address: "F0:00:00:00:00:01", [.init(service: 0xFF12, uuid: 0xFF02, properties: 0x10)])
    ]
    kernel.air[0].needsEncryption = false
    let request = kernel.pair(0) { $0.driver = "beurer-po60" }
    #expect(kernel.result(request)?["bonded"]?.bool == false)
    kernel.pass(3000)
    #expect(kernel.done.count { if case .transmit = $0 { true } else { false } } > 3)
    #expect(!kernel.done.contains { if case .secure = $0 { true } else { false } })
    #expect(!kernel.commands.contains("Pair Device"))
    #expect(kernel.controllers[0]?.isBondable == false)
  }

  @Test func aScaleThatOnlyAdvertisesIsHeardWithoutALink() {
    let kernel = Kernel([Peripheral.advertisingScale()])
    kernel.pass(100)
    let value = Peripheral.miScale(14_000, at: kernel.seconds)
    kernel.air[0].serviceData = value
    let request = kernel.pair(0) { $0.patient = "p-2" }
    #expect(kernel.result(request)?["driver"]?.string == "mi-scale-1")
    #expect(kernel.controllers[0]?.list == [kernel.air[0].identity: 0])
    kernel.pass(3000)
    #expect(kernel.stored[Array(value.dropFirst(2))] == 1)
    // The next weighing.
    let next = Peripheral.miScale(14_100, at: kernel.seconds)
    kernel.air[0].serviceData = next
    kernel.ask(.capture(device: "mi-scale-1"), connection: 9)
    kernel.appear(0, for: 3000)
    kernel.pass(3000)
    #expect(kernel.stored[Array(next.dropFirst(2))] == 1)
    let recorded = kernel.notices.first { $0.connection == 9 && $0.method == "capture" }?.value
    #expect(recorded?["source"]?.string == "adv/181D")
    #expect(recorded?["hex"]?.string == Hex.encode(next.dropFirst(2)))
    #expect(kernel.hub.readings.allSatisfy { $0.patient == "p-2" })
  }
}

extension Kernel {
  func bondOf(_ id: String) -> String? { device(id)?["bond"]?.string }
}
