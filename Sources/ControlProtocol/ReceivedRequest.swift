// A line of the control socket as a request: what it asks, and whether its caller may ask that.

package import JSON

/// What came in one line.
package struct ReceivedRequest: Sendable {
  /// The longest id in octets: it is kept until the answer.
  package static let longestID = 128

  /// The id to answer with: nil for a notification, which is carried out and never answered; `null` where what came is no request,
  /// so that nobody can know what it was meant to be.
  package private(set) var id: JSONValue? = .null
  /// The method that was called; nil when the line calls none that there is.
  package private(set) var method: ControlMethod?
  /// The request, or why it is none.
  package private(set) var outcome: Result<ControlRequest, ControlError>
  /// The line is no JSON: its sender does not speak this protocol, or lost its place in it.
  package private(set) var isBroken = false

  /// Reads a line that somebody of a role sent. Who may not call the method is told so before its parameters are looked at.
  /// - Parameter groups: the names of the groups in force, for whoever is in none of them.
  package init(_ line: [UInt8], from role: Role, groups: ControlGroups = ControlGroups()) {
    outcome = .failure(groups.notPermitted(nil))
    do throws(ControlError) {
      let node = try envelope(line)
      guard role > .nobody else { return }
      guard let name = node.value["method"]?.string else {
        throw ReceivedRequest.invalid("expected jsonrpc \"2.0\" and a method")
      }
      guard let method = ControlMethod.named(name) else { throw ReceivedRequest.unknown(name) }
      self.method = method
      guard role >= method.role else { throw groups.notPermitted(method) }
      let members: JSONMembers
      do throws(JSONError) {
        members = try node.object(known: ["jsonrpc", "id", "method", "params"])
      } catch {
        throw ControlError(code: "bad-parameters", message: "\(error.path): \(error.message)")
      }
      outcome = .success(try method.request(members["params"]))
    } catch {
      if role > .nobody { outcome = .failure(error) }
    }
  }

  /// The object of a line, and the id in it.
  private mutating func envelope(_ line: [UInt8]) throws(ControlError) -> JSONNode {
    let node: JSONNode
    do throws(JSONError) {
      node = try JSONReader(maximumSize: ControlMessage.longestLine).node(line)
    } catch {
      isBroken = true
      throw ControlError(code: "parse-error", message: "no JSON at column \(error.place.column): \(error.message)")
    }
    guard let object = node.value.object else {
      throw ReceivedRequest.invalid("expected a JSON-RPC 2.0 request object")
    }
    switch object["id"] {
    case nil, .null: break
    case .string(let text)? where text.utf8.count <= ReceivedRequest.longestID: break
    case .number(let number)? where number.text.utf8.count <= ReceivedRequest.longestID: break
    default:
      throw ReceivedRequest.invalid("id: expected a string or a number of at most \(ReceivedRequest.longestID) octets")
    }
    id = object["id"] ?? .null
    guard object["jsonrpc"]?.string == "2.0", object["method"]?.string != nil else {
      throw ReceivedRequest.invalid("expected jsonrpc \"2.0\" and a method")
    }
    id = object["id"]
    return node
  }

  private static func invalid(_ message: String) -> ControlError {
    ControlError(code: "invalid-request", message: message)
  }

  private static func unknown(_ name: String) -> ControlError {
    let names = ControlMethod.all.map(\.name)
    let near = Suggestion.nearest(to: name, among: names)
    return ControlError(
      code: "unknown-method", message: "there is no method \"\(name.prefix(ControlParameter.longestName))\"",
      hint: near.map { "did you mean \($0)?" } ?? "known: \(names.joined(separator: ", "))")
  }
}

/// The names of the groups whose members may call.
package struct ControlGroups: Sendable, Hashable {
  /// Whose members may read.
  package var readers = "hearth"
  /// Whose members may pair, assign and configure.
  package var technicians = "hearth-tech"

  /// Those of a configuration that names none.
  package init() {}

  package init(readers: String, technicians: String) {
    self.readers = readers
    self.technicians = technicians
  }

  /// What somebody is told who may not call a method, or who may call none.
  func notPermitted(_ method: ControlMethod?) -> ControlError {
    let hint =
      switch method?.role {
      case .owner?: "only root and the daemon's own user may: use sudo"
      case .technician?: "use sudo, or let an administrator add you to the group \(technicians)"
      case .reader?, .nobody?, nil:
        "use sudo, or let an administrator add you to the group \(readers) (to read) or \(technicians) (to pair and assign)"
      }
    return ControlError(code: "not-permitted", message: "you may not do this", hint: hint)
  }
}
