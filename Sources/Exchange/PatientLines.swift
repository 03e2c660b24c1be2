// The lines of one patient in a file of newline-delimited JSON: found while the file goes by, so that its size does not matter.

internal import JSON

/// A line is longer than any that a hub writes: the file is somebody else's, or damaged.
package struct LineTooLong: Error, Sendable, Hashable {
  /// The most octets of a line.
  package static let most = 4 << 20
  package init() {}
}

/// Divides a file into the lines that name a patient and those that stay.
package struct PatientLines: Sendable {
  private let patient: String
  private let mark: [UInt8]
  private var rest: [UInt8] = []
  /// How many lines of the patient went by.
  package private(set) var count = 0

  package init(_ patient: String) {
    self.patient = patient
    mark = [0x22] + Array(patient.utf8) + [0x22]
  }

  /// Takes the file's next octets; gives those of the whole lines that stay.
  package mutating func take(_ octets: [UInt8]) throws(LineTooLong) -> [UInt8] {
    guard let last = octets.lastIndex(of: 0x0A) else {
      guard rest.count + octets.count <= LineTooLong.most else { throw LineTooLong() }
      rest += octets
      return []
    }
    let whole = rest + octets[...last]
    rest = Array(octets[(last + 1)...])
    // Most parts of a file name the patient nowhere.
    guard contains(whole[...]) else { return whole }
    var kept: [UInt8] = []
    kept.reserveCapacity(whole.count)
    var start = 0
    while start < whole.count {
      let end = (whole[start...].firstIndex(of: 0x0A) ?? whole.count - 1) + 1
      if isOfPatient(whole[start..<end]) { count += 1 } else { kept += whole[start..<end] }
      start = end
    }
    return kept
  }

  /// Ends the file. A last line without its end was left by a power cut: whoever writes the next one writes over it. It counts when it
  /// names the patient, and stays in no file that is written anew.
  package mutating func finish() {
    if contains(rest[...]) { count += 1 }
    rest = []
  }

  /// What names the patient and is no JSON may be damaged, and still hold values: it goes.
  private func isOfPatient(_ line: ArraySlice<UInt8>) -> Bool {
    guard contains(line) else { return false }
    guard let value = try? JSONReader(maximumSize: LineTooLong.most).value(Array(line.dropLast())) else { return true }
    // What was taken back from the patient says so.
    return value["patient"]?.string == patient || value["correction"]?["patient"]?.string == patient
  }

  private func contains(_ octets: ArraySlice<UInt8>) -> Bool {
    guard octets.count >= mark.count else { return false }
    var from = octets.startIndex
    let last = octets.endIndex - mark.count
    while from <= last {
      if octets[from] == 0x22, octets[from..<(from + mark.count)].elementsEqual(mark) { return true }
      from += 1
    }
    return false
  }
}
