// What goes out to a backend over HTTP, whatever it speaks: items in, frozen requests out, each with the list of what it holds.

/// A stored reading or event to be delivered.
package struct OutgoingItem: Sendable, Hashable {
  /// Its identifier.
  package var id: String
  /// False for an event.
  package var isReading: Bool
  /// The stored JSON object.
  package var json: [UInt8]

  /// A stored reading or event.
  package init(id: String, isReading: Bool, json: [UInt8]) {
    self.id = id
    self.isReading = isReading
    self.json = json
  }
}

/// Who sends, when, and what is known beside the items.
package struct ExchangeContext: Sendable, Hashable {
  /// The hub's identifier.
  package var hubID: String
  /// The boot that sends.
  package var bootID: String
  /// Hearth's version.
  package var version: String
  /// A UUID, new for each batch.
  package var batchID: String
  /// Milliseconds since 1970.
  package var sentAtMilliseconds: Int64
  /// The hub's clock is synchronised.
  package var isSynchronised: Bool
  /// The patients' limits, by patient.
  package var bands: [String: PatientBands]
  /// The most octets of one request; a single reading that is larger goes alone.
  package var maximumBytes: Int

  /// Who sends and when.
  package init(
    hubID: String, bootID: String, version: String, batchID: String, sentAtMilliseconds: Int64,
    isSynchronised: Bool = true, bands: [String: PatientBands] = [:], maximumBytes: Int = 262_144
  ) {
    self.hubID = hubID
    self.bootID = bootID
    self.version = version
    self.batchID = batchID
    self.sentAtMilliseconds = sentAtMilliseconds
    self.isSynchronised = isSynchronised
    self.bands = bands
    self.maximumBytes = maximumBytes
  }
}

/// One request with what its answer is held against. Its octets never change once it was sent.
package struct EncodedRequest: Sendable, Hashable {
  /// One entry of a Bundle.
  package struct Entry: Sendable, Hashable {
    /// Its `fullUrl`.
    package var fullURL: String
    /// The reading that it belongs to; nil for what several share: patient, devices, clocks.
    package var item: String?
    package var resourceType: String
    /// One entry of a Bundle.
    package init(fullURL: String, item: String?, resourceType: String) {
      self.fullURL = fullURL
      self.item = item
      self.resourceType = resourceType
    }
  }

  /// Of `Idempotency-Key`.
  package var key: String
  package var body: [UInt8]
  /// The identifiers of the items that it holds.
  package var items: [String]
  /// The entries of a Bundle in their order; empty for other formats.
  package var entries: [Entry]

  package init(key: String, body: [UInt8], items: [String], entries: [Entry] = []) {
    self.key = key
    self.body = body
    self.items = items
    self.entries = entries
  }
}

/// A batch ready to be sent.
package struct EncodedBatch: Sendable, Hashable {
  /// In the order in which they go out.
  package var requests: [EncodedRequest]
  /// What this backend cannot be given, by identifier, with the reason.
  package var refused: [String: String]
  /// What this backend is not meant to get: it counts as delivered.
  package var passedOver: [String]

  package init(requests: [EncodedRequest], refused: [String: String] = [:], passedOver: [String] = []) {
    self.requests = requests
    self.refused = refused
    self.passedOver = passedOver
  }
}
