// A reading as a driver gives it: what the device said, before the hub knows whose it is and when it was.

/// The kinds of reading, as in every output.
package enum ReadingKind: String, Sendable, Hashable, CaseIterable {
  case bloodPressure = "blood-pressure"
  case bodyWeight = "body-weight"
  case bodyComposition = "body-composition"
  case pulseOximetry = "pulse-oximetry"
  case bodyTemperature = "body-temperature"
  case glucose
  case heartRate = "heart-rate"
}

/// A wall clock time as a device said it, without zone. Fields are in range when the decoder took them from a valid stamp;
/// whether the date exists is judged by the core.
package struct DeviceDateTime: Sendable, Hashable, CustomStringConvertible {
  /// 0 means not known.
  package var year: UInt16
  /// 1…12; 0 means not known.
  package var month: UInt8
  /// 1…31; 0 means not known.
  package var day: UInt8
  /// 0…23.
  package var hours: UInt8
  /// 0…59.
  package var minutes: UInt8
  /// 0…59.
  package var seconds: UInt8

  /// The fields as the device gave them.
  package init(year: UInt16, month: UInt8, day: UInt8, hours: UInt8, minutes: UInt8, seconds: UInt8) {
    self.year = year
    self.month = month
    self.day = day
    self.hours = hours
    self.minutes = minutes
    self.seconds = seconds
  }

  /// True when year, month and day are all told.
  package var isComplete: Bool { year != 0 && month != 0 && day != 0 }

  /// `2026-11-21T08:15:30`, with zeros for what is not known.
  package var description: String {
    func pad(_ value: some BinaryInteger, _ width: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
    return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(hours, 2)):\(pad(minutes, 2)):\(pad(seconds, 2))"
  }
}

/// When a device says that it measured.
package enum DeviceStamp: Sendable, Hashable {
  /// Wall clock time in the zone that the device's owner set it to.
  case local(DeviceDateTime)
  /// Milliseconds since 1970 in UTC, from a device that knows the zone (Elapsed Time, Device Time).
  case utc(milliseconds: Int64)
}

/// The octets that a reading came from.
package struct RawSource: Sendable, Hashable {
  /// `1810/2A35` for a characteristic, `adv/181D` for an advertisement, the protocol's id for a serial line.
  package var source: String
  /// The octets, unchanged.
  package var octets: [UInt8]

  package init(source: String, octets: [UInt8]) {
    self.source = source
    self.octets = octets
  }
}

/// What a driver decoded, as the device said it.
package struct DeviceReading: Sendable, Hashable {
  /// What kind of reading it is.
  package var kind: ReadingKind
  /// The values; the core puts them into the order of the nomenclature.
  package var observations: [Observation]
  /// What the device says about them.
  package var flags: [ReadingFlag]
  /// When the device says that it measured; nil when it does not say, or says that its clock is not set.
  package var time: DeviceStamp?
  /// The device's own user slot, when it said one; 255 (unknown user) is given as it is.
  package var user: UInt8?
  /// The device's own record number, when it has one.
  package var recordNumber: UInt32?
  /// True when the reading came out of the device's memory, false when it was taken while connected, nil when it does not tell.
  package var stored: Bool?
  /// The octets it came from.
  package var raw: RawSource

  /// A reading as the device said it.
  package init(
    kind: ReadingKind, observations: [Observation], flags: [ReadingFlag] = [], time: DeviceStamp? = nil,
    user: UInt8? = nil, recordNumber: UInt32? = nil, stored: Bool? = nil, raw: RawSource
  ) {
    self.kind = kind
    self.observations = observations
    self.flags = flags
    self.time = time
    self.user = user
    self.recordNumber = recordNumber
    self.stored = stored
    self.raw = raw
  }
}
