// Ports that come and go: bound by where they are plugged in, recognised by listening, never sent to while they are nobody's.

import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

private func port(_ number: Int, at path: String, serial: String? = nil) -> PortFacts {
  PortFacts(node: "/dev/ttyUSB\(number)", path: path, vendor: 0x0403, product: 0x6001, serial: serial)
}

/// Somebody steps on the scale and off again: three lines agree, then it shows zero.
private func weight(_ text: String) -> [UInt8] {
  let line = "ST,+000\(text) kg\r\n"
  return Array(("US,+00000.00 kg\r\n" + line + line + line + "ST,+00000.00 kg\r\nST,+00000.00 kg\r\n").utf8)
}

extension Hub {
  fileprivate var opened: [(device: String, path: String)] {
    done.compactMap { if case .openPort(let device, let path, _) = $0 { (device, path) } else { nil } }
  }
  fileprivate var transmitted: [String] {
    done.compactMap { if case .transmit(let device, _) = $0 { device } else { nil } }
  }
  fileprivate var closed: [String] {
    done.compactMap { if case .close(let device) = $0 { device } else { nil } }
  }
  /// The devices of which records are on disk.
  fileprivate var recorded: [String] {
    disk.compactMap { if case .device(let record) = $0.entry { record.id } else { nil } }
  }

  /// What the shell does with ports: each opens at once, an adopted one is its device's.
  fileprivate mutating func shell() {
    while let index = done.firstIndex(where: {
      switch $0 {
      case .openPort, .adoptPort: true
      default: false
      }
    }) {
      switch done.remove(at: index) {
      case .openPort(let device, _, _), .adoptPort(_, let device): send(.linkOpened(device: device))
      default: break
      }
    }
    sync()
  }

  fileprivate mutating func bind(_ port: String, _ driver: String, id: String, patient: String? = nil) -> ControlAnswer?
  {
    var wish = PortWish(port: port, driver: driver)
    wish.id = id
    wish.patient = patient
    return ask(.serialBind(wish))
  }

  fileprivate mutating func problems() -> [String] {
    guard case .result(let status)? = ask(.status) else { return [] }
    return (status["problems"]?.array ?? []).compactMap { $0["code"]?.string }
  }

  fileprivate mutating func ports() -> [(node: String, state: String, device: String)] {
    guard case .result(let list)? = ask(.serialList) else { return [] }
    return (list["ports"]?.array ?? []).map {
      ($0["node"]?.string ?? "-", $0["state"]?.string ?? "", $0["device"]?.string ?? "-")
    }
  }
}

@Suite struct PortBindingTests {
  private func hub() -> Hub { Hub(.with([])) }

  @Test func aPortIsBoundAndItsDeviceComesBackAtItsPlaceAtOnce() {
    var hub = hub()
    hub.send(.portAdded(port(0, at: "hub-1")))
    #expect(hub.bind("ttyUSB0", "and-scale", id: "scale", patient: "p-1") != nil)
    #expect(hub.opened.last?.device == "scale")
    #expect(hub.recorded == ["scale"])
    hub.shell()
    hub.send(.linkReceived(device: "scale", weight("72.15")))
    hub.sync()
    #expect(hub.readings.map(\.patient) == ["p-1"])
    // Unplugged: closed at once; plugged in again under another node: opened at once, nothing is polled for meanwhile.
    hub.done = []
    hub.send(.portRemoved(node: "/dev/ttyUSB0"))
    #expect(hub.closed == ["scale"])
    hub.send(.linkClosed(device: "scale", LinkEnd(code: "ended", message: "the port was closed")))
    hub.pass(600_000)
    #expect(hub.opened.isEmpty)
    hub.send(.portAdded(port(3, at: "hub-1")))
    #expect(hub.opened.map(\.device) == ["scale"] && hub.opened.map(\.path) == ["/dev/ttyUSB3"])
  }

  @Test func twoIdenticalAdaptersAreToldApartByTheirPlaces() {
    var hub = hub()
    hub.send(.portAdded(port(0, at: "hub-1", serial: "0001")))
    hub.send(.portAdded(port(1, at: "hub-2", serial: "0001")))
    _ = hub.bind("/dev/ttyUSB0", "and-scale", id: "hall", patient: "p-1")
    _ = hub.bind("/dev/ttyUSB1", "and-scale", id: "bath", patient: "p-2")
    hub.shell()
    for node in 0...1 { hub.send(.portRemoved(node: "/dev/ttyUSB\(node)")) }
    hub.done = []
    hub.send(.portAdded(port(0, at: "hub-2", serial: "0001")))
    hub.send(.portAdded(port(1, at: "hub-1", serial: "0001")))
    #expect(hub.opened.map(\.device) == ["bath", "hall"])
    // A third of them, in a socket that is nobody's, is nobody's: it is listened to, and takes no other's place.
    hub.done = []
    hub.send(.portRemoved(node: "/dev/ttyUSB1"))
    hub.send(.portAdded(port(2, at: "hub-3", serial: "0001")))
    #expect(hub.opened.map(\.device) == ["port:/dev/ttyUSB2"])
  }

  @Test func anAdapterWithASerialNumberOfItsOwnIsFoundInAnotherSocket() {
    var hub = hub()
    hub.send(.portAdded(port(0, at: "hub-1", serial: "A9UXYZ17")))
    _ = hub.bind("hub-1", "and-scale", id: "scale", patient: "p-1")
    hub.shell()
    hub.send(.portRemoved(node: "/dev/ttyUSB0"))
    hub.done = []
    hub.send(.portAdded(port(0, at: "hub-7", serial: "A9UXYZ17")))
    hub.sync()
    #expect(hub.opened.map(\.device) == ["scale"])
    #expect(hub.recorded == ["scale", "scale"])
    #expect(hub.events.map(\.content) == [.device(id: "scale", code: "device.moved", message: hub.movedText)])
  }

  @Test func twoAdaptersWithSerialNumbersThatChangePlacesKeepTheirDevices() {
    var hub = hub()
    hub.send(.portAdded(port(0, at: "hub-1", serial: "A9UXYZ17")))
    hub.send(.portAdded(port(1, at: "hub-2", serial: "A9UXYZ18")))
    _ = hub.bind("hub-1", "and-scale", id: "hall")
    _ = hub.bind("hub-2", "and-scale", id: "bath")
    hub.shell()
    for node in 0...1 { hub.send(.portRemoved(node: "/dev/ttyUSB\(node)")) }
    hub.done = []
    hub.send(.portAdded(port(0, at: "hub-1", serial: "A9UXYZ18")))
    hub.send(.portAdded(port(1, at: "hub-2", serial: "A9UXYZ17")))
    #expect(hub.opened.map(\.device) == ["bath", "hall"])
  }

  @Test func theRegisterOfBothVersionsIsRead() throws {
    var hub = hub()
    hub.send(.portAdded(port(0, at: "hub-1", serial: "A9UXYZ17")))
    _ = hub.bind("hub-1", "bci", id: "oximeter", patient: "p-1")
    let state = Hub.state(of: hub.disk)
    #expect(try DeviceRegister(state.register.json.encoded()) == state.register)
    // After a restart the port is its device's again.
    var gateway = Gateway(identity: .init(hubID: "h", version: "0", startedAt: 0), state: state)
    _ = gateway.handle(.configured(.with([]), zones: [:], plans: [:]), at: hub.now)
    _ = gateway.handle(.started(seed: 1), at: hub.now)
    let effects = gateway.handle(.portAdded(port(5, at: "hub-1", serial: "A9UXYZ17")), at: hub.now)
    #expect(effects.contains { if case .openPort("oximeter", "/dev/ttyUSB5", _) = $0 { true } else { false } })
    let old = #"{"version":1,"devices":[{"id":"cuff","driver":"blood-pressure","address":"F0:00:00:00:00:01","#
    let rest = #""address_type":"random","controller":"00:1B:DC:07:32:01","patient":"p-1"}]}"#
    let read = try DeviceRegister(Array((old + rest).utf8))
    #expect(try DeviceRegister(read.json.encoded()) == read)
    #expect(read.devices.map(\.patient) == ["p-1"])
  }

  @Test func aPortThatTheConfigurationNamesGoesOnAsItDid() {
    let named = DeviceConfiguration(id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/serial/by-path/x"))
    var hub = Hub(.with([named]))
    hub.send(.linkClosed(device: "scale", LinkEnd(code: "open-failed", message: "not there")))
    hub.done = []
    var facts = port(0, at: "hub-1")
    facts.links = ["/dev/serial/by-path/x"]
    hub.send(.portAdded(facts))
    // Its device does not wait for the next try, and nobody listens to the port.
    #expect(hub.opened.map(\.device) == ["scale"])
    #expect(hub.ports().map(\.state) == ["named"])
  }

  @Test func aDeviceWithAnotherSerialNumberIsNotGivenToThePatient() {
    var hub = hub()
    hub.send(.portAdded(port(0, at: "hub-1")))
    _ = hub.bind("hub-1", "mt-sics", id: "scale", patient: "p-1")
    hub.shell()
    func talk(_ serial: String, _ kilograms: String) {
      for weight in [kilograms, kilograms, kilograms, "0.00", "0.00"] {
        hub.send(.linkReceived(device: "scale", Array("S S     \(weight) kg\r\n".utf8)))
      }
      hub.sync()
      hub.send(.linkReceived(device: "scale", Array("I4 A \"\(serial)\"\r\n".utf8)))
      hub.sync()
    }
    talk("1234567", "71.00")
    #expect(hub.readings.map(\.patient) == ["p-1"])
    func plug() {
      hub.send(.portRemoved(node: "/dev/ttyUSB0"))
      hub.send(.portAdded(port(0, at: "hub-1")))
      hub.shell()
    }
    plug()
    talk("7654321", "82.00")
    #expect(hub.readings.map(\.patient) == ["p-1", nil])
    #expect(hub.problems().contains("device.changed"))
    // The right one is back: what came before it told its number is the patient's after all.
    plug()
    hub.done = []
    talk("1234567", "70.00")
    #expect(hub.readings.count == 3 && hub.readings[2].patient == nil)
    #expect(
      hub.done.contains {
        if case .load(hub.disk.last { $0.entry.kind == .reading }?.sequence ?? 0) = $0 { true } else { false }
      })
    #expect(!hub.problems().contains("device.changed"))
  }
}

extension Hub {
  fileprivate var movedText: String { "device scale is plugged in at another place: hub-7" }
}

@Suite struct PortRecognitionScenarios {
  @Test func aPortIsRecognisedByListeningAndItsFirstReadingIsParked() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    hub.shell()
    // The line settings of the scale come by and by.
    var settings: [SerialSettings] = []
    for _ in 0..<20 {
      settings = hub.done.compactMap { if case .setLine(_, let settings) = $0 { settings } else { nil } }
      if settings.last == SerialSettings(2400, dataBits: 7, parity: .even) { break }
      hub.pass(2300)
    }
    #expect(settings.last == SerialSettings(2400, dataBits: 7, parity: .even))
    // The weight that it was recognised by is its first reading.
    hub.send(.linkReceived(device: "port:/dev/ttyUSB0", weight("72.15")))
    // What is heard before its record is on disk is not lost.
    #expect(hub.ports().map(\.state) != ["recognised"])
    hub.sync()
    hub.shell()
    hub.send(.linkReceived(device: "and-scale", weight("82.15")))
    hub.sync()
    #expect(hub.transmitted.allSatisfy { !$0.hasPrefix("port:") })
    #expect(hub.readings.map(\.device.id) == ["and-scale", "and-scale"])
    #expect(hub.readings.map(\.patient) == [nil, nil])
    #expect(hub.ports().map(\.state) == ["recognised"])
    #expect(hub.problems().contains("device.unassigned"))
    let told = hub.done.filter { if case .log(_, let text) = $0 { text.contains("recognised") } else { false } }
    #expect(told.count == 1)
    _ = hub.ask(.assignSlot(device: "and-scale", user: nil, patient: "p-1"))
    #expect(!hub.problems().contains("device.unassigned"))
    #expect(hub.ports().map(\.state) == ["bound"])
  }

  @Test func whatBabblesIsToldOnceAndLeftAlone() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    hub.shell()
    func told() -> Int {
      hub.done.count { if case .log(_, let text) = $0 { text.contains("no driver knows") } else { false } }
    }
    // A quarter of an hour.
    for turn in 0..<9000 {
      hub.send(.linkReceived(device: "port:/dev/ttyUSB0", [UInt8](repeating: UInt8(turn & 0xFF) | 0x80, count: 64)))
      hub.pass(100)
      hub.shell()
    }
    #expect(told() == 1)
    #expect(hub.ports().map(\.state) == ["unknown"])
    #expect(hub.transmitted.isEmpty)
  }

  @Test func listeningCanBeSwitchedOff() {
    var configuration = Configuration.with([])
    configuration.recognisesPorts = false
    var hub = Hub(configuration)
    hub.send(.portAdded(port(0, at: "hub-1")))
    #expect(hub.opened.isEmpty)
    #expect(hub.ports().map(\.state) == ["idle"])
  }

  @Test func aPortThatAnotherProgramHasIsToldByItsNameAndTriedAgain() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    let end = LinkEnd(code: "port.busy", message: "/dev/ttyUSB0 is in use by minicom (process 7)", hint: "end minicom")
    hub.send(.linkClosed(device: "port:/dev/ttyUSB0", end))
    #expect(hub.ports().map(\.state) == ["busy"])
    #expect(hub.problems().contains("port.busy"))
    hub.done = []
    hub.pass(2000)
    #expect(hub.opened.map(\.device) == ["port:/dev/ttyUSB0"])
    hub.shell()
    #expect(hub.ports().map(\.state) == ["listening"])
  }

  @Test func onlyATechnicianLetsADriverAsk() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    hub.shell()
    hub.done = []
    let id = RequestID(connection: 4, number: 1)
    hub.send(.asked(id, .serialIdentify(port: "ttyUSB0", driver: "mt-sics"), CallerName(uid: 0)))
    hub.sync()
    #expect(hub.sent(to: "port:/dev/ttyUSB0") == [Array("I2\r\n".utf8)])
    for _ in 0..<10 {
      hub.send(.linkReceived(device: "port:/dev/ttyUSB0", Array("I4 A \"1234567\"\r\nS S     71.00 kg\r\n".utf8)))
      hub.pass(1000)
    }
    let answers = hub.done.compactMap { if case .answer(id, .result(let value)) = $0 { value } else { nil } }
    #expect(answers.count == 1)
    #expect(answers.first?["outcome"]?.string == "confirmed")
    #expect(answers.first?["device"]?["serial"]?.string == "1234567")
    // A driver whose every command may do something has no question.
    let refused = hub.ask(.serialIdentify(port: "ttyUSB0", driver: "tanita-csv"))
    if case .failure(let error)? = refused {
      #expect(error.code == "driver.only-listens")
    } else {
      Issue.record("asked")
    }
  }

  @Test func aReleasedPortIsLeftAloneUntilItIsPluggedInAgain() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    _ = hub.bind("ttyUSB0", "and-scale", id: "scale", patient: "p-1")
    hub.shell()
    hub.done = []
    _ = hub.ask(.serialRelease(device: "scale"))
    #expect(hub.closed == ["scale"])
    hub.pass(600_000)
    hub.send(.configured(.with([]), zones: ["UTC": .utc], plans: [:]))
    #expect(hub.opened.isEmpty)
    #expect(hub.ports().map(\.state) == ["idle"])
    hub.send(.portRemoved(node: "/dev/ttyUSB0"))
    hub.send(.portAdded(port(0, at: "hub-1")))
    #expect(hub.opened.map(\.device) == ["port:/dev/ttyUSB0"])
  }

  @Test func aPortThatVanishesAtOnceNamesWhoDoesThat() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    hub.time += 900
    hub.send(.portRemoved(node: "/dev/ttyUSB0"))
    #expect(hub.problems() == ["port.vanished"])
    hub.send(.portAdded(port(0, at: "hub-1")))
    #expect(hub.problems().isEmpty)
  }
}

@Suite struct PublicSessionTests {
  private func scale() -> Hub {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    _ = hub.bind("ttyUSB0", "and-scale", id: "scale")
    hub.shell()
    return hub
  }

  @Test func eachMeasurementIsThePatientsWhoseSessionIsOpen() {
    var hub = scale()
    func weigh(_ text: String) {
      hub.time += 30_000
      hub.send(.linkReceived(device: "scale", weight(text)))
      hub.sync()
    }
    weigh("70.00")
    _ = hub.ask(.sessionStart(patient: "p-1", device: "scale", minutes: 15))
    weigh("71.00")
    _ = hub.ask(.sessionStart(patient: "p-2", device: "scale", minutes: 15))
    weigh("72.00")
    _ = hub.ask(.sessionEnd(device: "scale"))
    weigh("73.00")
    _ = hub.ask(.sessionStart(patient: "p-3", device: "scale", minutes: 5))
    hub.pass(300_000)
    weigh("74.00")
    #expect(hub.readings.map(\.patient) == [nil, "p-1", "p-2", nil, nil])
  }

  @Test func aSessionSurvivesARestartAndNotAWrongClock() {
    var hub = scale()
    _ = hub.ask(.sessionStart(patient: "p-1", device: "scale", minutes: 15))
    let state = Hub.state(of: hub.disk)
    func isOpen(_ now: Now) -> Bool {
      var gateway = Gateway(identity: .init(hubID: "h", version: "0", startedAt: 0), state: state)
      _ = gateway.handle(.configured(.with([]), zones: [:], plans: [:]), at: now)
      for case .append(let id, let entries, _) in gateway.handle(.started(seed: 1), at: now) {
        _ = gateway.handle(.appended(id, sequences: entries.indices.map { UInt64($0 + 100) }), at: now)
      }
      let effects = gateway.handle(
        .asked(RequestID(connection: 1, number: 1), .devices, CallerName(uid: 0)), at: now)
      for case .answer(_, .result(let value)) in effects {
        return value["devices"]?.array?.first?["session"] != nil
      }
      return false
    }
    var now = hub.now
    now.monotonic += 60_000
    // The wall clock does not matter within one boot.
    now.wall -= 86_400_000
    #expect(isOpen(now))
    now.bootID = "another"
    #expect(!isOpen(now))
    now.wall = hub.now.wall + 120_000
    #expect(isOpen(now))
    now.isSynchronised = false
    #expect(!isOpen(now))
  }

  @Test func aDeviceThatIsSomebodysIsNotPublic() {
    var hub = Hub(.with([]))
    hub.send(.portAdded(port(0, at: "hub-1")))
    _ = hub.bind("ttyUSB0", "and-scale", id: "scale", patient: "p-1")
    let answer = hub.ask(.sessionStart(patient: "p-2", device: "scale", minutes: 15))
    if case .failure(let error)? = answer { #expect(error.code == "device.not-public") } else { Issue.record("opened") }
  }

  @Test func aSessionThatCannotBeWrittenDidNotBegin() {
    var hub = scale()
    hub.send(
      .asked(
        RequestID(connection: 1, number: 1), .sessionStart(patient: "p-1", device: "scale", minutes: 15),
        CallerName(uid: 0)))
    hub.refuse()
    #expect(
      hub.done.contains { if case .answer(_, .failure(let error)) = $0 { error.code == "journal.full" } else { false } }
    )
    hub.send(.linkReceived(device: "scale", weight("70.00")))
    hub.sync()
    #expect(hub.readings.map(\.patient) == [nil])
  }
}
