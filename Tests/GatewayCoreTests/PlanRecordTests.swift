// Every record that the largest plan can cause fits into the journal.

import ControlProtocol
import GatewayCore
import JSON
import Journal
import Monitoring
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

@Suite struct PlanRecordTests {
  private let patient = String(repeating: "p", count: 64)
  /// As long as control sockets take it; each of its octets takes six in JSON.
  private let note = String(repeating: "\u{1}", count: 1000)

  private func id(_ number: Int) -> String {
    String(repeating: "r", count: 62) + (number < 10 ? "0" : "") + "\(number)"
  }

  /// As many rules as a plan may have, each with the longest name and all of them red at once.
  private func largest(_ version: Int, first: Int = 0) throws -> Plan {
    let message = String(repeating: "\"", count: 500)
    let rules = (0..<PlanBounds.rules).map { number -> String in
      let shared =
        #""id": "\#(id(first + number))", "message": "\#(number < 32 ? message.replacing("\"", with: "\\\"") : "x")""#
      return #"{\#(shared), "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gt": "100"}}]}"#
    }
    let text = #"{"patient": "\#(patient)", "version": \#(version), "rules": [\#(rules.joined(separator: ","))]}"#
    #expect(text.utf8.count <= PlanBounds.octets)
    return try PlanFile.read(Array(text.utf8))
  }

  private let longestID = ReadingID(high: .max, low: .max)
  private let directions: [Direction?] = [.high, .low, nil]

  private func largestState() -> PatientState {
    var state = PatientState()
    let value = FindingValue.number(Ratio(ExactDecimal(-4_194_303_999_999, exponent: -8), over: ExactDecimal(800)))
    var finding = Finding(
      Rank(.yellow, 1), direction: .high, value: value, isDoubted: true, reading: longestID, taken: .min)
    finding.raw = Rank(.yellow, 16)
    let told = directions.map { RuleState.Told(at: .min, finding: finding.facing($0)) }
    for number in 0..<PlanBounds.rules {
      var rule = RuleState()
      rule.phase = .acknowledged
      rule.current = finding
      (rule.told, rule.asked, rule.lateTold) = (told, told, told)
      // Who is acknowledged is asked about one value; ten count while it is pending.
      rule.ask = .init(deadline: .min, since: .min, first: .min, counted: [finding], isSaid: false)
      rule.held = directions.map { .init(count: .min, worst: finding.facing($0), isUnconfirmed: true) }
      rule.episode = .init(reading: longestID, since: .min)
      rule.tellings = Array(repeating: .min, count: 64)
      rule.doubts = Array(repeating: finding, count: 16)
      rule.retold = (.min, .max)
      (rule.raisedAt, rule.lastToldAt, rule.toldDate, rule.remindedDate) = (.min, .min, .min, .min)
      (rule.judgedThrough, rule.remindedFor) = (.min, .min)
      rule.acknowledgement = RuleAcknowledgement(by: "uid:4294967295", at: .min, note: note)
      rule.lateDue = directions.map { finding.facing($0) }
      rule.notJudged = .init(because: .notBelievable, since: .min, count: .max)
      rule.signature = String(repeating: "s", count: 100)
      rule.doubt = .notBelievable
      (rule.missed, rule.missedSlot) = (.max, Slot(start: .min, end: .min))
      state.rules[id(number)] = rule
    }
    state.isUnsettled = true
    return state
  }

  @Test func theLargestStateOfRulesFits() {
    let octets = JournalEntry.rules(patient: patient, largestState()).payload
    #expect(octets.count <= RecordFormat.maximumPayload)
    // Every part of a state is in it: a new one is noticed here.
    #expect(octets.count > PlanBounds.rules * 6 * note.utf8.count)
  }

  /// A patient whose plan is as large as it may be: raised, acknowledged at length, and the readings are stored.
  @Test func readingsAreStoredByTheLargestPlan() throws {
    let device = Cuff.device(patient: patient)
    var hub = Hub(.with([device]), plans: [try largest(1)]).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.sync()
    #expect(hub.readings.count == 1 && hub.readings.first?.evaluation?.rules.count == PlanBounds.rules)
    for number in 0..<PlanBounds.rules {
      let answer = hub.result(.acknowledge(patient: patient, rule: id(number), note: note, episode: nil))
      #expect(answer["acknowledged"]?.bool == true)
    }
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 195, second: 5)))
    hub.sync()
    #expect(hub.readings.count == 2)
    for (_, entry) in hub.disk {
      guard case .acknowledgement = entry else {
        #expect(entry.payload.count <= RecordFormat.maximumPayload, "\(entry.kind)")
        continue
      }
    }
  }

  /// Version after version with other names of rules: what was raised by the old ones is not carried along for ever.
  @Test func rulesThatAreGoneAreForgotten() throws {
    let device = Cuff.device(patient: patient)
    var hub = Hub(.with([device]), plans: [try largest(1)]).listening()
    for version in 2...40 {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190, second: UInt8(version))))
      hub.sync()
      let plan = try largest(version, first: version % 2 == 0 ? 36 : 0)
      hub.send(.configured(.with([device]), zones: ["UTC": .utc], plans: [patient: plan]))
      hub.pass(60_000)
      hub.sync()
    }
    let states = hub.disk.compactMap { item -> PatientState? in
      if case .rules(_, let state) = item.entry { state } else { nil }
    }
    #expect(states.last.map { $0.rules.count <= PlanBounds.rules } == true)
  }
}

extension Finding {
  fileprivate func facing(_ direction: Direction?) -> Finding {
    var finding = self
    finding.direction = direction
    return finding
  }
}
