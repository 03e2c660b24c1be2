// Ports of the configuration: which device is behind one, and what follows when the configuration changes while they are open.

import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

private func scale(
  _ id: String, _ path: String, driver: String = "and-scale", patient: String = "p-1"
) -> DeviceConfiguration {
  DeviceConfiguration(id: id, driver: driver, endpoint: .serial(path: path), patient: patient)
}

private func facts(_ number: Int, at path: String) -> PortFacts {
  PortFacts(node: "/dev/ttyUSB\(number)", path: path, vendor: 0x0403, product: 0x6001)
}

extension Hub {
  fileprivate var opened: [String] {
    done.compactMap { if case .openPort(let device, let path, _) = $0 { "\(device) \(path)" } else { nil } }
  }
  fileprivate var closed: [String] {
    done.compactMap { if case .close(let device) = $0 { device } else { nil } }
  }

  /// Each port that is to be opened opens.
  fileprivate mutating func shell() {
    for case .openPort(let device, _, _) in done { send(.linkOpened(device: device)) }
    sync()
  }

  fileprivate mutating func reload(_ devices: [DeviceConfiguration]) {
    done = []
    send(.configured(.with(devices), zones: ["UTC": .utc], plans: [:]))
    sync()
  }

  fileprivate mutating func problems() -> [(code: String, hint: String)] {
    guard case .result(let status)? = ask(.status) else { return [] }
    return (status["problems"]?.array ?? []).map { ($0["code"]?.string ?? "", $0["hint"]?.string ?? "") }
  }

  /// Three lines that agree, then what the scale shows when nobody is on it.
  fileprivate mutating func weigh(_ device: String, _ line: String, empty: String) {
    for text in [line, line, line, empty, empty] { hear(device, text + "\r\n") }
  }

  fileprivate mutating func hear(_ device: String, _ text: String) {
    send(.linkReceived(device: device, Array(text.utf8)))
    sync()
  }
}

@Suite struct PortReloadTests {
  @Test func aPortThatIsAnothersNowEndsItsSessionAndTheNewOneBegins() {
    var hub = Hub(.with([scale("scale", "/dev/ttyS0")]))
    hub.send(.linkOpened(device: "scale"))
    hub.weigh("scale", "ST,+00072.15 kg", empty: "ST,+00000.00 kg")
    // Another driver, another patient, at another port.
    hub.reload([scale("scale", "/dev/ttyS1", driver: "mt-sics", patient: "p-2")])
    #expect(hub.closed == ["scale"])
    #expect(hub.opened == ["scale /dev/ttyS1"])
    hub.shell()
    #expect(hub.sent(to: "scale").first == Array("I2\r\n".utf8))
    hub.weigh("scale", "S S     64.40 kg", empty: "S S      0.00 kg")
    #expect(hub.readings.map(\.patient) == ["p-1", "p-2"])
    // Nothing changed: nothing is closed or opened.
    hub.reload([scale("scale", "/dev/ttyS1", driver: "mt-sics", patient: "p-2")])
    #expect(hub.closed.isEmpty && hub.opened.isEmpty)
    hub.reload([])
    #expect(hub.closed == ["scale"] && hub.opened.isEmpty)
  }

  @Test func twoPortsThatChangeTheirDevicesAreClosedBeforeEitherIsOpened() {
    var hub = Hub(.with([scale("hall", "/dev/ttyS0"), scale("bath", "/dev/ttyS1", patient: "p-2")]))
    for id in ["hall", "bath"] { hub.send(.linkOpened(device: id)) }
    hub.reload([scale("hall", "/dev/ttyS1"), scale("bath", "/dev/ttyS0", patient: "p-2")])
    let order = hub.done.compactMap { effect -> String? in
      switch effect {
      case .close(let device): "close \(device)"
      case .openPort(let device, let path, _): "open \(device) \(path)"
      default: nil
      }
    }
    #expect(order == ["close bath", "close hall", "open hall /dev/ttyS1", "open bath /dev/ttyS0"])
  }

  @Test func aBoundPortThatTheConfigurationNamesIsGivenUp() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(facts(0, at: "hub-1")))
    var wish = PortWish(port: "hub-1", driver: "and-scale")
    wish.id = "old"
    wish.patient = "p-1"
    _ = hub.ask(.serialBind(wish))
    hub.shell()
    hub.reload([scale("new", "/dev/ttyUSB0", patient: "p-2")])
    #expect(hub.closed == ["old"])
    #expect(hub.opened == ["new /dev/ttyUSB0"])
    hub.shell()
    hub.weigh("new", "ST,+00072.15 kg", empty: "ST,+00000.00 kg")
    #expect(hub.readings.map(\.patient) == ["p-2"])
    // Taken out again, the port is the old device's as before.
    hub.reload([])
    #expect(hub.closed == ["new"])
    #expect(hub.opened == ["old /dev/ttyUSB0"])
  }

  @Test func aPortThatIsAskedOrListenedToIsGivenUpToo() {
    var hub = Hub(.with([]))
    for number in 0...1 { hub.send(.portAdded(facts(number, at: "hub-\(number)"))) }
    hub.shell()
    let id = RequestID(connection: 4, number: 1)
    hub.send(.asked(id, .serialIdentify(port: "ttyUSB0", driver: "mt-sics"), CallerName(uid: 0)))
    hub.sync()
    hub.reload([scale("hall", "/dev/ttyUSB0"), scale("bath", "hub-1", patient: "p-2")])
    #expect(Set(hub.closed) == ["port:/dev/ttyUSB0", "port:/dev/ttyUSB1"])
    #expect(hub.opened == ["hall /dev/ttyUSB0", "bath hub-1"])
    let answers = hub.done.compactMap { if case .answer(id, .failure(let error)) = $0 { error.code } else { nil } }
    #expect(answers == ["port.taken"])
    // And nobody listens to them later.
    hub.shell()
    hub.done = []
    hub.pass(60_000)
    #expect(hub.opened.isEmpty)
  }
}

@Suite struct NamedDeviceProofTests {
  private func hub() -> Hub {
    var hub = Hub(.with([scale("scale", "/dev/ttyS0", driver: "mt-sics")]))
    plug(&hub, first: true)
    return hub
  }

  private func plug(_ hub: inout Hub, first: Bool = false) {
    if !first { hub.send(.linkClosed(device: "scale", LinkEnd(code: "hang-up", message: "gone"))) }
    hub.send(.linkOpened(device: "scale"))
  }

  private func weigh(_ hub: inout Hub, _ serial: String, _ kilograms: String) {
    hub.hear("scale", "I4 A \"\(serial)\"\r\n")
    hub.weigh("scale", "S S     \(kilograms) kg", empty: "S S      0.00 kg")
    hub.time += 60_000
  }

  @Test func anotherSerialNumberIsNotThePatientsUntilATechnicianSaysSo() throws {
    var hub = hub()
    weigh(&hub, "1234567", "71.00")
    plug(&hub)
    weigh(&hub, "7654321", "82.00")
    #expect(hub.readings.map(\.patient) == ["p-1", nil])
    let change = try #require(hub.problems().first { $0.code == "device.changed" })
    #expect(change.hint.contains("hearthctl serial bind /dev/ttyS0 --driver mt-sics --id scale"))
    let told = hub.events.compactMap { if case .device(_, let code, _) = $0.content { code } else { nil } }
    #expect(told == ["device.changed"])
    // What the hint says does what it says; the number is known over a restart, for a device of the configuration too.
    hub.done = []
    var wish = PortWish(port: "/dev/ttyS0", driver: "mt-sics")
    wish.id = "scale"
    guard case .result? = hub.ask(.serialBind(wish)) else {
      Issue.record("not bound")
      return
    }
    #expect(hub.opened == ["scale /dev/ttyS0"])
    hub.shell()
    weigh(&hub, "7654321", "83.00")
    #expect(hub.readings.map(\.patient) == ["p-1", nil, "p-1"])
    #expect(!hub.problems().contains { $0.code == "device.changed" })
    var again = Hub(.with([scale("scale", "/dev/ttyS0", driver: "mt-sics")]), disk: hub.disk)
    plug(&again, first: true)
    weigh(&again, "1234567", "71.50")
    #expect(again.readings.last?.patient == .some(nil))
  }

  @Test func anotherProtocolAtItsLineSettingsIsTold() {
    var hub = hub()
    for _ in 0..<3 { hub.hear("scale", "ST,GS,+  82.00kg\r\n") }
    #expect(hub.readings.isEmpty)
    #expect(hub.problems().contains { $0.code == "device.changed" })
  }

  @Test func aDeviceOfAnotherPortOrDriverTellsItsNumberAnew() {
    var hub = hub()
    weigh(&hub, "1234567", "71.00")
    hub.reload([scale("scale", "/dev/ttyS1", driver: "mt-sics")])
    hub.shell()
    weigh(&hub, "7654321", "72.00")
    #expect(hub.readings.map(\.patient) == ["p-1", "p-1"])
    // A patient who moved in is none for the number to be forgotten.
    hub.reload([scale("scale", "/dev/ttyS1", driver: "mt-sics", patient: "p-2")])
    hub.shell()
    weigh(&hub, "1234567", "73.00")
    #expect(hub.readings.map(\.patient) == ["p-1", "p-1", nil])
  }
}

/// A Nonin on a cable keeps each reading until it is acknowledged.
@Suite struct AcknowledgedOnPortsTests {
  private let device = DeviceConfiguration(
    id: "nonin", driver: "nonin-13", endpoint: .serial(path: "/dev/ttyS0"), patient: "p-1")

  /// A spot-check of this minute.
  private func spotCheck(_ minute: UInt8) -> [UInt8] {
    let data: [UInt8] = [0x20, 0x26, 0x11, 0x21, 0x07, minute, 0x00, 0x00, 0x02, 0x10, 0x00, 72, 0x00, 97]
    return [0x00, 0x02, 0x00, 0x0D, 0x00, 14] + data + [data.reduce(0, &+), 0x03]
  }

  private func hub() -> Hub {
    var hub = Hub(.with([device]))
    hub.send(.linkOpened(device: "nonin"))
    return hub
  }

  private func acknowledged(_ hub: Hub) -> Int { hub.sent(to: "nonin").count { $0 == [0x06] } }

  @Test func whatTheDiskRefusesIsNotAcknowledgedAndIsTakenWhenItComesAgain() {
    var hub = hub()
    hub.send(.linkReceived(device: "nonin", spotCheck(0x10)))
    hub.refuse()
    hub.sync()
    #expect(acknowledged(hub) == 0)
    #expect(hub.closed == ["nonin"])
    hub.done = []
    hub.pass(6000)
    #expect(hub.opened == ["nonin /dev/ttyS0"])
    hub.shell()
    hub.send(.linkReceived(device: "nonin", spotCheck(0x10)))
    #expect(acknowledged(hub) == 0)
    hub.sync()
    #expect(acknowledged(hub) == 1)
    #expect(hub.readings.count == 1)
  }

  @Test func aReloadBetweenReceptionAndTheDiskCostsNoAcknowledgement() {
    var hub = hub()
    hub.send(.linkReceived(device: "nonin", spotCheck(0x10)))
    var other = device
    other.patient = "p-2"
    hub.send(.configured(.with([other]), zones: ["UTC": .utc], plans: [:]))
    hub.sync()
    #expect(acknowledged(hub) == 0, "the session that took it is over")
    hub.shell()
    for minute: UInt8 in [0x10, 0x11, 0x12] {
      hub.send(.linkReceived(device: "nonin", spotCheck(minute)))
      hub.sync()
    }
    #expect(acknowledged(hub) == 3)
    #expect(hub.readings.map(\.patient) == ["p-1", "p-2", "p-2"])
  }
}
