// Methods about the hub as a whole.

internal import JSON

extension ControlMethod {
  static let hub: [ControlMethod] = [
    ControlMethod(
      "hello", "who called sudo, as the caller says: believed from root alone, and kept in the audit as claimed",
      .reader,
      .immediate,
      [
        ControlParameter("user", .name, "the user's name"),
        ControlParameter("uid", .number(0...4_294_967_294), "the user's number"),
      ], examples: [["user": "kari", "uid": 1000], ["uid": 1000]]
    ) { given in
      .hello(
        SudoCaller(
          name: given.text(ifGiven: "user"), uid: given.number(ifGiven: "uid").flatMap { UInt32(exactly: $0) }))
    },
    ControlMethod("version", "the daemon's version and the hub's identifier", .reader, .immediate) { _ in .version },
    ControlMethod("status", "how the hub is, and what needs a person", .reader, .immediate) { _ in .status },
    ControlMethod("doctor", "what was checked, and what to do about what failed", .reader, .immediate) { _ in .doctor },
    ControlMethod("backends", "where readings go, and what waits for each", .reader, .immediate) { _ in .backends },
    ControlMethod(
      "backends.try", "sends test readings to a backend, and tells what it answers", .technician, .device,
      isAudited: true, [.required("backend", lookup, "a backend's name")], examples: [["backend": "gp"]]
    ) { given throws(ControlError) in .tryBackend(try given.text("backend")) },
    ControlMethod("reload", "reads the configuration and the plans again", .technician, .change) { _ in .reload },
  ]
}
