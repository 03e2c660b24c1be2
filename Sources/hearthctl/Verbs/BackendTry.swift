// hearthctl backends try: test readings to one backend, and what it answers, in words.

import JSON

enum BackendTry {
  /// How long the trial of a slow backend may take, in milliseconds: each of its readings has ten minutes at most.
  private static let patience: Int64 = 75 * 60_000

  static func run(_ name: String, _ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    if !arguments.has("--yes") { try ask(name, &client) }
    let answer = try client.call("backends.try", ["backend": .string(name)], within: patience)
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      Terminal.out(text(answer))
    }
    return answer["good"] == true ? 0 : 1
  }

  /// Says what would be sent to whom. What cannot be tried is not asked about: the daemon says why.
  private static func ask(_ name: String, _ client: inout DaemonClient) throws(Failure) {
    let backends = try client.list("backends", of: "backends").items
    guard let backend = backends.first(where: { $0["name"]?.string == name }),
      let patient = backend["test_patient"]?.string
    else { return }
    guard Confirmation.isInteractive else {
      throw Failure.usage("backends try asks before it sends anything", hint: "--yes sends without a question")
    }
    let question =
      "One reading of each kind goes to \(Show.text(backend["url"])), marked as a test, of the patient \(Terminal.clean(patient)). Send them?"
    guard Confirmation.yes(question) else {
      throw Failure(status: 64, code: "not-confirmed", message: "not confirmed; nothing was sent", hint: "--yes")
    }
  }

  /// The report for people.
  static func text(_ report: JSONValue) -> String {
    var lines = [
      Show.paragraph(
        "",
        "\(Show.text(report["backend"])) (\(Show.text(report["type"]))), \(Show.text(report["url"])), test patient \(Show.text(report["patient"]))"
      )
    ]
    for reading in report["readings"]?.array ?? [] { lines += about(reading) }
    lines.append(
      report["good"] == true
        ? "The backend takes every kind of reading, and answers by the contract."
        : "Not all is well: see above. Nothing of the hub's own readings was touched.")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func about(_ reading: JSONValue) -> [String] {
    var lines = [
      "", "\(Show.text(reading["kind"])): \(words[reading["result"]?.string ?? ""] ?? Show.text(reading["result"]))",
    ]
    if let request = reading["request"] {
      let type = (request["headers"]?.array ?? []).compactMap(\.string).first { $0.hasPrefix("Content-Type: ") }
      let form = type.map { ", " + $0.dropFirst("Content-Type: ".count) } ?? ""
      let packed = request["compressed"] == true ? ", as gzip" : ""
      lines.append(
        Show.paragraph(
          "  ", "sent: \(Show.text(request["method"])), \(Show.text(request["octets"])) octets\(form)\(packed)"))
    }
    let time = reading["milliseconds"]?.int.map { " after \($0) ms" } ?? ""
    if let answer = reading["answer"] {
      let type = answer["content_type"].map { ", \(Show.text($0))" } ?? ""
      lines.append(
        Show.paragraph(
          "  ", "answer: status \(Show.text(answer["status"]))\(time), \(Show.text(answer["octets"])) octets\(type)"))
    } else if reading["request"] != nil {
      lines.append("  answer: none\(time)")
    }
    lines.append(Show.paragraph("  ", Show.text(reading["message"])))
    if let fault = reading["fault"] { lines.append(Show.paragraph("  ", "wrong with the answer: \(Show.text(fault))")) }
    if reading["result"] != "stored", let body = reading["answer"]?["body"]?.string, !body.isEmpty {
      lines.append(Show.paragraph("  ", "it says: \(Terminal.clean(String(body.prefix(400))))"))
    }
    return lines
  }

  private static let words = [
    "stored": "good", "duplicate": "taken for a duplicate", "rejected": "refused", "unclear": "the answer is not clear",
    "busy": "takes nothing now", "misconfigured": "something has to be set right",
    "untrusted": "no TLS that both accept",
    "not-sent": "not sent", "not-known": "this format has no form for it",
  ]
}
