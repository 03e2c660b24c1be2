// `hearthctl serial identify PORT --driver ID`: one driver's harmless questions at its line settings, and what the answers prove.
// A value, as listening is; it sends only after a technician has allowed it.

internal import Octets
internal import Readings

/// A port that a technician lets one driver ask.
package struct PortIdentification: Sendable {
  /// What the session is to do.
  package enum Step: Sendable, Hashable {
    /// Set the port to these line settings and drop what was received before.
    case listen(SerialSettings)
    /// Send this.
    case send([UInt8])
    /// It is over.
    case outcome(Outcome)
  }

  /// What the answers were.
  package enum Outcome: Sendable, Hashable {
    /// The device answers as this driver's devices do, at these settings, and says this about itself.
    case confirmed(RecognitionScore, [DeviceProperty])
    /// It does not, or nothing is there.
    case denied(heardOctets: Int)
  }

  private let family: SerialFamily
  private let query: HarmlessQuery
  private var attempt = 0
  private var question = 0
  private var counter: (any FrameCounting)?
  private var octets: [UInt8] = []
  /// When `tick` wants to be called, monotonic milliseconds; nil when it is over.
  package private(set) var deadline: Int64?

  /// Nil when the driver has no harmless question; it can be recognised by listening only.
  package init?(driver id: String) {
    guard let family = SerialFamily.of(id), let query = family.query, !family.settings.isEmpty else { return nil }
    self.family = family
    self.query = query
  }

  /// The port is open.
  package mutating func start(at now: Int64) -> [Step] {
    attempt = 0
    return begin(at: now)
  }

  private mutating func begin(at now: Int64) -> [Step] {
    question = 0
    octets = []
    counter = family.counter(family.settings[attempt])
    return [.listen(family.settings[attempt])] + ask(at: now)
  }

  private mutating func ask(at now: Int64) -> [Step] {
    deadline = now + Int64(query.answerMilliseconds)
    return [.send(query.questions[question])]
  }

  /// Octets came.
  package mutating func heard(_ more: [UInt8], at now: Int64) -> [Step] {
    guard deadline != nil else { return [] }
    let taken = Array(more.prefix(LineListener.mostOctets - octets.count))
    octets += taken
    counter?.heard(taken, at: now)
    return []
  }

  /// Time has passed: the next question, the next line settings, or the end.
  package mutating func tick(at now: Int64) -> [Step] {
    guard let due = deadline, now >= due else { return [] }
    if question + 1 < query.questions.count {
      question += 1
      return ask(at: now)
    }
    if let score = counter?.score, score.evidence >= RecognitionScore.enough, score.isPure {
      deadline = nil
      return [.outcome(.confirmed(score, properties))]
    }
    if attempt + 1 < family.settings.count {
      attempt += 1
      return begin(at: now)
    }
    deadline = nil
    return [.outcome(.denied(heardOctets: octets.count))]
  }

  /// What the answers tell about the device.
  private var properties: [DeviceProperty] {
    guard var driver = SerialDecoding.recordingDriver(family.id) else { return [] }
    var found: [DeviceProperty] = []
    for case .property(let property) in driver.handle(.received(octets)) where !found.contains(property) {
      found.append(property)
    }
    return found
  }
}
