// What happened in the home and is told to backends and technicians, beside readings: rules that moved, devices and the hub
// itself that need somebody.

package import Monitoring
package import Readings

package import JSON
internal import Octets
internal import Zones

/// Something that happened in the home, to be told to backends and technicians.
package struct HubEvent: Sendable, Hashable {
  /// What happened.
  package enum Content: Sendable, Hashable {
    /// What a rule did, and the reading that led to it.
    case threshold(MonitoringEvent, reading: ReadingID?)
    /// A device needs somebody: its hub's name, a stable code, and what is wrong.
    case device(id: String, code: String, message: String)
    /// The hub itself needs somebody, or does so no longer: a stable code, and what is wrong.
    case hub(code: String, message: String, isOver: Bool)
    /// Something that another version wrote and this one does not know: its JSON object as it is.
    case other([UInt8])
  }

  /// A name-based UUID.
  package var id: String
  /// Milliseconds since 1970.
  package var at: Int64
  /// Seconds east of UTC.
  package var offsetSeconds: Int32
  /// What happened.
  package var content: Content
  /// The hub's clock was not synchronised: `at` is what it showed.
  package var isUnsynchronised = false

  /// What a rule did, because of a reading.
  package init(_ event: MonitoringEvent, at: Int64, offsetSeconds: Int32, reading: ReadingID?) {
    self.at = at
    self.offsetSeconds = offsetSeconds
    var event = event
    if let episode = event.episodeName {
      event.episode = NameBasedUUID.make(Array(episode.utf8)).description
      event.episodeName = nil
    }
    content = .threshold(event, reading: reading)
    // Of one reading a rule may tell the same twice: when it comes, and when a plan or a quiet period ends.
    let name =
      "event|\(event.patient)|\(event.rule)|\(event.kind.rawValue)|\(event.detail.direction?.rawValue ?? "")|"
      + "\(reading?.description ?? "")|\(at)|\(event.episode ?? "")|\(event.count)"
    id = NameBasedUUID.make(Array(name.utf8)).description
  }

  /// A device needs somebody.
  package init(device: String, code: String, message: String, at: Int64, offsetSeconds: Int32) {
    self.at = at
    self.offsetSeconds = offsetSeconds
    content = .device(id: device, code: code, message: message)
    id = NameBasedUUID.make(Array("event|device|\(device)|\(code)|\(at)".utf8)).description
  }

  /// The hub itself needs somebody, or does so no longer.
  package init(hub code: String, message: String, isOver: Bool = false, at: Int64, offsetSeconds: Int32) {
    self.at = at
    self.offsetSeconds = offsetSeconds
    content = .hub(code: code, message: message, isOver: isOver)
    id = NameBasedUUID.make(Array("event|hub|\(code)|\(isOver)|\(at)|\(message)".utf8)).description
  }

  /// What a rule did, where it is that.
  package var monitoring: MonitoringEvent? {
    if case .threshold(let event, _) = content { return event }
    return nil
  }

  /// The JSON object that backends get.
  package var encoded: [UInt8] {
    if case .other(let octets) = content { return octets }
    return json.encoded()
  }

  package var json: JSONValue {
    var object = JSONObject()
    object["id"] = .string(id)
    switch content {
    case .threshold(let monitoring, let reading):
      object["type"] = "threshold"
      object["at"] = .string(EventText.instant(at, offsetSeconds))
      object["patient"] = .string(monitoring.patient)
      object["rule"] = .string(monitoring.rule)
      object["event"] = .string(monitoring.kind.rawValue)
      object["zone"] = .string(monitoring.zone.rawValue)
      object["plan_version"] = .int(monitoring.planVersion)
      if monitoring.kind == .missing || monitoring.kind == .reminder { object["type"] = "missing" }
      if monitoring.count > 1 { object["count"] = .int(monitoring.count) }
      if let word = monitoring.acknowledgement {
        object["by"] = .string(word.by)
        if !word.note.isEmpty { object["note"] = .string(word.note) }
      }
      if let episode = monitoring.episode { object["episode"] = .string(episode) }
      if let since = monitoring.since { object["since"] = .string(EventText.instant(since, offsetSeconds)) }
      monitoring.detail.add(to: &object)
      if let message = monitoring.message { object["message"] = .string(message) }
      if let reading { object["reading"] = .string(reading.description) }
    case .device(let device, let code, let message):
      object["type"] = "device"
      object["at"] = .string(EventText.instant(at, offsetSeconds))
      object["device"] = .string(device)
      object["code"] = .string(code)
      object["message"] = .string(message)
    case .hub(let code, let message, let isOver):
      object["type"] = "hub"
      object["at"] = .string(EventText.instant(at, offsetSeconds))
      object["code"] = .string(code)
      object["state"] = isOver ? "cleared" : "raised"
      object["message"] = .string(message)
    case .other: break
    }
    if isUnsynchronised { object["time_quality"] = .string(TimeQuality.receivedUnsynced.rawValue) }
    return .object(object)
  }
}

extension HubEvent {
  /// From the record that keeps it. One that cannot be understood is delivered as it stands.
  package init(stored payload: [UInt8]) {
    self.init(unknown: payload)
    guard let value = try? JSONReader(maximumSize: 1 << 20).value(payload), let id = value["id"]?.string,
      let time = value["at"]?.string.flatMap({ ISO8601.instant($0) })
    else { return }
    self.id = id
    at = time.milliseconds
    offsetSeconds = time.offsetSeconds
    isUnsynchronised = value["time_quality"] != nil
    switch value["type"]?.string {
    case "threshold", "missing":
      guard let event = MonitoringEvent(json: value) else { return }
      content = .threshold(event, reading: value["reading"]?.string.flatMap { ReadingID($0) })
    case "device":
      guard let device = value["device"]?.string, let code = value["code"]?.string else { return }
      content = .device(id: device, code: code, message: value["message"]?.string ?? "")
    case "hub":
      guard let code = value["code"]?.string else { return }
      content = .hub(
        code: code, message: value["message"]?.string ?? "", isOver: value["state"]?.string == "cleared")
    default: break
    }
  }

  private init(unknown payload: [UInt8]) {
    id = ""
    at = 0
    offsetSeconds = 0
    content = .other(payload)
  }
}

extension MonitoringEvent {
  /// From the JSON object of an event.
  fileprivate init?(json value: JSONValue) {
    guard let patient = value["patient"]?.string, let rule = value["rule"]?.string,
      let kind = value["event"]?.string.flatMap(MonitoringEvent.Kind.init(rawValue:)),
      let zone = value["zone"]?.string.flatMap(Zone.init(rawValue:))
    else { return nil }
    self.init(
      patient: patient, rule: rule, kind: kind, zone: zone, planVersion: value["plan_version"]?.int ?? 0)
    count = value["count"]?.int ?? 1
    message = value["message"]?.string
    reading = value["reading"]?.string.flatMap { ReadingID($0) }
    episode = value["episode"]?.string
    since = value["since"]?.string.flatMap { ISO8601.instant($0)?.milliseconds }
    detail = EventDetail(json: value)
    if let by = value["by"]?.string {
      acknowledgement = RuleAcknowledgement(by: by, at: 0, note: value["note"]?.string ?? "")
    }
  }
}

extension EventDetail {
  /// Adds what there is.
  fileprivate func add(to object: inout JSONObject) {
    let texts: [(String, String?)] = [
      ("value", value.map { "\($0)" }), ("unit", unit), ("measure", measure), ("direction", direction?.rawValue),
      ("limit", limit), ("comparator", comparator), ("value_zone", valueZone?.rawValue), ("because", because),
      ("time", isTimeUnknown ? "unknown" : nil), ("reference", reference.map { "\($0)" }),
    ]
    for (key, text) in texts { if let text { object[key] = .string(text) } }
    for (key, number) in [("level", level), ("repeat", repeated), ("points", points)] {
      if let number { object[key] = .int(number) }
    }
    if !doubt.isEmpty { object["doubt"] = .array(doubt.map { .string($0.rawValue) }) }
    if !absent.isEmpty { object["absent"] = .array(absent.map { .string($0) }) }
    if escalates { object["escalate"] = true }
    if isFlapping { object["flapping"] = true }
  }

  /// From the JSON object of an event.
  fileprivate init(json: JSONValue) {
    self.init()
    func decimal(_ key: String) -> ExactDecimal? { json[key]?.string.flatMap { ExactDecimal($0) } }
    (value, reference) = (decimal("value"), decimal("reference"))
    (unit, measure, limit) = (json["unit"]?.string, json["measure"]?.string, json["limit"]?.string)
    direction = json["direction"]?.string.flatMap(Direction.init(rawValue:))
    comparator = json["comparator"]?.string
    valueZone = json["value_zone"]?.string.flatMap(Zone.init(rawValue:))
    because = json["because"]?.string
    isTimeUnknown = json["time"]?.string == "unknown"
    (level, repeated, points) = (json["level"]?.int, json["repeat"]?.int, json["points"]?.int)
    doubt = (json["doubt"]?.array ?? []).compactMap { $0.string.flatMap(ReadingFlag.init(rawValue:)) }
    absent = (json["absent"]?.array ?? []).compactMap(\.string)
    escalates = json["escalate"]?.bool ?? false
    isFlapping = json["flapping"]?.bool ?? false
  }
}
