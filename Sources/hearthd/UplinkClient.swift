// The way to the uplink processes: HTTP is done outside of this process, because what a server answers can end it. Under the
// service manager an uplink listens on a socket; elsewhere it is started as a child. One connection a backend.

import Exchange
import GatewayCore
import Glibc
import Platform
import Settings
import UplinkProtocol

/// Sends requests through uplink processes.
final class UplinkClient {
  private final class Connection {
    let fd: Int32
    let child: ChildProcess?
    var conversation = UplinkConversation()
    var outgoing: [UInt8] = []
    /// With the address that was asked.
    var done: [UInt64: (url: String, tell: (HTTPResult) -> Void)] = [:]
    /// After this the process is taken to hang, monotonic milliseconds.
    var deadline: Int64?
    init(_ fd: Int32, _ child: ChildProcess?) {
      self.fd = fd
      self.child = child
    }
  }

  /// How much longer than the request's own deadline a process may take, in milliseconds.
  private static let grace: Int64 = 10_000

  private let loop: EventLoop
  private let program: String
  private let socket: String
  private var connections: [String: Connection] = [:]
  private var ending: [ChildProcess] = []
  private var nextID: UInt64 = 1

  init(_ loop: EventLoop, path: String?, socket: String) {
    self.loop = loop
    self.socket = socket
    program = path ?? UplinkClient.besideThisProgram() ?? "/usr/libexec/hearth/hearth-uplink"
  }

  private static func besideThisProgram() -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0, count < buffer.count else { return nil }
    let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let program = path[..<slash] + "/hearth-uplink"
    return access(String(program), X_OK) == 0 ? String(program) : nil
  }

  /// Posts a body, or asks for one; `done` is called once.
  func send(
    _ backend: String, _ http: HTTPBackend, method: String = "POST", _ headers: [(String, String)], _ body: [UInt8],
    compresses: Bool = false, _ done: @escaping (HTTPResult) -> Void
  ) {
    let profile: UplinkProfile
    switch UplinkClient.profile(http) {
    case .success(let made): profile = made
    case .failure(let error): return done(.none(.misconfigured(code: "tls.unreadable", text: error.message)))
    }
    let done: (HTTPResult) -> Void = { done(UplinkClient.naming($0, http)) }
    let request = UplinkRequest(
      id: nextID, method: method, url: http.url, headers: headers.map { UplinkHeader($0.0, $0.1) }, body: body,
      deadlineMilliseconds: UInt32(clamping: http.deadline), profile: profile, allowPlainHTTP: http.allowsPlainHTTP,
      compresses: compresses)
    nextID += 1
    guard let connection = connection(backend) else {
      return done(.none(.unknown(code: "uplink.missing")))
    }
    do throws(UplinkRuleError) {
      let octets = try connection.conversation.send(request)
      connection.done[request.id] = (http.url, done)
      connection.deadline = Clocks.monotonic() + Int64(http.deadline) + UplinkClient.grace
      connection.outgoing += octets
      flush(backend, connection)
    } catch {
      done(.none(.misconfigured(code: "request.invalid", text: error.message)))
    }
  }

  /// Certificates are read here: the uplink's user may not.
  private static func profile(_ http: HTTPBackend) -> Result<UplinkProfile, UnusableFile> {
    func read(_ path: String) throws(UnusableFile) -> UplinkPEM {
      let most = UplinkLimits.pem
      guard let octets = SmallFile.read(path, atMost: most) else {
        throw UnusableFile(message: "\(path) \(SmallFile.fault(path, atMost: most) ?? "cannot be read")")
      }
      guard octets.contains(where: { $0 > 0x20 }) else { throw UnusableFile(message: "\(path) is empty") }
      return .octets(octets)
    }
    do throws(UnusableFile) {
      var tls = UplinkTLS()
      if let path = http.caFile { tls.authorities = try read(path) }
      if let certificate = http.clientCertificate, let key = http.clientKey {
        tls.identity = UplinkClientIdentity(certificate: try read(certificate), key: try read(key))
      }
      return .success(UplinkProfile(tls: tls, allowProxyEnvironment: http.usesProxyEnvironment))
    } catch {
      return .failure(error)
    }
  }

  /// libcurl had the octets and not the files: what it says of them names the files here.
  private static func naming(_ result: HTTPResult, _ http: HTTPBackend) -> HTTPResult {
    func named(_ text: String) -> String {
      guard text.contains("(memory blob)") else { return text }
      let key = http.clientKey ?? "client_key"
      let certificate = http.clientCertificate ?? "client_certificate"
      if text.contains("private key") { return "\(key) cannot be used, or is not the key of \(certificate)" }
      if text.contains("client certificate") || text.contains("certificate file") {
        return "\(certificate) cannot be used as the client certificate"
      }
      return "\(http.caFile ?? certificate) cannot be used"
    }
    switch result {
    case .none(.untrusted(let code, let text)): return .none(.untrusted(code: code, text: named(text)))
    case .none(.misconfigured(let code, let text)): return .none(.misconfigured(code: code, text: named(text)))
    default: return result
    }
  }

  private func connection(_ backend: String) -> Connection? {
    if let open = connections[backend] { return open }
    let made: Connection
    if let fd = try? UnixSocket.connect(socket) {
      made = Connection(fd, nil)
    } else {
      guard let (ours, theirs) = try? UnixSocket.pair() else { return nil }
      defer { Descriptor.close(theirs) }
      let environment = ["PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no", "LANG=C.UTF-8"] + UplinkClient.proxies
      guard let child = try? ChildProcess.spawn(program, ["--fd", "3"], environment: environment, passing: theirs)
      else {
        Descriptor.close(ours)
        return nil
      }
      made = Connection(ours, child)
    }
    Descriptor.setNonBlocking(made.fd)
    connections[backend] = made
    loop.watch(made.fd, .read) { [unowned self] ready in
      if ready.contains(.write) { flush(backend, made) }
      if ready.contains(.read) { receive(backend, made) }
    }
    return made
  }

  /// The proxy variables, which the uplink clears unless a request allows them.
  private static var proxies: [String] {
    ["http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"].compactMap { name in
      Environment.get(name).map { "\(name)=\($0)" }
    }
  }

  private func flush(_ backend: String, _ connection: Connection) {
    guard connections[backend] === connection else { return }
    guard let count = Descriptor.write(connection.fd, connection.outgoing[...]) else { return end(backend, connection) }
    connection.outgoing.removeFirst(count)
    loop.change(connection.fd, connection.outgoing.isEmpty ? .read : [.read, .write])
  }

  private func receive(_ backend: String, _ connection: Connection) {
    guard connections[backend] === connection else { return }
    switch Descriptor.read(connection.fd, count: 65_536) {
    case .wouldBlock: return
    case .end: end(backend, connection)
    case .octets(let octets):
      for response in connection.conversation.received(octets) {
        let asked = connection.done.removeValue(forKey: response.id)
        if connection.done.isEmpty { connection.deadline = nil }
        asked?.tell(UplinkClient.result(response.outcome, url: asked?.url ?? ""))
      }
      if connection.conversation.failure != nil { end(backend, connection) }
    }
  }

  private static func result(_ outcome: UplinkResponse.Outcome, url: String) -> HTTPResult {
    switch outcome {
    case .response(let answer):
      return .reply(
        HTTPReply(
          status: Int(answer.status), headers: answer.headers.map { ($0.name, $0.value) }, body: answer.body,
          isTruncated: answer.bodyTruncated, sent: form(answer.sent)), url: url)
    case .failure(let kind, let detail):
      if kind.isAboutTLS { return .none(.untrusted(code: kind.code, text: detail)) }
      return .none(
        kind.isMisconfiguration
          ? .misconfigured(code: kind.code, text: detail) : .unknown(code: "net.\(kind.code)"))
    }
  }

  private static func form(_ form: UplinkBodyForm) -> SentForm {
    switch form {
    case .plain: .plain
    case .gzip: .gzip
    case .plainWithoutLibrary: .plainWithoutLibrary
    }
  }

  /// The process is gone, or has to go: what it was asked has no known outcome.
  private func end(_ backend: String, _ connection: Connection) {
    guard connections[backend] === connection else { return }
    connections[backend] = nil
    loop.forget(connection.fd)
    Descriptor.close(connection.fd)
    if let child = connection.child { ending.append(child) }
    childEnded()
    _ = connection.conversation.closed()
    let open = connection.done.values
    connection.done = [:]
    for asked in open { asked.tell(.none(.unknown(code: "uplink.ended"))) }
  }

  /// A connection that is not used again soon goes, and the process behind it.
  func finish(_ backend: String) {
    guard let connection = connections[backend], connection.done.isEmpty else { return }
    end(backend, connection)
  }

  /// When `due` wants to be called, monotonic milliseconds.
  var nextDeadline: Int64? { connections.values.compactMap(\.deadline).min() }

  /// Ends processes that hang.
  func due(at now: Int64) {
    for (backend, connection) in connections {
      guard let deadline = connection.deadline, deadline <= now else { continue }
      connection.child?.kill()
      end(backend, connection)
    }
  }

  /// A child ended: it is collected, so that none stays as a zombie.
  func childEnded() { ending.removeAll { $0.reap() != nil } }

  func stop() {
    for (backend, connection) in connections {
      connection.child?.kill()
      end(backend, connection)
    }
  }
}

/// A file of certificates or of a key that cannot be used.
private struct UnusableFile: Error {
  var message: String
}
