// CloudEvents 1.0 in batched content mode (JSON Event Format 1.0.2 section 4; HTTP Protocol Binding 3.3): how a fleet of hubs
// reaches a broker or an event mesh. A receiver drops what it has by `source` and `id`.

internal import JSON
internal import Readings

/// How events are named.
package struct CloudEventsSettings: Sendable, Hashable {
  /// `source` of every event; nil: `urn:hearth:<hub id>`.
  package var source: String?
  /// What every `type` begins with.
  package var typePrefix: String

  /// A source and what types begin with.
  package init(source: String? = nil, typePrefix: String = "hearth") {
    self.source = source
    self.typePrefix = typePrefix
  }
}

/// The encoder of backend type `cloudevents`.
package enum CloudEventsBatch {
  /// The media type of a batch.
  package static let mediaType = "application/cloudevents-batch+json"

  /// The requests of a batch: the stored objects unchanged as `data`. Patients are named in the data alone, never in the
  /// attributes, which brokers log and route by.
  package static func encode(
    _ items: [OutgoingItem], _ context: ExchangeContext, _ settings: CloudEventsSettings
  ) -> EncodedBatch {
    var batch = EncodedBatch(requests: [])
    var run: [(id: String, octets: [UInt8])] = []
    var bytes = 2
    func close() {
      guard !run.isEmpty else { return }
      var writer = JSONWriter(capacity: bytes)
      writer.beginArray()
      for event in run { writer.raw(event.octets) }
      writer.endArray()
      let key = FHIRIdentity.uuid("request|\(context.batchID)|\(batch.requests.count)")
      batch.requests.append(EncodedRequest(key: key, body: writer.octets, items: run.map(\.id)))
      (run, bytes) = ([], 2)
    }
    for item in items {
      guard let event = event(item, context, settings) else {
        batch.refused[item.id] = "item.unreadable: the stored item cannot be read"
        continue
      }
      if bytes + event.count + 1 > context.maximumBytes { close() }
      run.append((item.id, event))
      bytes += event.count + 1
    }
    close()
    return batch
  }

  private static func event(
    _ item: OutgoingItem, _ context: ExchangeContext, _ settings: CloudEventsSettings
  ) -> [UInt8]? {
    guard let value = try? JSONReader(maximumSize: 1 << 20).value(item.json), value.object != nil else { return nil }
    let subject = (item.isReading ? value["kind"] : value["type"])?.string ?? "unknown"
    let type = item.isReading ? "reading" : "event"
    let time = (item.isReading ? value["taken_at"]?.string ?? value["received_at"]?.string : value["at"]?.string)
    var writer = JSONWriter(capacity: item.json.count + 300)
    writer.beginObject()
    writer.member("specversion", "1.0")
    // A receiver drops what it has by source and id: a correction is an event of its own.
    let isCorrection = item.isReading && value["correction"] != nil
    writer.member("id", isCorrection ? "\(item.id).\(value["seq"]?.int ?? 0)" : item.id)
    writer.member("source", settings.source ?? "urn:hearth:\(context.hubID)")
    writer.member("type", "\(settings.typePrefix).\(type).\(subject).v1")
    if let time { writer.member("time", time) }
    writer.member("subject", subject)
    writer.member("datacontenttype", "application/json")
    // An extension attribute: a broker can keep tests out without a look at the data.
    if value["test"] == true {
      writer.key("test")
      writer.bool(true)
    }
    // One home stays in order in a partitioned log (Partitioning extension).
    writer.member("partitionkey", context.hubID)
    writer.key("data")
    writer.raw(item.json)
    writer.endObject()
    return writer.octets
  }
}
