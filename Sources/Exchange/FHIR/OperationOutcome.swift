// What a FHIR server says went wrong (R4 OperationOutcome 2.35; IssueType codes).

internal import JSON

/// An OperationOutcome as far as a gateway needs it.
struct OperationOutcome: Sendable, Hashable {
  /// One issue of severity error or fatal.
  struct Issue: Sendable, Hashable {
    var code: String
    /// Details, else diagnostics.
    var text: String?
    /// Where, such as `Bundle.entry[2].resource`.
    var places: [String]
  }

  var issues: [Issue]

  /// Nil for anything that is none.
  init?(_ value: JSONValue?) {
    guard let value, value["resourceType"] == "OperationOutcome", let list = value["issue"]?.array else { return nil }
    issues = list.compactMap { issue in
      guard issue["severity"]?.string != "information", issue["severity"]?.string != "warning" else { return nil }
      let details = issue["details"]
      let text =
        details?["text"]?.string ?? issue["diagnostics"]?.string
        ?? details?["coding"]?.array?.first.flatMap { $0["display"]?.string ?? $0["code"]?.string }
      let places = (issue["expression"]?.array ?? []) + (issue["location"]?.array ?? [])
      return Issue(code: issue["code"]?.string ?? "unknown", text: text, places: places.compactMap(\.string))
    }
  }

  private static let transient: Set<String> = [
    "transient", "timeout", "throttled", "lock-error", "no-store", "incomplete", "exception", "conflict",
  ]
  private static let access: Set<String> = ["login", "expired", "forbidden", "suppressed", "security"]

  /// Waiting may help: every issue is of that kind.
  var isTransient: Bool { !issues.isEmpty && issues.allSatisfy { OperationOutcome.transient.contains($0.code) } }
  /// The server has it already.
  var isDuplicate: Bool { !issues.isEmpty && issues.allSatisfy { $0.code == "duplicate" } }
  /// The credential or its rights are meant.
  var isAccess: Bool { issues.contains { OperationOutcome.access.contains($0.code) } }

  /// The places of entries that it names, by their index in the Bundle.
  var entries: Set<Int> {
    var found: Set<Int> = []
    for place in issues.flatMap(\.places) {
      guard let open = place.firstIndex(of: "["), let close = place[open...].firstIndex(of: "]"),
        place[..<open].hasSuffix("entry"), let index = Int(place[place.index(after: open)..<close])
      else { continue }
      found.insert(index)
    }
    return found
  }

  /// For the technician, with the parked reading: at most 200 characters, on one line.
  var text: String {
    let parts = issues.prefix(3).map { issue in
      issue.text.map { "\(issue.code): \($0)" } ?? issue.code
    }
    return ServerText.line(parts.isEmpty ? "no reason given" : parts.joined(separator: "; "))
  }
}

/// Text from a server: one printable line that is not too long.
enum ServerText {
  static func line(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(200) {
      scalars.append(scalar.value < 32 || scalar.value == 127 ? " " : scalar)
    }
    return String(scalars)
  }
}
