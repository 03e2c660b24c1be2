// The requests that the daemon understands, with the types and ranges of their parameters.

public import JSON

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
  /// What goes over a device's link, as notifications `capture`.
  case capture(device: String)

  /// Which stored readings.
  public struct ReadingsFilter: Sendable, Hashable {
    /// Not before this instant (RFC 3339) or so long ago (`24h`, `7d`, `30m`).
    public var since: String?
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
      since: String? = nil, patient: String? = nil, kind: String? = nil, parked: Bool = false, limit: Int = 50
    ) {
      self.since = since
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
    ("pair.cancel", .technician), ("unpair", .technician), ("capture", .technician),
  ]

  /// The least role that may ask this.
  public var requiredRole: Role {
    switch self {
    case .version, .status, .devices, .backends, .doctor, .readings, .follow, .watch: .reader
    case .assignReading, .assignSlot, .reload, .scan, .pair, .pairAnswer, .pairCancel, .unpair, .capture: .technician
    }
  }

  /// The largest `limit` of `readings`.
  public static let mostReadings = 10_000

  /// Reads a request's line: its id, and the request or what is wrong with it.
  public static func read(_ line: [UInt8]) -> (id: JSONValue, request: Result<ControlRequest, ControlError>) {
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
    let id = object["id"] ?? .null
    switch id {
    case .null, .string, .number: break
    default:
      return (.null, .failure(ControlError(code: "invalid-request", message: "id: expected a string or a number")))
    }
    guard object["jsonrpc"]?.string == "2.0", let method = object["method"]?.string else {
      return (id, .failure(ControlError(code: "invalid-request", message: "expected jsonrpc \"2.0\" and a method")))
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
      let parameters = top["params"]
      func members(_ known: [String]) throws(JSONError) -> JSONMembers? {
        guard let parameters else { return nil }
        return try parameters.object(known: known)
      }
      switch method {
      case "version", "status", "devices", "backends", "doctor", "watch", "reload", "pair.cancel":
        _ = try members([])
        return try simple(method)
      case "readings":
        guard let given = try members(["since", "patient", "kind", "parked", "limit"]) else {
          return .readings(ReadingsFilter())
        }
        return .readings(
          ReadingsFilter(
            since: try given["since"]?.string(), patient: try given["patient"]?.string(),
            kind: try given["kind"]?.string(),
            parked: try given["parked"]?.bool() ?? false, limit: try given["limit"]?.int(in: 1...mostReadings) ?? 50))
      case "readings.follow": return .follow(patient: try members(["patient"])?["patient"]?.string())
      case "assign":
        guard let given = try members(["reading", "device", "user", "patient"]) else {
          throw ControlError(code: "bad-parameters", message: "params: expected patient and reading, or device")
        }
        return try assign(given)
      case "scan": return .scan(seconds: try members(["seconds"])?["seconds"]?.int(in: 1...600) ?? 30)
      case "pair": return .pair(try PairingWish(members(PairingWish.keys)))
      case "pair.answer":
        return .pairAnswer(
          try given(members(["answer"]), "answer", "the answer to the question").string())
      case "unpair": return .unpair(device: try given(members(["device"]), "device", "a device's name").string())
      case "capture": return .capture(device: try given(members(["device"]), "device", "a device's name").string())
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
    default: return .reload
    }
  }

  private static func given(_ members: JSONMembers?, _ key: String, _ what: String) throws(any Error) -> JSONNode {
    guard let members else { throw ControlError(code: "bad-parameters", message: "params: expected \(key): \(what)") }
    return try members.required(key, what)
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
}
