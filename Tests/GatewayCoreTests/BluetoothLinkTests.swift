// Links over the air: caught in seconds, heard only with their keys, confirmed only from disk, given back when silent.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Octets
import Readings
import Testing
@testable import Ledger

@Suite struct BluetoothLinkTests {
  @Test func aCuffOnTheAirForTwoSecondsAfterAnHourIsCaught() {
    let kernel = pairedKernel()
    kernel.pass(3_600_000)
    let value = kernel.measure(for: 2000)
    let start = kernel.hub.time
    kernel.pass(2000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.air[0].confirmed == [value])
    #expect((kernel.storedAt[value] ?? .max) - start < 1000)
    kernel.pass(3000)
    #expect(kernel.device("cuff")?["missed_contacts"]?.int == 0)
    #expect(kernel.device("cuff")?["state"]?.string == "waiting")
  }

  @Test func threeDevicesAtOnceAreAllCaught() {
    let kernel = Kernel([Peripheral.cuff(), Peripheral.scale(), Peripheral.thermometer()])
    kernel.pass(100)
    for place in 0..<3 {
      kernel.pair(place)
      kernel.onAirUntil[place] = 0
      kernel.pass(100_000)
    }
    let values = [
      Peripheral.bloodPressure(130, at: kernel.seconds), Peripheral.weight(14_000, at: kernel.seconds),
      Peripheral.temperature(371, at: kernel.seconds),
    ]
    for place in 0..<3 {
      kernel.air[place].measure(values[place])
      kernel.appear(place, for: 3000)
    }
    kernel.pass(3000)
    #expect(values.map { kernel.stored[$0] } == [1, 1, 1])
    #expect(
      kernel.hub.readings.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [
        .bloodPressure, .bodyTemperature, .bodyWeight,
      ])
  }

  @Test func severalRecordsComeOneByOne() {
    let kernel = pairedKernel()
    let values = (0..<20).map { Peripheral.bloodPressure(UInt8(100 + $0), at: kernel.seconds - 7200 + Int64($0) * 60) }
    for value in values { kernel.air[0].measure(value) }
    kernel.disk = .takes(after: 30)
    kernel.appear(0, for: 5000)
    kernel.pass(10_000)
    #expect(kernel.air[0].confirmed == values)
    #expect(values.allSatisfy { kernel.stored[$0] == 1 })
    #expect(kernel.violations.isEmpty)
  }

  @Test func theConfirmationGoesOutWhenTheDiskHasIt() {
    let kernel = pairedKernel()
    kernel.disk = .holds
    let value = kernel.measure()
    kernel.pass(3000)
    #expect(kernel.air[0].unconfirmed == value)
    kernel.disk = .takes(after: 0)
    kernel.pass(100)
    #expect(kernel.air[0].confirmed == [value])
  }

  @Test func aRefusingDiskConfirmsNothingAndEndsTheLink() {
    let kernel = pairedKernel()
    kernel.disk = .refuses
    let value = kernel.measure(for: 60_000)
    kernel.pass(60_000)
    #expect(kernel.air[0].confirmed.isEmpty)
    #expect(kernel.logs.filter { $0.level == .error }.count == 1)
    // It is asked again, but not in a race.
    #expect((2...20).contains(kernel.nextLink))
    kernel.disk = .takes(after: 0)
    kernel.pass(60_000)
    kernel.appear(0, for: 5000)
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.air[0].confirmed == [value])
  }

  @Test func aLinkCutInMidTransferIsTakenUpAgain() {
    for pdus in 0..<12 {
      let kernel = pairedKernel()
      let values = (0..<3).map { Peripheral.bloodPressure(UInt8(100 + $0), at: kernel.seconds - 600 + Int64($0)) }
      for value in values { kernel.air[0].measure(value) }
      kernel.cuts[0] = pdus
      kernel.appear(0, for: 20_000)
      kernel.pass(20_000)
      #expect(values.allSatisfy { kernel.stored[$0] == 1 }, "cut after \(pdus) PDUs")
      #expect(kernel.air[0].confirmed == values, "cut after \(pdus) PDUs")
      #expect(kernel.violations.isEmpty)
    }
  }

  @Test func whatComesBeforeEncryptionCountsWithIt() {
    let kernel = pairedKernel { $0.sendsAtOnce = true }
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    #expect(kernel.air[0].confirmed == [value])
    guard let secured = kernel.done.firstIndex(where: { if case .secure = $0 { true } else { false } }),
      let confirmed = kernel.done.firstIndex(where: { if case .transmit(_, [0x1E]) = $0 { true } else { false } })
    else {
      Issue.record("nothing was secured or confirmed")
      return
    }
    #expect(secured < confirmed)
  }

  @Test func anImpostorWithoutTheKeyIsNotHeard() {
    let kernel = pairedKernel {
      $0.sendsAtOnce = true
      $0.needsEncryption = false
    }
    kernel.air[0].bond = [UInt8](repeating: 0x66, count: 16)
    let value = kernel.measure()
    kernel.pass(10_000)
    #expect(kernel.stored[value] == nil)
    #expect(kernel.air[0].confirmed.isEmpty)
    #expect(!kernel.hub.disk.contains { $0.entry.kind == .problem })
    #expect(kernel.deviceEvents == ["device.needs-pairing"])
  }

  @Test func aBondThatIsProtectedIsUsedSo() {
    let kernel = Kernel([Peripheral.cuff()])
    kernel.air[0].pairing = .passkeyOnHub(7)
    kernel.pass(100)
    kernel.pair(0) { $0.id = "cuff" }
    kernel.ask(.pairAnswer("000007"))
    kernel.pass(120_000)
    kernel.done = []
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
    let levels: [UInt8] = kernel.done.compactMap { if case .secure("cuff", let level) = $0 { level } else { nil } }
    #expect(levels == [3])
  }

  @Test(arguments: [true, false]) func aDeviceReadsTheHubsClock(isSynchronised: Bool) {
    let kernel = pairedKernel { $0.hangsUp = false }
    kernel.hub.isSynchronised = isSynchronised
    kernel.appear(0, for: 5000)
    kernel.pass(2000)
    // Current Time and Local Time Information, by their handles.
    kernel.send(.linkReceived(device: "cuff", [0x0A, 12, 0]))
    kernel.send(.linkReceived(device: "cuff", [0x0A, 15, 0]))
    kernel.pass(100)
    let answers = kernel.air[0].answers
    if isSynchronised {
      #expect(answers.first?.prefix(8) == [0x0B] + Peripheral.stamp(kernel.seconds - 0).prefix(7))
      #expect(answers.last == [0x0B, 0, 0])
    } else {
      // Never a wrong time.
      #expect(answers == [[0x01, 0x0A, 12, 0, 0x0E], [0x01, 0x0A, 15, 0, 0x0E]])
    }
  }

  @Test func aClockMayBeReadBeforeEncryption() {
    let kernel = pairedKernel { $0.hangsUp = false }
    kernel.appear(0, for: 5000)
    while kernel.links[0]?.isOpen != true { kernel.pass(1) }
    #expect(kernel.links[0]?.level == 1)
    kernel.send(.linkReceived(device: "cuff", [0x0A, 12, 0]))
    kernel.pass(100)
    #expect(kernel.air[0].answers.first?.first == 0x0B)
  }

  @Test func aSilentLinkIsGivenBackAndListedAgainSoon() {
    let kernel = pairedKernel { $0.hangsUp = false }
    kernel.appear(0, for: 600_000)
    kernel.pass(59_000)
    #expect(kernel.device("cuff")?["state"]?.string == "connected")
    kernel.pass(2000)
    #expect(kernel.device("cuff")?["state"]?.string == "waiting")
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    // The second: the pairing brought none either.
    #expect(kernel.device("cuff")?["missed_contacts"]?.int == 2)
    kernel.pass(6000)
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    kernel.pass(2000)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
    // With something to say it is heard at once.
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aDeviceThatSaysWhatIsKnownIsLeftAloneForAWhile() {
    let kernel = pairedKernel { $0.hangsUp = false }
    let value = kernel.measure()
    kernel.pass(30_000)
    #expect(kernel.stored[value] == 1)
    kernel.air[0].measure(value)
    kernel.appear(0, for: 600_000)
    kernel.pass(5000)
    #expect(kernel.device("cuff")?["state"]?.string == "connected")
    kernel.pass(6500)
    // Ten quiet seconds end the link; it brought nothing new.
    #expect(kernel.device("cuff")?["state"]?.string == "waiting")
    #expect(kernel.controllers[0]?.list.isEmpty == true)
    #expect(kernel.device("cuff")?["missed_contacts"]?.int == 0)
    kernel.pass(8000)
    #expect(kernel.controllers[0]?.list == [Kernel.cuffAddress: 2])
    let news = kernel.measure()
    kernel.pass(40_000)
    #expect(kernel.stored[news] == 1 && kernel.stored[value] == 1)
  }

  @Test func aDeviceThatNeverAnswersDoesNotKeepTheOthersFromTheirTurn() {
    let kernel = Kernel([Peripheral.cuff(), Peripheral.scale()])
    kernel.pass(100)
    for place in 0..<2 {
      kernel.pair(place)
      kernel.onAirUntil[place] = 0
      kernel.pass(100_000)
    }
    kernel.air[0].isDeaf = true
    _ = kernel.measure(for: 60_000)
    kernel.pass(2000)
    let weight = Peripheral.weight(15_000, at: kernel.seconds)
    kernel.air[1].measure(weight)
    kernel.appear(1, for: 3000)
    kernel.pass(3000)
    #expect(kernel.stored[weight] == 1)
  }

  @Test func aCuffThatWantsToBeLeftAloneIs() {
    let kernel = Kernel([Peripheral.cuff("A&D_UA-651BLE_0001")])
    kernel.pass(100)
    #expect(kernel.result(kernel.pair(0))?["driver"]?.string == "and-ua651ble")
    kernel.onAirUntil[0] = 0
    kernel.pass(120_000)
    let value = kernel.measure()
    while kernel.links[0]?.level != 2 { kernel.pass(1) }
    kernel.pass(490)
    // The MTU went before the encryption; nothing more until the wait is over.
    #expect(kernel.air[0].heard == 1)
    kernel.pass(1500)
    #expect(kernel.air[0].confirmed == [value])
  }

  @Test func aWeighingThatTheDiskRefusesIsHeldUntilItTakesIt() {
    let kernel = Kernel([Peripheral.advertisingScale()])
    kernel.pass(100)
    kernel.air[0].serviceData = Peripheral.miScale(14_000, at: kernel.seconds)
    kernel.pair(0) { $0.patient = "p-2" }
    kernel.onAirUntil[0] = 0
    kernel.pass(1000)
    kernel.disk = .refuses
    let value = Peripheral.miScale(14_100, at: kernel.seconds)
    kernel.air[0].serviceData = value
    kernel.appear(0, for: 10_000)
    kernel.pass(60_000)
    kernel.disk = .takes(after: 0)
    kernel.pass(10_000)
    #expect(kernel.stored[Array(value.dropFirst(2))] == 1)
  }

  @Test func aRestartInMidTransferLosesAndDoublesNothing() {
    for milliseconds in stride(from: Int64(100), to: 700, by: 20) {
      let kernel = pairedKernel()
      let values = (0..<3).map { Peripheral.bloodPressure(UInt8(100 + $0), at: kernel.seconds - 600 + Int64($0)) }
      for value in values { kernel.air[0].measure(value) }
      kernel.disk = .takes(after: 20)
      kernel.appear(0, for: 60_000)
      kernel.pass(milliseconds)
      kernel.restart()
      kernel.pass(20_000)
      #expect(values.allSatisfy { kernel.stored[$0] == 1 }, "restarted after \(milliseconds) ms")
      #expect(kernel.air[0].confirmed == values, "restarted after \(milliseconds) ms")
      #expect(kernel.violations.isEmpty)
    }
  }
}
