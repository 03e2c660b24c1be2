// The snapshot's form in the journal.

internal import JSON
internal import Monitoring
internal import Readings

extension PatientState {
  var json: JSONValue {
    var object = JSONObject()
    for (id, state) in rules.sorted(by: { $0.key < $1.key }) {
      var fields: JSONValue = [
        "phase": .string(state.phase.rawValue), "zone": .string(state.zone.rawValue), "since": .int(state.since),
        "count": .int(state.count),
      ]
      if let deadline = state.deadline, case .object(var members) = fields {
        members["deadline"] = .int(deadline)
        fields = .object(members)
      }
      object[id] = fields
    }
    return .object(object)
  }

  init(json: JSONValue?) {
    self.init()
    for member in json?.object?.members ?? [] {
      guard let phase = member.value["phase"]?.string.flatMap(RuleState.Phase.init(rawValue:)),
        let zone = member.value["zone"]?.string.flatMap(Zone.init(rawValue:)), let since = member.value["since"]?.int,
        let count = member.value["count"]?.int
      else { continue }
      rules[member.key] = RuleState(
        phase: phase, zone: zone, since: Int64(since), count: count,
        deadline: member.value["deadline"]?.int.map { Int64($0) })
    }
  }
}

extension GatewayState {
  /// The snapshot's octets.
  public var encoded: [UInt8] {
    var object = JSONObject()
    object["version"] = 1
    object["stored"] = .int(stored)
    var cursorsObject = JSONObject()
    for (name, cursor) in cursors.sorted(by: { $0.key < $1.key }) {
      cursorsObject[name] = [
        "through": .int(cursor.through), "delivered": .int(cursor.delivered), "refused": .int(cursor.refused),
      ]
    }
    object["cursors"] = .object(cursorsObject)
    var recentObject = JSONObject()
    for (device, readings) in recent.sorted(by: { $0.key < $1.key }) {
      recentObject[device] = .array(readings.identifiers.map { .string(String($0, radix: 36)) })
    }
    object["recent"] = .object(recentObject)
    var lastObject = JSONObject()
    for (device, number) in lastRecord.sorted(by: { $0.key < $1.key }) { lastObject[device] = .int(number) }
    object["last_record"] = .object(lastObject)
    var rulesObject = JSONObject()
    for (patient, state) in rules.sorted(by: { $0.key < $1.key }) { rulesObject[patient] = state.json }
    object["rules"] = .object(rulesObject)
    object["parked"] = .array(
      parked.sorted { $0.value.sequence < $1.value.sequence }.map { id, place in
        var fields = JSONObject()
        fields["id"] = .string(id.description)
        fields["seq"] = .int(place.sequence)
        fields["device"] = .string(place.device)
        if let user = place.user { fields["user"] = .int(user) }
        return .object(fields)
      })
    var fragmentsObject = JSONObject()
    for (device, raws) in fragments.sorted(by: { $0.key < $1.key }) {
      fragmentsObject[device] = .array(
        raws.map { ["source": .string($0.source), "hex": .string(GatewayState.hex($0.octets))] })
    }
    object["fragments"] = .object(fragmentsObject)
    return JSONValue.object(object).encoded()
  }

  /// The state of a snapshot's octets; nil when they are none.
  init?(_ octets: [UInt8]) {
    guard let value = try? JSONReader(maximumSize: 64 << 20).value(octets), value["version"]?.int == 1,
      case .number(let storedNumber)? = value["stored"], let stored = storedNumber.uint64
    else { return nil }
    self.init()
    self.stored = stored
    func unsigned(_ value: JSONValue?) -> UInt64 {
      if case .number(let number)? = value { return number.uint64 ?? 0 }
      return 0
    }
    for member in value["cursors"]?.object?.members ?? [] {
      cursors[member.key] = Cursor(
        through: unsigned(member.value["through"]), delivered: unsigned(member.value["delivered"]),
        refused: unsigned(member.value["refused"]))
    }
    for member in value["recent"]?.object?.members ?? [] {
      recent[member.key] = RecentReadings(
        identifiers: (member.value.array ?? []).compactMap { $0.string.flatMap { UInt64($0, radix: 36) } })
    }
    for member in value["last_record"]?.object?.members ?? [] {
      lastRecord[member.key] = UInt32(exactly: unsigned(member.value))
    }
    for member in value["rules"]?.object?.members ?? [] { rules[member.key] = PatientState(json: member.value) }
    for item in value["parked"]?.array ?? [] {
      guard let id = item["id"]?.string.flatMap({ ReadingID($0) }), let device = item["device"]?.string else {
        continue
      }
      parked[id] = ParkedReading(
        sequence: unsigned(item["seq"]), device: device, user: item["user"]?.int.flatMap(UInt8.init(exactly:)))
    }
    for member in value["fragments"]?.object?.members ?? [] {
      fragments[member.key] = (member.value.array ?? []).compactMap { item in
        guard let source = item["source"]?.string, let octets = item["hex"]?.string.flatMap(GatewayState.octets) else {
          return nil
        }
        return RawSource(source: source, octets: octets)
      }
    }
  }
}
