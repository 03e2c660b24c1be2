// What one measurement of a scale is. A line without check value is damaged now and then, and looks like a weight all the same: in a
// stream a weight counts when several lines in a row say it, and a lone line when silence follows. The load that was given is
// remembered until the scale shows that it left, or another weight: silence, a cable pulled out and a hub that starts anew say
// nothing of it.

internal import Octets
internal import Readings

/// The load whose weight was given last: another line of it is no other measurement.
package struct HeldLoad: Sendable, Hashable {
  /// Its weight in milligrams.
  package var milligrams: Int64
  /// A stream told it, whose zero tells when it leaves. A printed line is followed by none.
  package var isStreamed: Bool

  /// A load of so many milligrams.
  package init(milligrams: Int64, isStreamed: Bool) {
    self.milligrams = milligrams
    self.isStreamed = isStreamed
  }
}

/// When lines of a scale are one measurement.
struct WeighingRule: Sendable {
  /// The rule in words, for the profile.
  static let sentence = sentence("lines")

  /// The rule in words, for a family whose messages have another name.
  static func sentence(_ lines: String, needed: Int = WeighingRule.agreement) -> String {
    "the last stable weight that \(needed) \(lines) in a row say, given when the load leaves, when 3 s of silence follow or after 10 s; "
      + "a lone stable weight only when 3 s of silence follow and no load just left; a weight that TARE follows is withdrawn; "
      + "another measurement only after the scale showed zero or less than half, another weight, or nothing for 15 min"
  }

  /// So many lines in a row have to say the same: two may be damaged alike in an hour of ten lines a second.
  static let agreement = 3
  /// Silence that ends a stream, and makes a printed line one. Devices that repeat themselves do so once a second.
  static let silenceMilliseconds = 3000
  /// How long a weight waits for a TARE that makes it that of a chair.
  static let tareMilliseconds = 10_000
  /// After so long without a line the load is forgotten: most scales that print show no zero.
  static let forgetMilliseconds = 900_000

  /// One line, as far as the rule goes.
  struct Line: Sendable {
    enum Content: Sendable, Hashable {
      /// Milligrams; zero and less is no load.
      case load(Int64, isStable: Bool)
      /// The load moves; how heavy it is, is not said.
      case moving
      /// The scale says why it shows no weight.
      case special(Weighing.Status)
      /// TARE was pressed, as the protocol says.
      case tare
    }
    var content: Content
    /// The weight is a net one, where the protocol says so.
    var isNet: Bool?
    /// What it becomes when it counts.
    var reading: DeviceReading?
  }

  /// What came of a line.
  enum Outcome: Sendable, Hashable {
    case give(DeviceReading)
    /// The load that is remembered is another one, or none.
    case hold(HeldLoad?)
    /// A weight waits for the load to leave; `settle` is wanted in 10 s.
    case wait
    /// TARE followed it.
    case withdrawn
    /// Several weights came of which no two agree.
    case disagreed
  }

  /// Something that lines may agree on.
  private enum Key: Sendable, Hashable {
    case load(Int64)
    case special(Weighing.Status)
  }

  /// What came since the last silence.
  private struct Burst: Sendable {
    var key: Key?
    var reading: DeviceReading?
    /// Stable weights that differ.
    var isMixed = false
    /// Lines agreed on something.
    var isAgreed = false
    var hasLow = false
    var hasLowBehind = false
    /// A load left, as lines in a row said: it streams.
    var isStreamed = false
    /// Lines that may be a measurement.
    var count = 0
    var isEmpty = true
  }

  private var needed: Int
  /// A lone line may be a measurement.
  private let takesLone: Bool
  private(set) var held: HeldLoad?
  /// Agreed on and not given yet.
  private var candidate: (milligrams: Int64, reading: DeviceReading)?
  private var run: (key: Key, count: Int)?
  /// How much the last lines say, one behind the other, that the load is gone.
  private var lows = 0
  /// A line said so since the last weight that was agreed on.
  private var sawLow = false
  private var wasNet: Bool?
  private var told: Weighing.Status?
  private var burst = Burst()

  init(needed: Int = WeighingRule.agreement, takesLone: Bool = true, held: HeldLoad? = nil) {
    self.needed = max(1, needed)
    self.takesLone = takesLone
    self.held = held
  }

  /// The scale turned out to be one of which fewer lines are enough.
  mutating func lower(to needed: Int) { self.needed = max(1, min(self.needed, needed)) }

  /// Something waits for silence, or for the end of its time.
  var isWaiting: Bool { candidate != nil || !burst.isEmpty }

  /// Half a per cent is a person who breathes, in a stream; printed weights of one load are nearer.
  private static func isSame(_ one: Int64, _ other: Int64, per: Int64 = 200) -> Bool { abs(one - other) <= other / per }

  mutating func add(_ line: Line) -> [Outcome] {
    burst.isEmpty = false
    switch line.content {
    case .tare: return withdraw()
    case .moving:
      run = nil
      return []
    case .special(let status): return special(status, line.reading)
    case .load(let milligrams, let isStable): return load(milligrams, isStable, line)
    }
  }

  private mutating func special(_ status: Weighing.Status, _ reading: DeviceReading?) -> [Outcome] {
    guard agrees(.special(status), reading) else { return [] }
    burst.isAgreed = true
    return tell(status, reading)
  }

  /// Once, until the scale shows something else.
  private mutating func tell(_ status: Weighing.Status, _ reading: DeviceReading?) -> [Outcome] {
    guard told != status else { return [] }
    told = status
    return reading.map { [.give($0)] } ?? []
  }

  /// Counts a line that may agree with those before it.
  private mutating func agrees(_ key: Key, _ reading: DeviceReading?) -> Bool {
    let count = run?.key == key ? min((run?.count ?? 0) + 1, needed) : 1
    run = (key, count)
    if let first = burst.key, first != key { burst.isMixed = true }
    burst.key = key
    burst.count = min(burst.count + 1, needed)
    burst.reading = reading
    burst.hasLowBehind = false
    return count >= needed
  }

  private mutating func load(_ now: Int64, _ isStable: Bool, _ line: Line) -> [Outcome] {
    var outcomes: [Outcome] = []
    if line.isNet == true, wasNet == false { outcomes += withdraw() }
    wasNet = line.isNet ?? wasNet
    let reference = candidate?.milligrams ?? held?.milligrams
    if now <= 0 || reference.map({ now < $0 / 2 }) ?? false {
      // One line may be damaged. A stable zero is not damaged by one bit, unless the weight has one digit.
      lows = min(lows + (now == 0 && isStable ? 2 : 1), needed)
      sawLow = true
      if burst.key == nil { burst.hasLow = true } else { burst.hasLowBehind = true }
      if lows >= needed { outcomes += left() }
    } else {
      lows = 0
    }
    guard isStable, now > 0 else {
      run = nil
      return outcomes
    }
    if agrees(.load(now), line.reading), let reading = line.reading { outcomes += agreed(now, reading) }
    return outcomes
  }

  /// The scale shows that the load is gone.
  private mutating func left() -> [Outcome] {
    let wasHeld = held != nil
    let isStreamed = burst.isStreamed || wasHeld || candidate != nil
    let given: [Outcome] = candidate.map { [.give($0.reading)] } ?? []
    candidate = nil
    held = nil
    sawLow = false
    told = nil
    // What comes now is another measurement, as after silence.
    burst = Burst()
    burst.isEmpty = false
    burst.isStreamed = isStreamed
    return given + (wasHeld ? [.hold(nil)] : [])
  }

  private mutating func agreed(_ now: Int64, _ reading: DeviceReading) -> [Outcome] {
    defer { sawLow = false }
    told = nil
    burst.isAgreed = true
    if let waiting = candidate {
      guard now != waiting.milligrams else { return [] }
      // A load that creeps by a step of the display is no other.
      guard !WeighingRule.isSame(now, waiting.milligrams, per: 1000) else { return [] }
      // Back at the load that was given: what was between was somebody who leaned on something, or damaged.
      if let held, !sawLow, WeighingRule.isSame(now, held.milligrams) {
        candidate = nil
        return []
      }
      let isSame = WeighingRule.isSame(now, waiting.milligrams)
      candidate = (now, reading)
      // The scale was empty in between, if only for a moment: it is another load.
      if sawLow, !isSame { return [.give(waiting.reading), .wait] }
      // Somebody leaned on something, or the scale has settled.
      return isSame ? [] : [.wait]
    }
    if let held, WeighingRule.isSame(now, held.milligrams) { return [] }
    candidate = (now, reading)
    return [.wait]
  }

  /// TARE: what was on the scale is a chair, or clothes.
  private mutating func withdraw() -> [Outcome] {
    run = nil
    guard candidate != nil else { return [] }
    candidate = nil
    return [.withdrawn]
  }

  /// The weight has waited long enough.
  mutating func settle() -> [Outcome] { give(isStreamed: true) }

  private mutating func give(isStreamed: Bool) -> [Outcome] {
    guard let (milligrams, reading) = candidate else { return [] }
    candidate = nil
    let load = HeldLoad(milligrams: milligrams, isStreamed: isStreamed)
    held = load
    return [.give(reading), .hold(load)]
  }

  /// Nothing came for a while. `isEnd`: nothing more will.
  mutating func silence() -> [Outcome] {
    defer {
      burst = Burst()
      run = nil
      lows = 0
      sawLow = false
    }
    guard candidate == nil else { return give(isStreamed: true) }
    guard !burst.isEmpty, !burst.isAgreed else { return [] }
    guard let key = burst.key else {
      guard burst.hasLow, held != nil else { return [] }
      held = nil
      return [.hold(nil)]
    }
    guard !burst.isMixed, !burst.hasLowBehind, takesLone, let reading = burst.reading else {
      return burst.isMixed || !takesLone ? [.disagreed] : []
    }
    switch key {
    case .special(let status): return tell(status, reading)
    case .load(let milligrams):
      // The last zero of a stream may be damaged, unless one line is as good as three.
      if burst.isStreamed, burst.count < 2, needed >= WeighingRule.agreement { return [.disagreed] }
      told = nil
      if burst.hasLow { held = nil }
      if let held, WeighingRule.isSame(milligrams, held.milligrams, per: 500) { return [] }
      let load = HeldLoad(milligrams: milligrams, isStreamed: false)
      held = load
      return [.give(reading), .hold(load)]
    }
  }

  /// Nothing came for so long that the load may be any.
  mutating func forget() -> [Outcome] {
    guard held != nil else { return [] }
    held = nil
    return [.hold(nil)]
  }

  /// The link ended: a weight that was agreed on is one. Whether silence follows a lone line is not known, unless a recording is
  /// at its end.
  mutating func closed(isRecording: Bool) -> [Outcome] {
    guard isRecording || candidate != nil else { return burst.key == nil || burst.isAgreed ? [] : [.disagreed] }
    return silence()
  }
}
