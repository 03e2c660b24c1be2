// What the verbs take from the control socket's table of methods: who may do what, the bounds of numbers, and the table itself as the
// help topic "methods".

import ControlProtocol
import JSON

enum MethodTable {
  /// Who may use a verb that calls these methods, for its help; nil when it calls none.
  static func permissions(_ names: [String]) -> String? {
    let methods = names.compactMap(ControlMethod.named)
    guard let least = methods.map(\.role).min() else { return nil }
    var parts = [who(least)]
    for role in [Role.technician, .owner] where role > least {
      let names = methods.filter { $0.role == role }.map(\.name)
      if !names.isEmpty { parts.append("\(names.joined(separator: ", ")): \(who(role))") }
    }
    return wrapped("who may: \(parts.joined(separator: "; "))")
  }

  private static func who(_ role: Role) -> String {
    switch role {
    case .nobody: "everybody"
    case .reader: "the group hearth"
    case .technician: "the group hearth-tech"
    case .owner: "root alone"
    }
  }

  /// The range of a method's number; nil when it has none such.
  static func range(_ method: String, _ parameter: String) -> ClosedRange<Int>? {
    guard
      case .number(let range)? = ControlMethod.named(method)?.parameters.first(where: { $0.name == parameter })?.kind
    else { return nil }
    return range
  }

  /// The words of a method's choice; none when it has none such.
  static func choices(_ method: String, _ parameter: String) -> [String] {
    guard
      case .choice(let words)? = ControlMethod.named(method)?.parameters.first(where: { $0.name == parameter })?.kind
    else { return [] }
    return words
  }

  // MARK: The topic

  static let topic = "methods"

  /// The table for people.
  static func text(_ verbs: [Verb]) -> String {
    var text = """
      The methods of the control socket, for scripts: JSON-RPC 2.0, one object a line.

        {"jsonrpc":"2.0","id":1,"method":"status","params":{}}

      WHO      the least role: readers (group hearth), technicians (group
               hearth-tech), owner (root and the daemon's own user)
      ANSWER   immediate; computes (processor time, by days); reads-journal; change
               (answered when it is on disk); device (waits for a device)
      "audit": who called it is recorded. "durable": its change outlives a restart.

      """
    for method in ControlMethod.all {
      let marks = (method.isAudited ? ", audit" : "") + (method.isDurable ? ", durable" : "")
      text += "\n\(method.name) (\(method.role.name), \(method.cost.rawValue)\(marks))\n"
      text += wrapped(method.summary, at: 2) + "\n"
      for parameter in method.parameters {
        let need = parameter.isRequired ? "" : "optional; "
        text += wrapped("\(parameter.name): \(need)\(parameter.meaning) (\(parameter.bound))", at: 4, indent: 6) + "\n"
      }
      let callers = callers(of: method, verbs)
      if !callers.isEmpty { text += wrapped("by: \(callers.joined(separator: ", "))", at: 2) + "\n" }
    }
    return text
  }

  /// The table for scripts.
  static func json(_ verbs: [Verb]) -> JSONValue {
    let methods: [JSONValue] = ControlMethod.all.map { method in
      [
        "method": .string(method.name), "summary": .string(method.summary), "role": .string(method.role.name),
        "answer": .string(method.cost.rawValue), "audited": .bool(method.isAudited),
        "durable": .bool(method.isDurable),
        "parameters": .array(
          method.parameters.map {
            [
              "name": .string($0.name), "required": .bool($0.isRequired), "meaning": .string($0.meaning),
              "bound": .string($0.bound),
            ]
          }),
        "examples": .array(method.examples), "verbs": .array(callers(of: method, verbs).map { .string($0) }),
      ]
    }
    return ["methods": .array(methods)]
  }

  private static func callers(of method: ControlMethod, _ verbs: [Verb]) -> [String] {
    // Whatever asks the daemon says with sudo who called it.
    verbs.filter { $0.methods.contains(method.name) || method.name == "hello" && !$0.methods.isEmpty }.map {
      "hearthctl \($0.name)"
    }
  }

  /// Text in lines of at most 80 columns, the first behind `margin` blanks, the others behind `indent`.
  private static func wrapped(_ text: String, at margin: Int = 0, indent: Int = 2) -> String {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= 80 {
        lines[lines.count - 1] += " \(word)"
      } else {
        lines.append(String(repeating: " ", count: lines.isEmpty ? margin : indent) + word)
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension Arguments {
  /// A number within the bounds of a method's parameter; nil when the option was not given.
  func number(_ option: String, of method: String, _ parameter: String) throws(Failure) -> Int? {
    guard let text = value(option) else { return nil }
    let range = MethodTable.range(method, parameter) ?? Int.min...Int.max
    guard let number = Int(text), range.contains(number) else {
      throw Failure.usage("\(option) needs a number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
    }
    return number
  }
}
