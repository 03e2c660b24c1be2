// The ledger rule: a change that the disk refused never happened, whichever change it was; what is in force is what a start finds.

import BluetoothManagement
import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Monitoring
import Readings
import Settings
import Testing
@testable import Ledger

private let shared = Cuff.device(users: [1: "p-1"])

private func plan() throws -> Plan {
  try PlanFile.read(
    Array(
      #"""
      {"patient": "p-1", "version": 1, "rules": [{"id": "systolic", "kind": "band", "measure": "bp.systolic",
       "unit": "mm[Hg]", "zones": [{"red": {"gte": "180"}}], "confirm": {"n": 2, "within": "PT5M"}}]}
      """#.utf8))
}

@Suite struct RefusedChangeTests {
  /// A hub with everything that the changing methods need.
  private func hub() throws -> Hub {
    let toilet = DeviceConfiguration(id: "hall", driver: "weight-scale", endpoint: .playback(path: "/y"))
    var hub = Hub(.with([shared, toilet]), plans: [try plan()])
    Cuff.connect(&hub)
    // A reading of a slot that is nobody's, and a raised rule.
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, user: 2)))
    hub.sync()
    for second in [1, 2] as [UInt8] {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190, second: second)))
      hub.sync()
    }
    _ = hub.ask(.sessionStart(patient: "p-9", device: "hall", minutes: 15))
    _ = hub.ask(.planPause(patient: "p-1", from: "2026-12-20", to: "2026-12-21", rules: nil, note: ""))
    return hub
  }

  /// Every method that changes something durable, with what makes it do so.
  private func changes(_ hub: Hub) -> [ControlRequest] {
    let parked = hub.readings.first { $0.patient == nil }?.id.description ?? ""
    return [
      .assignReading(id: parked, patient: "p-2"), .assignSlot(device: "cuff", user: 2, patient: "p-2"),
      .erase(patient: "p-1"), .sessionStart(patient: "p-3", device: "hall", minutes: 5), .sessionEnd(device: "hall"),
      .acknowledge(patient: "p-1", rule: "systolic", note: "seen", episode: nil), .releaseDevice(device: "cuff"),
      .planSet(text: #"{"patient": "p-1", "version": 2, "rules": []}"#),
      .planPause(patient: "p-1", from: "2026-12-24", to: "2026-12-31", rules: nil, note: "away"),
      .planResume(patient: "p-1"),
    ]
  }

  @Test func aRefusedChangeIsAnsweredSoAndIsNotInForceNorAfterARestart() throws {
    let before = try hub()
    for request in changes(before) {
      var hub = before
      hub.done = []
      let durable = hub.gateway.turn.ledger.durable
      let id = RequestID(connection: 5, number: 1)
      hub.send(.asked(id, request, CallerName(uid: 7)))
      // A reading that is parked is read from the journal first.
      for case .load(let sequence) in hub.done {
        hub.send(.loaded(sequence: sequence, hub.readings.first { $0.patient == nil }))
      }
      #expect(!hub.waiting.isEmpty, "\(request) writes nothing")
      #expect(!hub.done.contains { if case .answer = $0 { true } else { false } }, "\(request) answers too early")
      hub.refuse()
      let answers = hub.done.compactMap { if case .answer(id, let answer) = $0 { answer } else { nil } }
      guard case .failure(let error)? = answers.first, answers.count == 1 else {
        Issue.record("\(request): \(answers)")
        continue
      }
      #expect(error.code == "journal.full", "\(request)")
      #expect(hub.gateway.turn.ledger.durable == durable, "\(request)")
      #expect(hub.gateway.turn.ledger.head == durable, "\(request)")
      #expect(
        !hub.done.contains {
          switch $0 {
          case .adoptPlans, .erase, .loadParked, .shredImported: true
          default: false
          }
        }, "\(request)")
      #expect(Hub.state(of: hub.disk) == durable, "\(request)")
    }
  }

  @Test func theSameChangeSucceedsWhenTheDiskTakesIt() throws {
    let before = try hub()
    for request in changes(before) {
      var hub = before
      let durable = hub.gateway.turn.ledger.durable
      hub.send(.asked(RequestID(connection: 5, number: 1), request, CallerName(uid: 7)))
      for case .load(let sequence) in hub.done {
        hub.send(.loaded(sequence: sequence, hub.readings.first { $0.patient == nil }))
      }
      hub.sync()
      let isQuiet = request == .releaseDevice(device: "cuff")
      #expect(isQuiet || hub.gateway.turn.ledger.durable != durable, "\(request)")
      // The change and who made it are one group: both are there.
      #expect(hub.disk.contains { if case .audit(7, _) = $0.entry { true } else { false } }, "\(request)")
    }
  }

  @Test func aWeightThatCameBehindALostAssignmentIsNobodys() {
    var hub = Hub(.with([shared])).listening()
    hub.send(
      .asked(
        RequestID(connection: 1, number: 1), .assignSlot(device: "cuff", user: 2, patient: "p-2"), CallerName(uid: 0)))
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, user: 2)))
    #expect(hub.waiting.count == 2)
    hub.refuse()
    hub.send(.linkClosed(device: "cuff", LinkEnd(code: "ended", message: "")))
    Cuff.connect(&hub)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, user: 2)))
    hub.sync()
    #expect(hub.readings.map(\.patient) == [nil])
  }

  @Test func whatWasDecidedUponALostRuleIsDecidedAgain() throws {
    var hub = Hub(.with([shared]), plans: [try plan()]).listening()
    // The first raises a question, the second is judged upon it while the disk is slow.
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 182, second: 20)))
    #expect(hub.waiting.map(\.fence) == [0, 0])
    hub.refuse()
    #expect(hub.readings.isEmpty && hub.events.isEmpty)
    hub.send(.linkClosed(device: "cuff", LinkEnd(code: "ended", message: "")))
    Cuff.connect(&hub)
    for (systolic, second) in [(190, 0), (182, 20)] as [(UInt8, UInt8)] {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: systolic, second: second)))
      hub.sync()
    }
    #expect(hub.events.compactMap(\.monitoring?.kind) == [.repeatRequested, .raised])
    #expect(hub.gateway.turn.ledger.fence == 1)
  }
}

@Suite struct SweepTests {
  /// A hub with parked readings of slot 2.
  private func hub(readings: Int) -> Hub {
    var hub = Hub(.with([shared])).listening()
    for index in 0..<readings {
      hub.send(
        .linkReceived(
          device: "cuff", Cuff.indication(systolic: UInt8(100 + index % 100), second: UInt8(index % 60), user: 2)))
      hub.sync()
    }
    hub.done = []
    return hub
  }

  /// Answers what a sweep reads from the journal, once.
  private func read(_ hub: inout Hub) -> Bool {
    for case .loadParked(let slot, let sequences) in hub.done {
      hub.done = []
      let found = sequences.map { sequence -> (sequence: UInt64, reading: Reading?) in
        guard case .reading(let reading)? = hub.disk.first(where: { $0.sequence == sequence })?.entry else {
          return (sequence, nil)
        }
        return (sequence, reading)
      }
      hub.send(.loadedParked(slot, found))
      return true
    }
    return false
  }

  @Test func everyParkedReadingGoesToThePatientInFewGroups() {
    var hub = hub(readings: 150)
    let answer = hub.result(.assignSlot(device: "cuff", user: 2, patient: "p-2"))
    #expect(answer["readings"]?.int == 150)
    var groups = 0
    while read(&hub) {
      groups += 1
      hub.sync()
    }
    #expect(groups == 3)
    #expect(hub.gateway.turn.ledger.durable.parked.isEmpty)
    #expect(hub.gateway.turn.ledger.durable.bindings.sweeps.isEmpty)
    #expect(hub.readings.suffix(150).allSatisfy { $0.patient == "p-2" })
  }

  @Test func whatAnUnknownUserMeasuredGoesWithTheWholeDevice() {
    var hub = Hub(.with([Cuff.device()])).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, user: 255)))
    hub.sync()
    #expect(hub.gateway.turn.ledger.durable.parked.count == 1)
    #expect(hub.result(.assignSlot(device: "cuff", user: nil, patient: "p-1"))["readings"]?.int == 1)
    while read(&hub) { hub.sync() }
    #expect(hub.gateway.turn.ledger.durable.parked.isEmpty)
    #expect(hub.readings.last?.patient == "p-1")
  }

  @Test func aSweepGoesOnAfterAKill() {
    var hub = hub(readings: 150)
    _ = hub.ask(.assignSlot(device: "cuff", user: 2, patient: "p-2"))
    #expect(read(&hub))
    hub.sync()
    // Killed while the second group is read.
    var again = Hub(.with([shared]), disk: hub.disk)
    again.done = again.atStart
    while read(&again) { again.sync() }
    #expect(again.gateway.turn.ledger.durable.parked.isEmpty)
    #expect(again.gateway.turn.ledger.durable.bindings.sweeps.isEmpty)
  }

  @Test func aSweepThatTheDiskRefusesIsTriedAgain() {
    var hub = hub(readings: 3)
    _ = hub.ask(.assignSlot(device: "cuff", user: 2, patient: "p-2"))
    #expect(read(&hub))
    hub.refuse()
    #expect(hub.gateway.turn.ledger.durable.parked.count == 3)
    hub.pass(6000)
    while read(&hub) { hub.sync() }
    #expect(hub.gateway.turn.ledger.durable.parked.isEmpty)
  }

  /// Who gave it first is not told that it is theirs.
  @Test func ofTwoAssignmentsOfAReadingTheFirstIsToldOfTheSecond() throws {
    var hub = hub(readings: 1)
    let reading = try #require(hub.readings.first)
    let text = String(reading.id.description.prefix(8))
    for (number, patient) in [(11, "p-2"), (12, "p-3")] as [(UInt64, String)] {
      hub.send(
        .asked(RequestID(connection: 1, number: number), .assignReading(id: text, patient: patient), CallerName(uid: 0))
      )
    }
    let sequence = try #require(hub.disk.first { $0.entry.isReading(reading.id) }?.sequence)
    hub.send(.loaded(sequence: sequence, reading))
    hub.sync()
    #expect(hub.readings.last?.patient == "p-3")
    var codes: [UInt64: String] = [:]
    for case .answer(let id, let answer) in hub.done {
      if case .failure(let error) = answer { codes[id.number] = error.code } else { codes[id.number] = "" }
    }
    #expect(codes[11] == "reading.reassigned" && codes[12] == "", "\(codes)")
  }

  @Test func aNewerAssignmentDecidesForTheRest() {
    var hub = hub(readings: 3)
    _ = hub.ask(.assignSlot(device: "cuff", user: 2, patient: "p-2"))
    let reading = hub.done
    _ = hub.ask(.assignSlot(device: "cuff", user: 2, patient: "p-3"))
    hub.done = reading
    while read(&hub) { hub.sync() }
    #expect(hub.readings.suffix(3).allSatisfy { $0.patient == "p-3" })
    #expect(hub.gateway.turn.ledger.durable.bindings.sweeps.isEmpty)
  }
}

@Suite struct ImportTests {
  private static let register =
    #"{"version":2,"devices":[{"id":"cuff","driver":"blood-pressure","address":"F0:00:00:00:00:01","#
    + #""address_type":"random","controller":"00:1B:DC:07:32:01","patient":"p-1","consent":{"user":1,"code":520}}],"#
    + #""named":[{"id":"scale","serial":"1234567"}]}"#

  private func old() throws -> ImportedState {
    var old = ImportedState()
    old.register = try DeviceRegister(Array(ImportTests.register.utf8))
    old.bindings = try Bindings(
      Array(#"{"version":1,"slots":[{"device":"cuff","user":2,"patient":"p-2"}]}"#.utf8))
    old.files = ["devices.json": "aa", "bindings.json": "bb"]
    return old
  }

  private func keyFile(_ old: ImportedState) -> [UInt8] { KeyFile(bonds: Bonds(), register: old.register).encoded }

  @Test func oldFilesAreRecordsOnceAndSecretsAreNot() throws {
    let old = try old()
    var hub = Hub(.with([]), keyFile: keyFile(old), imported: old)
    let state = hub.gateway.turn.ledger.durable
    #expect(state.register.devices.map(\.id) == ["cuff"])
    #expect(state.register.serials == ["scale": "1234567"])
    #expect(state.bindings.slots == [Bindings.Slot(device: "cuff", user: 2): "p-2"])
    #expect(state.imported == old.files && state.keys == 1)
    #expect(hub.atStart.contains { if case .importFinished = $0 { true } else { false } })
    for (_, entry) in hub.disk { #expect(!String(decoding: entry.payload, as: UTF8.self).contains("520")) }
    #expect(hub.gateway.bluetooth.keys.keys.consents["cuff"]?.code == 520)
    // After a restart it is the same, and nothing is imported again.
    hub = Hub(.with([]), disk: hub.disk, keyFile: hub.keyFile)
    #expect(hub.gateway.turn.ledger.durable == state || hub.gateway.turn.ledger.durable.register == state.register)
    #expect(hub.gateway.bluetooth.keys.keys.consents["cuff"]?.code == 520)
  }

  @Test func anImportThatTheDiskRefusesIsTriedAgain() throws {
    let old = try old()
    var hub = Hub(.with([]), keyFile: keyFile(old), imported: old, isDiskGood: false)
    #expect(hub.gateway.turn.ledger.durable.imported == nil)
    hub.pass(6000)
    hub.sync()
    #expect(hub.gateway.turn.ledger.durable.imported == old.files)
    #expect(hub.gateway.turn.ledger.durable.register.devices.map(\.id) == ["cuff"])
  }

  @Test func importedTwiceIsImportedOnce() throws {
    let old = try old()
    let once = Hub(.with([]), keyFile: keyFile(old), imported: old)
    let twice = Hub(.with([]), disk: once.disk, keyFile: once.keyFile, imported: old)
    #expect(twice.gateway.turn.ledger.durable.register == once.gateway.turn.ledger.durable.register)
    #expect(twice.gateway.turn.ledger.durable.bindings.slots == once.gateway.turn.ledger.durable.bindings.slots)
  }
}

@Suite struct KeyFileTests {
  private func keys(_ code: UInt16) -> Keys {
    var keys = Keys()
    keys.consents["cuff"] = Consent(user: 1, code: code)
    return keys
  }

  private func state(_ number: UInt64) -> LedgerState {
    var state = LedgerState()
    state.register.devices = [Cuff.device()]
    state.keys = number
    return state
  }

  @Test func theRecordDecidesWhichOfTwoValuesIsInForce() throws {
    var file = KeyFile()
    file.current = KeyFile.Value(number: 1, keys: keys(1111))
    file.next = KeyFile.Value(number: 2, keys: keys(2222))
    let read = try KeyFile(file.encoded)
    #expect(read == file)
    #expect(KeyStore(read, state(1), nil).keys.consents["cuff"]?.code == 1111)
    #expect(KeyStore(read, state(2), nil).keys.consents["cuff"]?.code == 2222)
    // The other value goes from the file.
    var store = KeyStore(read, state(1), nil)
    #expect(store.toWrite(at: 0)?.1.next == nil)
  }

  @Test func whatBelongsToNoDeviceGoes() {
    var file = KeyFile()
    file.current.keys = keys(1111)
    var store = KeyStore(file, LedgerState(), nil)
    #expect(store.keys.consents.isEmpty)
    #expect(store.toWrite(at: 0)?.1.current.keys == Keys())
  }

  @Test func aWriteThatFailsIsTriedAgain() throws {
    var store = KeyStore(KeyFile(), state(0), nil)
    store.renew { $0.consents["cuff"] = Consent(user: 1, code: 1) }
    let written = store.toWrite(at: 0)
    let first = try #require(written)
    let second = store.toWrite(at: 0)
    #expect(second?.0 == nil)
    _ = store.failed(first.0, "full", at: 0)
    let early = store.toWrite(at: 4999)
    let late = store.toWrite(at: 5000)
    #expect(early?.0 == nil && late?.0 != nil)
  }
}
