// Who is let in beside whom.

import ControlProtocol
import Testing

@Suite struct ControlQuotaTests {
  /// Connections that try to come in, one after the other; gives those that are in.
  private func admitted(_ roles: [(Role, UInt32)], beside: [ControlQuota.Holder] = []) -> [ControlQuota.Holder] {
    var inside = beside
    for (role, uid) in roles {
      let holder = ControlQuota.Holder(role: role, uid: uid)
      if ControlQuota.refusal(of: holder, beside: inside) == nil { inside.append(holder) }
    }
    return inside
  }

  private func many(_ role: Role, _ count: Int, uid: UInt32? = nil) -> [(Role, UInt32)] {
    (0..<count).map { (role, uid ?? UInt32($0)) }
  }

  @Test func eachRoleHasItsOwnConnections() {
    for (role, most) in [(Role.nobody, 4), (.reader, 24), (.technician, 16), (.owner, 20)] {
      #expect(admitted(many(role, 100)).count == most)
    }
  }

  @Test func strangersKeepNobodyOut() {
    let crowd = admitted(many(.nobody, 48))
    #expect(crowd.count == 4)
    for role in [Role.reader, .technician, .owner] { #expect(admitted([(role, 1)], beside: crowd).count == 5) }
  }

  @Test func oneReaderKeepsNoOtherOut() {
    let greedy = admitted(many(.reader, 100, uid: 7))
    #expect(greedy.count == 12)
    #expect(admitted(many(.reader, 100, uid: 8), beside: greedy).count == 24)
    // A technician has only one device in the hand, but may have many windows.
    #expect(admitted(many(.technician, 100, uid: 7), beside: greedy).count == 28)
  }

  @Test func everybodyTogetherStaysBounded() {
    let all = [Role.nobody, .reader, .technician, .owner].flatMap { many($0, 100) }
    #expect(admitted(all).count == 64)
  }

  @Test func aRefusalSaysWhoHasThem() {
    let crowd = admitted(many(.technician, 16))
    let error = ControlQuota.refusal(of: .init(role: .technician, uid: 1), beside: crowd)
    #expect(error?.code == "busy" && error?.message == "all 16 connections for technicians are taken")
    #expect(error?.hint != nil)
    let greedy = admitted(many(.reader, 12, uid: 7))
    #expect(ControlQuota.refusal(of: .init(role: .reader, uid: 7), beside: greedy)?.code == "busy")
  }

  @Test func memoryIsLeftForWhoIsTrustedMore() {
    let shares = [Role.nobody, .reader, .technician, .owner].map { ControlQuota.memory(of: $0, outOf: 28 << 20) }
    #expect(shares == [0, 14 << 20, 21 << 20, 28 << 20])
  }
}

@Suite struct ConnectionPatienceTests {
  @Test func aStrangerIsGivenFiveSecondsForEachQuestion() {
    var patience = ConnectionPatience(at: 1000)
    #expect(patience.deadline(of: .nobody) == 6000)
    patience.heard(at: 4000)
    #expect(patience.deadline(of: .nobody) == 9000)
    // Who may do something may also wait for ever, as a subscriber does.
    for role in [Role.reader, .technician, .owner] { #expect(patience.deadline(of: role) == nil) }
  }

  @Test func whoReadsNothingOfMuchIsGivenAMinute() {
    var patience = ConnectionPatience(at: 0)
    patience.look(isBehind: false, sent: 0, at: 10)
    #expect(patience.deadline(of: .reader) == nil)
    patience.look(isBehind: true, sent: 200, at: 1000)
    patience.look(isBehind: true, sent: 200, at: 50_000)
    #expect(patience.deadline(of: .reader) == 61_000)
    // However slowly: something was read.
    patience.look(isBehind: true, sent: 201, at: 60_000)
    #expect(patience.deadline(of: .reader) == 120_000)
    patience.look(isBehind: false, sent: 900, at: 61_000)
    #expect(patience.deadline(of: .reader) == nil)
    // A request is no reading.
    patience.look(isBehind: true, sent: 900, at: 70_000)
    patience.heard(at: 100_000)
    #expect(patience.deadline(of: .owner) == 130_000)
    #expect(patience.deadline(of: .nobody) == 105_000)
  }

  @Test func whoHearsBusyAndGoesOnIsAFlood() {
    var patience = ConnectionPatience(at: 0)
    let floods = (1...64).map { patience.refusedBusy(at: Int64($0)) }
    #expect(floods.firstIndex(of: true) == 63)
    // Somebody who tries again now and then is none, for however long.
    patience = ConnectionPatience(at: 0)
    #expect(!(0..<1000).map { patience.refusedBusy(at: $0 * 1000) }.contains(true))
  }
}
