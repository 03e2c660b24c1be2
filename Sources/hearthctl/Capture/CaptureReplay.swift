// A recorded session and a driver, without a device or a daemon: the session is the device, time is that of the file. What the driver
// makes of it is what the daemon's would have made.

import Drivers
import GatewayCore
import Octets
import Playback
import Readings

/// What a driver made of a recorded session.
struct CaptureReplay {
  private let capture: CaptureFile
  private var driver: any Driver
  private var timers: [DriverTimer: Int64] = [:]
  private var now: Int64 = 0
  private var indicated: Set<CharacteristicID> = []
  /// Readings, and when after the beginning each came, in milliseconds.
  private(set) var readings: [(reading: DeviceReading, at: Int64)] = []
  private(set) var problems: [DriverProblem] = []
  /// What the device's clock showed first, and when it was read.
  private(set) var clock: (stamp: DeviceStamp, at: Int64)?
  private(set) var properties: [DeviceProperty] = []
  private(set) var answers: [DriverAnswer] = []
  /// A driver that goes on for ever is left after so many steps.
  private var steps = 0
  private static let mostSteps = 200_000

  private init(_ capture: CaptureFile, _ profile: DeviceProfile) {
    self.capture = capture
    driver = profile.make(DriverContext(recorded: capture.headers))
    switch profile.transport {
    case .serial: take(driver.handle(.opened))
    case .gatt:
      let found = capture.characteristics.map {
        DiscoveredCharacteristic(id: CharacteristicID($0.service, $0.uuid), properties: $0.properties)
      }
      take(driver.handle(.connected(found)))
    case .advertisement: break
    }
  }

  /// The whole session against the driver of `profile`.
  static func run(_ capture: CaptureFile, _ profile: DeviceProfile) -> CaptureReplay {
    var replay = CaptureReplay(capture, profile)
    for item in capture.items {
      replay.advance(to: item.at)
      replay.feed(item)
    }
    // Ten seconds more are enough for what a driver holds back.
    let last = max(capture.headers["until"].flatMap { Int64($0) } ?? 0, (capture.items.last?.at ?? 0) + 10_000)
    replay.advance(to: min(last, 315_576_000_000))
    replay.take(replay.driver.handle(.closed))
    return replay
  }

  private mutating func feed(_ item: CaptureFile.Item) {
    if item.source.hasPrefix("adv/company:") {
      guard let company = UInt16(item.source.dropFirst("adv/company:".count), radix: 16) else { return }
      take(driver.handle(.advertisement(AdvertisedData(company: company, octets: item.octets))))
    } else if item.source.hasPrefix("adv/") {
      guard let service = BluetoothUUID(item.source.dropFirst("adv/".count)) else { return }
      take(driver.handle(.advertisement(AdvertisedData(service: service, octets: item.octets))))
    } else if item.source.isEmpty {
      take(driver.handle(.received(item.octets)))
    } else {
      let names = item.source.split(separator: "/")
      guard names.count == 2, let service = BluetoothUUID(names[0]), let uuid = BluetoothUUID(names[1]) else { return }
      let id = CharacteristicID(service, uuid)
      take(driver.handle(.value(id, item.octets, indicated.contains(id) ? .indication : .notification)))
    }
  }

  private mutating func advance(to time: Int64) {
    while let (timer, due) = timers.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }), due <= time {
      now = max(now, due)
      timers[timer] = nil
      take(driver.handle(.timer(timer)))
    }
    now = max(now, time)
  }

  private mutating func take(_ first: [DriverAction]) {
    var inputs: [DriverInput] = []
    var actions = first
    while true {
      steps += 1
      guard steps < CaptureReplay.mostSteps else { return timers = [:] }
      var answered: [DriverInput] = []
      var isStored = false
      for action in actions {
        switch action {
        case .reading(let reading):
          isStored = true
          readings.append((reading, now))
        case .problem(let problem):
          isStored = isStored || problem.raw != nil
          problems.append(problem)
        case .deviceClock(let stamp): clock = clock ?? (stamp, now)
        case .property(let property): properties.append(property)
        case .answer(let answer): answers.append(answer)
        case .startTimer(let timer, let milliseconds): timers[timer] = now + Int64(max(1, milliseconds))
        case .stopTimer(let timer): timers[timer] = nil
        case .subscribe(let id, let indications):
          if indications { indicated.insert(id) }
          answered.append(.subscribed(id))
        case .read(let id):
          let value = capture.characteristics.first { $0.service == id.service && $0.uuid == id.characteristic }
          answered.append(value.map { .value(id, $0.value, .read) } ?? .readFailed(id, 0x0A))
        case .write(let id, _, let withResponse): if withResponse { answered.append(.written(id)) }
        case .fragment, .heldLoad, .transmit, .finish: continue
        }
      }
      if isStored { answered.append(.committed) }
      // What comes of an answer goes before the next answer, as over a link.
      inputs = answered + inputs
      guard !inputs.isEmpty else { return }
      actions = driver.handle(inputs.removeFirst())
    }
  }
}
