// The heartbeat of a hub, as backends get it.

internal import Drivers
internal import Monitoring
internal import Octets
internal import Readings
internal import Settings
internal import JSON
internal import Ledger

extension View {
  /// Never a value.
  func heartbeat(_ id: String, raised: Set<String>) -> JSONValue {
    var object = JSONObject()
    object["id"] = .string(id)
    object["type"] = "heartbeat"
    object["at"] = .string(EventText.instant(now.wall, house.offset(at: now.wall)))
    object["hub_id"] = .string(identity.hubID)
    object["version"] = .string(identity.version)
    object["boot_id"] = .string(now.bootID)
    object["uptime_seconds"] = .int((now.monotonic - identity.startedAt) / 1000)
    object["clock_synchronised"] = .bool(now.isSynchronised)
    object["parked"] = .int(durable.parked.count)
    object["refused"] = .int(backends.keys.reduce(0) { $0 + unsettled(of: $1) })
    object["journal"] = [
      "state": .string(journalFailure?.code ?? "ok"), "bytes": .int(journal.bytes),
      "maximum_bytes": .int(journal.maximumBytes), "damaged": .int(journal.damage.count),
      "unsaved": .int(house.unsaved),
    ]
    object["queues"] = .array(
      backends.keys.sorted().compactMap { name in
        guard let backend = backends[name] else { return nil }
        var queue = JSONObject()
        queue["backend"] = .string(name)
        queue["waiting"] = .int(durable.waiting(name))
        if durable.waiting(name) > 0, let oldest = backend.oldestWaiting {
          queue["oldest_waiting_seconds"] = .int(max(0, now.wall - oldest) / 1000)
        }
        if let error = backend.lastError { queue["last_error"] = .string(error.code) }
        return .object(queue)
      })
    object["devices"] = .array(
      knownDevices.compactMap { configured in
        guard let device = devices[configured.id] else { return nil }
        var entry = JSONObject()
        entry["id"] = .string(configured.id)
        entry["last_contact"] = instant(durable.lastContact(of: device))
        if let battery = device.battery { entry["battery"] = .int(battery) }
        if let problem = device.lastProblem { entry["last_problem"] = .string(problem.code) }
        return .object(entry)
      })
    var versions = JSONObject()
    for (patient, plan) in plans.sorted(by: { $0.key < $1.key }) { versions[patient] = .int(plan.version) }
    object["plans"] = .object(versions)
    let refused = notJudged(nil).array ?? []
    if !refused.isEmpty { object["not_judged"] = .array(Array(refused.prefix(View.mostNotJudged))) }
    // Errors first: of many problems the last are left out.
    let all = standingProblems()
    let problems = all.filter { $0.kind.severity == .error } + all.filter { $0.kind.severity != .error }
    if !problems.isEmpty {
      object["problems"] = .array(problems.prefix(View.mostInHeartbeat).map(heartbeatJSON))
      if problems.count > View.mostInHeartbeat { object["problems_left"] = .int(problems.count - View.mostInHeartbeat) }
    }
    object["raised"] = .array(raised.sorted().map { .string($0) })
    return .object(object)
  }
}
