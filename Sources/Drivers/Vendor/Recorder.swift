// Any device over BLE, to record what it says: everything that notifies is subscribed to, everything that can be read is read, nothing
// is ever written. No reading comes of it. `hearthctl capture` makes a file of such a session, for a device that no driver knows or
// that a driver takes for another one.

internal import Octets
internal import Readings

struct RecorderDriver: Driver {
  private static let idleTimer: DriverTimer = 1
  private static let idleMilliseconds = 60_000
  /// More than any device for homes has.
  private static let mostCharacteristics = 64
  /// Generic Access and Generic Attribute: the link's own.
  private static let ofTheLink: Set<BluetoothUUID> = [BluetoothUUID(0x1800), BluetoothUUID(0x1801)]

  private let context: DriverContext
  private var wasHeard = false

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let all = discovered.filter { !RecorderDriver.ofTheLink.contains($0.id.service) }
      let streams = all.filter { $0.properties & 0x30 != 0 }.prefix(RecorderDriver.mostCharacteristics)
      let values = all.filter { $0.properties & 0x02 != 0 }.prefix(RecorderDriver.mostCharacteristics)
      return streams.map { .subscribe($0.id, indications: $0.properties & 0x20 != 0) } + [listenOn]
        + values.map { .read($0.id) } + context.refusals
    case .value(let id, let octets, .read): return DeviceProperty.actions(id, octets)
    case .value:
      wasHeard = true
      return []
    case .timer(RecorderDriver.idleTimer):
      defer { wasHeard = false }
      return wasHeard ? [listenOn] : [.finish]
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private var listenOn: DriverAction {
    .startTimer(RecorderDriver.idleTimer, milliseconds: RecorderDriver.idleMilliseconds)
  }

  static let profile = DeviceProfile(
    id: "recorder", names: ["any device, to record what it says"], transport: .gatt, recognition: [], kinds: [],
    terms: [], clock: .none, memory: .none, verification: .unverified
  ) { RecorderDriver($0) }.pairs(.mayBond, hint: "start hearthctl capture, then let the device measure")
}
