// Record Access Control Point 2A52 (GATT Specification Supplement 3.188): what the hub asks and what devices answer.

package import Octets

/// Requests for stored records.
package enum RecordAccessRequest: Sendable, Hashable {
  /// Which records.
  package enum Filter: Sendable, Hashable {
    case all
    case first
    case last
    /// Sequence number from this on (filter type 1).
    case from(UInt16)
    /// Sequence number up to and including this (filter type 1).
    case upTo(UInt16)
  }
  case reportRecords(Filter)
  case reportCount(Filter)
  /// Only on a technician's word, and only after the records are on disk.
  case deleteRecords(Filter)
  case abort

  /// The octets to write.
  package var octets: [UInt8] {
    func request(_ code: UInt8, _ filter: Filter) -> [UInt8] {
      switch filter {
      case .all: [code, 1]
      case .first: [code, 5]
      case .last: [code, 6]
      case .upTo(let number): [code, 2, 1, UInt8(number & 0xFF), UInt8(number >> 8)]
      case .from(let number): [code, 3, 1, UInt8(number & 0xFF), UInt8(number >> 8)]
      }
    }
    return switch self {
    case .reportRecords(let filter): request(1, filter)
    case .deleteRecords(let filter): request(2, filter)
    case .abort: [3, 0]
    case .reportCount(let filter): request(4, filter)
    }
  }
}

/// Answers of a device.
package enum RecordAccessResponse: Sendable, Hashable {
  /// So many records.
  case count(UInt32)
  /// The end of a request: 1 success, 6 no records (a normal end), others as the specification lists them.
  case response(to: UInt8, code: UInt8)

  /// Decodes an indication of 2A52. Throws when it is no answer or of a wrong length.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let code = try reader.uint8("op code")
    guard code == 5 || code == 6 else {
      throw DecodeError(field: "op code", offset: 0, reason: .malformed("\(code) is not a response"))
    }
    _ = try reader.uint8("operator")
    if code == 5 {
      switch reader.remaining {
      case 1: self = .count(UInt32(try reader.uint8("number of records")))
      case 2: self = .count(UInt32(try reader.uint16("number of records")))
      case 4: self = .count(try reader.uint32("number of records"))
      default:
        throw DecodeError(
          field: "number of records", offset: 2, reason: .malformed("\(reader.remaining) octets, expected 1, 2 or 4"))
      }
    } else {
      self = .response(to: try reader.uint8("request op code"), code: try reader.uint8("response code value"))
    }
  }

  /// The specification's words for a response code value.
  package static func meaning(of code: UInt8) -> String {
    switch code {
    case 1: "success"
    case 2: "op code not supported"
    case 3: "invalid operator"
    case 4: "operator not supported"
    case 5: "invalid operand"
    case 6: "no records found"
    case 7: "abort unsuccessful"
    case 8: "procedure not completed"
    case 9: "operand not supported"
    case 10: "server busy"
    default: "reserved"
    }
  }
}
