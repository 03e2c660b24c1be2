// When trends are judged: not at each arrival, but when a patient's delivery has settled. Half of a backlog would say what the whole
// does not, and a device may send its newest record first.

package import Readings

/// How long a patient's delivery goes on, on a clock in milliseconds that never goes back.
package struct Settling: Sendable, Hashable {
  /// Nothing more came for so long: it has settled.
  package static let pause: Int64 = 3000
  /// The longest that a reading of now waits.
  package static let longestLive: Int64 = 60_000
  /// The longest that a backlog waits of which nobody is called.
  package static let longest: Int64 = 900_000
  /// So many readings are judged without waiting for more.
  package static let most = 1000

  /// When the patient's trends are judged.
  package private(set) var deadline: Int64
  private let first: Int64
  private var live: Int64?

  /// A delivery that begins, or whose end a restart has cut off.
  package init(at now: Int64) {
    first = now
    deadline = now + Settling.pause
  }

  /// One more reading came; `count` wait in all.
  package mutating func note(isLive: Bool, count: Int, at now: Int64) {
    if isLive { live = live ?? now }
    let longest = min(first + Settling.longest, live.map { $0 + Settling.longestLive } ?? .max)
    deadline = count >= Settling.most ? now : min(now + Settling.pause, longest)
  }

  /// Something of it is still on its way to the disk.
  package mutating func postpone(at now: Int64) { deadline = now + Settling.pause }
}

extension PatientState {
  /// A reading by which trends have not been judged.
  package struct Unsettled: Sendable, Hashable {
    /// The reading.
    package var id: ReadingID
    /// When it was taken, in milliseconds since 1970.
    package var time: Int64
    /// A reading by which trends have not been judged.
    package init(id: ReadingID, time: Int64) {
      self.id = id
      self.time = time
    }
  }

  /// A reading is known for good: while a delivery goes on, it waits for the delivery's end.
  package mutating func noteUnsettled(_ reading: Reading) {
    guard isUnsettled, let time = reading.takenAt?.milliseconds else { return }
    unsettled.removeAll { $0.id == reading.id }
    unsettled.append(Unsettled(id: reading.id, time: time))
  }
}
