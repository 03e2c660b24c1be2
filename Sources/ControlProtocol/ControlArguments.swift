// The parameters of one call, found good by the table of methods.

internal import JSON
internal import Readings

/// What a call gave, by the names of its method's parameters.
package struct ControlArguments: Sendable {
  /// A value of a parameter's type.
  enum Value: Sendable, Hashable {
    case text(String)
    case number(Int)
    case flag(Bool)
    case texts([String])
    case octets([UInt8])
  }

  private let parameters: [ControlParameter]
  private var values: [String: Value] = [:]

  /// Checks what a call gave; nil for a call without parameters.
  init(_ node: JSONNode?, of method: ControlMethod) throws(ControlError) {
    parameters = method.parameters
    do throws(JSONError) {
      // An empty list is how some clients write "none".
      if let node, node.content != .array([]) {
        let members = try node.object(known: parameters.map(\.name))
        for parameter in parameters {
          if let value = members[parameter.name] { values[parameter.name] = try parameter.read(value) }
        }
      }
    } catch {
      throw ControlError(
        code: error.code == PatientReference.nationalIDCode ? error.code : "bad-parameters",
        message: "\(ControlArguments.name(error.path)): \(error.message)",
        hint: error.code == PatientReference.nationalIDCode ? PatientReference.Fault.nationalIdentityNumber.hint : nil)
    }
    if let missing = parameters.first(where: { $0.isRequired && values[$0.name] == nil }) {
      throw ControlArguments.missing(missing)
    }
  }

  /// A parameter as people know it: the call around it is none of theirs.
  private static func name(_ path: String) -> String {
    path.hasPrefix("params.") ? String(path.dropFirst("params.".utf8.count)) : path
  }

  /// A text that was given.
  func text(ifGiven name: String) -> String? {
    if case .text(let text)? = values[name] { return text }
    return nil
  }

  /// A number that was given.
  func number(ifGiven name: String) -> Int? {
    if case .number(let number)? = values[name] { return number }
    return nil
  }

  /// A user slot that was given.
  func slot(ifGiven name: String) -> UInt8? { number(ifGiven: name).flatMap { UInt8(exactly: $0) } }

  /// Whether a flag was given as true.
  func flag(_ name: String) -> Bool { values[name] == .flag(true) }

  /// The words of a list; none when it was not given.
  func texts(_ name: String) -> [String] {
    if case .texts(let texts)? = values[name] { return texts }
    return []
  }

  /// A text that this form of the call must have.
  func text(_ name: String) throws(ControlError) -> String {
    guard let text = text(ifGiven: name) else { throw missing(name) }
    return text
  }

  /// A number that this form of the call must have.
  func number(_ name: String) throws(ControlError) -> Int {
    guard let number = number(ifGiven: name) else { throw missing(name) }
    return number
  }

  /// Octets that this form of the call must have.
  func octets(_ name: String) throws(ControlError) -> [UInt8] {
    guard case .octets(let octets)? = values[name] else { throw missing(name) }
    return octets
  }

  private func missing(_ name: String) -> ControlError {
    guard let parameter = parameters.first(where: { $0.name == name }) else {
      return ControlError(code: "bad-parameters", message: "params: expected \(name)")
    }
    return ControlArguments.missing(parameter)
  }

  private static func missing(_ parameter: ControlParameter) -> ControlError {
    ControlError(
      code: "bad-parameters", message: "params: expected \(parameter.name): \(parameter.meaning)", hint: parameter.hint)
  }
}
