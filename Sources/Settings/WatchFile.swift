// `watch` in the configuration: what the hub tells of itself, to whom and when.

internal import JSON

extension ConfigurationFile {
  /// `{"heartbeat": {"every": "PT15M", "backends": ["gp"]}, "silent_after": {"*": "P3D"}, "disk_percent": 80,
  /// "clock_after": "PT1H"}`.
  static func watch(_ node: JSONNode?, backends: [String]) throws(JSONError) -> WatchConfiguration {
    var watch = WatchConfiguration()
    guard let object = try node?.object(known: ["heartbeat", "silent_after", "disk_percent", "clock_after"]) else {
      return watch
    }
    if let beat = try object["heartbeat"]?.object(known: ["every", "backends"]) {
      let every = try beat.required("every", "a duration such as \"PT15M\"")
      watch.heartbeatEvery = try duration(every, upTo: 86_400_000)
      guard watch.heartbeatEvery ?? 0 >= 1000 else {
        throw every.error("invalid-value", "expected at least \"PT1S\"")
      }
      for name in try beat.required("backends", "names of backends").array() {
        watch.heartbeatTo.append(try name.string(of: backends))
      }
    }
    for member in try object["silent_after"]?.objectOfAnyKeys() ?? [] {
      watch.silentAfter[member.key] = try duration(member.value, upTo: 3650 * 86_400_000)
    }
    if let node = object["disk_percent"] { watch.diskPercent = try node.int(in: 10...99) }
    if let node = object["clock_after"] { watch.clockAfter = try duration(node, upTo: 3650 * 86_400_000) }
    return watch
  }
}
