// The formats that travel over HTTP: how a batch is written, which headers go with it, how its answer is read.

/// What an HTTP backend speaks.
package enum ExchangeFormat: Sendable, Hashable {
  /// The native batch.
  case native
  /// A transaction of the HL7 PHD guide.
  case phd(PHDSettings)
  /// A Bundle of Observations.
  case observations(ObservationBundleSettings)
  /// CloudEvents in batched mode.
  case cloudEvents(CloudEventsSettings)

  /// As `type` of a backend in the configuration.
  package var name: String {
    switch self {
    case .native: "native"
    case .phd: "fhir-phd"
    case .observations: "fhir-batch"
    case .cloudEvents: "cloudevents"
    }
  }

  /// The requests of a batch.
  package func encode(_ items: [OutgoingItem], _ context: ExchangeContext) -> EncodedBatch {
    switch self {
    case .native:
      let body = NativeBatch.encode(
        batchID: context.batchID, hubID: context.hubID, sentAtMilliseconds: context.sentAtMilliseconds,
        bootID: context.bootID, readings: items.filter(\.isReading).map(\.json),
        events: items.filter { !$0.isReading }.map(\.json))
      return EncodedBatch(requests: [EncodedRequest(key: context.batchID, body: body, items: items.map(\.id))])
    case .phd(let settings): return PHDTransaction.encode(items, context, settings)
    case .observations(let settings): return ObservationBundle.encode(items, context, settings)
    case .cloudEvents(let settings): return CloudEventsBatch.encode(items, context, settings)
    }
  }

  /// The headers of a request, but for the credential.
  package func headers(of request: EncodedRequest) -> [(String, String)] {
    let key = ("Idempotency-Key", "\"\(request.key)\"")
    switch self {
    case .native: return [("Content-Type", "application/json"), ("Accept", "application/json"), key]
    case .phd, .observations:
      return [
        ("Content-Type", "application/fhir+json"), ("Accept", "application/fhir+json"), ("Prefer", "return=minimal"),
        key,
      ]
    case .cloudEvents:
      return [("Content-Type", CloudEventsBatch.mediaType), ("Accept", "application/json"), key]
    }
  }

  /// What an answer means. `attempt` is 1 for the first answer to these octets.
  package func read(
    _ reply: HTTPReply, to request: EncodedRequest, attempt: Int, trustsSuccess: Bool, nowMilliseconds: Int64
  ) -> UploadOutcome {
    switch self {
    case .native:
      return NativeAnswer.read(
        status: reply.status, headers: reply.headers, body: reply.body, isTruncated: reply.isTruncated,
        expected: request.items, trustsSuccess: trustsSuccess, nowMilliseconds: nowMilliseconds)
    case .phd:
      return FHIRAnswer.read(
        reply, to: request, isConditional: true, attempt: attempt, trustsSuccess: trustsSuccess,
        nowMilliseconds: nowMilliseconds)
    case .observations(let settings):
      return FHIRAnswer.read(
        reply, to: request, isConditional: settings.bundleType == .batch && settings.creation != .always,
        attempt: attempt, trustsSuccess: trustsSuccess, nowMilliseconds: nowMilliseconds)
    case .cloudEvents:
      return CloudEventsAnswer.read(reply, to: request, nowMilliseconds: nowMilliseconds)
    }
  }
}
