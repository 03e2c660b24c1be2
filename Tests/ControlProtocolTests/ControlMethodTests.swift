// The table of methods, enumerated: every method decodes its examples, keeps out who may not call it, and holds its bounds.

import ControlProtocol
import JSON
import Testing

/// A call's line.
private func line(_ method: String, _ parameters: JSONValue?) -> [UInt8] {
  var object = JSONObject()
  object["jsonrpc"] = "2.0"
  object["id"] = 1
  object["method"] = .string(method)
  object["params"] = parameters
  return JSONValue.object(object).encoded()
}

/// What came of a call.
private func outcome(
  _ method: String, _ parameters: JSONValue?, as role: Role = .owner
) -> Result<ControlRequest, ControlError> {
  ReceivedRequest(line(method, parameters), from: role).outcome
}

/// Why a call is refused; nil when it is not.
private func refusal(_ method: String, _ parameters: JSONValue?, as role: Role = .owner) -> ControlError? {
  if case .failure(let error) = outcome(method, parameters, as: role) { return error }
  return nil
}

private func with(_ parameters: JSONValue, _ name: String, _ value: JSONValue?) -> JSONValue {
  var object = parameters.object ?? JSONObject()
  object[name] = value
  return .object(object)
}

/// A parameter and an example of its method that gives it, or could.
private struct Place: Sendable, CustomTestStringConvertible {
  var method: ControlMethod
  var parameter: ControlParameter
  var example: JSONValue
  var testDescription: String { "\(method.name) \(parameter.name)" }

  static let all: [Place] = ControlMethod.all.flatMap { method in
    method.parameters.compactMap { parameter in
      let example = method.examples.first { $0[parameter.name] != nil } ?? method.examples.first
      return example.map { Place(method: method, parameter: parameter, example: $0) }
    }
  }

  func refusal(_ value: JSONValue?) -> ControlError? {
    ControlProtocolTests.refusal(method.name, with(example, parameter.name, value))
  }
}

@Suite struct ControlMethodTests {
  @Test func namesAreUniqueAndEverythingIsSaid() {
    #expect(Set(ControlMethod.all.map(\.name)).count == ControlMethod.all.count)
    for method in ControlMethod.all {
      #expect(!method.summary.isEmpty && !method.examples.isEmpty && method.role > .nobody, "\(method.name)")
      #expect(ControlMethod.named(method.name)?.summary == method.summary)
      #expect(Set(method.parameters.map(\.name)).count == method.parameters.count, "\(method.name)")
      for parameter in method.parameters { #expect(!parameter.meaning.isEmpty && !parameter.bound.isEmpty) }
      // Whoever only looks changes nothing; what changes something is told of in the audit.
      if method.role == .reader { #expect(!method.isDurable, "\(method.name)") }
      if method.isDurable { #expect(method.isAudited, "\(method.name)") }
    }
    #expect(ControlMethod.named("stauts") == nil)
  }

  /// The wire's names are promised: one that goes, or is written otherwise, breaks a caller.
  @Test func theNamesOnTheWireStay() {
    let promised = [
      "version", "status", "devices", "backends", "doctor", "readings", "readings.follow", "watch", "assign", "reload",
      "scan", "pair", "pair.answer", "pair.cancel", "unpair", "capture", "device.ask", "device.release", "serial.list",
      "serial.identify", "serial.bind", "parked", "parked.readings", "parked.retry", "erase", "serial.release",
      "session.start", "session.end", "alerts", "alerts.ack", "plan.show", "plan.explain", "plan.try", "plan.set",
      "report", "hello", "backends.try",
    ]
    for name in promised { #expect(ControlMethod.named(name) != nil, "\(name)") }
  }

  @Test func everyExampleIsUnderstood() {
    for method in ControlMethod.all {
      for example in method.examples {
        if let error = refusal(method.name, example, as: method.role) { Issue.record("\(method.name): \(error)") }
      }
      // Each parameter stands in an example, so that its decoder is run.
      for parameter in method.parameters where method.name != "readings" && method.name != "pair" {
        #expect(method.examples.contains { $0[parameter.name] != nil }, "\(method.name) \(parameter.name)")
      }
      // Of these one of several parameters is needed.
      let needsOne = ["parked.retry", "parked.dismiss"].contains(method.name)
      if !needsOne, method.parameters.allSatisfy({ !$0.isRequired }) {
        for none in [nil, JSONValue.array([]), .null] { #expect(refusal(method.name, none) == nil, "\(method.name)") }
      }
    }
  }

  @Test func everyMethodKeepsOutWhoMayNotCallIt() {
    for method in ControlMethod.all {
      for role in [Role.nobody, .reader, .technician, .owner] {
        for example in method.examples {
          let code = refusal(method.name, example, as: role)?.code
          #expect(code == (role < method.role ? "not-permitted" : nil), "\(method.name) as \(role)")
        }
        // Who may not call it is not told either what is wrong with the parameters.
        let code = refusal(method.name, ["nonsense": 1], as: role)?.code
        #expect(code == (role < method.role ? "not-permitted" : "bad-parameters"), "\(method.name) as \(role)")
      }
    }
  }

  @Test func nobodyHearsAnythingElse() {
    for text in ["{", "[]", "{}", #"{"jsonrpc":"2.0","id":1,"method":"stauts"}"#] {
      let received = ReceivedRequest(Array(text.utf8), from: .nobody)
      guard case .failure(let error) = received.outcome else {
        Issue.record("\(text) is taken")
        return
      }
      #expect(error.code == "not-permitted")
      #expect(received.isBroken == (text == "{"))
    }
    #expect(ReceivedRequest(line("status", nil), from: .nobody).id == 1)
  }

  @Test func whatIsUnknownOrMissingIsRefused() {
    for method in ControlMethod.all {
      let example = method.examples[0]
      #expect(refusal(method.name, with(example, "nonsense", 1))?.code == "bad-parameters", "\(method.name)")
      for value in ["text", 7, true, [1]] as [JSONValue] {
        #expect(refusal(method.name, value)?.code == "bad-parameters", "\(method.name) \(value)")
      }
      for parameter in method.parameters where parameter.isRequired {
        for value in [nil, JSONValue.null] {
          let error = refusal(method.name, with(example, parameter.name, value))
          #expect(error?.code == "bad-parameters", "\(method.name) \(parameter.name)")
          #expect(error?.message.contains(parameter.name) ?? false)
        }
      }
    }
  }

  @Test(arguments: Place.all) private func everyParameterHasItsType(place: Place) {
    let wrong: [JSONValue] =
      switch place.parameter.kind {
      case .number, .flag: ["1", [1], ["a": 1]]
      case .choices, .list: ["red", 1, [1], ["a": 1]]
      default: [1, true, ["x"], ["a": "x"]]
      }
    for value in wrong { #expect(place.refusal(value)?.code == "bad-parameters", "\(value)") }
  }

  @Test(arguments: Place.all) private func everyParameterHasItsBound(place: Place) {
    func bad(_ value: JSONValue, says text: String) {
      let error = place.refusal(value)
      #expect(error?.code == "bad-parameters", "\(value)")
      #expect(error?.message.contains(text) ?? false, "\(error?.message ?? "taken")")
      #expect(error?.message.contains(place.parameter.name) ?? false)
    }
    switch place.parameter.kind {
    case .text(let most, let mayBeEmpty):
      #expect(most <= 500)
      // Characters, not octets; and every one of them is counted.
      for letter in ["x", "ø", "👍", "e\u{301}"] {
        let count = letter.unicodeScalars.count
        #expect(place.refusal(.string(String(repeating: letter, count: most / count))) == nil)
        bad(.string(String(repeating: letter, count: most / count + 1)), says: "at most \(most) characters")
      }
      bad(.string(String(repeating: "x", count: 60_000)), says: "at most \(most) characters")
      for control in ["\u{0}", "\t", "\n", "\r", "\u{1B}", "\u{7F}", "\u{85}", "\u{9B}", "\u{2028}", "\u{202E}"] {
        bad(.string("a\(control)b"), says: "control characters")
      }
      #expect((place.refusal("") == nil) == mayBeEmpty)
    case .document: bad("", says: "not empty")
    case .name, .patient:
      for name in ["", ".", ".a", "a b", "a/b", "a\n", "æ", String(repeating: "a", count: 65)] {
        #expect(place.refusal(.string(name))?.code == "bad-parameters", "\(name)")
      }
      bad(.string(String(repeating: "a", count: 65)), says: "1 to 64")
      #expect(place.refusal(.string(String(repeating: "a", count: 64))) == nil)
    case .number(let range):
      let text = "from \(range.lowerBound) to \(range.upperBound)"
      bad(.int(range.lowerBound - 1), says: text)
      bad(.int(range.upperBound + 1), says: text)
      for good in [range.lowerBound, range.upperBound] { #expect(place.refusal(.int(good)) == nil) }
    case .choice(let words): bad("nonsense", says: words.joined(separator: ", "))
    case .choices(let words):
      bad(["nonsense"], says: words.joined(separator: ", "))
      bad(.array([JSONValue](repeating: .string(words[0]), count: words.count + 1)), says: "at most \(words.count)")
    case .list(let most, let longest):
      bad(.array([JSONValue](repeating: "x", count: most + 1)), says: "at most \(most)")
      bad(.array([.string(String(repeating: "x", count: longest + 1))]), says: "at most \(longest) characters")
      #expect(place.refusal(.array([JSONValue](repeating: "x", count: most))) == nil)
    case .hexadecimal(let octets):
      for text in ["00", String(repeating: "0", count: octets * 2 + 1), String(repeating: "g", count: octets * 2)] {
        bad(.string(text), says: "\(octets * 2) hexadecimal digits")
      }
      bad(.string(String(repeating: "+1", count: octets)), says: "hexadecimal digits")
    case .flag: break
    }
  }

  /// Whoever gets something takes their reference from nowhere but here.
  @Test func noPatientIsBroughtInByANationalIdentityNumber() {
    let patients = Place.all.filter { $0.parameter.kind == .patient }
    #expect(Set(patients.map(\.method.name)) == ["assign", "pair", "serial.bind", "session.start"])
    for place in patients {
      for example in place.method.examples {
        let error = refusal(place.method.name, with(example, "patient", "31925550186"))
        #expect(error?.code == "patient.national-id", "\(place.method.name)")
        #expect(error?.hint?.contains("pseudonym") ?? false)
        #expect(error?.message.contains("31925550186") == false)
      }
    }
  }

  @Test func anIDHasItsBound() {
    func id(_ id: JSONValue) -> (JSONValue?, String?) {
      let value: JSONValue = ["jsonrpc": "2.0", "id": id, "method": "status"]
      let received = ReceivedRequest(value.encoded(), from: .reader)
      if case .failure(let error) = received.outcome { return (received.id, error.code) }
      return (received.id, nil)
    }
    let longest = JSONValue.string(String(repeating: "x", count: 128))
    #expect(id(longest) == (longest, nil))
    #expect(id(.string(String(repeating: "x", count: 129))) == (.null, "invalid-request"))
    guard let number = JSONNumber(text: String(repeating: "1", count: 129)) else {
      Issue.record("no number")
      return
    }
    #expect(id(.number(number)) == (.null, "invalid-request"))
  }

  @Test func aSlotsCodeNeedsTheSlot() {
    #expect(refusal("pair", ["address": "F0:00:00:00:00:01", "consent_code": 1])?.code == "bad-parameters")
    #expect(refusal("device.ask", ["device": "d", "wish": "consent", "code": 1])?.message.contains("user") ?? false)
    #expect(refusal("device.ask", ["device": "d", "wish": "register-user"])?.message.contains("code") ?? false)
    #expect(refusal("device.ask", ["device": "d", "wish": "key"])?.message.contains("key") ?? false)
  }

  /// An empty answer says that there is no code.
  @Test func aPairingMayBeAnsweredWithNothing() {
    guard case .success(let request) = outcome("pair.answer", ["answer": ""]) else {
      Issue.record("refused")
      return
    }
    #expect(request == .pairAnswer(""))
  }
}
