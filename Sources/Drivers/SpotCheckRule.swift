// When a stream of oximeter values is one measurement: the median of the valid values of ten seconds, once for each time that
// a finger is in the sensor, or in the continuous mode again after each interval. Time is counted in the stream's own frames, so
// that the same octets always give the same reading.

internal import Octets
internal import Readings

/// Turns a live stream into spot-checks.
struct SpotCheckRule: Sendable {
  /// The rule in words, for the profile.
  static let sentence =
    "the median of at least 5 valid values over 10 s, once for each time that a finger is in the sensor; in doubt where they differ by "
    + "more than 4 % or 30 beats, or where the device searched in two of those seconds"
  /// How far the values of a window may lie apart: somebody who moves has none that is steady.
  private static let widestSpO2 = ExactDecimal(4)
  private static let widestPulse = ExactDecimal(30)
  private static let mostSearching = 1
  /// How long a window is and how many of its seconds must have a value.
  private static let windowSeconds = 10
  private static let fewestSeconds = 5
  /// So many seconds without a value are a finger that left; shorter gaps are noise.
  private static let gapSeconds = 2

  /// How often the stream gives a frame.
  private let rate: Int
  /// The last valid value of each of the last ten seconds, so that a window has at most ten values and few raw octets.
  private var seconds: [DeviceReading?] = []
  /// The last valid value of the second that runs.
  private var current: DeviceReading?
  /// Frames of the second that runs; it begins with a valid one.
  private var frames = 0
  /// In which seconds of the window the device searched, and whether it does in the one that runs.
  private var searched: [Bool] = []
  private var isSearching = false
  /// Frames without value in a row.
  private var gap = 0
  /// Frames from one measurement to the next while the finger stays; nil: there is no next.
  private let interval: Int?
  /// Frames since the measurement that was given; nil while one is awaited.
  private var framesSince: Int?

  init(samplesPerSecond: Int, intervalSeconds: Int? = nil) {
    rate = max(1, samplesPerSecond)
    let most = 86_400
    interval = intervalSeconds.map { min(max($0, SpotCheckRule.windowSeconds), most) * max(1, samplesPerSecond) }
  }

  private init(rate: Int, interval: Int?) {
    self.rate = rate
    self.interval = interval
  }

  /// Takes the value of the next frame, nil when it has none. Gives the spot-check when it is complete.
  /// `isSearching`: the frame has none because the device searches.
  mutating func add(_ value: DeviceReading?, isSearching searches: Bool = false) -> DeviceReading? {
    isSearching = isSearching || searches
    gap = value == nil ? gap + 1 : 0
    if gap >= SpotCheckRule.gapSeconds * rate {
      self = SpotCheckRule(rate: rate, interval: interval)
      return nil
    }
    if isWaiting() { return nil }
    guard value != nil || frames > 0 || !seconds.isEmpty else { return nil }
    current = value ?? current
    frames += 1
    guard frames == rate else { return nil }
    seconds.append(current)
    searched.append(isSearching)
    isSearching = false
    if seconds.count > SpotCheckRule.windowSeconds {
      seconds.removeFirst()
      searched.removeFirst()
    }
    // A window ends with a value: a finger that is just leaving ends nothing.
    let isComplete =
      seconds.count == SpotCheckRule.windowSeconds && current != nil
      && seconds.count(where: { $0 != nil }) >= SpotCheckRule.fewestSeconds
    current = nil
    frames = 0
    guard isComplete else { return nil }
    framesSince = 0
    defer {
      seconds = []
      searched = []
    }
    return median(seconds.compactMap { $0 })
  }

  /// Counts the frames behind a measurement; the window of the next one ends with the interval.
  private mutating func isWaiting() -> Bool {
    guard let frames = framesSince else { return false }
    guard let interval else { return true }
    framesSince = frames + 1
    guard frames + 1 > interval - SpotCheckRule.windowSeconds * rate else { return true }
    framesSince = nil
    return false
  }

  private func median(_ seconds: [DeviceReading]) -> DeviceReading? {
    guard var result = seconds.last else { return nil }
    result.observations = result.observations.map { observation in
      let numbers = seconds.compactMap { reading in
        reading.observations.first { $0.term == observation.term }?.value.decimal
      }.sorted()
      guard !numbers.isEmpty else { return observation }
      // The lower of the two middle values: a value that the device really showed.
      return Observation(observation.term, .value(numbers[(numbers.count - 1) / 2]), unit: observation.term.unit)
    }
    var flags: [ReadingFlag] = []
    for reading in seconds { for flag in reading.flags where !flags.contains(flag) { flags.append(flag) } }
    if searched.count(where: { $0 }) > SpotCheckRule.mostSearching, !flags.contains(.signalSearching) {
      flags.append(.signalSearching)
    }
    if isErratic(seconds), !flags.contains(.signalErratic) { flags.append(.signalErratic) }
    result.flags = flags
    result.raw.octets = seconds.flatMap(\.raw.octets)
    return result
  }

  /// The second smallest and the second largest value lie too far apart: one damaged frame says nothing of the person.
  private func isErratic(_ seconds: [DeviceReading]) -> Bool {
    [(Term.spo2, SpotCheckRule.widestSpO2), (.oximeterPulse, SpotCheckRule.widestPulse)].contains { term, widest in
      let numbers = seconds.compactMap { reading in
        reading.observations.first { $0.term == term }?.value.decimal
      }.sorted().dropFirst().dropLast()
      guard let low = numbers.first, let high = numbers.last, let difference = high.subtracting(low) else {
        return false
      }
      return widest < difference
    }
  }
}
