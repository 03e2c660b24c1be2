// Which sockets a faulty kernel must not close.

import BluetoothManagement
import Testing

@Suite struct KeptSocketsTests {
  private let faulty = KernelRelease(release: "6.1.192", build: "")

  @Test func onlyTheSilentSocketOfADeadLinkIsKept() {
    var sockets = KeptSockets(kernel: faulty)
    #expect(sockets.release(3, wasHeard: false, hasLink: true) == .close)
    #expect(sockets.release(3, wasHeard: true, hasLink: false) == .close)
    #expect(sockets.release(3, wasHeard: true, hasLink: true) == .close)
    #expect(sockets.release(3, wasHeard: false, hasLink: false) == .keep(instead: nil))
    #expect(sockets.descriptors == [3])
    #expect(sockets.takeAll() == [3])
    #expect(sockets.descriptors.isEmpty)
  }

  @Test func otherKernelsCloseEverySocket() {
    for kernel in [nil, KernelRelease(release: "6.12.118", build: ""), KernelRelease(release: "6.1.190", build: "")] {
      var sockets = KeptSockets(kernel: kernel)
      #expect(sockets.release(3, wasHeard: false, hasLink: false) == .close)
      #expect(sockets.descriptors.isEmpty)
    }
  }

  @Test func theOldestMakesRoom() {
    var sockets = KeptSockets(kernel: faulty)
    for descriptor in 0..<Int32(KeptSockets.most) {
      #expect(sockets.release(descriptor, wasHeard: false, hasLink: false) == .keep(instead: nil))
    }
    #expect(sockets.release(1000, wasHeard: false, hasLink: false) == .keep(instead: 0))
    #expect(sockets.descriptors.count == KeptSockets.most)
    #expect(sockets.descriptors.last == 1000)
  }
}
