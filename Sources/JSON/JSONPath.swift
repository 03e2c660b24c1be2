// The way from the top of a JSON text to a value. It becomes text only when an error asks for it: a path a value, each as its own
// text, would let a long name before a long array take memory by the square of what was sent.

/// The way to a value. Siblings share their container's way.
struct JSONPath: Sendable, Hashable {
  enum Step: Sendable, Hashable {
    case top
    case key(String)
    case index(Int)
  }

  /// The way to a container, one box for all that it holds.
  indirect enum Container: Sendable, Hashable {
    case none
    case path(JSONPath)
  }

  var step: Step
  var container: Container

  /// The way to the value that is the whole text.
  static let top = JSONPath(step: .top, container: .none)

  /// Such as `backends[0].url`; empty at the top.
  var text: String {
    var steps: [Step] = []
    var here = self
    while true {
      steps.append(here.step)
      guard case .path(let outer) = here.container else { break }
      here = outer
    }
    var text = ""
    for step in steps.reversed() {
      switch step {
      case .top: break
      case .key(let name): text += text.isEmpty ? name : ".\(name)"
      case .index(let index): text += "[\(index)]"
      }
    }
    return text
  }
}
