// Where a backend is, as snapshots have it.

internal import JSON

extension LedgerState.Cursor {
  var json: JSONValue {
    var object = JSONObject()
    object["through"] = .int(through)
    object["delivered"] = .int(delivered)
    object["refused"] = .int(refused)
    if !ahead.isEmpty { object["ahead"] = .array(ahead.map { .int($0) }) }
    if let limit { object["limit"] = .int(limit) }
    if erased > 0 { object["erased"] = .int(erased) }
    if unlisted > 0 { object["unlisted"] = .int(unlisted) }
    if !rows.isEmpty { object["rows"] = LedgerState.object(rows, \.json) }
    if !lines.isEmpty { object["lines"] = LedgerState.object(lines, \.json) }
    return .object(object)
  }

  /// What an older version did not write is as at the beginning.
  init(json value: JSONValue) {
    func unsigned(_ name: String) -> UInt64 { value[name]?.unsigned ?? 0 }
    self.init(through: unsigned("through"), delivered: unsigned("delivered"), refused: unsigned("refused"))
    ahead = (value["ahead"]?.array ?? []).map { $0.unsigned ?? 0 }
    limit = value["limit"]?.int
    unlisted = unsigned("unlisted")
    erased = unsigned("erased")
    for row in value["rows"]?.object?.members ?? [] { rows[row.key] = RefusalRow(json: row.value) }
    for line in value["lines"]?.object?.members ?? [] { lines[line.key] = DeliveryLine(json: line.value) }
  }
}

extension LedgerState {
  /// Values by their names, in the order of the names.
  static func object<T>(_ values: [String: T], _ json: (T) -> JSONValue) -> JSONValue {
    var object = JSONObject()
    for (key, value) in values.sorted(by: { $0.key < $1.key }) { object[key] = json(value) }
    return .object(object)
  }
}
