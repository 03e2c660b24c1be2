// The control socket: lines in, answers and notifications out. Callers are authorised by SO_PEERCRED.

import ControlProtocol
import Exchange
import GatewayCore
import Glibc
import JSON
import Monitoring
import Platform
import Readings
import Settings
import Ledger

/// The control socket's clients.
final class ControlServer {
  private struct Client {
    let connection: LineConnection
    /// By the groups of the configuration in force.
    var role: Role
    var patience: ConnectionPatience
    /// What the client subscribed to, and of which patient alone.
    var followsReadings = false
    var followsEvents = false
    var readingsOf: String?
    var eventsOf: String?
    /// Subscriptions that wait for their answer, by the number of the request: one that is refused begins nothing.
    var subscribing: [UInt64: ControlRequest] = [:]
    /// On whose behalf root calls, as it says.
    var sudo: SudoCaller?
    /// Requests without answer, by the number that the gateway knows them by, with their ids; a notification has none.
    var open: [UInt64: JSONValue?] = [:]

    var holder: ControlQuota.Holder { .init(role: role, uid: connection.peer.uid) }
  }

  private static let mostOpen = 64
  /// A request whose answer may be long is taken only when there is room for so much of it.
  private static let leastRoom = 1 << 18

  private let loop: EventLoop
  /// The hub's zone, by which readings are shown.
  private var timeZone = "UTC"
  private var listener: Int32
  /// Monotonic milliseconds.
  private let clock: () -> Int64
  /// Called when `nextDeadline` may be earlier than it was.
  private let rearm: () -> Void
  private let emit: (Event) -> Void
  private let budget = OutputBudget(maximum: LineConnection.mostShared)
  private var clients: [UInt64: Client] = [:]
  private var nextClient: UInt64 = 1
  private var nextRequest: UInt64 = 1
  private var groups = ControlGroups()
  private var technicianGroup: UInt32?
  private var readerGroup: UInt32?

  init(
    _ loop: EventLoop, listener: Int32, clock: @escaping () -> Int64 = Clocks.monotonic, rearm: @escaping () -> Void,
    _ emit: @escaping (Event) -> Void
  ) {
    self.loop = loop
    self.listener = listener
    self.clock = clock
    self.rearm = rearm
    self.emit = emit
    loop.watch(listener, .read) { [unowned self] _ in accept() }
  }

  func configure(_ configuration: Configuration) {
    groups = ControlGroups(readers: configuration.readerGroup, technicians: configuration.technicianGroup)
    technicianGroup = UnixSocket.groupID(configuration.technicianGroup)
    readerGroup = UnixSocket.groupID(configuration.readerGroup)
    timeZone = configuration.timeZone
    for (number, client) in clients { give(role(of: client.connection.peer), to: number) }
  }

  // MARK: Connections

  private func accept() {
    while let fd = UnixSocket.accept(listener) {
      guard let connection = LineConnection(loop, fd, budget: budget) else {
        Descriptor.close(fd)
        continue
      }
      let client = Client(
        connection: connection, role: role(of: connection.peer), patience: ConnectionPatience(at: clock()))
      if let error = ControlQuota.refusal(of: client.holder, beside: clients.values.lazy.map(\.holder)) {
        // A new connection has room for one line.
        connection.send(ControlMessage.answer(id: .null, .failure(error)))
        connection.close()
        continue
      }
      let number = nextClient
      nextClient += 1
      clients[number] = client
      give(client.role, to: number)
      connection.start(
        onLine: { [unowned self] line in received(number, line) },
        onClose: { [unowned self] in
          clients[number] = nil
          emit(.callerGone(connection: number))
        })
    }
    rearm()
  }

  /// The role of a caller by the groups of the configuration in force.
  private func role(of peer: Peer) -> Role {
    Role.of(
      uid: peer.uid, groups: peer.groups, ownUID: getuid(), technicianGroup: technicianGroup, readerGroup: readerGroup)
  }

  private func give(_ role: Role, to number: UInt64) {
    clients[number]?.role = role
    clients[number]?.connection.mostOfBudget = ControlQuota.memory(of: role, outOf: budget.maximum)
  }

  /// When a connection is to be closed next unless something comes or is read, on the monotonic clock.
  var nextDeadline: Int64? { clients.values.compactMap { $0.patience.deadline(of: $0.role) }.min() }

  /// Closes the connections of strangers who ask nothing, and of those who do not read what waits for them.
  func due(at now: Int64) {
    for number in clients.keys.sorted() {
      lookAtReading(number, now)
      guard let client = clients[number], let deadline = client.patience.deadline(of: client.role), deadline <= now
      else { continue }
      client.connection.close()
    }
  }

  private func lookAtReading(_ number: UInt64, _ now: Int64) {
    guard let connection = clients[number]?.connection else { return }
    clients[number]?.patience.look(isBehind: connection.isPaused, sent: connection.sent, at: now)
  }

  // MARK: Requests

  private func received(_ number: UInt64, _ line: [UInt8]) {
    guard let client = clients[number] else { return }
    clients[number]?.patience.heard(at: clock())
    let received = ReceivedRequest(line, from: client.role, groups: groups)
    func fail(_ error: ControlError) {
      if let id = received.id { send(.failure(error), id, to: number) }
    }
    switch received.outcome {
    case .failure(let error):
      fail(error)
      // Nothing good follows.
      if received.isBroken { client.connection.close() }
    case .success(let request):
      guard client.open.count < ControlServer.mostOpen else {
        fail(
          ControlError(
            code: "busy", message: "too many requests without answer; the connection is closed",
            hint: "wait for the answers"))
        return client.connection.close()
      }
      if received.method?.cost.isLarge ?? true, !client.connection.hasRoom(for: ControlServer.leastRoom) {
        fail(ControlServer.noMemory)
        return noteBusy(number)
      }
      let requestID = RequestID(connection: number, number: nextRequest)
      nextRequest += 1
      clients[number]?.open.updateValue(received.id, forKey: requestID.number)
      switch request {
      case .follow, .watch: clients[number]?.subscribing[requestID.number] = request
      case .hello(let sudo): clients[number]?.sudo = sudo
      default: break
      }
      emit(.asked(requestID, request, CallerName(uid: client.connection.peer.uid, sudo: client.sudo)))
    }
  }

  /// Who asked; nobody when the connection is gone.
  func caller(of request: RequestID) -> (role: Role, uid: UInt32) {
    guard let client = clients[request.connection] else { return (.nobody, 0) }
    return (client.role, client.connection.peer.uid)
  }

  // MARK: Answers and notifications

  private static let noMemory = ControlError(
    code: "busy", message: "answers that were not read yet take all the memory that there is for them",
    hint: "read the answers to earlier requests first, or try again in a moment, for less: --limit, --since")

  /// The id to answer a request with, once; nil when it is gone or was a notification.
  private func close(_ request: RequestID) -> JSONValue? {
    clients[request.connection]?.open.removeValue(forKey: request.number) ?? nil
  }

  func answer(_ request: RequestID, _ answer: ControlAnswer) {
    if let subscription = clients[request.connection]?.subscribing.removeValue(forKey: request.number),
      case .result = answer
    {
      subscribe(request.connection, subscription)
    }
    if let id = close(request) { send(answer, id, to: request.connection) }
    if case .failure(let error) = answer, error.code == "busy" { noteBusy(request.connection) }
  }

  private func subscribe(_ number: UInt64, _ request: ControlRequest) {
    clients[number]?.followsReadings = true
    switch request {
    case .follow(let patient): clients[number]?.readingsOf = patient
    case .watch(let patient):
      clients[number]?.followsEvents = true
      clients[number]?.eventsOf = patient
      // What was followed before goes on as it was.
      if patient != nil { clients[number]?.readingsOf = patient }
    default: break
    }
  }

  /// Answers with readings that are JSON already.
  func answer(_ request: RequestID, readings: [[UInt8]]) {
    guard let id = close(request), let connection = clients[request.connection]?.connection else { return }
    // What there is no room for is not built.
    let size = readings.reduce(ReceivedRequest.longestID * 8 + timeZone.utf8.count) { $0 + $1.count + 1 }
    guard connection.hasRoom(for: size) else { return refuse(size, id, request.connection) }
    var pieces: [[UInt8]] = []
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("jsonrpc", "2.0")
    writer.key("id")
    writer.value(id)
    writer.key("result")
    writer.beginObject()
    writer.key("readings")
    writer.beginArray()
    var piece = writer.octets
    for (index, reading) in readings.enumerated() {
      if piece.count + reading.count >= OutputBudget.ownShare {
        pieces.append(piece)
        piece = []
        piece.reserveCapacity(OutputBudget.ownShare)
      }
      if index > 0 { piece.append(0x2C) }
      piece += reading
    }
    var end = JSONObject()
    end["timezone"] = .string(timeZone)
    // Behind the list: what there is before it goes out while the rest is made.
    pieces.append(piece + Array("],".utf8) + JSONValue.object(end).encoded().dropFirst() + Array("}".utf8))
    if !connection.offer(pieces) { refuse(size, id, request.connection) }
    lookAtReading(request.connection, clock())
  }

  private func send(_ answer: ControlAnswer, _ id: JSONValue, to number: UInt64) {
    guard let connection = clients[number]?.connection else { return }
    let line = ControlMessage.answer(id: id, answer)
    if !connection.offer([line]) { refuse(line.count, id, number) }
    lookAtReading(number, clock())
  }

  /// Ends the connection of a client that asks on and on although it hears "busy".
  private func noteBusy(_ number: UInt64) {
    if clients[number]?.patience.refusedBusy(at: clock()) ?? false { clients[number]?.connection.close() }
  }

  /// Says that there is no room for an answer; ends the connection when there is none for that either.
  private func refuse(_ size: Int, _ id: JSONValue, _ number: UInt64) {
    guard let connection = clients[number]?.connection else { return }
    let error =
      size > connection.longestLineOut
      ? ControlError(
        code: "too-large", message: "the answer has \(size) octets; at most \(connection.longestLineOut) are sent",
        hint: "ask for less: --limit, --since, --patient") : ControlServer.noMemory
    connection.send(ControlMessage.answer(id: id, .failure(error)))
  }

  /// A notification; a subscriber that does not read is closed.
  private func tell(_ line: [UInt8], to numbers: [UInt64]) {
    let now = clock()
    for number in numbers {
      clients[number]?.connection.send(line)
      lookAtReading(number, now)
    }
  }

  func publish(_ reading: Reading, _ sequence: UInt64) {
    let interested = clients.filter {
      $0.value.followsReadings && ($0.value.readingsOf == nil || $0.value.readingsOf == reading.patient)
    }
    guard !interested.isEmpty else { return }
    tell(
      ControlMessage.notification(method: "reading", parameters: ReadingJSON.encode(reading, sequence: sequence)),
      to: Array(interested.keys))
  }

  func publish(_ event: HubEvent) {
    let interested = clients.filter {
      $0.value.followsEvents && ($0.value.eventsOf == nil || $0.value.eventsOf == event.monitoring?.patient)
    }
    guard !interested.isEmpty else { return }
    tell(ControlMessage.notification(method: "event", parameters: event.encoded), to: Array(interested.keys))
  }

  /// Tells something to one client.
  func notify(_ connection: UInt64, _ method: String, _ value: JSONValue) {
    tell(ControlMessage.notification(method: method, parameters: value.encoded()), to: [connection])
  }

  func close() {
    loop.forget(listener)
    Descriptor.close(listener)
    for client in clients.values { client.connection.close() }
  }
}
