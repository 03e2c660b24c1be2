// When a device was heard last, and whether what it says is what its driver reads: an open port says neither.

import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Readings
import Settings
import Testing
@testable import Ledger

private let scale = DeviceConfiguration(
  id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/x"), patient: "p-1")

/// Somebody on the scale, and off again.
private func weight(_ text: String, _ status: String = "ST") -> [UInt8] {
  let line = "\(status),+000\(text) kg\r\n"
  return Array((line + line + line + "ST,+00000.00 kg\r\nST,+00000.00 kg\r\n").utf8)
}

extension Hub {
  fileprivate mutating func contact(_ device: String) -> String? {
    result(.devices)["devices"]?.array?.first { $0["id"]?.string == device }?["last_contact"]?.string
  }

  fileprivate mutating func problem(_ code: String) -> JSONValue? {
    result(.status)["problems"]?.array?.first { $0["code"]?.string == code }
  }

  fileprivate mutating func hear(_ device: String, _ octets: [UInt8], after milliseconds: Int64 = 1000) {
    pass(milliseconds)
    send(.linkReceived(device: device, octets))
    sync()
  }
}

@Suite struct LastContactTests {
  @Test func anOpenPortIsNoContact() throws {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.pass(60_000)
    #expect(hub.contact("scale") == nil)
    hub.hear("scale", weight("72.15"))
    let heardFound = hub.contact("scale")
    let heard = try #require(heardFound)
    #expect(heard == "2026-11-21T08:16:31+00:00")
    hub.pass(600_000)
    hub.send(.linkClosed(device: "scale", LinkEnd(code: "hang-up", message: "gone")))
    #expect(hub.contact("scale") == heard)
    // A start knows of the newest reading, by its records and by a snapshot.
    var later = Hub(.with([scale]), disk: hub.disk)
    #expect(later.contact("scale") == heard)
    #expect(hub.gateway.turn.durable.throughSnapshot.state.recent["scale"]?.newestAt != nil)
  }

  @Test func aCuffIsHeardWhenItsLinkIsUp() {
    var hub = Hub(.with([Cuff.device()]))
    #expect(hub.contact("cuff") == nil)
    Cuff.connect(&hub)
    #expect(hub.contact("cuff") != nil)
  }

  @Test func aPluggedInDeviceThatSaysNothingIsSilent() throws {
    var configuration = Configuration.with([scale])
    configuration.watch.silentAfter = ["*": 3_600_000]
    var hub = Hub(configuration)
    hub.send(.linkOpened(device: "scale"))
    hub.pass(3_599_000)
    #expect(hub.problem("device.silent") == nil)
    hub.pass(61_000)
    #expect(hub.problem("device.silent")?["message"]?.string == "device scale: nothing was heard of it for 61 minutes")
    hub.hear("scale", weight("72.15"))
    #expect(hub.problem("device.silent") == nil)
    hub.pass(7_200_000)
    #expect(hub.problem("device.silent")?["message"]?.string == "device scale: nothing was heard of it for 2 h")
    // After a start the time before it counts, once the hub has listened for a while.
    var later = Hub(configuration, disk: hub.disk, time: hub.time)
    #expect(later.problem("device.silent") == nil)
    later.pass(3_600_000)
    #expect(later.problem("device.silent")?["message"]?.string?.hasSuffix(" 3 h") == true)
  }
}

@Suite struct GarbledTests {
  @Test(arguments: ["suntech", "and-tm265x", "and-ua767", "visomat", "taidoc", "contec-v7", "and-scale"])
  func aDeviceThatNothingIsUnderstoodOfStandsAsAProblem(driver: String) throws {
    let cuff = DeviceConfiguration(id: "cuff", driver: driver, endpoint: .serial(path: "/dev/x"), patient: "p-1")
    var hub = Hub(.with([cuff]))
    hub.send(.linkOpened(device: "cuff"))
    for _ in 0..<4 { hub.hear("cuff", Array("%% no such line %%\r\n".utf8)) }
    #expect(hub.problem("device.not-understood") == nil)
    for _ in 0..<20 { hub.hear("cuff", Array("%% no such line %%\r\n".utf8)) }
    let problemFound = hub.problem("device.not-understood")
    let problem = try #require(problemFound)
    #expect(problem["severity"]?.string == "error" && problem["about"]?.string == "cuff")
    #expect(problem["message"]?.string == "device cuff: what it sends is not what the driver \(driver) reads")
  }

  @Test func whatCameAtOnceCountsByItsLines() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.hear("scale", Array("%% no\r\n".utf8))
    hub.hear("scale", Array(String(repeating: "%% no\r\n", count: 8).utf8))
    #expect(hub.problem("device.not-understood") != nil)
  }

  @Test func aGoodFrameEndsIt() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    for _ in 0..<20 { hub.hear("scale", Array("%% no\r\n".utf8)) }
    #expect(hub.problem("device.not-understood") != nil)
    hub.hear("scale", weight("72.15"))
    #expect(hub.problem("device.not-understood") == nil)
  }

  /// Most of what a scale says is no measurement: a glitch among it is no other device.
  @Test func aScaleThatShowsMovingWeightsIsUnderstood() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.hear("scale", [0xFF, 0xFE] + Array("#\r\n".utf8))
    for _ in 0..<40 { hub.hear("scale", weight("70.00", "US"), after: 50) }
    #expect(hub.problem("device.not-understood") == nil)
    // In pieces, too.
    for octet in (0..<10).flatMap({ _ in weight("70.00", "US") }) { hub.hear("scale", [octet], after: 120) }
    #expect(hub.problem("device.not-understood") == nil)
  }

  @Test func octetsOfOneBurstAreOneDelivery() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.hear("scale", Array("#\r\n".utf8))
    for octet in 0..<60 { hub.hear("scale", [0x80 | UInt8(octet)], after: 1) }
    #expect(hub.problem("device.not-understood") == nil)
  }

  @Test func aCuffOverTheAirIsCountedByItsValues() {
    var hub = Hub(.with([Cuff.device(patient: "p-1")])).listening()
    for index in 0..<UInt8(8) {
      hub.hear("cuff", [0x1D, 3, 0, 0x1E, index], after: 3_600_000)
    }
    #expect(hub.problem("device.not-understood") != nil)
    hub.hear("cuff", Cuff.indication(systolic: 128), after: 60_000)
    #expect(hub.problem("device.not-understood") == nil)
  }
}

@Suite struct ParkedListTests {
  @Test func whatWaitsSaysSinceWhenAndOfWhichDevice() throws {
    var hub = Hub(.with([Cuff.device()])).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    let itemFound = hub.result(.parked)["parked"]?.array?.first
    let item = try #require(itemFound)
    #expect(item["at"]?.string == "2026-11-21T08:15:30+00:00" && item["device"]?.string == "cuff")
    let restored = hub.gateway.turn.durable.throughSnapshot.state
    #expect(restored.parked == hub.gateway.turn.durable.parked)
    var state = LedgerState()
    let refusal = Refusal(backend: "gp", sequence: 3, id: "x", reason: "no", at: 5, device: "cuff")
    state.add(refusal)
    #expect(Refusal(json: refusal.json) == refusal)
    #expect(state.throughSnapshot.state.refusals["gp"]?.first?.device == "cuff")
  }

  @Test func theEndOfATimeLiesBehindItsBeginning() throws {
    var hub = Hub(.with([Cuff.device()]))
    guard case .failure(let error)? = hub.ask(.readings(.init(since: "today", until: "yesterday"))) else {
      Issue.record("it was taken")
      return
    }
    #expect(error.code == "bad-parameters" && error.message.contains("lies before"))
  }

  /// The file of the plan stands where the daemon reads it.
  @Test func anErasureNamesThePlanThatIsRead() {
    var configuration = Configuration.with([Cuff.device(patient: "p-1")])
    configuration.plans = "/elsewhere/plans"
    var hub = Hub(configuration)
    hub.comparesRestarts = false
    let id = RequestID(connection: 1, number: 1)
    hub.send(.asked(id, .erase(patient: "p-1"), CallerName(uid: 0)))
    hub.sync()
    hub.send(.erased(patient: "p-1", ErasureReport(readings: 0, counted: [], left: [], error: nil)))
    hub.sync()
    hub.send(.filesErased(patient: "p-1", removes: false, []))
    let answers = hub.done.compactMap { if case .answer(id, .result(let value)) = $0 { value } else { nil } }
    #expect(answers.first?["plan"]?.string == "/elsewhere/plans/p-1.json")
  }
}
