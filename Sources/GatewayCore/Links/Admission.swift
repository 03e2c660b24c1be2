// How much of a device is admitted: a fault in it, or somebody on the air, must not fill the journal or keep the hub busy. It is told
// once a day, and what it says is slowed, not refused: the newest value always comes through.

internal import Drivers
internal import Readings
internal import Ledger

/// A bucket of tokens, on the monotonic clock.
struct Bucket: Sendable, Hashable {
  /// The most tokens.
  let burst: Int64
  /// A token comes each so many milliseconds.
  let every: Int64
  /// Tokens, in milliseconds of their coming. Below zero: in debt.
  private var credit: Int64
  private var at: Int64?

  init(burst: Int64, every: Int64) {
    self.burst = burst
    self.every = every
    credit = burst * every
  }

  private mutating func refill(_ now: Int64) {
    if let at { credit = min(burst * every, credit + max(0, now - at)) }
    at = now
  }

  /// Takes a token; false when there is none.
  mutating func take(at now: Int64) -> Bool {
    refill(now)
    guard credit >= every else { return false }
    credit -= every
    return true
  }

  /// Takes a token that may not have come yet; in debt for at most one burst.
  mutating func owe(at now: Int64) {
    refill(now)
    credit = max(-burst * every, credit - every)
  }

  /// A token may be owed.
  mutating func hasCredit(at now: Int64) -> Bool {
    refill(now)
    return credit > -burst * every
  }

  /// When the next token is there, monotonic milliseconds; nil: now.
  mutating func next(at now: Int64) -> Int64? {
    refill(now)
    return credit >= every ? nil : now + every - credit
  }
}

/// What of a device is admitted, and what waits.
struct Admission: Sendable {
  /// The most PDUs or pieces of a line that wait; more ends the link.
  static let mostWaiting = 1024
  /// The most kinds of problem that are told apart.
  private static let mostCodes = 32
  /// How often it is told, and for how long it is shown, in milliseconds.
  static let day: Int64 = 86_400_000

  private var readings: Bucket
  /// By the problem's code.
  private var problems: [String: Bucket] = [:]
  /// The device has no memory: of what is too much the newest waits for its turn.
  let isWithoutMemory: Bool
  /// The newest reading that was too much.
  private(set) var newest: Reading?
  /// Octets that came while a device with memory was in debt: their confirmation waits with them.
  private(set) var octets: [[UInt8]] = []
  /// When something that waits may go on, monotonic milliseconds.
  private(set) var resumeAt: Int64?
  /// Readings that were passed over since it was told.
  private(set) var passedOver: UInt64 = 0
  /// When it was told last that it is too much, monotonic milliseconds.
  private(set) var toldAt: Int64?

  init(_ profile: DeviceProfile) {
    isWithoutMemory = profile.memory == .none
    if case .advertisement = profile.transport {
      readings = Bucket(burst: 20, every: 30_000)
    } else {
      readings = isWithoutMemory ? Bucket(burst: 120, every: 1000) : Bucket(burst: 600, every: 100)
    }
  }

  /// How it is slowed, for a person.
  var pace: String { readings.every >= 1000 ? "one reading in \(readings.every / 1000) s" : "ten readings a second" }

  /// A reading may be stored now. Of a device without memory one that may not takes the place of the one that waits.
  mutating func admits(_ reading: Reading, at now: Int64) -> Bool {
    guard isWithoutMemory else {
      readings.owe(at: now)
      return true
    }
    if newest == nil, readings.take(at: now) { return true }
    if newest != nil { passedOver += 1 }
    newest = reading
    resumeAt = readings.next(at: now) ?? now
    return false
  }

  /// The reading that waited, when its turn has come.
  mutating func takeNewest(at now: Int64) -> Reading? {
    guard let reading = newest, readings.take(at: now) else { return nil }
    newest = nil
    resumeAt = nil
    return reading
  }

  /// It was stored out of its turn.
  mutating func forgetNewest() {
    newest = nil
    if octets.isEmpty { resumeAt = nil }
  }

  /// What a device with memory says waits for its turn; nil: it is taken now. False: there is no more room.
  mutating func queues(_ received: [UInt8], at now: Int64) -> Bool? {
    guard !isWithoutMemory else { return nil }
    guard let next = readings.next(at: now) ?? (octets.isEmpty ? nil : now) else { return nil }
    guard octets.count < Admission.mostWaiting else { return false }
    octets.append(received)
    resumeAt = next
    return true
  }

  /// The octets that came first, when their turn has come.
  mutating func takeOctets(at now: Int64) -> [UInt8]? {
    guard !octets.isEmpty else {
      resumeAt = newest == nil ? nil : resumeAt
      return nil
    }
    if let next = readings.next(at: now) {
      resumeAt = next
      return nil
    }
    return octets.removeFirst()
  }

  /// The link is gone: what came over it and waits is taken at once, on credit. Beyond that it is forgotten, and nothing of it was
  /// confirmed.
  mutating func takeOctetsAtEnd(at now: Int64) -> [UInt8]? {
    guard !octets.isEmpty, readings.hasCredit(at: now) else { return nil }
    return octets.removeFirst()
  }

  /// The link is gone: what was not confirmed comes again.
  mutating func forgetOctets() {
    octets = []
    if newest == nil { resumeAt = nil }
  }

  /// A problem may be told and kept.
  mutating func admits(_ problem: DriverProblem, at now: Int64) -> Bool {
    // A device with memory forgets what is confirmed: its octets are kept, as slowly as readings.
    guard isWithoutMemory else {
      readings.owe(at: now)
      return true
    }
    if problems[problem.code] == nil, problems.count >= Admission.mostCodes { return false }
    return problems[problem.code, default: Bucket(burst: 8, every: 3_600_000)].take(at: now)
  }

  /// That it is too much is to be told now: once a day. Gives how much was passed over since.
  mutating func toTell(at now: Int64) -> UInt64? {
    if let toldAt, now - toldAt < Admission.day { return nil }
    toldAt = now
    defer { passedOver = 0 }
    return passedOver
  }
}
