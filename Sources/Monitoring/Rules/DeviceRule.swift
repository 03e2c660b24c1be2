// Rules over the devices themselves.

package import JSON
package import Readings

/// A device that needs somebody.
package struct DeviceRule: RuleKind {
  /// What is watched.
  package enum Watch: Sendable, Hashable {
    /// The battery's charge, below so many percent.
    case battery(below: Int)
    /// The device's clock, wrong by more than so many milliseconds.
    case clock(beyond: Int64)
    /// Nothing heard for so many milliseconds.
    case silent(for: Int64)
  }
  /// What is watched.
  package var watch: Watch
  /// The zone that it brings about.
  package var zone: Zone

  /// A rule over devices.
  package init(watch: Watch, zone: Zone) {
    self.watch = watch
    self.zone = zone
  }
}

/// What is known of one device, for its rules.
package struct DeviceFacts: Sendable, Hashable {
  /// 0…100 %.
  package var battery: Int?
  /// How far its clock is off, in milliseconds.
  package var clockOffset: Int64?
  /// When it was heard last, in milliseconds since 1970.
  package var lastContact: Int64?

  /// What is known of one device.
  package init(battery: Int? = nil, clockOffset: Int64? = nil, lastContact: Int64? = nil) {
    self.battery = battery
    self.clockOffset = clockOffset
    self.lastContact = lastContact
  }
}

extension DeviceRule {
  package static var name: String { "device" }
  package static var keys: [String] { ["battery_below", "clock_beyond", "silent_for", "zone"] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let watch: Watch
    switch (fields["battery_below"], fields["clock_beyond"], fields["silent_for"]) {
    case (let node?, nil, nil): watch = .battery(below: try node.int(in: 1...100))
    case (nil, let node?, nil): watch = .clock(beyond: try RuleFields.duration(node))
    case (nil, nil, let node?): watch = .silent(for: try RuleFields.duration(node))
    default:
      throw fields.error(
        "missing-key", "expected one of \"battery_below\", \"clock_beyond\" and \"silent_for\"")
    }
    self.init(watch: watch, zone: try fields.zone())
  }

  package var zonesTold: Set<Zone> { Set([zone]).subtracting([.green]) }

  package func subject(_ language: PlanLanguage) -> String {
    language.say("Måleapparatet", "Måleapparatet", "The device")
  }

  package var isTimed: Bool { true }

  package func due(_ rule: Rule, _ state: inout RuleState, at moment: DueMoment) -> [Telling] {
    guard rule.holdsHours(moment.now, moment.clock), let found = zone(moment.devices, now: moment.now) else {
      return []
    }
    let machine = Machine(rule: rule, now: moment.now)
    let rank = found == .green ? Rank.green : Rank(found, 1)
    return machine.take(Finding(rank, taken: moment.now), &state)
  }

  package func nextDue(_ rule: Rule, _ state: RuleState?, at moment: DueMoment) -> Int64? {
    let hours = rule.holdsHours(moment.now, moment.clock) ? nil : rule.nextHours(after: moment.now, moment.clock)
    guard case .silent(let length) = watch else { return hours }
    return hours
      ?? moment.devices.compactMap { $0.lastContact.map { $0 + length + 1 } }.filter { $0 > moment.now }.min()
  }

  /// The zone by what is known of the patient's devices; nil while nothing is.
  private func zone(_ devices: [DeviceFacts], now: Int64) -> Zone? {
    var isKnown = false
    var isBad = false
    for device in devices {
      switch watch {
      case .battery(let below):
        guard let battery = device.battery else { continue }
        isKnown = true
        isBad = isBad || battery < below
      case .clock(let beyond):
        guard let offset = device.clockOffset else { continue }
        isKnown = true
        isBad = isBad || offset.magnitude > beyond.magnitude
      case .silent(let length):
        guard let last = device.lastContact else { continue }
        isKnown = true
        isBad = isBad || now - last > length
      }
    }
    return isKnown ? (isBad ? zone : .green) : nil
  }

  package func explanation(_ words: PlanWords) -> String {
    let what =
      switch watch {
      case .battery(let below):
        words.say("batteri under \(below) %", "batteri under \(below) %", "battery below \(below) %")
      case .clock(let beyond):
        words.say(
          "klokken feil med mer enn \(words.duration(beyond))", "klokka feil med meir enn \(words.duration(beyond))",
          "its clock wrong by more than \(words.duration(beyond))")
      case .silent(let length):
        words.say(
          "ikke hørt på \(words.duration(length))", "ikkje høyrd på \(words.duration(length))",
          "not heard for \(words.duration(length))")
      }
    return words.say(
      "Måleapparatet: \(what): \(words.zone(zone)).", "Måleapparatet: \(what): \(words.zone(zone)).",
      "The device: \(what): \(words.zone(zone)).")
  }
}
