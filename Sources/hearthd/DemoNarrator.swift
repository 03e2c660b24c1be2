// What the demo says of the daemon's effects.

import ControlProtocol
import GatewayCore
import Glibc
import Journal
import Ledger
import Monitoring
import Platform
import Readings

/// Says in plain words what happens. Readings are numbered as they come.
struct DemoNarrator {
  /// The numbers of readings by their sequence number in the journal.
  private var numbers: [UInt64: Int] = [:]
  private var messages = 0
  private var delivered: UInt64 = 0
  /// What is on its way to the backend, by lane.
  private var sending: [OutboxLane: String] = [:]
  /// The backend is not reached now.
  private var isAway = false

  mutating func tell(_ effect: Effect) {
    switch effect {
    case .publishReading(let reading, let sequence):
      let number = numbers.count + 1
      numbers[sequence] = number
      let zone = reading.evaluation?.zone.map { DemoNarrator.colour($0.rawValue) } ?? "not judged"
      Demo.say("reading \(number)  \(reading.device.id): \(DemoNarrator.values(reading)), \(zone)")
    case .publishEvent(let published):
      messages += 1
      if let event = published.monitoring { Demo.say("message    \(DemoNarrator.words(event))") }
    case .deliver(_, let lane, let items): sending[lane] = words(items)
    case .append(_, let entries, _):
      for case .acknowledgement(let word) in entries {
        delivered += UInt64(word.delivered) - min(UInt64(word.delivered), UInt64(word.refused.count))
        isAway = false
        if let what = sending.removeValue(forKey: word.ahead.isEmpty ? .backlog : .express) {
          Demo.say("delivered  \(what)")
        }
      }
    case .log(.warning, let text) where !isAway && text.hasPrefix("backend "):
      isAway = true
      Demo.say("waiting    nothing can be delivered now")
    default: break
    }
  }

  /// What came of it all.
  var summary: String {
    let stored = numbers.count + messages
    return """
      The demo is over: \(Count.of(numbers.count, "reading")) and \(Count.of(messages, "message")).
      Delivered: \(delivered) of \(stored), each of them once.

      """
  }

  /// `readings 4 and 5, a message`.
  private func words(_ items: [Deliverable]) -> String {
    let readings = items.filter(\.isReading).map { numbers[$0.sequence].map { "\($0)" } ?? "?" }
    let others = items.count - readings.count
    var parts: [String] = []
    if readings.count == 1 { parts.append("reading \(readings[0])") }
    if readings.count > 1 {
      parts.append("readings \(readings.dropLast().joined(separator: ", ")) and \(readings[readings.count - 1])")
    }
    if others > 0 { parts.append(others == 1 ? "a message" : "\(others) messages") }
    return parts.joined(separator: ", ")
  }

  private static func words(_ event: MonitoringEvent) -> String {
    let zone = colour(event.zone.rawValue)
    switch event.kind {
    case .repeatRequested: return "\(zone): please measure again"
    case .raised: return "\(zone) again: the care team is told"
    case .unconfirmed: return "no second measurement: the care team is told"
    case .cleared: return "within the limits again"
    default: return event.kind.rawValue
    }
  }

  private static func colour(_ zone: String) -> String {
    guard isatty(1) == 1, Environment.get("NO_COLOR") == nil else { return zone }
    switch zone {
    case "red": return "\u{1B}[1;31mred\u{1B}[0m"
    case "yellow": return "\u{1B}[33myellow\u{1B}[0m"
    case "green": return "\u{1B}[32mgreen\u{1B}[0m"
    default: return zone
    }
  }

  /// `106/71 mmHg, pulse 63/min`.
  private static func values(_ reading: Reading) -> String {
    func value(_ term: Term) -> String? {
      reading.observations.first { $0.term == term }?.value.decimal.map { "\($0)" }
    }
    var parts: [String] = []
    if let systolic = value(.systolic), let diastolic = value(.diastolic) {
      parts.append("\(systolic)/\(diastolic) mmHg")
    }
    if let weight = value(.weight) { parts.append("\(weight) kg") }
    if let oxygen = value(.spo2) { parts.append("oxygen \(oxygen) %") }
    if let pulse = value(.cuffPulse) ?? value(.oximeterPulse) { parts.append("pulse \(pulse)/min") }
    return parts.joined(separator: ", ")
  }
}
