// The reading as every output shows it, version 1: `hearthctl readings --json`, the native batch, the directory backend and
// `hearthctl decode` all carry this object. The journal keeps it too, so that what is delivered is what was stored.

package import JSON
package import Readings

/// Reading ⇄ JSON object.
package enum ReadingJSON {
  /// The object on one line. `sequence` is the journal's number, left out where there is none.
  package static func encode(_ reading: Reading, sequence: UInt64? = nil) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    write(reading, sequence: sequence, to: &writer)
    return writer.octets
  }

  /// Appends the object.
  package static func write(_ reading: Reading, sequence: UInt64?, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("id", reading.id.description)
    if let sequence { writer.member("seq", sequence) }
    writer.member("kind", reading.kind.rawValue)
    writer.key("observations")
    writer.beginArray()
    for observation in reading.observations { write(observation, to: &writer) }
    writer.endArray()
    writer.key("flags")
    writer.beginArray()
    for flag in reading.flags { writer.string(flag.rawValue) }
    writer.endArray()
    if reading.flags.contains(.testData) {
      writer.key("test")
      writer.bool(true)
    }
    writer.key("taken_at")
    if let taken = reading.takenAt {
      writer.string(InstantText.text(taken, withMilliseconds: nil))
    } else {
      writer.null()
    }
    writer.member("time_quality", reading.timeQuality.rawValue)
    switch reading.deviceTime {
    case .local(let stamp): writer.member("device_time", stamp.description)
    case .utc(let milliseconds):
      writer.member(
        "device_time", InstantText.text(Timestamp(milliseconds: milliseconds, offsetSeconds: 0), withMilliseconds: nil))
    case nil: break
    }
    writer.member("received_at", InstantText.text(reading.receivedAt, withMilliseconds: true))
    if let user = reading.user { writer.member("user", user) }
    if let number = reading.recordNumber { writer.member("record", UInt64(number)) }
    if let anchor = reading.anchor {
      writer.key("held")
      writer.beginObject()
      writer.member("boot_id", anchor.bootID)
      writer.member("monotonic", anchor.monotonic)
      if let offset = anchor.deviceOffset { writer.member("device_offset", offset) }
      writer.endObject()
    }
    writer.key("patient")
    if let patient = reading.patient { writer.string(patient) } else { writer.null() }
    if let correction = reading.correction {
      writer.key("correction")
      writer.beginObject()
      writer.member("kind", correction.kind.rawValue)
      if let patient = correction.patient { writer.member("patient", patient) }
      writer.endObject()
    }
    writer.key("device")
    write(reading.device, to: &writer)
    if let evaluation = reading.evaluation {
      writer.key("evaluation")
      write(evaluation, to: &writer)
    }
    writer.key("raw")
    writer.beginObject()
    writer.member("source", reading.raw.source)
    writer.key("hex")
    writer.hex(reading.raw.octets)
    writer.endObject()
    writer.endObject()
  }

  private static func write(_ observation: Observation, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("code", observation.term.code)
    writer.member("mdc", observation.term.mdc)
    if let loinc = observation.term.loinc { writer.member("loinc", loinc) }
    switch observation.value {
    case .value(let decimal):
      writer.member("value", decimal.description)
      writer.member("unit", observation.term.unit.rawValue)
    case .absent(let reason): writer.member("absent", reason.rawValue)
    }
    if let reported = observation.reported {
      writer.key("reported")
      writer.beginObject()
      writer.member("value", reported.value.description)
      writer.member("unit", reported.unit.rawValue)
      writer.endObject()
    }
    writer.endObject()
  }

  private static func write(_ device: DeviceIdentity, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("id", device.id)
    if let text = device.manufacturer { writer.member("manufacturer", text) }
    if let text = device.model { writer.member("model", text) }
    if let text = device.serial { writer.member("serial", text) }
    if let text = device.firmware { writer.member("firmware", text) }
    writer.member("transport", device.transport.rawValue)
    if let text = device.address { writer.member("address", text) }
    if let text = device.systemID { writer.member("system_id", text) }
    writer.endObject()
  }

  private static func write(_ evaluation: Evaluation, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("zone")
    if let zone = evaluation.zone { writer.string(zone.rawValue) } else { writer.null() }
    writer.key("rules")
    writer.beginArray()
    for rule in evaluation.rules {
      writer.beginObject()
      writer.member("id", rule.rule)
      writer.member("zone", rule.zone.rawValue)
      writer.member("state", rule.state)
      writer.endObject()
    }
    writer.endArray()
    if !evaluation.notJudged.isEmpty {
      writer.key("not_judged")
      writer.beginArray()
      for item in evaluation.notJudged {
        writer.beginObject()
        writer.member("rule", item.rule)
        writer.member("because", item.because)
        writer.endObject()
      }
      writer.endArray()
    }
    if let version = evaluation.planVersion { writer.member("plan_version", version) }
    writer.endObject()
  }

  /// What every stored reading begins with; the identifier follows.
  private static let prefix = Array("{\"id\":\"".utf8)

  /// The identifier of an encoded reading; nil for octets that are none.
  package static func identifier(_ json: [UInt8]) -> String? {
    guard json.count > 45, json.starts(with: prefix), json[43] == 0x22, json[44] == 0x2C else { return nil }
    return String(decoding: json[7..<43], as: UTF8.self)
  }

  /// An encoded reading with the journal's number put in; the octets themselves when they are no reading.
  package static func inserting(sequence: UInt64, into json: [UInt8]) -> [UInt8] {
    guard identifier(json) != nil else { return json }
    var octets: [UInt8] = []
    octets.reserveCapacity(json.count + 28)
    octets += json[..<45]
    octets += "\"seq\":\(sequence),".utf8
    octets += json[45...]
    return octets
  }
}

extension JSONWriter {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Octets as a string of hexadecimal digits.
  mutating func hex(_ octets: [UInt8]) {
    var text: [UInt8] = [0x22]
    text.reserveCapacity(2 * octets.count + 2)
    for octet in octets {
      text.append(JSONWriter.digits[Int(octet >> 4)])
      text.append(JSONWriter.digits[Int(octet & 15)])
    }
    text.append(0x22)
    raw(text)
  }
}
