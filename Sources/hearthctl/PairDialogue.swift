// hearthctl pair at a terminal.

import JSON
import Platform

struct PairDialogue {
  private let arguments: Arguments
  private var order: PairOrder

  init(_ arguments: Arguments, _ order: PairOrder) throws(Failure) {
    self.arguments = arguments
    self.order = order
  }

  mutating func run() throws(Failure) -> Int32 {
    throw Failure.usage("pair asks its questions at a terminal", hint: "hearthctl pair ADDRESS --json is for scripts")
  }
}
