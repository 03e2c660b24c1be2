// Reading back the object that `ReadingJSON.encode` wrote: what the journal holds becomes a reading again.

internal import JSON
package import Readings

/// Why an object is no reading.
package struct ReadingJSONError: Error, Sendable, Hashable {
  /// The member that is missing or wrong.
  package var member: String
  /// Why an object is no reading.
  package init(member: String) { self.member = member }
}

extension ReadingJSON {
  /// The reading of an encoded object and its sequence number. Throws with the member that is missing or wrong.
  package static func decode(_ json: [UInt8]) throws(ReadingJSONError) -> (reading: Reading, sequence: UInt64?) {
    let value: JSONValue
    do {
      value = try JSONReader(maximumSize: 1 << 20).value(json)
    } catch {
      throw ReadingJSONError(member: "\(error.message) at \(error.place.offset)")
    }
    func text(_ key: String, _ of: JSONValue) throws(ReadingJSONError) -> String {
      guard let text = of[key]?.string else { throw ReadingJSONError(member: key) }
      return text
    }
    guard let id = ReadingID(try text("id", value)) else { throw ReadingJSONError(member: "id") }
    guard let kind = ReadingKind(rawValue: try text("kind", value)) else { throw ReadingJSONError(member: "kind") }
    guard let quality = TimeQuality(rawValue: try text("time_quality", value)) else {
      throw ReadingJSONError(member: "time_quality")
    }
    guard let received = InstantText.timestamp(try text("received_at", value)) else {
      throw ReadingJSONError(member: "received_at")
    }
    var observations: [Observation] = []
    for item in value["observations"]?.array ?? [] { observations.append(try observation(item)) }
    guard let deviceValue = value["device"], let transport = TransportKind(rawValue: try text("transport", deviceValue))
    else { throw ReadingJSONError(member: "device") }
    let device = DeviceIdentity(
      id: try text("id", deviceValue), manufacturer: deviceValue["manufacturer"]?.string,
      model: deviceValue["model"]?.string, serial: deviceValue["serial"]?.string,
      firmware: deviceValue["firmware"]?.string, transport: transport, address: deviceValue["address"]?.string,
      systemID: deviceValue["system_id"]?.string)
    guard let raw = value["raw"], let octets = InstantText.octets(hex: try text("hex", raw)) else {
      throw ReadingJSONError(member: "raw")
    }
    var reading = Reading(
      id: id, kind: kind, observations: observations,
      flags: (value["flags"]?.array ?? []).compactMap { $0.string.flatMap(ReadingFlag.init(rawValue:)) },
      takenAt: value["taken_at"]?.string.flatMap(InstantText.timestamp), timeQuality: quality,
      deviceTime: value["device_time"]?.string.flatMap(InstantText.stamp), receivedAt: received,
      user: value["user"]?.int.flatMap(UInt8.init(exactly:)), patient: value["patient"]?.string, device: device,
      evaluation: value["evaluation"].map(evaluation),
      raw: RawSource(source: try text("source", raw), octets: octets),
      recordNumber: value["record"]?.int.flatMap(UInt32.init(exactly:)))
    if let correction = value["correction"] {
      guard let kind = ReadingCorrection.Kind(rawValue: try text("kind", correction)) else {
        throw ReadingJSONError(member: "correction")
      }
      reading.correction = ReadingCorrection(kind, patient: correction["patient"]?.string)
    }
    if let held = value["held"] {
      guard let boot = held["boot_id"]?.string, let monotonic = held["monotonic"]?.int,
        ClockAnchor.range.contains(Int64(monotonic))
      else {
        throw ReadingJSONError(member: "held")
      }
      reading.anchor = ClockAnchor(
        bootID: boot, monotonic: Int64(monotonic),
        deviceOffset: held["device_offset"]?.int.map { Int64($0) }.flatMap {
          ClockAnchor.range.contains(Int64(clamping: $0.magnitude)) ? $0 : nil
        })
    }
    guard case .number(let number)? = value["seq"] else { return (reading, nil) }
    return (reading, number.uint64)
  }

  private static func observation(_ value: JSONValue) throws(ReadingJSONError) -> Observation {
    guard let code = value["code"]?.string, let term = Nomenclature.term(code: code) else {
      throw ReadingJSONError(member: "observations.code")
    }
    var observed: ObservedValue?
    if let decimal = value["value"]?.string.flatMap({ ExactDecimal($0) }) { observed = .value(decimal) }
    if let reason = value["absent"]?.string.flatMap(AbsentReason.init(rawValue:)) { observed = .absent(reason) }
    guard let observed else { throw ReadingJSONError(member: "observations.value") }
    var reported: Observation.Reported?
    if let said = value["reported"], let number = said["value"]?.string.flatMap({ ExactDecimal($0) }),
      let unit = said["unit"]?.string.flatMap(UCUM.init(rawValue:))
    {
      reported = Observation.Reported(value: number, unit: unit)
    }
    return Observation(term: term, value: observed, reported: reported)
  }

  private static func evaluation(_ value: JSONValue) -> Evaluation {
    let rules = (value["rules"]?.array ?? []).compactMap { item -> Evaluation.RuleResult? in
      guard let id = item["id"]?.string, let zone = item["zone"]?.string.flatMap(Zone.init(rawValue:)) else {
        return nil
      }
      return Evaluation.RuleResult(rule: id, zone: zone, state: item["state"]?.string ?? "")
    }
    var evaluation = Evaluation(
      zone: value["zone"]?.string.flatMap(Zone.init(rawValue:)), rules: rules, planVersion: value["plan_version"]?.int)
    evaluation.notJudged = (value["not_judged"]?.array ?? []).compactMap { item in
      guard let rule = item["rule"]?.string, let because = item["because"]?.string else { return nil }
      return Evaluation.NotJudged(rule: rule, because: because)
    }
    return evaluation
  }
}
