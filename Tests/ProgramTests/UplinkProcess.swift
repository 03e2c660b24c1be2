// The real hearth-uplink, started as a child, and the far side of its socket.

import Foundation
import Platform
import UplinkProtocol

/// One connection to an uplink process. Whatever is left of the process ends with it.
final class UplinkProcess {
  /// What came over the socket.
  enum Got: Equatable {
    case outcome(UplinkResponse.Outcome)
    /// The process ended, or closed the connection, without a word.
    case closed
    /// Nothing came for a long time.
    case nothing
  }

  /// The program beside the test bundle.
  static let program = Bundle.main.executableURL.map { executable in
    executable.deletingLastPathComponent().appendingPathComponent("hearth-uplink").path
  }

  private let fd: Int32
  private let child: ChildProcess?
  private var conversation = UplinkConversation()
  private var responses: [UplinkResponse] = []
  private var nextID: UInt64 = 1
  private var status: Int32?

  /// Starts a worker with one end of a socket pair.
  init(environment: [String] = [], arguments: [String] = []) throws {
    let (ours, theirs) = try UnixSocket.pair()
    defer { Descriptor.close(theirs) }
    fd = ours
    child = try UplinkProcess.start(["--fd", "3"] + arguments, environment, passing: theirs)
  }

  /// Connects to a listening uplink.
  init(connectingTo path: String) throws {
    fd = try UnixSocket.connect(path)
    child = nil
  }

  deinit {
    Descriptor.close(fd)
    if status == nil { child?.kill() }
    end()
  }

  /// The processor's time of the process so far, in ticks of a hundredth of a second; nil: it is gone.
  var processorTicks: Int? {
    guard let pid = child?.pid, let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[end...].split(separator: " ")
    guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return nil }
    return user + system
  }

  static func start(_ arguments: [String], _ environment: [String] = [], passing fd: Int32) throws -> ChildProcess {
    try ChildProcess.spawn(
      program ?? "", arguments, environment: ["PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no"] + environment,
      passing: fd)
  }

  /// Sends a request; its id.
  @discardableResult func send(
    _ url: String, method: String = "POST", headers: [UplinkHeader] = [], body: [UInt8] = Array("hello".utf8),
    deadline: UInt32 = 20_000, most: UInt32 = 1 << 20, profile: UplinkProfile = UplinkProfile(),
    allowPlainHTTP: Bool = false, compresses: Bool = false
  ) throws -> UInt64 {
    let request = UplinkRequest(
      id: nextID, method: method, url: url, headers: headers, body: body, deadlineMilliseconds: deadline,
      maximumResponseBody: most, profile: profile, allowPlainHTTP: allowPlainHTTP, compresses: compresses)
    nextID += 1
    let octets = try conversation.send(request)
    _ = Descriptor.writeAll(fd, octets)
    return request.id
  }

  /// Octets as they are.
  func write(_ octets: [UInt8]) { _ = Descriptor.writeAll(fd, octets) }

  /// The next response, in the order in which they come.
  func nextResponse() -> UplinkResponse? {
    while responses.isEmpty {
      guard case .octets = fill() else { return nil }
    }
    return responses.removeFirst()
  }

  /// The outcome of a request.
  func outcome(_ id: UInt64) -> Got {
    while true {
      if let index = responses.firstIndex(where: { $0.id == id }) {
        return .outcome(responses.remove(at: index).outcome)
      }
      switch fill() {
      case .wouldBlock: return .nothing
      case .end: return .closed
      case .octets: continue
      }
    }
  }

  /// True when the connection ends without anything more.
  func isClosed() -> Bool {
    if case .end = fill() { return true }
    return false
  }

  /// How the process ended: its status, or 128 and its signal.
  @discardableResult func end() -> Int32? {
    for _ in 0..<20_000 where status == nil && child != nil {
      status = child?.reap()
      if status == nil { usleep(1000) }
    }
    return status
  }

  private func fill() -> ReadOutcome {
    guard Descriptor.wait(fd, Int16(POLLIN), milliseconds: 30_000) else { return .wouldBlock }
    let read = Descriptor.read(fd, count: 65_536)
    if case .octets(let octets) = read { responses += conversation.received(octets) }
    return read
  }
}
