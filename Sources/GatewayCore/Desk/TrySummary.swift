// What a draft would have led to, in numbers: so much that nobody listens any more, or so little that nobody hears.

internal import JSON
internal import Monitoring
internal import Readings

/// The numbers of a draft over some days.
struct TrySummary {
  private let from: Int64
  private let to: Int64
  private var kinds: [MonitoringEvent.Kind: Int] = [:]
  private var red = 0
  private var retold = 0
  private var last: Int64
  private var longest: Int64 = 0
  private var refused: [String: Int] = [:]
  private var unjudged = 0

  /// - Parameters:
  ///   - from: when the first thing was measured, in milliseconds since 1970: before it nothing could be told.
  ///   - to: when the last thing could be told.
  init(from: Int64, to: Int64) {
    self.from = from
    self.to = to
    last = from
  }

  /// A reading was judged.
  mutating func note(_ evaluation: Evaluation?) {
    guard let evaluation else { return }
    if evaluation.zone == nil { unjudged += 1 }
    for item in evaluation.notJudged { refused[item.because, default: 0] += 1 }
  }

  /// Something was told.
  mutating func note(_ told: PlanReplay.Told) {
    if told.event.detail.repeated != nil {
      retold += 1
    } else {
      kinds[told.event.kind, default: 0] += 1
      if told.event.zone == .red, told.event.kind == .raised { red += 1 }
    }
    longest = max(longest, told.at - last)
    last = told.at
  }

  var json: JSONValue {
    var object = JSONObject()
    func count(_ kind: MonitoringEvent.Kind) -> Int { kinds[kind] ?? 0 }
    object["raised"] = .int(count(.raised))
    object["red"] = .int(red)
    object["retold"] = .int(retold)
    object["unconfirmed"] = .int(count(.unconfirmed))
    object["asked"] = .int(count(.repeatRequested))
    object["cleared"] = .int(count(.cleared))
    object["late"] = .int(count(.late))
    object["missing"] = .int(count(.missing))
    object["reminders"] = .int(count(.reminder))
    let all = kinds.values.reduce(0, +) + retold
    object["told"] = .int(all)
    // Tenths, without binary floating point.
    let days = max(1, (to - from) / 86_400_000)
    object["days"] = .int(Int(days))
    let tenths = Int64(all) * 70 / days
    object["told_a_week"] = .string("\(tenths / 10).\(tenths % 10)")
    object["longest_silence_seconds"] = .int(max(longest, to - last) / 1000)
    object["not_judged"] = .int(unjudged)
    var reasons = JSONObject()
    for (reason, count) in refused.sorted(by: { $0.key < $1.key }) { reasons[reason] = .int(count) }
    object["because"] = .object(reasons)
    return .object(object)
  }
}
