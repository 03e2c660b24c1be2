// What a GATT client asks of its link, and what it tells its session. Time, sockets and security are the session's.

/// What the client asks of its link, and what it tells.
package enum GATTOutput: Hashable, Sendable {
  /// Send this PDU.
  case transmit([UInt8])
  /// The MTU is agreed; `start` goes on.
  case greeted
  /// The handles are known: found by discovery, or taken from the cache. It comes again after `databaseChanged`. What
  /// differs from the cache and `isComplete` is worth keeping for the next link with the same bond.
  case discovered(GATTDatabase)
  /// The device has other attributes than the hub thought (Service Changed, Database Out Of Sync, a cached handle that is
  /// none): the cache is worth nothing. Requests that have no answer yet are forgotten, discovery runs anew, and
  /// `discovered` ends it: ask again then.
  case databaseChanged
  /// A value arrived; for an indication the caller sends `GATTClient.confirmation` when what came of it is on disk.
  case value(GATTCharacteristic, [UInt8], isIndication: Bool)
  /// An indication for a handle that nobody knows, or about the database: to be confirmed, with nothing to keep.
  case unknownIndication
  /// A request from the peer for the hub's own attributes: `GATTServer.receive` has its answer. The MTU is never asked here.
  case peerRequest([UInt8])
  /// A read's whole value.
  case readDone(GATTCharacteristic, [UInt8])
  /// A read failed with an ATT error code.
  case readFailed(GATTCharacteristic, UInt8)
  /// A write was acknowledged, or a command was sent.
  case written(GATTCharacteristic)
  /// A write failed with an ATT error code.
  case writeFailed(GATTCharacteristic, UInt8)
  /// A subscription was acknowledged.
  case subscribed(GATTCharacteristic)
  /// A subscription failed with an ATT error code.
  case subscribeFailed(GATTCharacteristic, UInt8)
  /// The device wants the link encrypted or paired (ATT error 0x05 or 0x0F) before it answers. The request waits: call
  /// `securityRaised` to repeat it, or `securityRefused` to let it fail with the same code. Nothing else is sent until
  /// then. Errors that encryption does not cure (0x08, 0x0C) are failures; `ATTErrorCode.isSecurity` tells them.
  case securityRequired(UInt8)
  /// Start the 30 s of a transaction anew.
  case startTimer
  /// No transaction is open.
  case stopTimer
  /// The peer breaks the protocol or does not answer: close the link.
  case failed(String)
}
