// The snapshot's form in the journal.

package import JSON
package import Monitoring
internal import Readings

extension PatientState {
  /// What waits for the end of a delivery: an identifier and a time each.
  package var unsettledJSON: JSONValue { .array(unsettled.map { [.string($0.id.description), .int($0.time)] }) }

  package mutating func takeUnsettled(_ json: JSONValue) {
    isUnsettled = true
    unsettled = (json.array ?? []).compactMap { item in
      guard let fields = item.array, fields.count == 2, let id = fields[0].string.flatMap({ ReadingID($0) }),
        case .number(let number) = fields[1], let time = number.int64, ClockAnchor.range.contains(time)
      else { return nil }
      return Unsettled(id: id, time: time)
    }
  }
}

extension PatientHistory {
  /// At most so many octets of a snapshot, with so many values of each measure.
  package func weight(most: Int) -> Int {
    var sum =
      256 + 48 * weighings.count + 16 * (accepted.count + agreed.count) + 256 * candidates.count + 320 * trails.count
    for (_, points) in unbelieved.pairs { sum += 40 + 48 * points.count }
    for (_, points) in values.pairs { sum += 24 + 48 * min(points.count, most) }
    for (_, points) in asides.pairs { sum += 32 + 48 * points.count }
    for sign in signs.suffix(max(1, most)) { sum += 48 + 24 * sign.flags.count }
    for mark in marks.suffix(PatientHistory.marks(most)) {
      sum += 256 + mark.rule.utf8.count + 2 * (mark.note?.utf8.count ?? 0)
      if mark.episode != nil || mark.value != nil || mark.because != nil { sum += 288 }
    }
    return sum
  }

  /// A mark takes the room of several values: where there is little, values come first.
  private static func marks(_ most: Int) -> Int { most < mostPoints ? min(mostMarks, most / 12) : mostMarks }

  /// The newest so many values of each measure.
  package func kept(most: Int) -> (history: PatientHistory, isShorter: Bool) {
    var kept = self
    var isShorter = false
    for (measure, points) in values.pairs where points.count > most {
      kept.values[measure] = most > 0 ? Series(points.suffix(most)) : nil
      isShorter = true
    }
    kept.marks = Array(marks.suffix(PatientHistory.marks(most)))
    kept.signs = Array(signs.suffix(max(1, most)))
    return (kept, isShorter)
  }

  /// Values as text, a word each: time, identifier and mantissa in base 36, exponent. It stands in every snapshot.
  package var json: JSONValue {
    var object = JSONObject()
    func base36(_ number: Int64) -> String { String(number, radix: 36) }
    func words(_ points: Series) -> JSONValue {
      .string(
        points.map {
          "\(base36($0.time)) \(String($0.id, radix: 36)) \(base36($0.value.mantissa)) \($0.value.exponent)"
            + ($0.isDoubtful ? " q" : "")
        }.joined(separator: ","))
    }
    for (measure, points) in values.pairs.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      object[measure.rawValue] = words(points)
    }
    for (measure, points) in asides.pairs.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      object["aside \(measure.rawValue)"] = words(points)
    }
    for (measure, points) in unbelieved.pairs.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      object["unbelieved \(measure.rawValue)"] = words(points)
    }
    if !agreed.isEmpty { object["agreed"] = .array(agreed.map { .string(String($0, radix: 36)) }) }
    if !weighings.isEmpty {
      object["weighings"] = .string(
        weighings.map {
          "\(base36($0.time)) \(String($0.id, radix: 36)) \(String($0.device, radix: 36))" + ($0.isDoubted ? " q" : "")
        }.joined(separator: ","))
    }
    if !candidates.isEmpty { object["candidates"] = .array(candidates.map(\.json)) }
    if !trails.isEmpty { object["devices"] = .array(trails.map(\.json)) }
    if isSingleUser { object["single_user"] = true }
    if !accepted.isEmpty { object["accepted"] = .array(accepted.map { .string(String($0, radix: 36)) }) }
    let kept = marks.suffix(PatientHistory.mostMarks)
    if !kept.isEmpty { object["marks"] = .array(kept.map(\.json)) }
    let words = signs.map { sign in
      "\(base36(sign.time)) \(String(sign.id, radix: 36)) \(sign.kind.rawValue) "
        + sign.flags.map(\.rawValue).joined(separator: "+")
    }
    object["signs"] = .string(words.joined(separator: ","))
    return .object(object)
  }

  package init(json: JSONValue) {
    self.init()
    for member in json.object?.members ?? [] {
      if member.key == "marks" {
        marks = (member.value.array ?? []).compactMap { Mark(json: $0) }
        continue
      }
      switch member.key {
      case "accepted": accepted = PatientHistory.identifiers(member.value)
      case "agreed": agreed = PatientHistory.identifiers(member.value)
      case "candidates": candidates = (member.value.array ?? []).compactMap { Candidate(json: $0) }
      case "weighings": weighings = PatientHistory.weighings(member.value)
      case "devices": trails = (member.value.array ?? []).compactMap { DeviceTrail(json: $0) }
      case "single_user": setSingleUser(member.value.bool ?? false)
      default: read(member.key, member.value)
      }
    }
  }

  private static func identifiers(_ json: JSONValue) -> [UInt64] {
    (json.array ?? []).compactMap { $0.string.flatMap { UInt64($0, radix: 36) } }
  }

  private static func weighings(_ json: JSONValue) -> [Weighing] {
    (json.string ?? "").split(separator: ",").compactMap { word in
      let parts = word.split(separator: " ")
      guard parts.count >= 3, let time = Int64(parts[0], radix: 36), let id = UInt64(parts[1], radix: 36),
        let device = UInt64(parts[2], radix: 36)
      else { return nil }
      return Weighing(id: id, device: device, time: time, isDoubted: parts.count > 3)
    }
  }

  /// Values or signs, a word each.
  private mutating func read(_ key: String, _ value: JSONValue) {
    let words = (value.string ?? "").split(separator: ",").map { $0.split(separator: " ") }
    if key.hasPrefix("aside "), let measure = Measure(rawValue: String(key.dropFirst(6))) {
      asides[measure] = Series(words.compactMap(PatientHistory.point))
    } else if key.hasPrefix("unbelieved "), let measure = Measure(rawValue: String(key.dropFirst(11))) {
      unbelieved[measure] = Series(words.compactMap(PatientHistory.point))
    } else if let measure = Measure(rawValue: key) {
      values[measure] = Series(words.compactMap(PatientHistory.point))
    } else if key == "signs" {
      for word in words where word.count >= 3 {
        guard let time = Int64(word[0], radix: 36), let id = UInt64(word[1], radix: 36),
          let kind = ReadingKind(rawValue: String(word[2]))
        else { continue }
        let flags = word.count > 3 ? word[3].split(separator: "+").compactMap { ReadingFlag(rawValue: String($0)) } : []
        signs.append(Sign(time: time, id: id, kind: kind, flags: flags))
      }
    }
  }

  private static func point(_ word: [Substring]) -> Point? {
    guard word.count == 4 || word.count == 5, let time = Int64(word[0], radix: 36),
      let id = UInt64(word[1], radix: 36), let mantissa = Int64(word[2], radix: 36), let exponent = Int8(word[3])
    else { return nil }
    return Point(
      time: time, id: id, value: ExactDecimal(mantissa, exponent: exponent), isDoubtful: word.count == 5)
  }
}

extension PatientHistory.Mark {
  package var json: JSONValue {
    var object = JSONObject()
    object["at"] = .int(time)
    object["rule"] = .string(rule)
    object["event"] = .string(kind.rawValue)
    object["zone"] = .string(zone.rawValue)
    if count > 1 { object["count"] = .int(count) }
    if let by { object["by"] = .string(by) }
    if let note, !note.isEmpty { object["note"] = .string(note) }
    if let since { object["since"] = .int(since) }
    let texts: [(String, String?)] = [
      ("episode", episode?.description), ("direction", direction?.rawValue), ("value", value.map { "\($0)" }),
      ("comparator", above.map { $0 ? ">" : "<" }), ("unit", unit?.rawValue), ("measure", measure?.rawValue),
      ("value_zone", valueZone?.rawValue), ("because", because),
    ]
    for (key, text) in texts { if let text { object[key] = .string(text) } }
    return .object(object)
  }

  /// A mark of this version or of one that kept less of it.
  package init?(json: JSONValue) {
    guard case .number(let at)? = json["at"], let time = at.int64, let rule = json["rule"]?.string,
      let kind = json["event"]?.string.flatMap(MonitoringEvent.Kind.init(rawValue:)),
      let zone = json["zone"]?.string.flatMap(Zone.init(rawValue:))
    else { return nil }
    self.init(
      time: time, rule: rule, kind: kind, zone: zone, count: json["count"]?.int ?? 1, by: json["by"]?.string,
      note: json["note"]?.string)
    func named<Name: RawRepresentable>(_ key: String) -> Name? where Name.RawValue == String {
      json[key]?.string.flatMap(Name.init(rawValue:))
    }
    if case .number(let number)? = json["since"] { since = number.int64 }
    episode = json["episode"]?.string.flatMap { ReadingID($0) }
    (direction, unit, measure, valueZone) = (named("direction"), named("unit"), named("measure"), named("value_zone"))
    value = json["value"]?.string.flatMap { ExactDecimal($0) }
    above = json["comparator"]?.string.map { $0 == ">" }
    because = json["because"]?.string.map { String($0.prefix(32)) }
  }
}

extension LedgerState {
  /// The most octets of all histories together: with the rest, less than the journal's largest group.
  package static let mostHistory = 3 << 20

  /// What histories get however small the journal is.
  static let leastHistory = 8 << 10

  /// What a snapshot is, as records of one group: the state, its lists where they are large, and each patient's history behind it.
  package struct SnapshotRecords: Sendable {
    package var entries: [JournalEntry] = []
    /// Patients whose oldest values are left out, because all of them together do not fit.
    package var shortened = 0
    /// How much of the room for histories is taken, in percent.
    package var percent = 0
  }

  /// The records of a snapshot. They become the state in force, too: what a restart finds and what is known live do not differ.
  package var snapshotRecords: SnapshotRecords { snapshotRecords(room: .max) }

  /// - Parameter room: the most octets of all of it that a small journal has room for. Histories are cut for that; the rest is not.
  package func snapshotRecords(room: Int) -> SnapshotRecords {
    var records = SnapshotRecords()
    let mostHistory = min(LedgerState.mostHistory, max(LedgerState.leastHistory, room - coreWeight))
    func weight(_ most: Int) -> Int { history.values.reduce(0) { $0 + $1.weight(most: most) } }
    var most = PatientHistory.mostPoints
    let whole = weight(most)
    records.percent = whole / (mostHistory / 100)
    if whole > mostHistory {
      // The longest series first: the same number of values for all that are longer.
      var (fits, tooMany) = (0, most)
      while tooMany - fits > 1 {
        let middle = (fits + tooMany) / 2
        if weight(middle) <= mostHistory { fits = middle } else { tooMany = middle }
      }
      most = fits
    }
    var rest = self
    rest.history = [:]
    let (core, lists) = rest.parts
    records.entries = [.snapshot(core)] + lists.map { .snapshotPart($0) }
    for (patient, history) in history.sorted(by: { $0.key < $1.key }) {
      let kept = history.kept(most: most)
      if kept.isShorter { records.shortened += 1 }
      records.entries.append(.history(patient: patient, kept.history))
    }
    return records
  }

  /// The octets of a snapshot.
  package var encoded: [UInt8] {
    var object = JSONObject()
    object["version"] = 2
    object["stored"] = .int(stored)
    object["cursors"] = LedgerState.object(cursors, \.json)
    if !register.identities.isEmpty { object["identities"] = LedgerState.object(register.identities, \.json) }
    var lastObject = JSONObject()
    for (device, number) in lastRecord.sorted(by: { $0.key < $1.key }) { lastObject[device] = .int(number) }
    object["last_record"] = .object(lastObject)
    object["counted"] = LedgerState.countedJSON(counted)
    var historyObject = JSONObject()
    for (patient, history) in history.sorted(by: { $0.key < $1.key }) {
      historyObject[patient] = history.json
    }
    object["history"] = .object(historyObject)
    let waiting = parked.sorted { $0.value.sequence < $1.value.sequence }
    let left = waiting.dropLast(LedgerState.mostParkedInSnapshot)
    if let first = [left.first?.value.sequence, parkedBeyond?.first].compactMap(\.self).min() {
      object["parked_from"] = .int(first)
    }
    object["parked"] = .array(
      waiting.suffix(LedgerState.mostParkedInSnapshot).map { id, place in
        var fields = JSONObject()
        fields["id"] = .string(id.description)
        fields["seq"] = .int(place.sequence)
        fields["device"] = .string(place.device)
        if let user = place.user { fields["user"] = .int(user) }
        if let at = place.at { fields["at"] = .int(at) }
        return .object(fields)
      })
    if !urgent.isEmpty {
      object["urgent"] = .array(
        urgent.map { item in .array([.int(item.sequence)] + (item.at.map { [.int($0)] } ?? [])) })
    }
    object["bindings"] = bindings.json
    object["register"] = register.json
    object["keys"] = .int(keys)
    object["sessions"] = sessions.json
    object["quarantine"] = quarantine.json
    if !heldLoads.isEmpty { object["held_loads"] = LedgerState.object(heldLoads, \.json) }
    object["origins"] = origins.json
    if !pauses.isEmpty {
      var paused = JSONObject()
      for (patient, list) in pauses.sorted(by: { $0.key < $1.key }) { paused[patient] = .array(list.map(\.json)) }
      object["pauses"] = .object(paused)
    }
    if !self.left.isEmpty { object["left"] = LedgerState.object(self.left, \.json) }
    if let imported {
      var files = JSONObject()
      for (name, digest) in imported.sorted(by: { $0.key < $1.key }) { files[name] = .string(digest) }
      object["imported"] = .object(files)
    }
    if !erasing.isEmpty { object["erasing"] = .array(erasing.sorted().map { .string($0) }) }
    if !erasingFiles.isEmpty { object["erasing_files"] = .array(erasingFiles.sorted().map { .string($0) }) }
    encodeLists(&object)
    return JSONValue.object(object).encoded()
  }

  /// The octets of a part of a snapshot.
  package var encodedPart: [UInt8] {
    var object = JSONObject()
    encodeLists(&object)
    return JSONValue.object(object).encoded()
  }

  /// What grows with patients, devices and refusals.
  private func encodeLists(_ object: inout JSONObject) {
    var recentObject = JSONObject()
    for (device, readings) in recent.sorted(by: { $0.key < $1.key }) {
      recentObject[device] = .array(readings.identifiers.map { .string(String($0, radix: 36)) })
    }
    object["recent"] = .object(recentObject)
    var octetsObject = JSONObject()
    for (device, readings) in recent.sorted(by: { $0.key < $1.key }) {
      guard let last = readings.lastOctets else { continue }
      octetsObject[device] = [.string(String(last.hash, radix: 36)), .int(last.at)]
    }
    object["last_octets"] = .object(octetsObject)
    var newestObject = JSONObject()
    for (device, readings) in recent.sorted(by: { $0.key < $1.key }) {
      if let at = readings.newestAt { newestObject[device] = .int(at) }
    }
    object["newest"] = .object(newestObject)
    var rulesObject = JSONObject()
    for (patient, state) in rules.sorted(by: { $0.key < $1.key }) { rulesObject[patient] = state.json }
    object["rules"] = .object(rulesObject)
    var restObject = JSONObject()
    for (patient, state) in rules.sorted(by: { $0.key < $1.key }) {
      if let rest = state.restJSON { restObject[patient] = rest }
    }
    if !restObject.members.isEmpty { object["rules_rest"] = .object(restObject) }
    var unsettledObject = JSONObject()
    for (patient, state) in rules.sorted(by: { $0.key < $1.key }) where state.isUnsettled {
      unsettledObject[patient] = state.unsettledJSON
    }
    object["unsettled"] = .object(unsettledObject)
    var fragmentsObject = JSONObject()
    for (device, raws) in fragments.sorted(by: { $0.key < $1.key }) {
      fragmentsObject[device] = .array(
        raws.map { ["source": .string($0.source), "hex": .string(LedgerState.hex($0.octets))] })
    }
    object["fragments"] = .object(fragmentsObject)
    let refused = refusals.sorted { $0.key < $1.key }.flatMap(\.value)
    if !refused.isEmpty { object["refusals"] = .array(refused.map(\.json)) }
    if !retries.isEmpty {
      object["retries"] = .array(
        retries.sorted { $0.key < $1.key }.map { ["at": .int($0.key), "retry": $0.value.json] })
    }
    if !held.isEmpty {
      object["held"] = .array(
        held.sorted { $0.value.sequence < $1.value.sequence }.map { id, place in
          [
            "id": .string(id.description), "seq": .int(place.sequence), "boot_id": .string(place.bootID),
            "monotonic": .int(place.monotonic),
          ]
        })
    }
  }

  /// The state of a snapshot's octets; nil when they are none.
  package init?(_ octets: [UInt8]) {
    guard let value = try? JSONReader(maximumSize: 64 << 20).value(octets),
      let version = value["version"]?.int, 1...2 ~= version,
      case .number(let storedNumber)? = value["stored"], let stored = storedNumber.uint64
    else { return nil }
    self.init()
    self.stored = stored
    func unsigned(_ value: JSONValue?) -> UInt64 { value?.unsigned ?? 0 }
    for member in value["cursors"]?.object?.members ?? [] { cursors[member.key] = Cursor(json: member.value) }
    urgent = (value["urgent"]?.array ?? []).compactMap { item in
      guard let place = item.array, let sequence = place.first else { return nil }
      let at = place.count > 1 ? place[1].int.map { Int64($0) } : nil
      guard at.map({ ClockAnchor.range.contains($0) }) ?? true else { return nil }
      return Urgent(sequence: unsigned(sequence), at: at)
    }
    for member in value["last_record"]?.object?.members ?? [] {
      lastRecord[member.key] = UInt32(exactly: unsigned(member.value))
    }
    counted = LedgerState.counted(value["counted"])
    for member in value["history"]?.object?.members ?? [] {
      history[member.key] = PatientHistory(json: member.value)
    }
    for item in value["parked"]?.array ?? [] {
      guard let id = item["id"]?.string.flatMap({ ReadingID($0) }), let device = item["device"]?.string else {
        continue
      }
      parked[id] = ParkedReading(
        sequence: unsigned(item["seq"]), device: device, user: item["user"]?.int.flatMap(UInt8.init(exactly:)),
        at: LedgerState.instant(item["at"]))
    }
    if value["parked_from"] != nil { parkedBeyond = ParkedBeyond(count: 0, first: unsigned(value["parked_from"])) }
    // A member that cannot be read is as if it were not there; the rest counts.
    if let member = value["bindings"] { bindings = (try? Bindings(member.encoded())) ?? Bindings() }
    if let member = value["register"] { register = (try? DeviceRegister(member.encoded())) ?? DeviceRegister() }
    register.identities = LedgerState.identities(value["identities"])
    if let member = value["sessions"] { sessions = (try? PublicSessions(member.encoded())) ?? PublicSessions() }
    if let member = value["quarantine"] { quarantine = (try? Quarantine(member.encoded())) ?? Quarantine() }
    for member in value["left"]?.object?.members ?? [] { left[member.key] = LeftBackend(json: member.value) }
    for member in value["pauses"]?.object?.members ?? [] {
      pauses[member.key] = (member.value.array ?? []).compactMap { PauseRecord(json: $0) }
    }
    heldLoads = KeptLoad.loads(json: value["held_loads"])
    if let member = value["origins"] { origins = (try? PlanOrigins(member.encoded())) ?? PlanOrigins() }
    keys = unsigned(value["keys"])
    if let files = value["imported"]?.object?.members {
      imported = Dictionary(files.map { ($0.key, $0.value.string ?? "") }, uniquingKeysWith: { $1 })
    }
    erasing = Set((value["erasing"]?.array ?? []).compactMap(\.string))
    erasingFiles = Set((value["erasing_files"]?.array ?? []).compactMap(\.string))
    takeLists(value)
  }

  /// Milliseconds since 1970; nil for anything else.
  private static func instant(_ value: JSONValue?) -> Int64? {
    guard case .number(let number)? = value, let at = number.int64, ClockAnchor.range.contains(at) else { return nil }
    return at
  }

  /// Numbers of readings by device.
  static func countedJSON(_ counted: [String: UInt64]) -> JSONValue {
    var object = JSONObject()
    for (device, count) in counted.sorted(by: { $0.key < $1.key }) { object[device] = .int(count) }
    return .object(object)
  }

  static func counted(_ value: JSONValue?) -> [String: UInt64] {
    let members = value?.object?.members ?? []
    return Dictionary(members.map { ($0.key, $0.value.unsigned ?? 0) }, uniquingKeysWith: { $1 })
  }

  /// A part of a snapshot; nil when the octets are none.
  package init?(part octets: [UInt8]) {
    guard let value = try? JSONReader(maximumSize: 64 << 20).value(octets), value.object != nil else { return nil }
    self.init()
    takeLists(value)
  }

  private mutating func takeLists(_ value: JSONValue) {
    func unsigned(_ value: JSONValue?) -> UInt64 { value?.unsigned ?? 0 }
    for refusal in (value["refusals"]?.array ?? []).compactMap({ Refusal(json: $0) }) {
      list(refusal)
    }
    for member in value["recent"]?.object?.members ?? [] {
      recent[member.key] = RecentReadings(
        identifiers: (member.value.array ?? []).compactMap { $0.string.flatMap { UInt64($0, radix: 36) } })
    }
    for member in value["last_octets"]?.object?.members ?? [] {
      guard let fields = member.value.array, fields.count == 2,
        let hash = fields[0].string.flatMap({ UInt64($0, radix: 36) }),
        case .number(let number) = fields[1], let at = number.int64, ClockAnchor.range.contains(at)
      else { continue }
      recent[member.key]?.lastOctets = (hash, at)
    }
    for member in value["newest"]?.object?.members ?? [] {
      if let at = LedgerState.instant(member.value) { recent[member.key]?.newestAt = at }
    }
    for member in value["rules"]?.object?.members ?? [] {
      rules[member.key] = PatientState(json: member.value, rest: value["rules_rest"]?[member.key])
    }
    for member in value["unsettled"]?.object?.members ?? [] {
      rules[member.key, default: PatientState()].takeUnsettled(member.value)
    }
    for item in value["held"]?.array ?? [] {
      guard let id = item["id"]?.string.flatMap({ ReadingID($0) }), let boot = item["boot_id"]?.string,
        let monotonic = item["monotonic"]?.int, ClockAnchor.range.contains(Int64(monotonic))
      else { continue }
      held[id] = HeldReading(sequence: unsigned(item["seq"]), bootID: boot, monotonic: Int64(monotonic))
    }
    for item in value["retries"]?.array ?? [] {
      if let retry = item["retry"].flatMap({ Retry(json: $0) }) { retries[unsigned(item["at"])] = retry }
    }
    for member in value["fragments"]?.object?.members ?? [] {
      fragments[member.key] = (member.value.array ?? []).compactMap { item in
        guard let source = item["source"]?.string, let octets = item["hex"]?.string.flatMap(LedgerState.octets) else {
          return nil
        }
        return RawSource(source: source, octets: octets)
      }
    }
  }
}
