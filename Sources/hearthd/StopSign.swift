import Synchronization

/// Says to a thread that nobody waits for its work any more.
final class StopSign: Sendable {
  private let isSet = Atomic<Bool>(false)
  func raise() { isSet.store(true, ordering: .relaxed) }
  var isRaised: Bool { isSet.load(ordering: .relaxed) }
}
