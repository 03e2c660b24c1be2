// What a backend gets.

/// A stored item that a backend is to get: its JSON object, ready to be put into a batch.
package struct Deliverable: Hashable, Sendable {
  /// The journal's sequence number.
  package var sequence: UInt64
  /// The reading's or event's identifier.
  package var id: String
  /// False for an event.
  package var isReading: Bool
  /// When it was received, in milliseconds since 1970.
  package var receivedAt: Int64
  /// The JSON object.
  package var json: [UInt8]

  /// A stored item.
  package init(sequence: UInt64, id: String, isReading: Bool, receivedAt: Int64, json: [UInt8]) {
    self.sequence = sequence
    self.id = id
    self.isReading = isReading
    self.receivedAt = receivedAt
    self.json = json
  }
}
