// Which kernel runs, and what is known of it.

import BluetoothManagement
import Testing

@Suite struct KernelReleaseTests {
  private struct Seen: Sendable {
    let release: String
    let build: String
    let version: String?
    let fault: KernelRelease.ClosingFault
  }

  private static let seen = [
    Seen(
      release: "6.1.0-47-amd64", build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.170-3 (2026-05-08)", version: "6.1.170",
      fault: .absent),
    Seen(
      release: "6.1.0-54-amd64", build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.190-1 (2026-10-15)", version: "6.1.190",
      fault: .absent),
    Seen(
      release: "6.1.0-55-amd64", build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-1 (2026-11-06)", version: "6.1.192",
      fault: .present),
    Seen(
      release: "6.1.0-57-amd64", build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26)", version: "6.1.192",
      fault: .present),
    Seen(release: "6.1.191", build: "#1 SMP PREEMPT", version: "6.1.191", fault: .present),
    Seen(release: "6.1.193-v8+", build: "#1 SMP PREEMPT", version: "6.1.193", fault: .possible),
    Seen(
      release: "6.12.118+deb13-amd64", build: "#1 SMP PREEMPT_DYNAMIC Debian 6.12.118-1 (2026-11-27)",
      version: "6.12.118", fault: .absent),
    Seen(
      release: "6.12.47+rpt-rpi-v8", build: "#1 SMP PREEMPT Debian 1:6.12.47-1+rpt1 (2025-09-16)", version: "6.12.47",
      fault: .absent),
    Seen(release: "6.18.44", build: "", version: "6.18.44", fault: .absent),
    // The binary interface of a distribution says nothing about the source.
    Seen(release: "5.15.0-91-generic", build: "#101-Ubuntu SMP", version: nil, fault: .unknown),
    Seen(release: "6.1.0", build: "", version: "6.1.0", fault: .absent),
    Seen(release: "", build: "Debian", version: nil, fault: .unknown),
    Seen(release: "6.1", build: "", version: nil, fault: .unknown),
    Seen(release: "99999999999999999999.1.1", build: "Debian x", version: nil, fault: .unknown),
  ]

  @Test func theVersionOfTheSourceIsReadAndJudged() {
    for seen in KernelReleaseTests.seen {
      let kernel = KernelRelease(release: seen.release, build: seen.build)
      #expect(kernel.version?.description == seen.version, "\(seen.release)")
      #expect(kernel.closingFault == seen.fault, "\(seen.release)")
      #expect((KernelAdvice(kernel) != nil) == kernel.isHandledWithCare, "\(seen.release)")
    }
  }

  @Test func peopleReadTheNameAndTheVersionOfTheSource() {
    let texts = KernelReleaseTests.seen.map { KernelRelease(release: $0.release, build: $0.build).text }
    #expect(texts.contains("6.1.0-57-amd64 (6.1.192)"))
    #expect(texts.contains("6.12.118+deb13-amd64"))
    #expect(texts.contains("5.15.0-91-generic"))
  }

  @Test func aDoubtfulKernelIsSaidToBeOne() throws {
    let doubtful = try #require(KernelAdvice(KernelRelease(release: "6.1.200", build: "")))
    #expect(!doubtful.isCertain)
    #expect(doubtful.message.contains("not known"))
  }
}
