// What a device told about itself is kept: its readings name it also after a start, before it tells it again.

import BluetoothManagement
import Drivers
@testable import GatewayCore
import Octets
import Readings
import Settings
import Testing
@testable import Ledger

private let scale = DeviceConfiguration(
  id: "scale", driver: "tanita-csv", endpoint: .serial(path: "/dev/x"), patient: "p-1")

/// A result of a Tanita SC-240 with its check value.
private func measured(serial: String) -> [UInt8] {
  let text =
    "{0,16,~0,1,~1,1,~2,1,MO,\"SC-240\",SN,\"\(serial)\",Bt,0,GE,1,AG,30,Hm,170,Pt,0.0,Wk,82.7,FW,18.6,fW,15.4,MW,67.3,"
    + "mW,64.0,sW,19,bW,3.3,wW,48.0,ww,58.0,MI,28.6,Sw,63.6,OV,30.0,IF,6,rb,8255,rB,1973,rJ,12,rA,28,ZF,369.4,"
  let sum = text.utf8.reduce(UInt8(0)) { $0 &+ $1 }
  let digits = Hex.encode([sum]).uppercased()
  return Array("\(text)CS,\(digits)\r\n".utf8)
}

extension Hub {
  fileprivate mutating func weigh(serial: String) {
    send(.linkReceived(device: "scale", measured(serial: serial)))
    sync()
    pass(20_000)
    sync()
  }

  fileprivate var identities: [KnownIdentity] {
    disk.compactMap { if case .identity("scale", let known) = $0.entry { known } else { nil } }
  }
}

@Suite struct KnownIdentityTests {
  @Test func whatWasToldIsKeptOverStartsAndSnapshots() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.weigh(serial: "00000002")
    hub.weigh(serial: "00000002")
    #expect(hub.identities.map(\.serial) == ["00000002"] && hub.identities.first?.model == "SC-240")
    #expect(hub.readings.allSatisfy { $0.device.serial == "00000002" })
    let state = hub.gateway.turn.durable
    #expect(state.throughSnapshot.state.register.identities == state.register.identities)
    let later = Hub(.with([scale]), disk: hub.disk)
    #expect(later.gateway.turn.house.devices["scale"]?.identity.serial == "00000002")
  }

  @Test func anotherDeviceUnderTheNameIsKeptAndTold() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.weigh(serial: "00000002")
    func told() -> [String] {
      hub.disk.compactMap { place in
        guard case .event(let event) = place.entry, case .device("scale", let code, let message) = event.content else {
          return nil
        }
        return "\(code): \(message)"
      }.filter { $0.hasPrefix("device.identity-changed") }
    }
    #expect(told().isEmpty)
    hub.weigh(serial: "00000003")
    #expect(hub.identities.map(\.serial) == ["00000002", "00000003"])
    // On a port that is another device, and told as such.
    #expect(
      told().isEmpty
        && hub.events.contains { if case .device(_, "device.changed", _) = $0.content { true } else { false } })
    let (before, now) = (hub.identities.first, hub.identities.last)
    #expect(before.flatMap { now?.changes(from: $0) } == ["serial number"])
    #expect(before.flatMap { before?.changes(from: $0) } == [])
  }

  @Test func aReadingNamesTheDeviceBeforeItTellsAnything() throws {
    let known = KnownIdentity(
      DeviceIdentity(
        id: "cuff", manufacturer: "A&D", model: "UA-651BLE", serial: "5201", firmware: "1.4", transport: .ble,
        systemID: "00-09-1F-FF-FE-00-00-01"))
    var hub = Hub(.with([Cuff.device(patient: "p-1")]), disk: [(1, .identity(device: "cuff", known))])
    Cuff.connect(&hub)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 120)))
    hub.sync()
    let device = try #require(hub.readings.first).device
    #expect(device.model == "UA-651BLE" && device.serial == "5201" && device.firmware == "1.4")
    #expect(device.systemID == "00-09-1F-FF-FE-00-00-01")
    // The identifier is that of a hub that knew nothing of it.
    var other = Hub(.with([Cuff.device(patient: "p-1")]))
    Cuff.connect(&other)
    other.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 120)))
    other.sync()
    #expect(other.readings.first?.id == hub.readings.first?.id)
  }

  @Test func aBluetoothDevicesAddressIsNamed() throws {
    let address = try #require(PeerAddress("F0:00:00:00:00:01", kind: .randomLE))
    let controller = try #require(PeerAddress("00:1A:7D:DA:71:13", kind: .classic))
    let profile = try #require(Registry.profile(id: "blood-pressure"))
    let device = DeviceConfiguration(
      id: "cuff", driver: "blood-pressure",
      endpoint: .bluetooth(BluetoothLink(controller: controller, device: address)))
    #expect(DeviceState(device, profile).address == "F0:00:00:00:00:01")
  }
}
