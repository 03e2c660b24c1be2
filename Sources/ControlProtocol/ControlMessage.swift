// What goes over the control socket: JSON-RPC 2.0, one object a line.

package import JSON

/// An error for the caller: what is wrong and what to do.
package struct ControlError: Error, Sendable, Hashable {
  /// Stable, such as `not-permitted`, `unknown-method`, `bad-parameters`, `not-found`, `journal.full`.
  package var code: String
  /// One sentence.
  package var message: String
  /// What to do; nil when there is nothing.
  package var hint: String?

  /// An error with its stable code.
  package init(code: String, message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// The number that JSON-RPC wants beside the code.
  package var number: Int {
    switch code {
    case "parse-error": -32700
    case "invalid-request": -32600
    case "unknown-method": -32601
    case "bad-parameters": -32602
    default: -32000
    }
  }
}

/// The answer to a request.
package enum ControlAnswer: Sendable, Hashable {
  case result(JSONValue)
  case failure(ControlError)
}

/// Requests, answers and notifications as lines.
package enum ControlMessage {
  /// The longest line in octets.
  package static let longestLine = 65_536

  /// A request's line, without line end.
  package static func request(id: Int, method: String, parameters: JSONValue) -> [UInt8] {
    let message: JSONValue = ["jsonrpc": "2.0", "id": .int(id), "method": .string(method), "params": parameters]
    return message.encoded()
  }

  /// An answer's line, without line end. `id` is the request's own.
  package static func answer(id: JSONValue, _ answer: ControlAnswer) -> [UInt8] {
    switch answer {
    case .result(let value):
      let message: JSONValue = ["jsonrpc": "2.0", "id": id, "result": value]
      return message.encoded()
    case .failure(let error):
      var data = JSONObject()
      data["code"] = .string(error.code)
      if let hint = error.hint { data["hint"] = .string(hint) }
      let message: JSONValue = [
        "jsonrpc": "2.0", "id": id,
        "error": ["code": .int(error.number), "message": .string(error.message), "data": .object(data)],
      ]
      return message.encoded()
    }
  }

  /// A notification's line, without line end; `parameters` is JSON already.
  package static func notification(method: String, parameters: [UInt8]) -> [UInt8] {
    var writer = JSONWriter(capacity: parameters.count + 64)
    writer.beginObject()
    writer.member("jsonrpc", "2.0")
    writer.member("method", method)
    writer.key("params")
    writer.raw(parameters)
    writer.endObject()
    return writer.octets
  }

  /// What a client got: an answer to its request, or a notification. Nil for a line that is neither.
  package static func read(_ line: [UInt8]) -> ControlReply? {
    guard let value = try? JSONReader(maximumSize: 64 << 20).value(line), let object = value.object else { return nil }
    if let method = object["method"]?.string {
      return .notification(method: method, parameters: object["params"] ?? .null)
    }
    if let error = object["error"] {
      return .answer(
        .failure(
          ControlError(
            code: error["data"]?["code"]?.string ?? "error",
            message: error["message"]?.string ?? "the daemon gave an error",
            hint: error["data"]?["hint"]?.string)))
    }
    guard let result = object["result"] else { return nil }
    return .answer(.result(result))
  }
}

/// What a client gets.
package enum ControlReply: Sendable, Hashable {
  case answer(ControlAnswer)
  case notification(method: String, parameters: JSONValue)
}
