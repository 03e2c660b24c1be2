// The recorded and published octets of serial protocols, with what their source says that they mean.

import Drivers
import Foundation
import JSON
import Octets
import Readings
import Testing

/// One line of the fixture.
struct SerialVector: Sendable, CustomTestStringConvertible {
  let id: String
  /// The fixture's own name of the protocol.
  let family: String
  let octets: [UInt8]
  let isFromDevice: Bool
  let expected: JSONValue

  var testDescription: String { id }

  /// The protocol of `decode serial`, where the fixture's name differs.
  var protocolID: String {
    let names = [
      "bci-v1.2": "bci", "taidoc-51": "taidoc", "kern-de": "kern", "kern-14": "kern",
      "healthometer-2400": "healthometer-esc", "suntech-oem": "suntech", "masimo-trend": "masimo-ascii1",
    ]
    // Nonin's formats are protocols of their own here; only format 13 answers about its clock.
    let formats = ["nonin-f13": "nonin-13", "nonin-f8": "nonin-8", "nonin-f2": "nonin-2", "nonin-f7": "nonin-7"]
    if family == "nonin" {
      return formats.first { id.hasPrefix("\($0.key)-") }?.value
        ?? (["nonin-time-reply-01", "nonin-nak"].contains(id) || !isFromDevice ? "nonin-13" : family)
    }
    return names[family] ?? family
  }

  static let all: [SerialVector] = VectorFile.lines("serial-vectors").compactMap { value in
    guard let id = value["id"]?.string,
      let family = value["protocol"]?.string, let hex = value["hex"]?.string, let octets = try? Hex.decode(hex),
      let expected = value["expected"]
    else { return nil }
    return SerialVector(
      id: id, family: family, octets: octets, isFromDevice: value["direction"]?.string == "from-device",
      expected: expected)
  }

  /// Those from devices whose protocol is known.
  static let decodable = all.filter { $0.isFromDevice && SerialDecoding.protocols.contains($0.protocolID) }

  func decoded(everyFrame: Bool = true) throws -> Decoded {
    try #require(SerialDecoding.decode(protocol: protocolID, octets: octets, everyFrame: everyFrame))
  }
}

extension Decoded {
  /// What the valid frames of a stream say, frame by frame.
  var frames: [[String: DecodedValue]] {
    guard case .list(let list)? = values.first(where: { $0.name == "first_frames" })?.value else { return [] }
    return list.map { frame in
      guard case .object(let members) = frame else { return [:] }
      return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// The decimals of the first reading by the short names of their terms.
  var numbers: [String: ExactDecimal] {
    let pairs = readings.first?.observations.compactMap { observation in
      (observation.reported?.value ?? observation.value.decimal).map { (observation.term.name, $0) }
    }
    return Dictionary(pairs ?? [], uniquingKeysWith: { first, _ in first })
  }
}

/// Whether a decoded value says what the fixture says; texts may differ in trailing blanks.
func agrees(_ found: DecodedValue?, _ expected: JSONValue) -> Bool {
  switch (found, expected) {
  case (nil, .null), (.absent?, .null): return true
  case (.flag(let flag)?, .bool(let wanted)): return flag == wanted
  case (.text(let text)?, .string(let wanted)):
    return text == wanted.trimmingCharacters(in: .whitespaces) || text == wanted
  case (.decimal(let number)?, .string(let wanted)): return ExactDecimal(wanted)?.isEqual(to: number) ?? false
  case (.integer(let number)?, .number(let wanted)): return wanted.int64 == number
  case (.decimal(let number)?, .number(let wanted)):
    return ExactDecimal(wanted.text)?.isEqual(to: number) ?? false
  case (.list(let list)?, .array(let wanted)):
    return list.count == wanted.count && zip(list, wanted).allSatisfy { agrees($0, $1) }
  case (.object(let members)?, .object(let wanted)):
    return wanted.members.allSatisfy { member in
      agrees(members.first { $0.name == member.key }?.value, member.value)
    }
  default: return false
  }
}
