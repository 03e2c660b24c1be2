// How an unbound port is listened to: at each driver's line settings in turn, longer where something begins to make sense, until
// one driver is certain or two are. A value: time is told to it, and what it wants is done by the session. Nothing is ever sent to
// the port; some commands inflate a cuff.

/// What came of listening.
package enum RecognitionOutcome: Sendable, Hashable {
  /// One driver, and no other, is certain.
  case recognised(RecognitionScore)
  /// More than one fits: the technician decides.
  case ambiguous([RecognitionScore])
  /// Nothing was heard in a whole round. Listening goes on: scales and cuffs speak only when they are used.
  case silent
  /// Something talks, and no driver knows it. Told once; listening goes on.
  case unknown
}

/// An unbound port.
package struct PortRecognition: Sendable {
  /// What the session is to do.
  package enum Step: Sendable, Hashable {
    /// Set the port to these line settings and drop what was received before.
    case listen(SerialSettings)
    /// Tell it. After `recognised` and `ambiguous` the port may be closed.
    case outcome(RecognitionOutcome)
  }

  /// How long silent settings are listened at in the first round and in later ones, in milliseconds. Devices that repeat
  /// themselves do so once a second.
  static let firstDwell: Int64 = 2200
  static let laterDwell: Int64 = 6000
  /// How long at most where frames come that do not prove enough yet.
  static let longestDwell: Int64 = 15_000

  /// Every line setting that a driver has, those of most drivers first.
  package static let schedule: [SerialSettings] = {
    var settings: [(settings: SerialSettings, drivers: Int)] = []
    for family in SerialFamily.all {
      for one in family.settings {
        if let index = settings.firstIndex(where: { $0.settings.soundsLike(one) }) {
          settings[index].drivers += 1
        } else {
          settings.append((one, 1))
        }
      }
    }
    return settings.enumerated().sorted { ($1.element.drivers, $0.offset) < ($0.element.drivers, $1.offset) }.map(
      \.element.settings)
  }()

  private var index = 0
  private var round = 0
  private var began: Int64 = 0
  private var listener = LineListener(SerialSettings(9600))
  /// Something was heard in this round.
  private var isTalking = false
  private var hasTold: Set<RecognitionOutcome> = []
  /// Listening is over: one driver, or several, are certain.
  package private(set) var isDone = false
  /// When `tick` wants to be called, monotonic milliseconds; nil when listening is over.
  package private(set) var deadline: Int64?

  /// A port that nobody has listened to yet.
  package init() {}

  /// The port is open.
  package mutating func start(at now: Int64) -> [Step] {
    self = PortRecognition()
    return listen(at: now)
  }

  private mutating func listen(at now: Int64) -> [Step] {
    let settings = PortRecognition.schedule[index]
    listener = LineListener(settings)
    began = now
    deadline = now + (round == 0 ? PortRecognition.firstDwell : PortRecognition.laterDwell)
    return [.listen(settings)]
  }

  /// Octets came at the line settings that were asked for last.
  package mutating func heard(_ octets: [UInt8], at now: Int64) -> [Step] {
    guard !isDone, deadline != nil, !octets.isEmpty else { return [] }
    isTalking = true
    listener.heard(octets, at: now)
    return decided(at: now)
  }

  /// Time has passed.
  package mutating func tick(at now: Int64) -> [Step] {
    guard !isDone, let deadline, now >= deadline else { return [] }
    let longest = began + PortRecognition.longestDwell
    if now < longest, listener.scores.contains(where: \.isPromising) {
      self.deadline = longest
      return []
    }
    // What could not be told apart in time is ambiguous.
    let certain = listener.scores.filter(\.isCertain)
    guard certain.isEmpty else { return end(certain) }
    return next(at: now)
  }

  /// One driver is certain, and no other may still become so.
  private mutating func decided(at now: Int64) -> [Step] {
    let scores = listener.scores
    let certain = scores.filter(\.isCertain)
    guard !certain.isEmpty else { return [] }
    let open = scores.filter { score in score.isPromising && score.isPure && !certain.contains(score) }
    return open.isEmpty || now >= began + PortRecognition.longestDwell ? end(certain) : []
  }

  private mutating func end(_ certain: [RecognitionScore]) -> [Step] {
    isDone = true
    deadline = nil
    return [.outcome(certain.count == 1 ? .recognised(certain[0]) : .ambiguous(certain))]
  }

  private mutating func next(at now: Int64) -> [Step] {
    index += 1
    guard index >= PortRecognition.schedule.count else { return listen(at: now) }
    index = 0
    round = min(round + 1, 1000)
    let outcome = isTalking ? RecognitionOutcome.unknown : .silent
    isTalking = false
    let told: [Step] = hasTold.insert(outcome).inserted ? [.outcome(outcome)] : []
    return told + listen(at: now)
  }
}

extension SerialSettings {
  /// What is received is the same with one stop bit as with two.
  func soundsLike(_ other: SerialSettings) -> Bool {
    baud == other.baud && dataBits == other.dataBits && parity == other.parity
  }
}
