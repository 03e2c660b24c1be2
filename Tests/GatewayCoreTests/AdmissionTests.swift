import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Octets
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

/// A device, known or not, is admitted at a bounded rate; it is told once a day, and its newest value always comes through.
struct AdmissionTests {
  /// A scale that sends each weighing as an advertisement, its own clock in each.
  static func scale(patient: String? = "p") -> DeviceConfiguration {
    DeviceConfiguration(id: "scale", driver: "mi-scale-1", endpoint: .playback(path: "/x"), patient: patient)
  }

  /// A finished weighing of the original Mi Scale: 50 to 113 kg, another second each.
  static func weighing(_ number: Int) -> AdvertisedData {
    let raw = UInt16(10_000 + number % 12_000)
    let second = UInt8(number % 60)
    let minute = UInt8(number / 60 % 60)
    return AdvertisedData(
      service: BluetoothUUID(0x181D),
      octets: [0x22, UInt8(raw & 0xFF), UInt8(raw >> 8), 0xEA, 0x07, 11, 21, 8, minute, second])
  }

  static func flooded() -> Hub {
    var hub = Hub(.with([scale()]))
    for number in 0..<4000 {
      hub.time += 4
      hub.send(.advertised(device: "scale", weighing(number)))
      hub.sync()
    }
    return hub
  }

  /// What was said of too much.
  static func told(_ hub: Hub) -> [String] {
    hub.events.compactMap { event in
      if case .device(_, "device.flooding", let message) = event.content { message } else { nil }
    }
  }

  @Test func advertisementsThatAllDifferAreSlowedAndToldOnce() {
    var hub = AdmissionTests.flooded()
    #expect(hub.readings.count == 20)
    #expect(AdmissionTests.told(hub).count == 1)
    // The newest of what was passed over comes through.
    hub.pass(30_000)
    hub.sync()
    #expect(hub.readings.count == 21)
    #expect(hub.readings.last?.raw.octets == AdmissionTests.weighing(3999).octets)
    let problems = hub.result(.status)["problems"]?.array ?? []
    #expect(problems.contains { $0["code"]?.string == "device.flooding" })
  }

  @Test func whatWaitsIsStoredWhenTheDaemonStops() {
    var hub = AdmissionTests.flooded()
    hub.send(.stopRequested)
    hub.sync()
    #expect(hub.readings.last?.raw.octets == AdmissionTests.weighing(3999).octets)
  }

  @Test func theDayAfterItIsToldAgainWithHowMuchWasPassedOver() {
    var hub = AdmissionTests.flooded()
    hub.pass(86_400_000)
    hub.sync()
    for number in 4000..<4100 {
      hub.send(.advertised(device: "scale", AdmissionTests.weighing(number)))
      hub.sync()
    }
    let told = AdmissionTests.told(hub)
    #expect(told.count == 2)
    #expect(told.last?.contains("3979 readings were passed over") ?? false)
  }

  @Test func aDeviceWithMemoryWaitsForItsConfirmations() {
    var hub = Hub(.with([Cuff.device(patient: "p")])).listening()
    for number in 0..<700 {
      hub.send(
        .linkReceived(
          device: "cuff",
          Cuff.indication(systolic: UInt8(100 + number % 60), second: UInt8(number % 60), user: UInt8(number / 60))))
      hub.sync()
    }
    let confirmations = { (hub: Hub) in hub.sent(to: "cuff").filter { $0 == [0x1E] }.count }
    #expect(confirmations(hub) == 600)
    #expect(hub.readings.count == 600)
    // Ten a second, nothing is lost.
    for _ in 0..<110 { hub.pass(100); hub.sync() }
    #expect(hub.readings.count == 700)
    #expect(confirmations(hub) == 700)
  }

  @Test func whatCameBeforeTheLinkEndedIsTaken() {
    var hub = Hub(.with([Cuff.device(patient: "p")])).listening()
    for number in 0..<700 {
      hub.send(
        .linkReceived(
          device: "cuff", Cuff.indication(systolic: UInt8(100 + number / 60), second: UInt8(number % 60))))
      hub.sync()
    }
    hub.send(.linkClosed(device: "cuff", LinkEnd(code: "peer", message: "the device ended the link")))
    hub.sync()
    #expect(hub.readings.count == 700)
    // Who comes back at once is in debt.
    Cuff.connect(&hub)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 200)))
    hub.sync()
    #expect(hub.readings.count == 700)
    hub.pass(20_000)
    hub.sync()
    #expect(hub.readings.count == 701)
  }

  @Test func aLinkThatGoesOnAndOnIsClosed() {
    var hub = Hub(.with([Cuff.device(patient: "p")])).listening()
    for number in 0..<(600 + Admission.mostWaiting + 1) {
      hub.send(
        .linkReceived(
          device: "cuff",
          Cuff.indication(systolic: UInt8(100 + number / 60), second: UInt8(number % 60), user: 1)))
      hub.sync()
    }
    #expect(hub.done.contains { if case .close("cuff") = $0 { true } else { false } })
    #expect(hub.readings.count == 600)
  }

  @Test func aDiskThatDoesNotAnswerEndsLinksUnconfirmed() {
    let cuffs = (0..<9).map { number in
      var cuff = Cuff.device(patient: "p")
      cuff.id = "cuff-\(number)"
      return cuff
    }
    var hub = Hub(.with(cuffs))
    for cuff in cuffs { Cuff.connect(&hub, cuff.id) }
    hub.sync()
    hub.done = []
    for second in 0..<8 {
      for cuff in cuffs {
        hub.send(.linkReceived(device: cuff.id, Cuff.indication(systolic: 120, second: UInt8(second))))
      }
    }
    #expect(hub.waiting.count == Ledger.mostGroups)
    #expect(hub.done.contains { if case .close("cuff-8") = $0 { true } else { false } })
    #expect(!hub.sent(to: "cuff-8").contains([0x1E]))
    hub.send(
      .asked(
        RequestID(connection: 9, number: 1), .assignSlot(device: "cuff-0", user: 3, patient: "q"), CallerName(uid: 0)))
    var codes: [String] = []
    for case .answer(_, .failure(let error)) in hub.done { codes.append(error.code) }
    #expect(codes == ["busy"])
    // What is only shown is shown.
    #expect(hub.result(.version)["hub_id"] == "hub-test")
  }

  @Test func aBucketGivesWhatItHasAndThenOneAtATime() {
    var bucket = Bucket(burst: 3, every: 1000)
    var taken = (0..<4).map { _ in bucket.take(at: 0) }
    #expect(taken == [true, true, true, false])
    let next = bucket.next(at: 999)
    #expect(next == 1000)
    taken = [bucket.take(at: 999), bucket.take(at: 1000)]
    #expect(taken == [false, true])
    for _ in 0..<100 { bucket.owe(at: 1000) }
    // In debt for one burst at most.
    let late = bucket.next(at: 1000)
    #expect(late == 5000)
  }

  @Test func whatWaitsOfAnErasedPatientDoesNotComeBack() {
    var hub = AdmissionTests.flooded()
    hub.send(.asked(RequestID(connection: 9, number: 1), .erase(patient: "p"), CallerName(uid: 0)))
    hub.sync()
    let count = hub.readings.count
    hub.pass(60_000)
    hub.sync()
    #expect(hub.readings.count == count)
  }

  @Test func octetsThatADeviceForgetsAreKeptHoweverManyCannotBeRead() {
    var hub = Hub(.with([Cuff.device(patient: "p")])).listening()
    for number in 0..<20 {
      // Flags that want more octets than there are.
      hub.send(.linkReceived(device: "cuff", [0x1D, 3, 0, 0x1E, UInt8(number)]))
      hub.sync()
    }
    let confirmed = hub.sent(to: "cuff").filter { $0 == [0x1E] }.count
    let kept = hub.disk.filter { $0.entry.kind == .problem }.count
    #expect(confirmed == 20 && kept == 20)
  }

  @Test func aDeadlineThatIsOverForGoodKeepsNobodyWaiting() {
    var configuration = Configuration.with([Cuff.device(patient: "p")])
    var hub = Hub(configuration)
    hub.send(.bluetoothClosed(LinkEnd(code: "bluetooth.shared", message: "another program")))
    configuration.bluetooth.isEnabled = false
    hub.send(.configured(configuration, zones: ["UTC": .utc], plans: [:]))
    for _ in 0..<5 { hub.pass(40_000) }
    let wakes = hub.done.compactMap { effect -> Int64? in
      if case .wake(let at) = effect { at ?? .max } else { nil }
    }
    #expect((wakes.last ?? 0) > hub.time)
  }

  @Test func anErasureThatFailsSaysItsCode() {
    var hub = Hub(.with([Cuff.device(patient: "p")]))
    hub.send(.asked(RequestID(connection: 9, number: 1), .erase(patient: "p"), CallerName(uid: 0)))
    hub.sync()
    hub.send(.erased(patient: "p", ErasureReport(readings: 0, counted: [], left: [], error: "read x, errno 5")))
    var codes: [String] = []
    for case .answer(_, .failure(let error)) in hub.done { codes.append(error.code) }
    #expect(codes == ["journal.erasure-failed"])
  }
}
