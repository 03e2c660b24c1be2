// ATT sockets that a faulty kernel must not close.

/// Says which ATT socket may be closed, and keeps those that may not. See `KernelRelease.closingFault`: the kernel is harmed by the
/// close of a socket whose link ended before anything came over it. As long as it is open, nothing happens.
package struct KeptSockets: Sendable {
  /// What is to be done with a socket that nobody needs any more.
  package enum Order: Sendable, Hashable {
    case close
    /// It stays open. There is no more room for the oldest: another process closes that, and pays for it.
    case keep(instead: Int32?)
  }

  /// Each is a descriptor and a few kilobytes of the kernel.
  package static let most = 64

  /// The descriptors that are kept, oldest first.
  package private(set) var descriptors: [Int32] = []
  private let isNeeded: Bool

  /// - Parameter kernel: the one that runs; nil when that cannot be told.
  package init(kernel: KernelRelease?) { isNeeded = kernel?.isHandledWithCare ?? false }

  /// - Parameters:
  ///   - wasHeard: something came over its link.
  ///   - hasLink: its link has not ended.
  package mutating func release(_ descriptor: Int32, wasHeard: Bool, hasLink: Bool) -> Order {
    guard isNeeded, !wasHeard, !hasLink else { return .close }
    descriptors.append(descriptor)
    return .keep(instead: descriptors.count > KeptSockets.most ? descriptors.removeFirst() : nil)
  }

  /// The daemon ends: those that are kept go to another process.
  package mutating func takeAll() -> [Int32] {
    defer { descriptors = [] }
    return descriptors
  }
}
