// What goes out to a backend over HTTP, whatever it speaks: items in, frozen requests out, each with the list of what it holds.

/// A stored reading or event to be delivered.
public struct OutgoingItem: Sendable, Hashable {
  /// Its identifier.
  public var id: String
  /// False for an event.
  public var isReading: Bool
  /// The stored JSON object.
  public var json: [UInt8]

  /// A stored reading or event.
  public init(id: String, isReading: Bool, json: [UInt8]) {
    self.id = id
    self.isReading = isReading
    self.json = json
  }
}

/// Who sends, when, and what is known beside the items.
public struct ExchangeContext: Sendable, Hashable {
  /// The hub's identifier.
  public var hubID: String
  /// The boot that sends.
  public var bootID: String
  /// Hearth's version.
  public var version: String
  /// A UUID, new for each batch.
  public var batchID: String
  /// Milliseconds since 1970.
  public var sentAtMilliseconds: Int64
  /// The hub's clock is synchronised.
  public var isSynchronised: Bool
  /// The patients' limits, by patient.
  public var bands: [String: PatientBands]
  /// The most octets of one request; a single reading that is larger goes alone.
  public var maximumBytes: Int

  /// Who sends and when.
  public init(
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
public struct EncodedRequest: Sendable, Hashable {
  /// One entry of a Bundle.
  public struct Entry: Sendable, Hashable {
    /// Its `fullUrl`.
    public var fullURL: String
    /// The reading that it belongs to; nil for what several share: patient, devices, clocks.
    public var item: String?
    /// The type of its resource.
    public var resourceType: String
    /// One entry of a Bundle.
    public init(fullURL: String, item: String?, resourceType: String) {
      self.fullURL = fullURL
      self.item = item
      self.resourceType = resourceType
    }
  }

  /// Of `Idempotency-Key`.
  public var key: String
  /// The body.
  public var body: [UInt8]
  /// The identifiers of the items that it holds.
  public var items: [String]
  /// The entries of a Bundle in their order; empty for other formats.
  public var entries: [Entry]

  /// One request.
  public init(key: String, body: [UInt8], items: [String], entries: [Entry] = []) {
    self.key = key
    self.body = body
    self.items = items
    self.entries = entries
  }
}

/// A batch ready to be sent.
public struct EncodedBatch: Sendable, Hashable {
  /// In the order in which they go out.
  public var requests: [EncodedRequest]
  /// What this backend cannot be given, by identifier, with the reason.
  public var refused: [String: String]
  /// What this backend is not meant to get: it counts as delivered.
  public var passedOver: [String]

  /// A batch.
  public init(requests: [EncodedRequest], refused: [String: String] = [:], passedOver: [String] = []) {
    self.requests = requests
    self.refused = refused
    self.passedOver = passedOver
  }
}
