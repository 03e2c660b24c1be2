// A device and a link around a driver: answers reads, subscriptions and writes as a real one does, keeps the timers, and writes
// down what the driver does, one short line each.

import Drivers
import Octets
import Readings

struct Replay {
  private var driver: any Driver
  private let capture: Capture
  private var timers: [DriverTimer: Int64] = [:]
  private var now: Int64 = 0
  private var lastHeard: Int64?
  private var indicated: Set<CharacteristicID> = []
  /// What the driver made of what came, as lines.
  private(set) var lines: [String] = []
  /// What the driver sent, as lines.
  private(set) var sent: [String] = []
  /// The readings among it.
  private(set) var readings: [DeviceReading] = []

  init?(_ capture: Capture, as other: DeviceProfile? = nil) {
    guard let profile = other ?? capture.profile else { return nil }
    self.capture = capture
    driver = profile.make(capture.context)
    switch profile.transport {
    case .serial: take(driver.handle(.opened))
    case .gatt:
      let found = capture.characteristics.map { DiscoveredCharacteristic(id: $0.id, properties: $0.properties) }
      take(driver.handle(.connected(found)))
    case .advertisement: break
    }
  }

  /// The whole session. With `chunk`, serial octets come in pieces of that many.
  static func run(_ capture: Capture, chunk: Int? = nil, as other: DeviceProfile? = nil) -> Replay? {
    var replay = Replay(capture, as: other)
    for item in capture.items { replay?.feed(item, chunk: chunk) }
    replay?.advance(to: Int64(capture.headers["until"] ?? "0") ?? 0)
    replay?.close()
    return replay
  }

  /// How long after a question the recordings have its answer, in milliseconds.
  private static let answer: Int64 = 20

  /// The whole session while nobody looks at the line for a while: what came meanwhile is read at once, and then timers run out. A
  /// device that answers only when it is asked says nothing meanwhile, but the answer to a question that was asked before.
  static func run(_ capture: Capture, stopAt stop: Int64, for length: Int64) -> Replay? {
    var replay = Replay(capture)
    let isAsked = !capture.sent.isEmpty
    var heldUp: [UInt8] = []
    var isOver = false
    func wake() {
      guard !isOver else { return }
      isOver = true
      replay?.advance(to: stop)
      replay?.wake(at: stop + length, heldUp)
    }
    for var item in capture.items {
      if item.at > stop + answer, isAsked { item.at += length }
      if item.at > stop, item.at < stop + length {
        heldUp += item.octets
      } else {
        if item.at > stop { wake() }
        replay?.feed(item)
      }
    }
    wake()
    replay?.advance(to: (Int64(capture.headers["until"] ?? "0") ?? 0) + length)
    replay?.close()
    return replay
  }

  /// Octets that waited while nobody looked, before timers that are over, as a link's session tells them.
  private mutating func wake(at time: Int64, _ octets: [UInt8]) {
    let due = timers.values.min()
    now = time
    if !octets.isEmpty {
      if let due, due < now { take(driver.handle(.waited(Int(clamping: now - max(due, lastHeard ?? due))))) }
      lastHeard = now
      take(driver.handle(.received(octets)))
    }
    for (timer, due) in timers.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) where due <= now {
      timers[timer] = nil
      take(driver.handle(.timer(timer)))
    }
  }

  mutating func feed(_ item: Capture.Item, chunk: Int? = nil) {
    advance(to: item.at)
    if let request = item.request {
      take(driver.handle(.request(request)))
    } else if item.source.hasPrefix("adv/company:") {
      guard let company = UInt16(item.source.dropFirst("adv/company:".count), radix: 16) else { return }
      take(driver.handle(.advertisement(AdvertisedData(company: company, octets: item.octets))))
    } else if item.source.hasPrefix("adv/") {
      guard let service = BluetoothUUID(item.source.dropFirst(4)) else { return }
      take(driver.handle(.advertisement(AdvertisedData(service: service, octets: item.octets))))
    } else if let id = Capture.id(item.source) {
      take(driver.handle(.value(id, item.octets, indicated.contains(id) ? .indication : .notification)))
    } else {
      lastHeard = now
      var rest = item.octets[...]
      while !rest.isEmpty {
        let piece = rest.prefix(chunk ?? rest.count)
        rest = rest.dropFirst(piece.count)
        take(driver.handle(.received(Array(piece))))
      }
    }
  }

  mutating func advance(to time: Int64) {
    while let (timer, due) = timers.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }), due <= time {
      now = due
      timers[timer] = nil
      take(driver.handle(.timer(timer)))
    }
    now = max(now, time)
  }

  mutating func close() { take(driver.handle(.closed)) }

  private mutating func take(_ actions: [DriverAction]) {
    var answers: [DriverInput] = []
    var gave = false
    for action in actions {
      switch action {
      case .reading(let reading):
        gave = true
        readings.append(reading)
        lines.append(Replay.line(reading))
      case .fragment(let raw): lines.append("fragment \(raw.source) \(Hex.encode(raw.octets))")
      case .deviceClock(.local(let fields)): lines.append("clock \(fields)")
      case .deviceClock(.utc(let milliseconds)): lines.append("clock utc \(milliseconds)")
      case .property(let property): lines.append("property \(property)")
      case .problem(let problem):
        gave = gave || problem.raw != nil
        lines.append("problem \(problem.code)\(problem.offset.map { " @\($0)" } ?? "")")
      case .answer(let answer): lines.append("answer \(answer)")
      case .heldLoad: break
      case .finish: lines.append("finish")
      case .startTimer(let timer, let milliseconds): timers[timer] = now + Int64(milliseconds)
      case .stopTimer(let timer): timers[timer] = nil
      case .transmit(let octets): sent.append(Hex.encode(octets))
      case .subscribe(let id, let indications):
        sent.append("subscribe \(id) \(indications ? "indicate" : "notify")")
        if indications { indicated.insert(id) }
        answers.append(.subscribed(id))
      case .read(let id):
        sent.append("read \(id)")
        let value = capture.characteristics.first { $0.id == id }?.value
        answers.append(value.map { .value(id, $0, .read) } ?? .readFailed(id, 0x0A))
      case .write(let id, let octets, let withResponse):
        sent.append("write \(id) \(Hex.encode(octets))")
        if withResponse { answers.append(.written(id)) }
      }
    }
    if gave { answers.append(.committed) }
    for answer in answers { take(driver.handle(answer)) }
  }

  /// `pulse-oximetry spo2 97 %, pulse 65 /min; stored; time 2026-…; raw contec-v7 90`.
  static func line(_ reading: DeviceReading) -> String {
    let values = reading.observations.map { observation in
      let value: String
      switch observation.value {
      case .value(let number): value = "\(number) \(observation.term.unit.rawValue)"
      case .absent(let reason): value = reason.rawValue
      }
      let reported = observation.reported.map { " (\($0.value) \($0.unit.rawValue))" } ?? ""
      return "\(observation.term.name) \(value)\(reported)"
    }
    var parts = ["\(reading.kind.rawValue) \(values.joined(separator: ", "))"]
    parts += reading.flags.map(\.rawValue)
    switch reading.time {
    case .local(let fields): parts.append("time \(fields)")
    case .utc(let milliseconds): parts.append("utc \(milliseconds)")
    case nil: break
    }
    if let user = reading.user { parts.append("user \(user)") }
    if let number = reading.recordNumber { parts.append("record \(number)") }
    if reading.stored == true { parts.append("stored") }
    parts.append("raw \(reading.raw.source) \(reading.raw.octets.count)")
    return parts.joined(separator: "; ")
  }
}
