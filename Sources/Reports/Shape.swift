// The signs of a picture: a zone is a shape before it is a colour.

internal import Readings

/// A sign.
enum Shape: Hashable {
  /// Within the limits, or not judged.
  case dot
  /// Yellow.
  case triangle
  /// Red.
  case diamond
  /// Did not come.
  case cross
  /// Above all that the device can measure.
  case up
  /// Below all that the device can measure.
  case down
  /// Not the patient's perhaps, or not believed: a hollow ring.
  case ring

  init(_ point: PatientPicture.Point) {
    if let above = point.above {
      self = above ? .up : .down
      return
    }
    switch (point.standing, point.zone) {
    case (.apart, _): self = .ring
    case (_, .red): self = .diamond
    case (_, .yellow): self = .triangle
    default: self = .dot
    }
  }

  init(_ zone: Zone?) {
    self = zone == .red ? .diamond : zone == .yellow ? .triangle : .dot
  }

  /// The style of a value's sign.
  static func style(_ point: PatientPicture.Point) -> String {
    if point.standing == .apart { return "p p-apart" }
    let doubt = point.standing == .doubtful ? " doubt" : ""
    switch point.zone {
    case .red: return "p p-red\(doubt)"
    case .yellow: return "p p-yellow\(doubt)"
    case .green: return "p p-green\(doubt)"
    case nil: return "p p-none\(doubt)"
    }
  }

  /// The outline around a middle, about `size` in each direction.
  func path(_ x: Double, _ y: Double, _ size: Double) -> String {
    func at(_ dx: Double, _ dy: Double) -> String { Markup.number(x + dx) + " " + Markup.number(y + dy) }
    let n = Markup.number
    switch self {
    case .dot, .ring:
      return
        "M\(at(-size, 0))a\(n(size)) \(n(size)) 0 1 0 \(n(2 * size)) 0a\(n(size)) \(n(size)) 0 1 0 \(n(-2 * size)) 0z"
    case .triangle: return "M\(at(0, -size))L\(at(size, size * 0.8))L\(at(-size, size * 0.8))z"
    case .diamond: return "M\(at(0, -size))L\(at(size, 0))L\(at(0, size))L\(at(-size, 0))z"
    // An arrow that ends at a bar: the value lies beyond it.
    case .up:
      return
        "M\(at(-size, -size))L\(at(size, -size))M\(at(0, -size * 0.7))L\(at(size * 0.8, size))L\(at(-size * 0.8, size))z"
    case .down:
      return
        "M\(at(-size, size))L\(at(size, size))M\(at(0, size * 0.7))L\(at(size * 0.8, -size))L\(at(-size * 0.8, -size))z"
    case .cross: return "M\(at(-size, -size))L\(at(size, size))M\(at(-size, size))L\(at(size, -size))"
    }
  }

  /// A small picture of its own, to stand within text.
  func icon(_ style: String) -> String {
    "<svg class=\"icon\" viewBox=\"0 0 14 14\" aria-hidden=\"true\"><g class=\"\(style)\"><path d=\"\(path(7, 7, self == .dot ? 4 : 5))\"/></g></svg>"
  }
}
