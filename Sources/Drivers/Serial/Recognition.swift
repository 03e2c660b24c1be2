// Which driver a line belongs to, by listening alone: every driver's framer reads what is heard at its line settings, and counts
// what checked frames prove. Nothing is guessed: one driver that is certain wins, two are told both, and the technician decides.

internal import Octets

/// What one driver made of what was heard at some line settings.
package struct RecognitionScore: Sendable, Hashable {
  /// The driver's id.
  package var driver: String
  /// The line settings that were listened at.
  package var settings: SerialSettings
  /// Good frames.
  package var frames = 0
  /// The bits that they prove together, at most 1000.
  package var evidence = 0
  /// Octets of good frames.
  package var good = 0
  /// Octets behind the first good frame that are no part of any.
  package var bad = 0
  /// False while the pace of the frames is another than the driver's; nil while it cannot be told yet or tells nothing.
  package var isPaceRight: Bool?

  /// So many bits are no chance.
  static let enough = 24

  /// Nearly everything that is heard is of this driver.
  var isPure: Bool { good > 0 && bad * 4 <= good }
  /// The driver can be no other, as far as it goes by itself.
  package var isCertain: Bool {
    evidence >= RecognitionScore.enough && isPure && isPaceRight != false && !waitsForPace
  }
  /// Frames were there, but not enough yet.
  package var isPromising: Bool { frames > 0 && evidence > 0 && bad <= good && isPaceRight != false }
  /// The pace decides, and is not known yet.
  var waitsForPace = false
}

/// Hears a port at one driver's line settings.
protocol FrameCounting: Sendable {
  mutating func heard(_ octets: [UInt8], at now: Int64)
  var score: RecognitionScore { get }
}

private struct FrameCounter<Line: LineProtocol>: FrameCounting {
  /// The shortest time, in milliseconds, and the fewest frames by which a pace is told.
  private static var paceMilliseconds: Int64 { 1500 }
  private static var paceFrames: Int { 3 }

  private let pace: ClosedRange<Int>?
  private var line = FramedLine<Line>()
  private(set) var score: RecognitionScore
  private var first: (at: Int64, skipped: Int)?

  init(_ family: SerialFamily, _ settings: SerialSettings) {
    pace = family.pace(settings)
    score = RecognitionScore(driver: family.id, settings: settings)
    score.waitsForPace = pace != nil
  }

  mutating func heard(_ octets: [UInt8], at now: Int64) {
    line.append(octets)
    while let item = line.next() {
      guard case .frame(let frame) = item else { continue }
      if first == nil { first = (now, line.skipped) }
      score.frames += 1
      score.good += frame.count
      score.evidence = min(1000, score.evidence + Line.evidence(frame))
    }
    // What came before the first frame was its cut beginning.
    score.bad = first.map { line.skipped - $0.skipped } ?? 0
    guard let pace, let first, score.frames >= FrameCounter.paceFrames,
      now - first.at >= FrameCounter.paceMilliseconds
    else { return }
    // The first frame begins the time, so that it is not counted in it.
    let perMinute = Int64(score.frames - 1) * 60_000 / max(1, now - first.at)
    score.isPaceRight = pace.contains(Int(clamping: perMinute))
    score.waitsForPace = false
  }
}

extension LineProtocol {
  fileprivate static func counter(_ family: SerialFamily, _ settings: SerialSettings) -> any FrameCounting {
    FrameCounter<Self>(family, settings)
  }
}

extension SerialFamily {
  /// Counts its frames on a line that has these settings.
  func counter(_ settings: SerialSettings) -> any FrameCounting { line.counter(self, settings) }
}

/// A port that is listened to at some line settings, by every driver that has them.
package struct LineListener: Sendable {
  /// More than any driver needs to be certain; what comes behind it is not looked at, so that a port that babbles costs nothing.
  static let mostOctets = 16_384

  /// How many octets were heard, as far as they were looked at.
  package private(set) var heardOctets = 0
  private var counters: [any FrameCounting]

  /// Listens for the drivers of these settings; the number of stop bits makes no difference to who listens.
  package init(_ settings: SerialSettings) {
    counters = SerialFamily.all.compactMap { family in
      family.settings.first { $0.soundsLike(settings) }.map { family.counter($0) }
    }
  }

  /// Octets as they came, at a monotonic millisecond.
  package mutating func heard(_ octets: [UInt8], at now: Int64) {
    let taken = Array(octets.prefix(LineListener.mostOctets - heardOctets))
    guard !taken.isEmpty else { return }
    heardOctets += taken.count
    for index in counters.indices { counters[index].heard(taken, at: now) }
  }

  /// What each driver made of it, the strongest first.
  package var scores: [RecognitionScore] {
    counters.map(\.score).filter { $0.frames > 0 }.sorted { ($1.evidence, $0.driver) < ($0.evidence, $1.driver) }
  }
}
