// The methods of the control socket: one table, of which each row says everything about its method. Permissions, decoders, the help
// of hearthctl, the README and the tests come from it.

package import JSON

/// One method: who may call it, what it takes, what it costs, what it leaves behind.
package struct ControlMethod: Sendable {
  /// What an answer waits for, and so what a request costs.
  package enum Cost: String, Sendable, CaseIterable {
    /// Answered at once from what is in memory.
    case immediate
    /// Judges the kept values of a patient again: processor time that grows with the days asked for.
    case computes
    /// Reads stored records.
    case readsJournal = "reads-journal"
    /// Answered when what it changes is on disk, or loaded.
    case change
    /// Waits for a device, a radio, a port or a backend.
    case device

    /// The answer may be long: it grows with what is stored of the days or readings asked for.
    package var isLarge: Bool { self == .computes || self == .readsJournal }
  }

  /// Its name on the wire.
  package let name: String
  /// What it does, in one line.
  package let summary: String
  /// The least role that may call it.
  package let role: Role
  /// What its answer waits for.
  package let cost: Cost
  /// An audit record tells who called it.
  package let isAudited: Bool
  /// What it changes outlives a restart of the daemon, beside the audit record.
  package let isDurable: Bool
  /// What it takes; nothing else is accepted.
  package let parameters: [ControlParameter]
  /// Parameters that it accepts, one for each form that they have.
  package let examples: [JSONValue]
  private let make: @Sendable (ControlArguments) throws(ControlError) -> ControlRequest

  /// A row. `make` gets parameters that were found good.
  init(
    _ name: String, _ summary: String, _ role: Role, _ cost: Cost, isAudited: Bool = false, isDurable: Bool = false,
    _ parameters: [ControlParameter] = [], examples: [JSONValue] = [[:]],
    _ make: @escaping @Sendable (ControlArguments) throws(ControlError) -> ControlRequest
  ) {
    self.name = name
    self.summary = summary
    self.role = role
    self.cost = cost
    self.isAudited = isAudited
    self.isDurable = isDurable
    self.parameters = parameters
    self.examples = examples
    self.make = make
  }

  /// The request of a call with these parameters; nil for a call without any. Throws `bad-parameters`, or the code of a parameter's
  /// own rule.
  func request(_ parameters: JSONNode?) throws(ControlError) -> ControlRequest {
    try make(ControlArguments(parameters, of: self))
  }

  /// Every method, in the order of the documentation.
  package static let all: [ControlMethod] =
    hub + readings + patients + plans + devices + ports

  /// The method of a name; nil when there is none.
  package static func named(_ name: String) -> ControlMethod? { byName[name] }

  private static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}
