// Why nothing was delivered, in words beside the code. Words of a server stand in no log: they may name a patient.

internal import Exchange

/// What a code of a delivery means, and what to do.
enum DeliveryWords {
  static func text(_ code: String) -> String {
    if let words = known[code] { return words }
    if let status = code.split(separator: ".").last.flatMap({ Int($0) }), code.hasSuffix("http.\(status)") {
      return of(status: status)
    }
    // Of the question for a token, before anything is sent.
    if code.hasPrefix("oauth2.") { return "no token: " + text(String(code.dropFirst("oauth2.".utf8.count))) }
    return "it is tried again; hearthctl backends tells more"
  }

  /// What is shown of an error's own words: never a raw line of a library.
  static func plain(_ words: String, of code: String) -> String {
    guard isRaw(words) else { return words }
    // What stands behind the last colon is often plain: "certificate has expired".
    let last = words.split(separator: ":").last.map { String($0.drop { $0 == " " }) } ?? ""
    return (last.contains(" ") && !isRaw(last) ? "\(last): " : "") + text(code)
  }

  /// True for words of OpenSSL.
  private static func isRaw(_ words: String) -> Bool {
    let marks = ["error:", "OpenSSL", "SSL", "routines"]
    return words.split(separator: " ").contains { word in marks.contains { word.hasPrefix($0) } }
  }

  /// The same of the question for plans: no batch is sent with it.
  static func plansText(_ code: String) -> String {
    let ofBatches = [
      " the same batch is sent again", " it is tried again", " it is sent in parts", " it is read again",
    ]
    let parts = text(code).split(separator: ";", omittingEmptySubsequences: false).map { part in
      guard let words = ofBatches.first(where: { part.hasPrefix($0) }) else { return String(part) }
      return " it is asked again" + part.dropFirst(words.count)
    }
    return parts.joined(separator: ";")
  }

  private static func of(status: Int) -> String {
    switch HTTPAnswer.outcome(status: status, headers: [], nowMilliseconds: 0) {
    case .misconfigured(_, let words), .refused(_, let words), .untrusted(_, let words): words
    case .tooLarge: "the backend takes only smaller requests; it is sent in parts"
    case .busy, .unknown: "the backend answers that it takes nothing now; the same batch is sent again"
    case nil, .items: "the backend answers, and not what was asked; it is tried again"
    }
  }

  private static let known = [
    "item.refused": "the backend refused a reading, which is set aside: hearthctl parked tells why",
    "batch.too-large": "the backend takes only smaller batches; it is sent in parts",
    "batch.unknown": "the batch is not at hand any more; it is read again",
    "directory.full": "the disk of its folder is full; it is tried again: make room",
    "directory.failed": "its folder could not be written; it is tried again: look at that disk (dmesg)",
    "directory.missing":
      "its folder cannot be made; it is tried again: correct the path, or make the folder above it",
    "directory.refused": "its folder may not be written: correct the path, or give the folder to the user hearth",
    "http.413":
      "the backend, or a proxy in front of it, takes not even one reading: raise its limit for the size of a request",
    "credential.unreadable": "its secret cannot be used: hearthd --check tells why",
    "helper.missing": "its helper program is not there or may not be run: hearthd --check tells which",
    "plans.verifier-missing":
      "the program that verifies plans is not there or may not be run: hearthd --check tells which",
    "helper.failed": "its helper program gave no headers; it is tried again: run that program by hand",
    "refused": "the server of tokens refuses this client: correct its id, secret or scope",
    "unreadable": "what the server of tokens answered cannot be understood; it is tried again",
    "oauth2.refused": "no token: the server of tokens refuses this client: correct its id, secret or scope",
    "oauth2.unreadable": "no token: what the server answered cannot be understood; it is tried again",
    "tls.unreadable": "a certificate or key of it cannot be read: hearthd --check tells which",
    "uplink.ended": "hearth-uplink ended within a request; the same batch is sent again",
    "uplink.missing":
      "hearth-uplink cannot be reached or started: systemctl status hearth-uplink.socket, and see that the package is whole",
    "request.invalid": "its address or a header of it is not valid: correct hearth.json",
    "net.dns": "the name in its address cannot be resolved; it is tried again: look at the network",
    "net.refused": "nobody listens at its address; it is tried again",
    "net.reset": "the connection broke; the same batch is sent again",
    "net.closed-without-answer": "the connection ended without an answer; the same batch is sent again",
    "net.timeout": "there was no answer in time; the same batch is sent again",
    "net.tls-or-unknown": "the connection failed, perhaps by TLS; it is tried again",
    "net.cannot-parse": "what answers there is no HTTP; it is tried again",
    "net.too-large": "the answer is larger than any should be; it is tried again",
    "invalid-request": "its address or a header of it is not valid: correct hearth.json",
    "tls-setup": "its certificate or key cannot be used: hearthd --check looks at the files",
    "other-profile": "hearth-uplink has other certificates in use; it is started anew",
    "tls-certificate": "the certificate of the server is not trusted: correct ca_file, the address or the clock",
    "tls-handshake": "no TLS that both sides accept: look at the client certificate, and at the server",
    "answer.empty": "its answer says nothing of the readings; the same batch is sent again: is trust_2xx meant?",
    "answer.unreadable": "its answer cannot be understood; the same batch is sent again",
    "answer.incomplete": "its answer does not name every reading; the same batch is sent again",
    "answer.not-stored": "it answered that something is not stored yet; the same batch is sent again",
    "answer.entry-failed": "it could not store a reading now; the same batch is sent again",
    "fhir.access": "the FHIR server does not let this credential store something: correct its permissions",
    "fhir.shared-entry": "the FHIR server refused the patient or device that readings point to",
    "kind.refused":
      "the backend refuses every reading of a kind: none of it is set aside any more, it waits and is offered again by itself",
  ]
}
