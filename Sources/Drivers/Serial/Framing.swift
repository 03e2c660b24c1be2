// What the serial drivers share: a bounded buffer that takes octets split anywhere, and one problem for a burst of garbage.

internal import Octets
internal import Readings

/// Octets of a line that are not yet understood.
struct LineBuffer: Sendable {
  /// What waits, oldest first.
  private(set) var octets: [UInt8] = []
  /// How many octets of the line went before `octets`.
  private(set) var consumed = 0
  /// Where the garbage that is being passed over began; nil between good frames.
  private var garbageStart: Int?

  mutating func append(_ more: [UInt8]) { octets += more }

  /// Takes `count` octets as a good frame.
  mutating func take(_ count: Int) -> [UInt8] {
    let frame = Array(octets.prefix(count))
    octets.removeFirst(min(count, octets.count))
    consumed += frame.count
    garbageStart = nil
    return frame
  }

  /// Passes over `count` octets that belong to no frame; gives a problem for the first of a burst.
  mutating func skip(_ count: Int, code: String, _ message: String) -> DriverProblem? {
    let start = consumed
    octets.removeFirst(min(count, octets.count))
    consumed += count
    guard garbageStart == nil else { return nil }
    garbageStart = start
    return DriverProblem(code: code, message: message, offset: start)
  }
}

/// A serial protocol's frames, decoded one by one.
protocol FrameDecoding: Sendable {
  /// Takes octets and gives what whole frames say.
  mutating func received(_ octets: [UInt8]) -> [DriverAction]
}
