// A scale gives the weight first and what it measured of the body after it: the weight is confirmed when it is on disk, and from
// then on nothing loses it.

import Drivers
@testable import GatewayCore
import Octets
import Readings
import Settings
import Testing
@testable import Ledger

/// A scale with the Weight Scale and Body Composition services, at ATT level, without a clock.
private enum Scale {
  static let device = DeviceConfiguration(
    id: "scale", driver: "weight-scale", endpoint: .playback(path: "/x"), patient: "p-1")
  private static let characteristics: [(handle: UInt8, uuid: [UInt8])] = [(2, [0x9D, 0x2A]), (6, [0x9C, 0x2A])]

  static func answer(_ pdu: [UInt8]) -> [UInt8]? {
    guard let code = pdu.first else { return nil }
    switch code {
    case 0x02: return [0x03, 0x17, 0x00]
    case 0x10:
      return pdu[1] == 1
        ? [0x11, 6, 1, 0, 4, 0, 0x1D, 0x18, 5, 0, 8, 0, 0x1B, 0x18] : [0x01, 0x10, pdu[1], pdu[2], 0x0A]
    case 0x08:
      let found = characteristics.filter { pdu[1] <= $0.handle && $0.handle <= pdu[3] }
      guard !found.isEmpty else { return [0x01, 0x08, pdu[1], pdu[2], 0x0A] }
      return [0x09, 7] + found.flatMap { [$0.handle, 0, 0x20, $0.handle + 1, 0] + $0.uuid }
    case 0x04:
      let found = [UInt8(4), 8].filter { pdu[1] <= $0 && $0 <= pdu[3] }
      return found.isEmpty ? [0x01, 0x04, pdu[1], pdu[2], 0x0A] : [0x05, 1] + found.flatMap { [$0, 0, 0x02, 0x29] }
    case 0x12: return [0x13]
    default: return nil
    }
  }

  /// 200 a kilogram.
  static func weight(_ kilograms: UInt16) -> [UInt8] {
    let raw = kilograms * 200
    return [0x1D, 3, 0, 0, UInt8(raw & 0xFF), UInt8(raw >> 8)]
  }

  /// 25 % of fat.
  static let composition: [UInt8] = [0x1D, 7, 0, 0, 0, 250, 0]
}

private func hub(disk: [(sequence: UInt64, entry: JournalEntry)] = []) -> Hub {
  Hub(.with([Scale.device, Cuff.device(patient: "p-1")]), disk: disk)
}

extension Hub {
  fileprivate mutating func step(_ pdu: [UInt8]) { send(.linkReceived(device: "scale", pdu)) }

  fileprivate mutating func connectScale() {
    done = []
    send(.linkOpened(device: "scale"))
    var answered = 0
    while case let sent = self.sent(to: "scale"), answered < sent.count {
      if let answer = Scale.answer(sent[answered]) { step(answer) }
      answered += 1
    }
    done = []
  }

  fileprivate mutating func leave() { send(.linkClosed(device: "scale", LinkEnd(code: "peer", message: ""))) }

  fileprivate var weights: [String] {
    readings.flatMap(\.observations).filter { $0.term == .weight }.compactMap {
      if case .value(let value) = $0.value { value.description } else { nil }
    }
  }
}

@Suite struct FragmentTests {
  @Test func aWeightWaitsForTheRestOnDisk() {
    var hub = hub()
    hub.connectScale()
    hub.step(Scale.weight(70))
    #expect(hub.sent(to: "scale").isEmpty)
    hub.sync()
    #expect(hub.sent(to: "scale") == [[0x1E]])
    hub.step(Scale.composition)
    hub.sync()
    #expect(hub.weights == ["70.000"] && hub.readings.count == 1)
    #expect(GatewayCoreTests.hub(disk: hub.disk).readings.count == 1)
  }

  /// The second weight makes the first a reading. It is confirmed, and the power goes.
  @Test func theReadingOfOneWeightLeavesTheNextOnDisk() {
    var hub = hub()
    hub.connectScale()
    for kilograms in [70, 80] as [UInt16] {
      hub.step(Scale.weight(kilograms))
      hub.sync()
    }
    #expect(hub.weights == ["70.000"])
    #expect(hub.sent(to: "scale").count == 2)
    let second = GatewayCoreTests.hub(disk: hub.disk)
    #expect(second.weights == ["70.000", "80.000"])
    // Nobody knows any more when it was: it is not said to be of now.
    #expect(second.readings.last?.takenAt == nil)
    #expect(GatewayCoreTests.hub(disk: second.disk).weights == ["70.000", "80.000"])
  }

  /// What a confirmed weight became is refused by a full disk, and the scale is gone.
  @Test func aReadingThatTheDiskRefusedIsMadeAgainOfItsConfirmedWeight() {
    var hub = hub()
    hub.connectScale()
    hub.step(Scale.weight(70))
    hub.sync()
    hub.step(Scale.composition)
    hub.refuse()
    hub.leave()
    #expect(hub.readings.isEmpty)
    // The disk takes the next reading, of another device.
    Cuff.connect(&hub)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 120)))
    hub.sync()
    #expect(hub.weights == ["70.000"])
    #expect(GatewayCoreTests.hub(disk: hub.disk).weights == ["70.000"])
  }

  /// The link breaks before the disk has the weight; the scale gives it again over the next one.
  @Test func theSameWeightOverTheNextLinkIsNoSecondReading() {
    var hub = hub()
    hub.connectScale()
    hub.step(Scale.weight(70))
    hub.leave()
    hub.time += 3000
    hub.connectScale()
    hub.step(Scale.weight(70))
    hub.leave()
    hub.sync()
    #expect(hub.weights == ["70.000"])
    #expect(GatewayCoreTests.hub(disk: hub.disk).weights == ["70.000"])
  }
}

@Suite struct LateDiskTests {
  /// The disk takes seconds; meanwhile the cuff has come again and says something newer. The answer for the first must not be heard
  /// as one for the second.
  @Test func aConfirmationIsNotSentOverTheNextLink() {
    var hub = Hub(.with([Cuff.device(patient: "p-1")])).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 120)))
    hub.send(.linkClosed(device: "cuff", LinkEnd(code: "peer", message: "")))
    Cuff.connect(&hub)
    hub.done = []
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 130, second: 9)))
    let second = hub.waiting.removeLast()
    hub.sync()
    #expect(hub.readings.count == 1 && hub.sent(to: "cuff").isEmpty)
    hub.waiting.append(second)
    hub.sync()
    #expect(hub.readings.count == 2 && hub.sent(to: "cuff") == [[0x1E]])
  }

  /// The first thing that is written after a start fails: the backlog is asked for all the same.
  @Test func aSnapshotThatFailsAtTheStartStopsNothing() {
    let configuration = Configuration.with(
      [Cuff.device(patient: "p-1")],
      backends: [
        BackendConfiguration(name: "a", kind: .directory(path: "/a"), maximumReadings: 8, maximumBytes: 1 << 20)
      ])
    var first = Hub(configuration).listening()
    first.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 120)))
    first.sync()
    let second = Hub(configuration, disk: first.disk, isDiskGood: false)
    #expect(second.done.contains { if case .fetch(let request) = $0 { request.backend == "a" } else { false } })
  }
}
