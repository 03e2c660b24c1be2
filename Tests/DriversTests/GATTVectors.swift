// The recorded values of BLE devices, with what their source says that they mean, and a decoded reading under the same names.

import Drivers
import Foundation
import JSON
import Octets
import Readings
import Testing

/// One line of a fixture.
struct GATTVector: Sendable, CustomTestStringConvertible {
  let id: String
  let device: String
  let service: BluetoothUUID?
  /// Nil for an advertisement.
  let characteristic: BluetoothUUID?
  let octets: [UInt8]
  let expected: JSONObject

  var testDescription: String { id }

  /// Values of SIG characteristics; shared with the tests of their decoders.
  static let characteristics: [GATTVector] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return read(VectorFile.lines(of: folder.appending(path: "HealthProfilesTests/Fixtures/ble-vectors.jsonl")))
      .filter { $0.characteristic != nil && $0.expected["command"] == nil }
  }()

  private static let departures: [GATTVector] = read(VectorFile.lines("ble-quirk-vectors"))

  /// Values of makers' own characteristics, and what their devices advertise.
  static let vendors: [GATTVector] = read(VectorFile.lines("ble-vendor-vectors"))

  /// Values that depart from their characteristic's specification, with the device that sends them.
  static let quirks = departures.filter { $0.characteristic != nil }
  /// Service data of advertisements.
  static let advertisements = departures.filter { $0.characteristic == nil }

  private static func read(_ lines: [JSONValue]) -> [GATTVector] {
    lines.compactMap { value in
      guard let id = value["id"]?.string,
        let hex = value["hex"]?.string, let octets = try? Hex.decode(hex), let expected = value["expected"]?.object
      else { return nil }
      let characteristic = value["characteristic_uuid"]?.string
      guard characteristic != "primitive" else { return nil }
      return GATTVector(
        id: id, device: value["device"]?.string ?? "",
        service: value["service_uuid"]?.string.flatMap { BluetoothUUID($0) },
        characteristic: characteristic.flatMap { BluetoothUUID($0) }, octets: octets, expected: expected)
    }
  }

  func decoded(model: String? = nil) throws -> Decoded? {
    guard let characteristic else {
      return try AdvertisementDecoding.decode(
        AdvertisedData(service: service ?? BluetoothUUID(0), octets: octets))
    }
    return try GATTDecoding.decode(
      service: service ?? BluetoothUUID(0), characteristic: characteristic, octets: octets,
      context: GATTDecoding.Context(model: model))
  }
}

extension DecodedValue {
  /// As the fixtures write it.
  var text: String? {
    switch self {
    case .text(let text): text
    case .integer(let number): "\(number)"
    case .decimal(let number): "\(number)"
    case .flag(let flag): "\(flag)"
    case .list(let list): list.compactMap(\.text).joined(separator: ",")
    case .object, .absent: nil
    }
  }
}

extension Decoded {
  /// Names of the fixtures for the terms of a reading.
  private static let names: [(term: Term, names: [String])] = [
    (.systolic, ["systolic"]), (.diastolic, ["diastolic"]), (.meanArterial, ["mean_arterial"]),
    (.cuffPulse, ["pulse_bpm"]), (.oximeterPulse, ["pulse_bpm"]), (.spo2, ["spo2_pct"]),
    (.perfusionIndex, ["pai_pct"]), (.weight, ["weight", "weight_kg", "weight_lb"]), (.bodyMassIndex, ["bmi"]),
    (.height, ["height_m", "height_in"]), (.bodyFat, ["body_fat_pct"]), (.musclePercentage, ["muscle_pct"]),
    (.muscleMass, ["muscle_mass_kg"]), (.softLeanMass, ["soft_lean_mass_kg"]), (.bodyWater, ["body_water_mass_kg"]),
    (.impedance, ["impedance_ohm"]), (.basalMetabolism, ["basal_metabolism_kJ"]), (.heartRate, ["heart_rate_bpm"]),
  ]
  private static let units: [UCUM: String] = [
    .millimetreOfMercury: "mmHg", .kilopascal: "kPa", .kilogram: "kg", .pound: "lb", .degreeCelsius: "C",
    .degreeFahrenheit: "F",
  ]

  /// What the first reading and the values say, under the names of the fixtures.
  var fields: [String: String] {
    var fields: [String: String] = [:]
    for value in values { fields[value.name] = value.value.text }
    guard let reading = readings.first else { return fields }
    for (index, observation) in reading.observations.enumerated() {
      let number = (observation.reported?.value ?? observation.value.decimal).map { "\($0)" } ?? "NaN"
      let unit = observation.reported?.unit ?? observation.term.unit
      if index == 0 { fields["unit"] = Decoded.units[unit] }
      for name in Decoded.names.first(where: { $0.term == observation.term })?.names ?? [] { fields[name] = number }
      if reading.kind == .bodyTemperature { fields["temperature"] = number }
      if reading.kind == .glucose, unit == .milligramPerDecilitre { fields["value_mg_dL"] = number }
    }
    if case .local(let time)? = reading.time { fields["timestamp"] = time.description }
    if let user = reading.user { fields["user_id"] = "\(user)" }
    fields["clock_not_set"] = "\(reading.flags.contains(.clockNotSet))"
    return fields
  }
}
