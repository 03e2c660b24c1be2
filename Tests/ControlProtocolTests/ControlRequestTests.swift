// Requests, their faults, and who may ask what.

import ControlProtocol
import JSON
import Testing

private func read(_ line: String) -> Result<ControlRequest, ControlError> {
  ReceivedRequest(Array(line.utf8), from: .owner).outcome
}
private func code(_ line: String) -> String? {
  if case .failure(let error) = read(line) { return error.code }
  return nil
}

@Suite struct ControlRequestTests {
  @Test func goodRequests() {
    #expect(read(#"{"jsonrpc":"2.0","id":1,"method":"status","params":{}}"#) == .success(.status))
    #expect(read(#"{"jsonrpc":"2.0","id":"x","method":"status"}"#) == .success(.status))
    #expect(read(#"{"jsonrpc":"2.0","id":"x","method":"status","params":[]}"#) == .success(.status))
    #expect(
      read(
        #"{"jsonrpc":"2.0","id":1,"method":"readings","params":{"since":"24h","patient":"p","limit":5,"parked":true}}"#)
        == .success(.readings(.init(since: "24h", patient: "p", parked: true, limit: 5))))
    #expect(
      read(#"{"jsonrpc":"2.0","id":1,"method":"assign","params":{"reading":"r","patient":"p"}}"#)
        == .success(.assignReading(id: "r", patient: "p")))
    #expect(
      read(#"{"jsonrpc":"2.0","id":1,"method":"assign","params":{"device":"d","user":2,"patient":"p"}}"#)
        == .success(.assignSlot(device: "d", user: 2, patient: "p")))
  }

  @Test(arguments: [
    ("{", "parse-error"), ("[]", "invalid-request"), ("{}", "invalid-request"),
    (#"{"jsonrpc":"1.0","id":1,"method":"status"}"#, "invalid-request"),
    (#"{"jsonrpc":"2.0","id":{},"method":"status"}"#, "invalid-request"),
    (#"{"jsonrpc":"2.0","id":1,"method":"stauts"}"#, "unknown-method"),
    (#"{"jsonrpc":"2.0","id":1,"method":"status","params":{"x":1}}"#, "bad-parameters"),
    (#"{"jsonrpc":"2.0","id":1,"method":"status","params":[1]}"#, "bad-parameters"),
    (#"{"jsonrpc":"2.0","id":1,"method":"assign","params":[]}"#, "bad-parameters"),
    (#"{"jsonrpc":"2.0","id":1,"method":"readings","params":{"limit":0}}"#, "bad-parameters"),
    (#"{"jsonrpc":"2.0","id":1,"method":"readings","params":{"limit":"5"}}"#, "bad-parameters"),
    (#"{"jsonrpc":"2.0","id":1,"method":"assign","params":{"patient":"p"}}"#, "bad-parameters"),
    (#"{"jsonrpc":"2.0","id":1,"method":"assign","params":{"device":"d","user":256,"patient":"p"}}"#, "bad-parameters"),
    (#"{"jsonrpc":"2.0","id":1,"id":2,"method":"status"}"#, "parse-error"),
  ])
  func faultsHaveStableCodes(line: String, expected: String) { #expect(code(line) == expected) }

  /// Only a request object without an id has none; what is no request is answered with null.
  @Test func aNotificationHasNoID() {
    func id(_ line: String) -> JSONValue? { ReceivedRequest(Array(line.utf8), from: .owner).id }
    #expect(read(#"{"jsonrpc":"2.0","method":"status"}"#) == .success(.status))
    #expect(id(#"{"jsonrpc":"2.0","method":"status"}"#) == nil)
    #expect(id(#"{"jsonrpc":"2.0","method":"stauts"}"#) == nil)
    #expect(id(#"{"jsonrpc":"2.0","method":"status","params":{"x":1}}"#) == nil)
    #expect(id(#"{"jsonrpc":"2.0","id":null,"method":"status"}"#) == .some(.null))
    for line in ["{", "[]", "{}", #"{"jsonrpc":"1.0","method":"status"}"#] { #expect(id(line) == .some(.null)) }
  }

  @Test func anUnknownMethodGetsASuggestionAndItsIDBack() throws {
    let received = ReceivedRequest(Array(#"{"jsonrpc":"2.0","id":"abc","method":"stauts"}"#.utf8), from: .reader)
    #expect(received.id == "abc")
    guard case .failure(let error) = received.outcome else { return }
    #expect(error.hint == "did you mean status?")
    let answer = String(decoding: ControlMessage.answer(id: try #require(received.id), .failure(error)), as: UTF8.self)
    #expect(
      answer.contains(#""id":"abc""#) && answer.contains("-32601") && answer.contains(#""code":"unknown-method""#))
  }

  @Test func answersAreReadBack() {
    let error = ControlError(code: "not-found", message: "no", hint: "look")
    #expect(ControlMessage.read(ControlMessage.answer(id: 1, .failure(error))) == .answer(.failure(error)))
    #expect(ControlMessage.read(ControlMessage.answer(id: 1, .result(["a": 1]))) == .answer(.result(["a": 1])))
    #expect(
      ControlMessage.read(ControlMessage.notification(method: "reading", parameters: Array("{}".utf8)))
        == .notification(method: "reading", parameters: [:]))
    #expect(ControlMessage.read(Array("rubbish".utf8)) == nil)
  }

  @Test func everyPrefixOfARequestIsAnswered() {
    let line = Array(#"{"jsonrpc":"2.0","id":1,"method":"assign","params":{"device":"d","user":2,"patient":"p"}}"#.utf8)
    for end in 0..<line.count {
      if case .success = ReceivedRequest(Array(line[..<end]), from: .owner).outcome { Issue.record("taken at \(end)") }
    }
  }

  @Test func portsAndSessionsAreAskedForInOneWay() {
    func read(_ method: String, _ parameters: String) -> ControlRequest? {
      let line = #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(parameters)}"#
      return try? ReceivedRequest(Array(line.utf8), from: .owner).outcome.get()
    }
    #expect(read("serial.list", "{}") == .serialList)
    #expect(
      read("serial.identify", #"{"port":"ttyUSB0","driver":"cas"}"#)
        == .serialIdentify(port: "ttyUSB0", driver: "cas"))
    var wish = PortWish(port: "ttyUSB0", driver: "cas")
    wish.id = "scale"
    wish.patient = "p-1"
    #expect(
      read("serial.bind", #"{"port":"ttyUSB0","driver":"cas","id":"scale","patient":"p-1"}"#) == .serialBind(wish))
    // A name with a colon could be taken for a port's own.
    for bad in [#"{"port":"ttyUSB0"}"#, #"{"driver":"cas"}"#, #"{"port":"a","driver":"cas","id":"port:x"}"#] {
      #expect(read("serial.bind", bad) == nil)
    }
    #expect(read("serial.release", #"{"device":"scale"}"#) == .serialRelease(device: "scale"))
    #expect(
      read("session.start", #"{"device":"scale","patient":"p-1"}"#)
        == .sessionStart(patient: "p-1", device: "scale", minutes: 15))
    for bad in [#"{"device":"s","patient":"p","minutes":0}"#, #"{"device":"s"}"#, #"{"device":"s","patient":"a b"}"#] {
      #expect(read("session.start", bad) == nil)
    }
    #expect(read("session.end", #"{"device":"scale"}"#) == .sessionEnd(device: "scale"))
  }

  @Test func rolesComeFromTheKernelsWord() {
    let cases: [(uid: UInt32, groups: Set<UInt32>, role: Role)] = [
      (0, [], .owner), (900, [], .owner), (1000, [50], .technician), (1000, [60], .reader),
      (1000, [50, 60], .technician),
      (1000, [7], .nobody), (1000, [], .nobody),
    ]
    for item in cases {
      #expect(
        Role.of(uid: item.uid, groups: item.groups, ownUID: 900, technicianGroup: 50, readerGroup: 60) == item.role)
    }
  }

  @Test func readersMayOnlyLook() {
    let readers = [
      "hello", "version", "status", "devices", "backends", "doctor", "readings", "readings.follow", "watch",
      "serial.list",
      "alerts", "patient.known", "plan.show", "plan.explain", "plan.try", "parked", "parked.readings", "report",
    ]
    for method in ControlMethod.all {
      #expect(method.role == (readers.contains(method.name) ? .reader : method.name == "erase" ? .owner : .technician))
    }
    #expect(Role.reader < Role.technician)
  }
}
