// Ten thousand hubs after an outage: how many arrive in a second, and how long until the server has everything.

enum FleetBench {
  private static let hubs = 10_000
  private static let rate = 200

  static func run() -> [Figure] {
    let least = "at once: 10,000 hubs × 4 batches ÷ \(rate) a second"
    var figures: [Figure] = []
    for (name, change, mostAtOnce, slack) in scenarios {
      var scenario = Fleet.Scenario()
      scenario.hubs = hubs
      scenario.rate = rate
      change(&scenario)
      for isJittered in [true, false] {
        var scenario = scenario
        scenario.isJittered = isJittered
        if !isJittered {
          scenario.startSpread = 0
          // It would take hours: what is drained by then is told.
          scenario.horizon = scenario.serverBackAt + 600_000
        }
        var fleet = Fleet(scenario)
        fleet.run()
        figures += tell(fleet, isJittered ? name : "  without jitter", isJittered ? (mostAtOnce, slack) : nil)
      }
    }
    figures.append(Figure("  the least time, \(least)", Double(hubs * 4 / rate), "s"))
    return figures
  }

  /// At most a fifth of all in one second, and half more than the least time.
  private static let scenarios: [(String, @Sendable (inout Fleet.Scenario) -> Void, Double, Double)] = [
    ("power back in 10,000 homes in one second", { _ in }, 2000, 1.5),
    ("  and the server five minutes later", { $0.serverBackAt = 300_000 }, 2000, 1.5),
    (
      "10,000 running hubs, server back when it said",
      {
        $0.serverBackAt = 300_000
        $0.outage = .announced
        $0.startedOver = 60_000
        $0.startSpread = 0
      }, 2000, 1.5
    ),
  ]

  private static func tell(_ fleet: Fleet, _ name: String, _ goal: (most: Double, slack: Double)?) -> [Figure] {
    let crowd = fleet.crowd
    let start = Int(fleet.scenario.serverBackAt / 1000)
    let isDrained = fleet.drained == hubs && fleet.lost == 0 && fleet.accepted == hubs * Int(Fleet.old + Fleet.fresh)
    let seconds = Double(fleet.lastDrained - fleet.scenario.serverBackAt) / 1000
    var first =
      goal.map { Figure("\(name): most arrivals", Double(crowd.most), "/s", atMost: $0.most) }
      ?? Figure("\(name): most arrivals", Double(crowd.most), "/s")
    first.chart = chart(fleet.arrivals.dropFirst(start), "arrivals") + chart(fleet.served.dropFirst(start), "served")
    let indent = String(name.prefix { $0 == " " }) + "  "
    guard isDrained else {
      return [first, Figure("\(indent)drained ten minutes later", Double(fleet.drained), "of \(hubs)")]
    }
    let text = "\(indent)all drained after"
    return [
      first,
      goal.map { Figure(text, seconds, "s", atMost: Double(fleet.leastTime) / 1000 * $0.slack) }
        ?? Figure(text, seconds, "s"),
    ]
  }

  /// The most of each slice of time, in at most sixty bars.
  private static func chart(_ seconds: ArraySlice<Int>, _ name: String) -> [String] {
    let width = max(1, (seconds.count + 59) / 60)
    let values = Array(seconds)
    let slices = stride(from: 0, to: values.count, by: width).map {
      values[$0..<min(values.count, $0 + width)].max() ?? 0
    }
    let top = max(1, slices.max() ?? 1)
    let bars = Array("▁▂▃▄▅▆▇█")
    let line = slices.map { $0 == 0 ? " " : String(bars[min(7, $0 * 8 / (top + 1))]) }.joined()
    return ["    \(name)/s, to \(top), \(width) s a bar  |\(line)|"]
  }
}
