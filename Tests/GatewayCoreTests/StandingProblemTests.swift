// Every problem that stands is told by `status`, `doctor` and the heartbeat alike.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import JSON
import Journal
import Monitoring
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

@Suite struct StandingProblemTests {
  private func backend() -> BackendConfiguration {
    BackendConfiguration(
      name: "gp", kind: .http(.native, HTTPBackend(url: "https://gp.example")), maximumReadings: 8,
      maximumBytes: 1 << 20)
  }

  /// A hub whose memory is changed as if that kind of problem had come about.
  private func view(_ kind: StandingProblem.Kind) -> View {
    var configuration = Configuration.with([Cuff.device(patient: "p-1")], backends: [backend()])
    configuration.watch.silentAfter = kind == .deviceSilent ? ["*": 3_600_000] : [:]
    if kind == .nationalID { configuration.devices[0].patient = "13097248022" }
    if kind == .deviceUnassigned {
      let binding = PortBinding(path: "/devices/pci0/usb1", vendor: 1, product: 2)
      configuration.devices[0] = DeviceConfiguration(id: "cuff", driver: "blood-pressure", endpoint: .usb(binding))
    }
    let hub = Hub(configuration)
    var house = hub.gateway.turn.house
    var durable = hub.gateway.turn.durable
    var now = Now(monotonic: 10 * 3_600_000, wall: hub.wall, isSynchronised: true, bootID: "boot")
    let id = ReadingID(high: 1, low: 2)
    let end = LinkEnd(code: "port.busy", message: "the port is busy")
    switch kind {
    case .fileFault:
      house.faults.replace(by: [HubFault(.configuration, "configuration.refused", "line 3", hint: "mend it")], at: 5)
    case .fileWarning:
      house.faults.replace(
        by: [HubFault(.plans, "plan.zone-missing", "zone", hint: "mend it", isWarning: true)], at: 5)
    case .journalFailing: house.journalFailure = (JournalFailure(code: "journal.full", message: "full"), 5)
    case .readingsUnsaved: (house.unsaved, house.unsavedReadings, house.unsavedSince) = (3, 2, 5)
    case .readingsLost: house.lost = 2
    case .journalDamaged: house.journal.damage = ["segment 3"]
    case .journalNearlyFull: house.journal = JournalReport(bytes: 99, segments: 1, maximumBytes: 100, damage: [])
    case .diskNearlyFull: house.journal.diskPercent = 99
    case .clockUnsynchronised:
      now.isSynchronised = false
      house.noteClock(Now(monotonic: 0, wall: hub.wall, isSynchronised: false, bootID: "boot"))
    case .erasureFailing: house.eraseFault = "the disk is full"
    case .filesErasureFailing: house.eraseFilesFaults["p-9"] = "2026-11-21.ndjson: open: File exists"
    case .keysUnsaved: house.keysFault = "the disk is full"
    case .readingsHeld: durable.held[id] = HeldReading(sequence: 1, bootID: "boot", monotonic: 1)
    case .readingsParked: durable.parked[id] = .init(sequence: 1, device: "cuff", user: nil)
    case .readingsUnlisted: durable.parkedBeyond = .init(count: 3, first: 1)
    case .historyCrowded: house.historyPercent = 90
    case .backendMisconfigured:
      house.backends["gp"]?.isMisconfigured = true
      house.backends["gp"]?.lastError = ("http.401", "the credential is refused")
    case .backendUnreachable:
      durable.stored = 1
      house.backends["gp"]?.failingSince = 0
      house.backends["gp"]?.lastError = ("net.refused", "busy")
    case .backendRefuses:
      durable.add(Refusal(backend: "gp", sequence: 1, id: "x", reason: "value 190 is no pressure", at: 5))
    case .backendRefusesKind:
      durable.apply(LineChange(backend: "gp", kind: "body-weight", line: DeliveryLine(since: 5, through: 1)))
    case .backendRemoved: durable.left["old"] = LeftBackend(waiting: 2, at: now.wall - 1)
    case .credentialEnding: house.credentials["gp"] = CredentialFact(what: "token", end: now.wall - 1)
    case .filesNotRemoved: house.retentionFaults["gp"] = ("unlink: Operation not permitted", 5)
    case .plansMisconfigured, .plansUnreachable, .planRefused, .planWithdrawn:
      var pull = PlanPull(PlanSource(url: "https://gp.example/plans"), at: nil)
      pull.error = kind == .plansMisconfigured ? ("http.404", "no plans are there") : nil
      pull.isMisconfigured = kind == .plansMisconfigured
      if kind == .plansUnreachable { (pull.error, pull.failingSince) = (("net.refused", "busy"), 0) }
      if kind == .planRefused { pull.refused = ["plans[0].rules[0]: expected a limit"] }
      if kind == .planWithdrawn { pull.withdrawn = ["p-1"] }
      house.pulls["gp"] = pull
    case .planReviewDue:
      var plan = Plan(patient: "p-1", version: 1, liveWindow: 7_200_000, rules: [])
      plan.reviewBy = hub.wall / 86_400_000
      house.configure(configuration, house.zones, ["p-1": plan])
    case .planOfNobody: house.configure(configuration, house.zones, ["p-2": StandingProblemTests.plan("p-2")])
    case .bluetooth:
      house.bluetooth.isNeeded = true
      house.bluetooth.fault = ControlError(
        code: "bluetooth.no-controller", message: "no controller", hint: "plug one in")
    case .port: house.ports.vanished = ["/devices/pci0/usb1"]
    case .portChoice:
      house.ports.ports["ttyUSB0"] = PortFact(use: .idle, fault: nil, candidates: ["one", "two"])
    case .deviceQuarantined:
      durable.quarantine.devices["cuff"] = .init(crashes: Quarantine.limit, last: 5)
    case .deviceNeedsPairing: house.air["cuff"] = AirFact(needsPairing: true)
    case .deviceChanged: house.devices["cuff"]?.change = "another serial number"
    case .deviceUnreachable: house.devices["cuff"]?.lastEnd = end
    case .deviceFlooding: house.devices["cuff"]?.floodToldAt = now.monotonic
    case .deviceNotUnderstood: house.devices["cuff"]?.isNotUnderstood = true
    case .patientNear:
      let plan = Plan(patient: "p-7f3b", version: 1, liveWindow: 7_200_000, rules: [])
      configuration.devices[0].patient = "p-7f3a"
      house.configure(configuration, house.zones, ["p-7f3b": plan])
    case .nationalID, .deviceUnassigned, .deviceSilent: break
    }
    return View(house: house, head: durable, durable: durable, now: now)
  }

  /// A plan with a rule.
  private static func plan(_ patient: String) -> Plan {
    let text =
      #"{"patient": "\#(patient)", "version": 1, "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}"#
    return (try? PlanFile.read(Array(text.utf8), patient: patient))
      ?? Plan(patient: patient, version: 1, liveWindow: 1, rules: [])
  }

  /// Whoever is told wants to know since when.
  @Test(arguments: [
    StandingProblem.Kind.backendMisconfigured, .clockUnsynchronised, .deviceUnreachable, .readingsUnsaved,
  ])
  func aProblemSaysSinceWhen(kind: StandingProblem.Kind) throws {
    let view = view(kind)
    var house = view.house
    house.backends["gp"]?.failingSince = 0
    if kind == .deviceUnreachable { house.devices["cuff"]?.lastEnd?.since = 5 }
    let now = View(house: house, head: view.head, durable: view.durable, now: view.now)
    let problem = try #require(now.standingProblems().first { $0.kind == kind })
    #expect(problem.since != nil)
  }

  /// The clock is a problem after the time that the configuration has for it.
  @Test func theClocksTimeIsTheConfigurations() {
    let view = view(.clockUnsynchronised)
    var configuration = view.configuration
    configuration.watch.clockAfter = 11 * 3_600_000
    var house = view.house
    house.configure(configuration, house.zones, house.plans)
    let later = View(house: house, head: view.head, durable: view.durable, now: view.now)
    #expect(later.standingProblems().isEmpty)
  }

  /// A plan of nobody names the patient who may be meant; one who has readings, a slot or a device is somebody.
  @Test func aPlanOfNobodyNamesWhomItMayBeMeantFor() throws {
    let view = view(.planOfNobody)
    let problem = try #require(view.standingProblems().first { $0.kind == .planOfNobody })
    #expect(problem.about == "p-2" && problem.hint.contains("p-1"))
    var known = view.durable
    known.bindings.slots[Bindings.Slot(device: "scale", user: nil)] = "p-2"
    let bound = View(house: view.house, head: known, durable: known, now: view.now)
    #expect(!bound.standingProblems().contains { $0.kind == .planOfNobody })
    known = view.durable
    known.history["p-2"] = PatientHistory()
    let measured = View(house: view.house, head: known, durable: known, now: view.now)
    #expect(!measured.standingProblems().contains { $0.kind == .planOfNobody })
    // One without rules is meant to watch nobody.
    var house = view.house
    house.configure(
      view.configuration, house.zones, ["p-2": Plan(patient: "p-2", version: 2, liveWindow: 1, rules: [])])
    let ended = View(house: house, head: view.head, durable: view.durable, now: view.now)
    #expect(!ended.standingProblems().contains { $0.kind == .planOfNobody })
  }

  /// What to do about a full journal depends on what is full.
  @Test func aFullJournalSaysWhatIsFull() throws {
    let view = view(.journalFailing)
    var house = view.house
    #expect(try #require(view.standingProblems().first).hint.contains("free space on the disk"))
    house.journalFailure = (JournalFailure(code: "journal.full", message: "its limit", isLimit: true), 5)
    let full = View(house: house, head: view.head, durable: view.durable, now: view.now)
    let hint = try #require(full.standingProblems().first).hint
    #expect(hint.contains("journal.maximum_bytes") && !hint.contains("disk"))
  }

  @Test(arguments: StandingProblem.Kind.allCases)
  func everyKindIsToldEverywhere(kind: StandingProblem.Kind) throws {
    let view = view(kind)
    let problem = try #require(view.standingProblems().first { $0.kind == kind }, "\(view.standingProblems())")
    #expect(!problem.message.isEmpty && !problem.hint.isEmpty)
    let severity = kind.severity == .error ? "error" : "warning"
    let shown = view.status()["problems"]?.array?.first { $0["code"]?.string == problem.code }
    #expect(shown?["severity"]?.string == severity && shown?["message"]?.string == problem.message)
    let checks = view.checks().filter { $0["id"]?.string == problem.check }
    #expect(checks.contains { $0["state"]?.string == (severity == "error" ? "failed" : "warning") }, "\(view.checks())")
    #expect(!checks.contains { $0["state"]?.string == "ok" })
    #expect(checks.count { $0["code"]?.string == problem.code } == 1 && checks.count == 1)
    let beat = view.heartbeat("id", raised: [])["problems"]?.array?.first { $0["code"]?.string == problem.code }
    #expect(beat?["severity"]?.string == severity)
    // What a backend said of a reading stays here.
    #expect(!(beat?.text.contains("190") ?? true))
  }

  @Test func aHubWithoutProblemsHasNoneAnywhere() {
    var view = view(.deviceFlooding)
    var house = view.house
    house.devices["cuff"]?.floodToldAt = nil
    view = View(house: house, head: view.head, durable: view.durable, now: view.now)
    #expect(view.standingProblems().isEmpty)
    #expect(view.status()["problems"]?.array?.isEmpty == true)
    #expect(view.checks().allSatisfy { $0["state"]?.string == "ok" }, "\(view.checks())")
    #expect(view.heartbeat("id", raised: [])["problems"] == nil)
  }

  @Test func whatIsTriedAgainByItselfIsNoProblemYet() {
    let view = view(.backendUnreachable)
    var house = view.house
    house.backends["gp"]?.failingSince = view.now.monotonic - View.backendGrace + 1
    let young = View(house: house, head: view.head, durable: view.durable, now: view.now)
    #expect(young.standingProblems().isEmpty)
    let check = young.checks().first { $0["id"]?.string == "backend-gp" }
    // The doctor says what is known at this moment, and that it is no problem yet.
    #expect(check?["state"]?.string == "unknown" && check?["message"]?.string?.contains("net.refused") == true)
  }

  /// One list, one severity, the same moment: what the doctor calls failed or a warning is what the status names.
  @Test(arguments: [0, View.backendGrace - 1, View.backendGrace, View.backendGrace + 60_000])
  func theDoctorAndTheStatusAgreeAtEachMoment(passed: Int64) {
    let view = view(.backendUnreachable)
    var house = view.house
    house.backends["gp"]?.failingSince = view.now.monotonic - passed
    var configuration = view.configuration
    configuration.watch.clockAfter = View.backendGrace
    house.configure(configuration, house.zones, house.plans)
    house.noteClock(
      Now(monotonic: view.now.monotonic - passed, wall: view.now.wall, isSynchronised: false, bootID: "boot"))
    var now = view.now
    now.isSynchronised = false
    let moment = View(house: house, head: view.head, durable: view.durable, now: now)
    let problems = moment.standingProblems()
    #expect(problems.count == (passed < View.backendGrace ? 0 : 2))
    let bad = moment.checks().filter { ["failed", "warning"].contains($0["state"]?.string ?? "") }
    #expect(Set(bad.compactMap { $0["code"]?.string }) == Set(problems.map(\.code)) && bad.count == problems.count)
  }

  @Test func whatSaysNothingOfTheBackendIsNoPraise() {
    let view = view(.deviceFlooding)
    func text(_ view: View) -> String? {
      view.checks().first { $0["id"]?.string == "backend-gp" }?["message"]?.string
    }
    #expect(text(view)?.hasPrefix("not tried yet") == true)
    var durable = view.durable
    durable.cursors["gp"] = LedgerState.Cursor(through: 4, delivered: 4)
    let later = View(house: view.house, head: view.head, durable: durable, now: view.now)
    #expect(text(later) == "not tried since the daemon started; it took 4 items before")
    var house = view.house
    house.backends["gp"]?.lastSuccess = view.now.wall
    #expect(text(View(house: house, head: view.head, durable: durable, now: view.now)) == "takes readings")
  }

  /// Where the check's id names the device or the backend already, the message does not do so again.
  @Test(arguments: [StandingProblem.Kind.deviceSilent, .deviceUnreachable, .deviceNotUnderstood, .backendRefuses])
  func aNameIsSaidOnce(kind: StandingProblem.Kind) throws {
    let view = view(kind)
    let check = try #require(view.checks().first { $0["code"] != nil })
    let message = check["message"]?.string ?? ""
    #expect(!message.hasPrefix("device cuff: ") && !message.hasPrefix("backend gp: "), "\(message)")
    #expect(view.standingProblems().first?.message.hasSuffix(message) == true)
  }

  @Test func aBackendThatCannotBeReachedMayHaveAWrongAddress() throws {
    let kinds: [(code: String, isNetwork: Bool)] = [("net.refused", true), ("net.dns", true), ("http.500", false)]
    for (code, isNetwork) in kinds {
      var outbox = Outbox(backend())
      outbox.lastError = (code, "words")
      #expect(outbox.advice.contains("url (host, port)") == isNetwork, "\(code)")
    }
  }

  @Test func aHeartbeatNamesSoManyAndCountsTheRest() {
    let view = view(.deviceFlooding)
    var house = view.house
    house.ports.vanished = (0..<40).map { "/devices/usb\($0)" }
    let beat = View(house: house, head: view.head, durable: view.durable, now: view.now).heartbeat("id", raised: [])
    #expect(beat["problems"]?.array?.count == View.mostInHeartbeat && beat["problems_left"]?.int == 21)
  }
}
