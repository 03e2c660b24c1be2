// Whose a device is: what is said, shown and done agree. A session and an assignment exclude each other, a slot is given only where the
// device tells one, and every assignment can be taken back.

import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Monitoring
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

private let scale = DeviceConfiguration(id: "scale", driver: "cas", endpoint: .serial(path: "/dev/x"))

extension Hub {
  fileprivate mutating func error(_ request: ControlRequest) -> ControlError? {
    if case .failure(let error)? = ask(request) { return error }
    return nil
  }

  fileprivate mutating func device(_ id: String) -> JSONValue {
    result(.devices)["devices"]?.array?.first { $0["id"]?.string == id } ?? .null
  }

  fileprivate mutating func start(_ patient: String, on device: String = "cuff") -> JSONValue {
    result(.sessionStart(patient: patient, device: device, minutes: 15))
  }

  /// Codes of the devices' events on disk.
  fileprivate var deviceEvents: [String] {
    events.compactMap { if case .device(_, let code, _) = $0.content { code } else { nil } }
  }
}

@Suite struct DeviceOwnerTests {
  @Test func aDeviceWithAnOpenSessionIsGivenToNobodyElse() throws {
    var hub = Hub(.with([Cuff.device()])).listening()
    #expect(hub.start("p-7f3a") != .null)
    for user in [UInt8?.none, 1] {
      let refusalFound = hub.error(.assignSlot(device: "cuff", user: user, patient: "nix2"))
      let refusal = try #require(refusalFound)
      #expect(refusal.code == "device.session-open")
      #expect(refusal.message == "a session of p-7f3a is open on cuff until 2026-11-21 08:30", "\(refusal.message)")
      #expect(refusal.hint?.contains("hearthctl session end --device cuff") == true)
    }
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, second: 31)))
    hub.sync()
    #expect(hub.readings.map(\.patient) == ["p-7f3a"])
    // When it is over, the device can be given away.
    hub.pass(15 * 60_000)
    hub.sync()
    #expect(hub.error(.assignSlot(device: "cuff", user: nil, patient: "nix2")) == nil)
  }

  @Test func aConfigurationThatGivesTheDeviceAwayEndsItsSession() {
    var hub = Hub(.with([Cuff.device()]))
    _ = hub.start("p-7f3a")
    #expect(hub.device("cuff")["session"] != nil)
    hub.send(.configured(.with([Cuff.device(patient: "p-2")]), zones: ["UTC": .utc], plans: [:]))
    hub.sync()
    #expect(hub.device("cuff")["session"] == nil)
    #expect(hub.deviceEvents == ["session.ended"])
    // One that stays public keeps its session, also over a reload.
    var other = Hub(.with([Cuff.device()]))
    _ = other.start("p-7f3a")
    other.send(.configured(.with([Cuff.device(), scale]), zones: ["UTC": .utc], plans: [:]))
    other.sync()
    #expect(other.device("cuff")["session"]?["patient"]?.string == "p-7f3a" && other.deviceEvents.isEmpty)
  }

  /// The file was changed while the daemon did not run, or the disk refused the end of the session.
  @Test(arguments: [true, false]) func soDoesAStart(isDiskGood: Bool) {
    var before = Hub(.with([Cuff.device()]))
    _ = before.start("p-7f3a")
    var hub = Hub(.with([Cuff.device(patient: "p-2")]), disk: before.disk, isDiskGood: isDiskGood)
    hub.pass(60_000)
    hub.sync()
    #expect(hub.device("cuff")["session"] == nil)
    #expect(hub.deviceEvents.contains("session.ended"))
  }

  @Test func aSlotIsGivenOnlyWhereTheDeviceTellsOne() throws {
    var hub = Hub(.with([scale, Cuff.device()]))
    let refusalFound = hub.error(.assignSlot(device: "scale", user: 0, patient: "p-81c2"))
    let refusal = try #require(refusalFound)
    #expect(refusal.code == "device.tells-no-user" && refusal.message.contains("scale tells no user (driver cas)"))
    #expect(hub.device("scale")["patients"]?.object?.members.isEmpty == true)
    #expect(hub.error(.assignSlot(device: "cuff", user: 0, patient: "p-81c2")) == nil)
    #expect(hub.error(.assignSlot(device: "scale", user: nil, patient: "p-81c2")) == nil)
  }

  /// What an older version took says nothing of whose the device is.
  @Test func aSlotOfADeviceWithoutUsersKeepsNoSessionAway() throws {
    let slot = Binding(slot: .init(device: "scale", user: 0), patient: "p-81c2", sweeps: false)
    var hub = Hub(.with([scale, Cuff.device(patient: "p-2")]), disk: [(1, .binding(slot))])
    #expect(hub.start("p-7f3a", on: "scale") != .null)
    // A refusal says whose the device is, and what to do.
    let refusalFound = hub.error(.sessionStart(patient: "p-1", device: "cuff", minutes: 15))
    let refusal = try #require(refusalFound)
    #expect(refusal.code == "device.not-public" && refusal.message.hasPrefix("cuff is p-2's"))
  }

  @Test func anAssignmentIsTakenBackForGood() throws {
    var hub = Hub(.with([Cuff.device()])).listening()
    #expect(hub.error(.assignSlot(device: "cuff", user: nil, patient: "p-1")) == nil)
    #expect(hub.error(.assignSlot(device: "cuff", user: 2, patient: "p-2")) == nil)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    let slot = hub.result(.unassign(device: "cuff", user: 2), uid: 501)
    #expect(slot["taken"]?.array?.map { $0["patient"]?.string } == ["p-2"])
    #expect(hub.device("cuff")["patients"]?.text == #"{"*":"p-1"}"#)
    #expect(hub.error(.sessionStart(patient: "p-3", device: "cuff", minutes: 5))?.message.contains("p-1's") == true)
    let whole = hub.result(.unassign(device: "cuff", user: nil), uid: 501)
    #expect(whole["taken"]?.array?.map { $0["user"] } == [.null])
    let audits = hub.disk.compactMap { if case .audit(501, let text) = $0.entry { text } else { nil } }
    #expect(audits == ["give slot 2 of cuff to nobody", "give cuff to nobody"])
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 130, second: 9)))
    hub.sync()
    #expect(hub.readings.map(\.patient) == ["p-1", nil])
    var later = Hub(.with([Cuff.device()]), disk: hub.disk)
    #expect(later.device("cuff")["patients"]?.object?.members.isEmpty == true)
    #expect(later.error(.unassign(device: "cuff", user: nil))?.code == "not-found")
    #expect(later.error(.unassign(device: "nothing", user: nil))?.code == "not-found")
    #expect(later.start("p-3") != .null)
  }

  @Test func whatAFileSaysIsChangedInTheFile() throws {
    var hub = Hub(.with([Cuff.device(users: [1: "p-1"]), scale]))
    for user in [UInt8?.none, 1] {
      let refusalFound = hub.error(.unassign(device: "cuff", user: user))
      let refusal = try #require(refusalFound)
      #expect(refusal.code == "device.patient-configured" && refusal.message.contains("hearth.json says so"))
    }
    // Slots beside those of the file are a technician's.
    #expect(hub.error(.assignSlot(device: "cuff", user: 2, patient: "p-2")) == nil)
    #expect(hub.error(.unassign(device: "cuff", user: nil)) == nil)
    #expect(hub.device("cuff")["patients"]?.text == #"{"1":"p-1"}"#)
  }

  /// A device that a technician brought in has its patient in its own record.
  @Test func aDeviceOfTheRegisterIsTakenBackToo() {
    let port = PortBinding(path: "/devices/pci0/usb1", vendor: 1, product: 2)
    let device = DeviceConfiguration(id: "scale", driver: "cas", endpoint: .usb(port), patient: "p-1")
    var hub = Hub(.with([]), disk: [(1, .device(DeviceRecord(id: "scale", device: device)))])
    #expect(hub.device("scale")["patients"]?.text == #"{"*":"p-1"}"#)
    #expect(hub.result(.unassign(device: "scale", user: nil))["taken"]?.array?.count == 1)
    #expect(hub.device("scale")["patients"]?.object?.members.isEmpty == true)
    #expect(hub.start("p-2", on: "scale") != .null)
    // Bound again with a patient while the session is open: the session ends first.
    var wish = PortWish(port: "ttyUSB0", driver: "cas")
    (wish.id, wish.patient) = ("scale", "p-3")
    #expect(hub.error(.serialBind(wish))?.code == "device.session-open")
  }

  @Test(arguments: ["-", "_", ".-", "p 7f3a", ""]) func whatIsNoReferenceIsNobodysName(patient: String) throws {
    let line: JSONValue = [
      "jsonrpc": "2.0", "id": 1, "method": "assign", "params": ["device": "cuff", "patient": .string(patient)],
    ]
    let received = ReceivedRequest(line.encoded(), from: .technician)
    guard case .failure(let error) = received.outcome else {
      Issue.record("\(patient) was taken")
      return
    }
    #expect(error.code == "bad-parameters" && error.message.hasPrefix("patient: expected"), "\(error.message)")
    #expect(PatientReference.fault(in: "-1") == nil && PatientReference.fault(in: "p") == nil)
  }
}

@Suite struct NearPatientTests {
  private let plan = Plan(patient: "p-7f3a", version: 1, liveWindow: 7_200_000, rules: [])

  private func problems(_ patient: String, plans: [Plan]) -> [String] {
    let hub = Hub(.with([Cuff.device(patient: patient)]), plans: plans)
    return hub.gateway.turn.view.standingProblems().filter { $0.kind == .patientNear }.map(\.message)
  }

  @Test(arguments: ["p-7f3b", "P-7F3A", "p-73fa", "p-7f3", "P-7F3B"])
  func aPatientWithoutPlanBesideOneWithIsTold(patient: String) {
    let told = problems(patient, plans: [plan])
    #expect(told.count == 1 && told.first?.contains("one letter from p-7f3a") == true, "\(told)")
    let hub = Hub(.with([]), plans: [plan])
    let warnings = hub.gateway.warnings(of: .with([Cuff.device(patient: patient)]), plans: ["p-7f3a": plan])
    #expect(warnings.count == 1 && warnings.first?.contains("who has a plan: write p-7f3a") == true)
  }

  /// Patients who are counted are one letter apart on purpose.
  @Test func patientsWhoAreCountedAreNot() {
    let counted = Plan(patient: "p-1", version: 1, liveWindow: 7_200_000, rules: [])
    for patient in ["p-2", "p-11"] {
      #expect(problems(patient, plans: [counted]).isEmpty)
      let hub = Hub(.with([]), plans: [counted])
      #expect(hub.gateway.warnings(of: .with([Cuff.device(patient: patient)]), plans: ["p-1": counted]).isEmpty)
    }
    #expect(problems("P-1", plans: [counted]).count == 1)
  }

  @Test func othersAreNot() {
    #expect(problems("p-7f3a", plans: [plan]).isEmpty)
    #expect(problems("p-81c2", plans: [plan]).isEmpty)
    var own = plan
    own.patient = "p-7f3b"
    #expect(problems("p-7f3b", plans: [plan, own]).isEmpty)
    // A national identity number is repeated nowhere.
    #expect(
      problems("13097248023", plans: [Plan(patient: "13097248022", version: 1, liveWindow: 1, rules: [])]).isEmpty)
  }
}
