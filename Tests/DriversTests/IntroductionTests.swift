// A device that never told what it is tells that before its first measurement.

@testable import Drivers
import Readings
import Testing

private let weight = CharacteristicID(0x181D, 0x2A9D)
private let model = CharacteristicID(0x180A, 0x2A24)
private let serial = CharacteristicID(0x180A, 0x2A25)
private let battery = CharacteristicID(0x180F, 0x2A19)

@Suite struct IntroductionTests {
  private func driver(_ id: String, knowsIdentity: Bool) throws -> any Driver {
    var context = DriverContext()
    context.knowsIdentity = knowsIdentity
    return try #require(Registry.profile(id: id)).make(context)
  }

  private func connected(_ list: [(CharacteristicID, UInt8)]) -> DriverInput {
    .connected(list.map { DiscoveredCharacteristic(id: $0.0, properties: $0.1) })
  }

  private func asked(_ actions: [DriverAction]) -> [DriverAction] {
    actions.filter {
      switch $0 {
      case .read, .subscribe: true
      default: false
      }
    }
  }

  @Test func itIsReadBeforeAnythingIsSubscribed() throws {
    var driver = try driver("weight-scale", knowsIdentity: false)
    let parts: [(CharacteristicID, UInt8)] = [(weight, 0x20), (model, 2), (serial, 2), (battery, 2)]
    #expect(asked(driver.handle(connected(parts))) == [.read(model), .read(serial)])
    #expect(asked(driver.handle(.value(model, Array("X".utf8), .read))).isEmpty)
    // One that refuses a question goes on all the same.
    let rest = asked(driver.handle(.readFailed(serial, 0x05)))
    #expect(rest.first == .subscribe(weight, indications: true) && rest.contains(.read(battery)))
    #expect(!rest.contains(.read(model)))
  }

  @Test func aKnownDeviceIsSubscribedFirst() throws {
    var driver = try driver("weight-scale", knowsIdentity: true)
    let actions = asked(driver.handle(connected([(weight, 0x20), (model, 2)])))
    #expect(actions == [.subscribe(weight, indications: true), .read(model)])
  }

  @Test func oneWithoutDeviceInformationIsSubscribedAtOnce() throws {
    var driver = try driver("weight-scale", knowsIdentity: false)
    #expect(asked(driver.handle(connected([(weight, 0x20)]))) == [.subscribe(weight, indications: true)])
  }

  /// A&D hang up after five seconds without subscription and clock.
  @Test func anAAndDHasItsSubscriptionAndClockFirst() throws {
    var driver = try driver("and-ua651ble", knowsIdentity: false)
    let (pressure, clock) = (CharacteristicID(0x1810, 0x2A35), CharacteristicID(0x1810, 0x2A08))
    let actions = asked(driver.handle(connected([(pressure, 0x20), (clock, 0x0A), (model, 2)])))
    #expect(actions == [.subscribe(pressure, indications: true), .read(clock)])
  }
}
