// What a device says that is no reading: feature bits, clocks, answers, as a small tree that every output can print.

public import Readings

/// A named thing that a device said.
public struct NamedValue: Sendable, Hashable {
  /// Snake case, after the specification's field.
  public var name: String
  /// What it said.
  public var value: DecodedValue
  /// A name and a value.
  public init(_ name: String, _ value: DecodedValue) {
    self.name = name
    self.value = value
  }
}

/// A value of the tree.
public indirect enum DecodedValue: Sendable, Hashable {
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
public struct Decoded: Sendable, Hashable {
  /// Complete readings.
  public var readings: [DeviceReading]
  /// Everything that is no reading.
  public var values: [NamedValue]
  /// What the device reports as failed, or what could not be used.
  public var problems: [DriverProblem]

  /// What octets turned out to be.
  public init(readings: [DeviceReading] = [], values: [NamedValue] = [], problems: [DriverProblem] = []) {
    self.readings = readings
    self.values = values
    self.problems = problems
  }
}
