// What people ask that takes long – stored readings, pictures, drafts of plans – on threads beside the one that decides and beside
// the journal's: nobody who measures waits for a reader. Each role has its share of processor time and of places in the queue, and a
// question ends when its caller is gone.

import ControlProtocol
import GatewayCore
import Glibc
import Platform
import Readings

/// What came of a question.
enum PeopleMessage: Sendable {
  case answered(RequestID, ControlAnswer)
  case found(RequestID, [[UInt8]])
  case located(RequestID, Result<[Reading], ControlError>)
}

final class PeopleThreads {
  /// A question that waits or is being worked on.
  private struct Question {
    let id: RequestID
    let role: Role
    let uid: UInt32
    let job: ReadJob
    let stop = StopSign()
  }

  /// How much a role may ask for.
  struct Share {
    /// Questions that wait, of all callers of the role, and of one user.
    var most: Int
    var mostOfOneUser: Int
    /// Processor time of one question, in milliseconds.
    var processor: Int64

    static func of(_ role: Role) -> Share {
      switch role {
      case .owner: Share(most: 32, mostOfOneUser: 32, processor: 60_000)
      case .technician: Share(most: 8, mostOfOneUser: 4, processor: 10_000)
      case .reader, .nobody: Share(most: 8, mostOfOneUser: 2, processor: 2000)
      }
    }
  }

  let mailbox: Mailbox<PeopleMessage>
  private let workers: [WorkerThread<JournalReader>]
  private var waiting: [Question] = []
  /// By worker.
  private var running: [Int: Question] = [:]

  /// - Parameter view: what the journal's thread has published last.
  init(journal folder: String, _ view: JournalViewBox) throws(SystemError) {
    mailbox = try Mailbox()
    var workers: [WorkerThread<JournalReader>] = []
    for _ in 0..<2 { workers.append(try WorkerThread(JournalReader(folder, view))) }
    self.workers = workers
  }

  /// Takes a question; false when its role or user has too many waiting.
  func ask(_ id: RequestID, _ job: ReadJob, role: Role, uid: UInt32) -> Bool {
    let share = Share.of(role)
    let queue = waiting.filter { $0.role == role }
    guard queue.count < share.most, queue.count(where: { $0.uid == uid }) < share.mostOfOneUser else { return false }
    waiting.append(Question(id: id, role: role, uid: uid, job: job))
    start()
    return true
  }

  /// Nobody waits for what this connection asked.
  func callerGone(_ connection: UInt64) {
    waiting.removeAll { $0.id.connection == connection }
    for question in running.values where question.id.connection == connection { question.stop.raise() }
  }

  /// A question was worked off: its thread is free.
  func finished(_ id: RequestID) {
    for (worker, question) in running where question.id == id { running[worker] = nil }
    start()
  }

  /// Technicians first; of one role in the order in which they came. A reader never has both threads.
  private func start() {
    for worker in workers.indices where running[worker] == nil {
      let isReading = running.values.contains { $0.role <= .reader }
      let order: [Role] = [.technician, .owner] + (isReading ? [] : [.reader, .nobody])
      guard let index = order.lazy.compactMap({ role in self.waiting.firstIndex { $0.role == role } }).first else {
        return
      }
      let question = waiting.remove(at: index)
      running[worker] = question
      workers[worker].run { [mailbox] reader in
        mailbox.post(PeopleThreads.work(question.id, question.job, question.stop, Share.of(question.role), &reader))
      }
    }
  }

  private static func work(
    _ id: RequestID, _ job: ReadJob, _ stop: StopSign, _ share: Share, _ reader: inout JournalReader
  ) -> PeopleMessage {
    let end = processorTime() + share.processor
    var isLate = false
    func isOver() -> Bool {
      if processorTime() >= end { isLate = true }
      return isLate || stop.isRaised
    }
    let beyond = ControlError(
      code: "too-much-work",
      message: "this takes more than the \(share.processor / 1000) s of processor time that you have",
      hint: "ask for fewer days or fewer readings: --days, --since, --limit")
    let tooMuch = ControlAnswer.failure(beyond)
    func answer(_ job: ReadJob) -> PeopleMessage {
      switch job {
      case .picture(let picture):
        let answer = picture.run(isOver)
        return .answered(id, isLate ? tooMuch : answer)
      case .readings(let query):
        switch reader.find(query, isOver) {
        case .success(let found): return isLate ? .answered(id, tooMuch) : .found(id, found)
        case .failure(let error): return .answered(id, .failure(error))
        }
      case .locate(let beginning):
        let found = reader.locate(beginning, isOver)
        return .located(id, isLate ? .failure(beyond) : found)
      case .bearer(let patient):
        let found = reader.bearer(patient, isOver)
        return .located(id, isLate ? .failure(beyond) : found)
      case .answer(let answer): return .answered(id, answer)
      case .known(let names, let job):
        let refusal = reader.refusal(of: names, isOver)
        if isLate { return .answered(id, tooMuch) }
        return refusal.map { .answered(id, .failure($0)) } ?? answer(job)
      }
    }
    return answer(job)
  }

  /// Of the thread that asks, in milliseconds.
  private static func processorTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// Ends what is under way and the threads.
  func stop() {
    waiting = []
    for question in running.values { question.stop.raise() }
    for worker in workers { worker.stop() }
  }
}
