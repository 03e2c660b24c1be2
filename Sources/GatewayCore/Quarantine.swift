// A device whose session ends the daemon again and again is left alone until a technician lets it in: one bad device never takes
// the house down for good. Who was being handled when the process died is the shell's knowledge (`CrashTrace`); this is what
// follows from it, a state file.

internal import ControlProtocol
public import JSON

/// Devices in whose sessions the daemon died.
public struct Quarantine: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    var crashes: Int
    /// Milliseconds since 1970.
    var last: Int64
  }

  /// So many make a quarantine.
  static let limit = 3
  /// After so long without another one, what was before counts no more, in milliseconds.
  static let memory: Int64 = 7 * 86_400_000

  private(set) var devices: [String: Entry] = [:]

  /// Nobody.
  public init() {}

  func holds(_ device: String) -> Bool { devices[device]?.crashes ?? 0 >= Quarantine.limit }

  func crashes(of device: String) -> Int { devices[device]?.crashes ?? 0 }

  mutating func crashed(_ device: String, at wall: Int64) {
    var entry = devices[device] ?? Entry(crashes: 0, last: wall)
    if entry.crashes < Quarantine.limit, abs(wall - entry.last) > Quarantine.memory { entry.crashes = 0 }
    entry.crashes = min(entry.crashes + 1, Quarantine.limit)
    entry.last = wall
    devices[device] = entry
  }

  mutating func release(_ device: String) { devices[device] = nil }

  /// The state file's octets.
  public var encoded: [UInt8] {
    let list = devices.sorted { $0.key < $1.key }.map { id, entry -> JSONValue in
      ["device": .string(id), "crashes": .int(entry.crashes), "last": .int(entry.last)]
    }
    let value: JSONValue = ["version": 1, "devices": .array(list)]
    return value.encoded()
  }

  /// From the state file's octets. Throws when they are no such file.
  public init(_ octets: [UInt8]) throws(JSONError) {
    let top = try JSONReader(maximumSize: 1 << 20).node(octets).object(known: ["version", "devices"])
    _ = try top.required("version", "1").int(in: 1...1)
    for item in try top.required("devices", "a list").array() {
      let entry = try item.object(known: ["device", "crashes", "last"])
      devices[try entry.required("device", "a device").string()] = Entry(
        crashes: try entry.required("crashes", "how many").int(in: 1...Quarantine.limit),
        last: Int64(try entry.required("last", "a time").int(in: 0...253_402_300_800_000)))
    }
  }
}

extension Event {
  /// The device whose link this is about; nil for everything else.
  public var device: String? {
    switch self {
    case .linkOpened(let device), .deviceInRange(let device), .advertised(let device, _),
      .linkReceived(let device, _), .linkSecured(let device, _), .linkClosed(let device, _):
      device
    default: nil
    }
  }
}

extension Gateway {
  /// The daemon before this one died while it handled this device. Comes before `started`; what follows is on disk before the
  /// device is opened again.
  mutating func sessionCrashed(_ id: String, _ now: Now) -> [Effect] {
    let wasHeld = quarantine.holds(id)
    quarantine.crashed(id, at: now.wall)
    let isHeld = quarantine.holds(id)
    let code = isHeld ? "device.quarantined" : "device.session-crashed"
    let message =
      isHeld
      ? "the daemon ended \(Quarantine.limit) times while it spoke with the device; it is left alone until it is released"
      : "the daemon ended while it spoke with the device"
    guard !wasHeld else { return [] }
    return [.save(.quarantine, quarantine.encoded), .log(.error, "device \(id): \(code): \(message)")]
      + append([.event(deviceEvent(id, code, message, now))], now: now)
  }

  /// A technician lets a device in again.
  mutating func release(_ request: RequestID, device id: String, _ caller: CallerName, _ now: Now) -> [Effect] {
    guard devices[id] != nil || quarantine.crashes(of: id) > 0 else {
      let near = Suggestion.nearest(to: id, among: Array(devices.keys))
      return [
        .answer(
          request,
          .failure(
            ControlError(
              code: "not-found", message: "there is no device \(id)",
              hint: near.map { "did you mean \($0)?" } ?? "hearthctl devices")))
      ]
    }
    let wasHeld = quarantine.holds(id)
    quarantine.release(id)
    return [.save(.quarantine, quarantine.encoded)]
      + (wasHeld ? listDevices(now) + (devices[id]?.session == nil ? open(id, now) : []) : [])
      + [.answer(request, .result(["released": .bool(wasHeld), "device": .string(id)]))]
      + append([.audit(uid: caller.uid, action: "release device \(id)")], now: now)
  }
}
