// When a stream of oximeter values is one measurement: the median of the valid values of ten seconds, once for each time that
// a finger is in the sensor. Time is counted in the stream's own frames, so that the same octets always give the same reading.

internal import Octets
internal import Readings

/// Turns a live stream into spot-checks.
struct SpotCheckRule: Sendable {
  /// The rule in words, for the profile.
  static let sentence =
    "the median of at least 5 valid values over 10 s, once for each time that a finger is in the sensor"

  private let window: Int
  private var values: [DeviceReading] = []
  private var frames = 0
  private var invalidRun = 0
  private var isDone = false

  /// How often the stream gives a frame. At most one value of each second is kept.
  private let samplesPerSecond: Int

  init(samplesPerSecond: Int) {
    self.samplesPerSecond = max(1, samplesPerSecond)
    window = 10 * max(1, samplesPerSecond)
  }

  /// Takes the value of the next frame, nil when it has none. Gives the spot-check when it is complete.
  mutating func add(_ value: DeviceReading?) -> DeviceReading? {
    guard let value else {
      // A second without value is a finger that left; shorter gaps are noise.
      invalidRun += 1
      if invalidRun >= samplesPerSecond { self = SpotCheckRule(samplesPerSecond: samplesPerSecond) }
      return nil
    }
    invalidRun = 0
    guard !isDone else { return nil }
    frames += 1
    // The last value of each second, so that a window is at most ten values and the raw octets stay few.
    let second = (frames - 1) / samplesPerSecond
    if second < values.count { values[second] = value } else { values.append(value) }
    guard frames >= window, values.count >= 5 else { return nil }
    isDone = true
    defer { values = [] }
    return median()
  }

  private func median() -> DeviceReading? {
    guard var result = values.last else { return nil }
    result.observations = result.observations.map { observation in
      let numbers = values.compactMap { reading in
        reading.observations.first { $0.term == observation.term }?.value.decimal
      }.sorted()
      guard !numbers.isEmpty else { return observation }
      // The lower of the two middle values: a value that the device really showed.
      return Observation(observation.term, .value(numbers[(numbers.count - 1) / 2]), unit: observation.term.unit)
    }
    var flags: [ReadingFlag] = []
    for reading in values { for flag in reading.flags where !flags.contains(flag) { flags.append(flag) } }
    result.flags = flags
    result.raw.octets = values.flatMap(\.raw.octets)
    result.stored = false
    return result
  }
}
