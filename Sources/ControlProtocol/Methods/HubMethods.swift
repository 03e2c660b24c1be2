// Methods about the hub as a whole.

internal import JSON

extension ControlMethod {
  static let hub: [ControlMethod] = [
    ControlMethod("version", "the daemon's version and the hub's identifier", .reader, .immediate) { _ in .version },
    ControlMethod("status", "how the hub is, and what needs a person", .reader, .immediate) { _ in .status },
    ControlMethod("doctor", "what was checked, and what to do about what failed", .reader, .immediate) { _ in .doctor },
    ControlMethod("backends", "where readings go, and what waits for each", .reader, .immediate) { _ in .backends },
    ControlMethod("reload", "reads the configuration and the plans again", .technician, .change) { _ in .reload },
  ]
}
