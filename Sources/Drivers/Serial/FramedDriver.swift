// What drivers of framed lines share: octets become frames, frames become actions, garbage becomes problems.

internal import Octets

/// A driver whose line is cut into frames.
protocol FramedDriver: Driver {
  associatedtype Framing: LineProtocol
  /// What was received and is not used up.
  var line: FramedLine<Framing> { get set }
  /// One frame that passed its checks.
  mutating func taken(_ frame: [UInt8]) -> [DriverAction]
}

extension FramedDriver {
  /// Takes octets, split anywhere, and gives what their frames and their garbage bring about.
  mutating func frames(of octets: [UInt8]) -> [DriverAction] {
    line.append(octets)
    var actions: [DriverAction] = []
    while let item = line.next() {
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let frame): actions += taken(frame)
      }
    }
    return actions
  }
}
