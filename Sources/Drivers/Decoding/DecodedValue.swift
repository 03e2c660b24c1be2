// What a device says that is no reading: feature bits, clocks, answers, as a small tree that every output can print.

package import Readings

/// A named thing that a device said.
package struct NamedValue: Sendable, Hashable {
  /// Snake case, after the specification's field.
  package var name: String
  /// What it said.
  package var value: DecodedValue
  package init(_ name: String, _ value: DecodedValue) {
    self.name = name
    self.value = value
  }
}

/// A value of the tree.
package indirect enum DecodedValue: Sendable, Hashable {
  case text(String)
  case integer(Int64)
  case decimal(ExactDecimal)
  case flag(Bool)
  case list([DecodedValue])
  case object([NamedValue])
  /// The device said that it has none.
  case absent

  /// A medical float: its number, or the name of its special value.
  init(_ float: MedicalFloat) {
    self =
      switch float {
      case .value(let decimal): .decimal(decimal)
      case .notANumber: .text("NaN")
      case .notAtThisResolution: .text("NRes")
      case .positiveInfinity: .text("+INF")
      case .negativeInfinity: .text("-INF")
      case .reserved: .text("reserved")
      }
  }
}

/// What octets turned out to be.
package struct Decoded: Sendable, Hashable {
  /// Complete readings.
  package var readings: [DeviceReading]
  /// Everything that is no reading.
  package var values: [NamedValue]
  /// What the device reports as failed, or what could not be used.
  package var problems: [DriverProblem]

  /// What octets turned out to be.
  package init(readings: [DeviceReading] = [], values: [NamedValue] = [], problems: [DriverProblem] = []) {
    self.readings = readings
    self.values = values
    self.problems = problems
  }

  /// Octets beyond the fields that the flags of the value claim.
  var trailingOctets: Int {
    guard case .integer(let count)? = values.first(where: { $0.name == "trailing_bytes" })?.value else { return 0 }
    return Int(clamping: count)
  }
}
