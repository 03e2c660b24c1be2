// The requests that the daemon understands, with the types and ranges of their parameters.

public import JSON
public import Readings

/// One request.
public enum ControlRequest: Sendable, Hashable {
  case version
  case status
  case devices
  case backends
  case doctor
  /// Stored readings, newest last.
  case readings(ReadingsFilter)
  /// Readings from now on, as notifications `reading`.
  case follow(patient: String?)
  /// Readings and events from now on, as notifications `reading` and `event`.
  case watch
  /// Give a parked reading to a patient.
  case assignReading(id: String, patient: String)
  /// From now on a user slot of a device is this patient; what is parked of it goes to the patient too.
  case assignSlot(device: String, user: UInt8?, patient: String)
  /// Readings without patient, and what backends refused, with the reason.
  case parked
  /// The readings behind `parked`.
  case parkedReadings
  /// Send a refused reading to its backend again.
  case parkedRetry(id: String, backend: String?)
  /// A patient's readings, and what was derived from them, are to go.
  case erase(patient: String)
  case reload
  /// What is on the air, as notifications `scan`, for so many seconds.
  case scan(seconds: Int)
  /// Pair a device: progress and questions as notifications `pairing`, the answer at the end.
  case pair(PairingWish)
  /// The answer to a question of the pairing under way.
  case pairAnswer(String)
  case pairCancel
  /// Forget a device and its keys.
  case unpair(device: String)
  /// Let a device that is quarantined in again.
  case releaseDevice(device: String)
  /// Ask a device for something, now or at its next contact.
  case askDevice(device: String, DeviceWish)
  /// What goes over a device's link, as notifications `capture`.
  case capture(device: String)
  /// The serial ports that are plugged in over USB.
  case serialList
  /// What is at a port: by listening alone, or by the harmless question of one driver.
  case serialIdentify(port: String, driver: String?)
  /// Bind a port to a driver for good.
  case serialBind(PortWish)
  /// A port is a device's no longer.
  case serialRelease(device: String)
  /// What a public device measures from now on is this patient's, for so many minutes.
  case sessionStart(patient: String, device: String, minutes: Int)
  case sessionEnd(device: String)
  /// What is raised or waits for a repeat.
  case alerts(patient: String?)
  /// Somebody has taken notice of what a rule raised.
  case acknowledge(patient: String, rule: String, note: String)
  /// A patient's plan in plain words.
  case planShow(patient: String)
  /// The same, and the last days judged by it.
  case planExplain(patient: String, days: Int)
  /// What a draft (a plan's text) would have raised over what was measured.
  case planTry(text: String, patient: String, days: Int)
  /// A plan's text is to come into force.
  case planSet(text: String)
  /// What a picture of a patient's last days is drawn from.
  case report(patient: String, days: Int)

  /// What is asked of a device.
  public enum DeviceWish: Sendable, Hashable {
    /// How many records it keeps.
    case count
    /// Erase them, once all are read and on disk.
    case erase
    /// Stop the transfer of records; the next contact goes on with it.
    case abort
    /// The code of a user slot, 0…9999.
    case consent(user: UInt8, code: UInt16)
    /// Make a user slot with this code.
    case registerUser(code: UInt16)
    /// The 16 octets of a key that the device's maker gives out (encrypting scales).
    case key([UInt8])
  }

  /// Which stored readings.
  public struct ReadingsFilter: Sendable, Hashable {
    /// Not measured before this instant (RFC 3339) or so long ago (`24h`, `7d`, `30m`).
    public var since: String?
    /// Measured before this instant, or so long ago.
    public var until: String?
    /// By this device alone.
    public var device: String?
    /// Of these zones alone; empty: of all, and those that were not judged.
    public var zones: [Zone]
    /// Of this patient alone.
    public var patient: String?
    /// Of this kind alone.
    public var kind: String?
    /// Only those that wait for a patient.
    public var parked: Bool
    /// The newest so many.
    public var limit: Int
    /// Which stored readings.
    public init(
      since: String? = nil, until: String? = nil, patient: String? = nil, device: String? = nil, kind: String? = nil,
      zones: [Zone] = [], parked: Bool = false, limit: Int = 50
    ) {
      self.since = since
      self.until = until
      self.device = device
      self.zones = zones
      self.patient = patient
      self.kind = kind
      self.parked = parked
      self.limit = limit
    }
  }

  /// The methods by name, with the least role that may call each.
  public static let methods: [(name: String, role: Role)] = [
    ("version", .reader), ("status", .reader), ("devices", .reader), ("backends", .reader), ("doctor", .reader),
    ("readings", .reader), ("readings.follow", .reader), ("watch", .reader), ("assign", .technician),
    ("reload", .technician), ("scan", .technician), ("pair", .technician), ("pair.answer", .technician),
    ("pair.cancel", .technician), ("unpair", .technician), ("capture", .technician), ("device.ask", .technician),
    ("device.release", .technician),
    ("serial.list", .reader), ("serial.identify", .technician), ("serial.bind", .technician),
    ("parked", .reader), ("parked.readings", .reader), ("parked.retry", .technician), ("erase", .owner),
    ("serial.release", .technician), ("session.start", .technician), ("session.end", .technician),
    ("alerts", .reader), ("alerts.ack", .technician), ("plan.show", .reader), ("plan.explain", .reader),
    ("plan.try", .reader), ("plan.set", .technician), ("report", .reader),
  ]

  /// The least role that may ask this.
  public var requiredRole: Role {
    switch self {
    case .version, .status, .devices, .backends, .doctor, .readings, .follow, .watch, .serialList,
      .parked, .parkedReadings, .alerts, .planShow, .planExplain, .planTry, .report:
      .reader
    case .erase: .owner
    case .assignReading, .assignSlot, .reload, .scan, .pair, .pairAnswer, .pairCancel, .unpair, .capture, .askDevice,
      .releaseDevice,
      .serialIdentify, .serialBind, .serialRelease, .sessionStart, .sessionEnd, .acknowledge, .planSet, .parkedRetry:
      .technician
    }
  }

  /// How many minutes a session on a public device lasts unless it is said otherwise.
  public static let usualSession = 15

  /// The largest `limit` of `readings`.
  public static let mostReadings = 10_000

  /// Reads a request's line: its id, and the request or what is wrong with it. The id is nil for a notification,
  /// which is carried out and never answered; it is `null` where what came is no request, so that nobody can know
  /// what it was meant to be.
  public static func read(_ line: [UInt8]) -> (id: JSONValue?, request: Result<ControlRequest, ControlError>) {
    let node: JSONNode
    do {
      node = try JSONReader(maximumSize: ControlMessage.longestLine).node(line)
    } catch {
      return (
        .null,
        .failure(
          ControlError(code: "parse-error", message: "no JSON at column \(error.place.column): \(error.message)"))
      )
    }
    guard let object = node.value.object else {
      return (.null, .failure(ControlError(code: "invalid-request", message: "expected a JSON-RPC 2.0 request object")))
    }
    let id = object["id"]
    switch id {
    case nil, .null, .string, .number: break
    default:
      return (.null, .failure(ControlError(code: "invalid-request", message: "id: expected a string or a number")))
    }
    guard object["jsonrpc"]?.string == "2.0", let method = object["method"]?.string else {
      return (
        id ?? .null, .failure(ControlError(code: "invalid-request", message: "expected jsonrpc \"2.0\" and a method"))
      )
    }
    do {
      return (id, .success(try request(method, node)))
    } catch {
      return (id, .failure(error))
    }
  }

  private static func request(_ method: String, _ node: JSONNode) throws(ControlError) -> ControlRequest {
    do {
      let top = try node.object(known: ["jsonrpc", "id", "method", "params"])
      let parameters = top["params"].flatMap { $0.content == .array([]) ? nil : $0 }
      func members(_ known: [String]) throws(JSONError) -> JSONMembers? {
        guard let parameters else { return nil }
        return try parameters.object(known: known)
      }
      switch method {
      case "version", "status", "devices", "backends", "doctor", "watch", "reload", "pair.cancel",
        "parked", "parked.readings":
        _ = try members([])
        return try simple(method)
      case "readings":
        guard
          let given = try members(["since", "until", "patient", "device", "kind", "zones", "parked", "limit"])
        else {
          return .readings(ReadingsFilter())
        }
        return .readings(
          ReadingsFilter(
            since: try given["since"]?.string(), until: try given["until"]?.string(),
            patient: try given["patient"]?.string(), device: try given["device"]?.string(),
            kind: try given["kind"]?.string(), zones: try zones(given["zones"]),
            parked: try given["parked"]?.bool() ?? false, limit: try given["limit"]?.int(in: 1...mostReadings) ?? 50))
      case "readings.follow": return .follow(patient: try members(["patient"])?["patient"]?.string())
      case "assign":
        guard let given = try members(["reading", "device", "user", "patient"]) else {
          throw ControlError(code: "bad-parameters", message: "params: expected patient and reading, or device")
        }
        return try assign(given)
      case "parked.retry":
        let given = try members(["id", "backend"])
        return .parkedRetry(
          id: try self.given(given, "id", "the reading's id").string(), backend: try given?["backend"]?.string())
      case "erase":
        return .erase(patient: try given(members(["patient"]), "patient", "the patient's reference").string())
      case "scan": return .scan(seconds: try members(["seconds"])?["seconds"]?.int(in: 1...600) ?? 30)
      case "pair": return .pair(try PairingWish(members(PairingWish.keys)))
      case "pair.answer":
        return .pairAnswer(
          try given(members(["answer"]), "answer", "the answer to the question").string())
      case "unpair": return .unpair(device: try given(members(["device"]), "device", "a device's name").string())
      case "device.release":
        return .releaseDevice(device: try given(members(["device"]), "device", "a device's name").string())
      case "device.ask":
        return try ask(members(["device", "wish", "user", "code", "key"]))
      case "capture": return .capture(device: try given(members(["device"]), "device", "a device's name").string())
      case "serial.list":
        _ = try members([])
        return .serialList
      case "serial.identify":
        let given = try members(["port", "driver"])
        return .serialIdentify(
          port: try self.given(given, "port", "a port such as /dev/ttyUSB0").string(),
          driver: try given?["driver"]?.string())
      case "serial.bind": return .serialBind(try PortWish(members(PortWish.keys)))
      case "serial.release":
        return .serialRelease(device: try given(members(["device"]), "device", "a device's name").string())
      case "session.start":
        let given = try members(["patient", "device", "minutes"])
        return .sessionStart(
          patient: try PortWish.identifier(self.given(given, "patient", "the patient's reference")),
          device: try self.given(given, "device", "a device's name").string(),
          minutes: try given?["minutes"]?.int(in: 1...720) ?? usualSession)
      case "session.end":
        return .sessionEnd(device: try given(members(["device"]), "device", "a device's name").string())
      case "alerts": return .alerts(patient: try members(["patient"])?["patient"]?.string())
      case "alerts.ack", "plan.show", "plan.explain", "plan.try", "plan.set", "report":
        return try plan(method, parameters)
      default:
        let names = methods.map(\.name)
        let near = Suggestion.nearest(to: method, among: names)
        throw ControlError(
          code: "unknown-method", message: "there is no method \"\(method)\"",
          hint: near.map { "did you mean \($0)?" } ?? "known: \(names.joined(separator: ", "))")
      }
    } catch let error as ControlError {
      throw error
    } catch let error as JSONError {
      throw ControlError(code: "bad-parameters", message: "\(error.path): \(error.message)")
    } catch {
      throw ControlError(code: "bad-parameters", message: "the parameters cannot be read")
    }
  }

  private static func simple(_ method: String) throws(ControlError) -> ControlRequest {
    switch method {
    case "version": return .version
    case "status": return .status
    case "devices": return .devices
    case "backends": return .backends
    case "doctor": return .doctor
    case "watch": return .watch
    case "pair.cancel": return .pairCancel
    case "parked": return .parked
    case "parked.readings": return .parkedReadings
    default: return .reload
    }
  }

  private static func zones(_ node: JSONNode?) throws(JSONError) -> [Zone] {
    var zones: [Zone] = []
    for item in try node?.array() ?? [] {
      if let zone = Zone(rawValue: try item.string(of: Zone.allCases.map(\.rawValue))) { zones.append(zone) }
    }
    return zones
  }

  private static func given(_ members: JSONMembers?, _ key: String, _ what: String) throws(any Error) -> JSONNode {
    guard let members else { throw ControlError(code: "bad-parameters", message: "params: expected \(key): \(what)") }
    return try members.required(key, what)
  }

  private static func ask(_ members: JSONMembers?) throws(any Error) -> ControlRequest {
    let device = try given(members, "device", "a device's name").string()
    let wish = try given(members, "wish", "what to ask").string(of: [
      "count", "erase", "abort", "consent", "register-user", "key",
    ])
    func code() throws -> UInt16 {
      UInt16(try given(members, "code", "a code of at most four digits").int(in: 0...9999))
    }
    switch wish {
    case "count": return .askDevice(device: device, .count)
    case "erase": return .askDevice(device: device, .erase)
    case "abort": return .askDevice(device: device, .abort)
    case "consent":
      let user = UInt8(try given(members, "user", "a user slot").int(in: 0...255))
      return .askDevice(device: device, .consent(user: user, code: try code()))
    case "register-user": return .askDevice(device: device, .registerUser(code: try code()))
    default:
      let node = try given(members, "key", "32 hexadecimal digits")
      let digits = Array(try node.string().utf8)
      var octets: [UInt8] = []
      for index in stride(from: 0, to: digits.count - 1, by: 2) {
        guard let octet = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else { break }
        octets.append(octet)
      }
      guard digits.count == 32, octets.count == 16 else {
        throw node.error("invalid-value", "expected 32 hexadecimal digits")
      }
      return .askDevice(device: device, .key(octets))
    }
  }

  private static func assign(_ given: JSONMembers) throws(any Error) -> ControlRequest {
    let patient = try given.required("patient", "the patient's reference").string()
    if let reading = given["reading"] { return .assignReading(id: try reading.string(), patient: patient) }
    guard let device = given["device"] else {
      throw ControlError(
        code: "bad-parameters", message: "params: expected a reading, or a device and perhaps a user slot",
        hint: "hearthctl readings --parked lists what waits")
    }
    return .assignSlot(
      device: try device.string(), user: try given["user"].map { UInt8(try $0.int(in: 0...255)) }, patient: patient)
  }

  /// The longest time over which a plan is explained or tried, in days.
  private static let mostDays = 366

  private static func plan(_ method: String, _ parameters: JSONNode?) throws(any Error) -> ControlRequest {
    func members(_ known: [String]) throws -> JSONMembers {
      guard let parameters else {
        throw ControlError(code: "bad-parameters", message: "params: expected \(known.joined(separator: ", "))")
      }
      return try parameters.object(known: known)
    }
    func patient(_ given: JSONMembers) throws -> String {
      try given.required("patient", "the patient's reference").string()
    }
    func days(_ given: JSONMembers) throws -> Int { try given["days"]?.int(in: 1...mostDays) ?? 30 }
    switch method {
    case "alerts.ack":
      let given = try members(["patient", "rule", "note"])
      let note = try given["note"]?.string() ?? ""
      guard note.utf8.count <= 1000 else {
        throw ControlError(code: "bad-parameters", message: "note: expected at most 1000 octets")
      }
      return .acknowledge(
        patient: try patient(given), rule: try given.required("rule", "the rule's id").string(), note: note)
    case "plan.show": return .planShow(patient: try patient(members(["patient"])))
    case "report":
      let given = try members(["patient", "days"])
      return .report(patient: try patient(given), days: try days(given))
    case "plan.explain":
      let given = try members(["patient", "days"])
      return .planExplain(patient: try patient(given), days: try days(given))
    case "plan.try":
      let given = try members(["plan", "patient", "days"])
      return .planTry(
        text: try given.required("plan", "the plan's text").string(), patient: try patient(given), days: try days(given)
      )
    default: return .planSet(text: try members(["plan"]).required("plan", "the plan's text").string())
    }
  }
}
