// The table of the control socket's methods, enumerated against the gateway: every method has somebody who answers it, and what the
// table says of audit and durability is what happens.

import ControlProtocol
@testable import GatewayCore
import JSON
import Monitoring
import Readings
import Testing
@testable import Ledger

/// One form of a call.
private struct Call: Sendable, CustomTestStringConvertible {
  var method: ControlMethod
  var example: JSONValue
  var testDescription: String { "\(method.name) \(example.text)" }

  static let all = ControlMethod.all.flatMap { method in method.examples.map { Call(method: method, example: $0) } }

  func request() throws -> ControlRequest {
    let value: JSONValue = ["jsonrpc": "2.0", "id": 1, "method": .string(method.name), "params": example]
    return try ReceivedRequest(value.encoded(), from: method.role).outcome.get()
  }
}

/// What a hub did for one call.
private struct Deed {
  var isAnswered = false
  /// The answer is a refusal; nil while it is none yet.
  var refusal: ControlError?
  /// Who asked stands in the journal.
  var isAudited = false
  /// A record beside the audit, or the file of keys.
  var isKept = false
}

@Suite struct ControlMethodAnswerTests {
  private static let id = RequestID(connection: 3, number: 4711)

  /// A hub on which most examples of the table mean something: a public cuff, and a patient with a plan.
  private func hub() -> Hub {
    let limit = ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))])
    let rule = Rule(id: "bp.extreme", kind: BandRule(measure: .systolic, zones: [limit]))
    return Hub(
      .with([Cuff.device()]), plans: [Plan(patient: "p-7f3a", version: 1, liveWindow: 7_200_000, rules: [rule])])
  }

  private func deed(_ request: ControlRequest, _ hub: inout Hub) -> Deed {
    let records = hub.disk.count
    hub.done = []
    hub.send(.asked(Self.id, request, CallerName(uid: 501)))
    hub.sync()
    var deed = Deed()
    for effect in hub.done {
      switch effect {
      case .answer(Self.id, let answer):
        deed.isAnswered = true
        if case .failure(let error) = answer { deed.refusal = error }
      // Whoever carries these out answers.
      case .read(Self.id, _), .reload(Self.id): deed.isAnswered = true
      case .erase: (deed.isAnswered, deed.isKept) = (true, true)
      case .adoptPlans: deed.isKept = true
      case .keep: deed.isKept = true
      default: break
      }
    }
    for (_, entry) in hub.disk.dropFirst(records) {
      if case .audit(501, _) = entry { deed.isAudited = true } else { deed.isKept = true }
    }
    return deed
  }

  @Test(arguments: Call.all) private func everyMethodIsAnswered(call: Call) throws {
    var hub = hub()
    let deed = deed(try call.request(), &hub)
    #expect(deed.isAnswered)
    if let refusal = deed.refusal {
      // What this hub has not: Bluetooth, a pairing, ports, refused readings, something raised, a session, a device that takes a key.
      let says = ["pair.answer", "device.ask"].contains(call.method.name) ? [] : ["bad-parameters", "unknown-method"]
      #expect(!says.contains(refusal.code), "\(refusal)")
      #expect(!deed.isKept, "\(refusal)")
    } else {
      #expect(deed.isAudited || !call.method.isAudited || call.method.name == "pair.cancel")
    }
    if !call.method.isAudited { #expect(!deed.isAudited) }
    if !call.method.isDurable { #expect(!deed.isKept) }
  }

  /// The changing methods that this hub can carry out are carried out: else the test above would show nothing.
  @Test func whatChangesSomethingDoes() throws {
    var kept: Set<String> = []
    for call in Call.all where call.method.isDurable {
      var hub = hub()
      if call.method.name == "session.end" {
        _ = hub.result(.sessionStart(patient: "p-7f3a", device: "cuff", minutes: 15))
      }
      if call.method.name == "plan.resume" {
        _ = hub.result(.planPause(patient: "p-7f3a", from: "2026-12-20", to: "2027-01-03", rules: nil, note: ""))
      }
      if call.method.name == "assign.nobody" {
        _ = hub.result(.assignSlot(device: "cuff", user: 1, patient: "p-7f3a"))
      }
      if deed(try call.request(), &hub).isKept { kept.insert(call.method.name) }
    }
    #expect(
      kept == [
        "assign", "assign.nobody", "session.start", "session.end", "erase", "plan.set", "plan.pause", "plan.resume",
        "device.release",
      ])
  }

  /// Every changing method, so that a new one cannot be forgotten: what the disk refuses is refused to whoever asked, is not in force,
  /// and is not found by a start.
  @Test(arguments: Call.all.filter(\.method.isDurable)) private func whatTheDiskRefusesDidNotHappen(call: Call) throws {
    var hub = hub()
    if call.method.name == "session.end" {
      _ = hub.result(.sessionStart(patient: "p-7f3a", device: "cuff", minutes: 15))
    }
    hub.refusesKeys = true
    let before = hub.gateway.turn.ledger.durable
    hub.done = []
    hub.send(.asked(Self.id, try call.request(), CallerName(uid: 501)))
    let isWriting = !hub.waiting.isEmpty
    hub.refuse()
    #expect(hub.gateway.turn.ledger.durable == before)
    #expect(hub.gateway.turn.ledger.head == before)
    #expect(Hub.state(of: hub.disk) == before)
    let answers = hub.done.compactMap { if case .answer(Self.id, let answer) = $0 { answer } else { nil } }
    if isWriting {
      #expect(answers.count == 1)
      guard case .failure(let error)? = answers.first else {
        Issue.record("\(answers)")
        return
      }
      #expect(error.code == "journal.full")
    }
    let isCarriedOut = hub.done.contains { effect in
      switch effect {
      case .adoptPlans, .erase, .manage, .openPort, .loadParked, .shredImported: true
      default: false
      }
    }
    #expect(!isCarriedOut)
  }
}
