// Who called sudo is a claim: it stands beside what the kernel said, for root alone, and is bounded.

import ControlProtocol
@testable import GatewayCore
@testable import Ledger
import Testing

@Suite struct SudoCallerTests {
  private func action(uid: UInt32, _ sudo: SudoCaller?) -> String? {
    if case .audit(let kept, let action) = CallerName(uid: uid, sudo: sudo).audit("release device scale"), kept == uid {
      return action
    }
    return nil
  }

  @Test func onlyRootIsBelieved() {
    let kari = SudoCaller(name: "kari", uid: 1000)
    #expect(action(uid: 0, kari) == "release device scale [sudo:kari uid:1000, as claimed]")
    #expect(action(uid: 501, kari) == "release device scale")
    #expect(action(uid: 0, nil) == "release device scale")
    // Who set a plan or took notice is told alike.
    #expect(CallerName(uid: 0, sudo: kari).by == "uid:0 [sudo:kari uid:1000, as claimed]")
    #expect(CallerName(uid: 501, sudo: kari).by == "uid:501" && CallerName(uid: 0).by == "uid:0")
  }

  @Test(arguments: ["", "a b", "k\n", "-\u{202E}", "KOMMUNE\\kari", String(repeating: "k", count: 65), "01010150074"])
  func aNameThatIsNoneIsNotKept(name: String) {
    #expect(SudoCaller(name: name, uid: nil) == nil)
    #expect(SudoCaller(name: name, uid: 1000)?.text == "sudo uid:1000, as claimed")
  }

  /// An erasure drops what names the patient: a user who has the same name as a reference stays in the audit of others.
  @Test func aUserIsNoPatient() {
    let words = action(uid: 0, SudoCaller(name: "p-1", uid: 1)).map { $0.split(separator: " ") } ?? []
    #expect(!words.contains("p-1") && !words.contains("p-1,"))
  }
}
