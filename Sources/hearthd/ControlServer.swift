// The control socket: lines in, answers and notifications out. Who may ask what is decided by the kernel's word on the caller.

import ControlProtocol
import Exchange
import GatewayCore
import Glibc
import JSON
import Platform
import Readings
import Settings

/// The control socket's clients.
final class ControlServer {
  private struct Client {
    let connection: LineConnection
    /// What the client subscribed to.
    var followsReadings = false
    var followsEvents = false
    var patient: String?
    /// Requests without answer, by the number that the gateway knows them by, with their ids; a notification has none.
    var open: [UInt64: JSONValue?] = [:]
  }

  private static let mostClients = 64
  /// Of one user that is not the owner, and of all of them together: no user shuts out the others, and all of them not
  /// the owner.
  private static let mostOfOneUser = 16
  private static let mostOfUsers = 48
  private static let mostOpen = 64

  private let loop: EventLoop
  private var listener: Int32
  private let emit: (Event) -> Void
  private var clients: [UInt64: Client] = [:]
  private var nextClient: UInt64 = 1
  private var nextRequest: UInt64 = 1
  private var technicianGroup: UInt32?
  private var readerGroup: UInt32?

  init(_ loop: EventLoop, listener: Int32, _ emit: @escaping (Event) -> Void) {
    self.loop = loop
    self.listener = listener
    self.emit = emit
    loop.watch(listener, .read) { [unowned self] _ in accept() }
  }

  func configure(_ configuration: Configuration) {
    technicianGroup = UnixSocket.groupID(configuration.technicianGroup)
    readerGroup = UnixSocket.groupID(configuration.readerGroup)
  }

  private func accept() {
    while let fd = UnixSocket.accept(listener) {
      guard clients.count < ControlServer.mostClients, let connection = LineConnection(loop, fd) else {
        Descriptor.close(fd)
        continue
      }
      guard hasRoom(for: connection.peer) else {
        connection.close()
        continue
      }
      let number = nextClient
      nextClient += 1
      clients[number] = Client(connection: connection)
      connection.start(
        onLine: { [unowned self] line in received(number, line) },
        onClose: { [unowned self] in
          clients[number] = nil
          emit(.callerGone(connection: number))
        })
    }
  }

  /// The role of a caller by the groups of the configuration in force.
  private func role(of peer: Peer) -> Role {
    Role.of(
      uid: peer.uid, groups: peer.groups, ownUID: getuid(), technicianGroup: technicianGroup, readerGroup: readerGroup)
  }

  private func hasRoom(for peer: Peer) -> Bool {
    guard role(of: peer) != .owner else { return true }
    let users = clients.values.map(\.connection.peer).filter { role(of: $0) != .owner }
    return users.count < ControlServer.mostOfUsers
      && users.count(where: { $0.uid == peer.uid }) < ControlServer.mostOfOneUser
  }

  private func received(_ number: UInt64, _ line: [UInt8]) {
    guard let client = clients[number] else { return }
    let peer = client.connection.peer
    let received = ReceivedRequest(line, from: role(of: peer))
    func fail(_ error: ControlError) {
      if let id = received.id { client.connection.send(ControlMessage.answer(id: id, .failure(error))) }
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
      let requestID = RequestID(connection: number, number: nextRequest)
      nextRequest += 1
      clients[number]?.open.updateValue(received.id, forKey: requestID.number)
      switch request {
      case .follow(let patient):
        clients[number]?.followsReadings = true
        clients[number]?.patient = patient
      case .watch:
        clients[number]?.followsReadings = true
        clients[number]?.followsEvents = true
      default: break
      }
      emit(.asked(requestID, request, CallerName(uid: peer.uid)))
    }
  }

  /// The id to answer a request with, once; nil when it is gone or was a notification.
  private func close(_ request: RequestID) -> JSONValue? {
    clients[request.connection]?.open.removeValue(forKey: request.number) ?? nil
  }

  func answer(_ request: RequestID, _ answer: ControlAnswer) {
    guard let id = close(request) else { return }
    clients[request.connection]?.connection.send(ControlMessage.answer(id: id, answer))
  }

  /// Answers with readings that are JSON already.
  func answer(_ request: RequestID, readings: [[UInt8]]) {
    guard let id = close(request) else { return }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("jsonrpc", "2.0")
    writer.key("id")
    writer.value(id)
    writer.key("result")
    writer.beginObject()
    writer.key("readings")
    writer.beginArray()
    for reading in readings { writer.raw(reading) }
    writer.endArray()
    writer.endObject()
    writer.endObject()
    clients[request.connection]?.connection.send(writer.octets)
  }

  func publish(_ reading: Reading, _ sequence: UInt64) {
    let interested = clients.values.filter {
      $0.followsReadings && ($0.patient == nil || $0.patient == reading.patient)
    }
    guard !interested.isEmpty else { return }
    let line = ControlMessage.notification(
      method: "reading", parameters: ReadingJSON.encode(reading, sequence: sequence))
    for client in interested { client.connection.send(line) }
  }

  func publish(_ event: HubEvent) {
    let interested = clients.values.filter(\.followsEvents)
    guard !interested.isEmpty else { return }
    let line = ControlMessage.notification(method: "event", parameters: event.encoded)
    for client in interested { client.connection.send(line) }
  }

  /// Tells something to one client.
  func notify(_ connection: UInt64, _ method: String, _ value: JSONValue) {
    clients[connection]?.connection.send(ControlMessage.notification(method: method, parameters: value.encoded()))
  }

  func close() {
    loop.forget(listener)
    Descriptor.close(listener)
    for client in clients.values { client.connection.close() }
  }
}
