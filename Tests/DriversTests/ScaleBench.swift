// A scale on a line without a device and without a clock: what it says and when is told, timers run out in between.

import Octets
import Readings
import Testing

@testable import Drivers

struct ScaleBench {
  private(set) var driver: any Driver
  private let id: String
  private let model: String?
  private var timers: [DriverTimer: Int64] = [:]
  private(set) var now: Int64 = 0
  /// What came of it.
  private(set) var readings: [DeviceReading] = []
  private(set) var codes: [String] = []
  private(set) var held: HeldLoad?
  /// How often the load that is remembered changed: each is a record on the disk.
  private(set) var records = 0
  /// Questions that nobody answered yet.
  private var questions = 0

  init(_ id: String, model: String? = nil) throws {
    self.id = id
    self.model = model
    driver = try #require(Registry.profile(id: id)).make(DriverContext(model: model))
    take(driver.handle(.opened))
  }

  /// The values, in the device's unit, or the reason for none.
  var values: [String] {
    readings.map { reading in
      guard let first = reading.observations.first else { return "" }
      if case .absent(let reason) = first.value { return reason.rawValue }
      return (first.reported?.value ?? first.value.decimal ?? .zero).description
    }
  }

  mutating func say(_ text: String) { hear(Array(text.utf8)) }

  mutating func hear(_ octets: [UInt8]) { take(driver.handle(.received(octets))) }

  /// A line again and again, each so many milliseconds after the one before.
  mutating func say(_ text: String, _ count: Int, every: Int64) {
    for _ in 0..<count {
      say(text)
      pass(every)
    }
  }

  mutating func pass(_ milliseconds: Int64) {
    let end = now + milliseconds
    while let (timer, due) = timers.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }), due <= end {
      now = due
      timers[timer] = nil
      take(driver.handle(.timer(timer)))
    }
    now = end
  }

  /// How often it was asked since this was looked at last.
  mutating func takeQuestions() -> Int {
    defer { questions = 0 }
    return questions
  }

  /// Nobody looks for a while, and nothing came; then the timers that are over run out, once each.
  mutating func hold(_ milliseconds: Int64) {
    now += milliseconds
    for (timer, due) in timers.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) where due <= now {
      timers[timer] = nil
      take(driver.handle(.timer(timer)))
    }
  }

  /// The link ends as it does at a stop, a reload or an unplugging, and comes again after a while.
  mutating func restart(after milliseconds: Int64 = 5000, isKilled: Bool = false) throws {
    if !isKilled { take(driver.handle(.closed)) }
    timers = [:]
    now += milliseconds
    var context = DriverContext(model: model)
    context.heldLoad = held
    driver = try #require(Registry.profile(id: id)).make(context)
    take(driver.handle(.opened))
  }

  mutating func close() { take(driver.handle(.closed)) }

  private mutating func take(_ actions: [DriverAction]) {
    for action in actions {
      switch action {
      case .reading(let reading): readings.append(reading)
      case .problem(let problem): codes.append(problem.code)
      case .heldLoad(let load):
        held = load
        records += 1
      case .transmit: questions += 1
      case .startTimer(let timer, let milliseconds): timers[timer] = now + Int64(milliseconds)
      case .stopTimer(let timer): timers[timer] = nil
      default: break
      }
    }
  }
}
