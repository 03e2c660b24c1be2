// Stored records by the Record Access Control Point 2A52 (GATT Specification Supplement 3.188; Glucose, Pulse Oximeter and Blood
// Pressure services): all, or those after the last one on disk; one procedure at a time; an answer within 30 s or an abort.
//
// A link that breaks costs nothing: the next session asks from the last number on disk. A meter whose memory was cleared counts
// from the beginning again, so "none after the last" is followed by a look at its newest record. Erasing happens only when a
// technician asked for it, and only after everything was read without fault and is on disk.

internal import HealthProfiles
internal import Octets

/// One device's record access control point.
struct RecordTransfer: Sendable {
  static let silenceTimer: DriverTimer = 20
  static let retryTimer: DriverTimer = 21
  /// The specification's limit between a request and its last answer.
  private static let silenceMilliseconds = 30_000
  private static let abortMilliseconds = 5000
  private static let retryMilliseconds = 2000
  private static let mostRetries = 5

  private enum Procedure: Sendable, Hashable {
    case idle
    case reportAfter(UInt16)
    /// The newest record: has the meter begun to count anew?
    case reportLast(known: UInt16)
    case reportAll
    case count
    case delete(RecordAccessRequest.Filter)
    case abort
  }

  private let point: CharacteristicID
  private var procedure = Procedure.idle
  private var hasBegun = false
  private var retries = 0
  /// What a technician asked for and waits for its turn.
  private var requests: [DriverRequest] = []
  /// The number of the last record of the procedure that runs.
  private var lastNumber: UInt16?
  /// The highest number that was read or is on disk.
  private var newest: UInt16?
  /// Readings were given whose way to the disk has not been told of.
  private var isUncommitted = false
  /// Every record came and could be read.
  private(set) var isWhole = false
  private var isDamaged = false

  init(_ point: CharacteristicID) { self.point = point }

  /// Asks for the records after `known`, or for all; with `reportsAll` the device has no numbers to filter by.
  mutating func begin(_ context: DriverContext, reportsAll: Bool = false) -> [DriverAction] {
    hasBegun = true
    requests = context.requests + requests
    if let known = context.lastRecordNumber, !reportsAll {
      newest = UInt16(truncatingIfNeeded: known)
      return start(.reportAfter(UInt16(truncatingIfNeeded: known)))
    }
    return start(.reportAll)
  }

  /// A record came, with its number where it has one; `isGood` is false when it could not be read. False: it is not to be given,
  /// because it is known or comes again in its order. What is on disk must always be everything up to some number.
  mutating func record(_ number: UInt16?, isGood: Bool) -> Bool {
    if !isGood { isDamaged = true }
    if let number {
      lastNumber = number
      newest = newest.map { max($0, number) } ?? number
    }
    if case .reportLast = procedure { return false }
    isUncommitted = isUncommitted || isGood
    return true
  }

  /// An answer of the device is awaited.
  var isRunning: Bool { procedure != .idle }

  /// While records come, the limit begins anew.
  var stillWaits: [DriverAction] {
    procedure == .idle
      ? [] : [.startTimer(RecordTransfer.silenceTimer, milliseconds: RecordTransfer.silenceMilliseconds)]
  }

  /// Everything given is on disk.
  mutating func committed() -> [DriverAction] {
    isUncommitted = false
    return procedure == .idle && hasBegun && !requests.isEmpty ? next() : []
  }

  /// A technician asks while the link is up.
  mutating func request(_ request: DriverRequest) -> [DriverAction] {
    if request == .abort {
      guard procedure != .idle else { return [.answer(.refused(.abort, "no transfer runs"))] }
      requests = []
      return start(.abort)
    }
    requests.append(request)
    return procedure == .idle && hasBegun ? next() : []
  }

  private mutating func start(_ next: Procedure) -> [DriverAction] {
    procedure = next
    lastNumber = nil
    return write()
  }

  private func write() -> [DriverAction] {
    let request: RecordAccessRequest? =
      switch procedure {
      case .idle: nil
      case .reportAfter(let known): .reportRecords(.from(known &+ 1))
      case .reportLast: .reportRecords(.last)
      case .reportAll: .reportRecords(.all)
      case .count: .reportCount(.all)
      case .delete(let filter): .deleteRecords(filter)
      case .abort: .abort
      }
    guard let request else { return [] }
    let limit = procedure == .abort ? RecordTransfer.abortMilliseconds : RecordTransfer.silenceMilliseconds
    return [
      .write(point, request.octets, withResponse: true),
      .startTimer(RecordTransfer.silenceTimer, milliseconds: limit),
    ]
  }

  /// The device's answer. Throws when it is none.
  mutating func answered(_ octets: [UInt8]) throws(DecodeError) -> [DriverAction] {
    switch try RecordAccessResponse(decoding: octets) {
    case .count(let count):
      guard procedure == .count else { return [] }
      return [.answer(.storedCount(count))] + end()
    case .response(let request, let code):
      guard request == write().opCode else { return [] }
      return ended(code)
    }
  }

  private mutating func ended(_ code: UInt8) -> [DriverAction] {
    if code == 10, retries < RecordTransfer.mostRetries {
      retries += 1
      return [
        .stopTimer(RecordTransfer.silenceTimer),
        .startTimer(RecordTransfer.retryTimer, milliseconds: RecordTransfer.retryMilliseconds),
      ]
    }
    let refusal = RecordAccessResponse.meaning(of: code)
    switch procedure {
    case .idle: return []
    case .reportAfter(let known):
      switch code {
      case 1: return reported()
      case 6: return start(.reportLast(known: known))
      // The meter cannot choose by number.
      case 3, 4, 5, 9: return start(.reportAll)
      default: return failed(refusal)
      }
    case .reportLast(let known):
      // Another newest record than the last known one: the meter's memory was cleared, and it counts anew.
      guard code == 1, let lastNumber, lastNumber != known else { return reported() }
      newest = nil
      return start(.reportAll)
    case .reportAll:
      // "None" is the normal end of an empty memory.
      return code == 1 || code == 6 ? reported() : failed(refusal)
    case .count:
      return [.answer(code == 6 ? .storedCount(0) : .refused(.countStored, "the device does not count: \(refusal)"))]
        + end()
    case .delete:
      let isDone = code == 1 || code == 6
      return [.answer(isDone ? .storedDeleted : .refused(.deleteStored, "the device does not erase: \(refusal)"))]
        + end()
    case .abort: return [.answer(.aborted)] + end()
    }
  }

  private mutating func reported() -> [DriverAction] {
    isWhole = !isDamaged
    return end()
  }

  private mutating func failed(_ reason: String) -> [DriverAction] {
    let message = "the device does not give its records: \(reason)"
    return [.problem(DriverProblem(code: "records-refused", message: message))] + end()
  }

  /// A write to the control point was refused by the link.
  mutating func writeFailed(_ code: UInt8) -> [DriverAction] {
    // 0xFE: a procedure runs already.
    if code == 0xFE, retries < RecordTransfer.mostRetries { return ended(10) }
    switch procedure {
    case .count: return [.answer(.refused(.countStored, "the device refuses (ATT error \(code))"))] + end()
    case .delete: return [.answer(.refused(.deleteStored, "the device refuses (ATT error \(code))"))] + end()
    default: return failed("ATT error \(code)")
    }
  }

  private mutating func end() -> [DriverAction] {
    procedure = .idle
    retries = 0
    return [.stopTimer(RecordTransfer.silenceTimer)] + next()
  }

  /// The next thing that a technician asked for; without one the session is over.
  private mutating func next() -> [DriverAction] {
    guard let request = requests.first else { return [.finish] }
    switch request {
    case .countStored:
      requests.removeFirst()
      return start(.count)
    case .deleteStored:
      // Waits for the disk.
      guard !isUncommitted else { return [] }
      requests.removeFirst()
      // A record that was made since then is not erased, where records have numbers.
      if isWhole { return start(.delete(newest.map { .upTo($0) } ?? .all)) }
      let reason = "not every record could be read, so none is erased"
      return [.answer(.refused(.deleteStored, reason))] + next()
    case .consent, .registerUser, .abort:
      requests.removeFirst()
      return next()
    }
  }

  /// Silence: the transfer is aborted, and the next session goes on with it.
  mutating func timer(_ timer: DriverTimer) -> [DriverAction] {
    switch (timer, procedure) {
    case (RecordTransfer.retryTimer, _): return write()
    case (RecordTransfer.silenceTimer, .idle): return []
    case (RecordTransfer.silenceTimer, .abort): return end()
    case (RecordTransfer.silenceTimer, _):
      requests = []
      let message = "the device fell silent in the middle of its records; the next contact goes on with them"
      return [.problem(DriverProblem(code: "records-incomplete", message: message))] + start(.abort)
    default: return []
    }
  }
}

extension [DriverAction] {
  /// The op code of the request among them.
  fileprivate var opCode: UInt8? {
    for case .write(_, let octets, _) in self { return octets.first }
    return nil
  }
}
